"""The checks of proposed poles and ducts: validate, look along, screen, tell."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import shapely
from shapely.ops import substring
from sqlalchemy.orm import Session

from app.database import reads_all
from app.kit.page import today
from app.licensing.checks import check_between, check_point, organisation_code
from app.licensing.constraints.judgement import Finding
from app.licensing.constraints.service import constraints_at
from app.licensing.geometries import to_geojson
from app.licensing.lines import queries, routes
from app.licensing.lines.duct_screening import DuctNear, DuctScreening, Limits, Route, screen_ducts
from app.licensing.lines.pole_screening import Around, Dig, PoleNear, Undergrounding, screen_poles
from app.licensing.lines.schemas import DuctsRequest, PolesRequest
from app.licensing.reasons import Reason
from app.licensing.service import ask_privately
from app.policy.models import Parameter
from app.policy.queries import parameter


def check_poles(session: Session, asked: PolesRequest) -> dict[str, Any]:
    """Return the poles around a proposed pole or row of poles, what else there is, and advice.

    Restricted poles and ducts are listed apart, for the department only, and change no advice.

    Raises
    ------
    Forbidden
        `ask_privately`: the caller does not read everybody's network.
    Invalid
        The place, route, reach or operator is not one.
    """
    if not reads_all(session):
        raise ask_privately()
    as_of = asked.as_of or today()
    limits, ducts = (parameter(session, "line_check", name, as_of) for name in ("poles", "ducts"))
    tolerance = parameter(session, "colocation", "judgement", as_of).value["boundary_tolerance_m"]
    reach_m = limits.value["reach_m"] if asked.reach_m is None else asked.reach_m
    check_between("reach_m", reach_m, limits.value["max_reach_m"])
    operator = organisation_code(session, asked.operator, as_of, radio=False)
    if asked.geometry is not None:
        shape = routes.read_route(asked.geometry, limits.value["max_route_m"])
    else:
        assert asked.lon is not None
        assert asked.lat is not None
        check_point(asked.lon, asked.lat)
        shape = shapely.Point(asked.lon, asked.lat)
    checked = routes.check_place(session, shape, tolerance, as_of)
    route = routes.measured(shape) if shape.geom_type == "LineString" else None
    poles = queries.poles_near(session, shape, reach_m, as_of)
    if route is not None and poles:
        at = routes.projected(shapely.points([(p.lon, p.lat) for p in poles]))
        along = route.true(shapely.line_locate_point(route.line, at))
        poles = [replace(p, along_m=float(m)) for p, m in zip(poles, along, strict=True)]
    beside = _beside(session, shape, route, reach_m, operator, ducts, as_of)
    findings = _findings(session, shape, as_of)
    digs = queries.digs_near(session, shape, reach_m, operator, as_of, _horizon(as_of, limits))
    around = Around(_ducts_state(beside, ducts), _undergrounding(findings), digs, checked)
    length_m = 0.0 if route is None else route.length_m
    found = screen_poles(poles, operator, length_m, limits.value["span_m"], around)
    queries.log_restricted(session, "check-poles", "poles", (p.pole_id for p in found.restricted))
    hidden = _restricted(beside)
    told: list[PoleNear | DuctNear | Finding | Dig] = [*found.poles, *_open(beside), *findings, *digs]
    queries.log_restricted(session, "check-poles", "ducts", (d.duct_id for d in hidden))
    return {
        "advice": {"code": found.advice, "vi": found.vi, "en": found.en},
        "reasons": _reasons(found.reasons),
        "poles": [_pole(p, operator) for p in found.poles],
        "carried_m": round(found.carried_m, 2),
        "length_m": round(length_m, 2),
        "ducts": [_duct(d, operator) for d in _open(beside)],
        "parallel_digs": [_dig(d) for d in digs],
        "constraints": [asdict(f) for f in findings],
        "restricted": {"poles": [_pole(p, operator) for p in found.restricted],
                       "ducts": [_duct(d, operator) for d in hidden]},
        "proposal": {"operator": operator, "reach_m": reach_m, "geometry": to_geojson(shape)},
        "as_of": as_of,
        "citation": f"{limits.citation}; {ducts.citation}",
        "synthetic": any(x.synthetic for x in told),
    }  # fmt: skip


def check_ducts(session: Session, asked: DuctsRequest) -> dict[str, Any]:
    """Return the ducts along a proposed route, which part of it they can take, the gaps, and advice.

    Restricted ducts are listed apart, for the department only, and change no advice.

    Raises
    ------
    Forbidden
        `ask_privately`: the caller does not read everybody's network.
    Invalid
        The route, tolerance or operator is not one.
    """
    if not reads_all(session):
        raise ask_privately()
    as_of = asked.as_of or today()
    limits = parameter(session, "line_check", "ducts", as_of)
    tolerance = parameter(session, "colocation", "judgement", as_of).value["boundary_tolerance_m"]
    tolerance_m = limits.value["tolerance_m"] if asked.tolerance_m is None else asked.tolerance_m
    check_between("tolerance_m", tolerance_m, limits.value["max_tolerance_m"])
    operator = organisation_code(session, asked.operator, as_of, radio=False)
    line = routes.read_route(asked.geometry, limits.value["max_route_m"])
    checked = routes.check_place(session, line, tolerance, as_of)
    route = routes.measured(line)
    digs = queries.digs_near(session, line, tolerance_m, operator, as_of, _horizon(as_of, limits))
    found = _screened(session, line, route, tolerance_m, operator, limits, as_of, digs, checked)
    queries.log_restricted(session, "check-ducts", "ducts", (d.duct_id for d in found.restricted))
    return {
        "advice": {"code": found.advice, "vi": found.vi, "en": found.en},
        "reasons": _reasons(found.reasons),
        "length_m": round(route.length_m, 2),
        "free_m": round(found.metres("free"), 2),
        "unknown_m": round(found.metres("unknown"), 2),
        "full_m": round(found.metres("full"), 2),
        "none_m": round(found.metres("none"), 2),
        "free_share": round(found.metres("free") / route.length_m, 4),
        "ducts": [
            {**_duct(duct, operator), "from_m": round(start, 2), "along_m": round(metres, 2)}
            for duct, start, metres in found.ducts
        ],
        "stretches": _stretches(found, route),
        "parallel_digs": [_dig(d) for d in digs],
        "restricted": [_duct(d, operator) for d in found.restricted],
        "proposal": {"operator": operator, "tolerance_m": tolerance_m, "geometry": to_geojson(line)},
        "as_of": as_of,
        "citation": limits.citation,
        "synthetic": any(d.synthetic for d, _, _ in found.ducts) or any(d.synthetic for d in digs),
    }


def _screened(
    session: Session, line: Any, route: Route, tolerance_m: float, operator: str, policy: Parameter, as_of: dt.date,
    digs: tuple[Dig, ...] = (), checked: bool = True,
) -> DuctScreening:  # fmt: skip
    value = policy.value
    limits = Limits(tolerance_m, value["min_overlap_m"], value["full_share"], value["partly_share"])
    ducts, lines = queries.ducts_near(session, line, tolerance_m, as_of)
    return screen_ducts(ducts, routes.projected(lines), route, operator, limits, digs, place_checked=checked)


def _beside(
    session: Session, shape: Any, route: Route | None, reach_m: float, operator: str, policy: Parameter, as_of: dt.date
) -> DuctScreening | list[DuctNear]:
    """Return the ducts along a row of poles as a route of theirs, of a single pole those within reach."""
    if route is None:
        return queries.ducts_near(session, shape, reach_m, as_of)[0]
    return _screened(session, shape, route, reach_m, operator, policy, as_of)


def _open(beside: DuctScreening | list[DuctNear]) -> list[DuctNear]:
    return [d for d, _, _ in beside.ducts] if isinstance(beside, DuctScreening) else [
        d for d in beside if not d.restricted
    ]  # fmt: skip


def _restricted(beside: DuctScreening | list[DuctNear]) -> list[DuctNear]:
    return list(beside.restricted) if isinstance(beside, DuctScreening) else [d for d in beside if d.restricted]


def _ducts_state(beside: DuctScreening | list[DuctNear], policy: Parameter) -> Any:
    if isinstance(beside, DuctScreening):
        whole = policy.value["full_share"] * sum(s.length_m for s in beside.stretches)
        free, unknown = beside.metres("free"), beside.metres("unknown")
        return "free" if free >= whole else "unknown" if free + unknown >= whole else "none"
    states = {d.state for d in _open(beside)}
    return "free" if "free" in states else "unknown" if "unknown" in states else "none"


def _findings(session: Session, shape: Any, as_of: dt.date) -> tuple[Finding, ...]:
    lon, lat = (float(v) for v in shapely.get_coordinates(shape)[0])
    area = None if shape.geom_type == "Point" else shapely.to_wkb(shape)
    return constraints_at(session, lon, lat, height_m=0.0, area=area, as_of=as_of, what="pole")


def _undergrounding(findings: tuple[Finding, ...]) -> Undergrounding:
    status = {f.status for f in findings if f.check == "undergrounding" and not f.restricted}
    return "begun" if "refuse" in status else "planned" if status else "none"


def _horizon(as_of: dt.date, policy: Parameter) -> dt.date:
    return as_of + dt.timedelta(days=policy.value["horizon_days"])


def _stretches(found: DuctScreening, route: Route) -> list[dict[str, Any]]:
    told = []
    for part in found.stretches:
        start, end = np.interp([part.from_m, part.to_m], route.true_m, route.at_m)
        told.append(
            {
                "from_m": round(part.from_m, 2),
                "to_m": round(part.to_m, 2),
                "length_m": round(part.length_m, 2),
                "state": part.state,
                "geometry": to_geojson(routes.degrees(substring(route.line, start, end))),
            }
        )
    return told


def _reasons(reasons: tuple[Reason, ...]) -> list[dict[str, str]]:
    return [asdict(r) for r in reasons]


def _owner(code: str | None, name: str | None) -> dict[str, str | None] | None:
    return {"code": code, "name": name} if code else None


def _pole(pole: PoleNear, operator: str) -> dict[str, Any]:
    return {
        "id": pole.pole_id,
        "pole": pole.pole,
        "owner": _owner(pole.owner_code, pole.owner_name),
        "distance_m": round(pole.distance_m, 2),
        "along_m": round(pole.along_m, 2),
        "height_m": pole.height_m,
        "street": pole.street,
        "cable_capacity": pole.cable_capacity,
        "lines": pole.lines,
        "lines_at_least": pole.uncounted,
        "spare": pole.spare,
        "spare_state": pole.spare_state,
        "tenants": list(pole.tenants),
        "operator_already_here": operator in pole.tenants,
        "lon": pole.lon,
        "lat": pole.lat,
        "synthetic": pole.synthetic,
        "restricted": pole.restricted,
    }


def _duct(duct: DuctNear, operator: str) -> dict[str, Any]:
    return {
        "id": duct.duct_id,
        "duct": duct.duct,
        "owner": _owner(duct.owner_code, duct.owner_name),
        "street": duct.street,
        "length_m": round(duct.length_m, 2),
        "distance_m": round(duct.distance_m, 2),
        "bores_total": duct.bores_total,
        "bores_usable": duct.bores_usable,
        "bores_occupied": duct.bores_occupied,
        "bores_free": duct.free,
        "state": duct.state,
        "tenants": list(duct.tenants),
        "operator_already_here": operator in duct.tenants,
        "own": duct.owner_code == operator,
        "synthetic": duct.synthetic,
        "restricted": duct.restricted,
    }


def _dig(dig: Dig) -> dict[str, Any]:
    return {**asdict(dig), "distance_m": round(dig.distance_m, 2)}
