"""What would follow if towers were licensed, shared or switched off; only read, never written."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.coverage.inputs import operator_id, read_receiver
from app.coverage.switch_off_inputs import Stored
from app.coverage.verdict import NAMES, Floats
from app.coverage.what_if.around import run_with_levels, stored_near
from app.coverage.what_if.gain import Judgement, added, judgement
from app.coverage.what_if.removal import without
from app.coverage.what_if.stations import Station, brought
from app.database import reads_all
from app.errors import AppError, Invalid
from app.kit.page import today
from app.licensing import queries as around_queries
from app.licensing.checks import check_between, check_point, organisation_code, outside_province, technologies_of
from app.licensing.radio import Rules, radio_rules
from app.licensing.service import ask_privately
from app.licensing.what_if import queries
from app.licensing.what_if.ratios import Changes, Registered, ratios
from app.licensing.what_if.schemas import License, Scenario, SwitchOff
from app.policy.queries import parameter
from app.sharing.queries import organisations
from app.sharing.ratios import site_ratios
from app.sharing.surveys import positions

_WHY = {
    "vi": ["Theo mức thu của mô hình lưu trong lượt tính; số đo và vùng phủ doanh nghiệp công bố không được xét",
           "Ăng-ten mới được coi là đẳng hướng với tham số mặc định của công nghệ; không ghi gì vào sổ đăng ký"],
    "en": ["By the model's levels as the run stored them; measurements and operators' claims are not considered",
           "New antennas are taken as omnidirectional with the defaults of their technology; nothing is written"],
}  # fmt: skip


@dataclass
class _Plan:
    """The scenario resolved against the registry."""

    stations: list[Station] = field(default_factory=list)
    off: list[int] = field(default_factory=list)
    places: list[tuple[float, float]] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    shared: list[tuple[int, str]] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    left: list[tuple[int, str]] = field(default_factory=list)
    synthetic: bool = False


def what_if(session: Session, asked: Scenario) -> dict[str, Any]:
    """Return villages and sharing ratios before and after a scenario.

    Raises
    ------
    Forbidden
        `ask_privately`: the caller does not read everybody's network.
    Invalid
        `empty_scenario`, a place, height, operator or technology that cannot be, or outside the province.
    NotFound, Conflict
        A position or structure there is not, or two of one code; and of a rule asked for by name what `modelled`
        says of the default one: that its runs keep no levels, that there is none, or that it is out of date.
    """
    if not reads_all(session):
        raise ask_privately()
    as_of = asked.as_of or today()
    if not asked.license and not asked.switch_off:
        raise Invalid("empty_scenario", "Kịch bản chưa có thay đổi nào: thêm license hoặc switch_off",
                      "The scenario changes nothing: name a license or a switch_off", field="license")  # fmt: skip
    rules, plan = radio_rules(session, as_of), _Plan()
    for one in asked.license:
        _add(session, plan, one, rules, as_of)
    for off in asked.switch_off:
        _take(session, plan, off, as_of)
    try:
        villages, modelled = _villages(session, plan, asked.rule, rules.reach_km, as_of)
    except AppError as refused:
        if asked.rule is not None:
            raise
        villages, modelled = None, {"reason": refused.code, "rule": None}
    return {
        "villages": villages,
        "ratios": _ratios(session, plan, as_of),
        "modelled": modelled,
        "scenario": asked.model_dump(mode="json", include={"license", "switch_off"}),
        "as_of": as_of.isoformat(),
        "why": _WHY,
        "synthetic": plan.synthetic or bool(villages and any(v["synthetic"] for v in villages["changed"])),
    }


def _add(session: Session, plan: _Plan, one: License, rules: Rules, as_of: dt.date) -> None:
    search = parameter(session, "colocation", "search", as_of).value
    code = organisation_code(session, one.operator, as_of, radio=True)
    technologies = technologies_of(one.technologies) or rules.technologies
    if one.height_m is not None:
        check_between("height_m", one.height_m, search["max_height_m"])
    if one.structure is not None:
        if one.lon is not None or one.lat is not None:
            raise _place_needed()
        host = queries.structure(session, one.structure, as_of)
        height = one.height_m or host.top_m
        if height is None:
            raise Invalid("height_unknown", f"Chưa rõ chiều cao của {one.structure}: cho biết height_m",
                          f"The height of {one.structure} is not known: give height_m", field="height_m")  # fmt: skip
        lon, lat = host.lon, host.lat
        plan.shared.append((host.site_id, code))
        plan.synthetic |= host.synthetic
    else:
        if one.lon is None or one.lat is None or one.height_m is None:
            raise _place_needed()
        lon, lat, height = one.lon, one.lat, one.height_m
        check_point(lon, lat)
        tolerance_m = parameter(session, "colocation", "judgement", as_of).value["boundary_tolerance_m"]
        here = around_queries.place_of(session, around_queries.point(lon, lat), tolerance_m, as_of)
        if here is None and around_queries.any_commune(session, as_of):
            raise outside_province(lon, lat, tolerance_m)
        plan.new.append(code)
    antenna_m = max(height - rules.antenna_below_top_m, 0.5)
    plan.stations.append(Station(lon, lat, antenna_m, operator_id(session, code, as_of), technologies))
    plan.places.append((lon, lat))


def _take(session: Session, plan: _Plan, off: SwitchOff, as_of: dt.date) -> None:
    here = queries.site(session, off.site, as_of)
    operator = None
    if off.operator is not None:
        code = organisation_code(session, off.operator, as_of, radio=True)
        operator = operator_id(session, code, as_of)
        plan.left.append((here.site_id, code))
    else:
        plan.gone.append(here.site_id)
    plan.off += queries.cells_of(session, here.site_id, operator, as_of)
    plan.places.append((here.lon, here.lat))
    plan.synthetic |= here.synthetic


def _villages(
    session: Session, plan: _Plan, rule: str | None, reach_km: float, as_of: dt.date
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    with_levels = run_with_levels(session, rule, as_of)
    if with_levels is None:
        return None, {"reason": "no_run", "rule": rule}
    run, parsed = with_levels
    # What is switched off may have served as far as the engine looks.
    within = max(reach_km, read_receiver(session, as_of).max_distance_km) if plan.off else reach_km
    stored = stored_near(session, run, parsed, plan.places, within, as_of)
    before = judgement(stored.heard, stored.demand, parsed)
    left = without(session, run, parsed, stored, plan.off, as_of) if plan.off else stored.heard
    brings = brought(session, run, parsed, plan.stations, stored.lon, stored.lat, reach_km, as_of)
    after = judgement(added(left, [b for of in brings for b in of]), stored.demand, parsed)
    told = {
        "reason": None, "rule": run.rule, "run_id": run.id, "run_as_of": run.as_of.isoformat(),
        "terrain_version": run.terrain_version, "reach_km": within,
    }  # fmt: skip
    return _compared(stored, before, after), told


def _compared(stored: Stored, before: Judgement, after: Judgement) -> dict[str, Any]:
    people = np.bincount(stored.demand.village, stored.people, stored.demand.villages)

    def counts(found: Judgement) -> dict[str, int]:
        return {name: int((found.verdict == number).sum()) for number, name in enumerate(NAMES)}

    def reached(share: Floats) -> float:
        return round(float(np.nansum(np.where(np.isnan(share), 0.0, share) * people)), 1)

    changed = np.flatnonzero(before.verdict != after.verdict).tolist()
    changed.sort(key=lambda v: (-people[v], stored.villages[v]["code"]))
    return {
        "looked_at": len(stored.villages),
        "before": counts(before),
        "after": counts(after),
        "people_before": reached(before.share),
        "people_after": reached(after.share),
        "changed": [_village(stored, before, after, v) for v in changed],
    }


def _village(stored: Stored, before: Judgement, after: Judgement, v: int) -> dict[str, Any]:
    def share(of: Judgement) -> float | None:
        return None if np.isnan(of.share[v]) else round(float(of.share[v]), 4)

    row = stored.villages[v]
    return {
        "code": row["code"], "name": row["name"], "commune": row["commune_name"], "lon": row["lon"], "lat": row["lat"],
        "population": row["population"], "before": NAMES[before.verdict[v]], "after": NAMES[after.verdict[v]],
        "share_before": share(before), "share_after": share(after), "synthetic": row["synthetic"],
    }  # fmt: skip


def _ratios(session: Session, plan: _Plan, as_of: dt.date) -> dict[str, Any]:
    known = organisations(session, as_of)
    now = positions(session, as_of, known)
    ids = now.columns["id"]

    def row(site_id: int) -> int:
        return int(np.searchsorted(ids, site_id))

    changes = Changes(
        gone=[row(s) for s in plan.gone],
        left=[(row(s), known.codes.index(code)) for s, code in plan.left],
        shared=[(row(s), known.codes.index(code)) for s, code in plan.shared],
        new=[known.codes.index(code) for code in plan.new],
    )
    before = site_ratios(now.sites)
    after = ratios(Registered(now.sites, now.present_row, now.present_party), changes)
    return {code: {"before": before[code].figure.as_dict(), "after": after[code].figure.as_dict()} for code in before}


def _place_needed() -> Invalid:
    return Invalid(
        "place_needed",
        "Cấp phép cần lon, lat và height_m của cột mới, hoặc structure để dùng chung, không cả hai",
        "A licence needs lon, lat and height_m of the new tower, or the structure to be shared, not both",
        field="license",
    )
