"""A commune with one constraint of each kind around a point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from geoalchemy2 import WKBElement
from sqlalchemy.orm import Session

from app.coverage.terrain import add_array
from app.licensing.constraints.models import ConstraintArea
from tests.sharing import registry

LON, LAT = 107.55, 16.45
SURFACES = [{"to_m": 4000, "height_m": 45}, {"to_m": 6000, "slope": 0.05}]


def put(session: Session, kind: str, code: str, shape: Any, rule: dict[str, Any], **more: Any) -> ConstraintArea:
    values: dict[str, Any] = {"name": f"Nơi {code}", "citation": f"QĐ {code}", "synthetic": True} | more
    made = ConstraintArea(kind=kind, code=code, rule=rule, geom=WKBElement(shapely.to_wkb(shape), srid=4326), **values)
    session.add(made)
    session.flush()
    return made


def box(half_deg: float, lon: float = LON, lat: float = LAT) -> Any:
    return shapely.box(lon - half_deg, lat - half_deg, lon + half_deg, lat + half_deg)


@pytest.fixture
def place(session: Session) -> Session:
    """A ward with ground at 5 m; zone, monument 300 m north, aerodrome 5 km east, street 10 m south."""
    registry.commune(session, "90001", 107.5, 16.4, name="Phường Thử", kind="phường")
    add_array(session, "flat", np.full((400, 400), 5.0, np.float32), 107.3, 16.6, 0.001, 0.001, source="",
              synthetic=True)  # fmt: skip
    put(session, "planned_zone", "Z1", box(0.01), {"allowed_codes": ["A2a", "A2b"], "max_height_m": 40})
    put(session, "heritage", "H1", shapely.Point(LON, LAT + 0.002711), {"buffer_m": 500, "allowed_codes": ["A1b"]})
    put(session, "airport", "VVPB", shapely.Point(LON + 0.04684, LAT), {"elevation_m": 15, "surfaces": SURFACES})
    street = shapely.LineString([(LON - 0.001, LAT - 0.00009), (LON + 0.001, LAT - 0.00009)])
    put(session, "underground_street", "S1", street, {"within_m": 20, "from": "2025-06-01"})
    return session
