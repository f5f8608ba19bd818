"""Finds units by code or name in all their times, with what they came from and went into."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.areas import reforms
from app.areas.models import UnitLevel
from app.errors import NotFound
from app.kit.text import fold

# Names are kept with or without their kind ("Phường An Cựu", "An Cựu"): `bare` has none, `whole` has it.
_KEYS = """
    SELECT u.*, k.bare, coalesce(registry.fold(u.kind) || ' ', '') || k.bare AS whole
    FROM unit u CROSS JOIN LATERAL (SELECT regexp_replace(u.name_key,
        '^(dac khu|thanh pho|thi tran|thi xa|phuong|quan|huyen|tinh|xa) (?=\\D)', '') AS bare) k
"""
_FOUND = f"""
    WITH keyed AS ({_KEYS}),
    ranked AS (
        SELECT k.id, CASE
            WHEN :q = '' THEN 0
            WHEN registry.fold(k.code) = :q THEN 1
            WHEN :q IN (k.name_key, k.bare, k.whole) THEN 2
            WHEN starts_with(k.name_key, :q) OR starts_with(k.bare, :q) OR starts_with(k.whole, :q)
                 OR starts_with(registry.fold(k.code), :q) THEN 3
            -- From the beginning of a word: "hương phong" is no part of "phường Phong Thu".
            WHEN strpos(' ' || k.whole, ' ' || :q) > 0 THEN 4 END AS rank
        FROM keyed k
        WHERE (CAST(:level AS text) IS NULL OR k.level = :level) AND (CAST(:code AS text) IS NULL OR k.code = :code)
          AND (CAST(:as_of AS date) IS NULL OR registry.in_force(k.valid_from, k.valid_to, :as_of))
    )
    SELECT r.id, count(*) OVER () AS matched FROM ranked r JOIN unit u ON u.id = r.id
    JOIN unit_level l ON l.code = u.level
    WHERE r.rank IS NOT NULL
    ORDER BY r.rank, u.valid_to IS NOT NULL, u.valid_from DESC, l.rank, u.code, u.id LIMIT :limit OFFSET :offset
"""  # noqa: S608 - our own two statements
_KIN = """
    SELECT jsonb_agg(jsonb_build_object('id', k.id, 'code', k.code, 'name', k.name, 'kind', k.kind,
        'valid_from', k.valid_from, 'valid_to', k.valid_to, 'on_date', s.on_date, 'share', s.share,
        'citation', s.citation) ORDER BY s.on_date, k.code)
    FROM unit_succession s JOIN unit k ON k.id = s.{other} WHERE s.{this} = u.id
"""
_SHOWN = f"""
    SELECT u.id, u.level, u.code, u.name, u.kind, u.valid_from, u.valid_to, u.source, u.synthetic,
           u.geom IS NOT NULL AS has_boundary, ST_X(u.centre) AS lon, ST_Y(u.centre) AS lat,
           CASE WHEN p.id IS NOT NULL THEN jsonb_build_object('id', p.id, 'level', p.level, 'code', p.code,
               'name', p.name, 'kind', p.kind, 'valid_from', p.valid_from, 'valid_to', p.valid_to) END AS parent,
           coalesce(({_KIN.format(this="new_unit_id", other="old_unit_id")}), '[]') AS predecessors,
           coalesce(({_KIN.format(this="old_unit_id", other="new_unit_id")}), '[]') AS successors
    FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS w(id, place)
    JOIN unit u ON u.id = w.id LEFT JOIN unit p ON p.id = u.parent_id ORDER BY w.place
"""  # noqa: S608 - our own two statements
_VERSIONS = """
    SELECT v.id FROM unit u JOIN unit v ON v.level = u.level AND v.code = u.code
    WHERE u.id = :id ORDER BY v.valid_from, v.id
"""
_CITED = """
    SELECT s.on_date, s.citation, count(*) AS successions FROM unit_succession s JOIN unit o ON o.id = s.old_unit_id
    WHERE o.level = :level AND s.on_date > :first AND s.on_date <= :last GROUP BY 1, 2 ORDER BY 1, 2
"""


def find_units(
    session: Session, *, q: str | None, level: str | None, as_of: dt.date | None, code: str | None, limit: int,
    offset: int,
) -> tuple[list[dict[str, Any]], int]:  # fmt: skip
    """Return units by exact code, exact name, beginning and part of it, in force before former ones; and how many.

    Names are compared without marks, in any Unicode form, with or without their kind.
    """
    known_level(session, level)
    rows = session.execute(
        text(_FOUND),
        {"q": fold(q or ""), "level": level, "as_of": as_of, "code": code, "limit": limit, "offset": offset},
    ).all()
    return _shown(session, [row.id for row in rows]), rows[0].matched if rows else 0


def unit(session: Session, unit_id: int) -> dict[str, Any]:
    """Return a unit with what it came from and went into, and every unit that bears or bore its code.

    Raises
    ------
    NotFound
        There is no such unit.
    """
    found = _shown(session, [unit_id])
    if not found:
        raise NotFound("unknown_unit", "Không có đơn vị này", "There is no such unit", field="unit_id")
    versions = session.scalars(text(_VERSIONS), {"id": unit_id}).all()
    return found[0] | {"versions": _shown(session, list(versions))}


def crosswalk(session: Session, level: str, first: dt.date, last: dt.date) -> dict[str, Any]:
    """Return which unit of `level` in force on `first` is which on `last`, with shares, citations and what is lost.

    Raises
    ------
    NotFound
        There is no such level.
    """
    known_level(session, level)
    found = reforms.crosswalk(session, level, first, last)
    named = {row["id"]: row for row in names(session, sorted({*found.units.tolist(), *found.new.tolist()}))}
    early, late = sorted((first, last))
    cited = session.execute(text(_CITED), {"level": level, "first": early, "last": late}).mappings()
    return {
        "from": first,
        "to": last,
        "level": level,
        "measured_by": "succession" if first <= last else "area",
        "units": len(found.units),
        "reforms": [dict(row) for row in cited],
        "pairs": [
            {"old": named[old], "new": named[new], "share": None if share != share else share}  # NaN is not itself
            for old, new, share in zip(found.old.tolist(), found.new.tolist(), found.share.tolist(), strict=True)
        ],
        "lost": [
            {"unit": named[u], "share": share}
            for u, share in zip(found.units.tolist(), found.lost.tolist(), strict=True)
            if share > 0
        ],
    }


def names(session: Session, ids: list[int]) -> list[dict[str, Any]]:
    """Return id, code, name, kind and days of the units `ids`."""
    query = text("SELECT id, code, name, kind, valid_from, valid_to FROM unit WHERE id = ANY(:ids) ORDER BY code, id")
    return [dict(row) for row in session.execute(query, {"ids": ids}).mappings()]


def known_level(session: Session, level: str | None) -> None:
    """Refuse a level there is not.

    Raises
    ------
    NotFound
        There is no such level; the message lists those there are.
    """
    levels = session.scalars(select(UnitLevel.code).order_by(UnitLevel.rank)).all()
    if level is not None and level not in levels:
        listed = ", ".join(levels)
        raise NotFound("unknown_level", f"Không có cấp {level!r}; có: {listed}",
                       f"There is no level {level!r}; there are: {listed}", field="level")  # fmt: skip


def _shown(session: Session, ids: list[int]) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(text(_SHOWN), {"ids": ids}).mappings()]
