"""Screening of a proposed tower against the structures around it. Pure: values in, ranked candidates and reasons out.

Capacity that is not known is listed as unknown, never as free. Distances warn and never refuse: no legal minimum
distance between positions was found (domain page, section 5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from app.licensing import reasons
from app.licensing.candidates import Candidate, Room, free_height_m, room
from app.licensing.constraints.judgement import Finding
from app.licensing.reach import Purpose, Reach, share_of
from app.licensing.reasons import Reason

AdviceCode = Literal["share", "license_shared", "refuse", "needs_a_person"]
_ORDER = {"free": 0, "unknown": 1, "full": 2}


@dataclass(frozen=True)
class Proposal:
    """A tower an operator asks for; degrees in EPSG:4326, metres.

    With a search area, `lon` and `lat` are a point inside it, and distances count from its edge.
    """

    lon: float
    lat: float
    operator: str
    height_m: float
    radius_m: float
    technologies: tuple[str, ...] = ()
    purpose: Purpose = "coverage"
    area_wkt: str | None = None
    type_code: str | None = None
    """A1a…A2c, where the proposal says what it would be."""


@dataclass(frozen=True)
class Limits:
    """Dated policy values of the screening."""

    near_duplicate_m: float
    min_height_share: float
    room: Room
    min_coverage_share: float
    """A candidate that serves this share of the proposal's people serves its purpose, however tall it is."""
    partial_coverage_share: float
    """One that serves less than this is no alternative; in between a person weighs."""


@dataclass(frozen=True)
class Judged:
    """A candidate with what speaks against it; nothing does when it serves the purpose."""

    candidate: Candidate
    state: Literal["free", "unknown", "full"]
    free_height_m: float | None
    reach: Reach | None
    share_of_proposal: float | None
    suitable: bool | None
    """Null where its height and its coverage are unknown."""
    fails: tuple[Reason, ...]


@dataclass(frozen=True)
class Screening:
    """Candidates best first, structures too near to be apart, the advice and what it rests on.

    `restricted` are structures within the radius that nothing else of this speaks of.
    """

    candidates: tuple[Judged, ...]
    near_duplicates: tuple[Candidate, ...]
    best: Candidate | None
    advice: AdviceCode
    vi: str
    en: str
    reasons: tuple[Reason, ...]
    restricted: tuple[Candidate, ...] = ()


def screen(
    found: Sequence[Candidate],
    proposal: Proposal,
    limits: Limits,
    *,
    place_checked: bool = True,
    findings: Sequence[Finding] = (),
    reaches: Mapping[int, Reach] | None = None,
    proposed: Reach | None = None,
) -> Screening:
    """Rank the structures around a proposal and advise.

    Parameters
    ----------
    found : sequence of Candidate
        Structures in force around the proposal, in any order. Restricted ones change no advice: it is passed on.
    place_checked : bool
        False when no boundaries are known, so that nobody can say whether the point is in the province.
    findings : sequence of Finding
        What rules of the place say of a new structure there; they do not speak of sharing one that stands. Restricted
        ones are none of these. That no planned zone is recorded, or how far is near in a place that may be a town,
        is said and decides nothing.
    reaches : mapping, optional
        Whom the proposal's antennas would reach from a candidate, by the id of its structure; `proposed` from the
        new tower.

    Returns
    -------
    Screening
        `share`: a structure with room that serves the purpose stands within the radius: it reaches enough of the
        people, or is tall enough where nobody computed whom it reaches. `license_shared`: none can take another
        operator, so a new one may be licensed if it is built to be shared. `refuse`: a rule of the place forbids a
        new one. `needs_a_person`: the answer hangs on something unknown, on a structure that serves the purpose in
        part, or on the operator's own presence next door.
    """
    restricted = sorted((c for c in found if c.restricted and c.distance_m <= proposal.radius_m), key=_nearness)
    known = [c for c in found if not c.restricted]
    duplicates = sorted((c for c in known if c.distance_m < limits.near_duplicate_m), key=_nearness)
    judged = [
        _judged(c, proposal, limits, (reaches or {}).get(c.structure_id), proposed)
        for c in known
        if c.distance_m <= proposal.radius_m
    ]
    ranked = sorted(judged, key=lambda j: _rank(j, proposal))
    open_to = [j for j in ranked if proposal.operator not in j.candidate.tenants]
    free = [j for j in open_to if j.state == "free"]
    fit = [j for j in free if j.suitable]
    unknown = [j for j in open_to if j.state == "unknown"]
    own = [c for c in duplicates if proposal.operator in c.tenants]
    best = next((j.candidate for j in (*fit, *free, *unknown)), None)
    forbidden = any(f.status == "refuse" for f in findings)
    # Nothing to gain, or a rule nobody can judge: not the machine's to grant.
    undecided = any(f.status == "unknown" and f.code and f.check != "distance" for f in findings) or (
        proposed is not None and proposed.people(proposal.purpose) <= 0
    )
    if fit and place_checked:
        advice: AdviceCode = "share"
    elif not place_checked or own or unknown or any(_in_part(j, limits) for j in free):
        advice = "needs_a_person"
    elif forbidden:
        advice = "refuse"
    else:
        advice = "needs_a_person" if undecided else "license_shared"
    vi, en = reasons.advice(advice, best)
    told = (
        *reasons.around(ranked_states(ranked), proposal.radius_m),
        *reasons.not_fit([j.share_of_proposal for j in free], bool(fit), limits.min_height_share),
        *(reasons.near_duplicate(c) for c in duplicates[:3]),
        *((reasons.already_here(proposal.operator, own[0]),) if own else ()),
        *reasons.of_place(findings),
        *reasons.of_coverage(proposed, proposal.purpose, any(j.share_of_proposal is not None for j in ranked)),
    )
    return Screening(tuple(ranked), tuple(duplicates), best, advice, vi, en, told, tuple(restricted))


def ranked_states(ranked: Sequence[Judged]) -> dict[str, int]:
    """Return how many candidates have room, are full, or of unknown capacity."""
    return {state: sum(j.state == state for j in ranked) for state in _ORDER}


def _in_part(judged: Judged, limits: Limits) -> bool:
    share = judged.share_of_proposal
    return share is None or share >= limits.partial_coverage_share


def _judged(
    candidate: Candidate, proposal: Proposal, limits: Limits, reach: Reach | None, proposed: Reach | None
) -> Judged:
    state = room(candidate, limits.room)
    share = share_of(reach, proposed, proposal.purpose)
    if share is not None:
        suitable: bool | None = share >= limits.min_coverage_share
    elif candidate.top_m is None:
        suitable = None
    else:
        suitable = candidate.top_m >= limits.min_height_share * proposal.height_m
    own = proposal.operator in candidate.tenants
    fails = reasons.fails(candidate, state, limits.room, share, suitable, own, proposal.height_m)
    return Judged(candidate, state, free_height_m(candidate, limits.room), reach, share, suitable, fails)


def _nearness(candidate: Candidate) -> tuple[float, str]:
    return candidate.distance_m, candidate.structure


def _rank(judged: Judged, proposal: Proposal) -> tuple[bool, int, bool, float, float, str]:
    candidate = judged.candidate
    own = proposal.operator in candidate.tenants
    # Of those that serve the purpose the nearest; of the others the one that serves most of it.
    share = 0.0 if judged.suitable or judged.share_of_proposal is None else -judged.share_of_proposal
    return own, _ORDER[judged.state], not judged.suitable, share, candidate.distance_m, candidate.structure
