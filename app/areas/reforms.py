"""Reads the reforms on record, and lets villages follow when their commune goes into another one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.areas.crosswalk import OPEN, Crosswalk, Floats, History, Ints, forward


def history(session: Session, level: str) -> History:
    """Return every unit of `level` and every succession between two of them."""
    units = session.execute(
        text("SELECT id, valid_from, valid_to FROM unit WHERE level = :level ORDER BY id"), {"level": level}
    ).all()
    steps = session.execute(
        text("""
            SELECT s.old_unit_id, s.new_unit_id, s.on_date, s.share FROM unit_succession s
            JOIN unit o ON o.id = s.old_unit_id JOIN unit n ON n.id = s.new_unit_id
            WHERE o.level = :level AND n.level = :level
        """),
        {"level": level},
    ).all()
    return History(
        unit=np.array([u[0] for u in units], np.int64),
        start=np.array([u[1].toordinal() for u in units], np.int64),
        end=np.array([u[2].toordinal() if u[2] else OPEN for u in units], np.int64),
        old=np.array([s[0] for s in steps], np.int64),
        new=np.array([s[1] for s in steps], np.int64),
        on=np.array([s[2].toordinal() for s in steps], np.int64),
        share=np.array([s[3] for s in steps], np.float64),
    )


def crosswalk(session: Session, level: str, first: dt.date, last: dt.date) -> Crosswalk:
    """Return what the units in force on `first` are on `last`; backwards in time it is the inverse.

    Backwards, the parts of a unit made of several are measured by the area of these, where their boundaries are known.
    """
    known = history(session, level)
    if first <= last:
        return forward(known, first.toordinal(), last.toordinal())
    there = forward(known, last.toordinal(), first.toordinal())
    return there.inverse(known.in_force(first.toordinal()), areas_m2(session, there.units))


def areas_m2(session: Session, units: Ints) -> Floats:
    """Return the area of each unit in square metres, NaN where no boundary is on record."""
    rows = session.execute(
        text("SELECT id, ST_Area(geom::geography) FROM unit WHERE id = ANY(:units) AND geom IS NOT NULL"),
        {"units": units.tolist()},
    ).all()
    found = np.full(units.size, np.nan)
    for unit, area in rows:
        found[np.searchsorted(units, unit)] = area
    return found


def unit_on(unit: str, place: str) -> str:
    """Return SQL of the unit in force on :as_of of what was recorded as lying in `unit`, null when it is not known.

    What the unit went into while that is one; else, after a split and before the unit was made, the commune of the
    day whose boundary holds the place.

    Parameters
    ----------
    unit, place : str
        SQL of the recorded unit's id and of a point in EPSG:4326.
    """
    in_force = "registry.in_force(u.valid_from, u.valid_to, :as_of)"
    return f"""coalesce(
        (WITH RECURSIVE later (id) AS (
            SELECT {unit}
            UNION
            SELECT s.new_unit_id FROM later JOIN unit_succession s ON s.old_unit_id = later.id AND s.on_date <= :as_of)
         SELECT min(u.id) FROM later JOIN unit u ON u.id = later.id AND {in_force} HAVING count(*) = 1),
        (SELECT u.id FROM unit_part p JOIN unit u ON u.id = p.unit_id AND u.level = 'commune' AND {in_force}
         WHERE p.geom && {place} AND ST_Intersects(p.geom, {place}) ORDER BY u.id LIMIT 1))"""  # noqa: S608  names of columns, from the table of kinds


@dataclass(frozen=True)
class Followed:
    """What became of the villages of units that went into others: how many moved, and who is left without a unit."""

    moved: int
    unknown: list[str]
    """Codes of villages whose unit from the reform on is not known."""


# Villages of the units that went into others on :day, and where they are from then on. `target` is the one successor
# of a unit that ended; of a unit that was split, the successor whose boundary holds the village, or the unit itself
# when it lives on and every successor's boundary is known and holds it not; else null. Memberships that ended on the
# day without a new one are asked again: boundaries may have come since.
_FOLLOW = """
    CREATE TEMP TABLE reform_follow ON COMMIT DROP AS
    WITH former AS (
        SELECT s.old_unit_id AS unit, o.valid_to IS NULL OR o.valid_to > :day AS lives_on, count(*) AS successors,
               min(s.new_unit_id) AS only, bool_and(n.geom IS NOT NULL) AS bounded
        FROM registry.unit_succession s JOIN registry.unit o ON o.id = s.old_unit_id
        JOIN registry.unit n ON n.id = s.new_unit_id
        WHERE s.on_date = :day GROUP BY s.old_unit_id, o.valid_to
    )
    SELECT m.id AS membership, m.village_id, m.valid_from, m.valid_to, v.code, v.valid_to AS village_to,
           f.unit AS former,
           CASE WHEN NOT f.lives_on AND f.successors = 1 THEN f.only
                WHEN inside.units = 1 THEN inside.unit
                WHEN f.lives_on AND f.bounded AND inside.units = 0 THEN f.unit END AS target
    FROM former f JOIN registry.village_unit m ON m.unit_id = f.unit JOIN registry.village v ON v.id = m.village_id
    CROSS JOIN LATERAL (
        SELECT count(DISTINCT s.new_unit_id) AS units, min(s.new_unit_id) AS unit
        FROM registry.unit_succession s JOIN registry.unit_part p ON p.unit_id = s.new_unit_id
        WHERE s.old_unit_id = f.unit AND s.on_date = :day AND p.geom && v.point AND ST_Intersects(p.geom, v.point)
    ) inside
    WHERE (m.valid_to IS NULL OR m.valid_to >= :day) AND (v.valid_to IS NULL OR v.valid_to > :day)
      AND NOT EXISTS (SELECT FROM registry.village_unit later WHERE later.village_id = m.village_id
                      AND later.id <> m.id AND later.valid_from >= :day)
"""
_LEFT = "SELECT code FROM reform_follow WHERE target IS NULL ORDER BY code"
_END = """
    UPDATE registry.village_unit m SET valid_to = :day FROM reform_follow f
    WHERE m.id = f.membership AND f.target IS DISTINCT FROM f.former AND m.valid_to IS DISTINCT FROM :day
      AND (m.valid_from IS NULL OR m.valid_from < :day)
"""
_CHANGE = """
    UPDATE registry.village_unit m SET unit_id = f.target FROM reform_follow f
    WHERE m.id = f.membership AND f.target <> f.former AND m.valid_from >= :day
"""
_BEGIN = """
    INSERT INTO registry.village_unit (village_id, unit_id, valid_from, valid_to)
    SELECT f.village_id, f.target, :day,
           least(CASE WHEN f.valid_to > :day THEN f.valid_to END, f.village_to, u.valid_to)
    FROM reform_follow f JOIN registry.unit u ON u.id = f.target
    WHERE (f.target <> f.former OR f.valid_to = :day) AND (f.valid_from IS NULL OR f.valid_from < :day)
"""


def follow(session: Session, since: dt.date) -> Followed:
    """Let the villages' memberships follow every succession from `since` on, reform by reform.

    Doing it again changes nothing, unless boundaries that came since settle what was unknown.
    """
    days: Sequence[dt.date] = session.scalars(
        text("SELECT DISTINCT on_date FROM registry.unit_succession WHERE on_date >= :since ORDER BY 1"),
        {"since": since},
    ).all()
    moved, unknown = 0, list[str]()
    for day in days:
        session.execute(text(_FOLLOW), {"day": day})
        unknown += session.scalars(text(_LEFT)).all()
        session.execute(text(_END), {"day": day})
        for statement in (_CHANGE, _BEGIN):
            result = session.execute(text(statement), {"day": day}, execution_options={"preserve_rowcount": True})
            moved += result.rowcount  # type: ignore[attr-defined]
        session.execute(text("DROP TABLE pg_temp.reform_follow"))
    return Followed(moved, unknown)
