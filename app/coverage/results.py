"""Writes a run's signals and verdicts: judged scope by scope, copied in bulk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage import verdict as verdicts
from app.coverage.engine import NO_TERRAIN, REASONS, Progress, Signals
from app.coverage.explain import NO_DWELLINGS, NO_NETWORK, NO_POINTS, NO_POPULATION, Server, served_by, why
from app.coverage.inputs import Cells, Places
from app.coverage.propagation.combination import MIN_PATH_KM
from app.coverage.rules import CoverageRule
from app.kit.bulk import stage
from app.sites.models import TECHNOLOGIES

# A verdict is found again by its scope, in which null is a value: coalesced, the join hashes.
_STORE_VERDICTS = """
WITH stored AS (
    INSERT INTO registry.verdict
        (run_id, village_id, operator_id, technology, verdict, share, share_unknown, rsrp_dbm, margin_db, why)
    SELECT :run, village_id, operator_id, technology, verdict, share, share_unknown, rsrp_dbm, margin_db, why
    FROM staged_verdict
    RETURNING id, village_id, coalesce(operator_id, 0) AS operator, coalesce(technology, '') AS technology
)
INSERT INTO registry.served (verdict_id, cell_id, why)
SELECT s.id, v.cell_id, v.served
FROM stored s JOIN staged_verdict v ON v.village_id = s.village_id AND coalesce(v.operator_id, 0) = s.operator
                                   AND coalesce(v.technology, '') = s.technology
WHERE v.cell_id IS NOT NULL
"""


@dataclass(frozen=True)
class Computed:
    """What every row of a run needs."""

    id: int
    rule: CoverageRule
    cells: Cells
    places: Places
    signals: Signals
    threshold_dbm: verdicts.Floats
    synthetic_terrain: bool
    network_known: bool
    """False when no cell at all is registered: that says nothing about any village."""


def store_signals(session: Session, run: Computed) -> None:
    """Store the signals that are known or in doubt; where no cell can reach the floor there is no row."""
    signals, cells = run.signals, run.cells
    known = np.isfinite(signals.rsrp_dbm)
    points, groups = np.nonzero(known | np.isfinite(signals.unknown_bound_dbm))

    def rows() -> Iterator[tuple[Any, ...]]:
        for p, g in zip(points.tolist(), groups.tolist(), strict=True):
            key = (int(run.places.point_id[p]), int(cells.group_operator[g]), cells.group_technology[g])
            if not known[p, g]:
                yield (*key, None, None, None, None, None, signals.reason_code(p, g))
                continue
            values = (float(v[p, g]) for v in (signals.rsrp_dbm, signals.loss_db, signals.diffraction_db,
                                               signals.distance_m))  # fmt: skip
            yield (*key, int(cells.cell_id[signals.server[p, g]]), *values, signals.reason_code(p, g))

    columns = [("demand_point_id", "bigint"), ("operator_id", "bigint"), ("technology", "text"), ("cell_id", "bigint"),
               ("rsrp_dbm", "float8"), ("loss_db", "float8"), ("diffraction_db", "float8"), ("distance_m", "float8"),
               ("unknown_reason", "text")]  # fmt: skip
    names = ", ".join(name for name, _ in columns)
    stage(session, "staged_signal", columns, rows())
    session.execute(
        text(f"INSERT INTO registry.signal (run_id, {names}) SELECT :run, {names} FROM staged_signal"),  # noqa: S608
        {"run": run.id},
    )
    session.execute(text("DROP TABLE staged_signal"))


def store_verdicts(
    session: Session, run: Computed, operators: list[int], one_operator: bool, progress: Progress | None
) -> dict[str, Any]:
    """Store the verdicts of every scope; return the number of villages per verdict of the rule over all."""
    present = [t for t in TECHNOLOGIES if t in run.cells.group_technology]
    scopes = verdicts.scopes(operators, [t for t in present if t in run.rule.rsrp_min_dbm])
    counts: dict[str, Any] = {}

    def rows() -> Iterator[tuple[Any, ...]]:
        for number, scope in enumerate(scopes):
            judged, groups = _judge(run, scope, one_operator)
            names = [verdicts.NAMES[v] for v in judged.verdict]
            if scope == verdicts.Scope():
                counts.update(dict.fromkeys(verdicts.NAMES, 0) | Counter(names))
            yield from _verdict_rows(run, scope, judged, groups, names)
            if progress:
                progress(number + 1, len(scopes), "verdicts")

    columns = [("village_id", "bigint"), ("operator_id", "bigint"), ("technology", "text"), ("verdict", "text"),
               ("share", "float8"), ("share_unknown", "float8"), ("rsrp_dbm", "float8"), ("margin_db", "float8"),
               ("why", "jsonb"), ("cell_id", "bigint"), ("served", "jsonb")]  # fmt: skip
    stage(session, "staged_verdict", columns, rows())
    session.execute(text(_STORE_VERDICTS), {"run": run.id})
    session.execute(text("DROP TABLE staged_verdict"))
    return counts


def _judge(run: Computed, scope: verdicts.Scope, one_operator: bool) -> tuple[verdicts.Judged, verdicts.Ints]:
    """Return the verdicts under `scope` and the groups that belong to it."""
    wanted: tuple[str, ...] = run.rule.technologies if scope.technology is None else (scope.technology,)
    technology = np.isin(np.array(run.cells.group_technology, dtype=object), np.array(wanted, dtype=object))
    operator = run.cells.group_operator
    groups = np.flatnonzero(technology & ((scope.operator_id is None) | (operator == scope.operator_id)))
    judged = verdicts.judge(
        run.signals.rsrp_dbm[:, groups] - run.threshold_dbm[groups],
        run.signals.unknown_bound_dbm[:, groups] - run.threshold_dbm[groups],
        operator[groups],
        run.places.village,
        len(run.places.village_id),
        run.places.dwellings if run.rule.unit == "dwellings" else run.places.population,
        run.rule.min_share,
        # "At least two operators" has no meaning when one is looked at.
        1 if one_operator or scope.operator_id is not None else run.rule.min_operators,
    )
    if not run.network_known:
        nothing = np.full_like(judged.share, np.nan)
        judged = replace(judged, verdict=np.full_like(judged.verdict, verdicts.UNKNOWN), share=nothing)
    return judged, groups


def _verdict_rows(
    run: Computed, scope: verdicts.Scope, judged: verdicts.Judged, groups: verdicts.Ints, names: list[str]
) -> Iterator[tuple[Any, ...]]:
    reasons = _reasons(run, judged, groups)
    for v, name in enumerate(names):
        share = None if np.isnan(judged.share[v]) else min(1.0, float(judged.share[v]))
        unknown = float(judged.share_unknown[v]) if share is not None else 1.0
        server, p = None, int(judged.median_point[v])
        rsrp = margin = cell = served = None
        if p >= 0:
            g = int(groups[judged.median_group[v]])
            c = int(run.signals.server[p, g])
            rsrp = float(run.signals.rsrp_dbm[p, g])
            margin, cell = rsrp - float(run.threshold_dbm[g]), int(run.cells.cell_id[c])
            server = _server(run, p, g, c)
            served = json.dumps(served_by(server, MIN_PATH_KM * 1000), ensure_ascii=False)
        synthetic = bool(run.places.village_synthetic[v]) or (
            server is not None and (run.synthetic_terrain or bool(run.cells.synthetic[c]))
        )
        facts = why(name, share, unknown, run.rule.min_share, run.rule.unit, reasons[v], server, synthetic=synthetic)
        yield (int(run.places.village_id[v]), scope.operator_id, scope.technology, name, share, unknown, rsrp, margin,
               json.dumps(facts, ensure_ascii=False), cell, served)  # fmt: skip


def _server(run: Computed, p: int, g: int, c: int) -> Server:
    """Return who serves point `p` in group `g`."""
    cells, signals = run.cells, run.signals
    return Server(
        cells.code[c],
        cells.operator_code[int(cells.group_operator[g])],
        cells.group_technology[g],
        float(signals.rsrp_dbm[p, g]),
        float(run.threshold_dbm[g]),
        float(signals.distance_m[p, g]),
        float(signals.diffraction_db[p, g]),
        cells.defaulted_names(c),
    )


def _reasons(run: Computed, judged: verdicts.Judged, groups: verdicts.Ints) -> list[dict[str, int]]:
    """Return per village why points are undecided, with their number."""
    villages = len(run.places.village_id)
    counts = np.zeros((villages, len(REASONS)), np.int64)
    undecided = np.flatnonzero(judged.point_unknown)
    if undecided.size:
        strongest = run.signals.unknown_bound_dbm[np.ix_(undecided, groups)].argmax(axis=1)
        np.add.at(counts, (run.places.village[undecided], run.signals.reason[undecided, groups[strongest]]), 1)
    weightless = NO_DWELLINGS if run.rule.unit == "dwellings" else NO_POPULATION
    found: list[dict[str, int]] = []
    for v, row in enumerate(counts.tolist()):
        codes = {str(REASONS[k]): n for k, n in enumerate(row) if n}
        if codes and not run.signals.terrain_known:
            codes = {NO_TERRAIN: sum(codes.values())}
        if judged.points[v] == 0:
            codes[NO_POINTS] = 0
        elif not run.network_known:
            codes[NO_NETWORK] = 0
        elif np.isnan(judged.share[v]):
            codes[weightless] = 0
        found.append(codes)
    return found
