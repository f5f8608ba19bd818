"""Reads a run's stored levels into arrays for `app.coverage.switch_off`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage.evidence import Demand
from app.coverage.models import CoverageRun
from app.coverage.rules import CoverageRule
from app.coverage.switch_off import Bools, Heard, Levels
from app.coverage.switch_off_levels import levels_for_rate, phone_levels
from app.coverage.verdict import Floats, Ints
from app.errors import Conflict
from app.kit.bulk import arrays

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
    WHERE registry.in_force(v.valid_from, v.valid_to, :as_of) AND {some} ORDER BY v.id
"""
_POINTS = """
    SELECT d.id, d.village_id AS village, d.population::float8 AS people, d.dwellings::float8 AS dwellings,
           ST_X(d.point) AS lon, ST_Y(d.point) AS lat
    FROM demand_point d JOIN village v ON v.id = d.village_id
    WHERE registry.in_force(v.valid_from, v.valid_to, %(as_of)s) AND {some} ORDER BY d.village_id, d.id
"""
_POINT = (("id", "i8"), ("village", "i8"), ("people", "f8"), ("dwellings", "f8"), ("lon", "f8"), ("lat", "f8"))
_JUDGED_POINTS = """
    SELECT count(*) FROM demand_point d JOIN verdict r ON r.village_id = d.village_id
    WHERE r.run_id = :run AND r.operator_id IS NULL AND r.technology IS NULL
"""
# What is under the level of a phone and not in doubt decides nothing.
_SIGNALS = """
    SELECT s.demand_point_id AS point, s.operator_id AS operator, l.number AS technology,
           coalesce(s.rsrp_dbm, '-Infinity') AS level, s.unknown_reason IS NOT NULL AS doubt,
           coalesce(s.cell_id, 0) AS cell
    FROM signal s
    JOIN unnest(CAST(%(technologies)s AS text[]), CAST(%(levels)s AS float8[]))
         WITH ORDINALITY AS l (technology, level_dbm, number) ON l.technology = s.technology
    WHERE s.run_id = %(run)s AND (s.rsrp_dbm >= l.level_dbm OR s.unknown_reason IS NOT NULL)
      AND (CAST(%(operator)s AS bigint) IS NULL OR s.operator_id = %(operator)s) AND {some}
"""
_ALL = {"villages": "true", "points": "true", "signals": "true"}
_SOME = {
    "villages": "v.id = ANY (:villages)",
    "points": "v.id = ANY (%(villages)s)",
    "signals": "s.demand_point_id = ANY (%(points)s)",
}
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
    lon: Floats
    lat: Floats
    """Of each point, degrees, EPSG:4326."""
    server: Ints
    """Shape (points, groups): id of the cell that serves, 0 where nothing above a phone's level does."""


def read_stored(
    session: Session, run: CoverageRun, rule: CoverageRule, operator: int | None, as_of: dt.date,
    villages: Sequence[int] | None = None,
) -> Stored:  # fmt: skip
    """Return the levels of a run at the points of the villages in force on `as_of`.

    Parameters
    ----------
    operator : int, optional
        Only this one's network.
    villages : sequence of int, optional
        Only these.

    Raises
    ------
    Conflict
        Points were added or taken away since: those without a level would pass for not served.

    Notes
    -----
    How much an unknown cell could reach at most is not stored: wherever a better signal may exist, it may be enough.
    """
    level = phone_levels(session, run, rule)
    bind = {"run": run.id, "operator": operator, "as_of": as_of, "technologies": list(level),
            "levels": list(level.values()), "villages": list(villages or ())}  # fmt: skip
    words = _ALL if villages is None else _SOME
    if session.scalar(text(_JUDGED_POINTS), bind) != run.counts.get("points"):
        raise Conflict(
            "run_outdated",
            f"Các điểm dân cư đã thay đổi sau lượt tính {run.id}; hãy chạy lại `hatang coverage run`",
            f"The populated points changed after the run {run.id}; run `hatang coverage run` again",
            field="run_id",
        )
    rows = session.execute(text(_VILLAGES.format(some=words["villages"])), bind).mappings()
    found = [dict(row) for row in rows]
    ids = np.array([v["id"] for v in found], np.int64)
    points = arrays(session, _POINTS.format(some=words["points"]), _POINT, **bind)
    village, people, point_id = np.searchsorted(ids, points["village"]), points["people"], points["id"]
    demand = Demand(village, len(ids), points["dwellings"] if rule.unit == "dwellings" else people)
    known = np.array([v["known"] for v in found], bool)
    bind["points"] = point_id.tolist() if villages is not None else []
    columns = (
        ("point", "i8"),
        ("operator", "i8"),
        ("technology", "i8"),
        ("level", "f8"),
        ("doubt", "b1"),
        ("cell", "i8"),
    )
    signals = arrays(session, _SIGNALS.format(some=words["signals"]), columns, **bind)
    heard, server = _heard(session, run, rule, bind, ids, point_id, village, known, signals)
    return Stored(found, demand, people, heard, points["lon"], points["lat"], server)


def _heard(
    session: Session, run: CoverageRun, rule: CoverageRule, bind: dict[str, Any], ids: Ints, point_id: Ints,
    village: Ints, known: Bools, rows: Mapping[str, NDArray[Any]],
) -> tuple[Heard, Ints]:  # fmt: skip
    elsewhere = session.execute(text(_UNREGISTERED), bind).all()
    pair = rows["operator"] * (len(bind["technologies"]) + 1) + rows["technology"]
    pairs, of_pair, group_of_row = np.unique(pair, return_index=True, return_inverse=True)
    met = [(int(rows["operator"][r]), str(bind["technologies"][rows["technology"][r] - 1])) for r in of_pair]
    groups = sorted({*met, *((UNREGISTERED, str(r[1])) for r in elsewhere)})
    index = {group: number for number, group in enumerate(groups)}
    order = np.argsort(point_id)
    at = np.minimum(np.searchsorted(point_id, rows["point"], sorter=order), max(len(point_id) - 1, 0))
    p = order[at] if len(point_id) else at
    here = point_id[p] == rows["point"] if len(point_id) else np.zeros(len(pair), bool)  # of villages in force
    p, g = p[here], np.array([index[m] for m in met], np.int64)[group_of_row][here] if len(pairs) else p[here]
    level_dbm, cell = rows["level"][here], rows["cell"][here]
    doubt = np.zeros((len(point_id), len(groups)), bool)
    doubt[p, g] = rows["doubt"][here]
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
        asked, able = levels_for_rate(session, run, rule, technology, g, cell, alone)

    def levels(needed_dbm: Floats, usable: Bools) -> Levels:
        margin = np.full(doubt.shape, -np.inf)
        margin[p, g] = level_dbm - needed_dbm
        return Levels(margin, np.where(doubt & usable, 0.0, -np.inf))

    server = np.zeros(doubt.shape, np.int64)
    server[p, g] = cell
    heard = Heard(
        levels(asked, able), levels(alone, np.ones(len(groups), bool)), np.array([o for o, _ in groups], np.int64),
        tuple(technology), known,
    )  # fmt: skip
    return heard, server
