"""Every route × every role × own, another's and restricted objects, from the OpenAPI document itself.

A route that does not say who may call it fails, and so does one that tests/permissions.py has no question for. Every
answer, whatever its status and format, is searched for what its caller may not know.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.accounts.roles import EXTENSION, ROLES
from app.coverage.models import CoverageRun, Served, Verdict
from app.database import session_scope
from app.main import create_app
from tests.accounts.people import bearer, make_person, number_of, token_of
from tests.permissions import QUESTIONS, Ask, World
from tests.registry.two_networks import build

OTHERS = ("VNPT-SITE", "vnpt-P", "vnpt-M", "vnpt-T", "vnpt-D", "vnpt-C", "vnpt-B", "107.72444", "16.42444")
SECRETS = ("SECRET-SITE", "secret-P", "secret-M", "secret-T", "secret-D", "secret-C", "secret-B", "F-SECRET", "Hầm",
           "107.54555", "16.42555")  # fmt: skip
READ_ALL = {"other_department", "planner", "administrator"}
DEPARTMENT = {"planner", "administrator"}


def world() -> tuple[World, dict[str, str]]:
    """Commit the two networks, a coverage run served by all three sites, and one account with a token for each role."""
    with session_scope() as session:
        networks = build(session)
        run = CoverageRun(status="done", finished_at=dt.datetime.now(dt.UTC), as_of=dt.date(2026, 1, 1),
                          rule="village-80", rule_version=1, rule_value={}, model="x", model_version="1",
                          terrain_version="", inputs_sha256="")  # fmt: skip
        session.add(run)
        session.flush()
        for village, name in (("here", "secret"), ("there", "vnpt")):
            cell = networks.rows["cell"][name]
            judged = Verdict(run_id=run.id, village_id=networks.rows["village"][village], verdict="covered", share=1.0,
                             rsrp_dbm=-80.0, margin_db=20.0,
                             why={"vi": ["x"], "en": ["x"], "reasons": ["covered"]})  # fmt: skip
            session.add(judged)
            session.flush()
            session.add(Served(verdict_id=judged.id, cell_id=cell,
                               why={"vi": [f"từ {name.upper()}-SITE"], "en": [f"from {name.upper()}-SITE"],
                                    "distance_m": 1234, "diffraction_db": 1.0}))  # fmt: skip
        who = {
            "operator": make_person(session, "operator", "VIETTEL"),
            "commune_officer": make_person(session, "commune_officer", unit_id=networks.commune),
            **{role: make_person(session, role) for role in ("other_department", "planner", "administrator")},
        }
        tokens = {role: token_of(session, name) for role, (name, _) in who.items()}
        victim, _ = make_person(session, "other_department")
        token_of(session, victim)
        user = number_of(session, victim)
        role_id = session.scalar(text("SELECT id FROM accounts.account_role WHERE account_id = :id"), {"id": user})
        token_id = session.scalar(text("SELECT id FROM accounts.token WHERE account_id = :id"), {"id": user})
        start = "SELECT accounts.start_session(:id, NULL, sha256('x'), 'x', 3600, 3600, '', '', NULL)"
        assert session.scalar(text(start), {"id": user})
        session_id = session.scalar(text("SELECT id FROM accounts.session"))
        return World(networks, run.id, user, int(role_id or 0), int(token_id or 0), int(session_id or 0)), tokens


def call(client: TestClient, method: str, asked: Ask, token: str | None) -> Any:
    headers = asked.headers | (bearer(token) if token else {})
    return client.request(method, asked.path, params=asked.params, json=asked.body, headers=headers,
                          follow_redirects=False)  # fmt: skip


def told(answer: Any) -> str:
    """Return all an answer says: vector tiles hold their strings as they are, zips what is in them."""
    content = bytes(answer.content)
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            content = b"\n".join(file.read(name) for name in file.namelist())
    heads = "\n".join(f"{k}: {v}" for k, v in answer.headers.items())
    return heads + "\n" + content.decode("utf-8", "replace")


def leaks(role: str, asked: Ask, answer: Any) -> list[str]:
    """Return what the answer says that its caller may not know; what the caller itself sent is no news."""
    said, sent = told(answer), f"{asked.path} {asked.params} {asked.body}"
    forbidden = (() if role in READ_ALL else OTHERS) + (() if role in DEPARTMENT else SECRETS)
    return [word for word in forbidden if word in said and word not in sent]


def test_every_route_names_its_roles_and_has_a_question() -> None:
    document = create_app().openapi()
    routes = {f"{m.upper()} {p}": o for p, methods in document["paths"].items() for m, o in methods.items()}
    assert [name for name, o in routes.items() if not set(o.get(EXTENSION, [])) & set(ROLES)] == []
    assert routes.keys() - QUESTIONS.keys() == set(), "write their questions in tests/permissions.py"
    assert QUESTIONS.keys() - routes.keys() == set(), "these are gone"


def in_order(document: dict[str, Any]) -> list[tuple[str, str, set[str]]]:
    """Return (method, path, roles), reads first: a write that is allowed changes what there is to see."""
    found = [(m.upper(), path, set(o[EXTENSION])) for path, ms in document["paths"].items() for m, o in ms.items()]
    return sorted(found, key=lambda r: (r[0] != "GET", r[0] == "POST", r[1] == "/api/objects/{layer}"))


def test_the_matrix(own_database: str) -> None:
    known, tokens = world()
    app = create_app()
    wrong: list[str] = []
    count = 0
    with TestClient(app) as client:
        for method, path, may in in_order(app.openapi()):
            for asked in QUESTIONS[f"{method} {path}"](known):
                for role in ROLES:
                    if method == "POST" and asked.target and role in DEPARTMENT:
                        continue  # it may, and would make the operator a tenant there
                    answer = call(client, method, asked, tokens.get(role))
                    count += 1
                    where = f"{role}: {method} {asked.path} {asked.params or ''} → {answer.status_code}"
                    wrong += [f"{where} says {word}" for word in leaks(role, asked, answer)]
                    wrong += judged(where, role, may, asked, answer)
                    client.cookies.clear()
    assert not wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:60])
    assert count > 2000


def judged(where: str, role: str, may: set[str], asked: Ask, answer: Any) -> list[str]:
    """Return what is wrong with the status of an answer."""
    status = answer.status_code
    if status >= 500 and status != 503:
        return [f"{where}: {answer.text[:300]}"]
    allowed = "public" in may or role in may
    if not allowed:
        expected = 401 if role == "public" else 403
        return [] if status == expected else [f"{where}, expected {expected}"]
    if role == "public" and status in {401, 403}:
        # A public route may say that there is something for those who sign in; nothing more.
        told_why = answer.json()["code"] in {"sign_in_required", "wrong_credentials", "sign_on_state"}
        return [] if told_why else [f"{where}: {answer.text[:200]}"]
    hidden = (asked.target == "secret" and role not in DEPARTMENT) or (asked.target == "vnpt" and role not in READ_ALL)
    if hidden and status < 400:
        return [f"{where}: an object that is not there for this role was answered"]
    return []


@pytest.mark.parametrize("layer", ["sites", "poles", "ducts", "cables", "cells"])
def test_hidden_and_absent_objects_answer_alike(own_database: str, layer: str) -> None:
    known, tokens = world()
    table = layer.removesuffix("s")
    with TestClient(create_app()) as client:
        ids = [known.row(table, "vnpt"), known.row(table, "secret"), 987_654_321]
        answers = [client.get(f"/api/objects/{layer}/{i}", headers=bearer(tokens["operator"])) for i in ids]
        assert {a.status_code for a in answers} == {404}
        assert len({a.text for a in answers}) == 1
