"""Reads claims and measurements in force on a date into arrays over a run's points, villages and networks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.config import settings
from app.coverage.evidence import Bools, claim_suffices, sample_states
from app.coverage.inputs import DEFAULTED, Cells, Places
from app.coverage.probability import Errors, Ints
from app.coverage.rules import CoverageRule
from app.coverage.thresholds import Links
from app.coverage.throughput import Shannon, Uplink
from app.kit.geo import from_wgs84
from app.policy.queries import parameter, parameters

_POLYGONS, _SAMPLES = 200, 20_000
"""Rows read at a time."""
_MINE = """
    technology = ANY (:technologies) AND (CAST(:operator AS bigint) IS NULL OR operator_id = :operator)
    AND (CAST(:technology AS text) IS NULL OR technology = :technology)
"""
_IN_FORCE = "registry.in_force(valid_from, valid_to, :as_of)"
# Days are those of Viet Nam: seven hours ahead of UTC all year, and the machine may have no table of time zones.
IN_TIME = """
    measured_at < (CAST(:as_of AS date) + 1)::timestamp AT TIME ZONE INTERVAL '+07:00'
    AND measured_at >= (CAST(:as_of AS date) - CAST(:days AS int))::timestamp AT TIME ZONE INTERVAL '+07:00'
"""
# ruff: noqa: S608  the words are ours
_GROUPS = f"""
    SELECT f.operator_id, f.technology, o.code, bool_or(f.synthetic) FROM (
        SELECT operator_id, technology, synthetic FROM coverage_claim WHERE {_IN_FORCE} AND {_MINE}
        UNION ALL
        SELECT operator_id, technology, bool_or(synthetic) FROM signal_measurement WHERE {IN_TIME} AND {_MINE}
        GROUP BY operator_id, technology) f
    JOIN organisation o ON o.id = f.operator_id GROUP BY f.operator_id, f.technology, o.code ORDER BY 1, 2
"""
_CLAIMS = f"""
    SELECT operator_id, technology, coalesce(rsrp_min_dbm, 'NaN'), coalesce(downlink_mbps, 'NaN'), ST_AsBinary(geom)
    FROM coverage_claim WHERE {_IN_FORCE} AND {_MINE} ORDER BY id
"""
_MEASURED = f"""
    SELECT operator_id, technology, kind = 'speed_test', ST_X(point), ST_Y(point), rsrp_dbm, downlink_mbps, indoor,
           extract(epoch FROM measured_at)::bigint, uplink_mbps
    FROM signal_measurement WHERE {IN_TIME} AND {_MINE} ORDER BY id
"""


@dataclass(frozen=True)
class Limits:
    """Of policy coverage_evidence/measurement."""

    match_m: float
    min_speed_samples: int
    max_age_days: int


@dataclass(frozen=True)
class Counts:
    """Samples of one kind at each place (point or village) and of each group; shape (places, groups)."""

    n: Ints
    passed: Ints
    newest_s: Ints
    """Of the newest one, seconds since 1970; 0 without any."""

    @classmethod
    def none(cls, places: int, groups: int) -> Counts:
        """Return the counts of nothing."""
        return cls(*(np.zeros((places, groups), np.int64) for _ in range(3)))

    def add(self, place: Ints, group: Ints, passes: Bools, at_s: Ints) -> None:
        """Count samples by their place and group."""
        np.add.at(self.n, (place, group), 1)
        np.add.at(self.passed, (place, group), passes.astype(np.int64))
        np.maximum.at(self.newest_s, (place, group), at_s)


@dataclass(frozen=True)
class Collected:
    """All evidence but the model's. Groups are those of the network, in its order, then those it has no cell of."""

    group_operator: Ints
    group_technology: tuple[str, ...]
    operator_code: dict[int, str]
    synthetic: Bools
    """Shape (groups,): some of the group's evidence is made up."""
    inside: Bools
    """Shape (points, groups), as `weak`; see `app.coverage.evidence.claimed`."""
    weak: Bools
    silent: Bools
    """Shape (groups,): no polygon at all."""
    drive: Counts
    """By points."""
    speed: Counts
    """By villages."""
    limits: Limits

    def parts(self) -> tuple[Any, ...]:
        """Return what makes two of them the same, for the hash of a run's inputs."""
        counts = (a for c in (self.drive, self.speed) for a in (c.n, c.passed, c.newest_s))
        return (self.group_operator, self.group_technology, self.inside, self.weak, self.silent, *counts, self.limits)

    def heard(self, village: Ints) -> Bools:
        """Return where there is a sign of each group's service; shape (points, groups)."""
        return np.asarray(self.inside | self.weak | (self.drive.passed > 0) | (self.speed.n[village] > 0))


def collect(
    session: Session, as_of: dt.date, rule: CoverageRule, cells: Cells, places: Places, *,
    operator: int | None = None, technology: str | None = None,
) -> Collected:  # fmt: skip
    """Read the claims in force on `as_of`, and the samples taken up to the end of that day.

    Parameters
    ----------
    operator, technology : optional
        Only this one's, as `app.coverage.inputs.read_cells` reads its cells.
    """
    limits = Limits(**parameter(session, "coverage_evidence", "measurement", as_of).value)
    bind = {"as_of": as_of, "operator": operator, "technology": technology, "days": limits.max_age_days,
            "technologies": list(rule.rsrp_min_dbm)}  # fmt: skip
    spoke = session.execute(text(_GROUPS), bind).all()
    groups = list(zip(cells.group_operator.tolist(), cells.group_technology, strict=True))
    groups += [(o, t) for o, t, _, _ in spoke if (o, t) not in set(groups)]
    made_up = {(o, t) for o, t, _, synthetic in spoke if synthetic}
    shape = (len(places.lon), len(groups))
    found = Collected(
        np.array([o for o, _ in groups], np.int64), tuple(t for _, t in groups),
        cells.operator_code | {o: code for o, _, code, _ in spoke}, np.array([g in made_up for g in groups], bool),
        np.zeros(shape, bool), np.zeros(shape, bool), np.ones(len(groups), bool), Counts.none(*shape),
        Counts.none(len(places.village_id), len(groups)), limits,
    )  # fmt: skip
    if spoke and len(places.lon):
        index = {group: number for number, group in enumerate(groups)}
        _read_claims(session, bind, rule, places, index, found)
        _read_samples(session, bind, rule, places, index, found)
    return found


def read_errors(session: Session, as_of: dt.date, model_db: float) -> Errors:
    """Return the errors of predicted levels: over places (policy coverage_evidence/error) and the model's own."""
    value = parameter(session, "coverage_evidence", "error", as_of).value
    return Errors(
        float(value["sigma_location_db"]), model_db, tuple(float(value["sigma_default_db"][name]) for name in DEFAULTED)
    )


def read_links(session: Session, as_of: dt.date) -> Links:
    """Return what turns levels into throughput (policy throughput, technology_default)."""
    shannon = Shannon.of(parameter(session, "throughput", "shannon", as_of).value)
    uplink = Uplink.of(parameter(session, "throughput", "uplink", as_of).value)
    return Links(shannon, uplink, parameters(session, "technology_default", as_of))


def _read_claims(
    session: Session, bind: dict[str, Any], rule: CoverageRule, places: Places, index: dict[tuple[int, str], int],
    found: Collected,
) -> None:  # fmt: skip
    """Mark the points inside polygons; several of one group add up, so nothing has to be merged."""
    tree = shapely.STRtree(shapely.points(places.lon, places.lat))
    rows = session.execute(text(_CLAIMS), bind, execution_options={"yield_per": _POLYGONS})
    for part in rows.partitions(_POLYGONS):
        group = np.array([index[r[0], r[1]] for r in part], np.int64)
        enough = np.array([claim_suffices(rule, _level(rule, r[1]), r[2], r[3]) for r in part], bool)
        polygon, point = tree.query(shapely.from_wkb([bytes(r[4]) for r in part]), predicate="intersects")
        found.silent[group] = False
        strong = enough[polygon]
        found.inside[point[strong], group[polygon[strong]]] = True
        found.weak[point[~strong], group[polygon[~strong]]] = True


def _read_samples(
    session: Session, bind: dict[str, Any], rule: CoverageRule, places: Places, index: dict[tuple[int, str], int],
    found: Collected,
) -> None:  # fmt: skip
    """Count the samples that say something about the rule, each for the demand point nearest to it."""
    metric = settings().metric_crs
    tree = shapely.STRtree(shapely.points(*from_wgs84(places.lon, places.lat, metric)))
    rows = session.execute(text(_MEASURED), bind, execution_options={"yield_per": _SAMPLES})
    for part in rows.partitions(_SAMPLES):
        group = np.array([index[r[0], r[1]] for r in part], np.int64)
        value = np.array([r[3:7] for r in part], np.float64).reshape(-1, 4)
        level = np.array([_level(rule, r[1]) for r in part], np.float64)
        up, indoor = np.array([r[9] for r in part], np.float64), np.array([r[7] for r in part], bool)
        usable, passes = sample_states(rule, level, value[:, 2], value[:, 3], up, indoor)
        taken = np.flatnonzero(usable)
        at = shapely.points(*from_wgs84(value[taken, 0], value[taken, 1], metric))
        sample, point = tree.query_nearest(at, max_distance=found.limits.match_m, all_matches=False)
        sample = taken[sample]
        speed = np.array([r[2] for r in part], bool)[sample]
        at_s = np.array([r[8] for r in part], np.int64)[sample]
        for counts, place, these in (
            (found.drive, point, ~speed),
            (found.speed, places.village[point], speed),
        ):
            counts.add(place[these], group[sample[these]], passes[sample[these]], at_s[these])


def _level(rule: CoverageRule, technology: str) -> float:
    """Return the rule's level at the phone; only technologies that have one are read."""
    levels: Mapping[Any, float] = rule.rsrp_min_dbm
    return levels[technology]
