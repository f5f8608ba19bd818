"""A small province with its reforms: four communes and two districts become three communes, by hand; all SYNTHETIC.

until 2025-01-01   districts 1 West: A, B; 2 East: C, D      every commune a square of 0.1°, A westmost
until 2025-07-01   D has got a second name under the same code (a new row); districts as before
since 2025-07-01   no districts; code A now means M = A + B, N is C, E is D and nothing else
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from app.areas.models import Unit, UnitSuccession, Village, VillageUnit

BEGIN, CITY, REFORM = dt.date(2021, 7, 1), dt.date(2025, 1, 1), dt.date(2025, 7, 1)
WEST = {"A": 107.0, "B": 107.1, "C": 107.2, "D": 107.3}
SEEN: dict[str, Any] = {"source": "SYNTHETIC test", "synthetic": True}


def square(west: float, east: float) -> str:
    ring = f"{west} 16, {east} 16, {east} 16.1, {west} 16.1, {west} 16"
    return f"SRID=4326;MULTIPOLYGON((({ring})))"


def point(lon: float) -> str:
    return f"SRID=4326;POINT({lon} 16.05)"


def build(session: Session, former_boundaries: bool = True, today_boundaries: bool = True) -> dict[str, Unit]:
    """Add units and successions; boundaries of the former or of today's units may be missing."""
    made: dict[str, Unit] = {}

    def add(key: str, level: str, code: str, name: str, days: tuple[dt.date, dt.date | None], **more: Any) -> None:
        made[key] = Unit(level=level, code=code, name=name, valid_from=days[0], valid_to=days[1], **more, **SEEN)
        session.add(made[key])
        session.flush()

    for key, name, west, east in (("W", "Huyện Tây", 107.0, 107.2), ("E", "Quận Đông", 107.2, 107.4)):
        geom = square(west, east) if former_boundaries else None
        add(f"D{key}", "district", f"90{key}", name, (BEGIN, REFORM), kind="huyện", geom=geom)
    for letter, name in (("A", "Thuỷ Xuân"), ("B", "Hoà Bình"), ("C", "Đông Ba"), ("D", "Phú Đa")):
        west = WEST[letter]
        geom = square(west, round(west + 0.1, 1)) if former_boundaries else None
        parent = made["DW" if letter in "AB" else "DE"].id
        days = (BEGIN, CITY if letter == "D" else REFORM)
        kind = "thị trấn" if letter == "D" else "xã"
        add(letter, "commune", f"19{letter}", name, days, parent_id=parent, kind=kind, geom=geom)
        if letter == "D":
            add("D2", "commune", "19D", "Phú Đa Mới", (CITY, REFORM), parent_id=parent, kind="xã", geom=geom)
    for key, code, name, west, east in (("M", "19A", "Thủy Bằng", 107.0, 107.2), ("N", "19N", "Đông Ba", 107.2, 107.3),
                                        ("P", "19D", "Phường Phú Đa", 107.3, 107.4)):  # fmt: skip
        geom = square(west, east) if today_boundaries else None
        add(key, "commune", code, name, (REFORM, None), kind="phường", geom=geom)
    steps = (("D", "D2", CITY), ("A", "M", REFORM), ("B", "M", REFORM), ("C", "N", REFORM), ("D2", "P", REFORM))
    session.add_all(
        UnitSuccession(old_unit_id=made[o].id, new_unit_id=made[n].id, on_date=day, citation=f"NQ {day.year}")
        for o, n, day in steps
    )
    session.flush()
    return made


def village(session: Session, code: str, lon: float, *units: tuple[Unit, dt.date | None, dt.date | None]) -> Village:
    made = Village(code=code, name=f"Thôn {code}", point=point(lon), **SEEN)
    session.add(made)
    session.flush()
    for unit, start, end in units:
        session.add(VillageUnit(village_id=made.id, unit_id=unit.id, valid_from=start, valid_to=end))
    session.flush()
    return made
