"""What the registry knew: lists, items, exports, tiles and ratios of an earlier moment, for each caller."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from app.cli import app as commands
from app.coverage.models import CoverageRun, Verdict
from app.database import session_scope
from app.errors import AppError
from tests.publish.callers import OTHER, PLANNER, PUBLIC, as_caller, codes, everybody, export, mvt, operator
from tests.publish.test_tiles import address
from tests.registry.two_networks import PLACES, Networks, build

BENT = "ST_SetSRID(ST_MakeLine(ST_Point(107.5, 16.4), ST_Point(107.1 + 1e-15, 16.1 / 3 * 3)), 4326)"
CHANGES = """
UPDATE registry.pole SET height_m = 12, street = 'Đường mới' WHERE code = 'viettel-P';
UPDATE registry.pole SET height_m = 13 WHERE code = 'viettel-P';
UPDATE registry.pole SET geom = ST_SetSRID(ST_Point(107.99, 16.99), 4326) WHERE code = 'rented-P';
UPDATE registry.pole SET valid_to = '2020-01-01' WHERE code = 'vnpt-P';
INSERT INTO registry.pole (code, owner_id, geom)
SELECT 'later-P', owner_id, ST_SetSRID(ST_Point(107.5212, 16.4212), 4326) FROM registry.pole WHERE code = 'viettel-P';
UPDATE registry.village SET name = 'Thôn Đổi Tên', population = 999 WHERE code = 'here';
UPDATE registry.unit SET name = 'Xã Đổi Tên', geom = ST_Multi(ST_Expand(ST_Centroid(geom), 0.001)) WHERE code = '1';
UPDATE registry.base_station SET valid_to = '2020-01-01' WHERE code LIKE 'SHARED-SITE-%' AND operator_id =
    (SELECT id FROM registry.organisation WHERE code = 'VNPT');
UPDATE registry.structure_occupancy SET valid_to = '2020-01-01' WHERE tenant_id =
    (SELECT id FROM registry.organisation WHERE code = 'VNPT');
UPDATE registry.site SET geom = ST_SetSRID(ST_Point(107.6, 16.5), 4326) WHERE code = 'VIETTEL-SITE';
"""


@pytest.fixture
def networks(session: Session) -> Networks:
    found = build(session)
    session.execute(text("UPDATE registry.pole SET height_m = 8"))
    return found


def moment(session: Session) -> str:
    found: dt.datetime = session.scalar(text("SELECT clock_timestamp()"))
    return found.isoformat()


@pytest.fixture
def before(session: Session, networks: Networks) -> str:
    """Change much, and return the moment before it."""
    found = moment(session)
    for statement in CHANGES.split(";\n"):
        if statement.strip():
            session.execute(text(statement))
    return found


def poles(client: TestClient, **params: str) -> dict[str, dict[str, Any]]:
    return {f["properties"]["code"]: f for f in export(client, "poles", **params)["features"]}


def test_an_export_of_the_past(session: Session, before: str) -> None:
    with as_caller(session, PLANNER) as client:
        now, then = poles(client), poles(client, known_at=before)
        told = export(client, "poles", known_at=before)["metadata"]["known_at"]
        again = poles(client)
    assert now.keys() == {"viettel-P", "rented-P", "later-P"}
    assert then.keys() == {"viettel-P", "rented-P", "vnpt-P"}, "inserted later is absent, ended later in force"
    assert (now["viettel-P"]["properties"]["height_m"], then["viettel-P"]["properties"]["height_m"]) == (13, 8)
    assert then["rented-P"]["geometry"]["coordinates"] == [PLACES["rented"][0], round(PLACES["rented"][1] + 0.001, 7)]
    assert dt.datetime.fromisoformat(told) == dt.datetime.fromisoformat(before)
    assert again == now, "the next question is about now again"


def test_each_state_between_two_changes(session: Session, networks: Networks) -> None:
    moments = []
    for height in (9, 10, 11):
        moments.append(moment(session))
        session.execute(text("UPDATE registry.pole SET height_m = :h WHERE code = 'viettel-P'"), {"h": height})
    with as_caller(session, operator(networks)) as client:
        heights = [poles(client, known_at=m)["viettel-P"]["properties"]["height_m"] for m in moments]
    assert heights == [8, 9, 10]


def test_lists_and_items_of_the_past(session: Session, networks: Networks, before: str) -> None:
    village = networks.rows["village"]["here"]
    with as_caller(session, OTHER) as client:
        for params, name, commune, found in (
            ({}, "Thôn Đổi Tên", "Xã Đổi Tên", 1), ({"known_at": before}, "Thôn here", "Xã Đây", 0),
        ):  # fmt: skip
            listed = client.get("/api/villages", params=params).json()
            properties = next(f["properties"] for f in listed["features"] if f["id"] == village)
            item = client.get(f"/api/villages/{village}", params=params).json()["properties"]
            for shown in (properties, item):
                assert (shown["name"], shown["commune_name"]) == (name, commune)
            assert client.get("/api/villages", params=params | {"q": "doi ten"}).json()["numberMatched"] == found
            (unit,) = [f for f in client.get("/api/communes", params=params).json()["features"]
                       if f["properties"]["code"] == "1"]  # fmt: skip
            assert unit["properties"]["name"] == name.replace("Thôn", "Xã").replace("here", "Đây")
            in_commune = codes(export(client, "poles", commune="1", **params))
            assert ("viettel-P" in in_commune) == bool(params), "the boundary of then was larger"
        links = client.get("/api/villages", params={"limit": "1", "known_at": before}).json()["links"]
        follow = next(link["href"] for link in links if link["rel"] == "next")
        assert client.get(follow).json()["features"][0]["properties"]["name"] in {"Thôn there", "Thôn here"}


def test_a_geometry_of_the_past_is_exact(session: Session, networks: Networks) -> None:
    duct = networks.rows["duct"]["viettel"]
    session.execute(text(f"UPDATE registry.duct SET geom = {BENT} WHERE id = :id"), {"id": duct})
    query = "SELECT geom::text, length_m FROM {} WHERE id = :id"
    was = session.execute(text(query.format("registry.duct")), {"id": duct}).one()
    known = dt.datetime.fromisoformat(moment(session))
    session.execute(text("UPDATE registry.duct SET geom = ST_Reverse(ST_Translate(geom, 0.01, 0)) WHERE id = :id"),
                    {"id": duct})  # fmt: skip
    from app.database import look_back

    look_back(session, known)
    assert tuple(session.execute(text(query.format("duct")), {"id": duct}).one()) == tuple(was)
    look_back(session, None)
    assert tuple(session.execute(text(query.format("duct")), {"id": duct}).one()) != tuple(was)


def test_tiles_of_the_past_whatever_was_asked_before(session: Session, before: str) -> None:
    """The functions are planned in one search path and asked in another: a kept plan would read the wrong tables."""
    lon, lat = PLACES["viettel"]

    def seen(client: TestClient, layer: str, name: str, query: str) -> dict[str, Any]:
        content = client.get(f"/tiles/{layer}/{address(lon, lat, 10)}.mvt{query}").content
        return {f.get("code") or "cell": f for f in mvt(content, name)}

    with as_caller(session, PLANNER) as client:
        url = f"/tiles/poles/{address(lon, lat + 0.001, 14)}.mvt"
        past = f"?known_at={before.replace('+', '%2B')}"
        for _ in range(3):
            now = {f["code"]: f["height_m"] for f in mvt(client.get(url).content, "poles")}
            then = {f["code"]: f["height_m"] for f in mvt(client.get(url + past).content, "poles")}
            assert now.keys() == {"viettel-P", "later-P"}
            assert (now["viettel-P"], then) == (13, {"viettel-P": 8})
        villages = f"/tiles/villages/{address(107.55, 16.45, 10)}.mvt"
        assert {f["name"] for f in mvt(client.get(villages).content, "village_points")} >= {"Thôn Đổi Tên"}
        assert {f["name"] for f in mvt(client.get(villages + past).content, "village_points")} >= {"Thôn here"}
        assert seen(client, "communes", "commune_labels", past)["1"]["name"] == "Xã Đây"
        shared = {q: seen(client, "sites", "sites", q).get("SHARED-SITE", {}) for q in ("", past)}
        assert (shared[""]["operators"], shared[past]["operators"]) == ("VIETTEL", "VIETTEL,VNPT")


def test_blurred_sites_of_the_past(session: Session, networks: Networks, before: str) -> None:
    """Read past row scope by a function of the tables' owner, so it looks back by itself."""
    with as_caller(session, operator(networks)) as client:
        now, then = export(client, "sites_blurred"), export(client, "sites_blurred", known_at=before)
        url = f"/tiles/sites/{address(*PLACES['viettel'], 8)}.mvt"
        drawn = [mvt(client.get(url, params=p).content, "sites_blurred") for p in ({}, {"known_at": before})]
    cells = [{f["id"]: f["properties"]["count"] for f in body["features"]} for body in (now, then)]
    assert [sum(c.values()) for c in cells] == [3, 3]
    assert len(cells[0].keys() ^ cells[1].keys()) == 2, "VIETTEL's site moved from one cell to another"
    assert [{f["mvt_id"]: f["count"] for f in tile} for tile in drawn] == cells


def test_verdicts_rest_on_the_run_known_then(session: Session, networks: Networks) -> None:
    village = networks.rows["village"]["here"]

    def run(verdict: str) -> int:
        made = CoverageRun(status="done", finished_at=dt.datetime.fromisoformat(moment(session)), rule="village-80",
                           as_of=dt.date(2026, 1, 1), rule_version=1, rule_value={}, model="x", model_version="1",
                           terrain_version="", inputs_sha256="")  # fmt: skip
        session.add(made)
        session.flush()
        session.add(Verdict(run_id=made.id, village_id=village, verdict=verdict, share=0.5, why={}))
        session.flush()
        return made.id

    old = run("not_covered")
    between = moment(session)
    new = run("covered")
    with as_caller(session, PLANNER) as client:
        for params, number, verdict in (({}, new, "covered"), ({"known_at": between}, old, "not_covered")):
            body = client.get(f"/api/villages/{village}", params=params).json()
            assert (body["run"]["id"], body["properties"]["verdict"]) == (number, verdict)
            assert client.get("/api/meta", params=params).json()["run"]["id"] == number


def test_ratios_of_the_past(session: Session, networks: Networks, before: str) -> None:
    def s1(client: TestClient, **params: str) -> tuple[float, float]:
        body = client.get("/api/sharing", params={"definition": "S1", "as_of": "2026-06-01"} | params).json()
        return body["ratios"][0]["numerator"], body["ratios"][0]["denominator"]

    with as_caller(session, OTHER) as client:
        assert (s1(client), s1(client, known_at=before)) == ((0, 3), (1, 3))
        href = client.get("/api/sharing", params={"definition": "S1", "known_at": before}).json()["ratios"][0][
            "objects"
        ]
        listed = client.get(href).json()
        assert [f["properties"]["code"] for f in listed["features"]] == ["SHARED-SITE"]
        assert client.get("/api/sharing/a3/objects").json()["numberMatched"] == 0
    with as_caller(session, PLANNER) as client:
        assert (s1(client), s1(client, known_at=before)) == ((0, 4), (1, 4)), "the department counts the restricted one"


def test_an_operator_sees_its_own_past_only(session: Session, networks: Networks, before: str) -> None:
    with as_caller(session, operator(networks)) as client:
        for params in ({}, {"known_at": before}):
            raw = client.get("/api/exports/poles.geojson", params=params).text
            for word in ("vnpt-P", "secret"):
                assert word not in raw
        then = poles(client, known_at=before)
        assert then.keys() == {"viettel-P"}, "a changed pole of another is its owner's history, rented or not"
        tile = client.get(f"/tiles/poles/{address(*PLACES['vnpt'], 14)}.mvt", params={"known_at": before}).content
        assert b"vnpt" not in tile
    with as_caller(session, operator(networks, "VNPT")) as client:
        assert poles(client, known_at=before).keys() == {"rented-P", "vnpt-P"}


def test_what_is_restricted_now_is_in_nobodys_past(session: Session, networks: Networks) -> None:
    """Open then, restricted since: no past export, tile, ratio or list shows it, unchanged or changed rows alike."""
    known = moment(session)
    session.execute(text("UPDATE registry.pole SET restricted = true WHERE code = 'viettel-P'"))
    session.execute(text("UPDATE registry.site SET restricted = true WHERE code = 'VIETTEL-SITE'"))
    session.execute(text("UPDATE registry.structure SET height_m = 39 WHERE code = 'VIETTEL-SITE-S'"))
    past = {"known_at": known}
    for name, scope in everybody(networks).items():
        if name == "public":
            continue
        with as_caller(session, scope) as client:
            for layer in ("poles", "sites", "structures"):
                raw = client.get(f"/api/exports/{layer}.geojson", params=past).text
                assert "viettel-P" not in raw, (name, layer)
                assert "VIETTEL-SITE" not in raw, (name, layer)
            blurred = export(client, "sites_blurred", **past)
            assert sum(f["properties"]["count"] for f in blurred["features"]) == 2, name
            if name in {"planner", "administrator"}:
                continue
            for layer in ("poles", "sites"):
                url = f"/tiles/{layer}/{address(*PLACES['viettel'], 14)}.mvt"
                content = client.get(url, params=past).content
                assert b"viettel-P" not in content, name
                assert b"VIETTEL-SITE" not in content, name
            listed = client.get("/api/sharing/a3/objects", params=past | {"counted": "denominator"}).json()
            assert "VIETTEL-SITE" not in {f["properties"]["code"] for f in listed["features"]}, name
    with as_caller(session, OTHER) as client:
        assert client.get("/api/sharing", params=past | {"definition": "S1"}).json()["ratios"][0]["denominator"] == 2


ADDRESSES = [
    "/api/meta", "/api/villages", "/api/villages/1", "/api/communes", "/api/exports/villages.geojson",
    "/api/exports/poles.geojson", "/api/sharing", "/tiles/villages/3/6/3.mvt", "/tiles/sites/3/6/3.mvt",
    "/tiles/communes/3/6/3.mvt",
]  # fmt: skip


@pytest.mark.parametrize("path", ADDRESSES)
def test_the_public_may_not_ask_the_past(session: Session, networks: Networks, path: str) -> None:
    with as_caller(session, PUBLIC) as client:
        answer = client.get(path, params={"known_at": "2026-01-01T00:00:00Z"})
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_required")
        assert answer.json()["message"]["vi"] != answer.json()["message"]["en"]


@pytest.mark.parametrize("path", [*ADDRESSES, "/api/sharing/a3/objects"])
def test_moments_that_cannot_be(session: Session, path: str) -> None:
    with as_caller(session, PLANNER) as client:
        for told, code in (("2026-01-01T00:00:00", "instant_without_zone"), ("9000-01-01T00:00:00Z",
                           "instant_in_future"), ("1990-01-01T00:00:00Z", "instant_too_early"),
                           ("1'; DROP TABLE registry.pole; --", "not_an_instant")):  # fmt: skip
            answer = client.get(path, params={"known_at": told})
            assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, "known_at")


def test_commands_look_back_too(own_database: str, tmp_path: Path) -> None:
    with session_scope() as session:
        build(session)
    with session_scope() as session:
        known = moment(session)
        session.execute(text("UPDATE registry.pole SET valid_to = '2020-01-01' WHERE code = 'vnpt-P'"))
        session.execute(text("UPDATE registry.base_station SET valid_to = '2020-01-01'"))
        session.execute(text("UPDATE registry.structure_occupancy SET valid_to = '2020-01-01'"))

    def run(*arguments: str) -> dict[str, Any]:
        result = CliRunner().invoke(commands, [*arguments, "--json"])
        if isinstance(result.exception, AppError):
            raise result.exception
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads(result.output[result.output.index("{") :])
        return found

    out = str(tmp_path / "poles.geojson")
    assert run("export", "poles", "-o", out)["features"] == 2
    assert run("export", "poles", "-o", out, "--known-at", known)["features"] == 3
    assert run("sharing", "--definition", "S1")["ratios"][0]["denominator"] == 0
    assert run("sharing", "--definition", "S1", "--known-at", known)["ratios"][0]["denominator"] == 4
    with pytest.raises(AppError, match="lacks its zone"):
        run("sharing", "--known-at", "2026-01-01T00:00")
