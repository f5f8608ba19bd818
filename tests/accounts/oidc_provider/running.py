"""Starts and stops the provider, and walks through its log-in pages as a browser would."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from threading import Timer
from typing import Any
from urllib.parse import urljoin

import httpx2
import pytest
from joserfc.jwk import RSAKey

from app.config import ROOT

PACKAGE = ROOT / "app" / "web" / "package.json"
CALLBACK = "http://127.0.0.1:8000/api/session/oidc/callback"
CLIENT_ID, CLIENT_SECRET = "hatang", "SYNTHETIC client secret"
START_S, STOP_S = 60, 10


@dataclass(frozen=True)
class Running:
    """A provider that answers at `issuer`, and the private keys it signs with."""

    issuer: str
    keys: tuple[RSAKey, ...]

    @property
    def port(self) -> int:
        return int(self.issuer.rpartition(":")[2])


def node() -> str:
    """Return a Node that can run the provider; skip where there is none, but never in CI.

    The one of the set-up goes first: it is there because the machine's own is too old.
    """
    found = shutil.which("node", path=str(ROOT / ".venv" / "bin")) or shutil.which("node")
    installed = (PACKAGE.parent / "node_modules" / "oidc-provider").is_dir()
    if found and installed:
        return found
    why = "Node is missing" if not found else "app/web/node_modules has no oidc-provider: run `make web`"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(f"{why}; the single sign-on is tested against a real provider only")


def signing_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


@contextmanager
def running(
    people: Mapping[str, Any],
    keys: tuple[RSAKey, ...] = (),
    port: int = 0,
    **options: Any,
) -> Iterator[Running]:
    """Yield a provider with one registered client; killed by its process when the block ends."""
    keys = keys or (signing_key("first"),)
    wanted = {
        "package": str(PACKAGE),
        "port": port,
        "jwks": {"keys": [key.as_dict(private=True) for key in keys]},
        "people": people,
        "client": {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uris": [CALLBACK],
            "post_logout_redirect_uris": [CALLBACK.removesuffix("api/session/oidc/callback")],
        },
    } | options
    script = Path(__file__).with_name("provider.mjs")
    with subprocess.Popen(
        [node(), "--no-warnings", str(script)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        late = Timer(START_S, process.kill)
        late.start()
        try:
            process.stdin.write(json.dumps(wanted) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            late.cancel()
            if not answer:
                process.kill()
                raise AssertionError(f"the provider did not start: {process.communicate()[1][-2000:]}")
            yield Running(json.loads(answer)["issuer"], keys)
        finally:
            late.cancel()
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


class Browser(httpx2.Client):
    """Somebody's browser at the provider: keeps its cookies, follows it, fills in its forms."""

    def __init__(self) -> None:
        super().__init__(timeout=20, trust_env=False)

    def log_in(self, url: str, login: str, back_to: str = CALLBACK) -> str:
        """Open `url` at the provider, log in as `login`, agree; return where it then sends the browser."""
        for _ in range(12):
            answer = self.get(url)
            if answer.status_code in (302, 303):
                url = self._next(answer)
            else:
                assert answer.status_code == 200, answer.text
                action, fields = self.form(answer, login)
                answer = self.post(action, data=fields)
                assert answer.status_code in (302, 303), answer.text
                url = self._next(answer)
            if url.startswith(back_to):
                return url
        raise AssertionError(f"the provider goes round in circles: {url}")

    def cancel(self, url: str) -> str:
        """Open `url` at the provider and press "Cancel" on its log-in page."""
        page = self._page(url)
        abort = re.search(r'href="([^"]*/abort)"', page.text)
        assert abort, page.text
        answer = self.get(urljoin(str(page.url), unescape(abort[1])), follow_redirects=False)
        while not self._next(answer).startswith(CALLBACK):
            answer = self.get(self._next(answer))
        return self._next(answer)

    def _page(self, url: str) -> httpx2.Response:
        return self.get(url, follow_redirects=True)

    @staticmethod
    def _next(answer: httpx2.Response) -> str:
        return urljoin(str(answer.url), answer.headers["location"])

    @staticmethod
    def form(page: httpx2.Response, login: str = "") -> tuple[str, dict[str, str]]:
        action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
        assert action, page.text
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        if 'name="login"' in page.text:
            fields |= {"login": login, "password": "any: the provider's own development form"}
        return urljoin(str(page.url), unescape(action[1])), fields
