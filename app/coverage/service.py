"""A coverage run: inputs read once, signals swept, verdicts judged, everything stored set-based."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import replace
from typing import Any

import numpy as np
from shapely import Geometry
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.config import settings
from app.coverage import verdict as verdicts
from app.coverage.calibration_words import in_words
from app.coverage.calibrations import calibrated
from app.coverage.collected import collect, read_errors, read_links
from app.coverage.engine import Progress, Receiver, compute
from app.coverage.fibre import store_fibre_reach
from app.coverage.inputs import Cells, digest, operator_id, read_cells, read_places, read_receiver
from app.coverage.land_cover import UNKNOWN, LandCover, open_land_cover
from app.coverage.losses import Losses
from app.coverage.models import CoverageRun
from app.coverage.parts import Radio, compute_parts, forget
from app.coverage.propagation.p1812 import MODEL, MODEL_VERSION
from app.coverage.results import Computed, store_signals, store_verdicts
from app.coverage.rules import CoverageRule, parse_rule
from app.coverage.surface import Frame, check_step, frame, read_area
from app.coverage.surface_files import Surface, write_surfaces
from app.coverage.surface_files import folder as map_folder
from app.coverage.terrain import Terrain, open_terrain
from app.coverage.thresholds import thresholds
from app.errors import AppError, Invalid
from app.policy.models import Parameter
from app.policy.queries import parameter, parameters
from app.sites.models import TECHNOLOGIES

DEFAULT_RULE = "village-80"
FLOOR_MARGIN_DB = 20.0
"""How far under the lowest threshold of any rule a signal is still computed and stored."""


def check(
    session: Session, as_of: dt.date, rule: str, operator: str | None, technology: str | None,
    resolution_m: float | None,
) -> tuple[Parameter, CoverageRule, int | None]:  # fmt: skip
    """Return the rule as stored and as it is computed, and the operator's id; refuse what no run can be asked for.

    Raises
    ------
    Invalid, NotFound
        As `run_coverage`.
    """
    if technology is not None and technology not in TECHNOLOGIES:
        known = ", ".join(TECHNOLOGIES)
        raise Invalid("unknown_technology", f"Công nghệ là một trong {known}", f"Technology is one of {known}",
                      field="technology")  # fmt: skip
    check_step(resolution_m)
    chosen = parameter(session, "coverage_rule", rule, as_of)
    return chosen, parse_rule(rule, chosen.value), operator_id(session, operator, as_of) if operator else None


def run_coverage(
    session: Session,
    *,
    as_of: dt.date,
    rule: str = DEFAULT_RULE,
    operator: str | None = None,
    technology: str | None = None,
    resolution_m: float | None = None,
    progress: Progress | None = None,
) -> CoverageRun:
    """Compute and store the coverage of every village in force on `as_of`.

    Raises
    ------
    Invalid
        Unknown operator or technology, a rule this version cannot compute, a `resolution_m` no map can have.
    NotFound
        No such rule on that date.
    """
    chosen, parsed, only = check(session, as_of, rule, operator, technology, resolution_m)
    session.execute(text("SET LOCAL statement_timeout = '1h'"))  # the limit is meant for requests, not for a province
    reach_km = float(parameter(session, "radio", "maps", as_of).value["max_distance_km"])
    receiver = read_receiver(session, as_of)
    if parsed.unit == "area":
        receiver = within(receiver, reach_km)
    cells = read_cells(session, as_of, operator=only, technology=technology)
    places = read_places(session, as_of, parsed)
    terrain, cover = open_terrain(session), open_land_cover(session, as_of)
    cells, receiver, calibration = calibrated(session, cells, receiver, cover)
    errors, links = read_errors(session, as_of, receiver.sigma_model_db), read_links(session, as_of)
    if calibration is not None:
        # What defaults are off by is part of what was measured at the sites held out.
        errors = replace(errors, default_db=())
    evidence = collect(session, as_of, parsed, cells, places, operator=only, technology=technology)
    floor = floors(session, as_of, cells, errors.total_db)
    filters = {"operator": operator, "technology": technology}
    network = cells.network
    run = CoverageRun(
        as_of=as_of, rule=rule, rule_version=chosen.version, rule_value=chosen.value, model=MODEL,
        model_version=MODEL_VERSION, terrain_version=terrain.version, status="running", calibration=calibration,
        filters={k: v for k, v in filters.items() if v is not None},
        inputs_sha256=digest(
            network.mast_lon, network.mast_lat, network.first_cell, network.cells, network.group, cells.cell_id,
            cells.group_operator, cells.group_technology, floor,
            places.village_id, places.point_id, places.village, places.lon, places.lat, places.population,
            places.dwellings, places.whole, parsed, receiver, terrain.version, cover.version,
            cover.height_m, MODEL, MODEL_VERSION, filters,
            errors, links, cells.bandwidth_mhz, *evidence.parts(),
            *((network.correction, calibration["id"]) if calibration else ()),
        ),
    )  # fmt: skip
    session.add(run)
    session.flush()
    # Refused before anything is computed.
    area = read_area(session, as_of, terrain) if resolution_m is not None else None
    grid = frame(area, resolution_m, settings().metric_crs) if area is not None and resolution_m is not None else None
    # The losses of a grid over a province are too many to keep.
    losses = kept_losses(terrain, cover, receiver) if parsed.unit != "area" else None
    signals = compute(
        terrain, network, places.lon, places.lat, floor, receiver, cover=cover, losses=losses,
        workers=settings().workers, progress=progress,
    )  # fmt: skip
    needed = thresholds(parsed, cells, signals.server, errors, links)
    uncovered = cover.classes(places.lon, places.lat) == UNKNOWN
    bare = np.bincount(places.village, uncovered, len(places.village_id)) > 0
    found = Computed(run.id, parsed, cells, places, signals, needed, errors, links, evidence,
                     terrain.synthetic or cover.synthetic, bare,
                     network_known=bool(cells.cell_id.size or run.filters), calibration=calibration)  # fmt: skip
    if parsed.unit in ("population", "dwellings"):  # of the others no point is in the registry
        store_signals(session, found)
    counts = store_verdicts(session, found, only is not None, progress)
    # Runs are public: how many restricted cells there are must not follow from their counts.
    run.counts = counts | {
        "villages": len(places.village_id), "points": len(places.lon), "cells": int((~cells.restricted).sum()),
        "paths": signals.paths, "stations_without_cells": cells.stations_without_cells,
        "points_on_bare_ground": int(uncovered.sum()), "villages_as_one_point": int(places.whole.sum()),
    }  # fmt: skip
    if technology is None:
        serving = parameter(session, "fibre", "serving", as_of).value
        run.counts["fibre"] = store_fibre_reach(
            session, run.id, as_of, float(serving["serving_distance_m"]), float(serving["min_share"]), only
        )
    if grid is not None and area is not None:
        maps = _store_surface(run, grid, area, terrain, cover, cells, floor, receiver, reach_km, progress)
        run.counts = run.counts | {"raster": maps}
    run.status = "done"
    run.finished_at = session.scalar(select(func.clock_timestamp()))
    session.flush()
    return run


def within(receiver: Receiver, reach_km: float) -> Receiver:
    """Return a receiver that looks no farther than between the villages: where nothing is strong, nothing is pruned."""
    return replace(receiver, max_distance_km=min(receiver.max_distance_km, reach_km))


def kept_losses(terrain: Terrain, cover: LandCover, receiver: Receiver) -> Losses:
    """Return the path losses of earlier runs over this ground, to this receiver, by this model."""
    air = (receiver.height_m, receiver.delta_n, receiver.n0)
    folder = settings().var_dir / "coverage" / "losses"
    return Losses(folder, terrain.version, cover.version, cover.height_m, air, MODEL, MODEL_VERSION)


def _store_surface(
    run: CoverageRun, grid: Frame, area: Geometry, terrain: Terrain, cover: LandCover, cells: Cells,
    floor: verdicts.Floats, receiver: Receiver, reach_km: float, progress: Progress | None,
) -> dict[str, Any]:  # fmt: skip
    """Compute the maps of a run between its villages; restricted cells are in none of them.

    See `app.coverage.parts` for what is not computed again.
    """
    network, ids = cells.network.only(~cells.restricted), cells.cell_id[~cells.restricted]
    near = within(receiver, reach_km)
    groups = tuple(zip(cells.group_operator.tolist(), cells.group_technology, strict=True))
    radio = Radio(terrain, cover, network, ids, groups, floor, near)
    folder = settings().var_dir / "coverage" / "parts"
    files = compute_parts(folder, grid, area, radio, progress)
    synthetic = terrain.synthetic or cover.synthetic or bool(cells.synthetic.any())
    tags = {
        "MODEL": run.model, "MODEL_VERSION": run.model_version, "RUN": str(run.id), "AS_OF": run.as_of.isoformat(),
        "INPUTS_SHA256": run.inputs_sha256, "TERRAIN": run.terrain_version, "LAND_COVER": cover.version,
        "SOURCE": "SYNTHETIC" if synthetic else "Hatang", "REACH_KM": f"{reach_km:g}",
    }  # fmt: skip
    operators = [cells.operator_code[int(o)] for o in cells.group_operator]
    technology = np.array([radio.technologies.index(t) for t in cells.group_technology], np.int64)
    try:
        found = write_surfaces(run.id, files, grid, radio.technologies, operators, technology, tags)
    except BaseException:
        shutil.rmtree(map_folder(run.id), ignore_errors=True)  # of a run that no row will tell of
        raise
    forget(folder, [path for _, path in files])
    return found | {"synthetic": synthetic}


def summary(run: CoverageRun) -> dict[str, Any]:
    """Return what `hatang coverage run` prints."""
    fibre = run.counts.get("fibre", {})
    plain = {name: value for name, value in run.counts.items() if name not in ("fibre", "raster", "decided_by")}
    maps = run.counts.get("raster", {}).get("maps", {})
    return {
        "run": run.id,
        "rule": f"{run.rule} v{run.rule_version}",
        "as_of": run.as_of,
        "filters": run.filters,
        **plain,
        **{f"decided_by_{name}": count for name, count in run.counts.get("decided_by", {}).items()},
        **{f"fibre_{name}": fibre.get(name, 0) for name in verdicts.NAMES if fibre},
        **{f"map_{name}": str(Surface(run.id, name, ()).levels) for name in maps},
        "model": f"{run.model}, version {run.model_version}",
        "calibration": " · ".join(in_words(run.calibration).values()) if run.calibration else None,
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
