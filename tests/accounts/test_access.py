"""Who a request works for, and which routes it may call."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.accounts import access, users
from app.accounts.access import DbSession, WritingSession, identity_of
from app.accounts.roles import DEPARTMENT, EXTENSION, PUBLIC, ROLES, SIGNED_IN, Role, allow
from app.accounts.schemas import RoleGiven
from app.areas.models import Unit, UnitSuccession
from app.config import settings
from app.database import engine, scope_of, session_scope
from app.kit.page import today
from app.main import create_app
from app.organisations.models import Organisation
from tests.accounts.people import as_owner, bearer, browser, make_person, number_of, signed_in, token_of

probe = APIRouter()


@probe.get("/probe/scope", openapi_extra=allow(PUBLIC))
def get_scope(session: DbSession) -> dict[str, Any]:
    """What Python and the database each take the caller for."""
    scope, identity = scope_of(session), identity_of(session)
    row = session.execute(text("SELECT registry.my_roles(), registry.my_organisations(), registry.my_communes(), "
                               "current_setting('hatang.actor', true), txid_current()")).one()  # fmt: skip
    assert list(scope.organisations) == row[1]
    assert list(scope.communes) == row[2]
    assert (scope.actor or "") == (row[3] or "")
    assert list(scope.roles) == [r for r in row[0] if r]
    return {"name": identity.name, "actor": scope.actor, "roles": sorted(scope.roles),
            "codes": identity.organisations, "organisations": row[1], "communes": row[2]}  # fmt: skip


@probe.get("/probe/shared", openapi_extra=allow(PUBLIC))
def get_shared(session: DbSession, response: Response) -> None:
    """Say that anybody may keep the answer."""
    response.headers["Cache-Control"] = "public, max-age=60"


@probe.get("/probe/nobody-said")
def get_unsaid(session: DbSession) -> str:
    """Name no roles."""
    return "never seen"


@probe.post("/probe/notes", openapi_extra=allow(*DEPARTMENT), status_code=201)
def add_note(session: WritingSession, code: str) -> str:
    """Write a row, and break a rule that is only checked at the commit when the code is `late`."""
    session.execute(text("SELECT set_config('hatang.reason', 'probe', true)"))
    village = "INSERT INTO registry.village (code, name, point) VALUES (:c, 'V', ST_Point(107.5, 16.4, 4326))"
    session.execute(text(village), {"c": code})
    return code


def _probe_role(role: Role) -> None:
    @probe.get(f"/probe/for/{role}", openapi_extra=allow(role), name=f"probe_{role}")
    def only(session: DbSession) -> str:
        return role


for held in SIGNED_IN:
    _probe_role(held)


def probed() -> FastAPI:
    app = create_app()
    app.router.routes[:0] = probe.routes
    return app


def asked(token: str | None) -> dict[str, Any]:
    answer = TestClient(probed()).get("/probe/scope", headers=bearer(token) if token else {})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_every_role_opens_its_own_routes_only(own_database: str) -> None:
    with session_scope() as session:
        commune = Unit(level="commune", code="19774", name="Thuận Hóa", valid_from=dt.date(2025, 7, 1))
        session.add(commune)
        session.flush()
        held = {role: make_person(session, role, "VNPT" if role == "operator" else None,
                                  commune.id if role == "commune_officer" else None) for role in SIGNED_IN}  # fmt: skip
        tokens: dict[str, str] = {role: token_of(session, name) for role, (name, _) in held.items()}
        tokens["none"] = token_of(session, make_person(session, None)[0])
    client = TestClient(probed())
    for role in SIGNED_IN:
        nobody = client.get(f"/probe/for/{role}")
        assert (nobody.status_code, nobody.json()["code"]) == (401, "sign_in_required")
        for who, token in tokens.items():
            answer = client.get(f"/probe/for/{role}", headers=bearer(token))
            assert answer.status_code == (200 if who == role else 403), (who, role)


def test_a_route_that_names_no_roles_is_refused_to_everybody(
    own_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    with session_scope() as session:
        token = token_of(session, make_person(session, "administrator")[0])
    client = TestClient(probed())
    with caplog.at_level(logging.ERROR, "hatang.access"):
        for headers in ({}, bearer(token)):
            answer = client.get("/probe/nobody-said", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "role_missing")
            assert "never seen" not in answer.text
    assert len(caplog.records) == 2


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


QUESTIONS = {"/api/colocation", "/api/sharing-question", "/api/what-if", "/api/licensing/poles", "/api/licensing/ducts"}
"""Asked by POST, since an answer is computed from a body; they change nothing that has to be kept first."""
SESSIONS = {access.request_session, access.writing_session, access.opening_session}


def test_every_route_names_its_roles_and_opens_a_session_that_asks(own_database: str) -> None:
    """A route without a session has nothing that would check its roles, so it can only be the public's."""
    wrong = []
    routes = list(_api_routes(create_app()))
    assert len(routes) > 20
    for route in routes:
        roles = (route.openapi_extra or {}).get(EXTENSION)
        asks = bool(SESSIONS & set(_calls(route.dependant)))
        if not route.include_in_schema:
            assert not asks, f"{route.path}: pages of the front end are everybody's and open no session"
        elif not roles or not set(roles) <= set(ROLES):
            wrong.append(f"{route.path}: says nothing of who may call it")
        elif PUBLIC not in roles and not asks:
            wrong.append(f"{route.path}: is for {roles} but takes no session that checks it")
        unsafe = set(route.methods or ()) - {"GET", "HEAD"}
        if route.path not in QUESTIONS and unsafe and access.request_session in _calls(route.dependant):
            wrong.append(f"{route.path}: {unsafe} would be committed after its answer")
        if access.opening_session in _calls(route.dependant) and roles != [PUBLIC]:
            wrong.append(f"{route.path}: takes no notice of credentials but is for {roles}")
    assert not wrong, "\n".join(wrong)


def _api_routes(app: FastAPI) -> Iterator[APIRoute]:
    for found in iter_route_contexts(app.routes):
        if isinstance(found.original_route, APIRoute):
            yield found.original_route


def test_roles_hold_on_their_days(own_database: str) -> None:
    day = dt.timedelta(days=1)
    with session_scope() as session:
        people = {
            "future": make_person(session, "planner", valid_from=today() + day),
            "past": make_person(session, "planner", valid_from=today() - 9 * day, valid_to=today()),
            "now": make_person(session, "planner", valid_from=today(), valid_to=today() + day),
            "never": make_person(session, "planner", valid_from=today(), valid_to=today()),
        }
        tokens = {when: token_of(session, name) for when, (name, _) in people.items()}
    seen = {when: asked(token)["roles"] for when, token in tokens.items()}
    assert seen == {"future": [], "past": [], "now": ["planner"], "never": []}
    assert (asked(None)["roles"], asked(None)["actor"]) == ([], "")
    with session_scope() as session:
        number = number_of(session, people["now"][0])
        users.end_role(session, number, users.user(session, number)["roles"][0]["id"])
    assert asked(tokens["now"])["roles"] == []


def test_the_day_is_that_of_viet_nam(own_database: str) -> None:
    """At 20:00 UTC it is the next day in Huế; the database's own clock cannot be set, its time zone can."""
    ((local,),) = as_owner(own_database, "SELECT accounts.today() = (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date")
    assert local
    with session_scope() as session:
        assert session.scalar(text("SELECT accounts.today()")) == today()
        session.execute(text("SET LOCAL timezone = 'America/Los_Angeles'"))
        assert session.scalar(text("SELECT accounts.today()")) == today()


def test_an_operator_acts_for_every_row_of_its_code(own_database: str) -> None:
    with session_scope() as session:
        for start, end in ((None, dt.date(2020, 1, 1)), (dt.date(2020, 1, 1), None)):
            session.add(
                Organisation(code="RENAMED", name=f"R {start}", kind="operator", valid_from=start, valid_to=end)
            )
        session.flush()
        numbers = list(session.scalars(text("SELECT id FROM organisation WHERE code = 'RENAMED' ORDER BY id")))
        name, _ = make_person(session, "operator", "RENAMED")
        users.add_role(session, number_of(session, name), RoleGiven(role="operator", organisation="VNPT"))
        vnpt = session.scalar(text("SELECT id FROM organisation WHERE code = 'VNPT'"))
        token = token_of(session, name)
    found = asked(token)
    assert len(numbers) == 2
    assert found["codes"] == ["RENAMED", "VNPT"]
    assert sorted(found["organisations"]) == sorted([*numbers, vnpt])


def test_an_officer_keeps_what_its_commune_became(own_database: str) -> None:
    reform = dt.date(2025, 7, 1)
    with session_scope() as session:
        old, new, newer, still, elsewhere = units = [
            Unit(level="commune", code=f"C{i}", name=f"Xã {i}", valid_from=dt.date(2020, 1, 1)) for i in range(5)
        ]
        session.add_all(units)
        old.valid_to = reform
        new.valid_to = dt.date(2026, 1, 1)
        session.flush()
        session.add_all(
            UnitSuccession(old_unit_id=a.id, new_unit_id=b.id, on_date=on, share=0.5)
            for a, b, on in (
                (old, new, reform), (new, newer, dt.date(2026, 1, 1)), (still, elsewhere, reform), (newer, old, reform),
            )
        )  # fmt: skip
        officers = [make_person(session, "commune_officer", unit_id=unit.id)[0] for unit in (old, still)]
        tokens = [token_of(session, name) for name in officers]
        ids = [unit.id for unit in units]
    assert asked(tokens[0])["communes"] == ids[:3]
    # One that is still there ceded a strip: its officer does not get the neighbour for that.
    assert asked(tokens[1])["communes"] == [ids[3]]


def test_a_given_password_opens_nothing_but_its_change(own_database: str) -> None:
    with session_scope() as session:
        name, _ = make_person(session, "administrator")
        token = token_of(session, name)
        given = users.reset_password(session, number_of(session, name))
    client = signed_in(name, given)
    told = client.get("/api/session").json()
    assert told["must_change_password"]
    refusals = [client.get(p) for p in ("/api/users", "/api/tokens", "/api/meta")]
    refusals += [client.post("/api/tokens", json={"name": "x"}), browser().get("/api/users", headers=bearer(token))]
    for answer in refusals:
        assert (answer.status_code, answer.json()["code"]) == (403, "password_change_required")
    # The database gives such a transaction no role either.
    row = as_owner(own_database, "SELECT accounts.enter('token', sha256(%s)), registry.my_roles()", token.encode())
    assert row[0][1] == []
    new = {"old": given, "new": "sông Hương chảy qua cầu"}
    assert client.post("/api/session/password", json=new).status_code == 204
    assert client.get("/api/users").status_code == 200
    assert browser().get("/api/users", headers=bearer(token)).status_code == 200


def test_a_scope_ends_with_its_transaction(own_database: str) -> None:
    with session_scope() as session:
        planner = token_of(session, make_person(session, "planner")[0])
    app = probed()
    with engine().connect() as first:
        pid = first.scalar(text("SELECT pg_backend_pid()"))
    client = TestClient(app)
    assert client.get("/probe/scope", headers=bearer(planner)).json()["roles"] == ["planner"]
    with engine().connect() as again:
        assert again.scalar(text("SELECT pg_backend_pid()")) == pid  # the pool's only connection
        left = again.execute(text("SELECT registry.my_roles(), current_setting('hatang.actor', true)")).one()
        assert ([r for r in left[0] if r], left[1] or "") == ([], "")
    assert client.get("/probe/scope").json()["actor"] == ""
    # Refused in the middle, or failed in the middle: the same.
    assert client.get("/probe/for/operator", headers=bearer(planner)).status_code == 403
    assert client.get("/probe/scope", headers=bearer("ht_" + "x" * 43)).status_code == 401
    assert client.get("/probe/scope").json()["actor"] == ""


def test_many_callers_through_one_pool_stay_apart(own_database: str) -> None:
    with session_scope() as session:
        held = [make_person(session, "operator", code)[0] for code in ("VIETTEL", "VNPT")]
        held += [make_person(session, "planner")[0], make_person(session, None)[0]]
        tokens = [(name, token_of(session, name)) for name in held]
    app = probed()
    cases = [*tokens, ("", None)] * 60

    def ask(case: tuple[str, str | None]) -> tuple[str, str]:
        name, token = case
        return name, TestClient(app).get("/probe/scope", headers=bearer(token) if token else {}).json()["name"]

    with ThreadPoolExecutor(16) as threads:
        assert all(wanted == got for wanted, got in threads.map(ask, cases))


def test_a_write_is_kept_before_it_is_said_to_be(own_database: str) -> None:
    with session_scope() as session:
        name, password = make_person(session, "planner")
    as_owner(own_database, """
        CREATE FUNCTION public.refuse_late() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.code = 'late' THEN
                RAISE EXCEPTION 'late' USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_village_late';
            END IF;
            RETURN NULL;
        END $$""")  # fmt: skip
    as_owner(own_database, """
        CREATE CONSTRAINT TRIGGER late AFTER INSERT ON registry.village DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION public.refuse_late()""")  # fmt: skip
    signed = signed_in(name, password)
    client = TestClient(
        probed(), cookies=dict(signed.cookies), headers={"X-CSRF-Token": signed.headers["X-CSRF-Token"]}
    )
    codes = "SELECT code FROM registry.village"
    assert client.post("/probe/notes?code=early").status_code == 201
    assert as_owner(own_database, codes) == [("early",)]
    refused = client.post("/probe/notes?code=late")
    assert (refused.status_code, refused.json()["code"]) == (422, "out_of_range")
    assert as_owner(own_database, codes) == [("early",)]
    ((actor, reason),) = as_owner(
        own_database, "SELECT actor, reason FROM audit.change WHERE table_name = 'registry.village'"
    )
    assert reason == "probe"
    assert actor.startswith("user:")


def test_answers_to_an_account_are_private(own_database: str) -> None:
    with session_scope() as session:
        token = token_of(session, make_person(session, "planner")[0])
    client = TestClient(probed())
    assert client.get("/probe/shared").headers["cache-control"] == "public, max-age=60"
    for path in ("/probe/shared", "/probe/scope", "/api/session", "/probe/for/operator"):
        answer = client.get(path, headers=bearer(token))
        assert "private" in answer.headers["cache-control"], path
        assert "public" not in answer.headers["cache-control"]
    assert "Authorization" in client.get("/api/session", headers=bearer(token)).headers["vary"]


def test_without_a_database_only_what_needs_none_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    engine().dispose()  # the worker's own, about to be forgotten: what it holds open would stay so
    monkeypatch.setenv("HATANG_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    settings.cache_clear()
    engine.cache_clear()
    try:
        client = browser()
        assert client.get("/healthz").status_code == 200
        for headers in ({}, bearer("ht_" + "x" * 43)):
            answer = client.get("/api/session", headers=headers)
            assert answer.status_code == (200 if not headers else 503)
        answer = client.post("/api/session", json={"name": "lan", "password": "x"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    finally:
        engine.cache_clear()
        settings.cache_clear()
