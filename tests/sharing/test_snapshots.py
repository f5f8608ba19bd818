"""Frozen ratios: nobody changes them, and they come out the same when computed again as known then."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.database import session_scope
from app.errors import Conflict, NotFound
from app.sharing import snapshots
from app.sharing.definitions import definition
from app.sharing.snapshots import freeze, moment_of, verify
from tests.conftest import client_in
from tests.conftest import test_cluster as cluster_of_run
from tests.publish.callers import OTHER, PLANNER
from tests.sharing import registry
from tests.sharing.registry import DAY


@pytest.fixture
def province(session: Session) -> Session:
    registry.commune(session, "90001", 107.5, 16.4)
    registry.site(session, "S-A", 107.51, 16.41, "VIETTEL VNPT")
    registry.site(session, "S-B", 107.52, 16.41, "VIETTEL")
    registry.pole(session, "P-A", 107.51, 16.42, "EVN:power;VIETTEL", owner="EVN")
    registry.duct(session, "D-A", "107.51 16.43, 107.52 16.431", "VNPT", trench="T1", route="R1")
    registry.duct(session, "D-B", "107.51 16.44, 107.5213 16.4407", "VNPT;VIETTEL", route="R1")
    return session


def scopes(kept: Any) -> dict[tuple[str, str, str | None], dict[str, Any]]:
    return {(r["definition"], r["scope_kind"], r["scope_code"]): r for r in kept.results}


def test_every_scope_and_a_hash_of_everything(province: Session) -> None:
    kept = freeze(province, DAY, "kỳ báo cáo 2025")
    found = scopes(kept)
    assert found["S1", "province", None]["ratio"] == 50
    assert found["S1", "commune", "90001"]["ratio"] == 50
    assert found["S1", "operator", "VNPT"]["ratio"] == 100
    assert found["D1", "commune", None]["ratio"] is None
    assert {d for d, *_ in found} == {"S1", "S2", "S3", "S4", "P1", "P2", "P3", "D1", "D2", "D3"}
    assert kept.inputs.keys() == {"organisations", "communes", "site", "pole", "duct"}
    assert (len(kept.sha256), kept.frozen_by.split(":")[0]) == (64, "system")
    assert freeze(province, DAY, "again").sha256 == kept.sha256
    registry.pole(province, "P-new", 107.51, 16.42, "VNPT")
    later = freeze(province, DAY, "later")
    assert later.sha256 != kept.sha256
    assert {k for k in kept.inputs if kept.inputs[k] != later.inputs[k]} == {"pole"}


def test_it_comes_out_the_same_after_everything_changed(province: Session) -> None:
    kept = freeze(province, DAY, "x")
    province.execute(text("UPDATE registry.pole SET owner_id = NULL, geom = ST_SetSRID(ST_Point(107.99, 16.9), 4326)"))
    province.execute(text("UPDATE registry.duct SET geom = ST_SetSRID('LINESTRING(107.5 16.4,107.6 16.5)'::geometry,"
                          " 4326), trench_id = NULL, route = 'other'"))  # fmt: skip
    province.execute(text("UPDATE registry.base_station SET valid_to = '2020-01-01'"))
    province.execute(text("UPDATE registry.unit SET geom = ST_Multi(ST_Expand(geom, 0.2)), name = 'Xã khác'"))
    province.execute(text("UPDATE registry.organisation SET has_radio = false, kind = 'other' WHERE code = 'VNPT'"))
    registry.site(province, "S-NEW", 107.53, 16.41, "VIETTEL VNPT")
    found = verify(province, kept.id)
    assert (found["intact"], found["reproduced"]) == (True, True), found["differs"]
    assert found["differs"] == {"definitions": [], "inputs": [], "results": 0, "figures": []}
    assert freeze(province, DAY, "y").sha256 != kept.sha256


def test_what_differs_is_named(province: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = freeze(province, DAY, "x")
    computed = snapshots._computed

    def wrong(session: Session, as_of: dt.date) -> Any:
        inputs, results = computed(session, as_of)
        row = next(r for r in results if r["definition"] == "S1")
        row["numerator"] += 1
        return inputs | {"pole": "0" * 64}, results

    monkeypatch.setattr(snapshots, "_computed", wrong)
    found = verify(province, kept.id)
    assert (found["intact"], found["reproduced"]) == (True, False)
    assert (found["differs"]["inputs"], found["differs"]["results"]) == (["pole"], 1)
    figure = found["differs"]["figures"][0]
    assert (figure["definition"], figure["scope_kind"], figure["kept"]["numerator"]) == ("S1", "province", 1)
    assert figure["recomputed"]["numerator"] == 2


@pytest.mark.parametrize("statement", ["UPDATE registry.sharing_snapshot SET label = 'x'",
                                       "DELETE FROM registry.sharing_snapshot",
                                       "TRUNCATE registry.sharing_snapshot"])  # fmt: skip
def test_nobody_changes_one(own_database: str, statement: str) -> None:
    with session_scope() as session:
        freeze(session, DAY, "x")
    with session_scope() as session, pytest.raises(DBAPIError) as refused, session.begin_nested():
        session.execute(text(statement))
    assert getattr(refused.value.orig, "sqlstate", "") == "42501"
    # Not even the superuser, until somebody takes the trigger away.
    name = own_database.split("/")[3].split("?")[0]
    with (
        cluster_of_run().superuser(name) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="frozen"),
    ):
        connection.execute(statement)


def test_a_tampered_row_is_not_intact(own_database: str) -> None:
    with session_scope() as session:
        registry.site(session, "S", 107.5, 16.4, "VIETTEL VNPT")
        number = freeze(session, DAY, "x").id
    name = own_database.split("/")[3].split("?")[0]
    with cluster_of_run().superuser(name) as connection:
        connection.execute("ALTER TABLE registry.sharing_snapshot DISABLE TRIGGER frozen")
        connection.execute("""UPDATE registry.sharing_snapshot SET results = jsonb_set(results, '{0,ratio}', '99')""")
    with session_scope() as session:
        found = verify(session, number)
    assert (found["intact"], found["reproduced"], found["differs"]["results"]) == (False, True, 1)


def test_a_snapshot_waits_for_writers_and_misses_nothing(own_database: str) -> None:
    """A change written before the snapshot and committed after it began counts in both computations."""
    import threading
    import time

    with session_scope() as session:
        registry.organisation(session, "VNPT")
    number: list[int] = []

    def later() -> None:
        with session_scope() as session:
            number.append(freeze(session, DAY, "x").id)

    with session_scope() as session:
        registry.pole(session, "P", 107.5, 16.4, "VNPT")
        thread = threading.Thread(target=later)
        thread.start()
        time.sleep(0.5)
        assert not number, "it waits"
    thread.join()
    with session_scope() as session:
        assert snapshots.snapshot(session, number[0]).results
        assert verify(session, number[0])["reproduced"]
        kept = scopes(snapshots.snapshot(session, number[0]))
        assert kept["P1", "province", None]["denominator"] == 1


def test_over_http(province: Session) -> None:
    with client_in(province, PLANNER) as client:
        made = client.post("/api/sharing/snapshots", json={"label": " Báo cáo ", "as_of": str(DAY)})
        assert made.status_code == 201, made.text
        body = made.json()
        assert (body["label"], body["as_of"], body["frozen_by"]) == ("Báo cáo", str(DAY), "user:2")
        path = f"/api/sharing/snapshots/{body['id']}"
        assert client.get(path).json() == body
        listed = client.get("/api/sharing/snapshots", params={"limit": 1}).json()
        assert (listed["snapshots"][0]["id"], "results" in listed["snapshots"][0]) == (body["id"], False)
        assert client.get(f"{path}/verify").json()["reproduced"] is True
        for bad, code in (({"label": " "}, "string_too_short"), ({"label": "x", "as_of": "yesterday"}, "not_a_date"),
                          ({"label": "x", "sha256": "0"}, "extra_forbidden")):  # fmt: skip
            refused = client.post("/api/sharing/snapshots", json=bad)
            assert refused.status_code == 422
            assert code in json.dumps(refused.json()) or refused.json()["code"], bad
        lost = client.get("/api/sharing/snapshots/999999/verify")
        assert (lost.status_code, lost.json()["code"]) == (404, "unknown_snapshot")
    with client_in(province, OTHER) as client:
        question = {"definition": "S1", "from_snapshot": str(body["id"])}
        assert client.get("/api/sharing/change", params=question).json()["code"] == "unknown_snapshot"


def test_a_change_since_a_snapshot_is_a_correction(province: Session) -> None:
    kept = freeze(province, DAY, "x")
    registry.pole(province, "P-LATE", 107.51, 16.42, "VNPT;VIETTEL")
    with client_in(province, PLANNER) as client:
        question = {"definition": "P2", "from_snapshot": str(kept.id), "to": str(DAY)}
        body = client.get("/api/sharing/change", params=question).json()
    assert {p["part"]: p["numerator"] for p in body["parts"] if p["objects"]} == {"correction": 1}
    before = scopes(kept)["P2", "province", None]
    assert [body["from"][k] for k in ("numerator", "denominator")] == [before["numerator"], before["denominator"]]


def test_a_definition_that_changed_since_is_not_recomputed(province: Session) -> None:
    kept = freeze(province, DAY, "x")
    assert moment_of(province, kept.id, definition("S1")) == (DAY, kept.known_at)
    import dataclasses

    with pytest.raises(Conflict) as changed:
        moment_of(province, kept.id, dataclasses.replace(definition("S1"), version=2))
    assert changed.value.code == "definition_changed_since"
    with pytest.raises(NotFound):
        moment_of(province, 10**9, definition("S1"))
