"""VNPT's mast and duct and EVN's poles in one commune, and a restricted mast; all SYNTHETIC."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.lines.models import Pole
from app.sites.models import Structure, StructureOccupancy
from tests.sharing import registry

DAY = dt.date(2026, 1, 1)
PRICE: dict[str, Any] = {"owner": "VNPT", "component": "mast", "per": "slot", "amount_vnd": 6e6,
                         "declared_on": "2025-12-01", "document": "KK-01/2025"}  # fmt: skip


@pytest.fixture
def objects(session: Session) -> dict[str, int]:
    """Return the ids of the masts, pole and duct by code."""
    registry.commune(session, "90001", 107.5, 16.4, name="Xã Thử")
    registry.commune(session, "90002", 107.7, 16.4, name="Xã Bên")
    mast = {"height_m": 45.0, "type_code": "A2b"}
    registry.site(session, "TOWN", 107.55, 16.45, "VNPT VIETTEL", owner="VNPT", structure=mast, urban=True)
    registry.site(session, "HILL", 107.75, 16.45, "VNPT", owner="VNPT", structure=mast, urban=False)
    registry.site(session, "HUSH", 107.56, 16.45, "VNPT", owner="VNPT", structure=mast, restricted=True)
    registry.pole(session, "P1", 107.55, 16.46, owner="EVN", street="Lê Lợi")
    duct = registry.duct(session, "D1", "107.55 16.45, 107.56 16.45")
    duct.owner_id = registry.organisation(session, "VNPT")
    session.flush()
    found = {code: number for code, number in session.execute(select(Structure.code, Structure.id))}
    found |= {code: number for code, number in session.execute(select(Pole.code, Pole.id))}
    for row in session.scalars(
        select(StructureOccupancy).where(StructureOccupancy.structure_id == found["TOWN-S"])
    ):  # the base stations of `registry.site` hold no place on the mast
        session.delete(row)
    who = registry.organisation(session, "VIETTEL")
    session.add(StructureOccupancy(structure_id=found["TOWN-S"], tenant_id=who, contract="HD-1"))
    session.flush()
    return found | {"D1": duct.id}


def contract(**change: Any) -> dict[str, Any]:
    """Return a contract of VNPT with VIETTEL over the mast in town and the duct."""
    items = [{"structure": "TOWN-S", "component": "mast", "slots": 2, "price_vnd_month": 1e7},
             {"duct": "D1", "component": "duct_bore", "slots": 1, "price_vnd_month": 2e6}]  # fmt: skip
    return {"number": "HD-1", "lessor": "VNPT", "lessee": "VIETTEL", "signed_on": "2026-01-01",
            "items": items} | change  # fmt: skip
