"""One application from the draft to the registry, by different people who are signed in."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import text

from app.database import session_scope
from app.kit.page import today
from tests.accounts.people import make_person, signed_in
from tests.licensing.applications.conftest import DRAFT, act
from tests.licensing.applications.files import pdf
from tests.licensing.conftest import LAT, LON, surroundings
from tests.licensing.dossier.test_sheet import pdf_text, word_text


def people() -> dict[str, TestClient]:
    with session_scope() as session:
        surroundings(session)
        who = {name: make_person(session, "operator", name) for name in ("MOBIFONE", "VNPT", "VIETTEL")}
        who |= {role: make_person(session, role) for role in ("planner", "other_department")}
    return {name: signed_in(*given) for name, given in who.items()}


def ratio(client: TestClient, definition: str) -> Any:
    answer = client.get("/api/sharing", params={"definition": definition}).json()
    [found] = [r for r in answer["ratios"] if r["definition"] == definition]
    return found["numerator"], found["denominator"]


def test_from_draft_to_occupancy(own_database: str) -> None:
    who = people()
    applicant, owner, planner = who["MOBIFONE"], who["VNPT"], who["planner"]
    made = applicant.post("/api/applications", json=DRAFT)
    assert made.status_code == 201, made.text
    number, reference = made.json()["id"], made.json()["reference"]
    assert reference.startswith("HS-")
    assert made.json()["allowed_actions"] == ["submit", "withdraw"]
    changed = applicant.patch(f"/api/applications/{number}", json={"height_m": 40},
                              headers={"If-Match": made.headers["ETag"]})  # fmt: skip
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    file = applicant.post(f"/api/applications/{number}/documents", params={"name": "Hồ sơ.pdf"}, content=pdf())
    assert file.status_code == 201, file.text
    submitted = act(applicant, number, "submit", documents=[file.json()["id"]])
    assert submitted["state"] == "submitted"
    assert submitted["clock"]["stage"] == "precheck"
    assert submitted["events"][-1]["document_ids"] == [file.json()["id"]]
    assert submitted["allowed_actions"] == ["withdraw"]

    checked = act(planner, number, "precheck")
    assert checked["check"]["advice"] == "share"
    assert len(checked["check"]["sha256"]) == 64
    assert [c["structure"] for c in checked["check"]["answer"]["restricted"]] == ["HUSH-S"]
    asking = act(planner, number, "ask_owners")
    requests = {r["object"]["code"]: r for r in asking["requests"]}
    assert set(requests) == {"VNROOM-S", "VNDARK-S", "VTOWN-S"}
    assert requests["VNROOM-S"]["working_days_left"] == 15

    by_code = {r["object"]["code"]: r for r in owner.get("/api/sharing-requests").json()["items"]}
    assert set(by_code) == {"VNROOM-S", "VNDARK-S"}, "not what VIETTEL was asked"
    room, dark = by_code["VNROOM-S"], by_code["VNDARK-S"]
    assert room["asked"]["applicant"]["code"] == "MOBIFONE"
    assert room["application_id"] is None
    offered = owner.post(f"/api/sharing-requests/{room['id']}/answer",
                         json={"slots": 2, "height_m": 38.0, "price_vnd_month": 6_500_000.0})  # fmt: skip
    assert offered.json()["state"] == "answered", offered.text
    no = owner.post(f"/api/sharing-requests/{dark['id']}/refuse", json={"code": "load"})
    assert no.json()["refusal"]["vi"] == "Không đủ tải trọng"
    before = ratio(planner, "S1"), ratio(planner, "S2")

    decided = act(planner, number, "decide_share", requests=[room["id"]])
    assert decided["state"] == "licensed"
    assert {r["object"]["code"]: r["state"] for r in decided["requests"]} == {
        "VNROOM-S": "settled", "VNDARK-S": "refused", "VTOWN-S": "withdrawn"
    }  # fmt: skip
    assert decided["decision"]["advice_followed"] is True
    other = who["other_department"].get(f"/api/applications/{number}").json()
    assert other["decision"]["outcome"] == "share"
    assert (other["purpose"], other["check"], other["requests"], other["documents"]) == (None, None, [], [])
    built = act(applicant, number, "report_built", as_built={"lon": LON + 0.0028, "lat": LAT, "on": str(today())})
    assert built["state"] == "built"
    closed = act(planner, number, "record_occupancy")
    assert closed["state"] == "closed"
    assert closed["allowed_actions"] == []
    assert [e["action"] for e in closed["events"]] == [
        "create", "submit", "precheck", "ask_owners", "decide_share", "report_built", "record_occupancy",
    ]  # fmt: skip
    kinds = [e["actor"]["kind"] for e in applicant.get(f"/api/applications/{number}").json()["events"]]
    assert kinds == ["own_organisation"] * 2 + ["department"] * 3 + ["own_organisation", "department"]

    with session_scope() as session:
        row = session.execute(text("""
            SELECT t.code, o.code, x.price_vnd_month, x.source, c.batch, c.reason
            FROM structure_occupancy x JOIN structure t ON t.id = x.structure_id
            JOIN organisation o ON o.id = x.tenant_id
            JOIN audit.change c ON c.row_id = x.id AND c.table_name = 'registry.structure_occupancy'
            WHERE x.id = :id"""), {"id": closed["recorded"]["structure_occupancy_id"]}).one()  # fmt: skip
    assert tuple(row)[:5] == ("VNROOM-S", "MOBIFONE", 6_500_000, reference, reference)
    assert reference in row[5]
    after = ratio(planner, "S1"), ratio(planner, "S2")
    assert after[0][0] == before[0][0] + 1, "VNROOM is shared now"
    assert after[1][0] == before[1][0] + 2, "two presences more at shared positions"

    # The dossier of all that, and the check it rests on computed again from what was frozen.
    early = applicant.post("/api/applications", json=DRAFT).json()["id"]
    assert planner.get(f"/api/applications/{early}/dossier.pdf").json()["code"] == "not_prechecked"
    assert applicant.get(f"/api/applications/{number}/dossier.pdf").status_code == 403
    appraisal = checked["check"]["answer"]["appraisal_id"]
    elsewhere = {"operator": "MOBIFONE", "lon": LON + 0.01, "lat": LAT, "height_m": 30, "application_id": number}
    assert planner.post("/api/appraisals", json=elsewhere).status_code == 201
    verified = planner.get(f"/api/appraisals/{appraisal}/verify").json()
    assert (verified["intact"], verified["same"]) == (True, True)
    for kind, read in (("pdf", pdf_text), ("docx", word_text)):
        file = planner.get(f"/api/applications/{number}/dossier.{kind}")
        told = read(file.content)
        for words in (reference, "MobiFone", "VNROOM-S", "6.500.000đồng/tháng", "Khôngđủtảitrọng", "Chấpthuậndùngchung",
                      f"ngày{today():%d/%m/%Y}",
                      verified["sha256"], "SYNTHETIC"):  # fmt: skip
            assert words in told, (kind, words)
        assert "HUSH" not in told
