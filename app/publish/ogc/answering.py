"""How /ogc answers: the address it is reached at, the formats there are, ETags."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import orjson
from fastapi import Query, Request, Response
from tipg.resources.enums import MediaType

from app.errors import AppError
from app.publish import tiles as map_tiles
from app.publish.ogc.refusing import bad

PREFIX = "/ogc"
Form = Annotated[str | None, Query(max_length=20, description="json, the only one")]


class NotAcceptable(AppError):
    """The caller takes no format there is."""

    status = 406


def root(request: Request) -> str:
    """Return the address of /ogc as the caller reaches it."""
    return str(request.base_url).rstrip("/") + PREFIX


def only_json(request: Request, f: Form = None) -> MediaType:
    """Return the format of an answer that is written in JSON only; takes the place of tipg's choice of HTML."""
    if f not in (None, "json"):
        raise bad("f", "unknown_format", "Chỉ có f=json", "There is f=json only")
    accepts(request, "application/json")
    return MediaType.json


def accepts(request: Request, *kinds: str) -> None:
    """Refuse a caller that takes none of `kinds`; a browser, which takes anything, is given what there is.

    Raises
    ------
    NotAcceptable
        406.
    """
    wanted = [part.split(";")[0].strip().lower() for part in request.headers.get("accept", "*/*").split(",")]
    families = {"*/*", "", *kinds, *(k.split("/")[0] + "/*" for k in kinds)}
    if "application/geo+json" in kinds or "application/schema+json" in kinds:
        families |= {"application/json"}
    if not families.intersection(wanted) and "f" not in request.query_params:
        listed = ", ".join(kinds)
        raise NotAcceptable("not_acceptable", f"Chỉ trả lời bằng {listed}", f"The answer is {listed} only")


def document(request: Request, content: Any, media_type: str, headers: dict[str, str] | None = None) -> Response:
    """Answer JSON with the ETag of its bytes; 304 when the caller has them."""
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    head = {"ETag": etag, "Cache-Control": "private, no-cache", **(headers or {})}
    if map_tiles.has_already(request, etag):
        return Response(status_code=304, headers=head)
    return Response(body, media_type=media_type, headers=head)
