"""Positions of a file in EPSG:4326, from its geometry or its columns, with the raw coordinates kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from app.intake import mends, parsing
from app.intake.columns import Sheet
from app.intake.findings import Findings
from app.intake.layers import Layer
from app.intake.region import Region
from app.kit.angle import parse_angle
from app.kit.geo import WGS84, parse_crs, to_wgs84
from app.kit.table import Notice, Table

Floats = NDArray[np.float64]

_MEND_VI, _MEND_EN = (
    "sửa bằng QGIS: Fix geometries, hoặc ST_MakeValid",
    "QGIS mends it: Fix geometries; or ST_MakeValid",
)
_KINDS = {
    "point": ("Point",),
    "line": ("LineString",),
    "multiline": ("LineString", "MultiLineString"),
    "polygon": ("Polygon", "MultiPolygon"),
    "village": ("Point", "Polygon", "MultiPolygon"),
    "area": ("Point", "Polygon", "MultiPolygon"),
    "shape": ("Point", "LineString", "MultiLineString", "Polygon", "MultiPolygon"),
}


@dataclass
class Position:
    """Where each row is.

    Attributes
    ----------
    lon, lat : ndarray of float64, shape (n,)
        EPSG:4326 degrees; NaN where unknown or refused. Of lines and polygons: the middle of their box.
    geometry : ndarray of shapely geometries, shape (n,), or None
        In EPSG:4326, for layers of lines and polygons.
    raw_x, raw_y : ndarray of float64, shape (n,)
        As surveyed, in `raw_crs`; only of points not given in EPSG:4326.
    """

    lon: Floats
    lat: Floats
    geometry: NDArray[np.object_] | None = None
    raw_x: Floats | None = None
    raw_y: Floats | None = None
    raw_crs: str | None = None


def locate(
    layer: Layer, table: Table, sheet: Sheet, crs: str | None, region: Region, findings: Findings, *,
    metric_crs: str, accept_outside: bool = False,
) -> Position | None:  # fmt: skip
    """Return the positions of `table`, or None when the file as a whole has none.

    Parameters
    ----------
    crs : str or None
        As declared on the command line; must agree with what the file itself declares.
    metric_crs : str
        The province's own system in metres, for the mends.
    accept_outside : bool
        Points outside the province that another zone would put inside are taken as they are.
    """
    has = sheet.cells.keys()
    if table.geometry is not None and not shapely.is_missing(table.geometry).all():
        geometry, column, own = table.geometry, "geometry", table.crs
        if own is None and table.format == "geojson":
            own = None if crs else WGS84  # RFC 7946; an explicit --crs is believed, for the many files in metres
    elif "wkt" in has:
        cells = parsing.column("wkt", sheet.cells["wkt"], _wkt, findings, label=sheet.label("wkt"))
        geometry, column, own = cells, sheet.label("wkt"), None
        crs = crs or WGS84
    elif {"lon", "lat"} <= has or {"x", "y"} <= has:
        return _from_columns(layer, sheet, crs, region, findings, metric_crs, accept_outside)
    elif table.geometry is not None:
        findings.add("missing_geometry", "geometry", np.ones(len(table), bool))
        return None
    elif layer.geometry == "area":  # known by code and name only
        return Position(np.full(len(table), np.nan), np.full(len(table), np.nan))
    else:
        findings.add_file("no_position", "geometry")
        return None
    used = _agree(own, crs, metric_crs, findings)
    if used is None:
        return None
    geometry = _check_kind(layer, table, geometry, column, findings)
    return _transformed(layer, geometry, column, used, region, findings, metric_crs, accept_outside)


def _wkt(value: Any) -> Any:
    geometry = shapely.from_wkt(parsing.text(value), on_invalid="ignore")
    if geometry is None:
        raise parsing.Bad("unreadable_geometry")
    return shapely.force_2d(geometry)


def _agree(own: str | None, declared: str | None, metric_crs: str, findings: Findings) -> str | None:
    """Return the CRS to use; a finding and None when there is none or the two contradict."""
    if own is None and declared is None:
        findings.add_file("crs_needed", "crs", hint=f"{metric_crs}, EPSG:4326")
        return None
    named = [_authority(parse_crs(c)) if c else None for c in (own, declared)]
    if own and declared and named[0] != named[1] and not parse_crs(own).equals(parse_crs(declared), True):
        findings.add_file("crs_conflict", "crs", declared, f"{named[0]} ≠ {named[1]}")
        return None
    return named[0] or named[1]


def _authority(crs: CRS) -> str:
    """Return "EPSG:n" where the definition is a known one (a .prj rarely says), else the definition."""
    epsg = crs.to_epsg(min_confidence=70)
    if crs.is_geographic and (epsg is None or epsg == 4326 or "84" in crs.name):
        epsg = 4326 if "84" in crs.name else epsg
    return f"EPSG:{epsg}" if epsg else crs.to_wkt()


def _check_kind(
    layer: Layer, table: Table, geometry: NDArray[np.object_], column: str, findings: Findings
) -> NDArray[np.object_]:
    missing = shapely.is_missing(geometry)
    unreadable = table.unreadable if table.unreadable is not None and column == "geometry" else np.zeros_like(missing)
    findings.add("unreadable_geometry", column, unreadable)
    findings.add("missing_geometry", column, missing & ~unreadable)
    bare = ~missing & shapely.is_empty(geometry)
    findings.add("empty_geometry", column, bare)
    kinds = _KINDS[layer.geometry]
    geometry = geometry.copy()
    geometry[bare] = None
    if layer.geometry in {"point", "line"}:  # a multi-geometry with one part, or lines end to end, is one
        several = shapely.get_type_id(geometry) > shapely.GeometryType.POLYGON
        if several.any():
            single = several & (shapely.get_num_geometries(geometry) == 1)
            geometry[single] = shapely.get_geometry(geometry[single], 0)
            rest = np.flatnonzero(shapely.get_type_id(geometry) == shapely.GeometryType.MULTILINESTRING)
            geometry[rest] = shapely.line_merge(geometry[rest])
    names = np.array([g.geom_type if g is not None else "" for g in geometry])
    wrong = (names != "") & ~np.isin(names, kinds)
    findings.add("wrong_geometry", column, wrong, hints=[f"{n} ≠ {'/'.join(kinds)}" for n in names[wrong]])
    geometry[wrong] = None
    counts = shapely.get_num_coordinates(geometry)
    endless = np.zeros(len(geometry), bool)
    endless[np.repeat(np.arange(len(geometry)), counts)[~np.isfinite(shapely.get_coordinates(geometry)).all(1)]] = True
    findings.add("coordinate_not_finite", column, endless)
    geometry[endless] = None
    return geometry


def _transformed(
    layer: Layer, geometry: NDArray[np.object_], column: str, crs: str, region: Region, findings: Findings,
    metric_crs: str, accept_outside: bool,
) -> Position:  # fmt: skip
    def middle(shapes: NDArray[np.object_]) -> tuple[Floats, Floats]:
        box = shapely.bounds(shapes)
        return (box[:, 0] + box[:, 2]) / 2, (box[:, 1] + box[:, 3]) / 2

    if layer.geometry == "point":
        x, y = shapely.get_x(geometry), shapely.get_y(geometry)
        return _points(layer, x, y, crs, (column, column), region, findings, metric_crs, accept_outside)
    x, y = middle(geometry)
    if crs != WGS84:
        geometry = shapely.transform(geometry, lambda xy: np.column_stack(to_wgs84(xy[:, 0], xy[:, 1], crs)))
    lon, lat = middle(geometry)
    box = shapely.bounds(geometry)
    good = mends.check(x, y, lon, lat, crs, (column, column), region, findings, metric_crs=metric_crs,
                       accept_outside=accept_outside, near_province=layer.near_province, bounds=box)  # fmt: skip
    geometry[~good] = None
    _valid(geometry, column, findings)
    return Position(np.where(good, lon, np.nan), np.where(good, lat, np.nan), geometry)


def _valid(geometry: NDArray[np.object_], column: str, findings: Findings) -> None:
    wrong = np.flatnonzero(~shapely.is_missing(geometry) & ~shapely.is_valid(geometry))
    if len(wrong):
        reasons = shapely.is_valid_reason(geometry[wrong])  # with the place: "Self-intersection[107.6 16.4]"
        hints = [f"{r} (lon lat); {_MEND_VI} | {r} (lon lat); {_MEND_EN}" for r in reasons]
        findings.add("invalid_geometry", column, wrong, hints=hints)
        geometry[wrong] = None


def _from_columns(
    layer: Layer, sheet: Sheet, crs: str | None, region: Region, findings: Findings, metric_crs: str,
    accept_outside: bool,
) -> Position | None:  # fmt: skip
    if layer.geometry not in {"point", "village", "area"}:
        findings.add_file("no_position", "wkt", hint="")
        return None
    degrees = {"lon", "lat"} <= sheet.cells.keys()
    names = ("lon", "lat") if degrees else ("x", "y")
    if not degrees and crs is None:
        findings.add_file("crs_needed", "crs", hint=metric_crs)
        return None
    used = _authority(parse_crs(crs)) if crs else WGS84
    labels = (sheet.label(names[0]), sheet.label(names[1]))
    x, y = (_coordinates(name, sheet, findings, degrees) for name in names)
    missing = np.isnan(x) | np.isnan(y)
    for name, label in zip(names, labels, strict=True):
        blank = np.array([v is None or (type(v) is str and not v.strip()) for v in sheet.cells[name].tolist()], bool)
        if layer.geometry != "area":
            findings.add("missing_geometry", label, blank & missing)
    return _points(layer, x, y, used, labels, region, findings, metric_crs, accept_outside)


def _coordinates(name: str, sheet: Sheet, findings: Findings, degrees: bool) -> Floats:
    cells, label = sheet.cells[name], sheet.label(name)
    if not degrees:
        return parsing.numbers(name, cells, findings, label=label)
    listed = cells.tolist()
    try:  # the usual column: plain numbers
        values = np.array([np.nan if v is None else float(v) for v in listed], np.float64)
        if not any(type(v) is str and not v[-1:].isdigit() for v in listed) and np.isfinite(values).any():
            return values
    except (ValueError, TypeError, OverflowError):
        pass  # at least one cell is not plain: read cell by cell below

    def angle(value: Any) -> float:
        if isinstance(value, str):
            found = parse_angle(value)
            if found is not None:
                return found
        try:
            return parsing.number(value, comma_is_decimal=True)
        except parsing.Bad as bad:
            raise parsing.Bad("not_finite" if bad.code == "not_finite" else "bad_coordinate") from None

    read = parsing.column(name, cells, angle, findings, label=label)
    return np.array([np.nan if v is None else v for v in read], np.float64)


def _points(
    layer: Layer, x: Floats, y: Floats, crs: str, labels: tuple[str, str], region: Region, findings: Findings,
    metric_crs: str, accept_outside: bool,
) -> Position:  # fmt: skip
    lon, lat = (x, y) if crs == WGS84 else to_wgs84(x, y, crs)
    good = mends.check(x, y, lon, lat, crs, labels, region, findings, metric_crs=metric_crs,
                       accept_outside=accept_outside, near_province=layer.near_province)  # fmt: skip
    position = Position(np.where(good, lon, np.nan), np.where(good, lat, np.nan))
    if crs != WGS84:
        position.raw_x, position.raw_y, position.raw_crs = np.where(good, x, np.nan), np.where(good, y, np.nan), crs
    return position


def assumed(table: Table, sheet: Sheet, crs: str | None) -> list[Notice]:
    """Return the notice of a CRS nobody stated."""
    if crs or table.crs or (table.geometry is None and not {"lon", "lat", "wkt"} & sheet.cells.keys()):
        return []
    return [Notice("crs_assumed", "Toạ độ được hiểu là EPSG:4326 (WGS84)", "Coordinates taken as EPSG:4326 (WGS84)")]
