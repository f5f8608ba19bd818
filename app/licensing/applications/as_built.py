"""What was built becomes registry: a place on the shared object, or a new object and its first tenant."""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKTElement
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import say_why
from app.errors import Conflict, Invalid
from app.kit.page import today
from app.licensing.applications import queries
from app.licensing.applications.models import Application, SharingRequest
from app.licensing.applications.schemas import ActionIn, AsBuilt
from app.lines.models import Duct, DuctOccupancy, Pole, PoleOccupancy
from app.sites.models import Site, Structure, StructureOccupancy


def surveyed(row: Application, given: AsBuilt) -> dict[str, Any]:
    """Return an as-built survey as it is kept.

    Raises
    ------
    Invalid
        `in_future`, or `required`: the height of a new tower or pole.
    """
    if given.on > today():
        raise Invalid("in_future", "Ngày hoàn công nằm trong tương lai", "It cannot stand before its day",
                      field="as_built.on")  # fmt: skip
    shared = (row.decision or {}).get("outcome") == "share"
    if row.kind != "duct" and not shared and given.height_m is None:
        raise Invalid("required", "Cần chiều cao hoàn công", "The height as built is due", field="as_built.height_m")
    return given.model_dump(mode="json", exclude_none=True)


def record(session: Session, row: Application, given: ActionIn) -> dict[str, Any]:
    """Write the as-built survey into the registry, with the application's reference in its history.

    Returns
    -------
    dict
        Columns of the application: the occupancy, and the codes for the event.

    Raises
    ------
    Conflict
        `already_there`: the operator has a place on that object already.
    Invalid
        What the registry's constraints refuse.
    """
    built = dict(row.as_built or {})
    say_why(session, f"Hoàn công hồ sơ {row.reference} · as-built of {row.reference}", row.reference)
    decision = row.decision or {}
    if decision.get("outcome") == "share":
        return _share(session, row, queries.request(session, int(decision["request_id"])), built)
    return {"tower": _tower, "pole": _pole, "duct": _duct}[row.kind](session, row, built, given)


def _share(session: Session, row: Application, request: SharingRequest, built: dict[str, Any]) -> dict[str, Any]:
    on = dt.date.fromisoformat(built["on"])
    more: dict[str, Any] = {"tenant_id": row.operator_id, "valid_from": on, "source": row.reference,
                            "synthetic": row.synthetic}  # fmt: skip
    # The tables' own index would refuse it too; here it is said in words.
    tables: dict[str, Any] = {"structure": StructureOccupancy, "pole": PoleOccupancy, "duct": DuctOccupancy}
    for kind, model in tables.items():
        key = getattr(request, f"{kind}_id")
        if key is None:
            continue
        column = getattr(model, f"{kind}_id")
        there = select(model).where(column == key, model.tenant_id == row.operator_id, model.valid_to.is_(None))
        if kind == "structure":
            there = there.where(StructureOccupancy.component == "mast")
            more |= {"component": "mast", "price_vnd_month": request.price_vnd_month, "contract": request.reference}
        if session.scalar(there.limit(1)) is not None:
            raise Conflict("already_there", "Doanh nghiệp đã được ghi ở công trình này",
                           "The operator is recorded there already")  # fmt: skip
        made = model(**{f"{kind}_id": key}, **more)
        return _kept(session, kind, made, {"shared": kind, f"{kind}_id": key})
    raise AssertionError("a request names one object")


def _tower(session: Session, row: Application, built: dict[str, Any], given: ActionIn) -> dict[str, Any]:
    more = _common(row, built)
    site = Site(code=more["code"], name=row.title, owner_id=row.applicant_id, surveyed_on=more["valid_from"],
                geom=_point(built), **_lived(more))  # fmt: skip
    session.add(site)
    session.flush()
    structure = Structure(site_id=site.id, code=f"{more['code']}-C", owner_id=row.applicant_id,
                          height_m=built["height_m"], tenant_capacity=given.tenant_capacity, geom=_point(built),
                          built_on=more["valid_from"], **_lived(more))  # fmt: skip
    session.add(structure)
    session.flush()
    place = StructureOccupancy(structure_id=structure.id, tenant_id=row.operator_id, component="mast", **_plain(more))
    return _kept(session, "structure", place, {"site": site.code, "structure": structure.code,
                                               "site_id": site.id, "structure_id": structure.id})  # fmt: skip


def _pole(session: Session, row: Application, built: dict[str, Any], given: ActionIn) -> dict[str, Any]:
    more = _common(row, built)
    pole = Pole(code=more["code"], owner_id=row.applicant_id, height_m=built["height_m"], geom=_point(built),
                surveyed_on=more["valid_from"], **_lived(more))  # fmt: skip
    session.add(pole)
    session.flush()
    line = PoleOccupancy(pole_id=pole.id, tenant_id=row.operator_id, **_plain(more))
    return _kept(session, "pole", line, {"pole": pole.code, "pole_id": pole.id})


def _duct(session: Session, row: Application, built: dict[str, Any], given: ActionIn) -> dict[str, Any]:
    more = _common(row, built)
    course = built.get("line")
    geom: Any = row.geom
    if course:
        geom = WKTElement("LINESTRING({})".format(", ".join(f"{x:.9f} {y:.9f}" for x, y in course)), srid=4326)
    duct = Duct(code=more["code"], owner_id=row.applicant_id, geom=geom, surveyed_on=more["valid_from"],
                **_lived(more))  # fmt: skip
    session.add(duct)
    session.flush()
    cable = DuctOccupancy(duct_id=duct.id, tenant_id=row.operator_id, **_plain(more))
    return _kept(session, "duct", cable, {"duct": duct.code, "duct_id": duct.id})


def _common(row: Application, built: dict[str, Any]) -> dict[str, Any]:
    return {"code": built.get("code") or row.reference, "valid_from": dt.date.fromisoformat(built["on"]),
            "source": row.reference, "synthetic": row.synthetic}  # fmt: skip


def _plain(more: dict[str, Any]) -> dict[str, Any]:
    return {name: more[name] for name in ("valid_from", "source", "synthetic")}


def _lived(more: dict[str, Any]) -> dict[str, Any]:
    return _plain(more) | {"survey_method": "declared"}


def _point(built: dict[str, Any]) -> WKTElement:
    return WKTElement(f"POINT({built['lon']:.9f} {built['lat']:.9f})", srid=4326)


def _kept(session: Session, kind: str, occupancy: Any, details: dict[str, Any]) -> dict[str, Any]:
    session.add(occupancy)
    session.flush()
    return {f"{kind}_occupancy_id": occupancy.id, "details": details | {"occupancy_id": occupancy.id}}
