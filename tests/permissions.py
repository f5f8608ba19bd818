"""Questions to every route for the permission matrix: own, another's and restricted objects."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.registry.two_networks import PLACES, Networks

KINDS = ("viettel", "vnpt", "secret")
"""Own, another's, restricted: seen from the operator VIETTEL."""
LAYERS = {
    "sites": "site", "structures": "structure", "base_stations": "base_station", "cells": "cell", "poles": "pole",
    "manholes": "manhole", "ducts": "duct", "cables": "cable", "distribution_points": "distribution_point",
    "bores": "bore", "structure_occupancies": "structure_occupancy", "pole_occupancies": "pole_occupancy",
    "duct_occupancies": "duct_occupancy",
}  # fmt: skip
EXPORTED = ("communes", "villages", "sites", "sites_blurred", "structures", "poles", "manholes", "ducts", "cables",
            "distribution_points", "facilities")  # fmt: skip
TILES = ("communes", "sites", "poles", "ducts", "manholes", "distribution_points")
INJECTION = "x' OR 1=1; SELECT set_config('hatang.roles','system',true) --"
METRIC = "http://www.opengis.net/def/crs/EPSG/0/9214"
MATCHED = {"If-Match": '"0"'}
_HERE = {"type": "Point", "coordinates": [107.55, 16.45]}


@dataclass(frozen=True)
class Ask:
    """One question to a route; `target` is whose object it names, empty when it names none."""

    path: str
    params: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    target: str = ""


@dataclass(frozen=True)
class World:
    """What the questions may name."""

    networks: Networks
    run: int
    user: int
    """An account of nobody's, to be changed and ended."""
    user_role: int
    user_token: int
    user_session: int

    def row(self, table: str, name: str) -> int:
        """Return the id of a row."""
        return self.networks.rows[table][name]


def tile(z: int, name: str) -> str:
    """Return z/x/y of the tile that holds the place of `name`."""
    lon, lat = PLACES[name]
    across = (lon + 180) / 360
    down = (1 - math.log(math.tan(math.radians(lat)) + 1 / math.cos(math.radians(lat))) / math.pi) / 2
    return f"{z}/{int(across * 2**z)}/{int(down * 2**z)}"


def around(name: str) -> dict[str, Any]:
    """Return lon and lat of a place."""
    return dict(zip(("lon", "lat"), PLACES[name], strict=True))


def beside(name: str) -> dict[str, Any]:
    """Return a line beside a place that does not name it."""
    lon, lat = (round(v, 3) for v in PLACES[name])
    return {"type": "LineString", "coordinates": [[lon, lat], [lon + 0.002, lat]]}


Questions = Callable[[World], list[Ask]]


def _plain(path: str, *params: dict[str, Any]) -> Questions:
    return lambda _: [Ask(path, p) for p in (params or ({},))]


def _user(path: str, body: Any = None, **headers: str) -> Questions:
    return lambda w: [
        Ask(path.format(user_id=w.user, role_id=w.user_role, token_id=w.user_token), body=body,
            headers={k.replace("_", "-"): v for k, v in headers.items()})
    ]  # fmt: skip


def _objects(suffix: str = "", body: Any = None, headers: dict[str, str] | None = None, **params: Any) -> Questions:
    """Ask for every layer's own, another's and restricted object by its identifier."""

    def asked(world: World) -> list[Ask]:
        found = [
            Ask(f"/api/objects/{layer}/{world.row(table, name)}{suffix}", params, body, headers or {}, target=name)
            for layer, table in LAYERS.items()
            for name in KINDS
        ]
        bunker = world.row("facility", "secret")
        return [*found, Ask(f"/api/objects/facilities/{bunker}{suffix}", params, body, headers or {}, target="secret")]

    return asked


def _lists(world: World) -> list[Ask]:
    found = []
    for layer in (*LAYERS, "facilities", "villages"):
        path = f"/api/objects/{layer}"
        found += [Ask(path), Ask(path, {"q": "secret"}), Ask(path, {"q": "vnpt"}), Ask(path, {"q": INJECTION}),
                  Ask(path, {"sort": "-code"}), Ask(path, {"sort": INJECTION}), Ask(path, {"commune": "1"}),
                  Ask(path, {"bbox": "107.5,16.4,107.8,16.5", "limit": 1, "offset": 1})]  # fmt: skip
    return found


def _collections(suffix: str, *params: dict[str, Any]) -> Questions:
    """Ask for something of every collection of /ogc."""
    return lambda _: [
        Ask(f"/ogc/collections/{name}{suffix}", p) for name in (*EXPORTED, "coverage") for p in (params or ({},))
    ]


def _features(world: World) -> list[Ask]:
    """Ask for own, another's and restricted objects by their identifier; of restricted ones nobody is told here."""
    layers = {name: table for name, table in LAYERS.items() if name in EXPORTED}
    found = [
        Ask(f"/ogc/collections/{name}/items/{world.row(table, kind)}", target=kind)
        for name, table in layers.items()
        for kind in KINDS
    ]
    return [*found, Ask(f"/ogc/collections/facilities/items/{world.row('facility', 'secret')}", target="secret")]


def _ogc_tiles(world: World) -> list[Ask]:
    def place(z: int, name: str) -> str:
        z_, x, y = tile(z, name).split("/")
        return f"{z_}/{y}/{x}"

    return [
        Ask(f"/ogc/collections/{layer}/tiles/WebMercatorQuad/{place(z, name)}")
        for layer in ("villages", *TILES) for name in ("secret", "vnpt") for z in (10, 14)
    ]  # fmt: skip


def _creations(world: World) -> list[Ask]:
    """Try to add parts to another's and to restricted objects, codes that are taken, owners that are not one's own."""
    here = {"type": "Point", "coordinates": [107.5, 16.4]}
    who = world.networks.organisations
    parts: list[tuple[str, dict[str, Any]]] = [
        ("structures", {"site_id": "site", "code": "NEW", "geometry": here}),
        ("base_stations", {"site_id": "site", "code": "NEW", "technology": "4G"}),
        ("cells", {"base_station_id": "base_station", "code": "NEW"}),
        ("structure_occupancies", {"structure_id": "structure", "tenant_id": who["VIETTEL"]}),
        ("pole_occupancies", {"pole_id": "pole", "tenant_id": who["VIETTEL"]}),
        ("duct_occupancies", {"duct_id": "duct", "tenant_id": who["VIETTEL"]}),
    ]
    found = []
    for name in ("vnpt", "secret"):
        for layer, body in parts:
            filled = {k: world.row(str(v), name) if k.endswith("_id") and isinstance(v, str) else v
                      for k, v in body.items()}  # fmt: skip
            found.append(Ask(f"/api/objects/{layer}", body={**filled, "reason": "test"}, target=name))
    for code in ("VNPT-SITE", "SECRET-SITE"):
        mine = {"code": code, "geometry": here, "reason": "test"}
        for more in ({}, {"owner_id": who["VNPT"]}, {"restricted": True}):
            found.append(Ask("/api/objects/sites", body=mine | more))
    return found


def _tiles(world: World) -> list[Ask]:
    return [
        Ask(f"/tiles/{layer}/{tile(z, name)}.mvt", target="") for layer in TILES for z in (10, 14) for name in KINDS
    ]


def _exports(world: World) -> list[Ask]:
    parts: tuple[dict[str, Any], ...] = ({}, {"bbox": "107.5,16.4,107.8,16.5"}, {"commune": "1"})
    found = [Ask(f"/api/exports/{layer}.geojson", params) for layer in EXPORTED for params in parts]
    return [*found, Ask("/api/exports/poles.geojson", {"commune": INJECTION})]


CONSTRAINT = {
    "kind": "heritage", "code": "T", "name": "T", "rule": {"buffer_m": 100}, "citation": "test", "reason": "test",
    "geometry": {"type": "Point", "coordinates": [107.6, 16.45]},
}  # fmt: skip

QUESTIONS: dict[str, Questions] = {
    "GET /api/meta": _plain("/api/meta"),
    "GET /api/villages": _plain("/api/villages", {}, {"q": INJECTION}, {"operator": "VNPT"}),
    "GET /api/villages/{village_id}": lambda w: [Ask(f"/api/villages/{w.row('village', 'here')}")],
    "GET /api/villages/{village_id}/coverage": lambda w: [Ask(f"/api/villages/{w.row('village', n)}/coverage")
                                                          for n in ("here", "there")],
    "GET /api/communes": _plain("/api/communes"),
    "GET /api/qgis/project.qgz": _plain("/api/qgis/project.qgz", {}, {"commune": "1"}, {"commune": INJECTION}),
    "GET /api/qgis/project.zip": _plain("/api/qgis/project.zip", {}, {"commune": "1"}, {"commune": INJECTION}),
    "GET /api/qgis/styles/{style}.{form}": lambda w: [
        Ask(f"/api/qgis/styles/{style}.{form}") for style in (*EXPORTED, INJECTION) for form in ("qml", "sld")
    ],
    "GET /api/exports/{layer}.{format}": _exports,
    "GET /api/exports/fibre.ofds.json": _plain("/api/exports/fibre.ofds.json", {}, {"commune": INJECTION}),
    "GET /api/exports/files/{token}": _plain("/api/exports/files/unknown"),
    "POST /api/exports": lambda w: [Ask("/api/exports", body={"layer": n, "format": "csv"}) for n in ("poles",)],
    "GET /api/open/": _plain("/api/open/"),
    "GET /api/open/catalog.jsonld": _plain("/api/open/catalog.jsonld"),
    "GET /api/open/{layer}.{format}": lambda w: [Ask(f"/api/open/{layer}.geojson") for layer in EXPORTED],
    "GET /api/exports/{layer}/metadata": lambda w: [Ask(f"/api/exports/{layer}/metadata") for layer in EXPORTED],
    "GET /healthz": _plain("/healthz"),
    "GET /readyz": _plain("/readyz"),
    "GET /metrics": _plain("/metrics"),
    "GET /api/coverage/at": lambda w: [Ask("/api/coverage/at", around(n)) for n in KINDS],
    "GET /api/coverage/runs": _plain("/api/coverage/runs"),
    "GET /api/coverage/runs/{a}/compare/{b}": lambda w: [Ask(f"/api/coverage/runs/{w.run}/compare/{w.run}")],
    "GET /api/coverage/calibration": _plain("/api/coverage/calibration"),
    "GET /api/coverage/series": _plain("/api/coverage/series", {"from": "2025-12-31", "to": "2026-01-01"}, {}),
    "GET /api/blackspots": lambda w: [
        Ask("/api/blackspots", p) for p in ({}, {"verdict": "covered"}, {"verdict": "covered", "format": "geojson"},
                                            {"run_id": w.run, "operator": "VNPT", "verdict": "unknown"},
                                            {"commune": INJECTION})
    ],
    "GET /api/coverage/switch-off": lambda w: [
        Ask("/api/coverage/switch-off", {"technologies": "2G,3G"} | p)
        for p in ({}, {"run_id": w.run}, {"operator": "VIETTEL"}, {"operator": "VNPT"}, {"technologies": INJECTION})
    ],
    "GET /api/sharing": _plain("/api/sharing", {}, {"by": "commune"}, {"by": "operator"}, {"by": "owner_kind"},
                                   {"by": "street"}, {"by": "year"}),
    "GET /api/sharing/series": _plain("/api/sharing/series", {}),
    "GET /api/sharing/geographies": _plain("/api/sharing/geographies", {}),
    "GET /api/sharing/change": lambda w: [
        Ask("/api/sharing/change", {"from": "2026-01-01", "to": "2026-01-02", "definition": d} | more)
        for d in ("S1", "P1", "D1") for more in ({}, {"commune": "1"}, {"commune": INJECTION}, {"from_snapshot": 1})
    ],
    "GET /api/sharing/change/objects": lambda w: [
        Ask("/api/sharing/change/objects", {"from": "0001-01-01", "definition": d, "definition_from": f, "part": part})
        for d, f in (("S1", "S4"), ("P1", "P3"), ("D1", "D1")) for part in ("definition", "built", INJECTION)
    ],
    "GET /api/sharing/snapshots": _plain("/api/sharing/snapshots"),
    "POST /api/sharing/snapshots": lambda _: [Ask("/api/sharing/snapshots", body={"label": INJECTION})],
    "GET /api/sharing/snapshots/{snapshot_id}": _plain("/api/sharing/snapshots/1"),
    "GET /api/sharing/snapshots/{snapshot_id}/verify": _plain("/api/sharing/snapshots/1/verify"),
    "GET /api/sharing/{indicator}/objects": lambda w: [
        Ask(f"/api/sharing/{i}/objects", {"counted": c, "definition": d})
        for i, d in (("a3", "S1"), ("a4", "P1"), ("a5", "D1"), ("a5", "D3"))
        for c in ("numerator", "denominator", "unknown")
    ],
    "GET /api/sharing/{indicator}/objects.{form}": lambda w: [
        Ask(f"/api/sharing/{i}/objects.{form}", {"counted": c, "definition": d})
        for i, d in (("a3", "S1"), ("a4", "P1"), ("a5", "D1"), ("a5", "D3"))
        for form in ("csv", "geojson", "xlsx") for c in ("numerator", "denominator")
    ],
    "POST /api/colocation": lambda w: [
        Ask("/api/colocation", body=around(n) | {"operator": "VIETTEL", "height_m": 30, "radius_m": 5000})
        for n in KINDS
    ],
    "POST /api/what-if": lambda w: [
        Ask("/api/what-if", body={"switch_off": [{"site": f"{n.upper()}-SITE"}]}, target=n) for n in KINDS
    ],
    "GET /api/prices": _plain("/api/prices", {}, {"owner": "VNPT"}, {"component": "mast"}),
    "POST /api/prices": lambda w: [
        Ask("/api/prices", body={"owner": o, "component": "mast", "per": "slot", "amount_vnd": 1.0,
                                 "declared_on": "2026-01-01", "document": "x"})
        for o in ("VIETTEL", "VNPT")
    ],
    "PUT /api/prices/{price_id}/end": lambda w: [
        Ask("/api/prices/1/end", body={"valid_to": "2027-01-01", "reason": "test"})
    ],
    "GET /api/prices/comparison": _plain("/api/prices/comparison", {}),
    "GET /api/prices/comparison.{format}": lambda w: [
        Ask(f"/api/prices/comparison.{f}") for f in ("csv", "xlsx", "exe")
    ],
    "GET /api/contracts": _plain("/api/contracts", {}, {"party": "VNPT"}, {"number": INJECTION}),
    "POST /api/contracts": lambda w: [
        Ask("/api/contracts", target=name, body={
            "number": f"K-{name}", "lessor": lessor, "lessee": "MOBIFONE", "signed_on": "2026-01-01",
            "items": [{"structure": f"{name.upper()}-SITE-S", "component": "mast", "slots": 1}]})
        for name in KINDS for lessor in ("VIETTEL", "VNPT")
    ],
    "GET /api/contracts/{contract_id}": _plain("/api/contracts/1"),
    "PUT /api/contracts/{contract_id}/end": lambda w: [
        Ask("/api/contracts/1/end", body={"valid_to": "2027-01-01", "reason": "test"})
    ],
    "GET /api/applications/{application_id}/dossier.{format}": lambda w: [
        Ask(f"/api/applications/1/dossier.{f}") for f in ("pdf", "docx")
    ],
    "POST /api/appraisals": lambda w: [
        Ask("/api/appraisals", body=around(n) | {"operator": "VIETTEL", "height_m": 30, "radius_m": 5000})
        for n in KINDS
    ],
    "GET /api/appraisals/{appraisal_id}": _plain("/api/appraisals/1"),
    "GET /api/appraisals/{appraisal_id}/verify": _plain("/api/appraisals/1/verify"),
    "GET /api/appraisals/{appraisal_id}.{format}": lambda w: [
        Ask(f"/api/appraisals/1.{f}") for f in ("pdf", "docx", "exe")
    ],
    "GET /api/sharing-question": _plain("/api/sharing-question"),
    "POST /api/sharing-question": lambda w: [
        Ask("/api/sharing-question", body=around(n) | {"radius_m": 1000, "operator": "VIETTEL"}) for n in KINDS
    ],
    "GET /api/sharing-questions": _plain("/api/sharing-questions"),
    "GET /api/applications": _plain("/api/applications", {}, {"operator": "VNPT"}, {"overdue": "true"}),
    "POST /api/applications": lambda _: [
        Ask("/api/applications", body={"kind": "tower", "title": "t", "applicant": who, "geometry": _HERE})
        for who in ("VIETTEL", "VNPT")
    ],
    "GET /api/applications/{application_id}": _plain("/api/applications/1"),
    "PATCH /api/applications/{application_id}": lambda _: [
        Ask("/api/applications/1", body={"title": "x"}, headers=MATCHED)
    ],
    "POST /api/applications/{application_id}/actions/{action}": lambda _: [
        Ask(f"/api/applications/1/actions/{action}", body={}) for action in ("submit", "precheck", "grant_permit", "x")
    ],
    "POST /api/applications/{application_id}/requests": lambda w: [
        Ask("/api/applications/1/requests", body={"structure_id": w.row("structure", n)}) for n in KINDS
    ],
    "POST /api/applications/{application_id}/documents": lambda _: [
        Ask("/api/applications/1/documents", {"name": "a.pdf"}, body={"not": "a document"})
    ],
    "GET /api/applications/{application_id}/documents/{document_id}": _plain("/api/applications/1/documents/1"),
    "GET /api/sharing-requests": _plain("/api/sharing-requests", {}, {"owner": "VNPT"}, {"state": "open"}),
    "POST /api/sharing-requests/{request_id}/answer": lambda _: [
        Ask("/api/sharing-requests/1/answer", body={"slots": 1})
    ],
    "POST /api/sharing-requests/{request_id}/refuse": lambda _: [
        Ask("/api/sharing-requests/1/refuse", body={"code": "load"})
    ],
    "POST /api/sharing-requests/{request_id}/settle": lambda _: [
        Ask("/api/sharing-requests/1/settle", body={"slots": 1, "note": "x"})
    ],
    "POST /api/sharing-requests/{request_id}/fail": lambda _: [
        Ask("/api/sharing-requests/1/fail", body={"note": "x"})
    ],
    "POST /api/licensing/poles": lambda w: [
        Ask("/api/licensing/poles", body=around(n) | {"operator": "VIETTEL", "reach_m": 500}) for n in KINDS
    ],
    "POST /api/licensing/ducts": lambda w: [
        Ask("/api/licensing/ducts", body={"operator": "VIETTEL", "tolerance_m": 100, "geometry": beside(n)})
        for n in KINDS
    ],
    "GET /api/constraints": lambda w: [Ask("/api/constraints", around(n) | {"height_m": 30}) for n in KINDS],
    "GET /api/constraints/areas": _plain("/api/constraints/areas", {}, {"kind": "heritage"}),
    "POST /api/constraints/areas": lambda _: [Ask("/api/constraints/areas", body=CONSTRAINT)],
    "GET /api/constraints/areas/{area_id}": _plain("/api/constraints/areas/1"),
    "PUT /api/constraints/areas/{area_id}": lambda _: [
        Ask("/api/constraints/areas/1", body=CONSTRAINT, headers=MATCHED)
    ],
    "DELETE /api/constraints/areas/{area_id}": lambda _: [
        Ask("/api/constraints/areas/1", {"reason": "test"}, headers=MATCHED)
    ],
    "GET /api/coverage/maps": _plain("/api/coverage/maps"),
    "GET /api/coverage/maps/{technology}/{what}.tif": _plain("/api/coverage/maps/4G/levels.tif"),
    "GET /tiles/coverage/{technology}/{z}/{x}/{y}.png": lambda w: [
        Ask(f"/tiles/coverage/4G/{tile(z, name)}.png") for z in (10, 14) for name in KINDS
    ],
    "GET /tiles/terrain/{z}/{x}/{y}.png": lambda w: [Ask(f"/tiles/terrain/{tile(10, 'secret')}.png")],
    "GET /tiles/terrain-unknown/{z}/{x}/{y}.png": lambda w: [Ask(f"/tiles/terrain-unknown/{tile(10, 'secret')}.png")],
    "GET /tiles/villages/{z}/{x}/{y}.mvt": lambda w: [
        Ask(f"/tiles/villages/{tile(z, 'secret')}.mvt") for z in (10, 14)
    ],
    "GET /tiles/{layer}/{z}/{x}/{y}.mvt": _tiles,
    "GET /ogc": _plain("/ogc"),
    "GET /ogc/": _plain("/ogc/"),
    "GET /ogc/api": _plain("/ogc/api"),
    "GET /ogc/conformance": _plain("/ogc/conformance"),
    "GET /ogc/collections": _plain("/ogc/collections"),
    "GET /ogc/collections/{collectionId}": _collections(""),
    "GET /ogc/collections/{collectionId}/queryables": _collections("/queryables"),
    "GET /ogc/collections/{collectionId}/schema": _collections("/schema"),
    "GET /ogc/collections/{collectionId}/items": _collections(
        "/items", {}, {"limit": 1, "offset": 1}, {"bbox": "107.5,16.4,107.8,16.5", "crs": METRIC},
        {"filter": "code LIKE '%SECRET%' OR code LIKE 'vnpt%' OR code LIKE 'VNPT%'"}, {"filter": INJECTION},
        {"datetime": "2020-01-01/.."}, {"sortby": "-code"}, {"code": "secret-P"}, {"properties": "code"},
    ),
    "GET /ogc/collections/{collectionId}/items/{featureId}": _features,
    "GET /ogc/collections/{collectionId}/tiles": _collections("/tiles"),
    "GET /ogc/collections/{collectionId}/tiles/{tileMatrixSetId}": _collections("/tiles/WebMercatorQuad"),
    "GET /ogc/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}": _ogc_tiles,
    "GET /ogc/tileMatrixSets": _plain("/ogc/tileMatrixSets"),
    "GET /ogc/tileMatrixSets/{tileMatrixSetId}": _plain("/ogc/tileMatrixSets/WebMercatorQuad"),
    "GET /api/units": _plain("/api/units", {"q": "xa day"}, {"q": INJECTION}),
    "GET /api/units/{unit_id}": lambda w: [Ask(f"/api/units/{w.row('unit', 'here')}")],
    "GET /api/crosswalk": _plain("/api/crosswalk", {"from": "2025-07-01", "to": "2026-01-01"}),
    "GET /api/objects": _plain("/api/objects"),
    "GET /api/objects/{layer}": _lists,
    "POST /api/objects/{layer}": _creations,
    "GET /api/objects/{layer}/{object_id}": _objects(),
    "PATCH /api/objects/{layer}/{object_id}": _objects(body={"code": "X", "reason": "test"}, headers=MATCHED),
    "DELETE /api/objects/{layer}/{object_id}": _objects(headers=MATCHED, reason="test"),
    "GET /api/objects/{layer}/{object_id}/history": _objects("/history"),
    "GET /api/objects/{layer}/{object_id}/history/{change_id}": _objects("/history/1"),
    "POST /api/objects/{layer}/{object_id}/restore": _objects(
        "/restore", {"change_id": 1, "reason": "test"}, MATCHED
    ),
    "GET /api/jobs": _plain("/api/jobs", {}, {"status": "queued"}, {"kind": INJECTION}),
    "GET /api/jobs/{job_id}": _plain("/api/jobs/1"),
    "POST /api/jobs/{job_id}/cancel": _plain("/api/jobs/1/cancel"),
    "POST /api/coverage/runs": lambda _: [Ask("/api/coverage/runs", body={"rule": "village-80"})],
    "POST /api/programmes": lambda _: [
        Ask("/api/programmes", body={"kind": "towers", "target": 30} | more) for more in ({}, {"operator": INJECTION})
    ],
    "GET /api/programmes": _plain("/api/programmes", {}, {"kind": "towers"}),
    "GET /api/programmes/{programme_id}": _plain("/api/programmes/1"),
    "GET /api/programmes/{programme_id}/acts.{form}": lambda _: [
        Ask(f"/api/programmes/1/acts.{form}") for form in ("geojson", "csv", "xlsx")
    ],
    "GET /api/session": _plain("/api/session"),
    "POST /api/session": lambda _: [Ask("/api/session", body={"name": INJECTION, "password": "x"})],
    "DELETE /api/session": _plain("/api/session"),
    "POST /api/session/password": lambda _: [Ask("/api/session/password", body={"old": "wrong", "new": "a" * 20})],
    "GET /api/session/oidc": _plain("/api/session/oidc"),
    "DELETE /api/session/oidc": _plain("/api/session/oidc"),
    "GET /api/session/oidc/start": _plain("/api/session/oidc/start"),
    "GET /api/session/oidc/callback": _plain("/api/session/oidc/callback", {"code": "x", "state": "y"}),
    "GET /api/sessions": _plain("/api/sessions"),
    "DELETE /api/sessions": _plain("/api/sessions"),
    "DELETE /api/sessions/{session_id}": lambda w: [Ask(f"/api/sessions/{w.user_session}")],
    "GET /api/tokens": _plain("/api/tokens"),
    "POST /api/tokens": lambda _: [Ask("/api/tokens", body={"name": "t", "scopes": ["read"], "days": 1})],
    "DELETE /api/tokens/{token_id}": _user("/api/tokens/{token_id}"),
    "GET /api/users": _plain("/api/users"),
    "POST /api/users": lambda _: [Ask("/api/users", body={"name": "mallory", "roles": [{"role": "administrator"}]})],
    "GET /api/users/{user_id}": _user("/api/users/{user_id}"),
    "PATCH /api/users/{user_id}": _user("/api/users/{user_id}", {"display_name": "x"}, If_Match='"0"'),
    "POST /api/users/{user_id}/roles": _user("/api/users/{user_id}/roles", {"role": "administrator"}),
    "DELETE /api/users/{user_id}/roles/{role_id}": _user("/api/users/{user_id}/roles/{role_id}"),
    "POST /api/users/{user_id}/reset-password": _user("/api/users/{user_id}/reset-password"),
    "GET /api/users/{user_id}/tokens": _user("/api/users/{user_id}/tokens"),
    "DELETE /api/users/{user_id}/tokens/{token_id}": _user("/api/users/{user_id}/tokens/{token_id}"),
    "GET /api/users/{user_id}/sign-on": _user("/api/users/{user_id}/sign-on"),
    "PUT /api/users/{user_id}/sign-on": _user("/api/users/{user_id}/sign-on", {"subject": "x"}),
    "GET /api/view-log": _plain("/api/view-log"),
}  # fmt: skip
"""A route without a question here fails the matrix."""
