"""What answers to somebody who signed in have in common: no shared cache keeps them."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Personal:
    """Mark every answer `private` whose request came with a session or token, whatever the route said."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; `app.accounts.access` notes in the request's state that somebody is signed in."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        state = scope.setdefault("state", {})

        async def mark(message: Message) -> None:
            if message["type"] == "http.response.start" and state.get("signed_in"):
                headers = MutableHeaders(scope=message)
                said = headers.get("Cache-Control", "no-cache")
                kept = [part for part in (p.strip() for p in said.split(",")) if part not in {"public", "private"}]
                headers["Cache-Control"] = ", ".join(["private", *kept])
            await send(message)

        await self.app(scope, receive, mark)
