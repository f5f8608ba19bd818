"""What constrains a proposal, asked of the registry; and constraints added, corrected and ended by the department."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import shapely
from geoalchemy2 import WKBElement
from sqlalchemy.orm import Session

from app.coverage.terrain import open_terrain
from app.database import reads_all, say_why
from app.errors import Conflict, Invalid, NotFound
from app.kit.etag import check_match, etag_of
from app.kit.page import parse_bbox, today
from app.licensing.checks import check_between, check_point
from app.licensing.constraints import queries
from app.licensing.constraints.judgement import Area, Asked, Dated, Finding, Policy, What, judge, worst
from app.licensing.constraints.models import KINDS, SHAPES, ConstraintArea
from app.licensing.constraints.rules import read_rule, unknown_kind, written
from app.licensing.constraints.schemas import AreasQuestion, ConstraintIn, ConstraintsQuestion, Ending
from app.licensing.geometries import read_geometry, to_geojson
from app.licensing.standing import EVERYWHERE, Rule, Standing, standing
from app.policy.past import in_time
from app.policy.queries import parameter
from app.sites.antenna_code import CODES, derive_antenna_codes
from app.sites.antenna_code import Limits as CodeLimits

Answer = tuple[str, dict[str, Any]]
"""Version and feature of a constraint."""
_DEFAULTED = {"heritage": ("allowed_codes",), "airport": ("surfaces",)}
"""Members of a rule that policy.parameter constraints/<kind> gives when they are left out."""


def constraints_at(
    session: Session,
    lon: float,
    lat: float,
    *,
    height_m: float,
    code: str | None = None,
    area: bytes | None = None,
    as_of: dt.date,
    what: What = "tower",
    policy: Policy | None = None,
    areas: Sequence[Area] | None = None,
    beside: tuple[bool | None, float] | None = None,
) -> tuple[Finding, ...]:
    """Return what constrains a proposal at a point, or anywhere in a search area.

    Parameters
    ----------
    lon, lat : float
        Degrees, EPSG:4326, already checked.
    height_m : float
        Above ground.
    code : str or None
        A1a…A2c where it is known (`code_of`).
    area : bytes or None
        Search area, WKB in EPSG:4326. Distances are then those of its nearest point, the strictest; what concerns
        part of it only warns. Ground and neighbours are those of the point.
    policy : Policy, optional
        Read already (`policy_of`).
    areas : sequence of Area, optional
        Read already, as `queries.around` would.
    beside : tuple, optional
        What `queries.surroundings` would say, read already.

    Returns
    -------
    tuple of Finding
        Gravest first. How near the next structure stands is told only to who reads everybody's.
    """
    policy = policy or policy_of(standing(session, as_of, EVERYWHERE))
    areas = queries.around(session, lon, lat, area, as_of) if areas is None else areas
    ground_m = _ground_m(session, lon, lat) if any(a.kind == "airport" for a in areas) else None
    in_town, nearest_m = None, None
    if what == "tower" and reads_all(session):
        in_town, nearest_m = beside or queries.surroundings(session, lon, lat, policy.urban_distance_m.value, as_of)
    asked = Asked(as_of, height_m, code, ground_m, in_town, nearest_m, what)
    return judge(areas, asked, policy)


def policy_of(known: Standing) -> Policy:
    """Return what holds everywhere, of the rules `EVERYWHERE`."""
    military, urban = (known.rules[rule] for rule in EVERYWHERE)
    return Policy(_dated(military, "min_height_m"), _dated(urban, "preferred_m"))


def code_of(
    session: Session, as_of: dt.date, *, mounting: str | None, height_m: float | None = None,
    host_height_m: float | None = None, half_width_m: float | None = None, disguised: bool | None = None,
) -> str | None:  # fmt: skip
    """Return the type code (A1a…A2c) a proposal's attributes leave, None while they leave several."""
    limits = CodeLimits(**parameter(session, "antenna_code", "non_bulky", as_of).value)
    height, host, half = ([np.nan if v is None else v] for v in (height_m, host_height_m, half_width_m))
    found = derive_antenna_codes([mounting], height, host, half, [disguised], limits).codes[0]
    return None if found is None else str(found)


def answer(session: Session, asked: ConstraintsQuestion) -> dict[str, Any]:
    """Return the findings at a point with the gravest status.

    Raises
    ------
    Invalid
        `swapped_axes`, `outside_world`, `not_finite`, `out_of_range`, `unknown_antenna_code`.
    """
    in_time(session, asked)
    check_point(asked.lon, asked.lat)
    check_between(
        "height_m", asked.height_m, parameter(session, "colocation", "search", asked.on).value["max_height_m"]
    )
    if asked.code is not None and asked.code not in CODES:
        raise Invalid(
            "unknown_antenna_code",
            f"Không có loại cột {asked.code!r}; chọn trong {', '.join(CODES)}",
            f"There is no type of mast {asked.code!r}; choose from {', '.join(CODES)}",
            field="code",
        )
    found = constraints_at(
        session, asked.lon, asked.lat, height_m=asked.height_m, code=asked.code, as_of=asked.on
    )  # fmt: skip
    return {
        "status": worst(found),
        "findings": [asdict(f) for f in found],
        "lon": asked.lon,
        "lat": asked.lat,
        "height_m": asked.height_m,
        "code": asked.code,
        "as_of": asked.on,
        "synthetic": any(f.synthetic for f in found),
    }


def check_kind(kind: str | None) -> str | None:
    """Return a kind of constraint as it is, None for all.

    Raises
    ------
    Invalid
        `unknown_constraint_kind`.
    """
    if kind is not None and kind not in KINDS:
        raise unknown_kind(kind)
    return kind


def areas(session: Session, asked: AreasQuestion, path: str) -> dict[str, Any]:
    """Return one page of the constraints in force as a GeoJSON FeatureCollection."""
    in_time(session, asked)
    box = parse_bbox(asked.bbox) if asked.bbox else None
    matched, rows = queries.listed(session, asked.on, asked.kind, box, asked.limit, asked.offset)
    return {
        "type": "FeatureCollection",
        "numberMatched": matched,
        "numberReturned": len(rows),
        "links": asked.links(path, matched),
        "features": [_feature(row) for row in rows],
    }


def area(session: Session, area_id: int) -> Answer:
    """Return a constraint and its version.

    Raises
    ------
    NotFound
        It does not exist, or is not the caller's to see.
    """
    row = queries.one(session, area_id)
    if row is None:
        raise NotFound("unknown_constraint", "Không có ràng buộc này", "There is no such constraint", field="area_id")
    return etag_of(row), _feature(row)


def add(session: Session, asked: ConstraintIn) -> Answer:
    """Add a constraint.

    Raises
    ------
    Invalid
        Its geometry or rule is not one of its kind.
    Conflict
        `overlapping_validity`: the same code is in force on one of the days.
    """
    made = ConstraintArea(**_values(session, asked))
    say_why(session, asked.reason)
    with session.begin_nested():
        session.add(made)
        session.flush()
    return area(session, made.id)


def correct(session: Session, area_id: int, asked: ConstraintIn, if_match: str | None) -> Answer:
    """Write a constraint anew, to the version named by If-Match; what it was stays in the history.

    Raises
    ------
    ConditionMissing, Outdated, NotFound, Invalid, Conflict
    """
    current = queries.one(session, area_id)
    if current is None:
        return area(session, area_id)
    check_match(if_match, current, asked.model_dump())
    found = session.get_one(ConstraintArea, area_id, with_for_update=True)
    say_why(session, asked.reason)
    with session.begin_nested():
        for name, value in _values(session, asked).items():
            setattr(found, name, value)
        session.flush()
    return area(session, area_id)


def end(session: Session, area_id: int, asked: Ending, if_match: str | None) -> Answer:
    """Say from which day on a constraint does not hold any more; nothing is deleted.

    Raises
    ------
    Conflict
        `already_ended`.
    Invalid
        `ends_before_it_began`.
    ConditionMissing, Outdated, NotFound
    """
    current = queries.one(session, area_id)
    if current is None:
        return area(session, area_id)
    on = asked.on or today()
    check_match(if_match, current, {**current, "valid_to": on})
    if current["valid_to"] is not None:
        raise Conflict(
            "already_ended",
            f"Ràng buộc đã hết hiệu lực từ {current['valid_to']}",
            f"The constraint has ended on {current['valid_to']}",
            field="on",
        )
    if current["valid_from"] is not None and on <= current["valid_from"]:
        raise _too_early(current["valid_from"], "on")
    found = session.get_one(ConstraintArea, area_id, with_for_update=True)
    say_why(session, asked.reason)
    with session.begin_nested():
        found.valid_to = on
        session.flush()
    return area(session, area_id)


def complete_rule(session: Session, kind: str, rule: dict[str, Any], as_of: dt.date) -> dict[str, Any]:
    """Return a rule as it is stored: checked, and with the policy's default for what was left out.

    Raises
    ------
    Invalid
        `constraint_rule`, `unknown_constraint_kind`.
    """
    missing = [name for name in _DEFAULTED.get(kind, ()) if rule.get(name) is None]
    if missing:
        default = parameter(session, "constraints", kind, as_of).value
        rule = rule | {name: default[name] for name in missing}
    return written(read_rule(kind, rule))


def _values(session: Session, asked: ConstraintIn) -> dict[str, Any]:
    if asked.valid_from is not None and asked.valid_to is not None and asked.valid_to <= asked.valid_from:
        raise _too_early(asked.valid_from, "valid_to")
    shape = read_geometry(asked.geometry, SHAPES[asked.kind])
    return {
        "kind": asked.kind,
        "code": asked.code.strip(),
        "name": asked.name.strip(),
        "rule": complete_rule(session, asked.kind, asked.rule, asked.valid_from or today()),
        "citation": asked.citation.strip(),
        "geom": WKBElement(shapely.to_wkb(shape), srid=4326),
        "valid_from": asked.valid_from,
        "valid_to": asked.valid_to,
        "restricted": asked.restricted,
    }


def _too_early(start: dt.date, field: str) -> Invalid:
    return Invalid(
        "ends_before_it_began", f"Ngày hết hiệu lực phải sau {start}", f"It has to end after {start}", field=field
    )


def _feature(row: dict[str, Any]) -> dict[str, Any]:
    plain = {n: v.isoformat() if isinstance(v, dt.date) else v for n, v in row.items() if n not in ("id", "geom")}
    return {
        "type": "Feature",
        "id": row["id"],
        "geometry": to_geojson(shapely.from_wkb(row["geom"])),
        "properties": plain,
    }


def _dated(row: Rule, name: str) -> Dated:
    return Dated(float(row.value[name]), row.citation, row.valid_from, row.valid_to)


def _ground_m(session: Session, lon: float, lat: float) -> float | None:
    height = float(open_terrain(session).heights(lon, lat))
    return None if np.isnan(height) else height
