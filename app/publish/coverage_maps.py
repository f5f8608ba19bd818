"""Coverage maps over HTTP: pictures for the map, cloud-optimised GeoTIFFs for who may read every network."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.access import DbSession
from app.accounts.roles import ADMINISTRATOR, OTHER_DEPARTMENT, PLANNER, PUBLIC, allow
from app.coverage.models import CoverageRun
from app.coverage.surface import latest_maps
from app.coverage.surface_files import STEPS_DBM, Surface, levels_in_tile
from app.coverage.surface_files import picture as coloured
from app.database import reads_all, scope_of
from app.errors import NotFound
from app.kit.page import Dated
from app.organisations.models import Organisation
from app.policy.past import in_time
from app.policy.queries import parameter
from app.publish.schemas import Name, Technology
from app.publish.tiles import PNG, Index, Zoom, check_tile, picture

router = APIRouter(tags=["coverage"])
READERS = allow(OTHER_DEPARTMENT, PLANNER, ADMINISTRATOR)
TIFF = "image/tiff; application=geotiff; profile=cloud-optimized"


class MapQuestion(Dated):
    """Which day's map, and whose network."""

    operator: Name | None = Field(None, description="Code of one operator; default the best of all")


class CoverageMap(BaseModel):
    """The map of one technology."""

    technology: Technology
    operators: list[str] = Field(description="In the order of bands 2, 3, …; band 1 is the best of all")
    run_id: int
    as_of: dt.date
    step_m: float
    crs: str
    steps_dbm: list[float] = Field(description="From each of these levels on the picture has another colour")
    sha256: str = Field(description="Hash of the file of levels")
    synthetic: bool


def newest(session: Session, asked: Dated) -> CoverageRun | None:
    """Return the run whose maps answer a question."""
    in_time(session, asked)
    return latest_maps(session, asked.on, asked.known_at)


def surface(session: Session, technology: str, asked: Dated) -> tuple[CoverageRun, Surface]:
    """Return the map of a technology.

    Raises
    ------
    NotFound
        `no_coverage_map`: none was computed up to the date, or its file is gone.
    """
    run = newest(session, asked)
    kept = run.counts["raster"]["maps"].get(technology) if run else None
    found = Surface(run.id, technology, tuple(kept["operators"])) if run and kept else None
    if run is None or found is None or not found.levels.exists():
        raise NotFound(
            "no_coverage_map",
            f"Chưa có bản đồ vùng phủ {technology}; hãy chạy `hatang coverage run --resolution 100`",
            f"There is no coverage map of {technology}; run `hatang coverage run --resolution 100`",
        )
    return run, found


@router.get("/api/coverage/maps", openapi_extra=allow(PUBLIC))
def coverage_maps(session: DbSession, asked: Annotated[Dated, Query()]) -> list[CoverageMap]:
    """List the maps of the newest run that made some, by technology; empty when there are none."""
    run = newest(session, asked)
    if run is None:
        return []
    raster = run.counts["raster"]
    return [
        CoverageMap(technology=name, operators=kept["operators"], run_id=run.id, as_of=run.as_of,
                    step_m=raster["step_m"], crs=raster["crs"], steps_dbm=list(STEPS_DBM), sha256=kept["sha256"],
                    synthetic=raster["synthetic"])
        for name, kept in sorted(raster["maps"].items())
    ]  # fmt: skip


@router.get(
    "/api/coverage/maps/{technology}/{what}.tif", response_class=FileResponse, openapi_extra=READERS,
    responses={200: {"content": {TIFF: {}}}, 404: {"description": "No such map was computed"}},
)  # fmt: skip
def coverage_file(
    session: DbSession,
    technology: Annotated[Technology, Path(description="Of which technology")],
    what: Annotated[Literal["levels", "servers"], Path(description="Levels of every operator, or best serving cells")],
    asked: Annotated[Dated, Query()],
) -> FileResponse:
    """Levels of every operator in tenths of a dBm, or row ids of the best serving cells, for QGIS."""
    run, found = surface(session, technology, asked)
    path = found.levels if what == "levels" else found.servers
    return FileResponse(path, media_type=TIFF, filename=f"hatang-{technology}-{what}-{run.as_of}.tif",
                        headers={"Cache-Control": "private, no-cache"})  # fmt: skip


@router.get(
    "/tiles/coverage/{technology}/{z}/{x}/{y}.png", tags=["tiles"], response_class=Response, responses=PNG,
    openapi_extra=allow(PUBLIC),
)  # fmt: skip
def coverage_tile(
    request: Request,
    session: DbSession,
    technology: Annotated[Technology, Path(description="Of which technology")],
    z: Zoom,
    x: Index,
    y: Index,
    asked: Annotated[MapQuestion, Query()],
) -> Response:
    """Levels as a 256 x 256 picture, 204 where the map does not reach.

    Who may not read the network sees the level at the middle of squares, as `GET /api/coverage/at` tells it.
    """
    check_tile(z, x, y)
    run, found = surface(session, technology, asked)
    square_m = None if _may_read(session, asked.operator) else _square_m(session, asked.on)
    etag = f'W/"{run.id}-{technology}-{asked.operator or ""}-{square_m or 0:g}"'

    def draw() -> bytes | None:
        band = found.band(asked.operator)
        levels = levels_in_tile(found.levels, band, z, x, y, square_m) if band else None
        return None if levels is None else coloured(levels)

    return picture(request, session, etag, draw, now=asked.known_at is None)


def _may_read(session: Session, operator: str | None) -> bool:
    """Whether the caller reads every network, or the one asked about is its own."""
    if reads_all(session):
        return True
    own = select(Organisation.code).where(Organisation.id.in_(scope_of(session).organisations))
    return operator is not None and operator in session.scalars(own)


def _square_m(session: Session, as_of: dt.date) -> float:
    return float(parameter(session, "disclosure", "signal", as_of).value["grid_m"])
