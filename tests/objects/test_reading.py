"""What each caller reads of which object, and that nothing of the others comes out by any side door."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.objects.kinds import KINDS, LAYERS
from tests.objects.conftest import As, patched, read
from tests.registry.two_networks import Networks

NETWORK = tuple(k for k in LAYERS if not KINDS[k].everybody and k != "facility_connections")
CALLERS = ("viettel", "vnpt", "officer", "other", "planner")
INJECTIONS = ("'; DROP TABLE pole --", "code; SELECT 1", "owner_id) OR (TRUE", "(SELECT code FROM site)", "-(id)",
              "geom", "price_vnd_month", "pg_sleep(9)", "code COLLATE", "%", "_", "\\", "x' OR '1'='1",
              ":limit")  # fmt: skip


def table_of(layer: str) -> str:
    return KINDS[layer].table.name


def visible(networks: Networks, caller: str, layer: str) -> set[str]:
    """Names of the rows the caller sees, by the rules of row scope."""
    rows = networks.rows[table_of(layer)]
    if caller == "planner":
        return set(rows)
    if caller == "other":
        return {n for n in rows if "secret" not in n}
    assert caller == "viettel"
    return {n for n in rows if n in networks.viettel_sees[table_of(layer)]}


@pytest.mark.parametrize("layer", NETWORK)
@pytest.mark.parametrize("caller", ["viettel", "other", "planner"])
def test_items_and_lists_show_the_same_objects(acting: As, networks: Networks, layer: str, caller: str) -> None:
    rows, seen = networks.rows[table_of(layer)], visible(networks, caller, layer)
    client = acting(caller)
    for name, key in rows.items():
        assert client.get(f"/api/objects/{layer}/{key}").status_code == (200 if name in seen else 404), name
    listed = client.get(f"/api/objects/{layer}").json()
    assert {f["id"] for f in listed["features"]} == {rows[n] for n in seen}
    assert listed["numberMatched"] == len(seen)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("caller", CALLERS)
def test_a_hidden_object_answers_like_one_that_does_not_exist(
    acting: As, networks: Networks, layer: str, caller: str
) -> None:
    client = acting(caller)
    for suffix in ("", "/history", "/history/1"):
        absent = client.get(f"/api/objects/{layer}/9999999{suffix}")
        assert absent.status_code == 404
        for key in networks.rows.get(table_of(layer), {}).values():
            answer = client.get(f"/api/objects/{layer}/{key}{suffix}")
            if answer.status_code == 404:
                assert answer.content == absent.content
                assert dict(answer.headers) == dict(absent.headers)


@pytest.mark.parametrize("layer", LAYERS)
def test_no_word_of_the_other_in_any_answer(acting: As, networks: Networks, session: Session, layer: str) -> None:
    """Search, order, filters and errors of VIETTEL, read as text: no code of VNPT's own or restricted objects."""
    client = acting("viettel")
    answers = []
    for q in ("npt-", "NPT-SIT", "ecret", "ECRET-SIT", "s", *INJECTIONS):  # answers may quote what was asked
        answers.append(client.get(f"/api/objects/{layer}", params={"q": q}))
        answers.append(client.get(f"/api/objects/{layer}", params={"sort": q}))
        answers.append(client.get(f"/api/objects/{layer}", params={"commune": q}))
        answers.append(client.get(f"/api/objects/{layer}", params={"bbox": q}))
    answers.append(client.get(f"/api/objects/{layer}", params={"bbox": "107.7,16.4,107.8,16.5"}))
    for key in networks.rows.get(table_of(layer), {}).values():
        answers.append(client.get(f"/api/objects/{layer}", params={"parent": key}))
    assert {a.status_code for a in answers} <= {200, 404, 422}
    told = "\n".join(a.text for a in answers)
    for hidden in ("vnpt-", "secret-", "VNPT-SITE", "SECRET-SITE", "F-SECRET", "Hầm"):
        assert hidden not in told, hidden
    assert session.scalar(text("SELECT count(*) FROM registry.pole")) == 4


@pytest.mark.parametrize("sort", INJECTIONS)
def test_an_unknown_order_is_refused(acting: As, sort: str) -> None:
    answer = acting("planner").get("/api/objects/poles", params={"sort": sort})
    assert answer.status_code == 422
    assert answer.json()["code"] == "unknown_sort"


def test_special_characters_of_like_mean_themselves(acting: As) -> None:
    for q in ("%", "_", "\\"):
        assert acting("planner").get("/api/objects/poles", params={"q": q}).json()["numberMatched"] == 0


@pytest.mark.parametrize("written", ["Đường Thuỷ Vân", "đường thủy vân", "DUONG THUY VAN", "thuy"])
def test_search_ignores_marks_and_case(acting: As, networks: Networks, written: str) -> None:
    pole = networks.rows["pole"]["viettel"]
    patched(acting("viettel"), f"/api/objects/poles/{pole}", street="Đường Thủy Vân")
    found = acting("viettel").get("/api/objects/poles", params={"q": written}).json()
    assert [f["id"] for f in found["features"]] == [pole]


def test_order_and_pages(acting: As, networks: Networks) -> None:
    client, path = acting("planner"), "/api/objects/poles"
    codes = [f["properties"]["code"] for f in client.get(path, params={"sort": "-code"}).json()["features"]]
    assert codes == sorted(codes, reverse=True)
    first = client.get(path, params={"sort": "code", "limit": 3}).json()
    following = client.get(next(link["href"] for link in first["links"] if link["rel"] == "next")).json()
    assert [f["properties"]["code"] for f in first["features"] + following["features"]] == codes[::-1]


def test_filters_by_place_reach_parts_without_a_position(acting: As, networks: Networks) -> None:
    client = acting("planner")
    here = {"bbox": "107.515,16.415,107.525,16.425"}
    for layer in (
        "sites",
        "structures",
        "base_stations",
        "cells",
        "structure_occupancies",
        "bores",
        "pole_occupancies",
    ):
        found = {f["id"] for f in client.get(f"/api/objects/{layer}", params=here).json()["features"]}
        assert found == {networks.rows[table_of(layer)]["viettel"]}, layer
    inside = client.get("/api/objects/cells", params={"commune": "Xa Day"}).json()
    assert inside["numberMatched"] == 3
    assert client.get("/api/objects/villages", params={"commune": "1"}).json()["numberMatched"] == 1
    parent = {"parent": networks.rows["site"]["shared"]}
    assert client.get("/api/objects/base_stations", params=parent).json()["numberMatched"] == 2
    for layer, params in (("organisations", here), ("bores", {"q": "x"}), ("sites", {"parent": 1}), ("trenches", here)):
        assert client.get(f"/api/objects/{layer}", params=params).json()["code"] == "filter_not_here"


def test_a_tenant_is_not_told_what_is_the_owners(acting: As, networks: Networks, session: Session) -> None:
    rows = networks.rows
    session.execute(text("UPDATE registry.structure SET load_capacity_kg = 777"))
    mast = f"/api/objects/structures/{rows['structure']['shared']}"
    own = f"/api/objects/structures/{rows['structure']['viettel']}"
    deal = f"/api/objects/structure_occupancies/{rows['structure_occupancy']['shared']}"
    rent = f"/api/objects/structure_occupancies/{rows['structure_occupancy']['viettel at shared']}"
    cell = f"/api/objects/cells/{rows['cell']['vnpt']}"
    tells: dict[str, dict[str, tuple[str, ...]]] = {
        "load_capacity_kg": {mast: ("vnpt", "planner"), own: ("viettel", "planner")},
        "price_vnd_month": {deal: ("vnpt", "planner"), rent: ("vnpt", "viettel", "planner")},
        "tilt_deg": {cell: ("vnpt", "planner")},
    }
    for attribute, paths in tells.items():
        for path, told in paths.items():
            for caller in CALLERS:
                answer = acting(caller).get(path)
                shown = answer.status_code == 200 and attribute in answer.json()["properties"]
                assert shown == (caller in told), (attribute, path, caller)
    # Ordering and searching by it would tell it as well.
    for caller in ("viettel", "other"):
        assert acting(caller).get("/api/objects/structures", params={"sort": "load_capacity_kg"}).status_code == 422
    assert acting("planner").get("/api/objects/structures", params={"sort": "load_capacity_kg"}).status_code == 200


def test_a_search_of_what_is_the_owners_finds_own_objects_only(
    acting: As, networks: Networks, session: Session
) -> None:
    session.execute(text("UPDATE policy.disclosure SET level = 'owner' WHERE layer = 'sites' AND attribute = 'code'"))
    found = acting("viettel").get("/api/objects/sites", params={"q": "site"}).json()
    assert {f["id"] for f in found["features"]} == {networks.rows["site"]["viettel"]}
    _, shared = read(acting("viettel"), f"/api/objects/sites/{networks.rows['site']['shared']}")
    assert "code" not in shared["properties"]


def test_the_version_is_that_of_what_is_told(acting: As, networks: Networks, session: Session) -> None:
    path = f"/api/objects/structures/{networks.rows['structure']['shared']}"
    before = {c: read(acting(c), path)[0] for c in ("viettel", "vnpt")}
    assert before["viettel"] != before["vnpt"]
    assert before["vnpt"].startswith('"')
    session.execute(text("UPDATE registry.structure SET load_capacity_kg = 5"))
    assert read(acting("viettel"), path)[0] == before["viettel"]  # a version tells, too
    assert read(acting("vnpt"), path)[0] != before["vnpt"]
    session.execute(text("UPDATE registry.structure SET geom = ST_Translate(geom, 1e-13, 0)"))
    assert read(acting("viettel"), path)[0] != before["viettel"]


def test_the_version_at_hand_is_not_sent_again(acting: As, networks: Networks) -> None:
    client, path = acting("viettel"), f"/api/objects/poles/{networks.rows['pole']['viettel']}"
    version, _ = read(client, path)
    for given in (version, f'"x", W/{version}', "*"):
        answer = client.get(path, headers={"If-None-Match": given})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", version)
    assert client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200
    assert "private" in client.get(path).headers["Cache-Control"]
    hidden = f"/api/objects/poles/{networks.rows['pole']['vnpt']}"
    assert client.get(hidden, headers={"If-None-Match": "*"}).status_code == 404


def test_state_of_a_date_and_of_a_moment(acting: As, networks: Networks, session: Session) -> None:
    client, path = acting("viettel"), f"/api/objects/poles/{networks.rows['pole']['viettel']}"
    session.execute(text("UPDATE registry.pole SET valid_from = '2020-01-01', height_m = 8"))
    moment: dt.datetime = session.scalar(text("SELECT clock_timestamp()"))
    _, feature = read(client, path)
    patched(client, path, height_m=9)
    version, _ = read(client, path)
    ended = client.delete(path, params={"on": "2024-01-01", "reason": "đổ"}, headers={"If-Match": version})
    assert ended.json()["properties"]["valid_to"] == "2024-01-01"
    assert client.get(path).status_code == 200  # the record stays, whatever is in force
    assert client.get(path, params={"as_of": "2023-12-31"}).status_code == 200
    for gone in ("2024-01-01", "2019-12-31"):
        assert client.get(path, params={"as_of": gone}).status_code == 404
    then: dict[str, Any] = client.get(path, params={"known_at": moment.isoformat()}).json()
    assert then == feature
    ids = {"now": set(), "then": set()}  # type: dict[str, set[int]]
    ids["now"] = {f["id"] for f in client.get("/api/objects/poles").json()["features"]}
    past = client.get("/api/objects/poles", params={"known_at": moment.isoformat()})
    ids["then"] = {f["id"] for f in past.json()["features"]}
    assert ids["then"] - ids["now"] == {networks.rows["pole"]["viettel"]}
    for bad in ("2999-01-01T00:00:00Z", "yesterday", "2026-01-01"):
        assert client.get(path, params={"known_at": bad}).status_code == 422


def looks(session: Session) -> list[tuple[Any, ...]]:
    statement = "SELECT actor, action, layer, object_id, restricted FROM audit.view_log ORDER BY id"
    return [tuple(row) for row in session.execute(text(statement))]


def test_who_looked_at_others_networks_is_written_down(acting: As, networks: Networks, session: Session) -> None:
    rows = networks.rows["pole"]
    acting("viettel").get(f"/api/objects/poles/{rows['viettel']}")
    acting("viettel").get(f"/api/objects/poles/{rows['vnpt']}")
    acting("planner").get(f"/api/objects/villages/{networks.rows['village']['here']}")
    assert looks(session) == []
    acting("planner").get(f"/api/objects/poles/{rows['secret']}")
    acting("planner").get(f"/api/objects/poles/{rows['secret']}/history")
    acting("other").get("/api/objects/poles")
    acting("planner").get("/api/objects/cells")
    acting("planner").get(f"/api/objects/facilities/{networks.rows['facility']['secret']}")
    assert looks(session) == [
        ("user:5", "item", "poles", rows["secret"], True),
        ("user:5", "history", "poles", rows["secret"], True),
        ("user:4", "list", "poles", None, False),
        ("user:5", "list", "cells", None, True),
        ("user:5", "item", "facilities", networks.rows["facility"]["secret"], True),
    ]


def test_layers_name_what_the_caller_may_write(acting: As) -> None:
    told = {c: {d["layer"]: d for d in acting(c).get("/api/objects").json()} for c in ("viettel", "officer", "planner")}
    assert told["viettel"].keys() == set(LAYERS)

    def changed(caller: str, layer: str) -> set[str]:
        return {a["name"] for a in told[caller][layer]["attributes"] if a["changed"]}

    assert "geometry" in changed("viettel", "sites")
    assert not {"owner_id", "restricted", "id", "valid_from"} & changed("viettel", "sites")
    assert {"owner_id", "restricted"} <= changed("planner", "sites")
    assert changed("officer", "villages") == {"name", "kind", "population", "households"}
    assert changed("viettel", "villages") == changed("officer", "sites") == changed("planner", "organisations") == set()
    assert told["viettel"]["sites"]["adds"]
    assert not told["officer"]["villages"]["adds"]


def test_unknown_layer(acting: As) -> None:
    for layer in ("account", "change", "registry.pole", "poles%3b", "nowhere"):
        answer = acting("planner").get(f"/api/objects/{layer}")
        assert answer.status_code == 404
        assert answer.json()["code"] == "unknown_layer"
