"""Single sign-on from the button to the session, against a real OpenID provider and a database of its own."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.accounts import oidc, users
from app.accounts.schemas import RoleGiven
from app.areas.models import Unit
from app.database import session_scope
from tests.accounts.oidc_provider.running import CLIENT_SECRET, Browser, Running, running
from tests.accounts.oidc_provider.site import HOME, as_superuser, begin, code_of, come_back, sign_on, site, who

PEOPLE = {
    "an": {"name": "Nguyễn Thị An (SYNTHETIC)", "preferred_username": "an.nguyen", "groups": ["so-quy-hoach"]},
    "binh": {"name": "Trần Bình (SYNTHETIC)", "preferred_username": "planner", "groups": ["viettel", "khac"]},
    "chi": {"realm_access": {"roles": ["ubnd-xa"]}, "email": "chi@example.test", "email_verified": True},
    "dung": {"name": "\u202e" + "x" * 300, "preferred_username": "../<b>", "email": "planner@example.test"},
}
RULES = [
    {"claim": "groups", "value": "so-quy-hoach", "role": "planner"},
    {"claim": "groups", "value": "viettel", "role": "operator", "organisation": "VIETTEL"},
    {"claim": "groups", "value": "khac", "role": "operator", "organisation": "NOT-THERE"},
    {"claim": "realm_access.roles", "value": "ubnd-xa", "role": "commune_officer", "commune": "20044"},
]


@pytest.fixture(scope="module")
def provider() -> Iterator[Running]:
    with running(PEOPLE) as started:
        yield started


@pytest.fixture
def client(own_database: str) -> Iterator[TestClient]:
    with site() as browser:
        yield browser


def linked(provider: Running, subject: str, *roles: str, name: str = "planner") -> int:
    with session_scope() as session:
        given = [RoleGiven.model_validate({"role": role}) for role in roles]
        return users.add(session, name, "Người (SYNTHETIC)", roles=given, subject=(provider.issuer, subject))


def test_a_linked_account_signs_in_and_out(client: TestClient, provider: Running) -> None:
    linked(provider, "an", "planner")
    with sign_on(provider), Browser() as browser:
        assert client.get("/api/session/oidc").json()["configured"] is True
        start = client.get("/api/session/oidc/start", params={"return_to": "/?lop=cot&xã=Hương#1"})
        bound = start.headers["set-cookie"]
        assert all(part in bound for part in ("hatang_oidc=", "HttpOnly", "Max-Age=600", "SameSite=lax"))
        assert parse_qs(urlsplit(start.headers["location"]).query)["code_challenge_method"] == ["S256"]

        back = client.get(browser.log_in(start.headers["location"], "an"))
        assert back.status_code == 303
        assert back.headers["location"] == "/?lop=cot&x%C3%A3=H%C6%B0%C6%A1ng#1"
        assert "no-store" in back.headers["cache-control"]
        assert "hatang_oidc" not in client.cookies
        identity = who(client)
        assert (identity["name"], identity["roles"]) == ("planner", ["planner"])

        secret = client.cookies["hatang_session"]
        assert client.delete("/api/session/oidc").status_code == 403  # without csrf
        ended = client.delete("/api/session/oidc", headers={"X-CSRF-Token": identity["csrf"]})
        assert ended.status_code == 200
        assert who(client)["roles"] == ["public"]
        again = client.get("/api/meta", headers={"Cookie": f"hatang_session={secret}"})
        assert code_of(again) == (401, "session_revoked")

        page = browser.get(ended.json()["end_session_url"])  # the provider asks, and brings back
        action, fields = browser.form(page)
        assert browser.post(action, data=fields | {"logout": "yes"}).headers["location"].startswith(HOME)
    with session_scope() as session:
        written = session.execute(
            text("SELECT before, after FROM audit.change WHERE table_name LIKE 'accounts.%'")
        ).all()
    assert written
    assert secret not in str(written)


def test_somebody_unknown_is_told_whom_to_ask(client: TestClient, provider: Running) -> None:
    with sign_on(provider, RULES, CONTACT="0234 000 000"):
        refused = come_back(client, "<script>alert(1)</script>")
        assert code_of(refused) == (403, "account_unknown")
        assert refused.json()["subject"] == "<script>alert(1)</script>"
        with Browser() as browser:
            back = browser.log_in(begin(client), "<script>alert(1)</script>")
        page = client.get(back, headers={"Accept": "text/html,*/*"})
        assert page.status_code == 403
        assert "0234 000 000" in page.text
        assert "&lt;script&gt;" in page.text
        assert "<script" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert who(client)["signed_in"] is False
    with session_scope() as session:
        assert users.count(session) == 0


def test_an_administrator_links_the_identifier_shown(client: TestClient, provider: Running) -> None:
    linked(provider, "chief", "administrator", name="chief")
    with sign_on(provider), site() as chief:
        assert code_of(come_back(client, "an")) == (403, "account_unknown")
        come_back(chief, "chief")
        csrf = {"X-CSRF-Token": who(chief)["csrf"]}
        wanted = {"name": "an.nguyen", "display_name": "An (SYNTHETIC)", "roles": [{"role": "planner"}]}
        made = chief.post("/api/users", json=wanted, headers=csrf).json()
        where = f"/api/users/{made['id']}/sign-on"
        found = chief.get(where)
        assert found.json() == {"subject": None}
        matched = csrf | {"If-Match": found.headers["etag"]}
        assert chief.put(where, json={"subject": "an"}, headers=csrf).status_code == 428
        assert code_of(chief.put(where, json={"subject": "chief"}, headers=matched)) == (409, "subject_taken")
        assert chief.put(where, json={"subject": "an"}, headers=matched).json() == {"subject": "an"}
        assert chief.put(where, json={"subject": "dung"}, headers=matched).status_code == 412

        come_back(client, "an")
        assert (who(client)["name"], who(client)["roles"]) == ("an.nguyen", ["planner"])
        assert client.get(where).status_code == 403
        known = {"name": "an.nguyen", "password": made["one_time_password"]}
        with site() as finder:  # of the slip of paper nobody needed
            assert code_of(finder.post("/api/session", json=known)) == (401, "wrong_credentials")
    with session_scope() as session:
        oidc.link(session, made["id"], None)
        assert oidc.linked(session, made["id"]) == {"subject": None}
    with sign_on(provider):
        assert code_of(come_back(client, "an")) == (403, "account_unknown")


def test_accounts_are_created_with_mapped_roles(client: TestClient, provider: Running) -> None:
    linked(provider, "somebody else", "planner", name="planner")
    with session_scope() as session:
        commune = Unit(level="commune", code="20044", name="Xã A Lưới 1 (SYNTHETIC)", valid_from=dt.date(2025, 7, 1))
        session.add(commune)
    with sign_on(provider, RULES, CREATE="true"):
        assert come_back(client, "an").status_code == 303
        assert who(client)["name"] == "an.nguyen"
        assert who(client)["display_name"] == "Nguyễn Thị An (SYNTHETIC)"
        assert who(client)["roles"] == ["planner"]

        come_back(client, "binh")  # chose the name of a local account at the provider: gets none of it
        assert who(client)["name"].startswith("oidc-")
        assert (who(client)["roles"], who(client)["organisations"]) == (["operator"], ["VIETTEL"])

        come_back(client, "chi")
        assert (who(client)["roles"], who(client)["communes"]) == (["commune_officer"], [commune.id])

        come_back(client, "dung")
        assert who(client)["roles"] == []
        assert who(client)["display_name"] == "x" * 200
        first = who(client)["account_id"]
        come_back(client, "dung")
        assert who(client)["account_id"] == first


def test_without_mapping_a_created_account_has_no_role(client: TestClient, provider: Running) -> None:
    with sign_on(provider, CREATE="true"):
        come_back(client, "an")
        assert who(client)["roles"] == []
        assert client.get("/api/users").status_code == 403


def test_roles_follow_the_provider_at_each_log_in(client: TestClient, provider: Running) -> None:
    number = linked(provider, "an", "other_department", "administrator")
    with sign_on(provider, RULES):
        come_back(client, "an")
        assert sorted(who(client)["roles"]) == ["administrator", "planner"]  # the last administrator stays
        linked(provider, "second", "administrator", name="second")
        come_back(client, "an")
        assert who(client)["roles"] == ["planner"]
    with sign_on(provider, RULES[1:]):
        come_back(client, "an")
        assert who(client)["roles"] == []
    with sign_on(provider):  # no mapping: roles are the administrator's business
        with session_scope() as session:
            users.add_role(session, number, RoleGiven(role="planner"))
        come_back(client, "an")
        assert who(client)["roles"] == ["planner"]


def test_a_deactivated_account_stays_out(client: TestClient, provider: Running) -> None:
    number = linked(provider, "an", "planner")
    with sign_on(provider, RULES, CREATE="true"):
        come_back(client, "an")
        with session_scope() as session:
            users.change(session, number, {"active": False})
        assert client.get("/api/meta").status_code == 401
        client.cookies.clear()
        assert code_of(come_back(client, "an")) == (403, "account_inactive")
    with session_scope() as session:
        assert users.count(session) == 1


def test_no_secret_is_logged(
    client: TestClient, provider: Running, own_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    linked(provider, "an", "planner")
    caplog.set_level(logging.DEBUG)
    with sign_on(provider), Browser() as browser:
        back = browser.log_in(begin(client), "an")
        row = as_superuser(own_database, "SELECT nonce, code_verifier FROM accounts.oidc_login")
        client.get(back)
        come_back(client, "nobody")
        client.get(f"{back}&error=server_error")
    # The browsers of the test, which log where they go, write under these names too.
    ours = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith(("httpx2", "httpcore2")))
    code = parse_qs(urlsplit(back).query)["code"][0]
    for secret in (*row, code, client.cookies["hatang_session"]):
        assert secret not in ours
    assert row[1] not in caplog.text
    assert CLIENT_SECRET not in caplog.text


def test_without_configuration_there_is_none(client: TestClient) -> None:
    assert client.get("/api/session/oidc").json()["configured"] is False
    assert code_of(client.get("/api/session/oidc/start")) == (404, "sign_on_off")
    assert code_of(client.get("/api/session/oidc/callback?code=x&state=y")) == (401, "sign_on_state")
