"""Behind a reverse proxy: who may say that a request came over https, and from where."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from app.config import ROOT
from app.database import session_scope
from tests.accounts.people import as_owner, make_person
from tests.test_main import HATANG, free_port

FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}


@contextmanager
def served() -> Iterator[str]:
    """Run `hatang serve`, which finds an administrator, until the test is over."""
    port = free_port()
    server = subprocess.Popen([*HATANG, "serve", "--port", str(port)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert "Ctrl+C" in "".join(server.stdout.readline() for _ in range(3))
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate(timeout=30)


def sign_in(address: str, name: str, password: str) -> tuple[int, str]:
    body = json.dumps({"name": name, "password": password}).encode()
    asked = Request(f"{address}/api/session", body, {"Content-Type": "application/json", **FORWARDED})
    try:
        with urlopen(asked) as answer:
            return answer.status, answer.headers["set-cookie"]
    except HTTPError as error:
        with error:
            return error.code, ""


@pytest.mark.parametrize(
    ("trusted", "secure", "address"), [("", False, "127.0.0.1"), ("127.0.0.1", True, "203.0.113.9")]
)
def test_only_a_trusted_proxy_is_believed(
    own_database: str, monkeypatch: pytest.MonkeyPatch, trusted: str, secure: bool, address: str
) -> None:
    with session_scope() as session:
        person = make_person(session, "administrator")
    monkeypatch.setenv("HATANG_TRUSTED_PROXIES", trusted)
    with served() as server:
        status, cookie = sign_in(server, *person)
        assert sign_in(server, person[0], "a wrong password") == (401, "")
    assert (status, "Secure" in cookie) == (200, secure)
    assert as_owner(own_database, "SELECT DISTINCT address FROM accounts.attempt") == [(address,)]
    assert as_owner(own_database, "SELECT address FROM accounts.session") == [(address,)]
