"""Asks one address over many kept-alive connections and counts the answers; a process of its own, without our code.

`python -m tests.benchmarks.load HOST PORT CONNECTIONS SECONDS` with the request on standard input prints the answers
a second and their status line.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from typing import Any

import uvloop


class _Asker(asyncio.Protocol):
    def __init__(self, request: bytes, counts: Counter[bytes]) -> None:
        self.request, self.counts, self.rest, self.body = request, counts, b"", 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.rest += data
        end = self.rest.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.rest[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.rest) < end + 4 + length:
            return
        self.counts[self.rest.split(b"\r\n", 1)[0]] += 1
        self.rest = self.rest[end + 4 + length :]
        self.transport.write(self.request)


async def ask(host: str, port: int, connections: int, seconds: float, request: bytes) -> None:
    counts: Counter[bytes] = Counter()
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: _Asker(request, counts), host, port) for _ in range(connections)]
    await asyncio.sleep(0.3)
    counts.clear()
    begun = time.perf_counter()
    await asyncio.sleep(seconds)
    took = time.perf_counter() - begun
    told = {status.decode(): round(n / took) for status, n in counts.items()}
    for transport, _ in made:
        transport.close()
    print(told)


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """Answer 304 to everything: the most the server could do (ASGI)."""
    headers = [(b"etag", b'W/"0"'), (b"cache-control", b"private, no-cache")]
    await send({"type": "http.response.start", "status": 304, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    host, port, connections, seconds = sys.argv[1:]
    uvloop.run(ask(host, int(port), int(connections), float(seconds), sys.stdin.buffer.read()))
