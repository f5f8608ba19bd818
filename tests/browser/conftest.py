"""A real server over a small demo province, seen through Debian's Chromium; nothing outside may be reached."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, ViewportSize, expect, sync_playwright

from app.config import ROOT
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


@pytest.fixture(scope="session")
def origin(worker_id: str, worker_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a running Hatang with a demo province, whole for the README's picture, else small."""
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
        _province(1.0 if "HATANG_SCREENSHOT" in os.environ else 0.05)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", "--factory", "app.main:create_app", "--log-level", "warning"]
        server = subprocess.Popen([*command, "--port", str(port)], env=os.environ.copy(), cwd=ROOT)
    finally:
        os.environ["HATANG_VAR_DIR"] = outer
        use_database(worker_database)
    try:
        address = f"http://127.0.0.1:{port}"
        _answering(address, server)
        yield address
    finally:
        server.terminate()
        server.wait(20)
        test_cluster().drop_database(name)


def _province(scale: float) -> None:
    from app.coverage.service import run_coverage
    from app.database import session_scope
    from app.demo.service import build_demo
    from app.kit.page import today

    with session_scope() as session:
        build_demo(session, scale=scale)
    with session_scope() as session:
        run_coverage(session, as_of=today())


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
def browser(origin: str) -> Iterator[Browser]:
    """Chromium with software WebGL."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, origin: str) -> Iterator[Page]:
    """Return a new page on the map; any complaint of the console or request to another origin fails the test."""
    picture = "HATANG_SCREENSHOT" in os.environ
    size = ViewportSize(width=1440, height=900) if picture else ViewportSize(width=1200, height=760)
    context = browser.new_context(viewport=size, base_url=origin, locale="vi-VN", reduced_motion="reduce")
    wrong: list[str] = []

    def guard(route: Route) -> None:
        if route.request.url.startswith((origin + "/", "blob:", "data:")):
            return route.continue_()
        wrong.append(f"outside request: {route.request.url}")
        route.abort()

    def complaint(message: ConsoleMessage) -> None:
        # Software rendering makes Chromium itself warn about slow pixel reads.
        if message.type in {"error", "warning"} and "GPU stall" not in message.text:
            wrong.append(f"console {message.type}: {message.text}")

    context.route("**/*", guard)
    opened = context.new_page()
    opened.on("console", complaint)
    opened.on("pageerror", lambda error: wrong.append(f"uncaught: {error}"))
    opened.on("response", lambda r: wrong.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    opened.set_default_timeout(30_000)
    opened.goto("/")
    settled(opened)
    yield opened
    context.close()
    assert not wrong
