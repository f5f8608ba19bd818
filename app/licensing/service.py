"""The co-location check of a proposed tower: validate, look around, screen, weigh the effect on the ratios."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.database import reads_all
from app.errors import Forbidden
from app.licensing import queries
from app.licensing.checks import check_between, check_point, organisation_code, outside_province, technologies_of
from app.licensing.colocation import Candidate, Limits, Proposal, Reason, Screening, effect, screen
from app.licensing.queries import Place
from app.policy.queries import parameter
from app.sharing.queries import organisations
from app.sharing.surveys import positions


def check_colocation(
    session: Session,
    *,
    lon: float,
    lat: float,
    operator: str,
    height_m: float,
    technologies: Iterable[str] = (),
    radius_m: float | None = None,
    as_of: dt.date,
) -> dict[str, Any]:
    """Return candidates, near duplicates, effect on S1 and S2, and advice for a proposed tower.

    Restricted structures are listed apart, for the department only, and change no advice.

    Raises
    ------
    Forbidden
        `ask_privately`: the caller does not read everybody's network.
    Invalid
        A value is out of range, the operator unknown or without radio, or the point outside the province.
    """
    if not reads_all(session):
        raise ask_privately()
    search = parameter(session, "colocation", "search", as_of)
    judgement = parameter(session, "colocation", "judgement", as_of)
    check_point(lon, lat)
    check_between("height_m", height_m, search.value["max_height_m"])
    radius_m = search.value["radius_m"] if radius_m is None else radius_m
    check_between("radius_m", radius_m, search.value["max_radius_m"])
    code = organisation_code(session, operator, as_of, radio=True)
    proposal = Proposal(lon, lat, code, height_m, radius_m, technologies_of(technologies))
    checked = queries.any_commune(session, as_of)
    place = queries.place(session, lon, lat, judgement.value["boundary_tolerance_m"], as_of)
    if checked and place is None:
        raise outside_province(lon, lat, judgement.value["boundary_tolerance_m"])
    limits = Limits(search.value["near_duplicate_m"], judgement.value["min_height_share"])
    around = queries.candidates(session, lon, lat, max(radius_m, limits.near_duplicate_m), as_of)
    found = screen(around, proposal, limits, place_checked=checked)
    queries.log_restricted(session, found.restricted)
    return {
        "candidates": [candidate(c, code) for c in found.candidates],
        "near_duplicates": [candidate(c, code) for c in found.near_duplicates],
        "restricted": [candidate(c, code) for c in found.restricted],
        "poles_nearby": queries.poles_nearby(session, lon, lat, radius_m, as_of),
        "commune": None if place is None else {"code": place.code, "name": place.name, "kind": place.kind},
        "province": None if place is None else True,
        "effect": _effect(session, found, proposal, as_of),
        "advice": {"code": found.advice, "vi": found.vi, "en": found.en},
        "reasons": [{"code": r.code, "vi": r.vi, "en": r.en} for r in (*found.reasons, *_place_reasons(place))],
        "proposal": {"lon": lon, "lat": lat, "operator": proposal.operator, "height_m": height_m,
                     "radius_m": radius_m, "technologies": list(proposal.technologies)},
        "as_of": as_of.isoformat(),
        "citation": f"{search.citation}; {judgement.citation}",
    }  # fmt: skip


def _effect(session: Session, found: Screening, proposal: Proposal, as_of: dt.date) -> dict[str, Any]:
    known = organisations(session, as_of)
    now = positions(session, as_of, known)
    best = None if found.best is None else int(np.searchsorted(now.columns["id"], found.best.site_id))
    here = now.present_party[now.present_row == best] if best is not None else np.zeros(0, np.int64)
    there = bool(np.isin(known.codes.index(proposal.operator), here))
    share = found.advice == "share"
    return {
        code: values | {"after": values["after_shared" if share else "after_new"]}
        for code, values in effect(now.sites, best, there).items()
    }


def ask_privately() -> Forbidden:
    """Return the refusal of a caller who may only be told whether sharing is possible, not where."""
    return Forbidden(
        "ask_privately",
        "Chỉ cơ quan quản lý xem được hạ tầng của mọi doanh nghiệp; hãy hỏi kín: POST /api/sharing-question",
        "Only authorities read everybody's structures; ask privately instead: POST /api/sharing-question",
        address="/api/sharing-question",
    )


def candidate(candidate: Candidate, operator: str) -> dict[str, Any]:
    """Return a candidate in full, as `operator` is told it."""
    owner = {"code": candidate.owner_code, "name": candidate.owner_name} if candidate.owner_code else None
    return {
        "site": candidate.site,
        "structure": candidate.structure,
        "owner": owner,
        "distance_m": round(candidate.distance_m, 2),
        "height_m": candidate.height_m,
        "top_m": candidate.top_m,
        "kind": candidate.kind,
        "type_code": candidate.type_code,
        "tenants": list(candidate.tenants),
        "technologies": list(candidate.technologies),
        "tenant_capacity": candidate.tenant_capacity,
        "spare": candidate.spare,
        "spare_state": candidate.spare_state,
        "operator_already_here": operator in candidate.tenants,
        "lon": candidate.lon,
        "lat": candidate.lat,
        "synthetic": candidate.synthetic,
        "restricted": candidate.restricted,
    }


def _place_reasons(place: Place | None) -> list[Reason]:
    if place is None:
        return [
            Reason(
                "boundaries_unknown",
                "Chưa nạp ranh giới xã, phường cho ngày này nên chưa kiểm tra được vị trí có thuộc tỉnh hay không",
                "No commune boundaries are loaded for this date, so the place could not be checked",
            )
        ]
    if place.outside_m > 0:
        return [
            Reason(
                "just_outside",
                f"Vị trí nằm ngoài {place.name} {place.outside_m:.0f} m, trong sai số ranh giới",
                f"The point lies {place.outside_m:.0f} m outside {place.name}, within the tolerance of the boundaries",
            )
        ]
    return []
