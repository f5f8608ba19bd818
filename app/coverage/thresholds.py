"""The level each point needs of each network under a rule: the receiver's, or that of a wanted throughput. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.coverage.inputs import Cells
from app.coverage.plan import LEVEL
from app.coverage.probability import Errors, Floats, Ints
from app.coverage.rules import CoverageRule
from app.coverage.throughput import Shannon, Uplink, downlink_mbps, level_needed_dbm, uplink_level_needed_dbm


@dataclass(frozen=True)
class Thresholds:
    """Median levels outdoors that satisfy a rule, dBm; inf where no level does."""

    at: Floats
    """Shape (points, groups): of the cell that serves each point best."""
    least: Floats
    """Shape (groups,): of the group's most able cell, for what is unknown."""
    margin_db: float
    """How much of them is the margin for the rule's probability."""


@dataclass(frozen=True)
class Links:
    """What turns levels into throughput: the model and the presets of every technology."""

    shannon: Shannon
    uplink: Uplink
    presets: Mapping[str, Mapping[str, Any]]

    def bandwidth_mhz(self, cells: Cells, technology: str, cell: Ints) -> Floats:
        """Return the bandwidth of cells by index: as recorded, else the technology's default."""
        recorded = cells.bandwidth_mhz[cell]
        return np.where(np.isnan(recorded), float(self.presets[technology]["bandwidth_mhz"]), recorded)

    def needed_dbm(self, rate_mbps: float, technology: str, bandwidth_mhz: Floats) -> Floats:
        """Return the level at the phone that carries a rate."""
        offset = float(self.presets[technology]["reference_offset_db"])
        return level_needed_dbm(rate_mbps, technology, bandwidth_mhz, offset, self.shannon)

    def for_rates(self, rule: CoverageRule, cells: Cells, technology: str, cell: Ints) -> Floats:
        """Return the level at the phone that carries the rates a rule asks for, by the cells that serve."""
        width = self.bandwidth_mhz(cells, technology, cell)
        needed = np.full(len(cell), -np.inf)
        if rule.downlink_mbps:
            needed = self.needed_dbm(rule.downlink_mbps, technology, width)
        if rule.uplink_mbps:
            level = cells.network.cells[cell, LEVEL]
            needed = np.maximum(
                needed, uplink_level_needed_dbm(rule.uplink_mbps, technology, width, level, self.uplink)
            )
        return needed

    def rate_mbps(self, level_dbm: float, technology: str, bandwidth_mhz: float) -> float:
        """Return the rate at a level at the phone."""
        offset = float(self.presets[technology]["reference_offset_db"])
        return float(downlink_mbps(level_dbm, technology, bandwidth_mhz, offset, self.shannon))


def thresholds(rule: CoverageRule, cells: Cells, server: Ints, errors: Errors, links: Links) -> Thresholds:
    """Return the thresholds of every point and group.

    Parameters
    ----------
    server : int array, shape (points, groups)
        Index of the cell that serves, -1 none.

    Notes
    -----
    A technology the rule has no level for never passes.
    """
    margin = rule.margin_db(errors.total_db)
    at, least = np.full(server.shape, np.inf), np.full(server.shape[1], np.inf)
    for g, technology in enumerate(cells.group_technology):
        if technology not in rule.rsrp_min_dbm:
            continue
        level = rule.level_dbm(technology) + margin
        at[:, g] = least[g] = level
        if not (rule.downlink_mbps or rule.uplink_mbps):
            continue
        extra = rule.environment_loss_db + margin
        own = np.flatnonzero(cells.network.group == g)
        needed = links.for_rates(rule, cells, technology, own) + extra
        least[g] = max(level, needed.min(initial=np.inf))
        served = server[:, g] >= 0
        at[served, g] = np.maximum(level, links.for_rates(rule, cells, technology, server[served, g]) + extra)
    return Thresholds(at, least, margin)
