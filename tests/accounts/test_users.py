"""Administrators keep accounts; nobody else does, and nobody makes himself one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.accounts import users
from app.accounts.credentials import COOKIE
from app.database import Scope, session_scope
from app.errors import Conflict
from tests.accounts.people import as_owner, bearer, browser, make_person, number_of, signed_in, token_of


def administrator() -> TestClient:
    with session_scope() as session:
        person = make_person(session, "administrator")
    return signed_in(*person)


def added(client: TestClient, **given: Any) -> dict[str, Any]:
    answer = client.post("/api/users", json={"name": "lan", "display_name": "Lê Thị Lan", **given})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_an_account_from_its_making_to_its_end(own_database: str) -> None:
    boss = administrator()
    made = added(boss, name="Lan.Le", email="lan@so.example", roles=[{"role": "operator", "organisation": "VNPT"}])
    assert (made["name"], made["must_change_password"]) == ("lan.le", True)
    path, password = f"/api/users/{made['id']}", made["one_time_password"]
    assert password not in boss.get(path).text
    lan = signed_in("lan.le", password)
    assert lan.post("/api/session/password", json={"old": password, "new": "mưa Huế rả rích đêm"}).status_code == 204
    told = lan.get("/api/session").json()
    assert (told["roles"], told["organisations"]) == (["operator"], ["VNPT"])

    given = boss.post(f"{path}/roles", json={"role": "planner"}).json()
    assert [r["role"] for r in given["roles"] if r["in_force"]] == ["operator", "planner"]
    assert lan.get("/api/session").json()["roles"] == ["operator", "planner"]
    ended = boss.delete(f"{path}/roles/{given['roles'][0]['id']}").json()
    assert [r["in_force"] for r in ended["roles"]] == [False, True]
    assert lan.get("/api/session").json()["roles"] == ["planner"]
    assert boss.delete(f"{path}/roles/{given['roles'][0]['id']}").status_code == 404

    again = boss.post(f"{path}/reset-password").json()["one_time_password"]
    assert lan.get("/api/meta").json()["code"] == "session_revoked"
    lan = signed_in("lan.le", again)
    kept = lan.cookies[COOKIE]
    with session_scope() as session:
        token = token_of(session, "lan.le")
    etag = boss.get(path).headers["etag"]
    closed = boss.patch(path, json={"active": False}, headers={"If-Match": etag})
    assert (closed.status_code, closed.json()["active"]) == (200, False)
    assert lan.get("/api/meta").json()["code"] == "session_revoked"
    assert browser().get("/api/session", headers=bearer(token)).json()["code"] == "token_revoked"
    assert browser().post("/api/session", json={"name": "lan.le", "password": again}).status_code == 401
    # Opened again, it does not get back what it had.
    opened = boss.patch(path, json={"active": True}, headers={"If-Match": closed.headers["etag"]})
    assert opened.status_code == 200
    lan.cookies.set(COOKIE, kept)
    assert lan.get("/api/meta").status_code == 401
    assert browser().get("/api/session", headers=bearer(token)).status_code == 401
    assert boss.get("/api/users", params={"limit": 1}).json()["matched"] == 2


def test_two_administrators_editing_one_account(own_database: str) -> None:
    one, two = administrator(), administrator()
    path = f"/api/users/{added(one)['id']}"
    first, second = one.get(path), two.get(path)
    assert first.headers["etag"] == second.headers["etag"]
    missing = two.patch(path, json={"display_name": "Lan"})
    assert (missing.status_code, missing.json()["code"]) == (428, "if_match_required")
    done = one.patch(path, json={"display_name": "Lê Lan"}, headers={"If-Match": first.headers["etag"]})
    assert done.status_code == 200
    lost = two.patch(path, json={"display_name": "Chị Lan"}, headers={"If-Match": second.headers["etag"]})
    assert (lost.status_code, lost.json()["code"]) == (412, "changed_meanwhile")
    assert lost.json()["current"]["display_name"] == "Lê Lan"
    assert lost.json()["wanted"]["display_name"] == "Chị Lan"
    assert lost.json()["etag"] == done.headers["etag"] == one.get(path).headers["etag"]
    assert (
        two.patch(path, json={"email": "a@b.c"}, headers={"If-Match": "W/" + done.headers["etag"]}).status_code == 412
    )
    retried = two.patch(path, json={"display_name": "Chị Lan"}, headers={"If-Match": lost.json()["etag"]})
    assert retried.status_code == 200


def test_editing_at_once_loses_nothing(own_database: str) -> None:
    boss = administrator()
    path = f"/api/users/{added(boss)['id']}"
    etag = boss.get(path).headers["etag"]

    def edit(number: int) -> int:
        client = TestClient(boss.app, cookies=dict(boss.cookies), headers=dict(boss.headers) | {"If-Match": etag})
        return client.patch(path, json={"display_name": f"Lan {number}"}).status_code

    with ThreadPoolExecutor(6) as threads:
        seen = sorted(threads.map(edit, range(6)))
    assert seen == [200, 412, 412, 412, 412, 412]


@pytest.mark.parametrize(
    ("path", "method", "body"),
    [
        ("/api/users", "POST", {"name": "eve", "display_name": "Eve", "active": True}),
        ("/api/users", "POST", {"name": "eve", "display_name": "Eve", "password_hash": "x"}),
        ("/api/users", "POST", {"name": "eve", "display_name": "Eve", "must_change_password": False}),
        ("/api/users", "POST", {"name": "eve", "display_name": "Eve", "oidc_subject": "boss"}),
        ("/api/users", "POST", {"name": "eve", "display_name": "Eve", "roles": ["administrator"]}),
        ("/api/users/2", "PATCH", {"roles": [{"role": "administrator"}]}),
        ("/api/users/2", "PATCH", {"name": "root"}),
        ("/api/users/2", "PATCH", {"id": 1}),
        ("/api/users/2", "PATCH", {"password_hash": "x"}),
        ("/api/users/2", "PATCH", {"display_name": None}),
        ("/api/users/2/roles", "POST", {"role": "planner", "account_id": 1}),
        ("/api/session", "POST", {"name": "x", "password": "y", "roles": ["administrator"]}),
        ("/api/session/password", "POST", {"old": "x", "new": "mưa Huế rả rích đêm", "account_id": 1}),
    ],
)
def test_members_nobody_may_set_are_refused(own_database: str, path: str, method: str, body: dict[str, Any]) -> None:
    boss = administrator()
    added(boss)
    before = as_owner(own_database, "SELECT * FROM accounts.account ORDER BY id")
    answer = boss.request(method, path, json=body, headers={"If-Match": "*"})
    assert answer.status_code == 422, answer.text
    assert as_owner(own_database, "SELECT * FROM accounts.account ORDER BY id") == before


@pytest.mark.parametrize(
    ("role", "code"),
    [
        ({"role": "operator"}, "role_organisation"),
        ({"role": "planner", "organisation": "VNPT"}, "role_organisation"),
        ({"role": "operator", "organisation": "NOBODY"}, "unknown_organisation"),
        ({"role": "operator", "organisation": "VNPT' OR '1'='1"}, "unknown_organisation"),
        ({"role": "commune_officer"}, "role_unit"),
        ({"role": "commune_officer", "unit_id": 999}, "unknown_commune"),
        ({"role": "public"}, "invalid_request"),
        ({"role": "system"}, "invalid_request"),
        ({"role": "statistics"}, "invalid_request"),
        ({"role": "planner", "valid_from": "2026-02-01", "valid_to": "2026-01-01"}, "valid_order"),
        ({"role": "planner", "valid_from": 7}, "not_a_date"),
    ],
)
def test_roles_that_cannot_be(own_database: str, role: dict[str, Any], code: str) -> None:
    boss = administrator()
    lan = added(boss)["id"]
    answer = boss.post(f"/api/users/{lan}/roles", json=role)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    together = boss.post("/api/users", json={"name": "hoa", "display_name": "Hoa", "roles": [role]})
    assert together.status_code == 422
    assert as_owner(own_database, "SELECT FROM accounts.account WHERE name = 'hoa'") == []


def test_what_is_there_already(own_database: str) -> None:
    boss = administrator()
    lan = added(boss, roles=[{"role": "planner"}])
    for name in ("lan", "LAN", " Lan "):
        answer = boss.post("/api/users", json={"name": name, "display_name": "x"})
        assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")
    twice = boss.post(f"/api/users/{lan['id']}/roles", json={"role": "planner", "valid_from": "2030-01-01"})
    assert (twice.status_code, twice.json()["code"]) == (409, "overlapping_validity")
    for name in ("la", "l n", "lân", "-" * 65, "lan'--", ""):
        assert boss.post("/api/users", json={"name": name, "display_name": "x"}).status_code == 422, name
    for path in ("/api/users/999", "/api/users/999/tokens"):
        assert boss.get(path).status_code == 404
    assert boss.post("/api/users/999/roles", json={"role": "planner"}).status_code == 404
    assert boss.post("/api/users/999/reset-password").status_code == 404


def test_nobody_else_keeps_accounts(own_database: str) -> None:
    with session_scope() as session:
        people = [make_person(session, "planner"), make_person(session, "operator", "VNPT"), make_person(session, None)]
        boss = make_person(session, "administrator")
        number = number_of(session, boss[0])
    for client, status in ((browser(), 401), *((signed_in(*person), 403) for person in people)):
        own = client.get("/api/session").json()["account_id"] or 1
        for method, path in (
            ("GET", "/api/users"), ("GET", f"/api/users/{own}"), ("GET", f"/api/users/{number}"),
            ("PATCH", f"/api/users/{own}"), ("POST", f"/api/users/{own}/roles"),
            ("DELETE", f"/api/users/{own}/roles/1"),
            ("POST", f"/api/users/{number}/reset-password"), ("GET", f"/api/users/{number}/tokens"),
            ("DELETE", f"/api/users/{number}/tokens/1"), ("GET", "/api/view-log"), ("POST", "/api/users"),
        ):  # fmt: skip
            body = {"role": "administrator"} if path.endswith("roles") else {"name": "eve", "display_name": "Eve"}
            answer = client.request(method, path, json=None if method in ("GET", "DELETE") else body)
            assert answer.status_code == status, (method, path, answer.text)
            assert boss[0] not in answer.text
    assert as_owner(own_database, "SELECT count(*) FROM accounts.account_role WHERE role = 'administrator'") == [(1,)]


def test_the_last_administrator_stays(own_database: str) -> None:
    boss = administrator()
    own = boss.get("/api/session").json()["account_id"]
    role = boss.get(f"/api/users/{own}").json()["roles"][0]["id"]
    path = f"/api/users/{own}"
    for answer in (
        boss.delete(f"{path}/roles/{role}"),
        boss.patch(path, json={"active": False}, headers={"If-Match": "*"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "last_administrator")
        assert "quản trị viên" in answer.json()["message"]["vi"]
    with pytest.raises(Conflict), session_scope() as session:
        users.change(session, own, {"active": False})
    # One whose role begins tomorrow, or who is not active, is no replacement.
    later = added(boss, name="mai", roles=[{"role": "administrator", "valid_from": "2999-01-01"}])["id"]
    inactive = added(boss, name="nam", roles=[{"role": "administrator"}])["id"]
    assert boss.patch(f"/api/users/{inactive}", json={"active": False}, headers={"If-Match": "*"}).status_code == 200
    assert boss.delete(f"{path}/roles/{role}").status_code == 409
    other = added(boss, name="hoa", roles=[{"role": "administrator"}])["id"]
    assert boss.delete(f"{path}/roles/{role}").status_code == 200
    assert boss.get("/api/users").status_code == 403
    assert len({own, later, inactive, other}) == 4


def test_two_administrators_cannot_end_each_other(own_database: str) -> None:
    with session_scope() as session:
        numbers = [number_of(session, make_person(session, "administrator")[0]) for _ in range(2)]

    def close(number: int) -> bool:
        try:
            with session_scope() as session:
                users.change(session, number, {"active": False})
                session.execute(text("SELECT pg_sleep(0.2)"))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(close, numbers)) == [False, True]
    assert as_owner(own_database, "SELECT accounts.administrators()") == [(1,)]


def test_view_log(own_database: str) -> None:
    with session_scope() as session:
        name, _ = make_person(session, "planner")
        number = number_of(session, name)
    for layer, restricted in (("sites", True), ("poles", False), ("sites", True)):
        with session_scope(Scope(f"user:{number}", ("planner",))) as session:
            session.execute(text("SELECT audit.saw('list', :l, NULL, :r)"), {"l": layer, "r": restricted})
    boss = administrator()
    told = boss.get("/api/view-log").json()
    assert [(look["layer"], look["name"], look["restricted"]) for look in told["looks"]] == [
        ("poles", name, False), ("sites", name, True),
    ]  # fmt: skip
    assert boss.get("/api/view-log", params={"restricted": True, "layer": "sites"}).json()["matched"] == 1
    assert boss.get("/api/view-log", params={"actor": "user:0' OR true --"}).json()["matched"] == 0
    page = boss.get("/api/view-log", params={"limit": 1}).json()
    assert (len(page["looks"]), page["matched"], [link["rel"] for link in page["links"]]) == (1, 2, ["self", "next"])
