"""What a phone and a rule of throughput need at the levels a run stored, as `app.coverage.thresholds` has it."""

from __future__ import annotations

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage.collected import read_errors, read_links
from app.coverage.inputs import read_receiver
from app.coverage.models import CoverageRun
from app.coverage.rules import CoverageRule
from app.coverage.switch_off import Bools, among
from app.coverage.verdict import Floats, Ints

_BANDWIDTHS = "SELECT id, bandwidth_mhz FROM cell WHERE id = ANY (:cells) AND bandwidth_mhz IS NOT NULL ORDER BY id"


def phone_levels(session: Session, run: CoverageRun, rule: CoverageRule) -> dict[str, float]:
    """Return the level each technology of the rule needs, dBm, with the policies in force on the run's date."""
    sigma_db = _sigma_db(session, run)
    return {t: rule.threshold_dbm(t, sigma_db) for t in rule.rsrp_min_dbm}


def levels_for_rate(
    session: Session,
    run: CoverageRun,
    rule: CoverageRule,
    technology: list[str],
    group: Ints,
    cell: Ints,
    alone: Floats,
) -> tuple[Floats, Bools]:  # fmt: skip
    """Return what a rule of throughput needs at each signal, dBm, and which groups can carry a rate at all.

    Parameters
    ----------
    technology : list of str
        Of each group.
    group, cell : int arrays, shape (signals,)
        Index of the group and id of the serving cell, 0 none.
    alone : float64 array, shape (signals,)
        The level a phone needs.
    """
    links, rate_mbps = read_links(session, run.as_of), rule.downlink_mbps or 0.0
    margin_db = rule.environment_loss_db + rule.margin_db(_sigma_db(session, run))
    width = np.array([links.presets[t]["bandwidth_mhz"] for t in technology], np.float64)[group]
    recorded = session.execute(text(_BANDWIDTHS), {"cells": np.unique(cell).tolist()}).all()
    if recorded:
        ids, widths = np.array([r[0] for r in recorded], np.int64), np.array([r[1] for r in recorded], np.float64)
        at = np.minimum(np.searchsorted(ids, cell), len(ids) - 1)
        width = np.where(ids[at] == cell, widths[at], width)
    asked = alone.copy()
    for t in set(technology):
        mine = among(technology, (t,))[group]
        asked[mine] = np.maximum(alone[mine], links.needed_dbm(rate_mbps, t, width[mine]) + margin_db)
    return asked, np.array([links.shannon.downlink_share.get(t, 0.0) > 0 for t in technology], bool)


def _sigma_db(session: Session, run: CoverageRun) -> float:
    stated = run.calibration or vars(read_receiver(session, run.as_of))
    return read_errors(session, run.as_of, float(stated["sigma_model_db"])).total_db
