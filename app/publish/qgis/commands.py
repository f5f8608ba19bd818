"""`hatang qgis-project`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import text

from app.errors import Invalid
from app.kit.console import AsJson, AsOf, day, err, show


def qgis_project(
    output: Annotated[Path, typer.Option("-o", "--output", help="FILE.zip with the data; FILE.qgz with --ogc.")],
    ogc_url: Annotated[str | None, typer.Option("--ogc", help="Read from this OGC API: https://…/ogc")] = None,
    commune: Annotated[str | None, typer.Option("--commune", help="Code or name.")] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Write a QGIS project with every layer, styled: a .zip with its GeoPackage, or a .qgz over an OGC API."""
    from app.database import session_scope
    from app.kit.progress import bar
    from app.publish.qgis import bundle, service
    from app.publish.qgis.project import ogc, qgz

    suffix = ".zip" if ogc_url is None else ".qgz"
    if output.suffix.lower() != suffix:
        raise Invalid(
            "unknown_format",
            f"Tên tệp phải tận cùng bằng {suffix}: .zip kèm dữ liệu, .qgz khi có --ogc",
            f"The file's name ends with {suffix}: .zip with the data, .qgz with --ogc",
            field="output",
        )
    on = day(as_of)
    try:
        with (
            tempfile.TemporaryDirectory(prefix=f".{output.name}.", suffix=".part", dir=output.parent) as folder,
            bar(err) as progress,
            session_scope() as session,
        ):
            session.execute(text("SET LOCAL statement_timeout = 0"))  # nobody waits but the one who asked
            made = Path(folder) / output.name
            if ogc_url is None:
                bundle.write(session, made, on, commune, progress)
            else:
                made.write_bytes(qgz(service.project(session, ogc(ogc_url, signed_in=True), on, commune)))
            made.replace(output)
    except OSError as error:
        raise Invalid(
            "cannot_write",
            f"Không ghi được {output}: {error.strerror}",
            f"Cannot write {output}: {error.strerror}",
            field="output",
        ) from error
    show({"file": str(output), "bytes": output.stat().st_size, "as_of": on.isoformat()}, as_json)
