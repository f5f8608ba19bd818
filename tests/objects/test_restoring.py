"""An earlier state is written again as a new change: to the bit, within today's rules and the caller's rights."""

from __future__ import annotations

import datetime as dt
import os
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import enter, session_scope, system
from app.errors import Conflict
from app.objects import editing, restoring, service
from app.objects.kinds import KINDS
from app.objects.schemas import Attributes, Ending, Restoring
from tests.objects.conftest import As, patched, read, scopes
from tests.objects.test_history import history
from tests.registry.two_networks import Networks, build

HERE = {"type": "Point", "coordinates": [107.6, 16.45]}


@pytest.fixture
def pole(networks: Networks) -> str:
    return f"/api/objects/poles/{networks.rows['pole']['viettel']}"


def restore(client: TestClient, path: str, **body: Any) -> Any:
    version, _ = read(client, path)
    return client.post(f"{path}/restore", json={"reason": "nhầm", **body}, headers={"If-Match": version})


def stored(session: Session, path: str) -> str:
    """Return the hex EWKB of an object's geometry."""
    layer, key = path.split("/")[-2:]
    statement = f"SELECT geom::text FROM registry.{KINDS[layer].table.name} WHERE id = :id"
    return str(session.scalar(text(statement), {"id": int(key)}))


def test_an_update_is_undone_by_the_state_before_it(acting: As, session: Session, pole: str) -> None:
    client = acting("viettel")
    first_version, first = read(client, pole)
    patched(client, pole, height_m=9, street="Lê Lợi")
    patched(client, pole, street="Trần Phú", material="gỗ")
    insert = history(client, pole)[-1]["id"]
    answer = restore(client, pole, change_id=insert, batch="b-9")
    assert answer.status_code == 200, answer.text
    assert answer.json()["restored"] == ["height_m", "material", "street"]
    assert answer.json()["left_out"] == []
    assert (answer.headers["ETag"], read(client, pole)) == (first_version, (first_version, first))
    newest = history(client, pole)[0]
    assert (newest["operation"], newest["reason"], newest["batch"]) == ("update", "nhầm", "b-9")
    assert {c["field"]: c["after"] for c in newest["changes"]} == {"height_m": None, "material": None, "street": None}
    row = session.execute(text("SELECT * FROM audit.change ORDER BY id DESC LIMIT 1")).one()
    assert (row.actor, row.before["height_m"], row.after["height_m"]) == ("user:1", 9, None)
    assert len(history(client, pole)) == 4  # nothing of the past was rewritten


def test_the_state_a_middle_change_left(acting: As, pole: str) -> None:
    client = acting("viettel")
    patched(client, pole, height_m=9, street="Lê Lợi")
    middle = history(client, pole)[0]["id"]
    version, feature = read(client, pole)
    patched(client, pole, height_m=10, street=None)
    restore(client, pole, change_id=middle)
    assert read(client, pole) == (version, feature)


def test_an_end_is_taken_back(acting: As, pole: str) -> None:
    client = acting("viettel")
    version, feature = read(client, pole)
    client.delete(pole, params={"reason": "x", "on": "2026-01-01"}, headers={"If-Match": version})
    answer = restore(client, pole, change_id=history(client, pole)[-1]["id"])
    assert (answer.json()["restored"], read(client, pole)) == (["valid_to"], (version, feature))


def test_a_geometry_to_the_bit_with_its_surveyed_coordinates(
    acting: As, networks: Networks, session: Session, pole: str
) -> None:
    client = acting("viettel")
    patched(client, pole, position={"x": 560123.4567891, "y": 1820987.6543219, "crs": "EPSG:9214"})
    moment: dt.datetime = session.scalar(text("SELECT clock_timestamp()"))
    before, feature = stored(session, pole), read(client, pole)
    patched(client, pole, geometry=HERE)
    assert stored(session, pole) != before
    answer = restore(client, pole, known_at=moment.isoformat())
    assert answer.json()["restored"] == ["geometry", "raw_crs", "raw_x", "raw_y"]
    assert (stored(session, pole), read(client, pole)) == (before, feature)
    duct = f"/api/objects/ducts/{networks.rows['duct']['viettel']}"
    before, feature = stored(session, duct), read(client, duct)
    line = {"type": "LineString", "coordinates": [[107.5 + 1 / 3, 16.4 + 1 / 7], [107.6, 16.45], [107.61, 16.46]]}
    assert patched(client, duct, geometry=line)["properties"]["length_m"] > 1000
    restore(client, duct, change_id=history(client, duct)[-1]["id"])
    assert (stored(session, duct), read(client, duct)) == (before, feature)  # its length follows by itself


def test_restoring_what_is_already_so_is_no_change(acting: As, pole: str) -> None:
    client = acting("viettel")
    answer = restore(client, pole, change_id=history(client, pole)[0]["id"])
    assert (answer.status_code, answer.json()["restored"]) == (200, [])
    assert len(history(client, pole)) == 1


def test_a_code_taken_since(acting: As, pole: str) -> None:
    client = acting("viettel")
    patched(client, pole, code="OTHER")
    taken = client.post("/api/objects/poles", json={"code": "viettel-P", "geometry": HERE})
    assert taken.status_code == 201
    before = read(client, pole)
    answer = restore(client, pole, change_id=history(client, pole)[-1]["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "cannot_restore")
    assert [r["code"] for r in answer.json()["reasons"]] == ["duplicate"]
    assert read(client, pole) == before


def test_a_reference_lost_since(acting: As, networks: Networks, session: Session) -> None:
    """The site a mast stood on was sold: neither the mast goes back there, nor is its buyer told."""
    client, who = acting("viettel"), networks.organisations
    other = client.post("/api/objects/sites", json={"code": "NEW", "geometry": HERE}).json()["id"]
    mast = client.post("/api/objects/structures", json={"code": "M", "site_id": other, "geometry": HERE})
    path = mast.headers["Location"]
    patched(client, path, site_id=networks.rows["site"]["viettel"])
    session.execute(text("UPDATE registry.site SET owner_id = :o WHERE id = :id"), {"o": who["VNPT"], "id": other})
    answer = restore(client, path, change_id=history(client, path)[-1]["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "cannot_restore")
    assert [(r["code"], r["field"]) for r in answer.json()["reasons"]] == [("unknown_reference", "site_id")]
    assert "NEW" not in answer.text
    assert "VNPT" not in answer.text


def test_only_the_department_gives_an_object_back(acting: As, networks: Networks) -> None:
    path = f"/api/objects/manholes/{networks.rows['manhole']['vnpt']}"
    insert = history(acting("planner"), path)[-1]["id"]
    patched(acting("planner"), path, owner_id=networks.organisations["VIETTEL"], source="mua bán", reason="mua bán")
    sale = history(acting("viettel"), path)[0]["id"]
    patched(acting("planner"), path, source="sửa", reason="nguồn")
    mine = restore(acting("viettel"), path, change_id=sale)
    assert (mine.json()["restored"], mine.json()["left_out"]) == ([], ["source"])
    assert restore(acting("viettel"), path, change_id=insert).json()["code"] == "unknown_change"  # it was VNPT's then
    back = restore(acting("planner"), path, change_id=insert)
    assert back.json()["restored"] == ["owner_id", "source"]
    assert read(acting("vnpt"), path)[1]["properties"]["owner"] == "VNPT"


def test_an_officer_restores_the_figures_only(acting: As, networks: Networks) -> None:
    path = f"/api/objects/villages/{networks.rows['village']['here']}"
    patched(acting("planner"), path, population=10, code="MOI")
    answer = restore(acting("officer"), path, change_id=history(acting("officer"), path)[-1]["id"])
    assert (answer.json()["restored"], answer.json()["left_out"]) == (["population"], ["code"])


def test_what_cannot_be_asked(acting: As, networks: Networks, pole: str) -> None:
    client = acting("viettel")
    foreign = history(client, f"/api/objects/manholes/{networks.rows['manhole']['viettel']}")[0]["id"]
    assert restore(client, pole, change_id=foreign).json()["code"] == "unknown_change"
    assert restore(client, pole, known_at="2001-01-01T00:00:00Z").json()["code"] == "not_known_then"
    assert restore(client, pole).json()["code"] == "change_or_moment"
    assert restore(client, pole, change_id=1, known_at="2026-01-01T00:00:00Z").json()["code"] == "change_or_moment"
    assert restore(client, pole, change_id=1, owner_id=2).status_code == 422
    assert restore(client, pole, change_id=1, reason="").status_code == 422
    stale = client.post(f"{pole}/restore", json={"change_id": history(client, pole)[0]["id"], "reason": "x"},
                        headers={"If-Match": '"0"'})  # fmt: skip
    assert stale.status_code == 412


def test_a_removal_by_hand_left_no_state(own_database: str) -> None:
    """Only the tables' owner can remove a row, past the application; put back, its removal is no state to restore."""
    with session_scope() as session:
        key = build(session).rows["manhole"]["viettel"]
    with psycopg.connect(os.environ["HATANG_OWNER_DATABASE_URL"]) as owner:
        columns = "id, code, owner_id, geom"
        owner.execute(f"CREATE TEMP TABLE kept AS SELECT {columns} FROM registry.manhole WHERE id = {key}")
        owner.execute("UPDATE registry.duct SET from_manhole_id = NULL")
        owner.execute(f"DELETE FROM registry.manhole WHERE id = {key}")
        owner.execute(f"INSERT INTO registry.manhole ({columns}) SELECT {columns} FROM kept")
    with session_scope() as session:
        removed = session.scalar(text("SELECT id FROM audit.change WHERE operation = 'remove'"))
        asked = Restoring(change_id=removed, reason="x")
        with pytest.raises(Conflict) as caught:
            restoring.restore(session, KINDS["manholes"], key, asked, "*")
    assert caught.value.code == "nothing_left_then"


PATCHES = st.fixed_dictionaries(
    {},
    optional={
        "height_m": st.none() | st.floats(0.5, 60),
        "cable_capacity": st.none() | st.integers(0, 200),
        "street": st.none() | st.sampled_from(["Lê Lợi", "Nguyễn Huệ", "a'b\"c\\", "Đường số 1"]),
        "material": st.none() | st.text("ắẵđ%_'\\", min_size=1, max_size=5),
        "surveyed_on": st.none() | st.dates(dt.date(2000, 1, 1), dt.date(2100, 1, 1)).map(str),
        "geometry": st.tuples(st.floats(103, 117), st.floats(8, 23)).map(
            lambda p: {"type": "Point", "coordinates": list(p)}
        ),
        "position": st.tuples(st.floats(4e5, 7e5), st.floats(1.7e6, 1.9e6)).map(
            lambda p: {"x": p[0], "y": p[1], "crs": "EPSG:9214"}
        ),
    },
).filter(lambda patch: not {"geometry", "position"} <= patch.keys())


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(patches=st.lists(PATCHES, min_size=1, max_size=5), ended=st.booleans())
def test_whatever_was_changed_the_first_state_comes_back(
    session: Session, networks: Networks, patches: list[dict[str, Any]], ended: bool
) -> None:
    kind, key = KINDS["poles"], networks.rows["pole"]["viettel"]
    nested = session.begin_nested()
    enter(session, scopes(networks)["viettel"])
    first, feature = service.present(session, kind, key)
    version = first
    for patch in patches:
        version, _ = editing.change(session, kind, key, Attributes(**patch), version)
    if ended:
        version, _ = editing.end(session, kind, key, Ending(reason="x"), version)
    insert = session.scalar(text("SELECT min(id) FROM audit.change WHERE table_name = 'registry.pole'"
                                 " AND row_id = :id"), {"id": key})  # fmt: skip
    asked = Restoring(change_id=insert, reason="x")
    restored, found = restoring.restore(session, kind, key, asked, version)
    assert (restored, {k: found[k] for k in feature}) == (first, feature)
    nested.rollback()
    enter(session, system())
