"""The formats a layer is exported in: their names, what may be asked of them, and who writes them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from app.config import settings
from app.errors import BadRequest, NotFound
from app.kit.geo import WGS84
from app.publish.exports import geojson, gis, gpkg, parquet, shapefile, sheets
from app.publish.exports.copying import Advance
from app.publish.exports.selection import Selection
from app.publish.exports.task import Task

Stream = Callable[[Session, str, Selection, str, Advance], Generator[bytes, None, None]]
Write = Callable[[Task, Path], None]


@dataclass(frozen=True)
class Format:
    """One format, by the suffix of its files.

    Attributes
    ----------
    stream : callable or None
        Yields the file as it is read; formats without it are written to a file first.
    write : callable or None
        Writes the file.
    metric : bool
        May be in the province's VN-2000 zone; the others are in degrees by their own standard.
    """

    suffix: str
    media_type: str
    title: str
    stream: Stream | None = None
    write: Write | None = None
    metric: bool = True


def _geojson(form: geojson.Form) -> Stream:
    return lambda session, name, selection, _, advance: geojson.stream(session, name, selection, form, advance)


FORMATS: Mapping[str, Format] = {
    f.suffix: f
    for f in (
        Format("geojson", "application/geo+json", "GeoJSON (RFC 7946)", _geojson("geojson"), metric=False),
        Format("geojsonl", "application/x-ndjson", "GeoJSON, one feature a line", _geojson("geojsonl"),
               metric=False),
        Format("geojsons", "application/geo+json-seq", "GeoJSON Text Sequence (RFC 8142)", _geojson("geojsons"),
               metric=False),
        Format("gpkg", "application/geopackage+sqlite3", "GeoPackage 1.2, with styles for QGIS", write=gpkg.write),
        Format("fgb", "application/flatgeobuf", "FlatGeobuf", write=gis.flatgeobuf),
        Format("parquet", "application/vnd.apache.parquet", "GeoParquet 1.1", write=parquet.write),
        Format("csv", "text/csv; charset=utf-8", "CSV (UTF-8), lon/lat or WKT", sheets.csv),
        Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Excel",
               write=sheets.xlsx),
        Format("kml", "application/vnd.google-earth.kml+xml", "KML 2.2", write=gis.kml, metric=False),
        Format("shp.zip", "application/zip", "Zipped Shapefile (UTF-8)", write=shapefile.write),
    )
}  # fmt: skip


def named(suffix: str) -> Format:
    """Return the format of a suffix.

    Raises
    ------
    NotFound
        No such format; the message lists those there are.
    """
    found = FORMATS.get(suffix.lower())
    if found is None:
        known = ", ".join(FORMATS)
        raise NotFound(
            "unknown_format",
            f"Không có định dạng {suffix[:20]!r}; hiện có: {known}",
            f"There is no format {suffix[:20]!r}; there are: {known}",
            field="format",
            supported=list(FORMATS),
        )
    return found


def projected(form: Format, crs: str | None) -> str:
    """Return the CRS to write in, `crs` or degrees.

    Raises
    ------
    BadRequest
        Neither degrees nor the province's zone, or a format that is in degrees by its standard.
    """
    wanted, zone = (crs or WGS84).upper(), settings().metric_crs.upper()
    if wanted not in {WGS84, zone}:
        raise BadRequest(
            "unknown_crs",
            f"Không xuất được theo {crs!r}; hiện có: {WGS84}, {zone}",
            f"{crs!r} cannot be written; there are: {WGS84}, {zone}",
            field="crs",
            supported=[WGS84, zone],
        )
    if wanted != WGS84 and not form.metric:
        able = ", ".join(f.suffix for f in FORMATS.values() if f.metric)
        raise BadRequest(
            "crs_not_for_format",
            f"{form.title} chỉ dùng {WGS84} theo tiêu chuẩn; theo {zone} có: {able}",
            f"{form.title} is in {WGS84} by its standard; in {zone} there are: {able}",
            field="crs",
        )
    return wanted
