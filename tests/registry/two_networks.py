"""Two competitors, an electricity company and restricted works in two communes, by hand; all SYNTHETIC."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.areas.models import DemandPoint, Unit, Village, VillageUnit
from app.coverage.models import CoverageRun, Signal
from app.database import Scope, enter, system
from app.facilities.models import Facility, FacilityConnection
from app.lines.models import (
    Bore,
    Cable,
    DistributionPoint,
    Duct,
    DuctOccupancy,
    Manhole,
    Pole,
    PoleOccupancy,
    Trench,
)
from app.organisations.models import Organisation
from app.sites.models import BaseStation, Cell, Site, Structure, StructureOccupancy
from tests.publish.province import point, square

TABLES = ("site", "structure", "base_station", "cell", "structure_occupancy", "pole", "pole_occupancy", "manhole",
          "trench", "duct", "bore", "duct_occupancy", "cable", "distribution_point")  # fmt: skip
OWNERS = ("viettel", "vnpt", "secret")
PLACES = {
    "viettel": (107.52111, 16.42111), "shared": (107.53222, 16.43222), "rented": (107.73333, 16.43333),
    "vnpt": (107.72444, 16.42444), "secret": (107.54555, 16.42555),
}  # fmt: skip
"""Digits no other number has, so that an answer can be searched for them. The first two and the secret one lie in the
commune of the officer."""


@dataclass(frozen=True)
class Networks:
    """Row ids by table and name; "secret" rows are restricted or belong to something that is."""

    organisations: dict[str, int]
    commune: int
    rows: dict[str, dict[str, int]]
    viettel_sees: dict[str, set[str]]

    def values(self) -> dict[str, Any]:
        """Return bind parameters for statements of an operator VIETTEL."""
        rows = self.rows
        return {
            "viettel": self.organisations["VIETTEL"], "vnpt": self.organisations["VNPT"],
            "here": point(107.521, 16.421), "my_site": rows["site"]["viettel"], "their_site": rows["site"]["vnpt"],
            "secret_site": rows["site"]["secret"], "rented_site": rows["site"]["shared"],
            "my_structure": rows["structure"]["viettel"], "their_structure": rows["structure"]["vnpt"],
            "my_station": rows["base_station"]["viettel"], "their_station": rows["base_station"]["vnpt"],
            "my_pole": rows["pole"]["viettel"], "their_pole": rows["pole"]["vnpt"],
            "my_line": rows["pole_occupancy"]["viettel"], "their_duct": rows["duct"]["vnpt"],
        }  # fmt: skip


def build(session: Session) -> Networks:
    """Add the rows and flush.

    Site "shared" is VNPT's, with VIETTEL as a tenant of its mast; pole and duct "rented" likewise.
    """
    who = {o.code: o.id for o in session.scalars(select(Organisation))}
    owner = {"viettel": who["VIETTEL"], "vnpt": who["VNPT"], "secret": who["VNPT"], "shared": who["VNPT"],
             "rented": who["VNPT"]}  # fmt: skip
    rows: dict[str, dict[str, int]] = {}

    def keep(table: str, name: str, row: Any) -> int:
        row.synthetic = True if hasattr(row, "synthetic") else None
        session.add(row)
        session.flush()
        rows.setdefault(table, {})[name] = row.id
        return int(row.id)

    commune = _areas(keep)
    for name in ("viettel", "shared", "vnpt", "secret"):
        _site(keep, name, owner[name], who, secret=name == "secret")
    for name in ("viettel", "rented", "vnpt", "secret"):
        _lines(keep, name, owner[name], who, secret=name == "secret")
    run = CoverageRun(as_of=dt.date(2026, 1, 1), rule="village-80", rule_version=1, rule_value={}, model="x",
                      model_version="1", terrain_version="", inputs_sha256="")  # fmt: skip
    session.add(run)
    session.flush()
    for name in ("viettel", "vnpt", "secret"):
        session.add(Signal(run_id=run.id, demand_point_id=rows["demand_point"]["here"], operator_id=owner[name],
                           technology={"secret": "2G"}.get(name, "4G"), cell_id=rows["cell"][name]))  # fmt: skip
    session.flush()
    own = {table: {"viettel"} for table in TABLES}
    own["site"] = {"viettel", "shared"}
    own["structure"] = {"viettel", "shared"}
    own["base_station"] = {"viettel", "viettel at shared"}
    own["structure_occupancy"] = {"viettel", "viettel at shared"}
    own["pole"] = own["duct"] = {"viettel", "rented"}
    own["trench"] = own["bore"] = {"viettel", "rented"}
    own["pole_occupancy"] = own["duct_occupancy"] = {"viettel", "viettel at rented"}
    return Networks(who, commune, rows, own)


def _areas(keep: Any) -> int:
    start = dt.date(2025, 7, 1)
    here = keep("unit", "here", Unit(level="commune", code="1", name="Xã Đây", kind="xã", valid_from=start,
                                     geom=square(107.5, 16.4), centre=point(107.55, 16.45)))  # fmt: skip
    there = keep("unit", "there", Unit(level="commune", code="2", name="Xã Kia", kind="xã", valid_from=start,
                                       geom=square(107.7, 16.4), centre=point(107.75, 16.45)))  # fmt: skip
    for name, unit, lon in (("here", here, 107.55), ("there", there, 107.75)):
        village = keep("village", name, Village(code=name, name=f"Thôn {name}", point=point(lon, 16.45)))
        keep("village_unit", name, VillageUnit(village_id=village, unit_id=unit, valid_from=start))
        keep("demand_point", name, DemandPoint(village_id=village, point=point(lon, 16.45), population=10))
    office = keep(
        "facility", "office", Facility(code="F", name="UBND", kind="commune_office", geom=point(107.55, 16.45))
    )
    bunker = keep("facility", "secret", Facility(code="F-SECRET", name="Hầm", kind="other", restricted=True,
                                                 geom=point(107.551, 16.45)))  # fmt: skip
    for name, facility in (("office", office), ("secret", bunker)):
        keep("facility_connection", name, FacilityConnection(facility_id=facility, service="fibre"))
    return int(here)


def _site(keep: Any, name: str, owner: int, who: dict[str, int], *, secret: bool) -> None:
    place = point(*PLACES[name])
    code = f"{name.upper()}-SITE"
    site = keep("site", name, Site(code=code, owner_id=owner, geom=place, restricted=secret))
    mast = keep("structure", name, Structure(site_id=site, code=f"{code}-S", owner_id=owner, geom=place, height_m=40))
    users = {name: owner, f"viettel at {name}": who["VIETTEL"]} if name == "shared" else {name: owner}
    for user, tenant in users.items():
        keep("structure_occupancy", user, StructureOccupancy(structure_id=mast, tenant_id=tenant, price_vnd_month=7e6))
        station = keep("base_station", user, BaseStation(site_id=site, structure_id=mast, code=f"{code}-{tenant}",
                                                         operator_id=tenant, technology="4G"))  # fmt: skip
        if user == name:
            keep("cell", name, Cell(base_station_id=station, code=f"{code}-{tenant}-1", azimuth_deg=120))


def _lines(keep: Any, name: str, owner: int, who: dict[str, int], *, secret: bool) -> None:
    lon, lat = PLACES[name]
    users = {name: owner, f"viettel at {name}": who["VIETTEL"]} if name == "rented" else {name: owner}
    pole = keep("pole", name, Pole(code=f"{name}-P", owner_id=owner, geom=point(lon, lat + 0.001), restricted=secret))
    for user, tenant in users.items():
        keep("pole_occupancy", user, PoleOccupancy(pole_id=pole, tenant_id=tenant))
    manhole = keep("manhole", name, Manhole(code=f"{name}-M", owner_id=owner, restricted=secret,
                                            geom=point(lon, lat)))  # fmt: skip
    trench = keep("trench", name, Trench(code=f"{name}-T"))
    line = f"({lon} {lat}, {lon + 0.002} {lat})"
    duct = keep("duct", name, Duct(code=f"{name}-D", owner_id=owner, trench_id=trench, from_manhole_id=manhole,
                                   restricted=secret, geom=f"SRID=4326;LINESTRING{line}"))  # fmt: skip
    keep("bore", name, Bore(duct_id=duct, number=1))
    for user, tenant in users.items():
        keep("duct_occupancy", user, DuctOccupancy(duct_id=duct, tenant_id=tenant))
    keep("cable", name, Cable(code=f"{name}-C", owner_id=owner, restricted=secret,
                              geom=f"SRID=4326;MULTILINESTRING({line})"))  # fmt: skip
    keep("distribution_point", name, DistributionPoint(code=f"{name}-B", operator_id=owner, restricted=secret,
                                                       geom=point(lon, lat)))  # fmt: skip


@contextmanager
def scope(session: Session, wanted: Scope) -> Iterator[None]:
    """Work in a scope for a while."""
    enter(session, wanted)
    try:
        yield
    finally:
        enter(session, system())
