"""Layers as files over HTTP: streamed at once, or made in the background and fetched."""

from __future__ import annotations

from collections.abc import Generator
from typing import Annotated, Any

from anyio import CancelScope, to_thread
from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.accounts.access import DbSession
from app.accounts.roles import PUBLIC, allow
from app.policy.past import in_time
from app.publish.exports import about, service
from app.publish.exports.formats import FORMATS, named, projected
from app.publish.exports.more_layers import EXPORTED
from app.publish.exports.schemas import Export, ExportFilter, ExportMetadata, ExportQuestion
from app.publish.exports.selection import select

router = APIRouter(tags=["exports"])
LayerName = Annotated[
    str, Path(max_length=60, description="Name of the layer", json_schema_extra={"enum": list(EXPORTED)})
]
Suffix = Annotated[str, Path(max_length=20, description="Format", json_schema_extra={"enum": list(FORMATS)})]
_BINARY = {"schema": {"type": "string", "format": "binary"}}
FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Export,
        "description": "The file; GeoJSON's member `metadata` says what it is, other formats have their own place",
        "content": {f.media_type.partition(";")[0]: _BINARY for f in FORMATS.values() if f.suffix != "geojson"},
    },
    400: {"description": "A CRS that the format or the server cannot write"},
    401: {"description": "The layer is told to signed-in callers only"},
    409: {"description": "The commune has no boundary yet"},
}


class GeoJSONMedia(Response):
    """Names the media type of the answer's model."""

    media_type = "application/geo+json"


class Stream(StreamingResponse):
    """A file as it comes; a reader who goes away ends the query at once, and what is temporary is removed."""

    def __init__(self, content: Generator[bytes, None, None], **arguments: Any) -> None:
        super().__init__(content, **arguments)
        self._source = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send, and close the source whatever happened, before the transaction ends."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(self._source.close)


@router.get(
    "/api/exports/{layer}/metadata", summary="What an export of a layer is", openapi_extra=allow(PUBLIC),
    responses={k: v for k, v in FILE.items() if k != 200},
)  # fmt: skip
def get_metadata(layer: LayerName, session: DbSession, asked: Annotated[ExportFilter, Query()]) -> ExportMetadata:
    """Source, dates, licence, data version, what is withheld: for formats without a place for it."""
    in_time(session, asked)
    selection = select(session, layer, asked.on, asked.bbox, asked.commune)
    crs = projected(FORMATS["csv"], asked.crs)
    return ExportMetadata.model_validate(about.metadata(session, layer, selection, crs))


@router.get(
    "/api/exports/{layer}.{format}", summary="A whole layer as a file", response_class=GeoJSONMedia,
    openapi_extra=allow(PUBLIC), responses=FILE,
)  # fmt: skip
def get_export(
    layer: LayerName, format: Suffix, session: DbSession, asked: Annotated[ExportQuestion, Query()]
) -> Response:
    """Every object of the layer that the caller may see, in force on the date, within bbox and commune.

    The public gets areas, facilities and `sites_blurred`; an operator its own objects and those it uses. Restricted
    objects are in no export. A file that breaks off is cut in the middle and the connection is aborted.
    """
    name, _, suffix = f"{layer}.{format}".partition(".")  # shp.zip
    form = named(suffix)
    crs = projected(form, asked.crs)
    in_time(session, asked)
    selection = select(session, name, asked.on, asked.bbox, asked.commune)
    body = begun(service.streamed(session, name, selection, form, crs, bundle=asked.bundle is not None))
    shown = "zip" if asked.bundle else form.suffix
    return Stream(body, media_type=FORMATS["shp.zip"].media_type if asked.bundle else form.media_type, headers={
        "Content-Disposition": f'attachment; filename="{name}-{selection.as_of}.{shown}"',
        "Link": f'</api/exports/{name}/metadata?{asked.query(bundle=None)}>; rel="describedby"',
    })  # fmt: skip


def begun(source: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    """Run `source` up to its first rows, so that what fails at the start is still a problem with a status."""
    try:
        first = [next(source), next(source, b"")]
    except BaseException:
        source.close()
        raise

    def whole() -> Generator[bytes, None, None]:
        try:
            yield from first
            yield from source
        finally:
            source.close()

    return whole()
