"""The co-location check of a proposed tower: validate, look around, screen, weigh the effect on the ratios."""

from __future__ import annotations

import datetime as dt
import difflib
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.licensing import queries
from app.licensing.colocation import Candidate, Limits, Proposal, Reason, Screening, effect, screen
from app.licensing.queries import Place
from app.organisations.models import Organisation
from app.policy.queries import parameter
from app.sharing.queries import organisations
from app.sharing.surveys import positions
from app.sites.models import TECHNOLOGIES


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

    Raises
    ------
    Invalid
        A value is out of range, the operator unknown or without radio, or the point outside the province.
    """
    search = parameter(session, "colocation", "search", as_of)
    judgement = parameter(session, "colocation", "judgement", as_of)
    _check_point(lon, lat)
    _check_between("height_m", height_m, search.value["max_height_m"])
    radius_m = search.value["radius_m"] if radius_m is None else radius_m
    _check_between("radius_m", radius_m, search.value["max_radius_m"])
    proposal = Proposal(lon, lat, _operator(session, operator, as_of), height_m, radius_m, _technologies(technologies))
    checked = queries.any_commune(session, as_of)
    place = queries.place(session, lon, lat, judgement.value["boundary_tolerance_m"], as_of)
    if checked and place is None:
        raise _outside(lon, lat, judgement.value["boundary_tolerance_m"])
    limits = Limits(search.value["near_duplicate_m"], judgement.value["min_height_share"])
    around = queries.candidates(session, lon, lat, max(radius_m, limits.near_duplicate_m), as_of)
    found = screen(around, proposal, limits, place_checked=checked)
    return {
        "candidates": [_candidate(c, proposal) for c in found.candidates],
        "near_duplicates": [_candidate(c, proposal) for c in found.near_duplicates],
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


def _candidate(candidate: Candidate, proposal: Proposal) -> dict[str, Any]:
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
        "operator_already_here": proposal.operator in candidate.tenants,
        "lon": candidate.lon,
        "lat": candidate.lat,
        "synthetic": candidate.synthetic,
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


def _check_point(lon: float, lat: float) -> None:
    for field, value in (("lon", lon), ("lat", lat)):
        if not math.isfinite(value):
            raise _not_finite(field)
    # Longitudes of Viet Nam are no latitudes at all, so a swap shows itself.
    if 102 <= lat <= 118 and 7 <= lon <= 24:
        raise Invalid(
            "swapped_axes",
            f"Kinh độ và vĩ độ bị đảo: lon={lon}, lat={lat}",
            f"Longitude and latitude are swapped: lon={lon}, lat={lat}",
            field="lon",
        )
    for field, value, most in (("lon", lon, 180.0), ("lat", lat, 90.0)):
        if abs(value) > most:
            raise Invalid(
                "outside_world",
                f"{field}={value} không phải toạ độ theo độ (WGS84); toạ độ mét phải được chuyển trước",
                f"{field}={value} is not in degrees (WGS84); coordinates in metres have to be transformed first",
                field=field,
            )


def _check_between(field: str, value: float, most: float) -> None:
    if not math.isfinite(value):
        raise _not_finite(field)
    if not 0 < value <= most:
        raise Invalid(
            "out_of_range",
            f"{field} phải lớn hơn 0 và không quá {most:g} m, nhận được {value:g}",
            f"{field} has to be above 0 and at most {most:g} m, not {value:g}",
            field=field,
        )


def _not_finite(field: str) -> Invalid:
    return Invalid("not_finite", f"{field} không phải là số hữu hạn", f"{field} is not a finite number", field=field)


def _outside(lon: float, lat: float, tolerance_m: float) -> Invalid:
    return Invalid(
        "outside_province",
        f"Điểm ({lon}, {lat}) nằm ngoài tỉnh: không xã, phường nào chứa nó hoặc cách nó dưới {tolerance_m:g} m",
        f"The point ({lon}, {lat}) is outside the province: no commune holds it or lies within {tolerance_m:g} m",
        field="lon",
        fields=["lon", "lat"],
    )


def _operator(session: Session, wanted: str, as_of: dt.date) -> str:
    code = wanted.strip().upper()
    rows = session.execute(
        select(Organisation.code, Organisation.has_radio).where(
            func.registry.in_force(Organisation.valid_from, Organisation.valid_to, as_of)
        )
    )
    radio = {row[0]: row[1] for row in rows}
    if code not in radio:
        networks = sorted(c for c, has in radio.items() if has)
        near = difflib.get_close_matches(code[:60], networks, n=3, cutoff=0.4) or networks
        raise Invalid(
            "unknown_operator",
            f"Không có doanh nghiệp {wanted[:40]!r}; có thể là: {', '.join(near)}",
            f"There is no operator {wanted[:40]!r}; perhaps: {', '.join(near)}",
            field="operator",
            suggestions=near,
        )
    if not radio[code]:
        raise Invalid(
            "operator_without_radio",
            f"{code} không có mạng vô tuyến nên không xin đặt trạm BTS",
            f"{code} runs no radio network, so it cannot ask for a BTS position",
            field="operator",
        )
    return code


def _technologies(wanted: Iterable[str]) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(t.strip().upper() for t in wanted))
    for technology in asked:
        if technology not in TECHNOLOGIES:
            raise Invalid(
                "unknown_technology",
                f"Không có công nghệ {technology!r}; chọn trong {', '.join(TECHNOLOGIES)}",
                f"There is no technology {technology!r}; choose from {', '.join(TECHNOLOGIES)}",
                field="technologies",
            )
    return asked
