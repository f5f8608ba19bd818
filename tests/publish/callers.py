"""Who asks, in the tests of what each caller gets: the two networks of tests/registry, seen through HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi.testclient import TestClient
from pyogrio import list_layers, raw
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import PUBLIC, Scope
from tests.conftest import client_in
from tests.registry.two_networks import Networks

LAYERS = {"sites": "site", "structures": "structure", "poles": "pole", "manholes": "manhole", "ducts": "duct",
          "cables": "cable", "distribution_points": "distribution_point"}  # fmt: skip
"""Published layers of the operators' networks, and their tables."""
PLANNER = Scope("user:2", ("planner",))
OTHER = Scope("user:3", ("other_department",))
__all__ = ["LAYERS", "OTHER", "PLANNER", "PUBLIC", "as_caller", "codes", "everybody", "export", "mvt", "officer",
           "operator"]  # fmt: skip


def operator(networks: Networks, code: str = "VIETTEL") -> Scope:
    return Scope(f"user:{code}", ("operator",), (networks.organisations[code],))


def officer(networks: Networks) -> Scope:
    return Scope("user:4", ("commune_officer",), (), (networks.commune,))


def everybody(networks: Networks) -> dict[str, Scope]:
    return {
        "public": PUBLIC, "viettel": operator(networks), "vnpt": operator(networks, "VNPT"),
        "officer": officer(networks), "other": OTHER, "planner": PLANNER,
        "administrator": Scope("user:5", ("administrator",)),
        "both": Scope("user:6", ("operator", "commune_officer"), (networks.organisations["VIETTEL"],),
                      (networks.commune,)),
    }  # fmt: skip


@contextmanager
def as_caller(session: Session, scope: Scope) -> Iterator[TestClient]:
    with client_in(session, scope) as client:
        yield client


def export(client: TestClient, layer: str, **params: str) -> dict[str, Any]:
    answer = client.get(f"/api/exports/{layer}.geojson", params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def codes(body: dict[str, Any]) -> set[str]:
    return {f["properties"]["code"] for f in body["features"]}


def mvt(content: bytes, layer: str) -> list[dict[str, Any]]:
    """Return the properties of one layer of a tile as GDAL reads it; none when the tile has no such layer.

    What lies in the margin is clipped away; what a tile betrays is looked for in its bytes.
    """
    if not content or layer not in {name for name, _ in list_layers(content)}:
        return []
    meta, _, _, columns = raw.read(content, layer=layer)
    names = list(meta["fields"])
    return [dict(zip(names, values, strict=True)) for values in zip(*(c.tolist() for c in columns), strict=True)]


def looks(session: Session) -> list[tuple[str, str, str, bool]]:
    """Return the view log: actor, action, layer, restricted."""
    rows = session.execute(text("SELECT actor, action, layer, restricted FROM audit.view_log ORDER BY id"))
    return [(row[0], row[1], row[2], row[3]) for row in rows]
