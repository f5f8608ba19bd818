"""Villages to cover and the candidates for it: structures with room, village centres and high ground around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.coverage.engine import Network
from app.errors import Invalid
from app.kit.progress import Report
from app.licensing.programme.kept import Keeping
from app.licensing.programme.near import pairs_within
from app.licensing.programme.radio import Heard, Radio, arranged, reached
from app.licensing.programme.solver import Floats, Ints
from app.licensing.programme.tower_inputs import Registered

_METRES = 111_320.0
"""A degree of latitude, for a grid about a village; distances are then judged geodesically."""


@dataclass(frozen=True)
class Candidates:
    """Where a station could stand; arrays over candidates."""

    lon: Floats
    lat: Floats
    height_m: Floats
    position: Ints
    """Index of the registered position whose structure is shared, -1 for a new site."""
    ground: NDArray[np.bool_]
    """High ground, of new sites; else a village's centre."""


def candidates(
    radio: Radio, found: Registered, points: Ints, radius_m: float, value: dict[str, Any], operator: int | None
) -> Candidates:
    """Return the candidates about the points to cover.

    Parameters
    ----------
    value : dict
        Policy programme/coverage.
    operator : int, optional
        Only structures where this party is not yet.
    """
    lon, lat = radio.places.lon[points], radio.places.lat[points]
    room = (found.towers.spare > 0) & np.isfinite(found.top_m) & (found.top_m >= float(value["min_top_m"]))
    if operator is not None:
        room &= np.array([operator not in here for here in found.operators], bool)
    hosts = np.flatnonzero(room)
    _, near, _ = pairs_within(lon, lat, found.structure_lon[hosts], found.structure_lat[hosts], radius_m)
    share = hosts[np.unique(near)]
    tall = float(value["height_m"])
    x, y, ground = _new_places(radio, points, value)
    return Candidates(
        np.concatenate([found.structure_lon[share], x]), np.concatenate([found.structure_lat[share], y]),
        np.concatenate([np.minimum(found.top_m[share], tall), np.full(len(x), tall)]),
        np.concatenate([share, np.full(len(x), -1)]), np.concatenate([np.zeros(len(share), bool), ground]),
    )  # fmt: skip


def _new_places(radio: Radio, points: Ints, value: dict[str, Any]) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return each village's most peopled point and the highest places about it, apart from each other."""
    village = radio.places.village[points]
    lon, lat, ground = [], [], []
    for v in np.unique(village).tolist():
        mine = points[village == v]
        centre = mine[np.argmax(radio.weight[mine])]
        x, y = float(radio.places.lon[centre]), float(radio.places.lat[centre])
        for place in [(x, y), *_high_ground(radio, x, y, value)]:
            lon.append(place[0])
            lat.append(place[1])
            ground.append(place != (x, y))
    return np.array(lon, np.float64), np.array(lat, np.float64), np.array(ground, bool)


def _high_ground(radio: Radio, lon: float, lat: float, value: dict[str, Any]) -> list[tuple[float, float]]:
    reach, step = float(value["ground_m"]), float(value["ground_step_m"])
    offset = np.arange(-reach, reach + step / 2, step)
    east, north = (a.ravel() for a in np.meshgrid(offset, offset))
    inside = np.hypot(east, north) <= reach
    east, north = east[inside], north[inside]
    x, y = lon + east / (_METRES * np.cos(np.radians(lat))), lat + north / _METRES
    height = radio.terrain.heights(x, y)
    found: list[int] = []
    for at in np.argsort(-np.where(np.isnan(height), -np.inf, height), kind="stable").tolist():
        if len(found) >= int(value["ground_places"]) or np.isnan(height[at]):
            break
        apart = [np.hypot(east[at] - east[f], north[at] - north[f]) for f in found]
        if all(d >= float(value["ground_apart_m"]) for d in apart):
            found.append(at)
    return [(float(x[f]), float(y[f])) for f in found]


def network(radio: Radio, places: Candidates, technology: str, preset: dict[str, Any]) -> Network:
    """Return one omnidirectional cell a candidate, by its technology's defaults; a margin of 0 dB is enough.

    Raises
    ------
    Invalid
        `rule_not_for_programmes`: the rule does not count the technology, or asks for an uplink rate.
    """
    rule = radio.rule
    level = rule.rsrp_min_dbm.get(technology) if technology in rule.technologies else None
    if level is None or rule.uplink_mbps:
        raise Invalid(
            "rule_not_for_programmes",
            f"Quy tắc {radio.name!r} không tính {technology} hoặc đòi tốc độ tải lên: chọn quy tắc khác",
            f"The rule {radio.name!r} does not count {technology}, or asks for an uplink rate: choose another",
            field="rule",
        )
    margin = rule.margin_db(radio.errors.total_db)
    needed = float(level) + rule.environment_loss_db + margin
    if rule.downlink_mbps:
        width = np.array([float(preset["bandwidth_mhz"])])
        rate = radio.links.needed_dbm(rule.downlink_mbps, technology, width)[0]
        needed = max(needed, float(rate) + rule.environment_loss_db + margin)
    size = len(places.lon)
    radiated = float(preset["eirp_dbm"]) - float(preset["reference_offset_db"]) - needed
    cells = np.column_stack([
        places.height_m, np.zeros(size), np.full(size, float(preset["tilt_deg"])), np.zeros(size),
        np.full(size, float(preset["vertical_beamwidth_deg"])), np.full(size, float(preset["frequency_mhz"]) / 1000),
        np.full(size, radiated),
    ])  # fmt: skip
    shape = radio.cells.network.correction.shape
    # A site that is not there was never measured: nothing is added to what the model says.
    correction = np.zeros((size, *shape[1:])) if shape[0] else np.empty((0, 0, 4))
    return arranged(places.lon, places.lat, cells, np.arange(size), correction)[0]


def wanted(
    radio: Radio, before: Heard, villages: Ints, places: Network, reach_m: float, report: Report | None = None
) -> Keeping:
    """Return what candidates reach of the villages to cover, a row each; points that are served already count."""
    of = np.full(len(radio.places.village_id), -1, np.int64)
    of[villages] = np.arange(len(villages))
    mine = of[radio.places.village] >= 0
    served = (before.margin_db >= 0).any(axis=1)
    weight, village = radio.weight, radio.places.village
    total = np.bincount(village, weight, len(of))[villages]
    held = np.bincount(village, weight * served, len(of))[villages]
    open_to = np.flatnonzero(mine & ~served)
    p, c, _, _ = reached(radio, places, open_to, reach_m, "acts", report)
    none = np.empty(0, np.int64)
    need = np.asarray((radio.rule.min_share - 1e-9) * total - held, np.float64)
    point = np.searchsorted(open_to, p).astype(np.int64)
    row = of[village[open_to]]
    return Keeping(need, villages, row, weight[open_to], none, none, point, c, none)
