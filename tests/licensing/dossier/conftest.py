"""A frozen check with everything a check may ever say, and names that try to be something else."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from app.licensing.dossier.content import Sheet

HOSTILE = (
    "#eval(1+1)", "$x^2$", "*đậm*", "\\n{}", "<script>&amp;", "]] <!--", "= Tiêu đề", "a\x01b",
    '#read("/etc/passwd")',
)  # fmt: skip
BOX = [[[107.54, 16.44], [107.56, 16.44], [107.56, 16.46], [107.54, 16.46], [107.54, 16.44]]]


def candidate(structure: str, **change: Any) -> dict[str, Any]:
    return {
        "site": structure, "structure": structure, "owner": {"code": "VNPT", "name": "VNPT"}, "distance_m": 210.4,
        "height_m": 45.0, "top_m": 45.0, "kind": "mast", "type_code": "A2b", "tenants": ["VNPT"],
        "technologies": ["4G"], "tenant_capacity": 3, "spare": 2, "spare_state": "free",
        "operator_already_here": False, "lon": 107.551, "lat": 16.451, "synthetic": True, "restricted": False,
    } | change  # fmt: skip


def answer(**change: Any) -> dict[str, Any]:
    full = candidate("ĐẦY-1", spare=0, spare_state="full",
                     fails=[{"code": "full", "vi": "Hết chỗ", "en": "Full"},
                            {"code": "low", "vi": "Quá thấp", "en": ""}],
                     coverage={"people": 1234, "villages": 2, "share_of_proposal": 0.75})  # fmt: skip
    return {
        "candidates": [candidate("CỘT-1"), full, candidate("MỜ-1", spare=None, spare_state="unknown")],
        "near_duplicates": [full], "restricted": [candidate("BÍ-MẬT", restricted=True)], "poles_nearby": 12,
        "commune": {"code": "1", "name": "Thuỷ Xuân", "kind": "phường"}, "province": True,
        "effect": {c: {"before": 12.5, "after_new": 12.0, "after_shared": 13.0, "after": 13.0} for c in ("S1", "S2")},
        "advice": {"code": "share", "vi": "Dùng chung CỘT-1", "en": "Share CỘT-1"},
        "reasons": [{"code": "candidates", "vi": "Còn chỗ", "en": "Room"}],
        "proposal": {"lon": 107.55, "lat": 16.45, "operator": "VIETTEL", "height_m": 42.0, "radius_m": 500.0,
                     "technologies": ["4G"]},
        "constraints": [{"kind": "airspace", "code": "x", "name": "Tĩnh không", "status": "warning", "value": 45,
                         "limit": 45.5, "distance_m": None, "citation": "[M] Sân bay", "vi": "Gần giới hạn", "en": ""}],
        "coverage": {"people": 2000, "villages": 3}, "as_of": "2026-01-01", "citation": "[A] một; hai; [A] ba",
    } | change  # fmt: skip


def sheet(told: dict[str, Any] | None = None, **names: Any) -> Sheet:
    """Return a sheet; `names` replace commune, village and applicant."""
    shape = {"type": "Polygon", "coordinates": BOX}
    facts = {
        "agency": {"parent": "ỦY BAN NHÂN DÂN", "name": "SỞ KHOA HỌC", "symbol": "PTĐ-S", "place": "Huế",
                   "signer": "GIÁM ĐỐC"},
        "application": {
            "reference": "HS-1", "applicant": names.get("applicant", "Viettel"), "received_on": "2026-01-02",
            "sharing_requests": [{"owner": "VNPT", "structure": "ĐẦY-1", "sent_on": "2026-01-03", "due_on": None,
                                  "answer": "từ chối", "reason": "tải trọng", "price_vnd_month": 5e6}],
            "decision": {"vi": "Yêu cầu dùng chung", "en": "Share"},
        },
    }  # fmt: skip
    ground = {"centre": [107.55, 16.45], "half_m": 600.0, "poles": [[107.5501, 16.4501]],
              "communes": [{"name": names.get("commune", "Thuỷ Xuân"), "kind": "phường", "geometry": shape,
                             "lon": 107.55, "lat": 16.452}],
              "villages": [{"name": names.get("village", "Tổ 1"), "lon": 107.552, "lat": 16.449}]}  # fmt: skip
    return Sheet(7, {"facts": facts, "map": ground}, told or answer(), "ab" * 32, dt.date(2026, 1, 5), "user:1")


def squeezed(text: str) -> str:
    """Return text without white space and invisible signs, which setting moves."""
    return re.sub("[\\s\u200b\ufffe\u00ad\u0002]", "", text)
