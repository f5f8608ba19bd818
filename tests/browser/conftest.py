"""A real server over a small demo province, seen by people of each role through Debian's Chromium; nothing outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Response,
    Route,
    ViewportSize,
    expect,
    sync_playwright,
)

from app.config import ROOT
from tests.browser.population import Person, populate
from tests.conftest import create_database, test_cluster, use_database

CHROMIUM = Path("/usr/bin/chromium")
DIST = ROOT / "app" / "web" / "dist" / "index.html"
FLAGS = (
    "--no-sandbox --disable-dev-shm-usage --use-gl=angle --use-angle=swiftshader "
    "--enable-unsafe-swiftshader --ignore-gpu-blocklist"
).split()
expect.set_options(timeout=20_000)  # software rendering on a busy machine
READY = "() => Boolean(window.__hatang?.loaded() && window.__hatang.areTilesLoaded())"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs all browser tests: they share the server and the browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))


def settled(page: Page, seconds: float = 60) -> None:
    """Wait until the map has drawn everything; polled, because the page's policy forbids eval."""
    end = time.monotonic() + seconds
    while not page.evaluate(READY):
        assert time.monotonic() < end, "the map did not finish drawing"
        page.wait_for_timeout(100)
    page.wait_for_timeout(300)


def drawn(page: Page, *layers: str) -> int:
    """Count the features MapLibre draws in `layers`."""
    settled(page)
    count: int = page.evaluate("layers => window.__hatang.queryRenderedFeatures({ layers }).length", list(layers))
    return count


@dataclass(frozen=True)
class Served:
    """A running Hatang: its address, its database, and who may sign in."""

    origin: str
    database: str
    people: Mapping[str, Person]


@pytest.fixture(scope="session")
def served(worker_id: str, worker_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a demo province, whole for the README's picture, else small."""
    missing = [str(p) for p in (CHROMIUM, DIST) if not p.exists()]
    if missing:
        told = f"browser tests need {' and '.join(missing)}: scripts/setup test"
        assert not os.environ.get("CI"), told
        pytest.skip(told)
    name, outer = f"hatang_browser_{worker_id}", os.environ["HATANG_VAR_DIR"]
    create_database(name)
    os.environ["HATANG_VAR_DIR"] = str(tmp_path_factory.mktemp("browser"))
    use_database(name)
    try:
        people = populate(1.0 if "HATANG_SCREENSHOT" in os.environ else 0.05)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", "--factory", "app.main:create_app", "--log-level", "warning"]
        environment = os.environ | _single_sign_on(port)
        server = subprocess.Popen([*command, "--port", str(port)], env=environment, cwd=ROOT)
    finally:
        os.environ["HATANG_VAR_DIR"] = outer
        use_database(worker_database)
    try:
        address = f"http://127.0.0.1:{port}"
        _answering(address, server)
        yield Served(address, name, people)
    finally:
        server.terminate()
        server.wait(20)
        test_cluster().drop_database(name)


def _single_sign_on(port: int) -> dict[str, str]:
    """Return the settings of a provider that is not there: the button shows, since only a log-in asks the provider."""
    return {
        "HATANG_OIDC_ISSUER": "http://127.0.0.1:9",
        "HATANG_OIDC_CLIENT_ID": "hatang",
        "HATANG_OIDC_CLIENT_SECRET": "not-used",
        "HATANG_OIDC_REDIRECT_URL": f"http://127.0.0.1:{port}/api/session/oidc/callback",
    }


def _answering(address: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert server.poll() is None, "uvicorn ended"
        try:
            with urlopen(f"{address}/healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("uvicorn did not answer")


@pytest.fixture(scope="session")
def browser(served: Served) -> Iterator[Browser]:
    """Chromium with software WebGL."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def refusals() -> list[tuple[int, str]]:
    """Status and path of the refusals a test provokes; any other answer of 400 and more fails it."""
    return []


class Watch:
    """Notes what goes wrong on a page: complaints of the console, unexpected refusals, requests to other origins."""

    def __init__(self, origin: str, refusals: list[tuple[int, str]]) -> None:
        self.origin, self.refusals = origin, refusals
        self.wrong: list[str] = []

    def over(self, page: Page) -> None:
        page.on("console", self._complaint)
        page.on("pageerror", lambda error: self.wrong.append(f"uncaught: {error}"))
        page.on("response", self._refusal)

    def guard(self, route: Route) -> None:
        if route.request.url.startswith((self.origin + "/", "blob:", "data:")):
            return route.continue_()
        self.wrong.append(f"outside request: {route.request.url}")
        route.abort()

    def _complaint(self, message: ConsoleMessage) -> None:
        path = urlsplit(message.location["url"]).path
        if any(f"status of {status} " in message.text and path == at for status, at in self.refusals):
            return
        # Software rendering makes Chromium itself warn about slow pixel reads.
        if message.type in {"error", "warning"} and "GPU stall" not in message.text:
            self.wrong.append(f"console {message.type}: {message.text} {path}")

    def _refusal(self, response: Response) -> None:
        if response.status >= 400 and (response.status, urlsplit(response.url).path) not in self.refusals:
            self.wrong.append(f"{response.status} {response.url}")


@pytest.fixture
def open_page(
    browser: Browser, served: Served, refusals: list[tuple[int, str]]
) -> Iterator[Callable[[str | None], Page]]:
    """Return a function that opens the map, for the public or signed in as one of `served.people`."""
    watch, opened = Watch(served.origin, refusals), list[BrowserContext]()

    def open_it(who: str | None = None) -> Page:
        picture = "HATANG_SCREENSHOT" in os.environ
        size = ViewportSize(width=1440, height=900) if picture else ViewportSize(width=1200, height=760)
        context = browser.new_context(viewport=size, base_url=served.origin, locale="vi-VN", reduced_motion="reduce")
        opened.append(context)
        context.route("**/*", watch.guard)
        if who is not None:
            answer = context.request.post("/api/session", data=served.people[who].credentials())
            assert answer.ok, answer.text()
        page = context.new_page()
        watch.over(page)
        page.set_default_timeout(30_000)
        page.goto("/")
        settled(page)
        return page

    yield open_it
    for context in opened:
        context.close()
    assert not watch.wrong


@pytest.fixture
def page(open_page: Callable[[str | None], Page]) -> Page:
    """Return the map as the public sees it."""
    return open_page(None)


@pytest.fixture
def planner(open_page: Callable[[str | None], Page]) -> Page:
    """Return the map of somebody who signed in as a planner."""
    return open_page("planner")
