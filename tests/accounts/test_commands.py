"""`hatang user`, as somebody at the server types it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from app.accounts.commands import user
from app.areas.models import Unit
from app.database import session_scope
from app.errors import AppError
from app.kit.page import today
from tests.accounts.people import as_owner, bearer, browser, signed_in


def hatang(*arguments: str) -> Any:
    done = CliRunner().invoke(user, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def refused(*arguments: str) -> AppError:
    done = CliRunner().invoke(user, list(arguments))
    assert isinstance(done.exception, AppError), (done.exception, done.output)
    return done.exception


def test_an_account_and_its_token(own_database: str) -> None:
    with session_scope() as session:
        session.add(Unit(level="commune", code="19774", name="Phường Thuận Hóa", valid_from=today()))
    made = hatang("add", "Lan", "--role", "operator:VIETTEL", "--role", "commune_officer:19774", "--role", "planner")
    client = signed_in("lan", made["one_time_password"])
    assert client.get("/api/session").json()["must_change_password"]
    (account,) = hatang("list")
    assert [(r["role"], r["organisation"], r["unit"]) for r in account["roles"]] == [
        ("operator", "VIETTEL", None), ("commune_officer", None, "Phường Thuận Hóa"), ("planner", None, None),
    ]  # fmt: skip
    new = {"old": made["one_time_password"], "new": "mưa Huế rả rích đêm"}
    assert client.post("/api/session/password", json=new).status_code == 204
    token = hatang("token", "lan", "--name", "QGIS", "--days", "30", "--scope", "read", "--scope", "write")
    told = browser().get("/api/session", headers=bearer(token["token"])).json()
    assert (told["name"], told["scopes"]) == ("lan", ["read", "write"])
    assert token["token"] not in json.dumps(hatang("tokens", "lan"))
    hatang("revoke-token", str(token["id"]))
    assert browser().get("/api/session", headers=bearer(token["token"])).json()["code"] == "token_revoked"
    ended = hatang("role", "lan", "--give", "other_department", "--end", str(account["roles"][2]["id"]))
    assert [r["role"] for r in ended["roles"] if r["in_force"]] == ["operator", "commune_officer", "other_department"]
    again = hatang("reset-password", "LAN")["one_time_password"]
    assert client.get("/api/meta").json()["code"] == "session_revoked"
    lan = signed_in("lan", again)
    assert hatang("deactivate", "lan")["active"] is False
    assert lan.get("/api/meta").json()["code"] == "session_revoked"
    actors = {row[0] for row in as_owner(own_database, "SELECT actor FROM audit.change WHERE table_name LIKE 'acc%%'")}
    assert {actor.partition(":")[0] for actor in actors} == {"system", "user"}


def test_sessions_are_listed_and_ended(own_database: str) -> None:
    made = {name: hatang("add", name)["one_time_password"] for name in ("lan", "hoa")}
    lan, hoa = (signed_in(name, password) for name, password in made.items())
    assert lan.headers["X-CSRF-Token"] not in json.dumps(hatang("sessions", "lan"))
    assert [set(row) for row in hatang("sessions", "LAN")] == [
        {"id", "created_at", "last_seen_at", "expires_at", "address", "user_agent"}
    ]
    assert hatang("end-sessions", "LAN") == {"name": "lan", "ended": 1}
    assert (hatang("end-sessions", "lan")["ended"], hatang("sessions", "lan")) == (0, [])
    assert lan.get("/api/meta").json()["code"] == "session_revoked"
    assert hoa.get("/api/session").json()["signed_in"]


def test_tables_for_people(own_database: str) -> None:
    hatang("add", "lan", "--display-name", "[b]Lê Lan[/b]", "--role", "operator:VNPT")
    done = CliRunner().invoke(user, ["list"], catch_exceptions=False)
    assert "operator:VNPT" in done.output
    assert "[b]Lê Lan[/b]" in done.output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["add", "x"], "invalid_request"),
        (["add", "lân"], "invalid_request"),
        (["add", "lan", "--role", "root"], "invalid_request"),
        (["add", "lan", "--role", "operator"], "role_organisation"),
        (["add", "lan", "--role", "operator:NOBODY"], "unknown_organisation"),
        (["add", "lan", "--role", "commune_officer:1"], "unknown_commune"),
        (["add", "lan", "--role", "commune_officer"], "role_unit"),
        (["add", "lan", "--role", "planner:VNPT"], "role_organisation"),
        (["add", "lan", "--email", "no address"], "invalid_request"),
        (["token", "nobody", "--name", "x"], "unknown_account"),
        (["token", "boss", "--name", "x", "--scope", "root"], "invalid_request"),
        (["token", "boss", "--name", " "], "invalid_request"),
        (["reset-password", "nobody"], "unknown_account"),
        (["sessions", "nobody"], "unknown_account"),
        (["end-sessions", "nobody"], "unknown_account"),
        (["deactivate", "boss"], "last_administrator"),
        (["revoke-token", "9"], "unknown_token"),
        (["add", "BOSS"], "name_taken"),
    ],
)
def test_refusals(own_database: str, arguments: list[str], code: str) -> None:
    hatang("add", "boss", "--role", "administrator")
    error = refused(*arguments)
    assert (error.code, bool(error.vi), bool(error.en)) == (code, True, True)
    assert [account["name"] for account in hatang("list")] == ["boss"]


def test_it_is_part_of_the_command(own_database: str) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from app.cli import main; main()", "user", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert json.loads(run("add", "lan", "--json").stdout)["name"] == "lan"
    again = run("add", "lan")
    assert (again.returncode, "Traceback" in again.stderr) == (1, False)
    assert "Đã có tài khoản" in again.stderr
