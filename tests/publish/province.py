"""A few villages, sites, poles and ducts near Huế, by hand; all SYNTHETIC."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.areas.models import Unit, Village, VillageUnit
from app.coverage.models import CoverageRun, FibreReach, Served, Verdict
from app.facilities.models import Facility, FacilityConnection
from app.lines.models import (
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

START = dt.date(2025, 7, 1)
END = dt.date(2025, 10, 1)
NASTY = 'Trạm "A\\B" 50%_\n; DROP TABLE'
WHY = {"vi": ["vì thử nghiệm"], "en": ["because of the test"], "reasons": ["test"]}
SEEN: dict[str, Any] = {"source": "SYNTHETIC test", "synthetic": True}


def square(lon: float, lat: float, size: float = 0.1, clockwise: bool = True) -> str:
    """EWKT of a square from its south-west corner; clockwise, against RFC 7946."""
    ring = [(lon, lat), (lon, lat + size), (lon + size, lat + size), (lon + size, lat), (lon, lat)]
    corners = ", ".join(f"{x} {y}" for x, y in (ring if clockwise else ring[::-1]))
    return f"SRID=4326;MULTIPOLYGON((({corners})))"


def point(lon: float, lat: float) -> str:
    return f"SRID=4326;POINT({lon} {lat})"


def build(session: Session) -> dict[str, Any]:
    """Add the rows and flush; returns what tests refer to."""
    who = {o.code: o for o in session.scalars(select(Organisation))}
    thuan_hoa = Unit(level="commune", code="19774", name="Phường Thuận Hóa", kind="phường", valid_from=START,
                     geom=square(107.5, 16.4), centre=point(107.55, 16.45), **SEEN)  # fmt: skip
    a_luoi = Unit(level="commune", code="20044", name="Xã A Lưới 1", kind="xã", valid_from=START,
                  centre=point(107.2, 16.2), **SEEN)  # fmt: skip
    former = Unit(level="commune", code="19753", name="Phường Phú Hậu", kind="phường",
                  valid_from=dt.date(2020, 1, 1), valid_to=START, **SEEN)  # fmt: skip
    villages = [
        Village(code="V1", name="Tổ dân phố 1", kind="to_dan_pho", urban=True, population=1200, households=300,
                point=point(107.52, 16.42), geom=square(107.5, 16.4, 0.05), **SEEN),
        Village(code="V2", name="Thôn Thuỷ Yên 100%", population=800, households=200, urban=False,
                point=point(107.57, 16.47), **SEEN),
        Village(code="V3", name="Bản A_Ka", kind="ban", point=point(107.2, 16.2), valid_to=dt.date(2030, 1, 1), **SEEN),
        Village(code="V4", name="Thôn Đã Giải Thể", point=point(107.21, 16.21), valid_to=END, **SEEN),
    ]  # fmt: skip
    session.add_all([thuan_hoa, a_luoi, former, *villages])
    session.flush()
    for village, unit in zip(villages, (thuan_hoa, thuan_hoa, a_luoi, a_luoi), strict=True):
        session.add(VillageUnit(village_id=village.id, unit_id=unit.id, valid_from=START))
    cell = _site(session, who)
    _lines(session, who)
    run = CoverageRun(status="done", finished_at=dt.datetime(2026, 1, 2, tzinfo=dt.UTC), as_of=dt.date(2026, 1, 1),
                      rule="village-80", rule_version=1, rule_value={}, model="test", model_version="1",
                      terrain_version="none", inputs_sha256="0", counts={"covered": 1})  # fmt: skip
    session.add(run)
    session.flush()
    covered = Verdict(run_id=run.id, village_id=villages[0].id, verdict="covered", evidence="model", share=0.912345,
                      share_low=0.6, share_high=1.0, rsrp_dbm=-92.34567, margin_db=17.654, why=WHY)  # fmt: skip
    session.add(covered)
    session.flush()
    session.add_all([
        Served(verdict_id=covered.id, cell_id=cell.id, why={"vi": [], "en": []}),
        Verdict(run_id=run.id, village_id=villages[1].id, verdict="not_covered", share=0.25, why=WHY),
        Verdict(run_id=run.id, village_id=villages[0].id, verdict="not_covered", share=0.1,
                operator_id=who["VNPT"].id, why=WHY),
        Verdict(run_id=run.id, village_id=villages[1].id, verdict="covered", share=0.9, technology="4G", why=WHY),
        FibreReach(run_id=run.id, village_id=villages[0].id, verdict="covered", households=300, households_reached=290,
                   why={"reasons": ["free_port_in_reach"]}),
    ])  # fmt: skip
    session.flush()
    return {"villages": villages, "run": run, "thuan_hoa": thuan_hoa, "a_luoi": a_luoi}


def _site(session: Session, who: dict[str, Organisation]) -> Cell:
    here = point(107.53, 16.43)
    site = Site(code="S1", name=NASTY, owner_id=who["VIETTEL"].id, geom=here, surveyed_on=START, **SEEN)
    secret = Site(code="S-SECRET", name="Restricted", geom=point(107.54, 16.43), restricted=True, **SEEN)
    session.add_all([site, secret])
    session.flush()
    mast = Structure(site_id=site.id, code="S1-S", height_m=42, geom=here, owner_id=who["VIETTEL"].id, **SEEN)
    hidden = Structure(site_id=secret.id, code="S-SECRET-S", geom=point(107.54, 16.43), **SEEN)
    session.add_all([mast, hidden])
    session.flush()
    stations = [
        BaseStation(site_id=site.id, structure_id=mast.id, code=f"S1-{operator}-{technology}", technology=technology,
                    operator_id=who[operator].id, **SEEN)
        for operator, technology in (("VIETTEL", "3G"), ("VIETTEL", "4G"), ("VNPT", "4G"))
    ]  # fmt: skip
    session.add_all(stations)
    session.flush()
    cell = Cell(base_station_id=stations[1].id, code="S1-VIETTEL-4G-1", **SEEN)
    session.add(cell)
    session.add_all(
        StructureOccupancy(structure_id=mast.id, tenant_id=who[code].id, **SEEN) for code in ("VIETTEL", "VNPT")
    )
    session.flush()
    return cell


def _lines(session: Session, who: dict[str, Organisation]) -> None:
    pole = Pole(code="P1", owner_id=who["EVN"].id, height_m=8.5, geom=point(107.512345678901, 16.41), **SEEN)
    bare = Pole(code="P2", geom=point(107.7, 16.41), **SEEN)
    chambers = [Manhole(code=f"M{i}", owner_id=who["VNPT"].id, geom=point(107.5 + i / 1000, 16.45)) for i in (1, 2)]
    trench = Trench(code="T1", **SEEN)
    session.add_all([pole, bare, *chambers, trench])
    session.flush()
    duct = Duct(code="D1", owner_id=who["VNPT"].id, from_manhole_id=chambers[0].id, to_manhole_id=chambers[1].id,
                trench_id=trench.id, geom="SRID=4326;LINESTRING(107.501 16.45, 107.502 16.45)", **SEEN)  # fmt: skip
    cable = Cable(code="C1", owner_id=who["VNPT"].id, **SEEN,
                  geom="SRID=4326;MULTILINESTRING((107.501 16.45, 107.502 16.45))")  # fmt: skip
    box = DistributionPoint(code="B1", operator_id=who["VNPT"].id, ports_total=16, ports_used=9,
                            geom=point(107.52, 16.42), **SEEN)  # fmt: skip
    office = Facility(code="F1", name="UBND phường Thuận Hóa", kind="commune_office", geom=point(107.55, 16.45), **SEEN)
    session.add_all([duct, cable, box, office])
    session.flush()
    session.add_all([
        PoleOccupancy(pole_id=pole.id, tenant_id=who["EVN"].id, service="power", **SEEN),
        PoleOccupancy(pole_id=pole.id, tenant_id=who["VIETTEL"].id, **SEEN),
        PoleOccupancy(pole_id=pole.id, tenant_id=None, **SEEN),
        DuctOccupancy(duct_id=duct.id, tenant_id=who["VNPT"].id, **SEEN),
        DuctOccupancy(duct_id=duct.id, tenant_id=who["VIETTEL"].id, **SEEN),
        FacilityConnection(facility_id=office.id, operator_id=who["VNPT"].id, service="state_network",
                           bandwidth_mbps=100, **SEEN),
    ])  # fmt: skip
    session.flush()
