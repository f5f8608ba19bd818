"""Drafts and lists, the routes without sharing, what is built becomes registry, and the command."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import session_scope, system
from app.kit.canonical import sha256_of
from app.kit.page import today
from app.licensing.applications import service
from app.licensing.applications.schemas import ApplicationIn
from app.sharing.surveys import survey
from tests.conftest import Hatang
from tests.licensing.applications.conftest import DRAFT, As, act, asked, begun, refused
from tests.licensing.conftest import LAT, LON, surroundings
from tests.sharing import registry


def test_a_lost_update_is_refused_with_both_versions(acting: As) -> None:
    made = acting("viettel").post("/api/applications", json=DRAFT)
    address, version = f"/api/applications/{made.json()['id']}", made.headers["ETag"]
    assert acting("viettel").patch(address, json={"title": "A"}).status_code == 428
    first = acting("viettel").patch(address, json={"title": "A"}, headers={"If-Match": version})
    assert first.status_code == 200, first.text
    second = acting("viettel").patch(address, json={"title": "B"}, headers={"If-Match": version})
    assert (second.status_code, second.json()["code"]) == (412, "changed_meanwhile")
    assert (second.json()["current"]["title"], second.json()["wanted"]["title"]) == ("A", "B")
    stale = acting("viettel").post(f"{address}/actions/submit", json={}, headers={"If-Match": version})
    assert stale.status_code == 412
    done = acting("viettel").post(f"{address}/actions/submit", json={}, headers={"If-Match": first.headers["ETag"]})
    assert done.status_code == 200
    twice = acting("viettel").post(f"{address}/actions/submit", json={})
    assert (twice.status_code, twice.json()["code"]) == (409, "illegal_transition")
    late = acting("viettel").patch(address, json={"title": "C"}, headers={"If-Match": done.headers["ETag"]})
    assert (late.status_code, late.json()["code"]) == (409, "not_editable")


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"geometry": {"type": "Point", "coordinates": [16.45, 107.55]}}, "swapped_axes", "geometry"),
        ({"geometry": {"type": "Point", "coordinates": [100.5, 13.7]}}, "outside_country", "geometry"),
        ({"geometry": {"type": "Point", "coordinates": [107.5]}}, "not_a_geometry", "geometry"),
        ({"geometry": {"type": "LineString", "coordinates": [[107.5, 16.4], [107.6, 16.4]]}}, "wrong_geometry_type",
         "geometry"),
        ({"geometry": {"type": "Polygon", "coordinates": [[[107.5, 16.4], [107.6, 16.5], [107.6, 16.4], [107.5, 16.5],
                                                          [107.5, 16.4]]]}}, "self_crossing", "geometry"),
        ({"technologies": ["9G"]}, "unknown_technology", "technologies"),
        ({"operator": "NOBODY"}, "unknown_operator", "operator"),
        ({"operator": "EVN"}, "operator_without_radio", "operator"),
        ({"applicant": "VNPT"}, "other_organisation", "applicant"),
    ],
)  # fmt: skip
def test_drafts_that_cannot_be(acting: As, change: dict[str, Any], code: str, field: str) -> None:
    answer = acting("viettel").post("/api/applications", json=DRAFT | change)
    assert answer.status_code in (403, 422), answer.text
    assert (answer.json()["code"], answer.json()["field"]) == (code, field)


@pytest.mark.parametrize("change", [{"height_m": -1}, {"height_m": 400}, {"title": ""}, {"state": "licensed"},
                                    {"kind": "castle"}, {"technologies": [1]}])  # fmt: skip
def test_bodies_that_cannot_be(acting: As, change: dict[str, Any]) -> None:
    assert acting("viettel").post("/api/applications", json=DRAFT | change).status_code == 422


def test_an_operator_taken_back_is_the_applicant(acting: As) -> None:
    made = acting("viettel").post("/api/applications", json=DRAFT | {"operator": "VNPT"})
    assert made.json()["operator"]["code"] == "VNPT"
    changed = acting("viettel").patch(f"/api/applications/{made.json()['id']}", json={"operator": None},
                                      headers={"If-Match": made.headers["ETag"]})  # fmt: skip
    assert changed.json()["operator"]["code"] == "VIETTEL"


def test_a_tower_is_for_somebody_with_a_radio_network(acting: As) -> None:
    made = acting("planner").post("/api/applications", json=DRAFT | {"applicant": "FPT"}).json()
    assert refused(acting("planner"), made["id"], "submit") == (422, "operator_without_radio")
    pole = acting("planner").post("/api/applications", json=DRAFT | {"applicant": "FPT", "kind": "pole"}).json()
    assert act(acting("planner"), pole["id"], "submit")["state"] == "submitted"


def test_an_incomplete_draft_is_not_submitted(acting: As) -> None:
    made = begun(acting("viettel"), purpose="", technologies=[])
    answer = acting("viettel").post(f"/api/applications/{made['id']}/actions/submit", json={})
    assert (answer.status_code, answer.json()["code"]) == (422, "incomplete")
    assert answer.json()["missing"] == ["purpose", "technologies"]


def test_returned_completed_and_submitted_again(acting: As) -> None:
    number = begun(acting("viettel"))["id"]
    act(acting("viettel"), number, "submit")
    assert refused(acting("planner"), number, "return") == (422, "reason_required")
    back = act(acting("planner"), number, "return", note="thiếu bản vẽ")
    assert (back["clock"]["paused"], back["clock"]["due_on"]) == (True, None)
    version = acting("viettel").get(f"/api/applications/{number}").headers["ETag"]
    changed = acting("viettel").patch(f"/api/applications/{number}", json={"height_m": 30},
                                      headers={"If-Match": version})  # fmt: skip
    assert changed.json()["height_m"] == 30
    assert act(acting("viettel"), number, "submit")["clock"]["paused"] is False


def test_the_check_is_kept_whole_with_its_hash(acting: As) -> None:
    number = begun(acting("mobifone"))["id"]
    act(acting("mobifone"), number, "submit")
    check = act(acting("planner"), number, "precheck")["check"]
    assert check["sha256"] == sha256_of(check["answer"])
    event = acting("mobifone").get(f"/api/applications/{number}").json()["events"][-1]
    assert event["details"] == {"advice": "share", "as_of": str(today())}, "neither names nor numbers"


def test_a_search_area_is_checked_as_far_as_it_reaches(acting: As) -> None:
    ring = [[LON + 0.006, LAT], [LON + 0.008, LAT], [LON + 0.008, LAT + 0.002], [LON + 0.006, LAT + 0.002],
            [LON + 0.006, LAT]]  # fmt: skip
    number = begun(acting("mobifone"), geometry={"type": "Polygon", "coordinates": [ring]})["id"]
    act(acting("mobifone"), number, "submit")
    answer = act(acting("planner"), number, "precheck")["check"]["answer"]
    assert answer["proposal"]["area"].startswith("POLYGON")
    assert answer["candidates"][0]["distance_m"] > 300, "from the edge of the area, not from a point in it"
    assert [c["structure"] for c in answer["candidates"]] == ["VNROOM-S"]


def permitted(acting: As, **changes: Any) -> int:
    """Return an application that may build something new although the check advised otherwise."""
    number = int(begun(acting("mobifone"), **changes)["id"])
    act(acting("mobifone"), number, "submit")
    advice = act(acting("planner"), number, "precheck")["check"]["advice"]
    if advice == "share":
        assert refused(acting("planner"), number, "route_permit") == (422, "reason_required")
    act(acting("planner"), number, "route_permit", note="vướng địa hình")
    assert refused(acting("planner"), number, "grant_permit") == (422, "required")
    if advice != "license_shared":
        assert refused(acting("planner"), number, "grant_permit", number="12/GPXD") == (422, "reason_required")
    decided = act(acting("planner"), number, "grant_permit", number="12/GPXD", note="đã xem xét")
    assert decided["decision"]["advice_followed"] is (advice == "license_shared")
    assert decided["decision"]["why"] == "đã xem xét"
    return number


BUILT = {"lon": LON + 0.001, "lat": LAT + 0.001, "height_m": 41.5, "on": str(today())}


def test_a_new_tower_becomes_a_site_with_its_first_tenant(acting: As, session: Session) -> None:
    number = permitted(acting)
    before = survey(session, "site", today()).ratios["S1"].figure
    assert refused(acting("mobifone"), number, "report_built") == (422, "required")
    tomorrow = str(today() + dt.timedelta(days=1))
    assert refused(acting("mobifone"), number, "report_built", as_built=BUILT | {"on": tomorrow}) == (422, "in_future")
    act(acting("mobifone"), number, "report_built", as_built=BUILT | {"code": "MBF-1"})
    act(acting("planner"), number, "reject_as_built", note="sai toạ độ")
    act(acting("mobifone"), number, "report_built", as_built=BUILT | {"code": "MBF-2"})
    closed = act(acting("planner"), number, "record_occupancy", tenant_capacity=3)
    row = session.execute(text("""
        SELECT s.code, o.code, t.height_m, t.tenant_capacity, ST_X(t.geom), x.tenant_id = s.owner_id, s.source
        FROM structure_occupancy x JOIN structure t ON t.id = x.structure_id JOIN site s ON s.id = t.site_id
        JOIN organisation o ON o.id = s.owner_id WHERE x.id = :id"""),
        {"id": closed["recorded"]["structure_occupancy_id"]}).one()  # fmt: skip
    assert tuple(row) == ("MBF-2", "MOBIFONE", 41.5, 3, BUILT["lon"], True, closed["reference"])
    after = survey(session, "site", today()).ratios["S1"].figure
    assert (after.numerator, after.denominator) == (before.numerator, (before.denominator or 0) + 1)
    assert refused(acting("planner"), number, "record_occupancy") == (409, "illegal_transition")
    changes = session.scalars(text("SELECT table_name FROM audit.change WHERE batch = :b ORDER BY id"),
                              {"b": closed["reference"]}).all()  # fmt: skip
    assert changes == ["registry.site", "registry.structure", "registry.structure_occupancy"]


def test_a_code_that_is_taken_records_nothing(acting: As, session: Session) -> None:
    number = permitted(acting)
    registry.site(session, "TAKEN", 107.51, 16.41, owner="MOBIFONE")
    act(acting("mobifone"), number, "report_built", as_built=BUILT | {"code": "TAKEN", "on": "2020-01-01"})
    answer = acting("planner").post(f"/api/applications/{number}/actions/record_occupancy", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate")


def test_poles_and_ducts(acting: As, session: Session) -> None:
    registry.pole(session, "P1", LON, LAT + 0.0003, "EVN:power", owner="EVN", cable_capacity=4)
    registry.pole(session, "P2", LON, LAT + 0.0004, "EVN:power", owner="EVN")
    session.execute(text("UPDATE registry.pole_occupancy SET line_count = 1"))  # what is not counted is not known
    line = [[LON, LAT], [LON + 0.002, LAT]]
    registry.duct(session, "D1", f"{LON} {LAT}, {LON + 0.001} {LAT}", "VNPT", owner_id=registry.organisation(
        session, "VNPT"), bore_count=2)  # fmt: skip
    pole = begun(acting("mobifone"), kind="pole", technologies=[])["id"]
    act(acting("mobifone"), pole, "submit")
    check = act(acting("planner"), pole, "precheck")["check"]
    assert [(c["code"], c["spare_state"]) for c in check["answer"]["candidates"]] == [("P1", "free"), ("P2", "unknown")]
    found = act(acting("planner"), pole, "ask_owners")
    [first, _] = found["requests"]
    assert (first["object"]["code"], first["owner"]["code"]) == ("P1", "EVN")
    acting("planner").post(f"/api/sharing-requests/{first['id']}/answer", json={"slots": 1, "note": "công văn"})
    act(acting("planner"), pole, "decide_share", requests=[first["id"]])
    built = {"lon": LON, "lat": LAT + 0.0003, "on": str(today())}
    act(acting("mobifone"), pole, "report_built", as_built=built)
    assert act(acting("planner"), pole, "record_occupancy")["recorded"]["pole_occupancy_id"]
    duct = permitted(acting, kind="duct", geometry={"type": "LineString", "coordinates": line}, technologies=[])
    for course in ("[[NaN, 16.45], [107.56, 16.45]]", "[[107.55, 1e999], [107.56, 16.45]]"):
        body = f'{{"as_built": {{"lon": {LON}, "lat": {LAT}, "on": "{today()}", "line": {course}}}}}'
        address = f"/api/applications/{duct}/actions/report_built"
        assert acting("mobifone").post(address, content=body).status_code == 422
    act(acting("mobifone"), duct, "report_built", as_built={"lon": LON, "lat": LAT, "on": str(today())})
    closed = act(acting("planner"), duct, "record_occupancy")
    length = session.scalar(text("""
        SELECT d.length_m FROM duct d JOIN duct_occupancy x ON x.duct_id = d.id WHERE x.id = :id"""),
        {"id": closed["recorded"]["duct_occupancy_id"]})  # fmt: skip
    assert 210 < float(length or 0) < 215


def test_exempt_with_notice_and_a_decision_corrected(acting: As) -> None:
    number = begun(acting("mobifone"))["id"]
    act(acting("mobifone"), number, "submit")
    act(acting("planner"), number, "precheck")
    notice = act(acting("planner"), number, "route_exempt", note="ngoài đô thị")
    assert (notice["state"], notice["route"]) == ("route_exempt_notice", "exempt")
    done = act(acting("planner"), number, "refuse", note="nhầm")
    assert (done["state"], done["decision"]["outcome"]) == ("refused", "refused")
    assert refused(acting("planner"), number, "reopen") == (422, "reason_required")
    again = act(acting("planner"), number, "reopen", note="nhập nhầm hồ sơ")
    assert (again["state"], again["decision"], again["route"]) == ("prechecked", None, None)
    assert again["events"][-1]["details"]["outcome"] == "refused", "what was taken back stays readable"
    act(acting("planner"), number, "route_exempt", note="ngoài đô thị")
    assert act(acting("planner"), number, "accept_notice", note="x")["decision"]["outcome"] == "notice"


def test_lists(acting: As, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = [begun(acting("viettel"), title=f"T{i}")["id"] for i in range(3)]
    begun(acting("vnpt"))
    act(acting("viettel"), mine[0], "submit")
    first = acting("viettel").get("/api/applications", params={"limit": 2}).json()
    assert ([i["id"] for i in first["items"]], first["numberMatched"]) == ([mine[2], mine[1]], 3)
    assert [link["rel"] for link in first["links"]] == ["self", "next"]
    found = acting("planner").get("/api/applications", params={"state": "submitted", "operator": "VIETTEL"}).json()
    assert [i["id"] for i in found["items"]] == [mine[0]]
    assert acting("planner").get("/api/applications", params={"overdue": "true"}).json()["items"] == []
    assert acting("planner").get("/api/applications", params={"state": "x"}).status_code == 422
    from app.licensing.applications import told

    monkeypatch.setattr(told, "today", lambda: today() + dt.timedelta(days=40))
    late = acting("planner").get("/api/applications", params={"overdue": "true"}).json()
    assert ([i["id"] for i in late["items"]], late["numberMatched"]) == ([mine[0]], 1)


def test_another_operators_application_does_not_exist(acting: As) -> None:
    number = begun(acting("viettel"))["id"]
    address = f"/api/applications/{number}"
    for answer in (
        acting("vnpt").get(address),
        acting("vnpt").patch(address, json={"title": "x"}, headers={"If-Match": "*"}),
        acting("vnpt").post(f"{address}/actions/submit", json={}),
        acting("vnpt").get("/api/applications/987654321"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_application")


def test_documents_of_another_application_are_not_named(acting: As) -> None:
    from tests.licensing.applications import files

    one, two = (begun(acting("viettel"))["id"] for _ in range(2))
    made = acting("viettel").post(f"/api/applications/{one}/documents", params={"name": "a"}, content=files.jpg())
    assert refused(acting("viettel"), two, "submit", documents=[made.json()["id"]]) == (404, "unknown_document")


def test_command(own_database: str, hatang: Hatang) -> None:
    with session_scope(system()) as session:
        surroundings(session)
        draft = ApplicationIn.model_validate(DRAFT | {"applicant": "VIETTEL"})
        _, made = service.create(session, draft)
    code, shown, _ = hatang("applications", "list", "--json")
    assert (code, [a["reference"] for a in json.loads(shown)]) == (0, [made["reference"]])
    code, shown, _ = hatang("applications", "show", made["reference"].lower(), "--json")
    assert (code, json.loads(shown)["state"]) == (0, "draft")
    assert "HS-" in hatang("applications", "show", str(made["id"]))[1]
    assert hatang("applications", "list", "--state", "won")[0] == 1
    assert hatang("applications", "show", "HS-NONE")[0] == 1
    assert hatang("applications", "list", "--limit", "0")[0] == 2
    code, shown, _ = hatang("applications", "remind", "--json")
    assert (code, json.loads(shown)) == (0, {"reminded": [], "expired": []})


def test_asked_owners_know_synthetic_data(acting: As) -> None:
    assert all(r["asked"]["synthetic"] is False for r in asked(acting)["requests"])
