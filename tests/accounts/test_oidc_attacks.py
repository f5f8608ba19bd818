"""Attacks on a log-in under way: another browser, another code, a second time, another provider, another site."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from fastapi.testclient import TestClient

from app.accounts import oidc_client, users
from app.accounts.schemas import RoleGiven
from app.database import session_scope
from tests.accounts.oidc_provider.running import CALLBACK, Browser, Running, running
from tests.accounts.oidc_provider.site import as_superuser, begin, code_of, come_back, sign_on, site, who

STATE = (401, "sign_on_state")
FAILED = (401, "sign_on_failed")


@pytest.fixture(scope="module")
def provider() -> Iterator[Running]:
    with running({}) as started:
        yield started


@pytest.fixture
def client(own_database: str, provider: Running) -> Iterator[TestClient]:
    """Return the victim's browser; `an` has an account, and so has `mallory`, who attacks."""
    with session_scope() as session:
        for name in ("an", "mallory"):
            roles = [RoleGiven(role="planner")]
            users.add(session, f"{name}.synthetic", name, roles=roles, subject=(provider.issuer, name))
    with sign_on(provider), site() as browser:
        yield browser


def log_in(url: str, login: str) -> str:
    with Browser() as browser:
        return browser.log_in(url, login)


def changed(url: str, **values: str) -> str:
    """Return `url` with parameters replaced, or left out where the new value is empty."""
    told = {name: several[0] for name, several in parse_qs(urlsplit(url).query).items()} | values
    return f"{url.partition('?')[0]}?{urlencode({name: value for name, value in told.items() if value})}"


def test_the_log_in_of_another_browser_is_refused(client: TestClient) -> None:
    with site() as attacker:
        lure = log_in(begin(attacker), "mallory")
        assert code_of(client.get(lure)) == STATE  # log-in CSRF: the victim would work in the attacker's account
        begin(client)
        assert code_of(client.get(lure)) == STATE  # with a log-in of its own under way
        assert who(client)["signed_in"] is False
        assert attacker.get(lure).status_code == 303  # and nobody spent it for its owner


def test_a_lure_does_not_end_the_log_in_under_way(client: TestClient) -> None:
    back = log_in(begin(client), "an")
    assert code_of(client.get(f"{CALLBACK}?code=x&state=y")) == STATE
    assert client.get(back).status_code == 303


def test_a_code_of_somebody_else_is_refused(client: TestClient) -> None:
    with site() as attacker:
        stolen = parse_qs(urlsplit(log_in(begin(attacker), "mallory")).query)["code"][0]
    back = log_in(begin(client), "an")
    assert code_of(client.get(changed(back, code=stolen))) == FAILED
    assert code_of(client.get(back)) == STATE  # spent by the attempt
    assert who(client)["signed_in"] is False


def test_a_callback_counts_once(client: TestClient) -> None:
    back = log_in(begin(client), "an")
    bound = client.cookies["hatang_oidc"]
    assert client.get(back).status_code == 303
    client.cookies.clear()
    client.cookies.set("hatang_oidc", bound, domain="127.0.0.1")
    assert code_of(client.get(back)) == STATE


def test_at_once_it_counts_once_too(client: TestClient) -> None:
    back = log_in(begin(client), "an")
    bound = {"Cookie": f"hatang_oidc={client.cookies['hatang_oidc']}"}
    with ThreadPoolExecutor(6) as many:
        answers = list(many.map(lambda _: client.get(back, headers=bound).status_code, range(6)))
    assert sorted(answers) == [303, 401, 401, 401, 401, 401]


def test_after_ten_minutes_it_is_too_late(client: TestClient, own_database: str) -> None:
    back = log_in(begin(client), "an")
    as_superuser(own_database, "UPDATE accounts.oidc_login SET created_at = now() - interval '601 s' RETURNING id")
    assert code_of(client.get(back)) == STATE


@pytest.mark.parametrize("state", ["", "0" * 30, "é", "x" * 200])
def test_a_made_up_state_is_refused(client: TestClient, state: str) -> None:
    begin(client)
    cookie = {"Cookie": f"hatang_oidc={state}"} if state.isascii() else {}
    assert code_of(client.get(CALLBACK, params={"code": "x", "state": state}, headers=cookie)) == STATE


def test_the_state_is_kept_as_a_hash_only(client: TestClient, own_database: str) -> None:
    state = parse_qs(urlsplit(begin(client)).query)["state"][0]
    kept = as_superuser(own_database, "SELECT o::text FROM accounts.oidc_login o")[0]
    assert state not in kept
    assert state.encode().hex() not in kept


@pytest.mark.parametrize("parameter", ["nonce", "code_challenge"])
def test_a_request_changed_on_its_way_is_refused(client: TestClient, parameter: str) -> None:
    changed_url = changed(begin(client), **{parameter: "A" * 43})
    assert code_of(client.get(log_in(changed_url, "an"))) == FAILED


@pytest.mark.parametrize("iss", ["", "https://other.example"])
def test_an_answer_in_another_providers_name_is_refused(client: TestClient, iss: str) -> None:
    back = log_in(begin(client), "an")
    assert code_of(client.get(changed(back, iss=iss))) == FAILED


def test_a_code_of_another_provider_is_refused(client: TestClient) -> None:
    with running({}) as foreign, sign_on(foreign), site() as there:
        code = parse_qs(urlsplit(log_in(begin(there), "an")).query)["code"][0]
    assert code_of(client.get(changed(log_in(begin(client), "an"), code=code))) == FAILED


def test_who_cancels_is_told(client: TestClient) -> None:
    with Browser() as browser:
        back = browser.cancel(begin(client))
    assert parse_qs(urlsplit(back).query)["error"] == ["access_denied"]
    evil = changed(back, error_description="<script>alert(1)</script>")
    page = client.get(evil, headers={"Accept": "text/html"})
    assert page.status_code == 403
    assert "đã bị hủy" in page.text
    assert "alert" not in page.text


def test_any_other_error_of_the_provider_is_not_repeated(client: TestClient) -> None:
    url = changed(begin(client), scope="openid", prompt="none")
    with Browser() as browser:
        answer = browser.get(url)
    assert code_of(client.get(answer.headers["location"])) == (403, "sign_on_cancelled")
    state = parse_qs(urlsplit(begin(client)).query)["state"][0]
    iss = parse_qs(urlsplit(answer.headers["location"]).query)["iss"][0]
    told = client.get(CALLBACK, params={"state": state, "iss": iss, "error": "<b>made up</b>"})
    assert code_of(told) == (503, "sign_on_refused")
    assert "made up" not in told.text


ELSEWHERE = (
    "https://evil.example/", "//evil.example", "/\\evil.example", "\\/evil.example", "/\t/evil.example",
    "/\n/evil.example", " /x", "", "x", "javascript:alert(1)", "/\r\nSet-Cookie: a=b", "///evil.example", "/\u2028x",
    "/api/session/oidc/start", "/" + "x" * 1000,
)  # fmt: skip


def test_it_leads_back_to_our_own_pages_only(client: TestClient, own_database: str) -> None:
    told = {where: client.get("/api/session/oidc/start", params={"return_to": where}) for where in ELSEWHERE}
    assert {code_of(answer) for answer in told.values()} == {(400, "return_to_refused")}
    assert as_superuser(own_database, "SELECT count(*) FROM accounts.oidc_login") == (0,)
    with Browser() as browser:
        for where in ("/", "/?q=a//b", "/%5C%5Cevil.example", "/@evil.example", "/x:y"):
            back = client.get(browser.log_in(begin(client, where), "an"))
            assert back.headers["location"] == where


def test_the_session_of_before_does_not_go_on(client: TestClient) -> None:
    come_back(client, "mallory")
    before = client.cookies["hatang_session"]
    come_back(client, "an")
    assert who(client)["name"] == "an.synthetic"
    assert client.cookies["hatang_session"] != before
    old = client.get("/api/meta", headers={"Cookie": f"hatang_session={before}"})
    assert code_of(old) == (401, "session_revoked")


def test_the_provider_is_down(client: TestClient) -> None:
    with running({}) as gone, sign_on(gone):
        back = log_in(begin(client), "an")
    with sign_on(gone):  # known from before: only the answer cannot be checked
        assert code_of(client.get(back)) == (503, "sign_on_unavailable")
    with sign_on(gone, TIMEOUT_S="4"):  # as after a restart: nothing known
        refused = client.get("/api/session/oidc/start")
        assert code_of(refused) == (503, "sign_on_unavailable")
        assert refused.headers["retry-after"]
        assert client.get("/api/session/oidc").json()["configured"] is True
        assert client.delete("/api/session/oidc").json() == {"end_session_url": None}


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"


@pytest.mark.parametrize(
    ("first", "then", "pause_s"),
    [(b"", b"", 0.0), (b"garbage\r\n\r\n", b"", 0.0), (OK, b" " * 100_000, 0.0), (OK, b" ", 0.1)],
    ids=["silence", "garbage", "no end", "a drop at a time"],
)
def test_a_provider_that_does_not_come_to_an_end_is_given_up(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, first: bytes, then: bytes, pause_s: float
) -> None:
    monkeypatch.setattr(oidc_client, "ANSWER_LIMIT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.settimeout(20)
                connection.recv(10_000)
                with suppress(OSError):
                    connection.sendall(first)
                    for _ in range(100 if pause_s else 10_000):  # or until the other side gives up
                        if then:
                            connection.sendall(then)
                        elif not connection.recv(1):
                            break
                        time.sleep(pause_s)

        said = pool.submit(answer)
        with sign_on(f"http://127.0.0.1:{server.getsockname()[1]}", TIMEOUT_S="0.5"):
            begun = time.monotonic()
            assert code_of(client.get("/api/session/oidc/start")) == (503, "sign_on_unavailable")
            assert time.monotonic() - begun < 5
        said.result(30)


def test_wrong_configuration_is_ours_to_mend(client: TestClient, provider: Running) -> None:
    wrong = (503, "sign_on_misconfigured")
    with sign_on(provider.issuer.replace("127.0.0.1", "localhost")):  # answers, but not in that name
        assert code_of(client.get("/api/session/oidc/start")) == wrong
    with sign_on(provider, CLIENT_SECRET="not the one registered"):
        assert code_of(come_back(client, "an")) == wrong
