"""A coverage run: inputs read once, signals swept, verdicts judged, everything stored set-based."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.config import settings
from app.coverage import verdict as verdicts
from app.coverage.engine import Progress, compute
from app.coverage.fibre import store_fibre_reach
from app.coverage.inputs import Cells, digest, operator_id, read_cells, read_places, read_receiver
from app.coverage.models import CoverageRun
from app.coverage.propagation.p1812 import MODEL, MODEL_VERSION
from app.coverage.results import Computed, store_signals, store_verdicts
from app.coverage.rules import CoverageRule, parse_rule
from app.coverage.terrain import open_terrain
from app.errors import AppError, Invalid
from app.policy.queries import parameter, parameters
from app.sites.models import TECHNOLOGIES

FLOOR_MARGIN_DB = 20.0
"""How far under the lowest threshold of any rule a signal is still computed and stored."""


def run_coverage(
    session: Session,
    *,
    as_of: dt.date,
    rule: str = "village-80",
    operator: str | None = None,
    technology: str | None = None,
    resolution_m: float | None = None,
    progress: Progress | None = None,
) -> CoverageRun:
    """Compute and store the coverage of every village in force on `as_of`.

    Raises
    ------
    Invalid
        Unknown operator or technology, a rule this version cannot compute, `resolution_m` given.
    NotFound
        No such rule on that date.
    """
    if resolution_m is not None:
        raise Invalid(
            "not_yet_supported",
            "Chưa tính vùng phủ theo lưới; --resolution sẽ dùng khi có bản đồ vùng phủ",
            "Coverage rasters are not computed yet; --resolution belongs to them",
            field="resolution",
        )
    if technology is not None and technology not in TECHNOLOGIES:
        known = ", ".join(TECHNOLOGIES)
        raise Invalid("unknown_technology", f"Công nghệ là một trong {known}", f"Technology is one of {known}",
                      field="technology")  # fmt: skip
    chosen = parameter(session, "coverage_rule", rule, as_of)
    parsed = parse_rule(rule, chosen.value)
    receiver = read_receiver(session, as_of)
    only = operator_id(session, operator, as_of) if operator else None
    cells = read_cells(session, as_of, operator=only, technology=technology)
    places = read_places(session, as_of, village_points=parsed.unit == "point")
    terrain = open_terrain(session)
    floor = floors(session, as_of, cells, receiver.sigma_model_db)
    filters = {"operator": operator, "technology": technology}
    network = cells.network
    run = CoverageRun(
        as_of=as_of, rule=rule, rule_version=chosen.version, rule_value=chosen.value, model=MODEL,
        model_version=MODEL_VERSION, terrain_version=terrain.version, status="running",
        filters={k: v for k, v in filters.items() if v is not None},
        inputs_sha256=digest(
            network.mast_lon, network.mast_lat, network.first_cell, network.cells, network.group, cells.cell_id,
            places.village_id, places.point_id, places.village, places.lon, places.lat, places.population,
            places.dwellings, parsed, receiver, terrain.version, MODEL, MODEL_VERSION, filters,
        ),
    )  # fmt: skip
    session.add(run)
    session.flush()
    signals = compute(
        terrain, network, places.lon, places.lat, floor, receiver, workers=settings().workers, progress=progress
    )
    found = Computed(run.id, parsed, cells, places, signals, _thresholds(parsed, cells, receiver.sigma_model_db),
                 terrain.synthetic, network_known=bool(cells.cell_id.size or run.filters))  # fmt: skip
    if parsed.unit != "point":
        store_signals(session, found)
    operators = sorted(set(cells.group_operator.tolist()))
    counts = store_verdicts(session, found, operators, only is not None, progress)
    # Runs are public: how many restricted cells there are must not follow from their counts.
    run.counts = counts | {
        "villages": len(places.village_id), "points": len(places.lon), "cells": int((~cells.restricted).sum()),
        "paths": signals.paths, "stations_without_cells": cells.stations_without_cells,
    }  # fmt: skip
    if technology is None:
        serving = parameter(session, "fibre", "serving", as_of).value
        run.counts["fibre"] = store_fibre_reach(
            session, run.id, as_of, float(serving["serving_distance_m"]), float(serving["min_share"]), only
        )
    run.status = "done"
    run.finished_at = session.scalar(select(func.clock_timestamp()))
    session.flush()
    return run


def summary(run: CoverageRun) -> dict[str, Any]:
    """Return what `hatang coverage run` prints."""
    fibre = run.counts.get("fibre", {})
    plain = {name: value for name, value in run.counts.items() if name != "fibre"}
    return {
        "run": run.id,
        "rule": f"{run.rule} v{run.rule_version}",
        "as_of": run.as_of,
        "filters": run.filters,
        **plain,
        **{f"fibre_{name}": fibre.get(name, 0) for name in verdicts.NAMES if fibre},
        "model": f"{run.model}, version {run.model_version}",
        "inputs_sha256": run.inputs_sha256,
    }


def floors(session: Session, as_of: dt.date, cells: Cells, sigma_db: float) -> verdicts.Floats:
    """Return per group the level under which no rule in force on `as_of` could count a signal, with a margin."""
    lowest: dict[str, float] = {}
    for name, value in parameters(session, "coverage_rule", as_of).items():
        try:
            rule = parse_rule(name, value)
        except AppError:  # a rule that cannot be run cannot lower the floor; running it says why
            continue
        for technology in rule.rsrp_min_dbm:
            level = rule.threshold_dbm(technology, sigma_db)
            lowest[technology] = min(level, lowest.get(technology, np.inf))
    return np.array([lowest.get(t, 0.0) - FLOOR_MARGIN_DB for t in cells.group_technology])


def _thresholds(rule: CoverageRule, cells: Cells, sigma_db: float) -> verdicts.Floats:
    """Return the rule's threshold of each group; a technology it has no level for never passes."""
    known: dict[str, float] = {t: rule.threshold_dbm(t, sigma_db) for t in rule.rsrp_min_dbm}
    return np.array([known.get(t, np.inf) for t in cells.group_technology], np.float64)
