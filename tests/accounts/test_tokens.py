"""API tokens: what they open, what they do not, and what ends them."""

from __future__ import annotations

import base64

import pytest

from app.database import session_scope
from app.errors import AppError
from tests.accounts.people import EVERYTHING, as_owner, bearer, browser, make_person, number_of, signed_in, token_of


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def test_bearer_and_basic(own_database: str) -> None:
    with session_scope() as session:
        name, password = make_person(session, "operator", "VIETTEL")
        other, _ = make_person(session, "planner")
        token = token_of(session, name)
    client = browser()
    for headers in (
        bearer(token),
        {"Authorization": f"bearer  {token} "},
        basic(name.upper(), token),
        basic("", token),
    ):
        told = client.get("/api/session", headers=headers).json()
        assert (told["name"], told["roles"], told["credential"]) == (name, ["operator"], "token")
    for headers in (basic(other, token), basic(name, password), basic(token, ""), bearer(password)):
        answer = client.get("/api/session", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
        assert password not in answer.text


@pytest.mark.parametrize(
    "header",
    [
        "", "Bearer", "Bearer ", "Bearer null", "Bearer ht_", "Bearer ht_" + "A" * 43, "Bearer ht_' OR true --",
        "Bearer ht_" + "A" * 5000, "Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Basic /////w==", "Digest x",
        "ht_" + "A" * 43,
    ],
)  # fmt: skip
def test_forged_ones_are_refused_everywhere(own_database: str, header: str) -> None:
    client = browser()
    for path in ("/api/session", "/api/tokens", "/api/users"):
        answer = client.get(path, headers={"Authorization": header})
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid"), path
    # A good session beside it does not make it good.
    with session_scope() as session:
        person = make_person(session, "planner")
    answer = signed_in(*person).get("/api/session", headers={"Authorization": header})
    assert answer.status_code == 401


def test_a_sessions_secret_is_no_token_and_the_other_way_round(own_database: str) -> None:
    with session_scope() as session:
        person = make_person(session, "planner")
        token = token_of(session, person[0])
    client = signed_in(*person)
    secret = client.cookies["hatang_session"]
    assert browser().get("/api/session", headers=bearer(secret)).status_code == 401
    assert browser().get("/api/session", headers=bearer("ht_" + secret)).status_code == 401
    swapped = browser()
    swapped.cookies.set("hatang_session", token)
    assert swapped.get("/api/meta").json()["code"] == "session_invalid"
    # Nor does what the database keeps open anything.
    ((stored,),) = as_owner(own_database, "SELECT encode(secret_sha256, 'hex') FROM accounts.token")
    assert browser().get("/api/session", headers=bearer("ht_" + stored)).status_code == 401
    assert token not in str(as_owner(own_database, "SELECT * FROM accounts.token"))
    assert secret not in str(as_owner(own_database, "SELECT * FROM accounts.session"))


def test_expired_and_revoked_ones(own_database: str) -> None:
    with session_scope() as session:
        person = make_person(session, "planner")
        expired, revoked, closed = (token_of(session, person[0]) for _ in range(3))
    client, anybody = signed_in(*person), browser()
    assert [row["last_used_at"] for row in client.get("/api/tokens").json()] == [None] * 3
    ended = "UPDATE accounts.token SET created_at = now() - interval '2 days', expires_at = now() WHERE id = %s"
    as_owner(own_database, ended, 1)
    answer = anybody.get("/api/session", headers=bearer(expired))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
    assert anybody.get("/api/session", headers=bearer(revoked)).status_code == 200
    for _ in range(2):
        assert client.delete("/api/tokens/2").status_code == 204
    answer = anybody.get("/api/session", headers=bearer(revoked))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_revoked")
    as_owner(own_database, "UPDATE accounts.account SET active = false")
    answer = anybody.get("/api/session", headers=bearer(closed))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_revoked")


def test_scopes(own_database: str) -> None:
    with session_scope() as session:
        boss, _ = make_person(session, "administrator")
        reads, writes, blind = (token_of(session, boss, s) for s in (["read"], ["read", "write"], ["write"]))
        everything = token_of(session, boss, EVERYTHING)
    client = browser()
    new = {"name": "someone", "display_name": "Someone"}
    assert client.get("/api/session", headers=bearer(reads)).json()["roles"] == ["planner"]
    for token, status, code in ((reads, 403, "token_scope"), (writes, 403, "role_missing"), (everything, 201, None)):
        answer = client.post("/api/users", json=new, headers=bearer(token))
        assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert client.get("/api/users", headers=bearer(writes)).json()["code"] == "role_missing"
    assert client.get("/api/users", headers=bearer(everything)).status_code == 200
    assert client.get("/api/session", headers=bearer(blind)).json()["code"] == "token_scope"


def test_a_token_makes_no_token_and_sets_no_password(own_database: str) -> None:
    with session_scope() as session:
        name, password = make_person(session, "administrator")
        token = token_of(session, name)
    client = browser()
    for path, body in (
        ("/api/tokens", {"name": "another"}),
        ("/api/session/password", {"old": password, "new": "sông Hương chảy qua cầu"}),
    ):
        answer = client.post(path, json=body, headers=bearer(token))
        assert (answer.status_code, answer.json()["code"]) == (403, "session_required")


def test_making_one(own_database: str) -> None:
    with session_scope() as session:
        planner, boss = make_person(session, "planner"), make_person(session, "administrator")
    client = signed_in(*planner)
    for body, status, code in (
        ({"name": "x", "days": 366}, 422, "invalid_request"),
        ({"name": "x", "days": 0}, 422, "invalid_request"),
        ({"name": " "}, 422, "invalid_request"),
        ({"name": "a\x00b"}, 422, "invalid_request"),
        ({"name": "x", "scopes": []}, 422, "invalid_request"),
        ({"name": "x", "scopes": ["read", "root"]}, 422, "invalid_request"),
        ({"name": "x", "account_id": 1}, 422, "invalid_request"),
        ({"name": "x", "expires_at": "2999-01-01"}, 422, "invalid_request"),
        ({"name": "x", "scopes": ["administer"]}, 403, "scope_not_yours"),
    ):
        answer = client.post("/api/tokens", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), body
    made = client.post("/api/tokens", json={"name": "QGIS ở nhà", "scopes": ["read", "write"], "days": 7})
    assert made.status_code == 201
    token = made.json()["token"]
    assert token not in client.get("/api/tokens").text
    assert client.get("/api/tokens").json()[0]["name"] == "QGIS ở nhà"
    assert signed_in(*boss).post("/api/tokens", json={"name": "x", "scopes": ["administer"]}).status_code == 201
    with pytest.raises(AppError), session_scope() as session:
        token_of(session, planner[0], days=400)


def test_somebody_elses_tokens_are_out_of_reach(own_database: str) -> None:
    with session_scope() as session:
        one, other = make_person(session, "operator", "VIETTEL"), make_person(session, "operator", "VNPT")
        boss = make_person(session, "administrator")
        token = token_of(session, other[0])
        number = number_of(session, other[0])
    client = signed_in(*one)
    assert client.get("/api/tokens").json() == []
    missing, foreign = client.delete("/api/tokens/999"), client.delete("/api/tokens/1")
    assert missing.status_code == foreign.status_code == 404
    assert missing.text.replace("999", "1") == foreign.text
    assert client.get(f"/api/users/{number}/tokens").status_code == 403
    assert browser().get("/api/session", headers=bearer(token)).status_code == 200
    administrator = signed_in(*boss)
    assert [row["id"] for row in administrator.get(f"/api/users/{number}/tokens").json()] == [1]
    assert administrator.delete(f"/api/users/{number + 1}/tokens/1").status_code == 404
    assert administrator.delete(f"/api/users/{number}/tokens/1").status_code == 204
    assert browser().get("/api/session", headers=bearer(token)).json()["code"] == "token_revoked"
