"""What the networks reach and would reach, by the coverage engine: arrays in, pairs and verdicts out.

The verdicts are the model's: what was claimed or measured says nothing of towers that are not there yet.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.config import settings
from app.coverage.calibrations import calibrated
from app.coverage.collected import read_errors, read_links
from app.coverage.engine import Network, Receiver, Signals, compute
from app.coverage.inputs import Cells, Places, read_cells, read_places, read_receiver
from app.coverage.land_cover import LandCover, open_land_cover
from app.coverage.plan import HEIGHT, LEVEL
from app.coverage.probability import Errors
from app.coverage.rules import CoverageRule, parse_rule
from app.coverage.service import floors, kept_losses
from app.coverage.terrain import Terrain, open_terrain
from app.coverage.thresholds import Links, thresholds
from app.coverage.verdict import COVERED, NOT_COVERED, UNKNOWN, Judged, judge
from app.errors import Invalid
from app.kit.progress import Report
from app.licensing.programme.solver import Floats, Ints
from app.licensing.programme.towers import Bools
from app.policy.queries import parameter

_BLOCK = 512
_DEGREE_M = 100_000.0
"""Less than a degree of longitude measures anywhere in the country."""


@dataclass(frozen=True)
class Radio:
    """The network, where people are, and the rule; see `app.coverage.inputs`."""

    name: str
    version: int
    rule: CoverageRule
    cells: Cells
    site_of_cell: Ints
    """Row id of the site."""
    places: Places
    terrain: Terrain
    cover: LandCover
    receiver: Receiver
    errors: Errors
    links: Links
    floor: Floats
    calibration: int | None

    @property
    def weight(self) -> Floats:
        """What the rule counts at each point."""
        return self.places.dwellings if self.rule.unit == "dwellings" else self.places.population

    @property
    def groups(self) -> Bools:
        """Which groups (operator and technology) the rule counts."""
        return np.array([t in self.rule.technologies for t in self.cells.group_technology], bool)

    def needed_dbm(self, technology: str, cell: Ints) -> Floats:
        """Return the level at which cells of a technology satisfy the rule; inf where it has none."""
        if technology not in self.rule.technologies:
            return np.full(len(cell), np.inf)
        margin = self.rule.margin_db(self.errors.total_db)
        level = self.rule.level_dbm(technology) + margin
        if not (self.rule.downlink_mbps or self.rule.uplink_mbps):
            return np.full(len(cell), level)
        extra = self.rule.environment_loss_db + margin
        return np.maximum(level, self.links.for_rates(self.rule, self.cells, technology, cell) + extra)


@dataclass(frozen=True)
class Heard:
    """Margins over what the rule asks for, of the rule's groups; shape (points, groups)."""

    margin_db: Floats
    bound_db: Floats
    operator: Ints
    server: Ints
    """Index of the best cell in the network asked about, -1 none."""

    def verdicts(self, radio: Radio, operator: int | None = None) -> Judged:
        """Judge every village, under all operators or one."""
        mine = np.ones(len(self.operator), bool) if operator is None else self.operator == operator
        return judge(
            self.margin_db[:, mine], self.bound_db[:, mine], self.operator[mine], radio.places.village,
            len(radio.places.village_id), radio.weight, radio.rule.min_share, 1,
        )  # fmt: skip


def open_radio(session: Session, as_of: dt.date, rule: str) -> Radio | None:
    """Read the inputs; None without terrain, cells or villages: then nobody can say what a tower covers.

    Raises
    ------
    Invalid
        `rule_not_for_programmes`: the rule asks for several operators at a point, or for a grid over the area.
    NotFound
        No such rule on that date.
    """
    chosen = parameter(session, "coverage_rule", rule, as_of)
    parsed = parse_rule(rule, chosen.value)
    if parsed.min_operators > 1 or parsed.unit == "area":
        raise Invalid(
            "rule_not_for_programmes",
            f"Quy tắc {rule!r} cần nhiều nhà mạng hoặc xét theo diện tích: chương trình chỉ tính theo điểm dân cư",
            f"The rule {rule!r} asks for several operators or for area: programmes judge populated points",
            field="rule",
        )
    terrain = open_terrain(session)
    if terrain.bounds is None:
        return None
    cells, cover = read_cells(session, as_of), open_land_cover(session, as_of)
    places = read_places(session, as_of, parsed)
    if not len(cells.cell_id) or not len(places.lon):
        return None
    cells, receiver, calibration = calibrated(session, cells, read_receiver(session, as_of), cover)
    errors = read_errors(session, as_of, receiver.sigma_model_db)
    if calibration is not None:
        errors = replace(errors, default_db=())
    query = "SELECT c.id, b.site_id FROM cell c JOIN base_station b ON b.id = c.base_station_id ORDER BY c.id"
    of = np.array(session.execute(text(query)).all(), np.int64).reshape(-1, 2)
    site = of[np.searchsorted(of[:, 0], cells.cell_id), 1]
    return Radio(
        rule, chosen.version, parsed, cells, site, places, terrain, cover, receiver, errors, read_links(session, as_of),
        floors(session, as_of, cells, errors.total_db), calibration["id"] if calibration else None,
    )  # fmt: skip


def hear(radio: Radio, network: Network, kept: Ints, report: Report | None = None) -> Heard:
    """Return what a network reaches at every point.

    Parameters
    ----------
    kept : int array
        Which of the registry's cells those of `network` are, for their bandwidths.
    """
    losses = kept_losses(radio.terrain, radio.cover, radio.receiver)
    signals: Signals = compute(
        radio.terrain, network, radio.places.lon, radio.places.lat, radio.floor, radio.receiver, cover=radio.cover,
        losses=losses, workers=settings().workers, progress=report,
    )  # fmt: skip
    cells = replace(radio.cells, network=network, bandwidth_mhz=radio.cells.bandwidth_mhz[kept])
    needed, mine = thresholds(radio.rule, cells, signals.server, radio.errors, radio.links), radio.groups
    with np.errstate(invalid="ignore"):  # what is nowhere less what is never enough
        margin = np.where(np.isfinite(signals.rsrp_dbm), signals.rsrp_dbm - needed.at, -np.inf)
        bound = np.where(signals.unknown_bound_dbm > -np.inf, signals.unknown_bound_dbm - needed.least, -np.inf)
    return Heard(margin[:, mine], bound[:, mine], radio.cells.group_operator[mine], signals.server[:, mine])


def arranged(lon: Floats, lat: Floats, cells: Floats, group: Ints, correction: Floats) -> tuple[Network, Ints]:
    """Return the network of cells at places, and the order they then have."""
    order = np.lexsort((np.arange(len(lon)), cells[:, HEIGHT], lat, lon))
    x, y = lon[order], lat[order]
    starts = np.flatnonzero(np.append(True, (np.diff(x) != 0) | (np.diff(y) != 0))) if len(x) else np.empty(0, np.int64)
    first = np.append(starts, len(x)).astype(np.int64)
    kept = correction[order] if len(correction) else correction
    return Network(x[starts], y[starts], first, cells[order], group[order], kept), order


def where(network: Network) -> tuple[Floats, Floats]:
    """Return longitude and latitude of every cell of a network."""
    count = np.diff(network.first_cell)
    return np.repeat(network.mast_lon, count), np.repeat(network.mast_lat, count)


def margins(radio: Radio) -> Floats:
    """Return the network's cells with their level less what the rule needs of them: a margin of 0 dB is enough."""
    cells = radio.cells.network.cells.copy()
    for g, technology in enumerate(radio.cells.group_technology):
        own = np.flatnonzero(radio.cells.network.group == g)
        cells[own, LEVEL] -= radio.needed_dbm(technology, own)
    return cells


def reached(
    radio: Radio, network: Network, points: Ints, reach_m: float, stage: str, report: Report | None = None
) -> tuple[Ints, Ints, Ints, Ints]:
    """Return which groups of `network` reach which of the points: pairs (point, group) known, then pairs possible.

    Parameters
    ----------
    network : Network
        Levels as `margins` gives them; any number of groups.
    points : int array
        Indices into the places.
    reach_m : float
        Farther masts are not looked at.

    Notes
    -----
    Points are taken in blocks of neighbours with the masts about them, since signals come as points by groups.
    """
    lon, lat = radio.places.lon[points], radio.places.lat[points]
    order = np.lexsort((lat, np.floor(lon / 0.2), np.floor(lat / 0.2)))
    receiver = replace(radio.receiver, max_distance_km=min(radio.receiver.max_distance_km, reach_m / 1000))
    cell_lon, cell_lat = where(network)
    audible = np.isfinite(network.cells[:, LEVEL])
    found: list[list[Ints]] = [[], [], [], []]
    for at in range(0, len(order), _BLOCK):
        if report:
            report(at, len(order), stage)
        part = order[at : at + _BLOCK]
        x, y, far = lon[part], lat[part], reach_m / _DEGREE_M
        about = audible & (cell_lon >= x.min() - far) & (cell_lon <= x.max() + far)
        about &= (cell_lat >= y.min() - far) & (cell_lat <= y.max() + far)
        if not about.any():
            continue
        near = network.only(about)
        groups, number = np.unique(near.group, return_inverse=True)
        signals = compute(
            radio.terrain, replace(near, group=number.astype(np.int64)), x, y, np.zeros(len(groups)), receiver,
            cover=radio.cover, workers=settings().workers,
        )  # fmt: skip
        for kind, level in enumerate((signals.rsrp_dbm, signals.unknown_bound_dbm)):
            p, g = np.nonzero(level >= 0)
            found[2 * kind].append(points[part[p]])
            found[2 * kind + 1].append(groups[g])
    p, g, maybe_p, maybe_g = (np.concatenate([np.empty(0, np.int64), *f]) for f in found)
    return p, g, maybe_p, maybe_g


def worse(before: Judged, after: Judged) -> Ints:
    """Return the villages whose verdict became worse: covered is lost, or what was unknown is not covered."""
    lost = (before.verdict == COVERED) & (after.verdict != COVERED)
    return np.flatnonzero(lost | ((before.verdict == UNKNOWN) & (after.verdict == NOT_COVERED)))
