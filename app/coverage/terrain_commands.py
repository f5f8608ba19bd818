"""`hatang terrain`: height files added, and what is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.kit.console import AsJson, err, show

terrain = typer.Typer(no_args_is_help=True, help="Heights of the ground: GeoTIFF and SRTM .hgt files.")


@terrain.command("add")
def terrain_add(
    files: Annotated[list[Path], typer.Argument(help="*.tif, *.hgt, *.hgt.zip")], as_json: AsJson = False
) -> None:
    """Add height files; all of them, or none and the reason."""
    from app.coverage import terrain as heights
    from app.coverage.console import terrain_rows
    from app.database import session_scope
    from app.kit.progress import bar

    with bar(err) as progress, session_scope() as session:
        report = heights.add_files(session, files, progress=progress)
    show(report if as_json else terrain_rows(report), as_json, "Địa hình · terrain")


@terrain.command("status")
def terrain_status(as_json: AsJson = False) -> None:
    """List the tiles that are loaded, where they lie and how much of them is void."""
    from app.coverage import terrain as heights
    from app.coverage.console import terrain_rows
    from app.database import session_scope

    with session_scope() as session:
        report = heights.status(session)
    show(report if as_json else terrain_rows(report), as_json, "Địa hình · terrain")
