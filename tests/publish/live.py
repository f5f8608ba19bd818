"""A real server in a thread of the test, for what only a socket shows."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from app.publish.serving import bind


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """Serve `app` on a free port; yields its address."""
    listening = bind("127.0.0.1", 0)
    config = uvicorn.Config(app, log_config=None, lifespan="on", loop="uvloop", http="httptools", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < deadline, "the server does not come up"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()
