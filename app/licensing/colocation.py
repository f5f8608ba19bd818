"""Screening of a proposed tower against the structures around it. Pure: values in, ranked candidates and reasons out.

Capacity that is not known is listed as unknown, never as free. Distances warn and never refuse: no legal minimum
distance between positions was found (domain page, section 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from app.sharing.ratios import Sites, site_ratios

SpareState = Literal["free", "unknown", "full"]
AdviceCode = Literal["share", "license_shared", "needs_a_person"]
_ORDER = {"free": 0, "unknown": 1, "full": 2}


@dataclass(frozen=True)
class Candidate:
    """A structure in force that can carry antennas.

    `top_m` is above ground with the host building; `tenants` are the distinct organisations on the mast.
    """

    site_id: int
    site: str
    structure: str
    owner_code: str | None
    owner_name: str | None
    distance_m: float
    height_m: float | None
    top_m: float | None
    kind: str
    type_code: str | None
    tenant_capacity: int | None
    lon: float
    lat: float
    synthetic: bool
    tenants: tuple[str, ...]
    technologies: tuple[str, ...]
    restricted: bool = False

    @property
    def spare(self) -> int | None:
        """Operators it could still carry; null when its capacity is unknown."""
        return None if self.tenant_capacity is None else max(0, self.tenant_capacity - len(self.tenants))

    @property
    def spare_state(self) -> SpareState:
        """Whether there is room."""
        return "unknown" if self.spare is None else "free" if self.spare else "full"


@dataclass(frozen=True)
class Proposal:
    """A tower an operator asks for; degrees in EPSG:4326, metres."""

    lon: float
    lat: float
    operator: str
    height_m: float
    radius_m: float
    technologies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """Dated policy values of the screening."""

    near_duplicate_m: float
    min_height_share: float


@dataclass(frozen=True)
class Reason:
    """One thing the advice rests on, in both languages."""

    code: str
    vi: str
    en: str


@dataclass(frozen=True)
class Screening:
    """Candidates best first, structures too near to be apart, the advice and what it rests on.

    `restricted` are structures within the radius that nothing else of this speaks of.
    """

    candidates: tuple[Candidate, ...]
    near_duplicates: tuple[Candidate, ...]
    best: Candidate | None
    advice: AdviceCode
    vi: str
    en: str
    reasons: tuple[Reason, ...]
    restricted: tuple[Candidate, ...] = ()


def screen(found: Sequence[Candidate], proposal: Proposal, limits: Limits, *, place_checked: bool = True) -> Screening:
    """Rank the structures around a proposal and advise.

    Parameters
    ----------
    found : sequence of Candidate
        Structures in force around the proposal, in any order. Restricted ones change no advice: it is passed on.
    place_checked : bool
        False when no boundaries are known, so that nobody can say whether the point is in the province.

    Returns
    -------
    Screening
        `share`: a free structure tall enough stands within the radius. `license_shared`: none can take another
        operator, so a new one may be licensed if it is built to be shared. `needs_a_person`: the answer hangs on
        something unknown, on a lower structure, or on the operator's own presence next door.
    """
    restricted = sorted((c for c in found if c.restricted and c.distance_m <= proposal.radius_m), key=_nearness)
    known = [c for c in found if not c.restricted]
    within = [c for c in known if c.distance_m <= proposal.radius_m]
    ranked = sorted(within, key=lambda c: _rank(c, proposal, limits))
    duplicates = sorted((c for c in known if c.distance_m < limits.near_duplicate_m), key=_nearness)
    open_to = [c for c in ranked if proposal.operator not in c.tenants]
    free = [c for c in open_to if c.spare_state == "free"]
    tall = [c for c in free if _tall(c, proposal, limits)]
    unknown = [c for c in open_to if c.spare_state == "unknown"]
    own = [c for c in duplicates if proposal.operator in c.tenants]
    best = next(iter([*tall, *free, *unknown]), None)
    if not place_checked or (own and not tall) or (not tall and (free or unknown)):
        advice: AdviceCode = "needs_a_person"
    else:
        advice = "share" if tall else "license_shared"
    vi, en = _advice(advice, best)
    reasons = _reasons(ranked, duplicates, free, tall, own, proposal, limits)
    return Screening(tuple(ranked), tuple(duplicates), best, advice, vi, en, tuple(reasons), tuple(restricted))


def effect(sites: Sites, best: int | None, already_there: bool) -> dict[str, dict[str, float | None]]:
    """Return S1 and S2 before, with the operator at a new position, and at the best candidate's position.

    Parameters
    ----------
    sites : Sites
        All positions in force.
    best : int or None
        Index of the best candidate's position; null when there is none.
    already_there : bool
        The operator already runs radio at that position, so sharing it adds nobody.
    """
    alone = replace(
        sites,
        k=np.append(sites.k, 1),
        known=np.append(sites.known, True),
        neutral_host=np.append(sites.neutral_host, False),
        sharing_offered=np.append(sites.sharing_offered, -1),
    )
    before, new = site_ratios(sites), site_ratios(alone)
    shared = None
    if best is not None:
        k, known = sites.k.copy(), sites.known.copy()
        k[best] += not already_there
        known[best] = True
        shared = site_ratios(replace(sites, k=k, known=known))
    return {
        code: {
            "before": before[code].ratio,
            "after_new": new[code].ratio,
            "after_shared": None if shared is None else shared[code].ratio,
        }
        for code in ("S1", "S2")
    }


def _tall(candidate: Candidate, proposal: Proposal, limits: Limits) -> bool:
    return candidate.top_m is not None and candidate.top_m >= limits.min_height_share * proposal.height_m


def _nearness(candidate: Candidate) -> tuple[float, str]:
    return candidate.distance_m, candidate.structure


def _rank(candidate: Candidate, proposal: Proposal, limits: Limits) -> tuple[bool, int, bool, float, str]:
    own = proposal.operator in candidate.tenants
    low = not _tall(candidate, proposal, limits)
    return own, _ORDER[candidate.spare_state], low, candidate.distance_m, candidate.structure


def _advice(code: AdviceCode, best: Candidate | None) -> tuple[str, str]:
    if code == "share" and best is not None:
        return (
            f"Dùng chung {best.structure} cách {best.distance_m:.0f} m, còn chỗ cho {best.spare} nhà mạng",
            f"Share {best.structure}, {best.distance_m:.0f} m away, with room for {best.spare} more operator(s)",
        )
    if code == "license_shared":
        return (
            "Không có công trình nào trong bán kính còn chỗ: có thể cấp phép cột mới, với điều kiện xây để dùng chung",
            "No structure within the radius has room: a new one may be licensed if it is built to be shared",
        )
    return (
        "Cần cán bộ xem xét: chưa đủ dữ liệu để kết luận, xem các lý do",
        "A person has to look: the data do not decide it, see the reasons",
    )


def _reasons(
    ranked: Sequence[Candidate], duplicates: Sequence[Candidate], free: Sequence[Candidate],
    tall: Sequence[Candidate], own: Sequence[Candidate], proposal: Proposal, limits: Limits,
) -> list[Reason]:  # fmt: skip
    reasons = []
    number = {state: sum(c.spare_state == state for c in ranked) for state in _ORDER}
    radius = f"{proposal.radius_m:.0f} m"
    if not ranked:
        reasons.append(
            Reason(
                "no_candidates",
                f"Không có cột, trạm nào trong bán kính {radius}",
                f"There is no structure within {radius}",
            )
        )
    else:
        reasons.append(
            Reason(
                "candidates",
                f"Trong bán kính {radius}: {number['free']} công trình còn chỗ, {number['full']} đã đầy, "
                f"{number['unknown']} chưa rõ sức chứa",
                f"Within {radius}: {number['free']} structure(s) with room, {number['full']} full, "
                f"{number['unknown']} of unknown capacity",
            )
        )
    if number["unknown"]:
        reasons.append(
            Reason(
                "capacity_unknown",
                "Công trình chưa rõ sức chứa không được coi là còn chỗ: hỏi chủ sở hữu",
                "A structure of unknown capacity is not taken as free: ask its owner",
            )
        )
    if free and not tall:
        low = 100 * limits.min_height_share
        reasons.append(
            Reason(
                "lower_than_asked",
                f"Công trình còn chỗ có chiều cao chưa rõ hoặc thấp hơn {low:.0f} % chiều cao đề xuất",
                f"What has room is of unknown height or lower than {low:.0f} % of the height asked for",
            )
        )
    for near in duplicates[:3]:
        reasons.append(
            Reason(
                "near_duplicate",
                f"Cách {near.structure} chỉ {near.distance_m:.0f} m; hai cột cạnh nhau không phải là dùng chung",
                f"Only {near.distance_m:.0f} m from {near.structure}; two towers side by side are not sharing",
            )
        )
    if own:
        reasons.append(
            Reason(
                "operator_already_here",
                f"{proposal.operator} đã có mặt tại {own[0].structure}",
                f"{proposal.operator} is already at {own[0].structure}",
            )
        )
    reasons.append(
        Reason(
            "coverage_not_compared",
            "Chưa so sánh vùng phủ sóng từ công trình hiện có với vị trí đề xuất",
            "The radio coverage of the candidates is not yet compared with that of the proposal",
        )
    )
    return reasons
