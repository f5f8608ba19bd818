"""Puts together what the coverage endpoints answer."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage import explain, queries
from app.coverage.calibrations import calibrated
from app.coverage.collected import read_errors
from app.coverage.engine import Signals, compute
from app.coverage.evidence_answers import CLAIMS, apart, weightiest
from app.coverage.fibre import NO_POINTS, SENTENCES
from app.coverage.inputs import Cells, read_cells, read_receiver
from app.coverage.land_cover import open_land_cover
from app.coverage.models import MEASUREMENTS
from app.coverage.propagation.p1812 import MODEL
from app.coverage.rules import EVIDENCE, parse_rule
from app.coverage.service import floors
from app.coverage.terrain import open_terrain
from app.database import is_department, reads_all, scope_of, statistics
from app.kit.page import today
from app.kit.snapping import centre, square_of
from app.policy.queries import parameter

_NO_RUN = {
    "vi": ["Chưa có lượt tính vùng phủ nào cho quy tắc này đến ngày hỏi"],
    "en": ["No coverage run of this rule exists up to the date asked"],
    "reasons": ["no_run"],
}
_NOT_IN_RUN = {
    "vi": ["Lượt tính chưa có thôn này; hãy tính lại vùng phủ"],
    "en": ["The run does not know this village; run the coverage again"],
    "reasons": ["village_not_in_run"],
}
_COMMUNE = """
    SELECT u.code, u.name FROM unit_part p JOIN unit u ON u.id = p.unit_id
    WHERE u.level = 'commune' AND registry.in_force(u.valid_from, u.valid_to, :as_of)
      AND p.geom && ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)
      AND ST_Intersects(p.geom, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)) ORDER BY u.code LIMIT 1
"""


def village_coverage(session: Session, village_id: int, rule: str | None, as_of: dt.date) -> dict[str, Any]:
    """Return the newest run's verdict on a village with its reasons; without a run it is unknown and says so.

    Who serves, from where, is left out for a caller who may not read that cell, and the answer says so.
    """
    village = queries.village(session, village_id, as_of)
    run = queries.latest_run(session, rule, as_of)
    by = queries.village_verdicts(session, run.id, village_id) if run else []
    order = tuple(run.rule_value.get("evidence_order", EVIDENCE)) if run else EVIDENCE
    for row in by:
        row["undisclosed"] = row["rsrp_dbm"] is not None and row["served"] is None
        row["estimate"], row["evidence"] = apart(row, order)
    first = by[0] if by else None
    evidence = first["evidence"] if first else []
    return {
        "village": village,
        "run": run,
        "verdict": first["verdict"] if first else "unknown",
        "claim": weightiest(evidence, CLAIMS),
        "estimate": first["estimate"] if first else None,
        "measurement": weightiest(evidence, MEASUREMENTS),
        "decided_by": first["decided_by"] if first else None,
        "evidence": evidence,
        "why": _why(first) if first else _NOT_IN_RUN if run else _NO_RUN,
        "by": by[1:],
        "fibre": _fibre(session, run.id, village_id) if run else None,
    }


def _why(row: dict[str, Any]) -> dict[str, Any]:
    if row["undisclosed"]:
        return explain.undisclosed(row["why"], explain.SERVER_UNDISCLOSED)
    facts: dict[str, Any] = row["why"]
    return explain.joined(facts, row["served"]) if row["served"] else facts


def _fibre(session: Session, run_id: int, village_id: int) -> dict[str, Any] | None:
    fibre = queries.village_fibre(session, run_id, village_id)
    if fibre is None:
        return None
    reason = fibre["why"]["reasons"][0]
    vi, en = SENTENCES[reason]
    fibre["why"] = {"vi": [vi], "en": [en]} | fibre["why"]
    # Whether there is a nearest one is not told either, except that nobody has any.
    fibre["undisclosed"] = fibre["nearest"] is None and reason != NO_POINTS and not is_department(session)
    if fibre["undisclosed"]:
        fibre["why"] = explain.undisclosed(fibre["why"], explain.POINT_UNDISCLOSED)
    return fibre


def point_coverage(session: Session, lon: float, lat: float, as_of: dt.date) -> dict[str, Any]:
    """Return the best signal of every operator and technology at a point, computed now.

    Everybody is told of every network, restricted sites left out of all but the department's answer. What could
    locate a site is told to those who may read its cells. Everybody else gets the level at the centre of a square
    (policy disclosure/signal), in steps: asked for at any point exactly, levels alone would lead to the mast, where
    they are highest. What remains: the level over many squares shows a site to about the size of a square.
    """
    receiver = read_receiver(session, as_of)
    rule = parse_rule("default", parameter(session, "coverage_rule", queries.default_rule(session, as_of), as_of).value)
    blur = parameter(session, "disclosure", "signal", today()).value  # as is told today
    with statistics(session):
        cells = read_cells(session, as_of, near=(lon, lat), reach_m=receiver.max_distance_km * 1000)
    terrain, cover = open_terrain(session), open_land_cover(session, as_of)
    cells, receiver, calibration = calibrated(session, cells, receiver, cover)
    sigma_db = read_errors(session, as_of, receiver.sigma_model_db).total_db
    floor = floors(session, as_of, cells, sigma_db)
    at = np.array([(lon, lat), centre(square_of(lon, lat, blur["grid_m"]), blur["grid_m"])])
    found = compute(terrain, cells.network, at[:, 0], at[:, 1], floor, receiver, cover=cover, workers=1)
    serving = [int(c) for c in found.server[0] if c >= 0]
    readable = queries.readable_cells(session, [int(cells.cell_id[c]) for c in serving])
    own = set(scope_of(session).organisations)
    signals = []
    for g, technology in enumerate(cells.group_technology):
        exact = reads_all(session) or int(cells.group_operator[g]) in own
        signal = _signal(cells, found, 0 if exact else 1, g, readable if exact else {})
        if signal is None:
            continue
        if not exact and signal["rsrp_dbm"] is not None:
            signal["rsrp_dbm"] = round(signal["rsrp_dbm"] / blur["step_db"]) * blur["step_db"]
        signal["threshold_dbm"] = rule.threshold_dbm(technology, sigma_db) if technology in rule.rsrp_min_dbm else None
        signals.append(signal)
    commune = session.execute(text(_COMMUNE), {"lon": lon, "lat": lat, "as_of": as_of}).mappings().one_or_none()
    return {
        "lon": lon,
        "lat": lat,
        "as_of": as_of,
        "ground_m": _rounded(terrain.heights(lon, lat).item()),
        "commune": commune,
        "signals": signals,
        "undisclosed": _undisclosed(signals, blur),
        "model": MODEL,
        "error_db": receiver.sigma_model_db,
        "calibration": calibration,
        "synthetic": terrain.synthetic
        or bool(cells.synthetic.any())
        or (calibration is not None and calibration["synthetic"]),
    }


def _signal(cells: Cells, found: Signals, point: int, g: int, readable: Mapping[int, bool]) -> dict[str, Any] | None:
    """Return the signal of a group; None when no cell in reach can exceed the floor."""
    c = int(found.server[point, g])
    reason = found.reason_code(point, g)
    if c < 0 and reason is None:
        return None
    told = c >= 0 and int(cells.cell_id[c]) in readable
    operator = cells.operator_code[int(cells.group_operator[g])]
    return {
        "operator": operator,
        "technology": cells.group_technology[g],
        "rsrp_dbm": _rounded(found.rsrp_dbm[point, g]) if c >= 0 else None,
        "loss_db": _rounded(found.loss_db[point, g]) if told else None,
        "diffraction_db": _rounded(found.diffraction_db[point, g]) if told else None,
        "distance_m": _rounded(found.distance_m[point, g]) if told else None,
        "server": {"cell": cells.code[c], "site": cells.site_code[c]} if told else None,
        "undisclosed": c >= 0 and not told,
        "unknown_reason": reason,
    }


def _undisclosed(signals: list[dict[str, Any]], blur: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what to say about signals whose server is not told; None when all are."""
    if not any(signal["undisclosed"] for signal in signals):
        return None
    vi, en = explain.SERVER_UNDISCLOSED
    grid, step = blur["grid_m"], blur["step_db"]
    return {
        "vi": f"{vi}; mức thu là ở tâm ô vuông {grid:g} m chứa điểm hỏi, làm tròn đến {step:g} dB",
        "en": f"{en}; the level is that at the centre of the {grid:g} m square around the point, to {step:g} dB",
        "grid_m": grid,
        "step_db": step,
    }


def _rounded(value: float) -> float | None:
    return round(float(value), 1) if math.isfinite(value) else None
