"""Where one is signed in: the list, and ending one session or all others."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient

from app.accounts.credentials import COOKIE
from app.config import settings
from app.database import session_scope
from app.main import create_app
from tests.accounts.people import as_owner, bearer, make_person, signed_in, token_of

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def person() -> tuple[str, str]:
    with session_scope() as session:
        return make_person(session, "operator", "VNPT")


def listed(client: TestClient) -> list[dict[str, Any]]:
    answer = client.get("/api/sessions")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def over(client: TestClient) -> bool:
    """Say whether the server no longer knows the session of a browser."""
    answer = client.get("/api/meta")
    assert answer.status_code in (200, 401)
    return answer.status_code == 401


def test_the_list_says_where_one_is_signed_in(own_database: str) -> None:
    who, stranger = person(), person()
    signed_in(*stranger)
    there = TestClient(create_app(), client=("198.51.100.7", 5), headers={"User-Agent": FIREFOX})
    there.post("/api/session", json={"name": who[0], "password": who[1]})
    here = signed_in(*who)
    mine, other = listed(here)
    assert (mine["current"], other["current"]) == (True, False)
    assert (other["address"], other["user_agent"]) == ("198.51.100.7", FIREFOX)
    assert mine["last_seen_at"] >= mine["created_at"] > other["created_at"]
    assert here.cookies[COOKIE] not in here.get("/api/sessions").text
    assert [s["current"] for s in listed(there)] == [True, False]
    # What is over is not on the list: used too long ago, or ended.
    idle = "UPDATE accounts.seen SET at = now() - make_interval(hours => %s, secs => 1) WHERE session_id = %s"
    as_owner(own_database, idle, settings().session_idle_hours, other["id"])
    assert [s["id"] for s in listed(here)] == [mine["id"]]


def test_one_is_ended_and_only_one_s_own(own_database: str) -> None:
    who = person()
    here, there, stranger = signed_in(*who), signed_in(*who), signed_in(*person())
    other = listed(here)[1]["id"]
    for wrong in (999, listed(stranger)[0]["id"]):
        refused = here.delete(f"/api/sessions/{wrong}")
        assert (refused.status_code, refused.json()["code"]) == (404, "unknown_session")
    assert here.delete(f"/api/sessions/{other}").status_code == 204
    assert here.delete(f"/api/sessions/{other}").status_code == 204  # once more is no mistake
    assert (over(here), over(there), over(stranger)) == (False, True, False)
    actors = "SELECT DISTINCT actor FROM audit.change WHERE table_name = 'accounts.session' AND operation = 'update'"
    own = here.get("/api/session").json()["account_id"]
    assert as_owner(own_database, actors) == [(f"user:{own}",)]


def test_all_others_are_ended(own_database: str) -> None:
    who = person()
    here, stranger, *others = signed_in(*who), signed_in(*person()), signed_in(*who), signed_in(*who), signed_in(*who)
    idle = "UPDATE accounts.seen SET at = at - interval '30 days' WHERE session_id = %s"
    as_owner(own_database, idle, listed(here)[1]["id"])  # over already: it is no longer counted
    assert here.delete("/api/sessions", headers={"X-CSRF-Token": "x"}).json()["code"] == "csrf"
    assert here.delete("/api/sessions").json() == {"ended": 2}
    assert here.delete("/api/sessions").json() == {"ended": 0}
    assert [over(client) for client in (here, stranger, *others)] == [False, False, True, True, True]
    assert as_owner(own_database, "SELECT count(*) FROM accounts.session WHERE revoked_at IS NULL") == [(2,)]


def test_a_token_neither_reads_nor_ends_sessions(own_database: str) -> None:
    who = person()
    here = signed_in(*who)
    number = listed(here)[0]["id"]
    with session_scope() as session:
        token = token_of(session, who[0])
    program = TestClient(create_app(), headers=bearer(token))
    for method, path in (("GET", "/api/sessions"), ("DELETE", "/api/sessions"), ("DELETE", f"/api/sessions/{number}")):
        answer = program.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "session_required")
    assert not over(here)
