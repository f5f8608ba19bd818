"""Files of what constrains building: rules in columns or as JSON, and every bad one named."""

from __future__ import annotations

import json
from typing import Any

from tests.intake.conftest import Ask, Load, found

AREA = "POLYGON((107.5 16.4, 107.6 16.4, 107.6 16.5, 107.5 16.4))"
HEAD = "Mã,Tên,Loại,Căn cứ,wkt,Loại cho phép,Chiều cao tối đa (m),Vùng đệm (m),elevation_m,within_m,Ngầm hoá từ,rule\n"
GOOD = (
    f'Z1,Khu 1,Khu quy hoạch,QĐ 1,"{AREA}",A2a;A2b,40,,,,,\n'
    "H1,Lăng,Di tích,QĐ 2,POINT(107.55 16.45),,,500,,,,\n"
    "VVPB,Phú Bài,Sân bay,QĐ 3,POINT(107.7 16.4),,,,14,,,\n"
    '"S1",Lê Lợi,Tuyến ngầm hoá,QĐ 4,"LINESTRING(107.55 16.45, 107.56 16.45)",,,,,20,01/06/2025,\n'
    'O1,Đất,Khác,QĐ 5,POINT(107.55 16.45),,,,,,,"{""note"": ""hỏi trước""}"\n'
)


def test_every_kind(load: Load, ask: Ask, province: None) -> None:
    report = load("constraints", HEAD + GOOD)
    assert (report.loaded, found(report)) == (5, [])
    rows = dict(ask("SELECT code, rule FROM registry.constraint_area"))
    assert rows["Z1"] == {"allowed_codes": ["A2a", "A2b"], "max_height_m": 40.0}
    assert rows["H1"] == {"buffer_m": 500.0, "allowed_codes": ["A1b"]}, "types by policy"
    assert (rows["VVPB"]["elevation_m"], rows["VVPB"]["surfaces"][-1]["to_m"]) == (14.0, 15000.0)
    assert rows["S1"] == {"within_m": 20.0, "from": "2025-06-01"}
    assert rows["O1"] == {"note": "hỏi trước"}
    assert ask("SELECT DISTINCT citation LIKE 'QĐ%' FROM registry.constraint_area") == [True]


def test_bad_rows(load: Load, ask: Ask, province: None) -> None:
    rows = (
        f'Z1,Khu,Khu quy hoạch,QĐ,"{AREA}",A9,,,,,,\n'
        "Z2,Khu,Khu quy hoạch,QĐ,POINT(107.55 16.45),A1a,,,,,,\n"
        "H1,Lăng,Di tích,QĐ,POINT(107.55 16.45),,,,,,,\n"
        'O1,Đất,Khác,QĐ,POINT(107.55 16.45),,,,,,,"[1"\n'
        "O2,Đất,Chùa,QĐ,POINT(107.55 16.45),,,,,,,\n"
        "O3,Đất,Khác,,POINT(107.55 16.45),,,,,,,\n"
        "O3,Đất,Khác,QĐ,POINT(16.45 107.55),,,,,,,\n"
    )
    report = load("constraints", HEAD + rows)
    assert not report.accepted
    codes = {(row, code) for row, _, code in found(report)}
    assert codes >= {(2, "bad_rule"), (3, "shape_of_kind"), (4, "bad_rule"), (5, "bad_rule"), (7, "missing_value")}
    assert {row for row, _ in codes} >= {6, 8}
    assert ask("SELECT count(*) FROM registry.constraint_area") == [0]


def test_geojson_with_the_rule_as_it_is_exported(load: Load, ask: Ask, province: None) -> None:
    rule: dict[str, Any] = {"elevation_m": 14, "surfaces": [{"to_m": 4000, "height_m": 45}]}
    feature = {
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [107.55, 16.45]},
        "properties": {"code": "VVPB", "name": "Phú Bài", "citation": "QĐ", "rule": rule, "synthetic": True},
    }  # fmt: skip
    document = json.dumps({"type": "FeatureCollection", "features": [feature]})
    assert load("constraints", document, constants={"kind": "airport"}).loaded == 1
    assert load("constraints", document, constants={"kind": "airport"}).loaded == 0
    again = load("constraints", document.replace("45}", "50}"), constants={"kind": "airport"}, update=True)
    assert again.updated == 1
    (stored,) = ask("SELECT rule FROM registry.constraint_area")
    assert stored["surfaces"] == [{"to_m": 4000.0, "height_m": 50.0, "slope": 0.0}]
