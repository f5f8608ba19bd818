"""Examples in the OpenAPI document: values a reader can try, all of the synthetic demonstration province.

`tests/test_openapi.py` holds every one against its schema, and sends it.
"""

from __future__ import annotations

from typing import Any, Final

CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_POINT: Final = {"type": "Point", "coordinates": [107.57, 16.46]}
_LINE: Final = {"type": "LineString", "coordinates": [[107.57, 16.46], [107.575, 16.463]]}
_TOWER: Final = {"lon": 107.57, "lat": 16.46, "operator": "VIETTEL", "height_m": 42, "technologies": ["4G"]}
_OFFER: Final = {"slots": 1, "height_m": 30, "price_vnd_month": 4000000, "note": "Còn một vị trí ở cao độ 30 m"}

VALUES: Final[dict[str, Any]] = {
    "a": 1, "actor": "user:1", "as_of": "2026-06-30", "batch": "QD-12/2026", "bbox": "107.5,16.4,107.7,16.5",
    "boundaries": "2026-06-30", "code": "19774", "commune": "Phường Thuận Hóa", "component": "mast",
    "dates": "2025-12-31,2026-06-30", "definition": "S1", "definition_from": "S1", "district": "Huế",
    "error": "access_denied", "from": "2026-01-01", "if-match": '"0"', "if-none-match": '"0"',
    "iss": "https://sso.example.vn", "kind": "coverage", "known_at": "2026-06-30T00:00:00+07:00",
    "known_from": "2026-01-01T00:00:00+07:00", "known_to": "2026-06-30T00:00:00+07:00", "lat": 16.46,
    "layer": "poles", "level": "commune", "limit": 100, "lon": 107.57, "name": "ban-ve.pdf", "number": "12/2026/HD",
    "on": "2026-06-30", "operator": "VIETTEL", "owner": "VNPT", "part": "built", "party": "VNPT", "q": "thuan hoa",
    "reason": "Khảo sát lại", "return_to": "/", "rule": "village-80", "sort": "-code", "technologies": "2G",
    "to": "2026-06-30", "token": "0a1b2c3d4e5f", "x": 3272, "y": 1859, "z": 12, "crs": "EPSG:9214",
    "bbox-crs": CRS84, "filter-crs": CRS84, "datetime": "2026-06-30", "f": "json", "properties": "code,owner",
    "sortby": "-code", "collectionId": "poles", "featureId": "1", "tileMatrixSetId": "WebMercatorQuad",
}  # fmt: skip
"""By name of the parameter; one that lists what it takes, or is a number, needs none."""
_AT: Final[dict[tuple[str, str], Any]] = {
    ("/api/sharing/geographies", "a"): "2025-06-30", ("/api/sharing/geographies", "b"): "2025-07-01",
    ("/ogc/collections/{collectionId}/items", "crs"): CRS84,
    ("/ogc/collections/{collectionId}/items/{featureId}", "crs"): CRS84,
    ("/api/session/oidc/callback", "code"): "abc", ("/api/session/oidc/callback", "state"): "xyz",
}  # fmt: skip
"""Where a name means something else."""

BODIES: Final[dict[str, Any]] = {
    "POST /api/users": {"name": "nguyen.van.a", "display_name": "Nguyễn Văn A", "email": "a@example.vn",
                        "roles": [{"role": "operator", "organisation": "VIETTEL"}]},
    "PATCH /api/users/{user_id}": {"display_name": "Nguyễn Văn A", "active": True},
    "POST /api/users/{user_id}/roles": {"role": "operator", "organisation": "VIETTEL", "valid_from": "2026-07-01"},
    "PUT /api/users/{user_id}/sign-on": {"subject": "f3b1c2d4"},
    "POST /api/session": {"name": "nguyen.van.a", "password": "ba-bon-nam-sau"},
    "POST /api/session/password": {"old": "ba-bon-nam-sau", "new": "bay-tam-chin-muoi-mot"},
    "POST /api/tokens": {"name": "QGIS", "scopes": ["read"], "days": 90},
    "POST /api/coverage/runs": {"rule": "village-80", "technology": "4G", "as_of": "2026-06-30"},
    "POST /api/exports": {"layer": "poles", "format": "gpkg", "as_of": "2026-06-30"},
    "POST /api/sharing/snapshots": {"label": "Báo cáo năm 2026", "as_of": "2026-06-30"},
    "POST /api/colocation": _TOWER,
    "POST /api/sharing-question": {"lon": 107.57, "lat": 16.46, "radius_m": 500, "operator": "VIETTEL"},
    "POST /api/what-if": {"license": [{"operator": "VIETTEL", "lon": 107.57, "lat": 16.46, "height_m": 42,
                                       "technologies": ["4G"]}]},
    "POST /api/applications": {"kind": "tower", "title": "Trạm mới ở phường Thuận Hóa", "applicant": "VIETTEL",
                               "geometry": _POINT, "height_m": 42, "technologies": ["4G"]},
    "PATCH /api/applications/{application_id}": {"title": "Trạm mới ở phường Phú Xuân", "height_m": 36},
    "POST /api/applications/{application_id}/actions/{action}": {"note": "Hồ sơ đã đủ"},
    "POST /api/applications/{application_id}/requests": {"structure_id": 1},
    "POST /api/applications/{application_id}/documents": "%PDF-1.7 …",
    "POST /api/sharing-requests/{request_id}/answer": _OFFER,
    "POST /api/sharing-requests/{request_id}/refuse": {"code": "load", "text": "Cột đã đủ tải"},
    "POST /api/sharing-requests/{request_id}/settle": _OFFER,
    "POST /api/sharing-requests/{request_id}/fail": {"note": "Hai bên không thống nhất giá"},
    "POST /api/programmes": {"kind": "towers", "target": 30},
    "POST /api/prices": {"owner": "VNPT", "component": "mast", "per": "slot", "period": "month",
                         "amount_vnd": 4000000, "declared_on": "2026-06-30", "document": "Bảng giá 05/2026, trang 2"},
    "PUT /api/prices/{price_id}/end": {"valid_to": "2026-12-31", "reason": "Có bảng giá mới"},
    "POST /api/contracts": {"number": "12/2026/HD", "lessor": "VNPT", "lessee": "VIETTEL", "signed_on": "2026-06-30",
                            "items": [{"street": "Lê Lợi", "component": "pole", "slots": 12}]},
    "PUT /api/contracts/{contract_id}/end": {"valid_to": "2026-12-31", "reason": "Hai bên thanh lý"},
    "POST /api/appraisals": _TOWER,
    "POST /api/constraints/areas": {"kind": "heritage", "code": "DT-01", "name": "Đại Nội", "rule": {"buffer_m": 100},
                                    "citation": "Quyết định công nhận di tích", "geometry": _POINT,
                                    "reason": "Bổ sung di tích"},
    "PUT /api/constraints/areas/{area_id}": {"kind": "heritage", "code": "DT-01", "name": "Đại Nội",
                                             "rule": {"buffer_m": 150}, "citation": "Quyết định công nhận di tích",
                                             "geometry": _POINT, "reason": "Mở rộng vùng đệm"},
    "POST /api/licensing/poles": {"operator": "VIETTEL", "geometry": _LINE},
    "POST /api/licensing/ducts": {"operator": "VIETTEL", "geometry": _LINE},
    "POST /api/objects/{layer}": {"code": "C-0001", "geometry": _POINT, "height_m": 8.5, "reason": "Khảo sát mới"},
    "PATCH /api/objects/{layer}/{object_id}": {"height_m": 8.5, "reason": "Khảo sát lại"},
    "POST /api/objects/{layer}/{object_id}/restore": {"change_id": 1, "reason": "Sửa nhầm"},
}  # fmt: skip


def example(path: str, parameter: dict[str, Any]) -> Any:
    """Return a value of a parameter at `path`, None when nobody has thought of one."""
    name, schema = parameter["name"], parameter["schema"]
    kinds = [schema, *schema.get("anyOf", [])]
    for kind in kinds:
        if "enum" in kind:
            return kind["enum"][0]
        if "const" in kind:
            return kind["const"]
    found = _AT.get((path, name), VALUES.get(name))
    if found is not None:
        return found
    types = {kind.get("type") for kind in kinds}
    return 1 if types & {"integer", "number"} else True if "boolean" in types else None
