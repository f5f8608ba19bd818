"""The acts of a programme as files: GeoJSON for maps, CSV and XLSX for officers."""

from __future__ import annotations

import csv
import io
from typing import Any

import openpyxl
import orjson

from app.licensing.programme.models import ProgrammeRun

MEDIA = {
    "geojson": "application/geo+json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_HEAD = ("Thứ tự · rank", "Việc · act", "Từ · from", "Đến · to", "Tổ chức · organisations", "Tuyến đường · street",
         "Khoảng cách (m) · distance", "Chiều dài (m) · length", "Chi phí (VND) · cost", "Còn chỗ · capacity left",
         "Sau việc này · value after", "Vùng phủ · coverage", "Vì sao · reasons", "Dữ liệu · data",
         "Kinh độ · lon", "Vĩ độ · lat")  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(run: ProgrammeRun, form: str) -> bytes:
    """Return the acts of a programme in one of the formats of `MEDIA`."""
    acts = run.result["acts"]
    if form == "geojson":
        return orjson.dumps(feature_collection(run))
    rows = [_row(act) for act in acts]
    return _csv(rows) if form == "csv" else _xlsx(run, rows)


def feature_collection(run: ProgrammeRun) -> dict[str, Any]:
    """Return one feature an act: a line from what goes to what is shared, else a point; flat properties."""
    return {
        "type": "FeatureCollection",
        "programme": run.id,
        "synthetic": run.synthetic,
        "features": [_feature(run, act) for act in run.result["acts"]],
    }


def _feature(run: ProgrammeRun, act: dict[str, Any]) -> dict[str, Any]:
    source, target = act["source"], act["target"]
    end = [target["lon"], target["lat"]]
    geometry: dict[str, Any] = {"type": "Point", "coordinates": end}
    if source is not None:
        geometry = {"type": "LineString", "coordinates": [[source["lon"], source["lat"]], end]}
    flat = {k: v for k, v in act.items() if k not in ("source", "target", "organisations", "reasons")}
    properties = flat | {
        "programme": run.id, "programme_kind": run.kind, "organisations": ";".join(act["organisations"]),
        "from_layer": source and source["layer"], "from_id": source and source["id"],
        "from_code": source and source["code"], "to_layer": target["layer"], "to_id": target["id"],
        "to_code": target["code"], "reasons_vi": " · ".join(r["vi"] for r in act["reasons"]),
        "reasons_en": " · ".join(r["en"] for r in act["reasons"]),
    }  # fmt: skip
    return {"type": "Feature", "id": act["rank"], "geometry": geometry, "properties": properties}


def _row(act: dict[str, Any]) -> list[Any]:
    source, target = act["source"], act["target"]
    told = [
        act["rank"], act["kind"], source and source["code"], target["code"], ", ".join(act["organisations"]),
        act["street"], act["distance_m"], act["length_m"], act["cost_vnd"], act["capacity_left"], act["value_after"],
        act["coverage"], " · ".join(r["vi"] for r in act["reasons"]), "SYNTHETIC" if act["synthetic"] else "",
        target["lon"], target["lat"],
    ]  # fmt: skip
    return [_harmless(value) for value in told]


def _harmless(value: Any) -> Any:
    """Return text that no spreadsheet takes for a formula: names and codes come from files people sent."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _csv(rows: list[list[Any]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_HEAD)
    writer.writerows(rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()  # without the mark Excel reads Vietnamese as Latin


def _xlsx(run: ProgrammeRun, rows: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Danh sách")
    sheet.append(list(_HEAD))
    for row in rows:
        sheet.append(row)
    total = book.create_sheet("Tổng hợp")
    for name in ("kind", "target", "as_of", "status", "cost_vnd", "bound_vnd", "gap", "seconds", "inputs_sha256"):
        value = getattr(run, name)
        total.append([name, str(value) if name == "as_of" else value])
    total.append(["SYNTHETIC" if run.synthetic else "", ""])
    for name in ("before", "after", "reachable"):
        total.append([name, str((run.result[name] or {}).get("ratio"))])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
