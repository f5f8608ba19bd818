"""The hilly SYNTHETIC province of the coverage tests, with masts that can be shared."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage.service import run_coverage
from tests.coverage.conftest import AS_OF, Station, Village, hilly, station, village

__all__ = ["hilly", "mast", "ridge", "station", "village"]
WEST, EAST = (107.47, 16.5), (107.53, 16.5)


def mast(session: Session, code: str, owner: str, height_m: float = 45.0, capacity: int | None = 3) -> None:
    """Give the position `code` a mast that carries its stations."""
    session.execute(
        text("""
            WITH st AS (
                INSERT INTO registry.structure (site_id, code, kind, height_m, tenant_capacity, owner_id, geom, source)
                SELECT s.id, s.code || '-S', 'mast', :height, :capacity, o.id, s.geom, 'SYNTHETIC'
                FROM registry.site s JOIN registry.organisation o ON o.code = :owner
                WHERE s.code = :code RETURNING id, site_id)
            UPDATE registry.base_station b SET structure_id = st.id FROM st WHERE b.site_id = st.site_id
        """),
        {"code": code, "owner": owner, "height": height_m, "capacity": capacity},
    )


@pytest.fixture
def ridge(hilly: Session, village: Village, station: Station) -> Session:
    """VIETTEL serves the west alone; in the east stand masts of VNPT: HILL sees the village, LOW hardly any of it."""
    village("WEST", (*WEST, 100, 30))
    village("EAST", (*EAST, 80, 25), (107.532, 16.502, 20, 5))
    radio: dict[str, Any] = {"eirp_dbm": 50}
    station("V1", 107.45, 16.5, azimuths=(0, 90, 180, 270), **radio)
    station("HILL", 107.51, 16.5, "VNPT", antenna_height_m=40, **radio)
    mast(hilly, "HILL", "VNPT")
    run_coverage(hilly, as_of=AS_OF)
    return hilly
