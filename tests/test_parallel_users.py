"""Many people at once through one pool of connections: each gets what it gets alone."""

from __future__ import annotations

import hashlib
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2

from app.main import create_app
from tests.accounts.people import bearer
from tests.permissions import tile
from tests.publish.live import running
from tests.test_permissions import world

REQUESTS, THREADS = 1200, 16


def test_a_thousand_mixed_requests_leak_nothing(own_database: str) -> None:
    known, tokens = world()
    paths = [
        "/api/objects/sites", "/api/objects/poles", "/api/objects/ducts", "/api/exports/sites.geojson",
        "/api/sharing?by=operator", f"/tiles/sites/{tile(14, 'secret')}.mvt", f"/tiles/poles/{tile(14, 'vnpt')}.mvt",
        f"/api/villages/{known.row('village', 'here')}/coverage", f"/api/objects/sites/{known.row('site', 'secret')}",
        "/api/session",
    ]  # fmt: skip
    roles = ["public", *tokens]
    with running(create_app()) as address:

        def ask(role: str, path: str) -> str:
            headers = bearer(tokens[role]) if role in tokens else {}
            answer = httpx2.get(address + path, headers=headers, timeout=60)
            while answer.status_code == 503 and answer.json()["code"] == "exports_busy":
                time.sleep(0.05)  # no more than MAX_EXPORTS at a time: whoever is told so comes again
                answer = httpx2.get(address + path, headers=headers, timeout=60)
            body = answer.content
            if path.startswith("/api/exports/") and answer.status_code == 200:
                document = json.loads(body)
                del document["metadata"]["generated_at"]
                body = json.dumps(document).encode()
            return f"{answer.status_code} {hashlib.sha256(body).hexdigest()}"

        alone = {(role, path): ask(role, path) for role in roles for path in paths}
        # The answers differ by role, so a mix-up would show.
        assert len({alone[role, "/api/objects/sites"] for role in roles}) >= 4
        wanted = random.Random(254).choices(list(alone), k=REQUESTS)
        with ThreadPoolExecutor(THREADS) as pool:
            answers = list(pool.map(lambda pair: ask(*pair), wanted))
    mixed = [pair for pair, answer in zip(wanted, answers, strict=True) if answer != alone[pair]]
    assert mixed == []
