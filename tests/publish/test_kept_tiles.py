"""Kept tiles: never one that a change has overtaken, never another caller's, each look and each sign-out counts."""

from __future__ import annotations

import datetime as dt
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from app.config import ROOT
from app.database import session_scope
from app.main import create_app
from app.publish import tiles
from app.publish.kept_tiles import TABLES, Address, Kept, Tile, view_of
from app.publish.standing import Standing
from tests.accounts.people import as_owner, bearer
from tests.permissions import World, tile
from tests.publish.callers import PLANNER, PUBLIC, mvt
from tests.publish.live import running
from tests.test_permissions import world

HERE = f"/tiles/poles/{tile(14, 'viettel')}.mvt"
NEW = "INSERT INTO pole (code, owner_id, geom, synthetic) SELECT :code, owner_id, geom, true FROM pole WHERE id = :like"


class Served:
    """A running server over two networks, with a token for each role; counts what is drawn."""

    def __init__(self, known: World, tokens: dict[str, str], address: str) -> None:
        self.known, self.tokens, self.address = known, tokens, address
        self.drawn = 0

    def get(self, path: str = HERE, role: str = "operator", etag: str = "") -> httpx2.Response:
        headers = bearer(self.tokens[role]) if role in self.tokens else {}
        return httpx2.get(self.address + path, headers=headers | ({"If-None-Match": etag} if etag else {}), timeout=30)

    def add_pole(self, session: Any, code: str) -> None:
        session.execute(text(NEW), {"code": code, "like": self.known.row("pole", "viettel")})


@pytest.fixture
def served(own_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    known, tokens = world()
    with running(create_app()) as address:
        found = Served(known, tokens, address)
        draw = tiles.draw_layer

        def counted(*args: Any) -> bytes:
            found.drawn += 1
            return draw(*args)

        monkeypatch.setattr(tiles, "draw_layer", counted)
        yield found


def test_a_tile_is_drawn_once_and_again_after_a_change(served: Served) -> None:
    etag = served.get().headers["etag"]
    assert [served.get(etag=etag).status_code for _ in range(5)] == [304] * 5
    again = served.get()
    assert (again.status_code, again.headers["etag"], served.drawn) == (200, etag, 1)
    assert {"Cookie", "Authorization", "Accept-Encoding"} <= set(again.headers["vary"].split(", "))
    assert again.headers["cache-control"] == "private, no-cache"
    with session_scope() as session:
        session.execute(text("UPDATE manhole SET code = code || '-x' WHERE code = 'viettel-M'"))
    assert served.get(etag=etag).status_code == 304
    assert served.drawn == 1, "a pole's tile does not show manholes"
    for i in range(20):
        with session_scope() as session:
            served.add_pole(session, f"NEW-{i}")
        answer = served.get(etag=etag)
        assert answer.status_code == 200, f"change {i} had been committed"
        assert f"NEW-{i}" in {f["code"] for f in mvt(answer.content, "poles")}
        etag = answer.headers["etag"]


def test_what_commits_late_counts_then(served: Served) -> None:
    """A transaction that began before the tile was drawn, and others after it that ended before."""
    begun, end = threading.Event(), threading.Event()

    def late() -> None:
        with session_scope() as session:
            served.add_pole(session, "LATE")
            begun.set()
            assert end.wait(30)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(late)
        assert begun.wait(30)
        with session_scope() as session:
            served.add_pole(session, "EARLY")
        etag = served.get().headers["etag"]
        assert served.get(etag=etag).status_code == 304
        end.set()
        writing.result()
    assert "LATE" in {f["code"] for f in mvt(served.get(etag=etag).content, "poles")}


def test_callers_who_see_different_rows_share_no_tile(served: Served) -> None:
    for path in (HERE, f"/tiles/poles/{tile(8, 'viettel')}.mvt", f"/tiles/sites/{tile(14, 'shared')}.mvt"):
        alone = {role: served.get(path, role).headers["etag"] for role in ("public", *served.tokens)}
        assert len(set(alone.values())) >= (4 if "/8/" in path else 2)
        for role, etag in alone.items():
            others = set(alone.values()) - {etag}
            assert served.get(path, role, etag).status_code == 304
            assert all(served.get(path, role, other).status_code != 304 for other in others)


def test_a_revoked_token_and_an_ended_role_count_at_once(served: Served, own_database: str) -> None:
    etag = served.get().headers["etag"]
    assert served.get(etag=etag).status_code == 304
    role = "UPDATE accounts.account_role SET valid_to = current_date - 1, valid_from = current_date - 2"
    as_owner(own_database, f"{role} WHERE role = 'operator'")
    assert served.get(etag=etag).status_code == 204, "nobody's rows are left"
    as_owner(own_database, "UPDATE accounts.token SET revoked_at = now()")
    refused = served.get(etag=etag)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_revoked")


def test_the_use_of_a_token_is_written_down_though_nothing_is_drawn(served: Served, own_database: str) -> None:
    etag = served.get().headers["etag"]
    as_owner(own_database, "UPDATE accounts.seen SET at = now() - interval '5 minutes'")
    assert served.get(etag=etag).status_code == 304
    (fresh,) = as_owner(own_database, "SELECT count(*) FROM accounts.seen WHERE at > now() - interval '1 minute'")[0]
    assert (fresh, served.drawn) == (1, 1)


def test_each_look_at_restricted_objects_is_noted(served: Served, own_database: str) -> None:
    path = f"/tiles/poles/{tile(14, 'secret')}.mvt"
    etags = {served.get(path, role).headers["etag"] for role in ("planner", "administrator") for _ in range(2)}
    assert (len(etags), served.drawn) == (1, 1), "both see the same"
    looks = as_owner(own_database, "SELECT DISTINCT actor FROM audit.view_log WHERE layer = 'poles' AND restricted")
    assert len(looks) == 2


def test_two_hundred_ask_for_one_tile_and_others_are_answered(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = tiles.draw_layer

    def slow(*args: Any) -> bytes:
        time.sleep(1)
        return draw(*args)

    monkeypatch.setattr(tiles, "draw_layer", slow)
    headers = bearer(served.tokens["planner"])
    path = f"/tiles/poles/{tile(5, 'vnpt')}.mvt"
    with httpx2.Client(base_url=served.address, timeout=60, limits=httpx2.Limits(max_connections=250)) as client:
        with ThreadPoolExecutor(220) as pool:
            asked = [pool.submit(client.get, path, headers=headers) for _ in range(200)]
            # And sixteen that take all the turns.
            days = [dt.date(2026, 1, day) for day in range(1, 17)]
            heavy = [pool.submit(client.get, f"{path}?as_of={day}") for day in days]
            time.sleep(0.3)
            begun = time.monotonic()
            assert client.get("/api/session").status_code == 200
            waited = time.monotonic() - begun
            assert {a.result().status_code for a in asked} == {200}
            assert {a.result().status_code for a in heavy} == {204}
    assert waited < 3
    assert served.drawn == 1 + len(days)


def test_a_lost_connection_costs_a_drawing_and_hides_no_change(served: Served, own_database: str) -> None:
    etag = served.get().headers["etag"]
    ended = as_owner(
        own_database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hatang tiles'"
        " AND datname = current_database()"
    )  # fmt: skip
    assert len(ended) == 1
    with session_scope() as session:
        served.add_pole(session, "MEANWHILE")
    answer = served.get(etag=etag)
    assert "MEANWHILE" in {f["code"] for f in mvt(answer.content, "poles")}
    time.sleep(1.1)
    for _ in range(3):
        assert served.get(etag=answer.headers["etag"]).status_code == 304
    assert served.drawn == 3, "before, without the connection, and with it again"


def test_the_least_lately_used_go_when_memory_is_full() -> None:
    kept = Kept(Standing(""), limit_bytes=20_000)
    places: list[Address] = [(view_of(PUBLIC), b"/%d" % i, b"", dt.date(2026, 1, 1)) for i in range(12)]
    for place in places:
        kept.keep(place, (1,), Tile("e", b"x" * 3000, False))
        assert kept.size <= 20_000
        assert kept.find(places[0], (1,)) is not None, "in use"
    assert kept.find(places[1], (1,)) is None
    assert kept.find(places[11], (2,)) is None, "of another state of the tables"
    kept.keep(places[11], (1,), Tile("e", b"x" * 30_000, False))
    assert (kept.size, len(kept.tiles)) == (0, 0), "what fits nowhere is not kept"
    assert view_of(PLANNER) != view_of(PUBLIC)


NO_TABLES = {"", "unnest", "cell", "tile_cells", "blurred_sites", "verdict", "operator", "technology", "commune"}
"""What follows FROM or JOIN in the tiles' SQL and is none, or changes only with its run."""


@pytest.mark.parametrize("layer", tiles.LAYERS)
def test_every_table_a_tile_reads_is_among_those_watched(layer: str) -> None:
    folder = ROOT / "app" / "publish" / "sql"
    sql = (folder / f"tile_{layer}.sql").read_text(encoding="utf-8")
    if "blurred_sites" in sql:
        sql += (folder / "blurred_sites.sql").read_text(encoding="utf-8")
    sql = re.sub(r"--.*", "", sql)
    named = {name.split(".")[-1] for name in re.findall(r"(?:FROM|JOIN)\s+([a-z_%I.]+)", sql)}
    inside = set(re.findall(r"([a-z_]+) AS \(", sql))
    # A table and the rows of it that a query names alike are told apart by the rows having to come from somewhere.
    read = named - (inside - {layer.removesuffix("s")}) - NO_TABLES
    watched = {name.split(".")[1] for name in TABLES[layer]}
    assert read
    assert read <= watched
