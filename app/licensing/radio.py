"""Whom a proposal would reach from its own place and from the structures that stand: the engine of the runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from app.coverage.inputs import operator_id
from app.coverage.rules import CoverageRule
from app.coverage.switch_off import Bools
from app.coverage.switch_off_inputs import Stored
from app.coverage.verdict import COVERED, NOT_COVERED, UNKNOWN
from app.coverage.what_if.around import run_with_levels, stored_near
from app.coverage.what_if.gain import Judgement, added, judgement, reached
from app.coverage.what_if.gain import Reached as Where
from app.coverage.what_if.stations import Brought, Station, brought
from app.errors import AppError, Invalid
from app.licensing.candidates import Candidate, Room, free_height_m, room
from app.licensing.colocation import Proposal
from app.licensing.inputs import Modelled
from app.licensing.reach import Purpose, Reach
from app.policy.queries import parameter


class Rules(BaseModel):
    """Policy colocation/radio."""

    model_config = ConfigDict(frozen=True)

    reach_km: float = Field(gt=0, le=100)
    antenna_below_top_m: float = Field(ge=0, le=20)
    max_candidates: int = Field(ge=1, le=50)
    technologies: tuple[str, ...] = Field(min_length=1)
    """Where the proposal names none."""


class Reached(NamedTuple):
    """Whom the candidates reach, by id of the structure, whom the proposal, and how that was computed."""

    reaches: Mapping[int, Reach]
    proposed: Reach | None
    modelled: Modelled


def reach_of_all(
    session: Session, proposal: Proposal, found: Sequence[Candidate], needed: Room, rule: str | None, as_of: dt.date
) -> Reached:
    """Return whom the proposal's antennas would reach from its place and from each candidate with room.

    Compared are those with a place and a known height, the nearest first, as many as the policy says; antennas stand
    at the greatest height that is free there, or a little under the top where the tenants' heights are unknown.

    Where the default rule has no levels to compare with, or its run is out of date, that is said in `modelled`.

    Raises
    ------
    Invalid, NotFound, Unavailable, Conflict
        `malformed_rule`; and of a rule asked for by name: its runs keep no levels, there is none, it is out of date.
    """
    limits = radio_rules(session, as_of)
    try:
        return _reach_of_all(session, proposal, found, needed, limits, rule, as_of)
    except AppError as refused:
        if rule is not None:
            raise
        return Reached({}, None, Modelled(refused.code))


def _reach_of_all(
    session: Session, proposal: Proposal, found: Sequence[Candidate], needed: Room, limits: Rules, rule: str | None,
    as_of: dt.date,
) -> Reached:  # fmt: skip
    with_levels = run_with_levels(session, rule, as_of)
    if with_levels is None:
        return Reached({}, None, Modelled("no_run"))
    run, parsed = with_levels
    able = [c for c in found if _able(c, proposal, needed)]
    chosen = able[: limits.max_candidates]
    operator = operator_id(session, proposal.operator, as_of)
    technologies = proposal.technologies or limits.technologies
    places = [(proposal.lon, proposal.lat), *((c.lon, c.lat) for c in chosen)]
    heights = [max(proposal.height_m - limits.antenna_below_top_m, 0.5)]
    heights += [_antenna_m(c, needed, limits.antenna_below_top_m) for c in chosen]
    stations = [
        Station(lon, lat, height, operator, technologies)
        for (lon, lat), height in zip(places, heights, strict=True)
    ]  # fmt: skip
    stored = stored_near(session, run, parsed, places, limits.reach_km, as_of)
    bring = brought(session, run, parsed, stations, stored.lon, stored.lat, limits.reach_km, as_of)
    before = judgement(stored.heard, stored.demand, parsed)
    new = proposal.purpose == "new_technology"
    where = [reached(stored.heard, brings, parsed, by_technology=new) for brings in bring]
    wanted = _counts(where[0], proposal.purpose)
    all_of = [
        _reach(stored, before, parsed, station.antenna_height_m, brings, at, wanted & _counts(at, proposal.purpose))
        for station, brings, at in zip(stations, bring, where, strict=True)
    ]
    modelled = Modelled(
        None, run.rule, run.id, run.as_of, run.terrain_version, limits.reach_km, len(chosen), len(able) - len(chosen),
        any(v["synthetic"] for v in stored.villages),
    )  # fmt: skip
    return Reached({c.structure_id: r for c, r in zip(chosen, all_of[1:], strict=True)}, all_of[0], modelled)


def radio_rules(session: Session, as_of: dt.date) -> Rules:
    """Return policy colocation/radio.

    Raises
    ------
    Invalid
        `malformed_rule`.
    """
    try:
        return Rules.model_validate(parameter(session, "colocation", "radio", as_of).value)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Invalid("malformed_rule", f"Quy tắc colocation/radio sai ở {field}",
                      f"The rule colocation/radio is malformed: {field}", field=field) from error  # fmt: skip


def _able(candidate: Candidate, proposal: Proposal, needed: Room) -> bool:
    return (
        candidate.distance_m <= proposal.radius_m
        and not candidate.restricted
        and candidate.top_m is not None
        and proposal.operator not in candidate.tenants
        and room(candidate, needed) != "full"
    )


def _antenna_m(candidate: Candidate, needed: Room, below_top_m: float) -> float:
    free_m = free_height_m(candidate, needed)
    return max((candidate.top_m or 0.0) - below_top_m if free_m is None else free_m, 0.5)


def _counts(at: Where, purpose: Purpose) -> Bools:
    return at.served if purpose == "capacity" else at.gained


def _reach(
    stored: Stored, before: Judgement, rule: CoverageRule, height_m: float, brings: Sequence[Brought], at: Where,
    common: Bools,
) -> Reach:  # fmt: skip
    after = judgement(added(stored.heard, brings), stored.demand, rule)
    code = np.array([v["code"] for v in stored.villages], object)
    gained = (before.verdict != COVERED) & (after.verdict == COVERED)
    perhaps = (before.verdict == NOT_COVERED) & (after.verdict == UNKNOWN)

    def people(where: Bools) -> float:
        return float(stored.people[where].sum())

    return Reach(
        height_m, people(at.served), people(at.gained), people(at.gained_at_most), people(at.first), people(common),
        tuple(sorted(code[gained].tolist())), tuple(sorted(code[perhaps].tolist())),
    )  # fmt: skip
