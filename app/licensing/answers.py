"""The answer of the co-location check from its inputs. Pure: the same inputs give the same answer, years later too."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from app.licensing.candidates import Candidate, SpareState
from app.licensing.colocation import Judged, screen
from app.licensing.constraints.judgement import Finding
from app.licensing.effect import effect
from app.licensing.inputs import Inputs, Place
from app.licensing.reach import Purpose, Reach
from app.licensing.reasons import Reason


def answer(given: Inputs) -> dict[str, Any]:
    """Return candidates, near duplicates, constraints, coverage, effect on S1 and S2, and advice with reasons."""
    asked = given.proposal
    found = screen(
        given.candidates, asked, given.limits, place_checked=given.place_checked,
        findings=[f for f in given.findings if not f.restricted], reaches=given.reaches, proposed=given.proposed,
    )  # fmt: skip
    now = effect(given.tenancy, None if found.best is None else given.hosts[found.best.structure_id])
    share = found.advice == "share"
    return {
        "candidates": [_judged(j, given) for j in found.candidates],
        "near_duplicates": [candidate(c, asked.operator) for c in found.near_duplicates],
        "restricted": [candidate(c, asked.operator) for c in found.restricted],
        "constraints": [_finding(f) for f in given.findings],
        "coverage": None
        if given.proposed is None
        else _reach(given.proposed, asked.purpose) | {"purpose": asked.purpose, "share_of_proposal": 1.0},
        "modelled": _dated(asdict(given.modelled)),
        "poles_nearby": given.poles_nearby,
        "poles_nearby_at_least": given.poles_at_least,
        "commune": None
        if given.place is None
        else {"code": given.place.code, "name": given.place.name, "kind": given.place.kind},
        "province": None if given.place is None else True,
        "effect": {
            code: values | {"after": values["after_shared" if share else "after_new"]} for code, values in now.items()
        },
        "advice": {"code": found.advice, "vi": found.vi, "en": found.en},
        "reasons": [_reason(r) for r in (*found.reasons, *_place_reasons(given.place))],
        "proposal": {
            "lon": asked.lon, "lat": asked.lat, "area": asked.area_wkt, "operator": asked.operator,
            "height_m": asked.height_m, "radius_m": asked.radius_m, "technologies": list(asked.technologies),
            "purpose": asked.purpose, "type_code": asked.type_code,
        },
        "synthetic": given.modelled.synthetic
        or any(c.synthetic for c in given.candidates)
        or any(f.synthetic for f in given.findings),
        "as_of": given.as_of.isoformat(),
        "citation": "; ".join(given.citations),
        "snapshot": {"sha256": given.sha256(), "version": given.version},
    }  # fmt: skip


def candidate(of: Candidate, operator: str, state: SpareState | None = None) -> dict[str, Any]:
    """Return a structure in full, as `operator` is told it."""
    owner = {"code": of.owner_code, "name": of.owner_name} if of.owner_code else None
    return {
        "site": of.site,
        "structure": of.structure,
        "owner": owner,
        "distance_m": round(of.distance_m, 2),
        "height_m": of.height_m,
        "top_m": of.top_m,
        "kind": of.kind,
        "type_code": of.type_code,
        "tenants": list(of.tenants),
        "technologies": list(of.technologies),
        "tenant_capacity": of.tenant_capacity,
        "spare": of.spare,
        "spare_state": state or of.spare_state,
        "spare_load_kg": of.spare_load_kg,
        "operator_already_here": operator in of.tenants,
        "lon": of.lon,
        "lat": of.lat,
        "synthetic": of.synthetic,
        "restricted": of.restricted,
    }


def _judged(judged: Judged, given: Inputs) -> dict[str, Any]:
    of, purpose = judged.candidate, given.proposal.purpose
    return candidate(of, given.proposal.operator, judged.state) | {
        "free_height_m": judged.free_height_m,
        # An organisation's own desk where it named one; the department's asks in any case.
        "contact": {"name": of.owner_name, "contact": of.owner_contact, "desk": dict(given.desk)},
        "coverage": None
        if judged.reach is None
        else _reach(judged.reach, purpose) | {"share_of_proposal": judged.share_of_proposal},
        "prices": [asdict(p) for p in given.prices.get(of.structure_id, ())],
        "serves_purpose": judged.suitable,
        "fails": [_reason(r) for r in judged.fails],
    }


def _reach(of: Reach, purpose: Purpose) -> dict[str, Any]:
    return {
        "antenna_height_m": of.antenna_height_m,
        "people": round(of.people(purpose), 1),
        "people_served": round(of.people_served, 1),
        "people_gained": round(of.people_gained, 1),
        "people_gained_at_most": round(of.people_gained_at_most, 1),
        "people_first": round(of.people_first, 1),
        "people_common": round(of.people_common, 1),
        "villages_gained": list(of.villages_gained),
        "villages_perhaps": list(of.villages_perhaps),
    }


def _finding(of: Finding) -> dict[str, Any]:
    return _dated(asdict(of))


def _dated(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in values.items()}


def _reason(of: Reason) -> dict[str, str]:
    return {"code": of.code, "vi": of.vi, "en": of.en}


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
