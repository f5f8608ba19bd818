"""The co-location check in two halves: gather what it needs as plain JSON, and answer from that alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.licensing import queries
from app.licensing.checks import check_between, check_point, organisation_code, outside_province, technologies_of
from app.licensing.colocation import Candidate, Limits, Proposal, effect, screen
from app.licensing.queries import Place
from app.licensing.service import _place_reasons, candidate
from app.policy.queries import parameter
from app.sharing.queries import organisations
from app.sharing.ratios import Sites
from app.sharing.surveys import positions

_ARRAYS = ("k", "known", "neutral_host", "sharing_offered")


def gather(
    session: Session, *, lon: float, lat: float, operator: str, height_m: float, technologies: Iterable[str] = (),
    radius_m: float | None = None, as_of: dt.date,
) -> dict[str, Any]:  # fmt: skip
    """Return everything the check of a proposed tower follows from, as JSON.

    Arguments and refusals as of `app.licensing.service.check_colocation`.
    """
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
    known = organisations(session, as_of)
    now = positions(session, as_of, known)
    own = known.codes.index(code)
    rows = {c.site_id: int(np.searchsorted(now.columns["id"], c.site_id)) for c in around}
    return {
        "proposal": asdict(proposal) | {"technologies": list(proposal.technologies)},
        "limits": asdict(limits),
        "place": None if place is None else asdict(place),
        "place_checked": checked,
        "candidates": [
            asdict(c) | {"tenants": list(c.tenants), "technologies": list(c.technologies)}
            for c in sorted(around, key=lambda c: (c.site_id, c.structure))
        ],
        "sites": {name: getattr(now.sites, name).tolist() for name in _ARRAYS} | {"networks": now.sites.networks},
        "site_rows": {
            str(site): {"row": row, "present": bool(np.isin(own, now.present_party[now.present_row == row]))}
            for site, row in rows.items()
        },
        "poles_nearby": queries.poles_nearby(session, lon, lat, radius_m, as_of),
        "as_of": as_of.isoformat(),
        "citation": f"{search.citation}; {judgement.citation}",
    }


def answer(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of the check from what `gather` returned; pure."""
    asked = inputs["proposal"]
    proposal = Proposal(**{**asked, "technologies": tuple(asked["technologies"])})
    around = [
        Candidate(**{**c, "tenants": tuple(c["tenants"]), "technologies": tuple(c["technologies"])})
        for c in inputs["candidates"]
    ]
    place = None if inputs["place"] is None else Place(**inputs["place"])
    found = screen(around, proposal, Limits(**inputs["limits"]), place_checked=inputs["place_checked"])
    arrays = inputs["sites"]
    sites = Sites(
        np.array(arrays["k"], np.int64), np.array(arrays["known"], bool), np.array(arrays["neutral_host"], bool),
        np.array(arrays["sharing_offered"], np.int64), arrays["networks"],
    )  # fmt: skip
    best = None if found.best is None else inputs["site_rows"][str(found.best.site_id)]
    share = "after_shared" if found.advice == "share" else "after_new"
    weighed = effect(sites, best and best["row"], bool(best and best["present"]))
    return {
        "candidates": [candidate(c, proposal.operator) for c in found.candidates],
        "near_duplicates": [candidate(c, proposal.operator) for c in found.near_duplicates],
        "restricted": [candidate(c, proposal.operator) for c in found.restricted],
        "poles_nearby": inputs["poles_nearby"],
        "commune": None if place is None else {"code": place.code, "name": place.name, "kind": place.kind},
        "province": None if place is None else True,
        "effect": {code: values | {"after": values[share]} for code, values in weighed.items()},
        "advice": {"code": found.advice, "vi": found.vi, "en": found.en},
        "reasons": [{"code": r.code, "vi": r.vi, "en": r.en} for r in (*found.reasons, *_place_reasons(place))],
        "proposal": {k: asked[k] for k in ("lon", "lat", "operator", "height_m", "radius_m", "technologies")},
        "as_of": inputs["as_of"],
        "citation": inputs["citation"],
    }
