"""Reads what a scenario names: positions with their cells, structures."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import Conflict, NotFound

_SITE = """
    SELECT s.id, ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat, s.synthetic FROM site s
    WHERE s.code = :code AND registry.in_force(s.valid_from, s.valid_to, :as_of) ORDER BY s.id
"""
_STRUCTURE = """
    SELECT st.id, st.site_id, ST_X(st.geom) AS lon, ST_Y(st.geom) AS lat,
           st.height_m + coalesce(st.host_height_m, 0) AS top_m, st.synthetic
    FROM structure st JOIN site s ON s.id = st.site_id
    WHERE st.code = :code AND registry.in_force(st.valid_from, st.valid_to, :as_of)
      AND registry.in_force(s.valid_from, s.valid_to, :as_of) ORDER BY st.id
"""
_CELLS = """
    SELECT c.id FROM cell c JOIN base_station b ON b.id = c.base_station_id
    WHERE b.site_id = :site AND (CAST(:operator AS bigint) IS NULL OR b.operator_id = :operator)
      AND registry.in_force(b.valid_from, b.valid_to, :as_of) AND registry.in_force(c.valid_from, c.valid_to, :as_of)
"""


@dataclass(frozen=True)
class Standing:
    """A position, or a structure with its position; degrees EPSG:4326, `top_m` above ground."""

    site_id: int
    lon: float
    lat: float
    top_m: float | None
    synthetic: bool


def site(session: Session, code: str, as_of: dt.date) -> Standing:
    """Return the position of a code in force.

    Raises
    ------
    NotFound, Conflict
        `unknown_site`; `ambiguous_site`: owners use one code for two.
    """
    rows = session.execute(text(_SITE), {"code": code, "as_of": as_of}).all()
    _only_one(len(rows), "site", code)
    return Standing(rows[0].id, rows[0].lon, rows[0].lat, None, rows[0].synthetic)


def structure(session: Session, code: str, as_of: dt.date) -> Standing:
    """Return the structure of a code in force.

    Raises
    ------
    NotFound, Conflict
        `unknown_structure`, `ambiguous_structure`.
    """
    rows = session.execute(text(_STRUCTURE), {"code": code, "as_of": as_of}).all()
    _only_one(len(rows), "structure", code)
    return Standing(rows[0].site_id, rows[0].lon, rows[0].lat, rows[0].top_m, rows[0].synthetic)


def cells_of(session: Session, site_id: int, operator: int | None, as_of: dt.date) -> list[int]:
    """Return the cells of a position in force, all or one operator's."""
    return list(session.scalars(text(_CELLS), {"site": site_id, "operator": operator, "as_of": as_of}))


def _only_one(number: int, what: str, code: str) -> None:
    vi = {"site": "vị trí trạm", "structure": "cột, nhà trạm"}[what]
    if number == 0:
        raise NotFound(
            f"unknown_{what}", f"Không có {vi} {code[:60]!r} vào ngày này",
            f"There is no {what} {code[:60]!r} on that date", field=what,
        )  # fmt: skip
    if number > 1:
        raise Conflict(
            f"ambiguous_{what}", f"{number} {vi} cùng mang mã {code[:60]!r}",
            f"{number} {what}s bear the code {code[:60]!r}", field=what,
        )  # fmt: skip
