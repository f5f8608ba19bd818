"""Short names for what the tests of poles and ducts write."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.licensing.lines.duct_screening import DuctNear
from app.licensing.lines.pole_screening import PoleNear

LON, LAT = 107.55, 16.45


def count_lines(session: Session) -> None:
    """One line for every occupancy of a pole: the files count them, the models do not by themselves."""
    session.execute(text("UPDATE registry.pole_occupancy SET line_count = 1"))


def near(pole: str = "P", **more: Any) -> PoleNear:
    values: dict[str, Any] = {
        "pole_id": 1, "owner_code": "EVN", "owner_name": "EVN", "distance_m": 10.0, "along_m": 0.0, "height_m": 8.5,
        "cable_capacity": 4, "lines": 1, "uncounted": False, "tenants": ("VNPT",), "street": None,
        "lon": LON, "lat": LAT,
    } | more  # fmt: skip
    return PoleNear(pole=pole, **values)


def segment(duct: str = "D", **more: Any) -> DuctNear:
    values: dict[str, Any] = {
        "duct_id": 1, "owner_code": "VNPT", "owner_name": "VNPT", "street": None, "length_m": 100.0, "distance_m": 1.0,
        "bores_total": 4, "bores_unusable": 0, "bores_doubtful": 0, "bores_occupied": 1, "tenants": ("VNPT",),
    } | more  # fmt: skip
    return DuctNear(duct=duct, **values)
