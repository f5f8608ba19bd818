"""Writes a run's signals and verdicts: judged scope by scope, copied in bulk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage import verdict as verdicts
from app.coverage.calibration_words import with_calibration
from app.coverage.collected import Collected
from app.coverage.engine import NO_TERRAIN, REASONS, Progress, Signals
from app.coverage.evidence import Demand
from app.coverage.evidence_words import with_evidence
from app.coverage.explain import (
    BARE_GROUND,
    NO_DWELLINGS,
    NO_NETWORK,
    NO_POINTS,
    NO_POLYGON,
    NO_POPULATION,
    NO_STATIONS,
    ONE_POINT,
    Server,
    served_by,
    why,
)
from app.coverage.inputs import Cells, Places
from app.coverage.probability import Errors, serving, shares
from app.coverage.propagation.combination import MIN_PATH_KM
from app.coverage.rules import CoverageRule
from app.coverage.thresholds import Links, Thresholds
from app.coverage.weighing import Told, Weighed, modelled, unknown_network, weigh
from app.coverage.weighing import told as weigh_told
from app.kit.bulk import stage
from app.sites.models import TECHNOLOGIES

# A verdict is found again by its scope, in which null is a value: coalesced, the join hashes.
_STORE_VERDICTS = """
WITH stored AS (
    INSERT INTO registry.verdict
        (run_id, village_id, operator_id, technology, verdict, evidence, share, share_low, share_high, share_unknown,
         rsrp_dbm, margin_db, why)
    SELECT :run, village_id, operator_id, technology, verdict, evidence, share, share_low, share_high, share_unknown,
           rsrp_dbm, margin_db, why
    FROM staged_verdict
    RETURNING id, village_id, coalesce(operator_id, 0) AS operator, coalesce(technology, '') AS technology
), known AS (
    SELECT s.id, v.cell_id, v.served, v.said
    FROM stored s JOIN staged_verdict v ON v.village_id = s.village_id AND coalesce(v.operator_id, 0) = s.operator
                                       AND coalesce(v.technology, '') = s.technology
    WHERE v.cell_id IS NOT NULL OR v.said IS NOT NULL
), said AS (
    INSERT INTO registry.evidence
        (verdict_id, kind, verdict, share, share_low, share_high, share_unknown, points, samples, why)
    SELECT k.id, e.* FROM known k CROSS JOIN LATERAL jsonb_to_recordset(k.said) AS e (
        kind text, verdict text, share float8, low float8, high float8, unknown float8, points int, samples int,
        why jsonb)
)
INSERT INTO registry.served (verdict_id, cell_id, why) SELECT id, cell_id, served FROM known WHERE cell_id IS NOT NULL
"""


@dataclass(frozen=True)
class Computed:
    """What every row of a run needs."""

    id: int
    rule: CoverageRule
    cells: Cells
    places: Places
    signals: Signals
    thresholds: Thresholds
    errors: Errors
    links: Links
    found: Collected
    """Claims and measurements; its groups begin with those of `cells`."""
    synthetic_ground: bool
    """Terrain or land cover is made up."""
    bare: NDArray[np.bool_]
    """Villages with points where no land cover is known."""
    network_known: bool
    """False when no cell at all is registered: that says nothing about any village."""
    calibration: dict[str, Any] | None = None
    """What to tell of the calibration in use; levels and errors are already calibrated."""


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


def store_verdicts(session: Session, run: Computed, one_operator: bool, progress: Progress | None) -> dict[str, Any]:
    """Store the verdicts of every scope; return the number of villages per verdict of the rule over all."""
    present = [t for t in TECHNOLOGIES if t in run.found.group_technology]
    operators = sorted(set(run.found.group_operator.tolist()))
    scopes = verdicts.scopes(operators, [t for t in present if t in run.rule.rsrp_min_dbm])
    counts: dict[str, Any] = {}

    def rows() -> Iterator[tuple[Any, ...]]:
        for number, scope in enumerate(scopes):
            judgement = _judge(run, scope, one_operator)
            told = [judgement.weighed.told(v) for v in range(len(run.places.village_id))]
            if scope == verdicts.Scope():
                counts.update(dict.fromkeys(verdicts.NAMES, 0) | Counter(t.verdict for t in told))
                counts["decided_by"] = dict(Counter(t.evidence for t in told if t.evidence))
            yield from _verdict_rows(run, scope, judgement, told)
            if progress:
                progress(number + 1, len(scopes), "verdicts")

    columns = [("village_id", "bigint"), ("operator_id", "bigint"), ("technology", "text"), ("verdict", "text"),
               ("evidence", "text"), ("share", "float8"), ("share_low", "float8"), ("share_high", "float8"),
               ("share_unknown", "float8"), ("rsrp_dbm", "float8"), ("margin_db", "float8"), ("why", "jsonb"),
               ("cell_id", "bigint"), ("served", "jsonb"), ("said", "jsonb")]  # fmt: skip
    stage(session, "staged_verdict", columns, rows())
    session.execute(text(_STORE_VERDICTS), {"run": run.id})
    session.execute(text("DROP TABLE staged_verdict"))
    return counts


@dataclass(frozen=True)
class _Judgement:
    """Of one scope: the network's groups in it, what the model found there, and all evidence weighed."""

    groups: verdicts.Ints
    judged: verdicts.Judged
    weighed: Weighed
    synthetic: bool
    """Some of the claims and measurements are made up."""


def _judge(run: Computed, scope: verdicts.Scope, one_operator: bool) -> _Judgement:
    """Judge every village under `scope`."""
    wanted: tuple[str, ...] = run.rule.technologies if scope.technology is None else (scope.technology,)
    technology = np.isin(np.array(run.found.group_technology, dtype=object), np.array(wanted, dtype=object))
    mine = (scope.operator_id is None) | (run.found.group_operator == scope.operator_id)
    groups = np.flatnonzero(technology & mine)
    here, elsewhere = (
        groups[groups < len(run.cells.group_technology)],
        groups[groups >= len(run.cells.group_technology)],
    )
    margin, bound = _margins(run, here, elsewhere)
    operator = run.found.group_operator[groups]
    # "At least two operators" has no meaning when one is looked at.
    least = 1 if one_operator or scope.operator_id is not None else run.rule.min_operators
    weight = run.places.dwellings if run.rule.unit == "dwellings" else run.places.population
    demand = Demand(run.places.village, len(run.places.village_id), weight)
    judged = verdicts.judge(margin, bound, operator, demand.village, demand.villages, weight, run.rule.min_share, least)
    served, by = serving(margin + run.thresholds.margin_db, operator, least)
    sure = shares(
        served, judged.point_unknown, demand.village, demand.villages, weight, run.errors.location_db,
        _model_error(run, by, here),
    )  # fmt: skip
    model = modelled(judged, sure) if run.network_known else unknown_network(modelled(judged, sure))
    weighed = weigh(model, run.found, groups, demand, run.rule.model_copy(update={"min_operators": least}))
    return _Judgement(here, judged, weighed, bool(run.found.synthetic[groups].any()))


def _model_error(run: Computed, by: verdicts.Ints, here: verdicts.Ints) -> verdicts.Floats:
    """Return the model's error for each point, dB; `by` is the index in `here` of the group that serves it, -1 none."""
    found = np.full(len(by), run.errors.model_db)
    known = np.flatnonzero((by >= 0) & (by < len(here)))
    cell = run.signals.server[known, here[by[known]]]
    found[known] = run.errors.of_cells(run.cells.defaulted[cell])
    return found


def _margins(run: Computed, here: verdicts.Ints, elsewhere: verdicts.Ints) -> tuple[verdicts.Floats, verdicts.Floats]:
    """Return the known and the possible margin of each point over its threshold, shape (points, groups).

    Of `elsewhere`, networks that claim to serve or were measured but have no cell in the registry, nothing is known
    where they were heard, and nothing is expected where not.
    """
    signals, points = run.signals, len(run.places.lon)
    margin = np.full((points, len(here) + len(elsewhere)), -np.inf)
    bound = margin.copy()
    margin[:, : len(here)] = signals.rsrp_dbm[:, here] - run.thresholds.at[:, here]
    bound[:, : len(here)] = signals.unknown_bound_dbm[:, here] - run.thresholds.least[here]
    bound[:, len(here) :] = np.where(run.found.heard(run.places.village)[:, elsewhere], 0.0, -np.inf)
    return margin, bound


def _verdict_rows(
    run: Computed, scope: verdicts.Scope, judgement: _Judgement, told: list[Told]
) -> Iterator[tuple[Any, ...]]:
    judged, groups, weighed = judgement.judged, judgement.groups, judgement.weighed
    reasons, assumed = _reasons(run, judged, groups), _assumed(run)
    any_synthetic = bool(run.cells.synthetic[np.isin(run.cells.network.group, groups)].any())
    for v, final in enumerate(told):
        server, p = None, int(judged.median_point[v])
        rsrp = margin = cell = served = said = rate = None
        if p >= 0:
            g = int(groups[judged.median_group[v]])
            c = int(run.signals.server[p, g])
            rsrp = float(run.signals.rsrp_dbm[p, g])
            margin, cell = rsrp - float(run.thresholds.at[p, g]), int(run.cells.cell_id[c])
            server = _server(run, p, g, c)
            served = json.dumps(served_by(server, MIN_PATH_KM * 1000), ensure_ascii=False)
            rate = _rate(run, g, c, rsrp)
        spoke = weighed.spoke(v)
        # Where nobody serves, everything that could have is what the verdict rests on.
        made_up = run.synthetic_ground or (bool(run.cells.synthetic[c]) if server is not None else any_synthetic)
        synthetic = (
            bool(run.places.village_synthetic[v])
            or (bool(judged.points[v]) and run.network_known and made_up)
            or (bool(spoke) and judgement.synthetic)
            or (run.calibration is not None and run.calibration["synthetic"])
        )
        model = final if final.evidence == "model" else weigh_told(weighed.said["model"], v)
        facts = why(model, run.rule, reasons[v], server, rate, assumed[v], synthetic=synthetic)
        if run.calibration is not None:
            facts = with_calibration(facts, run.calibration)
        if spoke:
            facts, stored = with_evidence(facts, weighed, v, run.rule, run.found.limits)
            said = json.dumps(stored, ensure_ascii=False)
        yield (int(run.places.village_id[v]), scope.operator_id, scope.technology, final.verdict, final.evidence,
               final.share, final.low, final.high, final.unknown, rsrp, margin, json.dumps(facts, ensure_ascii=False),
               cell, served, said)  # fmt: skip


def _assumed(run: Computed) -> list[list[str]]:
    """Return per village which inputs nobody gave."""
    whole = np.bincount(run.places.village, run.places.whole, len(run.places.village_id)) > 0
    return [
        [code for code, stands in ((BARE_GROUND, bare), (ONE_POINT, point)) if stands]
        for bare, point in zip(run.bare.tolist(), whole.tolist(), strict=True)
    ]


def _rate(run: Computed, g: int, c: int, rsrp_dbm: float) -> float | None:
    """Return the estimated downlink rate where the rule asks for one."""
    if not run.rule.downlink_mbps:
        return None
    technology = run.cells.group_technology[g]
    width = float(run.links.bandwidth_mhz(run.cells, technology, np.array([c]))[0])
    return run.links.rate_mbps(rsrp_dbm - run.rule.environment_loss_db, technology, width)


def _server(run: Computed, p: int, g: int, c: int) -> Server:
    """Return who serves point `p` in group `g`."""
    cells, signals = run.cells, run.signals
    return Server(
        cells.code[c],
        cells.operator_code[int(cells.group_operator[g])],
        cells.group_technology[g],
        float(signals.rsrp_dbm[p, g]),
        float(run.thresholds.at[p, g]),
        float(signals.distance_m[p, g]),
        float(signals.diffraction_db[p, g]),
        cells.defaulted_names(c),
    )


def _reasons(run: Computed, judged: verdicts.Judged, groups: verdicts.Ints) -> list[dict[str, int]]:
    """Return per village why points are undecided, with their number."""
    villages = len(run.places.village_id)
    counts = np.zeros((villages, len(REASONS)), np.int64)
    undecided = np.flatnonzero(judged.point_unknown)
    foreign = np.zeros(villages, np.int64)
    if undecided.size:
        bound = run.signals.unknown_bound_dbm[np.ix_(undecided, groups)]
        own = (bound - run.thresholds.least[groups]).max(axis=1, initial=-np.inf) >= 0
        foreign = np.bincount(run.places.village[undecided[~own]], minlength=villages)
        undecided, strongest = undecided[own], bound[own].argmax(axis=1) if own.any() else np.empty(0, np.int64)
        np.add.at(counts, (run.places.village[undecided], run.signals.reason[undecided, groups[strongest]]), 1)
    weightless = NO_DWELLINGS if run.rule.unit == "dwellings" else NO_POPULATION
    found: list[dict[str, int]] = []
    for v, row in enumerate(counts.tolist()):
        codes = {str(REASONS[k]): n for k, n in enumerate(row) if n}
        if codes and not run.signals.terrain_known:
            codes = {NO_TERRAIN: sum(codes.values())}
        if foreign[v]:
            codes[NO_STATIONS] = int(foreign[v])
        if judged.points[v] == 0:
            codes[NO_POLYGON if run.rule.unit == "area" else NO_POINTS] = 0
        elif not run.network_known:
            codes[NO_NETWORK] = 0
        elif np.isnan(judged.share[v]):
            codes[weightless] = 0
        found.append(codes)
    return found
