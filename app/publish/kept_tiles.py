"""Drawn tiles, kept compressed in memory as long as nothing they show has changed.

A middleware, since the framework's own way to a route takes longer than the whole answer. It gives only what the
route itself has drawn for a caller who sees the same rows, of the very same address, and leaves everything else to the
route: refusals, sessions whose last use is to be written down, tiles with restricted objects (each look is noted).
Tiles are drawn a few at a time and each once, however many ask for it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.accounts.credentials import presented
from app.database import DEPARTMENT, READS_ALL, application_url
from app.database import Scope as RowScope
from app.errors import Unauthorized
from app.kit.page import today
from app.publish.standing import Standing, Unknown

MEDIA_TYPE: Final = "application/vnd.mapbox-vector-tile"
_NETWORK = ("registry.organisation", "registry.unit", "policy.disclosure")
TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "villages": ("registry.village", "registry.village_unit", "registry.unit", "registry.coverage_run",
                 "registry.organisation", "policy.parameter"),
    "communes": ("registry.unit",),
    "sites": ("registry.site", "registry.structure", "registry.base_station", "registry.structure_occupancy",
              *_NETWORK),
    "poles": ("registry.pole", "registry.pole_occupancy", *_NETWORK),
    "ducts": ("registry.duct", "registry.duct_occupancy", *_NETWORK),
    "manholes": ("registry.manhole", *_NETWORK),
    "distribution_points": ("registry.distribution_point", *_NETWORK),
    "terrain": ("registry.terrain_tile",),
    "terrain-unknown": ("registry.terrain_tile",),
    "coverage": ("registry.coverage_run", "registry.organisation", "policy.parameter"),
}  # fmt: skip
"""Audited tables that a layer's tile and the policies that choose its rows read; verdicts come with their run."""
LIMIT_BYTES: Final = 64_000_000
"""Some thousands of tiles; the least lately used go first."""
AT_ONCE: Final = 4
"""Tiles drawn at the same time: the other connections are for everybody else."""
_SMALL = 1024
View = tuple[bool, bool, frozenset[int], frozenset[int]]


def view_of(scope: RowScope) -> View:
    """Return what decides which rows and attributes a caller is shown."""
    roles = set(scope.roles)
    return (bool(roles & DEPARTMENT), bool(roles & READS_ALL), frozenset(scope.organisations),
            frozenset(scope.communes))  # fmt: skip


@dataclass(frozen=True)
class Tile:
    """A drawn tile, compressed once, with an ETag of what it holds.

    Attributes
    ----------
    watched : bool
        It shows restricted objects: who looks is written down each time.
    """

    etag: str
    body: bytes
    packed: bool
    watched: bool = False
    media_type: str = MEDIA_TYPE

    @classmethod
    def of(cls, content: bytes, watched: bool = False) -> Tile:
        """Return the vector tile of `content`, empty where there is nothing."""
        etag = f'W/"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
        packed = len(content) >= _SMALL
        return cls(etag, gzip.compress(content, 6, mtime=0) if packed else content, packed, watched)

    @classmethod
    def picture(cls, png: bytes | None, etag: str) -> Tile:
        """Return the tile of a picture, which is compressed as it is; None where there is nothing."""
        return cls(etag, png or b"", False, media_type="image/png")

    def answer(self, headers: Mapping[str, str]) -> Response:
        """Answer a request: 304 when it has the tile, 204 when there is nothing, else the tile as it can read it."""
        common = {"ETag": self.etag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
        if has_already(headers.get("if-none-match", ""), self.etag):
            return Response(status_code=304, headers=common)
        if not self.body:
            return Response(status_code=204, headers=common)
        body = self.body
        if self.packed:
            if "gzip" in headers.get("accept-encoding", ""):
                common["Content-Encoding"] = "gzip"
            else:
                body = gzip.decompress(body)
        return Response(body, media_type=self.media_type, headers=common)


def has_already(given: str, etag: str) -> bool:
    """Whether the If-None-Match header `given` names `etag` (weak comparison, RFC 9110 §8.8.3.2)."""
    return given.strip() == "*" or etag.removeprefix("W/") in (e.strip().removeprefix("W/") for e in given.split(","))


Address = tuple[View, bytes, bytes, dt.date]


@dataclass
class Kept:
    """The tiles of one event loop."""

    standing: Standing
    limit_bytes: int = LIMIT_BYTES
    size: int = 0
    tiles: OrderedDict[Address, tuple[tuple[int, ...], Tile]] = field(default_factory=OrderedDict)
    drawing: dict[Address, asyncio.Event] = field(default_factory=dict)
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def find(self, address: Address, stamp: tuple[int, ...]) -> Tile | None:
        """Return the tile kept at `address`, if it is of `stamp`."""
        found = self.tiles.get(address)
        if found is None or found[0] != stamp:
            return None
        self.tiles.move_to_end(address)
        return found[1]

    def keep(self, address: Address, stamp: tuple[int, ...], tile: Tile) -> None:
        """Keep a tile drawn after `stamp` was known."""
        self._forget(address)
        self.tiles[address] = (stamp, tile)
        self.size += _weight(address, tile)
        while self.size > self.limit_bytes:
            self._forget(next(iter(self.tiles)))

    def _forget(self, address: Address) -> None:
        found = self.tiles.pop(address, None)
        if found is not None:
            self.size -= _weight(address, found[1])


def _weight(address: Address, tile: Tile) -> int:
    return len(tile.body) + len(address[1]) + len(address[2]) + 1000  # about what the objects around them take


@asynccontextmanager
async def keeping(app: FastAPI) -> AsyncIterator[None]:
    """Keep tiles while the application runs; without, each is drawn anew."""
    kept = Kept(Standing(application_url()))
    app.state.kept_tiles = kept
    try:
        yield
    finally:
        app.state.kept_tiles = None
        await kept.standing.close()


class KeptTiles:
    """Give a kept tile, or have it drawn and keep it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for a tile; pass others on."""
        kept: Kept | None = None
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith("/tiles/"):
            kept = getattr(scope["app"].state, "kept_tiles", None)
        layer = scope["path"].split("/", 3)[2] if kept else ""
        if kept is None or layer not in TABLES:
            return await self.app(scope, receive, send)
        request = Request(scope)
        state: dict[str, Any] = scope.setdefault("state", {})
        try:
            caller = await _caller(kept, request, state)
        except Unknown:
            caller = None
        if caller is None:
            return await self._in_turn(kept, scope, receive, send)
        address = (caller.view, scope.get("raw_path") or scope["path"].encode(), scope["query_string"], today())
        stamp = kept.standing.stamp(TABLES[layer])
        tile = kept.find(address, stamp)
        if tile is None and (begun := kept.drawing.get(address)) is not None:
            await begun.wait()
            tile = kept.find(address, stamp)  # of the stamp of this request: no change between the two
        if tile is not None and not tile.watched and not caller.due:
            scope["route"] = SimpleNamespace(path=f"/tiles/{layer}/{{z}}/{{x}}/{{y}}")  # for the metrics
            return await tile.answer(request.headers)(scope, receive, send)
        if tile is not None:
            state["tile"] = tile
            return await self._in_turn(kept, scope, receive, send)
        await self._draw_and_keep(kept, address, stamp, scope, receive, send)

    async def _draw_and_keep(
        self, kept: Kept, address: Address, stamp: tuple[int, ...], scope: Scope, receive: Receive, send: Send
    ) -> None:
        event = kept.drawing.setdefault(address, asyncio.Event())

        async def keep(message: Message) -> None:
            drawn: tuple[View, Tile] | None = scope["state"].get("drawn")
            if message["type"] == "http.response.start":
                if drawn is not None and drawn[0] == address[0]:
                    kept.keep(address, stamp, drawn[1])
                self._let_in(kept, address, event)
            await send(message)

        try:
            await self._in_turn(kept, scope, receive, keep)
        finally:
            self._let_in(kept, address, event)

    async def _in_turn(self, kept: Kept, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route draw when it is this request's turn, which ends as the answer begins: its way may be slow."""
        await kept.turns.acquire()
        turn = ExitStack()
        turn.callback(kept.turns.release)

        async def begin(message: Message) -> None:
            turn.close()
            await send(message)

        with turn:
            await self.app(scope, receive, begin)

    @staticmethod
    def _let_in(kept: Kept, address: Address, event: asyncio.Event) -> None:
        event.set()
        if kept.drawing.get(address) is event:
            del kept.drawing[address]


@dataclass(frozen=True)
class _Caller:
    view: View
    due: bool = False
    """The route has to write down that the session or token is in use."""


async def _caller(kept: Kept, request: Request, state: dict[str, Any]) -> _Caller | None:
    """Return who asks, None where that is for the route to judge."""
    try:
        credential = presented(request)
    except Unauthorized:
        return None
    if credential is None:
        await kept.standing.ask(None)
        return _Caller(view_of(RowScope()))
    holder = await kept.standing.ask((credential.kind, credential.secret))
    assert holder is not None
    good = holder["status"] == "ok" and not holder["must_change_password"]
    named = not credential.name or credential.name == holder["name"]
    if not (good and named and (holder["scopes"] is None or "read" in holder["scopes"])):
        return None
    state["signed_in"] = True
    scope = RowScope("", tuple(holder["roles"]), tuple(holder["organisation_ids"]), tuple(holder["communes"]))
    return _Caller(view_of(scope), holder["seen_due"])
