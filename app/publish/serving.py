"""`hatang serve`: everything is checked before the server says it is ready."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import uvicorn

from app import cluster
from app.accounts.first import ensure_administrator
from app.config import settings
from app.database import session_scope
from app.errors import AppError, Conflict, Invalid
from app.kit.postgres import check_application_role
from app.publish.service import require_schema

GRACE_S = 10
"""How long requests under way may take after a stop was asked."""


class _Announced(uvicorn.Server):
    """A server that says so once it really answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def prepare() -> None:
    """Start the private cluster, or check the database given, before anything is served or worked on.

    Raises
    ------
    Unavailable
        The database does not answer, is not migrated, or does not bind our role by row-level security.
    """
    if given := settings().database_url:
        check_application_role(given)
    else:
        cluster.private().start()
    with session_scope() as session:
        require_schema(session)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("procrastinate").setLevel(logging.WARNING)


def serve(
    application: str, host: str, port: int, say: Callable[[str], None],
    beside: AbstractContextManager[None] | None = None,
) -> None:  # fmt: skip
    """Serve the factory `application` ("module:function") on host and port until SIGINT or SIGTERM.

    Parameters
    ----------
    say : callable
        Prints a line for the person who started it.
    beside : context manager, optional
        What runs as long as the server: the worker of background jobs.

    Raises
    ------
    Conflict
        The port is taken.
    Invalid
        No such address here, or no permission.
    Unavailable
        The database does not answer, is not migrated, or does not bind our role by row-level security.
    """
    prepare()
    listening = bind(host, port)
    _first_administrator(say)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        application,
        factory=True,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=20,
        # Whoever may name the caller's address escapes the limit of log-in attempts.
        proxy_headers=bool(settings().trusted_proxies),
        forwarded_allow_ips=settings().trusted_proxies or None,
        backlog=512,
    )
    # The server raises the signal again once it has ended; a stop that was asked for is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with beside or nullcontext():
            _Announced(config, lambda: _announce(listening, say)).run(sockets=[listening])
    except KeyboardInterrupt:
        say("Đã dừng. / Stopped.")
    finally:
        listening.close()


def _first_administrator(say: Callable[[str], None]) -> None:
    """Make an administrator when there is none, and tell the one-time password, which is kept nowhere."""
    with session_scope() as session:
        made = ensure_administrator(session)
    if made is not None:
        say(f"Chưa có quản trị viên nào: đã tạo tài khoản {made.name!r}, mật khẩu dùng một lần: {made.password}")
        say(f"There was no administrator: made the account {made.name!r}, one-time password: {made.password}")
        say("Hãy đăng nhập và đổi mật khẩu. / Sign in and change it.")


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to host and port, so that nobody can take the port between check and use.

    Raises
    ------
    Conflict
        The port is taken.
    Invalid
        No such address here, or no permission.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise _refused(host, port, error) from error
    return bound


def _refused(host: str, port: int, error: OSError) -> AppError:
    if error.errno == errno.EADDRINUSE:
        return Conflict(
            "port_in_use",
            f"Cổng {port} đang được chương trình khác dùng; hãy chọn cổng khác: hatang serve --port {port + 1}",
            f"Port {port} is in use by another program; choose another: hatang serve --port {port + 1}",
            field="port",
        )
    return Invalid(
        "cannot_listen",
        f"Không mở được {host}:{port}: {error.strerror}",
        f"Cannot listen on {host}:{port}: {error.strerror}",
        field="host" if isinstance(error, socket.gaierror) else "port",
    )


def _announce(listening: socket.socket, say: Callable[[str], None]) -> None:
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)  # noqa: S104
    address = f"http://{shown}:{port}"
    say(f"Bản đồ / map:        {address}/")
    say(f"API:                 {address}/api/docs   {address}/api/openapi.json")
    say("Dừng bằng Ctrl+C. / Stop with Ctrl+C.")
