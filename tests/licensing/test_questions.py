"""The private sharing question: what it tells and never tells, its limit and its log."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from app.database import PUBLIC, Scope, session_scope
from app.errors import Forbidden
from app.licensing import questions
from app.licensing.models import SharingQuestion
from app.licensing.schemas import SharingQuestionIn
from tests.conftest import test_cluster as cluster_of_run
from tests.licensing.conftest import LAT, LON, Caller, operator

ADDRESS = "/api/sharing-question"
ASK: dict[str, Any] = {"lon": LON, "lat": LAT, "radius_m": 500}
PLANNER = Scope("user:1", ("planner",))


@pytest.fixture
def viettel(committed: str) -> Scope:
    with session_scope() as session:
        return operator(session, "VIETTEL")


def log() -> list[SharingQuestion]:
    with session_scope() as session:
        return list(session.query(SharingQuestion).order_by(SharingQuestion.id))


def age(database: str, interval: str) -> None:
    """Let every question have been asked earlier."""
    with cluster_of_run().superuser(database.split("/")[3].split("?")[0]) as connection:
        connection.execute("UPDATE audit.sharing_question SET at = at - %s::interval", (interval,))


def test_yes_how_many_and_a_contact_route(calling: Caller, viettel: Scope) -> None:
    answer = calling(viettel).post(ADDRESS, json=ASK)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["may_share"], body["operator"]) == ("yes", "VIETTEL")
    assert body["with_room"] == body["unknown"] == {"count": 1, "at_least": False}
    assert [c["site"] for c in body["own"]] == ["VTOWN"]
    assert body["own"][0]["tenants"] == ["VIETTEL", "VNPT"], "one's own, in full"
    assert body["contact"]["reference"] == body["reference"]
    assert body["contact"]["vi"]
    assert "[A]" in body["citation"]
    assert body["left"] == {"hour": 4, "day": 19}
    assert body["synthetic"]
    [row] = log()
    assert (row.actor, row.organisation_code, row.by_department, row.reference) == (
        "user:7", "VIETTEL", False, body["reference"],
    )  # fmt: skip
    assert (row.lon, row.lat, row.grid_lon, row.radius_m) == (LON, LAT, body["searched"]["lon"], 500)
    assert row.answer is not None
    assert row.answer["with_room"] == {"count": 1, "at_least": False}


def test_nothing_of_others_shows(calling: Caller, viettel: Scope) -> None:
    """No code, name, owner, number or coordinate of another's structure, and nothing at all of a restricted one."""
    client = calling(viettel)
    bodies = [client.post(ADDRESS, json=ASK | more) for more in ({}, {"height_m": 42}, {"radius_m": 1000})]
    assert [b.status_code for b in bodies] == [200, 200, 200]
    with session_scope() as session:
        rows = session.execute(text("""
            SELECT s.id, st.id, s.code, st.code, s.name, s.address, ST_X(st.geom), ST_Y(st.geom)
            FROM registry.site s JOIN registry.structure st ON st.site_id = s.id
            WHERE s.code IN ('VNROOM', 'VNDARK', 'HUSH')""")).all()  # fmt: skip
    for body in bodies:
        told = body.json()
        own = told.pop("own")
        plain = json.dumps(told, ensure_ascii=False)
        for word in ("VNPT", "VNROOM", "VNDARK", "HUSH", "Vọng Cảnh", "KHONGDUOCLO", "distance_m", 'structure"'):
            assert word not in plain
        for row in rows:
            assert str(round(row[6], 4)) not in plain
        assert [c["site"] for c in own] == ["VTOWN"]
        assert told["with_room"]["count"] == told["unknown"]["count"] == 1


def test_a_restricted_structure_never_counts(calling: Caller, viettel: Scope) -> None:
    """Not for an operator, and not for the department on an operator's behalf: its answer is passed on."""
    with session_scope() as session:
        session.execute(text("UPDATE registry.site SET restricted = true WHERE code LIKE 'VN%'"))
    for scope, more in ((viettel, {}), (PLANNER, {"operator": "VIETTEL"})):
        body = calling(scope).post(ADDRESS, json=ASK | more).json()
        assert (body["may_share"], body["with_room"]["count"], body["unknown"]["count"]) == ("no", 0, 0)
        assert "HUSH" not in json.dumps(body)


def test_points_of_one_square_get_one_answer(calling: Caller, viettel: Scope) -> None:
    client = calling(viettel)
    here = client.post(ADDRESS, json=ASK).json()
    near = client.post(ADDRESS, json=ASK | {"lon": here["searched"]["lon"], "lat": here["searched"]["lat"]}).json()
    assert near["searched"] == here["searched"]
    assert near["with_room"] == here["with_room"]
    assert near["reference"] != here["reference"]
    assert here["searched"]["grid_m"] == 200


def test_for_whom(calling: Caller, viettel: Scope) -> None:
    both = Scope("user:8", ("operator",), (*viettel.organisations, *_ids("VNPT")))
    cases: list[tuple[Scope, dict[str, Any], int, str]] = [
        (viettel, {"operator": "VNPT"}, 403, "other_organisation"),
        (Scope("user:9", ("operator",)), {}, 403, "no_organisation"),
        (Scope("user:9", ("commune_officer",), (), (1,)), {}, 403, "no_organisation"),
        (PUBLIC, {}, 403, "no_organisation"),
        (both, {}, 422, "operator_needed"),
        (PLANNER, {}, 422, "operator_needed"),
        (PLANNER, {"operator": "NOBODY"}, 422, "unknown_operator"),
    ]
    for scope, more, status, code in cases:
        answer = calling(scope).post(ADDRESS, json=ASK | more)
        assert (answer.status_code, answer.json()["code"]) == (status, code), scope
    assert log() == []
    assert calling(both).post(ADDRESS, json=ASK | {"operator": "vnpt"}).json()["operator"] == "VNPT"
    department = calling(PLANNER).post(ADDRESS, json=ASK | {"operator": "VIETTEL"}).json()
    assert (department["left"], department["with_room"]["count"]) == ({"hour": None, "day": None}, 1)
    assert [(q.actor, q.organisation_code, q.by_department) for q in log()] == [
        ("user:8", "VNPT", False), ("user:1", "VIETTEL", True),
    ]  # fmt: skip


def _ids(code: str) -> tuple[int, ...]:
    with session_scope() as session:
        return operator(session, code).organisations


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"radius_m": 50}, "radius_not_offered", "radius_m"),
        ({"radius_m": 501}, "radius_not_offered", "radius_m"),
        ({"radius_m": -500}, "radius_not_offered", "radius_m"),
        ({"radius_m": "500"}, "invalid_request", "radius_m"),
        ({"height_m": 0}, "out_of_range", "height_m"),
        ({"height_m": 351}, "out_of_range", "height_m"),
        ({"lon": LAT, "lat": LON}, "swapped_axes", "lon"),
        ({"lon": 107.0}, "outside_province", "lon"),
        ({"technologies": ["6G"]}, "unknown_technology", "technologies"),
        ({"owner": "VNPT"}, "invalid_request", "owner"),
    ],
)
def test_refusals_are_no_questions(
    calling: Caller, viettel: Scope, change: dict[str, Any], code: str, field: str
) -> None:
    answer = calling(viettel).post(ADDRESS, json=ASK | change)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, field)
    assert "VNPT" not in answer.text.replace('"VNPT"' if field == "owner" else "", "")
    assert log() == []


def test_what_may_be_asked_is_the_policys(calling: Caller, viettel: Scope) -> None:
    def set_rule(kind: str, name: str, **values: Any) -> None:
        change = text("""UPDATE policy.parameter SET value = value || CAST(:values AS jsonb)
                         WHERE kind = :kind AND name = :name""")
        with session_scope() as session:
            session.execute(change, {"kind": kind, "name": name, "values": json.dumps(values)})

    client = calling(viettel)
    assert client.get(ADDRESS).json() == {
        "radii_m": [300, 500, 1000, 2000], "height_step_m": 5, "max_height_m": 350, "per_hour": 5, "per_day": 20,
    }  # fmt: skip
    set_rule("sharing_question", "search", radii_m=[400, 800])
    set_rule("sharing_question", "limits", per_hour=2)
    set_rule("colocation", "search", max_height_m=60)
    offer = client.get(ADDRESS).json()
    assert (offer["radii_m"], offer["max_height_m"], offer["per_hour"]) == ([400, 800], 60, 2)
    asked = [client.post(ADDRESS, json=ASK | {"radius_m": radius_m}).status_code for radius_m in (500, 400, 800, 400)]
    assert asked == [422, 200, 200, 429]
    assert client.post(ADDRESS, json=ASK | {"radius_m": 400, "height_m": 61}).json()["field"] == "height_m"
    set_rule("sharing_question", "search", radii_m=[])
    refused = client.get(ADDRESS)
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (422, "malformed_rule", "radii_m")


def test_so_many_an_hour_and_a_day(calling: Caller, viettel: Scope, committed: str) -> None:
    client, colleague = calling(viettel), calling(Scope("user:70", ("operator",), viettel.organisations))
    assert [client.post(ADDRESS, json=ASK).status_code for _ in range(5)] == [200] * 5
    for asking in (client, colleague):  # an organisation's accounts share its limit
        refused = asking.post(ADDRESS, json=ASK)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_questions")
        assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    assert len(log()) == 5
    assert calling(Scope("user:9", ("operator",), _ids("VNPT"))).post(ADDRESS, json=ASK).status_code == 200
    assert calling(PLANNER).post(ADDRESS, json=ASK | {"operator": "VIETTEL"}).status_code == 200
    for _ in range(3):
        age(committed, "61 minutes")
        assert [client.post(ADDRESS, json=ASK).status_code for _ in range(5)] == [200] * 5
    age(committed, "61 minutes")
    refused = client.post(ADDRESS, json=ASK)
    assert refused.status_code == 429, "twenty a day"
    assert 19 * 3600 < int(refused.headers["Retry-After"]) < 20 * 3600
    age(committed, "20 hours")
    assert client.post(ADDRESS, json=ASK).json()["left"]["hour"] == 4


def test_questions_at_once_do_not_slip_under_the_limit(calling: Caller, viettel: Scope) -> None:
    client = calling(viettel)
    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda _: client.post(ADDRESS, json=ASK).status_code, range(32)))
    assert sorted(codes) == [200] * 5 + [429] * 27
    assert len(log()) == 5


def test_the_log_outlives_a_request_that_fails(viettel: Scope) -> None:
    with pytest.raises(ZeroDivisionError):
        _ask_and_fail(viettel)
    [row] = log()
    assert row.answer is not None
    with session_scope(viettel) as session:
        assert questions.ask(session, SharingQuestionIn.model_validate(ASK))["left"]["hour"] == 3


def _ask_and_fail(scope: Scope) -> None:
    with session_scope(scope) as session:
        questions.ask(session, SharingQuestionIn.model_validate(ASK))
        raise ZeroDivisionError


def test_the_log_is_the_departments(calling: Caller, viettel: Scope) -> None:
    for _ in range(3):
        calling(viettel).post(ADDRESS, json=ASK)
    page = calling(PLANNER).get("/api/sharing-questions", params={"limit": 2}).json()
    assert (page["numberMatched"], len(page["items"])) == (3, 2)
    assert page["items"][0]["organisation_code"] == "VIETTEL"
    assert page["items"][0]["id"] > page["items"][1]["id"]
    assert calling(PLANNER).get("/api/sharing-questions", params={"operator": "VNPT"}).json()["items"] == []
    others = (viettel, PUBLIC, Scope("user:3", ("other_department",)), Scope("user:4", ("commune_officer",), (), (1,)))
    for scope in others:
        with session_scope(scope) as session:
            assert session.query(SharingQuestion).all() == []
    with pytest.raises(Forbidden), session_scope(viettel) as session:
        session.execute(text("UPDATE audit.sharing_question SET answer = NULL"))


def test_the_database_takes_no_question_for_another(viettel: Scope) -> None:
    statement = text("SELECT audit.ask_sharing('VNPT', 'X', 107, 16, 107, 16, 500, NULL, '{}', 5, 20)")
    for scope in (viettel, PUBLIC, Scope("user:3", ("other_department",))):
        with pytest.raises(Forbidden), session_scope(scope) as session:
            session.execute(statement)
    assert log() == []
