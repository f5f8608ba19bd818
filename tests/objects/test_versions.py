"""Two people change one object: the second is refused and shown both versions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts import access
from app.database import session_scope
from app.main import create_app
from tests.objects.conftest import As, patched, read, scopes
from tests.registry.two_networks import Networks, build

HERE = {"type": "Point", "coordinates": [107.6, 16.45]}


@pytest.fixture
def pole(networks: Networks) -> str:
    return f"/api/objects/poles/{networks.rows['pole']['viettel']}"


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "RESTORE"])
def test_without_a_version_nothing_is_changed(acting: As, networks: Networks, pole: str, method: str) -> None:
    calls: dict[str, tuple[str, str, dict[str, Any]]] = {
        "PATCH": ("PATCH", pole, {"json": {"height_m": 9}}),
        "DELETE": ("DELETE", pole, {"params": {"reason": "x"}}),
        "RESTORE": ("POST", f"{pole}/restore", {"json": {"change_id": 1, "reason": "x"}}),
    }
    verb, path, sent = calls[method]
    before = read(acting("viettel"), pole)
    answer = acting("viettel").request(verb, path, **sent)
    assert (answer.status_code, answer.json()["code"]) == (428, "if_match_required")
    assert read(acting("viettel"), pole) == before


@pytest.mark.parametrize("given", ['"0"', 'W/"0"', "", "x", '"a", "b"', "'*'"])
def test_an_unknown_version_is_refused(acting: As, pole: str, given: str) -> None:
    version, feature = read(acting("viettel"), pole)
    answer = acting("viettel").patch(pole, json={"height_m": 9}, headers={"If-Match": given})
    assert (answer.status_code, answer.json()["etag"]) == (412, version)
    assert answer.json()["conflicts"] == ["height_m"]
    weak = acting("viettel").patch(pole, json={"height_m": 9}, headers={"If-Match": f"W/{version}"})
    assert weak.status_code == 412  # RFC 9110 §13.1.1: a weak tag is no condition for a change
    assert read(acting("viettel"), pole) == (version, feature)


def test_a_lost_update_is_refused_with_both_versions(acting: As, pole: str) -> None:
    client = acting("viettel")
    old, _ = read(client, pole)
    theirs = patched(client, pole, height_m=9, street="Lê Lợi")
    stale = client.patch(pole, json={"height_m": 10, "material": "gỗ"}, headers={"If-Match": old})
    told = stale.json()
    assert stale.status_code == 412
    assert told["current"] == theirs
    assert told["yours"]["properties"] == theirs["properties"] | {"height_m": 10, "material": "gỗ"}
    assert told["conflicts"] == ["height_m"]  # nobody else touched the material
    same = client.patch(pole, json={"height_m": 9}, headers={"If-Match": old})
    assert (same.status_code, same.json()["conflicts"]) == (412, [])
    merged = client.patch(pole, json={"material": "gỗ"}, headers={"If-Match": told["etag"]})
    assert merged.json()["properties"] == theirs["properties"] | {"material": "gỗ"}


def test_a_moved_object_conflicts_in_its_geometry(acting: As, pole: str) -> None:
    client = acting("viettel")
    old, _ = read(client, pole)
    patched(client, pole, geometry={"type": "Point", "coordinates": [107.7, 16.5]})
    told = client.patch(pole, json={"geometry": HERE}, headers={"If-Match": old}).json()
    assert told["conflicts"] == ["geometry"]
    assert told["yours"]["geometry"] == HERE
    assert told["current"]["geometry"]["coordinates"] == [107.7, 16.5]


def test_both_versions_tell_no_more_than_the_object(acting: As, networks: Networks, session: Session) -> None:
    """A refused change of a rented object is refused as such; that of an own one shows what the caller is told."""
    mast = f"/api/objects/structures/{networks.rows['structure']['shared']}"
    session.execute(text("UPDATE registry.structure SET load_capacity_kg = 777"))
    for given in ('"0"', "*", read(acting("viettel"), mast)[0]):
        answer = acting("viettel").patch(mast, json={"height_m": 1}, headers={"If-Match": given})
        assert answer.status_code == 403
        assert "777" not in answer.text
        assert "current" not in answer.json()
    hidden = f"/api/objects/structures/{networks.rows['structure']['vnpt']}"
    assert acting("viettel").patch(hidden, json={"height_m": 1}, headers={"If-Match": '"0"'}).status_code == 404


@pytest.fixture
def committed(own_database: str) -> Iterator[tuple[TestClient, str]]:
    """Return a client of the operator VIETTEL over committed rows, each request its own transaction, and its pole."""
    with session_scope() as session:
        networks = build(session)
    scope = scopes(networks)["viettel"]

    def entered() -> Iterator[Session]:
        with session_scope(scope) as session:
            yield session

    app = create_app()
    app.dependency_overrides[access.request_session] = entered
    app.dependency_overrides[access.writing_session] = entered
    with TestClient(app) as client:
        yield client, f"/api/objects/poles/{networks.rows['pole']['viettel']}"


def test_of_parallel_changes_to_one_version_one_is_taken(committed: tuple[TestClient, str]) -> None:
    client, path = committed
    for turn in range(8):
        version, _ = read(client, path)
        ready = threading.Barrier(4)
        statuses: list[int] = []

        def change(height_m: float, version: str = version, ready: threading.Barrier = ready,
                   statuses: list[int] = statuses) -> None:  # fmt: skip
            ready.wait()
            answer = client.patch(path, json={"height_m": height_m}, headers={"If-Match": version})
            statuses.append(answer.status_code)

        threads = [threading.Thread(target=change, args=(10 + 4 * turn + i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200, 412, 412, 412]
    found = client.get(f"{path}/history").json()
    assert [c["operation"] for c in found["history"]] == ["update"] * 8 + ["insert"]


def test_a_change_waits_for_the_one_under_way(committed: tuple[TestClient, str]) -> None:
    client, path = committed
    version, _ = read(client, path)
    statuses: list[int] = []

    def change() -> None:
        statuses.append(client.patch(path, json={"height_m": 9}, headers={"If-Match": version}).status_code)

    with session_scope() as session:
        session.execute(text("UPDATE registry.pole SET street = 'x' WHERE id = :id"), {"id": int(path.split("/")[-1])})
        thread = threading.Thread(target=change)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join(30)
    assert statuses == [412]
