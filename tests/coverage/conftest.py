"""A small SYNTHETIC province: a plain, a ridge running north to south, a plateau of unknown height in the east."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage import terrain

AS_OF = dt.date(2026, 11, 1)
STEP = 1 / 3600
WEST, NORTH = 107.4, 16.6
ROWS, COLUMNS = 720, 900  # 0.2° × 0.25°
RIDGE_LON = 107.5
VOID_WEST = 107.6


def hills() -> np.ndarray[Any, np.dtype[np.float32]]:
    """20 m plain, a 600 m ridge at RIDGE_LON, voids east of VOID_WEST."""
    lon = WEST + (np.arange(COLUMNS) + 0.5) * STEP
    line = 20 + 600 * np.exp(-(((lon - RIDGE_LON) / 0.004) ** 2))
    line[lon > VOID_WEST] = np.nan
    return np.tile(line.astype(np.float32), (ROWS, 1))


@pytest.fixture
def hilly(session: Session) -> Session:
    """The session with the terrain loaded."""
    terrain.add_array(session, "hills", hills(), WEST, NORTH, STEP, STEP, source="SYNTHETIC hills", synthetic=True)
    return session


Village = Callable[..., int]
Station = Callable[..., int]


@pytest.fixture
def village(session: Session) -> Village:
    """Return a function that stores a village with demand points (lon, lat, population, dwellings)."""

    def make(code: str, *points: tuple[float, float, float, int], **more: Any) -> int:
        row = {"population": sum(p[2] for p in points), "households": sum(p[3] for p in points)} | more
        lon, lat = points[0][:2] if points else (107.45, 16.5)
        query = """INSERT INTO registry.village (code, name, population, households, point, source, synthetic)
            VALUES (:code, 'Thôn thử', :population, :households, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326),
            'SYNTHETIC', true) RETURNING id"""
        key = session.scalar(text(query), row | {"code": code, "lon": lon, "lat": lat})
        for x, y, population, dwellings in points:
            session.execute(
                text("""INSERT INTO registry.demand_point (village_id, point, population, dwellings, source)
                    VALUES (:key, ST_SetSRID(ST_MakePoint(:x, :y), 4326), :p, :d, 'SYNTHETIC')"""),
                {"key": key, "x": x, "y": y, "p": population, "d": dwellings},
            )
        return int(key or 0)

    return make


@pytest.fixture
def station(session: Session) -> Station:
    """Return a function that stores a site with one station and its cells; returns the site's id."""

    def make(
        code: str, lon: float, lat: float, operator: str = "VIETTEL", technology: str = "4G",
        azimuths: tuple[float | None, ...] = (None,), *, restricted: bool = False, valid_to: dt.date | None = None,
        **cell: Any,
    ) -> int:  # fmt: skip
        site = session.scalar(
            text("""INSERT INTO registry.site (code, geom, restricted, valid_to, source, synthetic)
                VALUES (:code, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :restricted, :valid_to, 'SYNTHETIC', true)
                ON CONFLICT DO NOTHING RETURNING id"""),
            {"code": code, "lon": lon, "lat": lat, "restricted": restricted, "valid_to": valid_to},
        ) or session.scalar(text("SELECT id FROM registry.site WHERE code = :code"), {"code": code})
        bts = session.scalar(
            text("""INSERT INTO registry.base_station (site_id, code, operator_id, technology, source)
                SELECT :site, :code, id, :technology, 'SYNTHETIC' FROM registry.organisation WHERE code = :operator
                RETURNING id"""),
            {"site": site, "code": f"{code}-{operator}-{technology}", "operator": operator, "technology": technology},
        )
        columns = ["azimuth_deg", *cell]
        for number, azimuth in enumerate(azimuths):
            session.execute(
                text(f"""INSERT INTO registry.cell (base_station_id, code, source, {", ".join(columns)})
                    VALUES (:bts, :code, 'SYNTHETIC', {", ".join(f":{c}" for c in columns)})"""),
                cell | {"bts": bts, "code": f"{code}-{operator}-{technology}-{number}", "azimuth_deg": azimuth},
            )
        return int(site or 0)

    return make
