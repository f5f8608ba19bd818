"""Throughput estimated from the received level and the bandwidth; an estimate, and it says so. Pure.

The attenuated and truncated Shannon bound of 3GPP TR 36.942 Annex A.1: of a bandwidth B at a signal-to-noise ratio S

    rate = 0                     for S < S_min
    rate = α · B · log2(1 + S)   up to the ceiling of bit/s/Hz the best modulation carries

Interference of other cells is not computed: a fixed margin stands for it. Nor are the load, several carriers, or how
many antennas a phone has. Uplink goes the same path the other way: what the station hears of the phone follows from the
level that the phone hears of the station.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
THERMAL_DBM_HZ = -174.0
"""Thermal noise at 17 °C in 1 Hz."""


@dataclass(frozen=True)
class Shannon:
    """Of policy throughput/shannon."""

    alpha: float
    snr_min_db: float
    max_bps_hz: float
    noise_figure_db: float
    interference_margin_db: float
    downlink_share: Mapping[str, float]
    """Part of the time a technology sends downlink; one that is not named carries no such service."""

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """Return the model of a policy row."""
        return cls(**{field.name: _number(value[field.name]) for field in fields(cls)})


@dataclass(frozen=True)
class Uplink:
    """Of policy throughput/uplink."""

    alpha: float
    snr_min_db: float
    max_bps_hz: float
    noise_figure_db: float
    """Of the station."""
    interference_margin_db: float
    phone_dbm: float
    antenna_gain_dbi: float
    """Of the station's antenna in its main direction; the cell's level holds it too."""
    uplink_share: Mapping[str, float]
    """Part of the time a technology sends uplink; one that is not named carries no such service."""

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """Return the model of a policy row."""
        return cls(**{field.name: _number(value[field.name]) for field in fields(cls)})


def _number(value: Any) -> Any:
    """Return a number of a policy row as a float, of a table of shares each of them."""
    return {name: float(share) for name, share in value.items()} if isinstance(value, Mapping) else float(value)


def noise_dbm(bandwidth_mhz: ArrayLike, model: Shannon) -> Floats:
    """Return noise and the margin for interference over the whole channel, dBm."""
    width_hz = np.asarray(bandwidth_mhz, np.float64) * 1e6
    return np.asarray(
        THERMAL_DBM_HZ + 10 * np.log10(width_hz) + model.noise_figure_db + model.interference_margin_db, np.float64
    )


def downlink_mbps(
    level_dbm: ArrayLike, technology: str, bandwidth_mhz: ArrayLike, reference_offset_db: float, model: Shannon
) -> Floats:
    """Return the estimated downlink rate at a level of the reference signal.

    Parameters
    ----------
    level_dbm : array_like
        Of the reference signal at the phone (RSRP and its kin); -inf gives 0.
    bandwidth_mhz : array_like
        Of the channel, broadcast with the levels.
    reference_offset_db : float
        Power of the whole channel above that of the reference signal.
    """
    width = np.asarray(bandwidth_mhz, np.float64)
    snr_db = np.asarray(level_dbm, np.float64) + reference_offset_db - noise_dbm(width, model)
    with np.errstate(over="ignore"):
        efficiency = np.minimum(model.alpha * np.log2(1 + 10 ** (snr_db / 10)), model.max_bps_hz)
    share = model.downlink_share.get(technology, 0.0)
    return np.asarray(np.where(snr_db < model.snr_min_db, 0.0, efficiency * width * share), np.float64)


def level_needed_dbm(
    rate_mbps: float, technology: str, bandwidth_mhz: ArrayLike, reference_offset_db: float, model: Shannon
) -> Floats:
    """Return the least level of the reference signal that carries `rate_mbps`; inf where no level does."""
    width = np.asarray(bandwidth_mhz, np.float64)
    share = model.downlink_share.get(technology, 0.0)
    if share <= 0:
        return np.full(width.shape, math.inf)
    efficiency = rate_mbps / (width * share)
    with np.errstate(over="ignore", divide="ignore"):
        snr_db = 10 * np.log10(2 ** (efficiency / model.alpha) - 1)
    snr_db = np.maximum(snr_db, model.snr_min_db)
    level = snr_db + noise_dbm(width, model) - reference_offset_db
    # A hair of rounding must not take away the rate at the very ceiling.
    return np.where(efficiency > model.max_bps_hz * (1 + 1e-9), math.inf, level)


def uplink_level_needed_dbm(
    rate_mbps: float, technology: str, bandwidth_mhz: ArrayLike, cell_level_dbm: ArrayLike, model: Uplink
) -> Floats:
    """Return the least level of the reference signal at the phone where its uplink carries a rate; inf where none does.

    Parameters
    ----------
    bandwidth_mhz, cell_level_dbm : array_like
        Of the serving cells: channel, and radiated power of the reference signal in the main direction.

    Notes
    -----
    A phone takes no more of the channel than it needs: where its power over all of it would sink under the least
    signal-to-noise ratio, it takes so much that it does not. Loss and antenna are those of the downlink, so the station
    hears phone_dbm + antenna_gain_dbi + (level at the phone - level of the cell).
    """
    width, cell = np.broadcast_arrays(np.asarray(bandwidth_mhz, np.float64), np.asarray(cell_level_dbm, np.float64))
    share = model.uplink_share.get(technology, 0.0)
    if share <= 0:
        return np.full(width.shape, math.inf)
    least = model.alpha * math.log2(1 + 10 ** (model.snr_min_db / 10))
    taken = np.minimum(width, rate_mbps / (least * share))
    efficiency = rate_mbps / (taken * share)
    with np.errstate(over="ignore", divide="ignore"):
        snr_db = np.maximum(10 * np.log10(2 ** (efficiency / model.alpha) - 1), model.snr_min_db)
    noise = THERMAL_DBM_HZ + 10 * np.log10(taken * 1e6) + model.noise_figure_db + model.interference_margin_db
    level = snr_db + noise - model.phone_dbm - model.antenna_gain_dbi + cell
    return np.where(efficiency > model.max_bps_hz * (1 + 1e-9), math.inf, level)
