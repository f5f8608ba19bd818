"""`hatang terrain` and `hatang land-cover`: the rasters a run reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.kit.console import AsJson, AsOf, day, err, show

terrain = typer.Typer(no_args_is_help=True, help="Heights of the ground: GeoTIFF and SRTM .hgt files.")
land_cover = typer.Typer(no_args_is_help=True, help="What stands on the ground: GeoTIFF files of classes.")
_COVER_TITLE = "Lớp phủ mặt đất · land cover"


@terrain.command("add")
def terrain_add(
    files: Annotated[list[Path], typer.Argument(help="*.tif, *.hgt, *.hgt.zip")], as_json: AsJson = False
) -> None:
    """Add height files; all of them, or none and the reason."""
    from app.coverage import terrain as heights
    from app.coverage.console import tile_rows
    from app.database import session_scope
    from app.kit.progress import bar

    with bar(err) as progress, session_scope() as session:
        report = heights.add_files(session, files, progress=progress)
    show(report if as_json else tile_rows(report), as_json, "Địa hình · terrain")


@terrain.command("status")
def terrain_status(as_json: AsJson = False) -> None:
    """List the tiles that are loaded, where they lie and how much of them is void."""
    from app.coverage import raster_store
    from app.coverage.console import tile_rows
    from app.coverage.models import TerrainTile
    from app.database import session_scope

    with session_scope() as session:
        report = raster_store.status(session, TerrainTile)
    show(report if as_json else tile_rows(report), as_json, "Địa hình · terrain")


@land_cover.command("add")
def land_cover_add(
    files: Annotated[list[Path], typer.Argument(help="*.tif, one band of classes")],
    scheme: Annotated[str, typer.Option("--scheme", help="Whose values the files hold.")] = "worldcover",
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Add files of land-cover classes; all of them, or none and the reason."""
    from app.coverage import land_cover as cover
    from app.coverage.console import tile_rows
    from app.database import session_scope
    from app.kit.progress import bar

    with bar(err) as progress, session_scope() as session:
        report = cover.add_files(session, files, scheme, day(as_of), progress=progress)
    show(report if as_json else tile_rows(report), as_json, _COVER_TITLE)


@land_cover.command("status")
def land_cover_status(as_json: AsJson = False) -> None:
    """List the tiles that are loaded, where they lie and how much of them says nothing."""
    from app.coverage import raster_store
    from app.coverage.console import tile_rows
    from app.coverage.models import LandCoverTile
    from app.database import session_scope

    with session_scope() as session:
        report = raster_store.status(session, LandCoverTile)
    show(report if as_json else tile_rows(report), as_json, _COVER_TITLE)
