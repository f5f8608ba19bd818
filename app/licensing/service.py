"""The co-location check of a proposed tower: gather what it rests on, then judge it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.database import planned_once, reads_all
from app.errors import Forbidden, Invalid
from app.licensing import queries
from app.licensing.answers import answer
from app.licensing.areas import Area, read_area
from app.licensing.candidates import Candidate, Room
from app.licensing.checks import check_between, check_point, organisation_among, outside_province, technologies_of
from app.licensing.colocation import Limits, Proposal
from app.licensing.constraints.judgement import Policy
from app.licensing.constraints.queries import WARD
from app.licensing.constraints.service import constraints_at, policy_of
from app.licensing.effect import Host
from app.licensing.inputs import VERSION, Inputs, Modelled, Place, Price
from app.licensing.prices.queries import price_for
from app.licensing.radio import Reached, reach_of_all
from app.licensing.reach import PURPOSES, Purpose
from app.licensing.standing import Standing, standing
from app.sites.antenna_code import CODES


def check_colocation(session: Session, **asked: Any) -> dict[str, Any]:
    """Return candidates, near duplicates, constraints, coverage, effect on S1 and S2, and advice for a proposed tower.

    Restricted structures are listed apart, for the department only, and change no advice. Parameters and errors as
    `gather`.
    """
    return answer(gather(session, **asked))


def gather(
    session: Session,
    *,
    lon: float | None = None,
    lat: float | None = None,
    area: Mapping[str, Any] | None = None,
    operator: str,
    height_m: float,
    technologies: Iterable[str] = (),
    purpose: Purpose = "coverage",
    type_code: str | None = None,
    radius_m: float | None = None,
    radio: bool = True,
    rule: str | None = None,
    as_of: dt.date,
) -> Inputs:
    """Read everything the check of a proposed tower rests on.

    Parameters
    ----------
    lon, lat : float, optional
        Degrees, EPSG:4326; or `area`, a GeoJSON polygon to search in.
    type_code : str, optional
        A1a…A2c, where it is known what would be built.
    radio : bool
        Compute whom the proposal and the candidates reach; `rule` names the coverage rule, None the default.

    Raises
    ------
    Forbidden
        `ask_privately`: the caller does not read everybody's network.
    Invalid
        A value is out of range, the operator unknown or without radio, the area not one, or the place outside the
        province.
    """
    if not reads_all(session):
        raise ask_privately()
    with planned_once(session):
        known = standing(session, as_of)
        policy = {name: rule for (kind, name), rule in known.rules.items() if kind == "colocation"}
        search, judgement = policy["search"].value, policy["judgement"].value
        within = None if area is None else _searched(area, lon, lat, policy["area"].value)
        lon, lat = (lon, lat) if within is None else (within.lon, within.lat)
        if lon is None or lat is None:
            raise _point_or_area()
        proposal = _proposal(
            known, search, lon, lat, operator, height_m, radius_m, technologies, purpose, type_code,
            None if within is None else within.wkt,
        )  # fmt: skip
        at = queries.point(lon, lat) if within is None else f"SRID=4326;{within.wkt}"
        wkb = None if within is None else within.wkb
        tolerance_m = judgement["boundary_tolerance_m"]
        ground = queries.ground(session, at, (lon, lat), wkb, proposal.radius_m, tolerance_m, as_of)
        place = ground.commune
        if known.boundaries and place is None:
            raise outside_province(lon, lat, tolerance_m)
        limits = Limits(
            search["near_duplicate_m"], judgement["min_height_share"], Room(**policy["room"].value),
            judgement["min_coverage_share"], judgement["partial_coverage_share"],
        )  # fmt: skip
        everywhere = policy_of(known)
        reach_m = max(proposal.radius_m, limits.near_duplicate_m)
        standing_there = queries.around(session, at, max(reach_m, everywhere.urban_distance_m.value), as_of)
        around = {c: there for c, there in standing_there if c.distance_m <= reach_m}
        queries.log_restricted(session, [c for c in around if c.restricted and c.distance_m <= proposal.radius_m])
        findings = constraints_at(
            session, lon, lat, height_m=height_m, code=type_code, area=wkb, areas=ground.areas,
            as_of=as_of, policy=everywhere,
            beside=None if within else _beside(place, [c for c, _ in standing_there], everywhere),
        )  # fmt: skip
        prices = _prices(session, list(around), as_of)
    found = Reached({}, None, Modelled("not_asked"))
    if radio:
        found = reach_of_all(session, proposal, list(around), limits.room, rule, as_of)
    desk = known.rules["sharing_question", "contact"]
    cited = [policy[name].citation for name in policy if radio or name != "radio"]
    return Inputs(
        version=VERSION, as_of=as_of, proposal=proposal, limits=limits, place=place, place_checked=known.boundaries,
        candidates=tuple(around),
        hosts={c.structure_id: Host(len(there), proposal.operator in there) for c, there in around.items()},
        tenancy=queries.tenancy(session, as_of), findings=findings, reaches=found.reaches, proposed=found.proposed,
        modelled=found.modelled, prices=prices, poles_nearby=ground.poles, poles_at_least=ground.more,
        desk={"vi": desk.value["vi"], "en": desk.value["en"]}, citations=tuple(dict.fromkeys(cited)),
    )  # fmt: skip


def _searched(area: Mapping[str, Any], lon: float | None, lat: float | None, limits: Mapping[str, Any]) -> Area:
    if lon is not None or lat is not None:
        raise _point_or_area()
    return read_area(area, limits["max_km2"], limits["max_vertices"])


def _proposal(
    known: Standing, search: Mapping[str, Any], lon: float, lat: float, operator: str, height_m: float,
    radius_m: float | None, technologies: Iterable[str], purpose: Purpose, type_code: str | None, wkt: str | None,
) -> Proposal:  # fmt: skip
    """Return what is asked, every value checked."""
    check_point(lon, lat)
    check_between("height_m", height_m, search["max_height_m"])
    radius_m = search["radius_m"] if radius_m is None else radius_m
    check_between("radius_m", radius_m, search["max_radius_m"])
    _check_named("purpose", purpose, PURPOSES)
    if type_code is not None:
        _check_named("type_code", type_code, CODES)
    code = organisation_among(known.organisations, operator, radio=True)
    asked = technologies_of(technologies)
    return Proposal(lon, lat, code, float(height_m), float(radius_m), asked, purpose, wkt, type_code)


def _prices(session: Session, around: Sequence[Candidate], as_of: dt.date) -> dict[int, tuple[Price, ...]]:
    """Return what a place on each structure costs, by its id; restricted ones are let to nobody."""
    ids = [c.structure_id for c in around if not c.restricted]
    return {
        key: tuple(
            Price(p.component, p.declared_vnd_month, p.low_vnd_month, p.high_vnd_month, p.contracts, p.synthetic)
            for p in prices
        )
        for key, prices in price_for(session, ids, as_of).items()
    }


def _beside(place: Place | None, found: Sequence[Candidate], policy: Policy) -> tuple[bool | None, float]:
    """Return whether the place is in a town, and how far the nearest structure is, as `surroundings` would."""
    within = policy.urban_distance_m.value
    near = min((c.distance_m for c in found if not c.restricted and c.distance_m <= within), default=math.inf)
    return None if place is None or place.outside_m > 0 else place.kind == WARD, near


def ask_privately() -> Forbidden:
    """Return the refusal of a caller who may only be told whether sharing is possible, not where."""
    return Forbidden(
        "ask_privately",
        "Chỉ cơ quan quản lý xem được hạ tầng của mọi doanh nghiệp; hãy hỏi kín: POST /api/sharing-question",
        "Only authorities read everybody's structures; ask privately instead: POST /api/sharing-question",
        address="/api/sharing-question",
    )


def _point_or_area() -> Invalid:
    return Invalid(
        "point_or_area",
        "Cần lon và lat, hoặc area (một đa giác), không cả hai",
        "Either lon and lat or area (a polygon) is needed, not both",
        field="area",
    )


def _check_named(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        names = ", ".join(known)
        raise Invalid(
            f"unknown_{field}",
            f"Không có {field} {value[:40]!r}; chọn: {names}",
            f"There is no {field} {value[:40]!r}; choose from {names}",
            field=field,
        )
