"""Small pieces of registry for the tests, written straight through the tables."""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKTElement
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.areas.models import Unit
from app.lines.models import Duct, DuctOccupancy, Manhole, Pole, PoleOccupancy, Trench
from app.organisations.models import Organisation
from app.sites.models import BaseStation, Site, Structure, StructureOccupancy

DAY = dt.date(2025, 12, 31)


def wkt(text: str) -> Any:
    return WKTElement(text, srid=4326)


def organisation(session: Session, code: str, kind: str = "operator", radio: bool = False) -> int:
    found = session.scalar(select(Organisation.id).where(Organisation.code == code).limit(1))
    if found is None:
        made = Organisation(code=code, name=code.title(), kind=kind, has_radio=radio)
        session.add(made)
        session.flush()
        return made.id
    return found


def commune(session: Session, code: str, west: float, south: float, size: float = 0.1, **more: Any) -> Unit:
    east, north = west + size, south + size
    ring = f"{west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}"
    values: dict[str, Any] = {"name": f"Xã {code}", "kind": "xã", "valid_from": dt.date(2025, 7, 1)} | more
    unit = Unit(level="commune", code=code, geom=wkt(f"MULTIPOLYGON((({ring})))"), **values)
    session.add(unit)
    session.flush()
    return unit


def site(
    session: Session, code: str, lon: float, lat: float, operators: str = "", tenants: str = "", *,
    owner: str | None = None, structure: dict[str, Any] | None = None, **more: Any,
) -> Site:  # fmt: skip
    """A site with one mast; `operators` have a 4G base station, `tenants` only a place on the mast."""
    point = wkt(f"POINT({lon} {lat})")
    owner_id = organisation(session, owner) if owner else None
    made = Site(code=code, geom=point, owner_id=owner_id, **more)
    session.add(made)
    session.flush()
    mast = Structure(site_id=made.id, code=f"{code}-S", geom=point, owner_id=owner_id, **(structure or {}))
    session.add(mast)
    session.flush()
    for who in operators.split():
        station = BaseStation(site_id=made.id, structure_id=mast.id, code=f"{code}-{who}", technology="4G")
        station.operator_id = organisation(session, who)
        session.add(station)
    for who in tenants.split():
        session.add(StructureOccupancy(structure_id=mast.id, tenant_id=organisation(session, who)))
    session.flush()
    return made


def pole(session: Session, code: str, lon: float, lat: float, lines: str = "", **more: Any) -> Pole:
    """Lines as in the load file: "EVN:power;VIETTEL;?"."""
    owner = more.pop("owner", None)
    made = Pole(code=code, geom=wkt(f"POINT({lon} {lat})"), **more)
    made.owner_id = organisation(session, owner) if owner else None
    session.add(made)
    session.flush()
    for line in filter(None, lines.split(";")):
        who, _, service = line.partition(":")
        tenant = None if who == "?" else organisation(session, who)
        session.add(PoleOccupancy(pole_id=made.id, tenant_id=tenant, service=service or "telecom"))
    session.flush()
    return made


def duct(
    session: Session, code: str, line: str, occupants: str = "", *, trench: str | None = None, **more: Any
) -> Duct:
    dug = None
    if trench is not None:
        dug = session.scalar(select(Trench).where(Trench.code == trench)) or Trench(code=trench)
        session.add(dug)
    ends = [Manhole(code=f"{code}-{i}", geom=wkt(f"POINT({p.strip()})")) for i, p in enumerate(line.split(",")[::1])]
    session.add_all([ends[0], ends[-1]])
    session.flush()
    made = Duct(code=code, geom=wkt(f"LINESTRING({line})"), trench_id=dug.id if dug else None, **more)
    made.from_manhole_id, made.to_manhole_id = ends[0].id, ends[-1].id
    session.add(made)
    session.flush()
    for who in filter(None, occupants.split(";")):
        tenant = None if who == "?" else organisation(session, who)
        session.add(DuctOccupancy(duct_id=made.id, tenant_id=tenant))
    session.flush()
    return made
