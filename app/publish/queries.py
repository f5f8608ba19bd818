"""Reads behind the published endpoints; features are assembled as GeoJSON text by the database."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, func, select, text, union_all
from sqlalchemy.orm import Session

from app.areas.models import Unit, Village
from app.areas.queries import nearest
from app.coverage.models import TerrainTile
from app.errors import NotFound
from app.facilities.models import Facility
from app.kit.page import BBox
from app.kit.text import fold
from app.lines.models import Duct, Pole
from app.organisations.models import Organisation
from app.policy.models import Parameter
from app.sites.models import Site

# Rounded as doubles: numeric takes a third of the whole query's time.
VILLAGE = """
'{"type":"Feature","id":' || v.id || ',"geometry":'
|| ST_AsGeoJSON(ST_ForcePolygonCCW(coalesce(v.geom, v.point)), 7) || ',"properties":'
|| (SELECT row_to_json(row) FROM (
    SELECT v.id, v.code, v.name, v.kind, v.urban, p.commune_code, p.commune_name, v.population, v.households,
           p.verdict, r.evidence, round(r.share * 10000) / 10000 AS share,
           round(r.share_low * 10000) / 10000 AS share_low, round(r.share_high * 10000) / 10000 AS share_high,
           round(r.share_unknown * 10000) / 10000 AS share_unknown,
           round(r.rsrp_dbm * 10) / 10 AS rsrp_dbm, round(r.margin_db * 10) / 10 AS margin_db, c.code AS server,
           f.verdict AS fibre, CAST(:run_id AS bigint) AS run_id, CAST(:rule AS text) AS rule, v.synthetic) row)::text
|| '}'
"""
# The page is chosen first, so only its geometries are written out.
VILLAGES = """
WITH matched AS (
    SELECT v.id, r.id AS verdict_id, coalesce(r.verdict, 'unknown') AS verdict,
           u.code AS commune_code, u.name AS commune_name
      FROM village v
      LEFT JOIN village_unit m
             ON m.village_id = v.id AND registry.in_force(m.valid_from, m.valid_to, :as_of)
      LEFT JOIN unit u ON u.id = m.unit_id
      LEFT JOIN verdict r ON r.run_id = :run_id AND r.village_id = v.id AND {scope}
     WHERE registry.in_force(v.valid_from, v.valid_to, :as_of) AND {where}
), page AS (
    SELECT * FROM matched ORDER BY id LIMIT :limit OFFSET :offset
)
SELECT n.matched, features.feature, features.secret
  FROM (SELECT count(*) AS matched FROM matched) n
  LEFT JOIN (
    SELECT p.id, {feature} AS feature, c.id = ANY ((SELECT registry.restricted_ids('cell'))::bigint[]) AS secret
      FROM page p
      JOIN village v ON v.id = p.id
      LEFT JOIN verdict r ON r.id = p.verdict_id
      LEFT JOIN served w ON w.verdict_id = r.id
      LEFT JOIN cell c ON c.id = w.cell_id
      LEFT JOIN fibre_reach f ON f.run_id = :run_id AND f.village_id = p.id) features ON TRUE
 ORDER BY features.id
"""
COMMUNES = """
SELECT '{"type":"Feature","id":' || o.id || ',"geometry":' || coalesce(ST_AsGeoJSON(ST_ForcePolygonCCW(
           coalesce(CASE WHEN :simplify > 0 THEN ST_SimplifyPreserveTopology(o.geom, :simplify) ELSE o.geom END,
                    o.centre)), 7), 'null')
       || ',"properties":' || json_build_object(
           'id', o.id, 'code', o.code, 'name', o.name, 'kind', o.kind, 'level', o.level, 'parent_code', p.code,
           'valid_from', o.valid_from, 'valid_to', o.valid_to, 'villages', coalesce(n.villages, 0),
           'source', o.source, 'synthetic', o.synthetic)::text || '}'
  FROM unit o
  LEFT JOIN unit p ON p.id = o.parent_id
  LEFT JOIN (SELECT m.unit_id, count(*) AS villages
               FROM village_unit m JOIN village v ON v.id = m.village_id
              WHERE registry.in_force(m.valid_from, m.valid_to, :as_of)
                AND registry.in_force(v.valid_from, v.valid_to, :as_of)
              GROUP BY m.unit_id) n ON n.unit_id = o.id
 WHERE o.level = 'commune' AND registry.in_force(o.valid_from, o.valid_to, :as_of)
 ORDER BY o.code
"""


@dataclass(frozen=True)
class Wanted:
    """Which villages, and whose verdict on them; everything already looked up."""

    as_of: dt.date
    rule: str
    run_id: int | None = None
    bbox: BBox | None = None
    unit_id: int | None = None
    operator_id: int | None = None
    technology: str | None = None
    verdict: str | None = None
    q: str | None = None
    village_id: int | None = None
    limit: int = 1
    offset: int = 0


def village_statement(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """Return the SQL of `villages` and its bind parameters; fragments are ours, values are bound."""
    scope = [
        "r.operator_id = :operator_id" if wanted.operator_id is not None else "r.operator_id IS NULL",
        "r.technology = :technology" if wanted.technology is not None else "r.technology IS NULL",
    ]
    where = ["TRUE"]
    values: dict[str, Any] = {k: v for k, v in vars(wanted).items() if k not in {"bbox", "q"}}
    if wanted.village_id is not None:
        where.append("v.id = :village_id")
    if wanted.bbox is not None:
        box = "ST_MakeEnvelope(:west, :south, :east, :north, 4326)"
        where.append(
            f"(v.geom && {box} AND ST_Intersects(v.geom, {box})"
            f" OR v.geom IS NULL AND v.point && {box} AND ST_Intersects(v.point, {box}))"
        )
        values |= wanted.bbox._asdict()
    if wanted.unit_id is not None:
        where.append("m.unit_id = :unit_id")
    if wanted.verdict is not None:
        where.append("coalesce(r.verdict, 'unknown') = :verdict")
    if wanted.q is not None:
        where.append("(v.name_key LIKE :like OR lower(v.code) LIKE :like)")
        values["like"] = "%" + _unlike(fold(" ".join(wanted.q.split()))) + "%"
    return VILLAGES.format(scope=" AND ".join(scope), where=" AND ".join(where), feature=VILLAGE), values


def _unlike(part: str) -> str:
    """Take the meaning from LIKE's special characters."""
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def villages(session: Session, wanted: Wanted) -> tuple[int, list[str]]:
    """Return how many villages match, and the page's features as GeoJSON text, ordered by id."""
    statement, values = village_statement(wanted)
    rows = session.execute(text(statement), values).all()
    # Row-level security shows a restricted server to the department alone; who looked is written down.
    if any(row.secret for row in rows):
        session.execute(select(func.audit.saw("list", "cells", None, True)))
    return rows[0].matched, [row.feature for row in rows if row.feature is not None]


def communes(session: Session, as_of: dt.date, simplify_deg: float = 0.0) -> list[str]:
    """Return the features of all communes in force on `as_of`, boundaries simplified by `simplify_deg` degrees."""
    return list(session.scalars(text(COMMUNES), {"as_of": as_of, "simplify": simplify_deg}))


def rules(session: Session, as_of: dt.date) -> list[Parameter]:
    """Return the coverage rules in force on `as_of`, the default first."""
    found = session.scalars(
        select(Parameter).where(
            Parameter.kind == "coverage_rule",
            func.registry.in_force(Parameter.valid_from, Parameter.valid_to, as_of),
        )
    )
    return sorted(found, key=lambda p: (not p.value.get("default", False), p.name))


def rule(session: Session, name: str | None, as_of: dt.date) -> Parameter:
    """Return the coverage rule `name`, or the default one.

    Raises
    ------
    NotFound
        No such rule on that date; the message names those there are.
    """
    known = rules(session, as_of)
    found = next((p for p in known if p.name == name or (name is None and p.value.get("default"))), None)
    if found is None:
        names = ", ".join(p.name for p in known)
        raise NotFound(
            "unknown_rule",
            f"Không có quy tắc {(name or '')[:40]!r} vào {as_of}; hiện có: {names}",
            f"There is no rule {(name or '')[:40]!r} on {as_of}; there are: {names}",
            field="rule",
            suggestions=[p.name for p in known],
        )
    return found


def operators(session: Session, as_of: dt.date) -> list[Organisation]:
    """Return the operators in force on `as_of`, by code."""
    return list(
        session.scalars(
            select(Organisation)
            .where(
                Organisation.kind == "operator",
                func.registry.in_force(Organisation.valid_from, Organisation.valid_to, as_of),
            )
            .order_by(Organisation.code)
        )
    )


def operator(session: Session, code: str, as_of: dt.date) -> Organisation:
    """Return the operator `code`, whatever its case.

    Raises
    ------
    NotFound
        No such operator on that date; the message names the nearest ones.
    """
    known = operators(session, as_of)
    found = next((o for o in known if o.code == code.strip().upper()), None)
    if found is None:
        near = nearest(code, {o.code: o.name for o in known})
        codes = ", ".join(o.code for o in known)
        raise NotFound(
            "unknown_operator",
            f"Không có nhà mạng {code[:40]!r} vào {as_of}; hiện có: {codes}",
            f"There is no operator {code[:40]!r} on {as_of}; there are: {codes}",
            field="operator",
            suggestions=near,
        )
    return found


def any_synthetic(session: Session, as_of: dt.date) -> bool:
    """Say whether any object in force on `as_of` is synthetic."""
    tables = (Village, Site, Pole, Duct, Facility, Unit)
    tests = [exists().where(t.synthetic, func.registry.in_force(t.valid_from, t.valid_to, as_of)) for t in tables]
    return any(session.scalar(select(test)) for test in tests)


def extent(session: Session, as_of: dt.date) -> list[float] | None:
    """Return west, south, east, north of the communes and villages in force on `as_of`; null when there are none."""
    shapes = union_all(
        select(func.coalesce(Unit.geom, Unit.centre).label("shape")).where(
            Unit.level == "commune", func.registry.in_force(Unit.valid_from, Unit.valid_to, as_of)
        ),
        select(Village.point).where(func.registry.in_force(Village.valid_from, Village.valid_to, as_of)),
    ).subquery()
    box = select(func.ST_Extent(shapes.c.shape).label("b")).subquery()
    return _corners(session, box.c.b)


def terrain(session: Session) -> tuple[int, list[float] | None]:
    """Return the number of terrain tiles and their bounds."""
    box = select(func.ST_Extent(TerrainTile.extent).label("b")).subquery()
    count = session.scalar(select(func.count()).select_from(TerrainTile)) or 0
    return count, _corners(session, box.c.b)


def _corners(session: Session, box: Any) -> list[float] | None:
    row = session.execute(select(func.ST_XMin(box), func.ST_YMin(box), func.ST_XMax(box), func.ST_YMax(box))).one()
    return None if row[0] is None else [round(v, 7) for v in row]
