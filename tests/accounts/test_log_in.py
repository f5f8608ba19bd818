"""Signing in and out, sessions and what ends them, the limit of attempts."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import Request, Response
from fastapi.testclient import TestClient
from pwdlib.hashers.argon2 import Argon2Hasher

from app.accounts import log_in, passwords, sessions
from app.accounts.credentials import COOKIE
from app.accounts.log_in import name_key
from app.config import settings
from app.database import session_scope
from app.errors import Unauthorized
from app.main import create_app
from tests.accounts.people import as_owner, bearer, browser, make_person, number_of, signed_in
from tests.conftest import test_cluster as cluster_of_run

WRONG = "a wrong password"


def person(role: str | None = "planner") -> tuple[str, str]:
    with session_scope() as session:
        return make_person(session, role)


def test_sign_in_and_out(own_database: str) -> None:
    name, password = person()
    client = browser()
    assert client.get("/api/session").json()["roles"] == ["public"]
    answer = client.post("/api/session", json={"name": f" {name.upper()} ", "password": password})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["name"], told["roles"], told["credential"]) == (name, ["planner"], "session")
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/"))
    assert "Secure" not in cookie
    assert "Domain" not in cookie
    secret = client.cookies[COOKIE]
    assert secret not in answer.text
    assert len(secret) >= 43
    again = client.get("/api/session")
    assert again.json() == told
    assert again.headers["cache-control"].startswith("private")
    assert "Cookie" in again.headers["vary"]
    out = client.delete("/api/session", headers={"X-CSRF-Token": told["csrf"]})
    assert out.status_code == 204
    assert COOKIE not in client.cookies
    assert client.get("/api/session").json()["signed_in"] is False
    # The cookie somebody kept is worth nothing. Who signs out with it loses it; a tile that comes late must not take
    # away the cookie of whoever has signed in since.
    for method, path, cleared in (("DELETE", "/api/session", True), ("GET", "/api/meta", False)):
        client.cookies.set(COOKIE, secret)
        late = client.request(method, path)
        assert (late.status_code, late.json()["code"]) == (401, "session_revoked")
        assert ("Max-Age=0" in late.headers.get("set-cookie", "")) == cleared
        assert late.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("cookie", ["ended", "A" * 43, "A" * 5000])
def test_who_comes_back_with_a_stale_cookie_is_nobody_and_loses_it(own_database: str, cookie: str) -> None:
    if cookie == "ended":
        cookie = signed_in(*person()).cookies[COOKIE]
        as_owner(own_database, "UPDATE accounts.session SET revoked_at = now()")
    client = browser()
    client.cookies.set(COOKIE, cookie)
    told = client.get("/api/session")
    assert (told.status_code, told.json()["roles"], told.json()["name"]) == (200, ["public"], "")
    assert told.json() == browser().get("/api/session").json()
    assert "Max-Age=0" in told.headers["set-cookie"]
    assert told.headers["cache-control"] == "private, no-cache"
    assert cookie not in told.text
    # A token that is over is no visitor who comes back: its program has to know.
    refused = client.get("/api/session", headers=bearer("ht_" + "A" * 43))
    assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
    assert "set-cookie" not in refused.headers


def test_a_hash_of_other_parameters_is_made_anew(own_database: str) -> None:
    name, password = person()
    weak = Argon2Hasher(time_cost=1, memory_cost=8192).hash(password)
    as_owner(own_database, "UPDATE accounts.account SET password_hash = %s WHERE name = %s", weak, name)
    for _ in range(2):
        assert signed_in(name, password).get("/api/session").json()["name"] == name
    (kept,) = as_owner(own_database, "SELECT password_hash FROM accounts.account WHERE name = %s", name)
    assert kept[0] != weak
    assert not passwords.outdated(kept[0])


def test_signing_in_at_once_with_a_hash_of_other_parameters(own_database: str) -> None:
    name, password = person()
    weak = Argon2Hasher(time_cost=1, memory_cost=8192).hash(password)
    as_owner(own_database, "UPDATE accounts.account SET password_hash = %s WHERE name = %s", weak, name)
    app = create_app()

    def enter(_: int) -> int:
        return TestClient(app).post("/api/session", json={"name": name, "password": password}).status_code

    with ThreadPoolExecutor(4) as threads:
        seen = set(threads.map(enter, range(4)))
    # Who had proved the old hash when the new one was written has to come again; nobody waits for ever.
    assert seen <= {200, 401}
    assert 200 in seen
    ((kept,),) = as_owner(own_database, "SELECT password_hash FROM accounts.account WHERE name = %s", name)
    assert not passwords.outdated(kept)


def test_over_https_the_cookie_stays_there(own_database: str) -> None:
    name, password = person()
    client = TestClient(create_app(), base_url="https://hatang.example")
    cookie = client.post("/api/session", json={"name": name, "password": password}).headers["set-cookie"]
    assert "Secure" in cookie


def test_nothing_tells_which_names_there_are(own_database: str) -> None:
    name, password = person()
    with session_scope() as session:
        inactive, other = make_person(session, "planner")
        unset = make_person(session, "planner")[0]
    as_owner(own_database, "UPDATE accounts.account SET active = false WHERE name = %s", inactive)
    as_owner(own_database, "UPDATE accounts.account SET password_hash = NULL WHERE name = %s", unset)
    client = browser()
    answers = {
        (answer.status_code, answer.text, answer.headers.get("set-cookie"))
        for given in ((name, WRONG), ("no.such.name", password), (inactive, other), (unset, WRONG), (unset, "x"))
        for answer in [client.post("/api/session", json={"name": given[0], "password": given[1]})]
    }
    assert len(answers) == 1
    ((status, body, cookie),) = answers
    assert (status, cookie) == (401, None)
    assert "wrong_credentials" in body


@pytest.mark.parametrize(
    "name",
    [
        "' OR '1'='1",
        "x'; DROP TABLE accounts.account; --",
        "admin\x00",
        "a" * 200,
        "😀😀😀",
        "%",
        "_",
        "..\\..",
        "${7*7}",
    ],
)
def test_names_are_data(own_database: str, name: str) -> None:
    answer = browser().post("/api/session", json={"name": name, "password": WRONG})
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_credentials")
    ((key,),) = as_owner(own_database, "SELECT name_key FROM accounts.attempt")
    assert key == name_key(name)
    # People type passwords into the wrong field: what can be no name is not kept as it is.
    assert name not in key


def test_a_name_is_limited(own_database: str) -> None:
    name, password = person()
    client = browser()
    limit = settings().log_in_failures_per_name
    for _ in range(limit):
        assert client.post("/api/session", json={"name": name, "password": WRONG}).status_code == 401
    refused = client.post("/api/session", json={"name": name, "password": password})
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert 0 < int(refused.headers["retry-after"]) <= settings().log_in_window_minutes * 60
    assert refused.json()["message"]["vi"].startswith("Đăng nhập sai")
    # The failures are on record though every one of these requests was rolled back, the refused one is not.
    assert as_owner(own_database, "SELECT count(*), count(*) FILTER (WHERE ok) FROM accounts.attempt") == [(limit, 0)]
    other, known = person()
    assert client.post("/api/session", json={"name": other, "password": known}).status_code == 200
    as_owner(own_database, "UPDATE accounts.attempt SET at = at - interval '16 minutes'")
    assert client.post("/api/session", json={"name": name, "password": password}).status_code == 200


def test_success_forgives_the_name_not_the_address(own_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HATANG_LOG_IN_FAILURES_PER_ADDRESS", "7")
    settings.cache_clear()
    name, password = person()
    client = browser()
    for _ in range(4):
        assert client.post("/api/session", json={"name": name, "password": WRONG}).status_code == 401
    assert client.post("/api/session", json={"name": name, "password": password}).status_code == 200
    client.cookies.clear()
    for number in range(3):
        assert client.post("/api/session", json={"name": name, "password": WRONG}).status_code == 401, number
    # Seven failures from this address: now any name is refused here, and taken elsewhere.
    other, known = person()
    assert client.post("/api/session", json={"name": other, "password": known}).status_code == 429
    elsewhere = TestClient(create_app(), client=("198.51.100.7", 5))
    assert elsewhere.post("/api/session", json={"name": other, "password": known}).status_code == 200


def test_nobody_names_his_own_address(own_database: str) -> None:
    client = browser()
    for number in range(settings().log_in_failures_per_address):
        spoofed = {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
        given = {"name": f"guess-{number}", "password": WRONG}
        assert client.post("/api/session", json=given, headers=spoofed).status_code == 401
    given = {"name": "guess-more", "password": WRONG}
    assert client.post("/api/session", json=given, headers={"X-Forwarded-For": "203.0.113.250"}).status_code == 429


def test_guesses_at_once_are_counted(own_database: str) -> None:
    name, _ = person()
    app = create_app()

    def guess(number: int) -> int:
        client = TestClient(app, client=(f"198.51.100.{number}", 1))
        return client.post("/api/session", json={"name": name, "password": WRONG}).status_code

    with ThreadPoolExecutor(12) as threads:
        seen = Counter(threads.map(guess, range(12)))
    assert seen == {401: settings().log_in_failures_per_name, 429: 12 - settings().log_in_failures_per_name}


def test_signing_in_at_once_gives_each_a_session(own_database: str) -> None:
    name, password = person()
    app = create_app()

    def enter(_: int) -> tuple[str, str]:
        client = TestClient(app)
        answer = client.post("/api/session", json={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        return client.cookies[COOKIE], answer.json()["csrf"]

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(enter, range(4)))
    assert len({secret for secret, _ in made}) == len({csrf for _, csrf in made}) == 4
    assert as_owner(own_database, "SELECT count(*) FROM accounts.session WHERE revoked_at IS NULL") == [(4,)]


def test_a_planted_cookie_is_not_adopted(own_database: str) -> None:
    name, password = person()
    client = browser()
    planted = "A" * 43
    client.cookies.set(COOKIE, planted)
    answer = client.post("/api/session", json={"name": name, "password": password})
    assert answer.status_code == 200
    assert COOKIE + "=" + planted not in answer.headers["set-cookie"]
    attacker = browser()
    attacker.cookies.set(COOKIE, planted)
    refused = attacker.get("/api/meta")
    assert (refused.status_code, refused.json()["code"]) == (401, "session_invalid")


def test_signing_in_over_another_session_ends_it(own_database: str) -> None:
    mallory, victim = person(None), person()
    attacker = signed_in(*mallory)
    kept = attacker.cookies[COOKIE]
    # The victim's browser was made to carry the attacker's session; signing in must part the two.
    browser_of_victim = browser()
    browser_of_victim.cookies.set(COOKIE, kept)
    answer = browser_of_victim.post("/api/session", json={"name": victim[0], "password": victim[1]})
    assert answer.json()["name"] == victim[0]
    assert COOKIE + "=" + kept not in answer.headers["set-cookie"]
    assert attacker.get("/api/meta").json()["code"] == "session_revoked"


def test_sessions_end(own_database: str) -> None:
    name, password = person()
    idle, old = signed_in(name, password), signed_in(name, password)
    first, second = (row[0] for row in as_owner(own_database, "SELECT id FROM accounts.session ORDER BY id"))
    hours = settings().session_idle_hours
    back = "UPDATE accounts.seen SET at = now() - make_interval(mins => %s) WHERE session_id = %s"
    as_owner(own_database, back, hours * 60 - 5, first)
    assert idle.get("/api/meta").status_code == 200  # and counts as seen again
    as_owner(own_database, back, hours * 60 + 1, first)
    assert idle.get("/api/meta").json()["code"] == "session_expired"
    ends = "SELECT expires_at - created_at = make_interval(days => %s) FROM accounts.session WHERE id = %s"
    assert as_owner(own_database, ends, settings().session_days, second) == [(True,)]
    assert old.get("/api/meta").status_code == 200
    as_owner(
        own_database,
        "UPDATE accounts.session SET created_at = now() - interval '8 days', expires_at = now() WHERE id = %s", second,
    )  # fmt: skip
    expired = old.get("/api/meta")
    assert (expired.status_code, expired.json()["code"]) == (401, "session_expired")
    assert "message" in expired.json()


def test_being_seen_is_written_once_a_minute_and_locks_nobody_out(own_database: str) -> None:
    name, password = person()
    client = signed_in(name, password)
    at = "SELECT at FROM accounts.seen"
    begun = as_owner(own_database, at)
    assert client.get("/api/meta").status_code == 200
    assert as_owner(own_database, at) == begun
    as_owner(own_database, "UPDATE accounts.seen SET at = now() - interval '2 minutes'")
    earlier = as_owner(own_database, at)
    with cluster_of_run().superuser(own_database.split("/")[3].split("?")[0]) as streaming:
        # As an export that streams for minutes and was the first to be seen in its minute.
        with streaming.transaction():
            streaming.execute("SELECT FROM accounts.seen FOR UPDATE")
            assert client.get("/api/meta").status_code == 200
            assert as_owner(own_database, at) == earlier
            with session_scope() as session:
                sessions.end_all(session, number_of(session, name))
    assert client.get("/api/meta").json()["code"] == "session_revoked"


def test_being_seen_again_is_noted(own_database: str) -> None:
    client = signed_in(*person())
    as_owner(own_database, "UPDATE accounts.seen SET at = now() - interval '2 minutes'")
    assert client.get("/api/meta").status_code == 200
    assert as_owner(own_database, "SELECT now() - at < interval '1 minute' FROM accounts.seen") == [(True,)]


def test_changing_the_password_ends_the_other_sessions(own_database: str) -> None:
    name, password = person()
    here, elsewhere = signed_in(name, password), signed_in(name, password)
    new = "sông Hương chảy qua cầu"
    for given, status, code in (
        ({"old": WRONG, "new": new}, 401, "wrong_credentials"),
        ({"old": password, "new": "ngắn"}, 422, "password_too_short"),
        ({"old": password, "new": password}, 422, "password_unchanged"),
        ({"old": password}, 422, "invalid_request"),
    ):
        answer = here.post("/api/session/password", json=given)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert here.post("/api/session/password", json={"old": password, "new": new}).status_code == 204
    assert here.get("/api/meta").status_code == 200
    assert elsewhere.get("/api/meta").json()["code"] == "session_revoked"
    assert browser().post("/api/session", json={"name": name, "password": password}).status_code == 401
    assert signed_in(name, new).get("/api/session").json()["name"] == name


def test_a_stolen_session_does_not_guess_the_password(own_database: str) -> None:
    client = signed_in(*person())
    given = {"old": WRONG, "new": "sông Hương chảy qua cầu"}
    seen = [client.post("/api/session/password", json=given).status_code for _ in range(7)]
    limit = settings().log_in_failures_per_name
    assert seen == [401] * limit + [429] * (7 - limit)


def test_an_account_deactivated_while_it_signs_in_does_not_get_in(own_database: str) -> None:
    name, password = person()
    proof = log_in.prove(name, password, "198.51.100.1")
    as_owner(own_database, "UPDATE accounts.account SET password_hash = 'changed' WHERE id = %s", proof.account_id)
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": [], "scheme": "http"})
    with session_scope() as session, pytest.raises(Unauthorized):
        log_in.open_for(request, Response(), session, proof.account_id, proof.password_hash)
    as_owner(own_database, "UPDATE accounts.account SET active = false WHERE id = %s", proof.account_id)
    with session_scope() as session, pytest.raises(Unauthorized):
        log_in.open_for(request, Response(), session, proof.account_id)
    assert as_owner(own_database, "SELECT count(*) FROM accounts.session") == [(0,)]
