"""The first administrator and the demo's accounts: nobody's password is known before it is printed."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import text

from app.accounts.first import Handed, add_demo_accounts, ensure_administrator
from app.areas.models import Unit
from app.config import ROOT
from app.database import engine, session_scope
from app.kit.page import today
from app.publish.serving import _first_administrator
from tests.accounts.people import as_owner, browser, make_person, signed_in


def test_processes_that_start_at_once_make_one(own_database: str) -> None:
    def start(_: int) -> Handed | None:
        with session_scope() as session:
            made = ensure_administrator(session)
            session.execute(text("SELECT pg_sleep(0.1)"))
        return made

    engine()  # one for all threads
    with ThreadPoolExecutor(4) as threads:
        (made,) = [one for one in threads.map(start, range(4)) if one]
    assert made.name == "quantri"
    client = signed_in(made.name, made.password)
    assert client.get("/api/users").json()["code"] == "password_change_required"
    new = {"old": made.password, "new": "mưa Huế rả rích đêm"}
    assert client.post("/api/session/password", json=new).status_code == 204
    assert client.get("/api/users").json()["matched"] == 1


def test_what_is_printed_is_the_password(own_database: str) -> None:
    said: list[str] = []
    _first_administrator(said.append)
    (vietnamese, english, _) = said
    found = re.findall(r": (\S+)$", vietnamese) + re.findall(r": (\S+)$", english)
    assert found[0] == found[1]
    assert signed_in("quantri", found[0]).get("/api/session").json()["must_change_password"]
    said.clear()
    _first_administrator(said.append)
    assert said == []


def test_an_administrator_of_another_name_is_enough(own_database: str) -> None:
    with session_scope() as session:
        make_person(session, "administrator")
        assert ensure_administrator(session) is None


def test_a_name_that_is_taken_is_left_alone(own_database: str) -> None:
    with session_scope() as session:
        name, password = make_person(session, "planner")
    as_owner(own_database, "UPDATE accounts.account SET name = 'quantri' WHERE name = %s", name)
    with session_scope() as session:
        made = ensure_administrator(session)
    assert made is not None
    assert made.name == "quantri2"
    assert signed_in("quantri", password).get("/api/session").json()["roles"] == ["planner"]


def test_there_are_no_accounts_before_somebody_makes_them(own_database: str) -> None:
    assert as_owner(own_database, "SELECT count(*) FROM accounts.account") == [(0,)]
    for name in ("admin", "quantri", "root", "hatang", "demo.quantri"):
        for password in (name, "admin", "hatang", "password"):
            answer = browser().post("/api/session", json={"name": name, "password": password})
            assert answer.status_code in {401, 429}


def test_the_demo_has_an_account_of_each_role(own_database: str) -> None:
    with session_scope() as session:
        session.add(Unit(level="commune", code="19774", name="Thuận Hóa", valid_from=today(), synthetic=True))
        session.flush()
        handed = add_demo_accounts(session)
        assert add_demo_accounts(session) == []
    roles = set()
    for account in handed:
        told = signed_in(account.name, account.password).get("/api/session").json()
        assert told["must_change_password"] is False
        assert "SYNTHETIC" in told["display_name"]
        roles |= {(role, *told["organisations"]) for role in told["roles"]}
        assert bool(told["communes"]) == ("commune_officer" in told["roles"])
    assert roles == {
        ("operator", "VIETTEL"), ("operator", "VNPT"), ("commune_officer",), ("other_department",), ("planner",),
        ("administrator",),
    }  # fmt: skip
    assert len({account.password for account in handed}) == 6
    # None of them is written anywhere in the program.
    source = "".join(path.read_text() for path in Path(ROOT / "app" / "accounts").glob("*.py"))
    assert not any(account.password in source for account in handed)
