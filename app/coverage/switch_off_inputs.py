"""Reads a run's stored levels into arrays for `app.coverage.switch_off`."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage.evidence import Demand
from app.coverage.models import CoverageRun
from app.coverage.rules import CoverageRule
from app.coverage.switch_off import Bools, Heard, Levels
from app.coverage.switch_off_levels import levels_for_rate, phone_levels
from app.coverage.verdict import Floats, Ints
from app.errors import Unavailable

UNREGISTERED = 0
"""Operator that stands for all networks that claim to serve but have no cell in the registry; no row has this id."""
_VILLAGES = """
    SELECT v.id, v.code, v.name, u.code AS commune_code, u.name AS commune_name, ST_X(v.point) AS lon,
           ST_Y(v.point) AS lat, v.synthetic OR coalesce((r.why->>'synthetic')::boolean, false) AS synthetic,
           coalesce(v.population, (SELECT round(sum(d.population))::int FROM demand_point d
                                   WHERE d.village_id = v.id)) AS population,
           r.id IS NOT NULL AND NOT coalesce(jsonb_exists(r.why->'reasons', 'no_network'), false) AS known
    FROM village v
    LEFT JOIN verdict r ON r.run_id = :run AND r.village_id = v.id AND r.technology IS NULL
         AND r.operator_id IS NOT DISTINCT FROM CAST(:operator AS bigint)
    LEFT JOIN village_unit m ON m.village_id = v.id AND registry.in_force(m.valid_from, m.valid_to, :as_of)
    LEFT JOIN unit u ON u.id = m.unit_id
    WHERE registry.in_force(v.valid_from, v.valid_to, :as_of) ORDER BY v.id
"""
_POINTS = """
    SELECT d.id, d.village_id, d.population, d.dwellings FROM demand_point d JOIN village v ON v.id = d.village_id
    WHERE registry.in_force(v.valid_from, v.valid_to, :as_of) ORDER BY d.village_id, d.id
"""
_JUDGED_POINTS = """
    SELECT count(*) FROM demand_point d JOIN verdict r ON r.village_id = d.village_id
    WHERE r.run_id = :run AND r.operator_id IS NULL AND r.technology IS NULL
"""
# What is under the level of a phone and not in doubt decides nothing.
_SIGNALS = """
    SELECT s.demand_point_id, s.operator_id, s.technology, coalesce(s.rsrp_dbm, '-Infinity'),
           s.unknown_reason IS NOT NULL, coalesce(s.cell_id, 0)
    FROM signal s
    JOIN unnest(CAST(:technologies AS text[]), CAST(:levels AS float8[])) AS l (technology, level_dbm)
         ON l.technology = s.technology
    WHERE s.run_id = :run AND (s.rsrp_dbm >= l.level_dbm OR s.unknown_reason IS NOT NULL)
      AND (CAST(:operator AS bigint) IS NULL OR s.operator_id = :operator)
"""
# Networks without any registered cell have no levels; where they were heard, the verdicts of the run say so.
_UNREGISTERED = """
    SELECT village_id, technology FROM verdict
    WHERE run_id = :run AND operator_id IS NOT DISTINCT FROM CAST(:operator AS bigint) AND technology IS NOT NULL
      AND technology = ANY (:technologies) AND jsonb_exists(why->'points_unknown', 'stations_not_registered')
"""


@dataclass(frozen=True)
class Stored:
    """What a run stored, of the villages in force on a date."""

    villages: list[dict[str, Any]]
    """In order of id; population null where neither it nor points are recorded."""
    demand: Demand
    people: Floats
    heard: Heard


def read_stored(session: Session, run: CoverageRun, rule: CoverageRule, operator: int | None, as_of: dt.date) -> Stored:
    """Return the levels of a run at the points of the villages in force on `as_of`.

    Parameters
    ----------
    operator : int, optional
        Only this one's network.

    Raises
    ------
    Unavailable
        Points were added or taken away since: those without a level would pass for not served.

    Notes
    -----
    How much an unknown cell could reach at most is not stored: wherever a better signal may exist, it may be enough.
    """
    level = phone_levels(session, run, rule)
    bind = {"run": run.id, "operator": operator, "as_of": as_of, "technologies": list(level),
            "levels": list(level.values())}  # fmt: skip
    if session.scalar(text(_JUDGED_POINTS), bind) != run.counts.get("points"):
        raise Unavailable(
            "run_outdated",
            f"Các điểm dân cư đã thay đổi sau lượt tính {run.id}; hãy chạy lại `hatang coverage run`",
            f"The populated points changed after the run {run.id}; run `hatang coverage run` again",
            field="run_id",
        )
    villages = [dict(row) for row in session.execute(text(_VILLAGES), bind).mappings()]
    ids = np.array([v["id"] for v in villages], np.int64)
    points = np.array(session.execute(text(_POINTS), bind).all(), np.float64).reshape(-1, 4)
    village, people = np.searchsorted(ids, points[:, 1].astype(np.int64)), points[:, 2]
    demand = Demand(village, len(ids), points[:, 3] if rule.unit == "dwellings" else people)
    known = np.array([v["known"] for v in villages], bool)
    heard = _heard(session, run, rule, bind, ids, points[:, 0].astype(np.int64), village, known)
    return Stored(villages, demand, people, heard)


def _heard(
    session: Session, run: CoverageRun, rule: CoverageRule, bind: dict[str, Any], ids: Ints, point_id: Ints,
    village: Ints, known: Bools,
) -> Heard:  # fmt: skip
    rows = session.execute(text(_SIGNALS), bind).all()
    elsewhere = session.execute(text(_UNREGISTERED), bind).all()
    groups = sorted({(int(r[1]), str(r[2])) for r in rows} | {(UNREGISTERED, str(r[1])) for r in elsewhere})
    index = {group: number for number, group in enumerate(groups)}
    order = np.argsort(point_id)
    row_point = np.array([r[0] for r in rows], np.int64)
    at = np.minimum(np.searchsorted(point_id, row_point, sorter=order), max(len(point_id) - 1, 0))
    p = order[at] if len(point_id) else at
    here = point_id[p] == row_point if len(point_id) else np.zeros(len(rows), bool)  # of villages in force
    p, g = p[here], np.array([index[r[1], r[2]] for r in rows], np.int64)[here]
    value = np.array([(r[3], r[4], r[5]) for r in rows], np.float64).reshape(-1, 3)[here]
    doubt = np.zeros((len(point_id), len(groups)), bool)
    doubt[p, g] = value[:, 1] > 0
    at_village = np.zeros((len(ids), len(groups)), bool)
    for technology in {r[1] for r in elsewhere}:
        told = [r[0] for r in elsewhere if r[1] == technology]
        at_village[np.isin(ids, told), index[UNREGISTERED, technology]] = True
    doubt |= at_village[village]
    technology = [t for _, t in groups]
    level = dict(zip(bind["technologies"], bind["levels"], strict=True))
    alone = np.array([level[t] for t in technology], np.float64)[g]
    asked, able = alone, np.ones(len(groups), bool)
    if rule.downlink_mbps:
        asked, able = levels_for_rate(session, run, rule, technology, g, value[:, 2].astype(np.int64), alone)

    def levels(needed_dbm: Floats, usable: Bools) -> Levels:
        margin = np.full(doubt.shape, -np.inf)
        margin[p, g] = value[:, 0] - needed_dbm
        return Levels(margin, np.where(doubt & usable, 0.0, -np.inf))

    return Heard(
        levels(asked, able), levels(alone, np.ones(len(groups), bool)), np.array([o for o, _ in groups], np.int64),
        tuple(technology), known,
    )  # fmt: skip
