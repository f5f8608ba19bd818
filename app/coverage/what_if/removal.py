"""What is left to hear when cells are switched off: computed anew where one of them served, by the engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import numpy as np
from sqlalchemy.orm import Session

from app.config import settings
from app.coverage.calibrations import calibrated
from app.coverage.collected import read_errors
from app.coverage.engine import compute
from app.coverage.inputs import read_cells, read_receiver
from app.coverage.land_cover import open_land_cover
from app.coverage.models import CoverageRun
from app.coverage.rules import CoverageRule
from app.coverage.service import floors, kept_losses
from app.coverage.switch_off import Bools, Heard, Levels
from app.coverage.switch_off_inputs import Stored
from app.coverage.switch_off_levels import levels_for_rate, phone_levels
from app.coverage.terrain import open_terrain
from app.coverage.verdict import Floats
from app.coverage.what_if.gain import replaced


def without(
    session: Session, run: CoverageRun, rule: CoverageRule, stored: Stored, off: Collection[int], as_of: dt.date
) -> Heard:
    """Return what is heard without some cells.

    Where none of them served the best level of a network stays; elsewhere that network's is computed from the cells
    it keeps. What a cell that goes left unknown stays unknown.

    Parameters
    ----------
    off : collection of int
        Ids of the cells switched off.
    """
    lost = np.isin(stored.server, list(off)) & (stored.server > 0)
    margin, bound = stored.heard.rule.margin_db.copy(), stored.heard.rule.bound_db.copy()
    touched = np.flatnonzero(lost.any(axis=0))
    if not len(touched):
        return stored.heard
    level = phone_levels(session, run, rule)
    for operator in np.unique(stored.heard.operator[touched]).tolist():
        groups = [g for g in touched.tolist() if stored.heard.operator[g] == operator]
        points = np.flatnonzero(lost[:, groups].any(axis=1))
        left = _left(session, run, rule, level, operator, off, as_of, stored.lon[points], stored.lat[points])
        for g in groups:
            gone, here = lost[points, g], left.get(stored.heard.technology[g])
            rows = points[gone]
            margin[rows, g] = here[0][gone] if here else -np.inf
            bound[rows, g] = np.maximum(bound[rows, g], here[1][gone]) if here else bound[rows, g]
    return replaced(stored.heard, Levels(margin, bound), lost)


def _left(
    session: Session, run: CoverageRun, rule: CoverageRule, level: dict[str, float], operator: int,
    off: Collection[int], as_of: dt.date, lon: Floats, lat: Floats,
) -> dict[str, tuple[Floats, Floats]]:  # fmt: skip
    """Return by technology what an operator's remaining cells bring to points: margins and bounds, dB."""
    cells = read_cells(session, as_of, operator=operator)
    kept: Bools = ~np.isin(cells.cell_id, list(off))
    terrain, cover = open_terrain(session), open_land_cover(session, as_of)
    cells, receiver, _ = calibrated(session, cells, read_receiver(session, as_of), cover)
    floor = floors(session, as_of, cells, read_errors(session, as_of, receiver.sigma_model_db).total_db)
    found = compute(
        terrain, cells.network.only(kept), lon, lat, floor, receiver, cover=cover,
        losses=kept_losses(terrain, cover, receiver), workers=settings().workers,
    )  # fmt: skip
    ids = np.append(cells.cell_id[kept], 0)  # server -1 reads the end: none
    answer = {}
    for g, technology in enumerate(cells.group_technology):
        if technology not in level:
            continue
        needed, able = np.full(len(lon), level[technology]), True
        if rule.downlink_mbps:
            rates, carries = levels_for_rate(
                session, run, rule, [technology], np.zeros(len(lon), np.int64), ids[found.server[:, g]], needed
            )
            needed, able = rates, bool(carries[0])
        none = np.full(len(lon), -np.inf)
        answer[technology] = (
            found.rsrp_dbm[:, g] - needed if able else none, found.unknown_bound_dbm[:, g] - needed if able else none,
        )  # fmt: skip
    return answer
