"""A browser that is made to send a request from another site changes nothing."""

from __future__ import annotations

import pytest

from app.database import session_scope
from tests.accounts.people import as_owner, bearer, browser, make_person, signed_in, token_of

NEW = {"name": "qgis"}


def test_a_change_needs_the_sessions_own_csrf(own_database: str) -> None:
    with session_scope() as session:
        one, other = make_person(session, "planner"), make_person(session, "planner")
    client, second = signed_in(*one), signed_in(*other)
    good = client.headers.pop("X-CSRF-Token")
    foreign = second.headers["X-CSRF-Token"]
    for wrong in (None, "", "x", foreign, good[:-1], good + "x", good.upper() + "é"):
        headers = {} if wrong is None else {"X-CSRF-Token": wrong.encode()}
        answer = client.post("/api/tokens", json=NEW, headers=headers)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf"), wrong
        assert good not in answer.text
    for method, path in (("DELETE", "/api/session"), ("DELETE", "/api/tokens/1"), ("POST", "/api/session/password")):
        assert client.request(method, path).status_code == 403
    assert as_owner(own_database, "SELECT count(*) FROM accounts.token") == [(0,)]
    # The value may not come from where another site's form can put it.
    assert client.post(f"/api/tokens?csrf={good}", json=NEW).status_code == 403
    assert client.post("/api/tokens", json=NEW, headers={"X-CSRF-Token": good}).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://evil.example@testserver:81"},
        {"Origin": "http://testserver:8080"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_other_sites_change_nothing(own_database: str, headers: dict[str, str]) -> None:
    with session_scope() as session:
        one = make_person(session, "planner")
        token = token_of(session, one[0])
    client = signed_in(*one)
    for answer in (
        client.post("/api/tokens", json=NEW, headers=headers),
        client.delete("/api/session", headers=headers),
        # A browser that was once given a token as Basic credentials sends it along by itself.
        browser().delete("/api/tokens/1", headers=bearer(token) | headers),
        # Signing a victim in to the attacker's account is an attack too.
        browser().post("/api/session", json={"name": one[0], "password": one[1]}, headers=headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert client.get("/api/session", headers=headers).json()["signed_in"]
    ours = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/tokens", json=NEW, headers=ours).status_code == 201


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_form_is_no_json(own_database: str, media_type: str) -> None:
    with session_scope() as session:
        name, password = make_person(session, "planner")
    body = f'{{"name": "{name}", "password": "{password}"}}'
    answer = browser().post("/api/session", content=body, headers={"Content-Type": media_type})
    assert answer.status_code == 422
    assert "set-cookie" not in answer.headers
