"""Stations nobody has built: what each would bring to points on the ground, by the engine of the runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from app.config import settings
from app.coverage.calibrations import calibrated_network
from app.coverage.engine import compute
from app.coverage.inputs import build_network, preset_row, read_receiver
from app.coverage.land_cover import open_land_cover
from app.coverage.models import CoverageRun
from app.coverage.rules import CoverageRule
from app.coverage.service import FLOOR_MARGIN_DB, within
from app.coverage.switch_off_levels import levels_for_rate, phone_levels
from app.coverage.terrain import open_terrain
from app.coverage.verdict import Floats
from app.policy.queries import parameters


@dataclass(frozen=True)
class Station:
    """Antennas of one operator at a place; degrees EPSG:4326, metres above ground, the host building included.

    They are taken as omnidirectional with the policy's defaults of their technologies: nobody knows the sectors yet.
    """

    lon: float
    lat: float
    antenna_height_m: float
    operator: int
    """Row id of the organisation."""
    technologies: tuple[str, ...]


@dataclass(frozen=True)
class Brought:
    """What one technology of a station brings to every point, over what a rule asks for; shape (points,) both."""

    operator: int
    technology: str
    margin_db: Floats
    """-inf where nothing reaches it."""
    bound_db: Floats
    """What it could be at most where the path is not known; -inf where it is."""


def brought(
    session: Session,
    run: CoverageRun,
    rule: CoverageRule,
    stations: Sequence[Station],
    lon: Floats,
    lat: Floats,
    reach_km: float,
    as_of: dt.date,
) -> list[list[Brought]]:
    """Return for each station what its technologies bring to the points; those the rule has no level for are left out.

    Parameters
    ----------
    run : CoverageRun
        Whose errors and margins count, so that levels compare with those it stored.
    lon, lat : float64 arrays, shape (points,)
        Degrees, EPSG:4326.
    reach_km : float
        No farther than this.

    Raises
    ------
    Conflict
        `calibration_outdated`.
    Unavailable
        A terrain tile is gone from the disk.
    """
    level = phone_levels(session, run, rule)
    asked = [(number, s, t) for number, s in enumerate(stations) for t in s.technologies if t in level]
    if not asked or not len(lon):
        return [[] for _ in stations]
    presets = parameters(session, "technology_default", as_of)
    raw = np.full((len(asked), 7), np.nan)
    raw[:, 0] = [s.antenna_height_m for _, s, _ in asked]
    preset = np.array([preset_row(presets[t], None) for *_, t in asked])
    x, y = np.array([(s.lon, s.lat) for _, s, _ in asked], np.float64).T
    network, _, _ = build_network(x, y, raw, preset, np.arange(len(asked)))
    cover = open_land_cover(session, as_of)
    network, receiver, _ = calibrated_network(session, network, read_receiver(session, as_of), cover)
    floor = np.array([level[t] - FLOOR_MARGIN_DB for *_, t in asked])
    found = compute(
        open_terrain(session), network, lon, lat, floor, within(receiver, reach_km), cover=cover,
        workers=settings().workers,
    )  # fmt: skip
    # Each cell is a group of its own, in the order asked.
    needed, able = np.tile([level[t] for *_, t in asked], (len(lon), 1)).astype(np.float64), np.ones(len(asked), bool)
    if rule.downlink_mbps:
        group = np.tile(np.arange(len(asked)), len(lon))
        rates, able = levels_for_rate(
            session, run, rule, [t for *_, t in asked], group, np.zeros(group.size, np.int64), needed.ravel()
        )
        needed = rates.reshape(needed.shape)
    margin = np.where(able, found.rsrp_dbm - needed, -np.inf)
    bound = np.where(able, found.unknown_bound_dbm - needed, -np.inf)
    answers: list[list[Brought]] = [[] for _ in stations]
    for column, (number, station, technology) in enumerate(asked):
        answers[number].append(Brought(station.operator, technology, margin[:, column], bound[:, column]))
    return answers
