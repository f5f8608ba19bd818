"""Hatang over its own database, with the single sign-on of a running provider."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString
from urllib.parse import urlencode

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import make_url

from app.config import settings
from tests.accounts.oidc_provider.running import CALLBACK, CLIENT_ID, CLIENT_SECRET, Browser, Running
from tests.conftest import test_cluster

HOME = CALLBACK.removesuffix("api/session/oidc/callback")


@contextmanager
def sign_on(provider: Running | str, roles: Sequence[Mapping[str, str]] = (), **more: str) -> Iterator[None]:
    """Configure the single sign-on as an administrator would, by the environment."""
    issuer = provider if isinstance(provider, str) else provider.issuer
    given = {
        "ISSUER": issuer,
        "CLIENT_ID": CLIENT_ID,
        "CLIENT_SECRET": CLIENT_SECRET,
        "REDIRECT_URL": CALLBACK,
        "ROLES": json.dumps(list(roles)),
    } | more
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(f"HATANG_OIDC_{name}", value)
        settings.cache_clear()
        try:
            yield
        finally:
            patch.undo()
            settings.cache_clear()


def site() -> TestClient:
    """Return a browser at the address the provider sends people back to."""
    from app.main import create_app

    return TestClient(create_app(), base_url=HOME.rstrip("/"), follow_redirects=False)


def begin(client: TestClient, return_to: str = "/") -> str:
    """Press the button; return the provider's address it leads to."""
    answer = client.get(f"/api/session/oidc/start?{urlencode({'return_to': return_to})}")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def come_back(client: TestClient, login: str, return_to: str = "/") -> httpx2.Response:
    """Log in as `login` from the button to the answer of our callback."""
    with Browser() as browser:
        return client.get(browser.log_in(begin(client, return_to), login))


def who(client: TestClient) -> dict[str, Any]:
    answer = client.get("/api/session")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def as_superuser(url: str, query: LiteralString) -> tuple[Any, ...]:
    """Return the first row of `query` as the set-up superuser, from whom the database hides nothing."""
    with test_cluster().superuser(make_url(url).database or "") as owner:
        row = owner.execute(query).fetchone()
    assert row is not None
    return row


def code_of(answer: httpx2.Response) -> tuple[int, str]:
    """Return status and code of a refusal, which shows both languages and sets no session."""
    told = answer.json()
    assert told["message"]["vi"]
    assert told["message"]["en"]
    assert not re.search("hatang_session=[A-Za-z0-9]", answer.headers.get("set-cookie", ""))
    return answer.status_code, told["code"]
