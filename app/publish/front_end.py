"""The map at `/`: the files Vite built into app/web/dist, with a Content-Security-Policy that lets nothing else in."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",  # MapLibre's own control icons and decoded tiles
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
MISSING = """<!doctype html><html lang="vi"><meta charset="utf-8"><title>Hatang</title>
<h1>Chưa dựng giao diện bản đồ</h1><p>Hãy chạy <code>make web</code> rồi tải lại trang này.</p>
<h1 lang="en">The map has not been built</h1><p lang="en">Run <code>make web</code>, then load this page again.</p>
<p><a href="/api/docs">API</a></p></html>"""


class _Assets(StaticFiles):
    """Built files carry a hash of their content in their names, so they never change."""

    async def check_config(self) -> None:
        """Before the build there is no folder; then every file is simply not found."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code < 400:
            response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
        return response


def mount(app: FastAPI, dist: Path) -> None:
    """Serve the front end of `dist`; a page says how to build it while it is missing."""

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "private, no-cache"}
        if not (dist / "index.html").is_file():
            return HTMLResponse(MISSING, 503, headers=headers)
        return FileResponse(dist / "index.html", media_type="text/html", headers=headers)

    @app.get("/icon.svg", include_in_schema=False)
    def icon() -> Response:
        return FileResponse(dist / "icon.svg", media_type="image/svg+xml")

    app.mount("/assets", _Assets(directory=dist / "assets", check_dir=False), name="assets")
