"""Points in the wrong place: the classic mistakes recognised, each with its likely mend."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.intake.findings import Findings
from app.intake.region import COUNTRY, Region, in_country
from app.kit.geo import WGS84, parse_crs, to_wgs84

Floats = NDArray[np.float64]

ZONES = ("EPSG:9214", "EPSG:5897", "EPSG:5899", "EPSG:3405", "EPSG:3406")
"""VN-2000: TM-3 107-00, 105-00 and 107-45 (the neighbours people mix up), UTM 48N and 49N."""


def check(
    x: Floats, y: Floats, lon: Floats, lat: Floats, crs: str, labels: tuple[str, str], region: Region,
    findings: Findings, *, metric_crs: str, accept_outside: bool, near_province: bool, bounds: Floats | None = None,
) -> NDArray[np.bool_]:  # fmt: skip
    """Report misplaced points; return which may be stored.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        As in the file; NaN rows were reported before.
    lon, lat : ndarray of float64, shape (n,)
        The same in EPSG:4326 by way of `crs`.
    labels : pair of str
        Their columns in the file.
    near_province : bool
        False: only the country is asked (boundary sets disagree by kilometres at the edges).
    bounds : ndarray of float64, shape (n, 4), or None
        Boxes of lines and polygons, which must lie in the country whole.
    """
    known = np.isfinite(x) & np.isfinite(y)
    country = known & in_country(lon, lat)
    if bounds is not None:
        country &= in_country(bounds[:, 0], bounds[:, 1]) & in_country(bounds[:, 2], bounds[:, 3])
    within = country & (region.inside(lon, lat) if near_province else True)
    astray = known & ~within
    if not astray.any():
        return country
    shown = np.array([f"{a:.10g} {b:.10g}" for a, b in zip(x[astray], y[astray], strict=True)], object)
    values = np.empty(len(x), object)
    values[astray] = shown
    column = ", ".join(dict.fromkeys(labels))
    left = astray.copy()

    def report(code: str, where: NDArray[np.bool_], hint: str = "") -> None:
        findings.add(code, column, where & left, values, hint)
        left[where] = False

    swap = "kinh độ/hướng đông phải đứng trước | longitude/easting comes first"
    if labels[0] != labels[1]:
        swap = f"đổi chỗ {labels[0]} và {labels[1]} | exchange {labels[0]} and {labels[1]}"
    with np.errstate(invalid="ignore"):
        if parse_crs(crs).is_geographic:
            metres = (np.abs(x) > 1000) & (np.abs(y) > 1000)
            report("metres_in_degrees", metres, f"--crs {_system_for(x, y, metres, region, metric_crs)}")
            report("swapped_axes", in_country(y, x), swap)
        else:
            report("degrees_in_metres", in_country(x, y) | in_country(y, x))
            report("swapped_axes", _inside(y, x, crs, region), swap)
            if not accept_outside and region.polygon is not None:
                for zone in dict.fromkeys((metric_crs, *ZONES)):
                    if zone != crs:
                        report("wrong_zone", _inside(x, y, zone, region), f"--crs {zone}")
    box = f"{COUNTRY[0]}–{COUNTRY[2]} E, {COUNTRY[1]}–{COUNTRY[3]} N"
    gone = astray & ~left
    report("outside_country", ~country, box)
    hints = [f"lon {a:.5f}, lat {b:.5f}" for a, b in zip(lon[left], lat[left], strict=True)]
    findings.add("outside_province", column, left, values, hints)
    return country & ~gone


def _inside(x: Floats, y: Floats, crs: str, region: Region) -> NDArray[np.bool_]:
    lon, lat = (x, y) if crs == WGS84 else to_wgs84(x, y, crs)
    return region.inside(lon, lat) & in_country(lon, lat)


def _system_for(x: Floats, y: Floats, where: NDArray[np.bool_], region: Region, metric_crs: str) -> str:
    """Return the system in metres that puts most of these rows into the province; the province's own when in doubt."""
    if not where.any():
        return metric_crs
    zones = list(dict.fromkeys((metric_crs, *ZONES)))
    hits = [int(_inside(x[where], y[where], zone, region).sum()) for zone in zones]
    return zones[int(np.argmax(hits))]
