"""What one file of each layer makes of the registry."""

from __future__ import annotations

import pytest

from app.intake.load_areas import split_kind
from tests.intake.conftest import Ask, Load, found

GOOD = "107.5,16.4"


def test_a_site_row_makes_site_structure_stations_cells_and_occupancies(load: Load, ask: Ask, province: None) -> None:
    content = (
        "Mã trạm,Tên trạm,Chủ sở hữu,Kinh độ,Vĩ độ,Chiều cao (m),Trạm gốc,Góc phương vị,Đơn vị thuê,tilt_deg,"
        "Ngày đưa vào sử dụng\n"
        "H1,Trạm 1,Viettel,107.5,16.4,45,VIETTEL:2G+4G;VNPT:4G,0;120;240,MobiFone;VNPT,4,01/02/2020\n"
        "H2,Trạm 2,Tập đoàn Điện lực Việt Nam (EVN),107.51,16.4,,,,,,\n"
    )
    report = load("sites", content)
    assert (report.loaded, found(report)) == (2, [])
    assert ask("SELECT code, kind, height_m, valid_from::text FROM registry.structure ORDER BY 1") == [
        ("H1-S", "mast", 45.0, "2020-02-01"),
        ("H2-S", "mast", None, None),
    ]
    stations = ["H1-VIETTEL-2G", "H1-VIETTEL-4G", "H1-VNPT-4G"]
    assert ask("SELECT code FROM registry.base_station ORDER BY 1") == stations
    cells = ask("SELECT code, azimuth_deg, tilt_deg FROM registry.cell ORDER BY 1")
    assert cells == [(f"{s}-{n}", a, 4.0) for s in stations for n, a in ((1, 0.0), (2, 120.0), (3, 240.0))]
    query = (
        "SELECT o.code, s.component FROM registry.structure_occupancy s"
        " JOIN registry.organisation o ON o.id = tenant_id ORDER BY 1"
    )
    assert ask(query) == [("MOBIFONE", "mast"), ("VIETTEL", "mast"), ("VNPT", "mast")]
    assert ask(
        "SELECT o.code FROM registry.site s JOIN registry.organisation o ON o.id = owner_id ORDER BY s.code"
    ) == [
        "VIETTEL",
        "EVN",
    ]


def test_a_second_file_adds_stations_to_a_site(load: Load, ask: Ask, province: None) -> None:
    load("sites", f"code,lon,lat,height_m,stations\nH1,{GOOD},30,VNPT:4G\n")
    report = load("sites", f"code,lon,lat,stations\nH1,{GOOD},VNPT:4G+5G;MOBIFONE:4G\n", update=True)
    assert (report.loaded, report.updated) == (0, 1)
    assert ask("SELECT code FROM registry.base_station ORDER BY 1") == ["H1-MOBIFONE-4G", "H1-VNPT-4G", "H1-VNPT-5G"]
    assert ask("SELECT count(*) FROM registry.cell") == [3]
    assert ask("SELECT azimuth_deg FROM registry.cell LIMIT 1") == [None]
    assert ask("SELECT height_m FROM registry.structure") == [30.0]
    assert ask("SELECT count(*) FROM registry.structure_occupancy") == [2]


def test_the_operators_sharing_code(load: Load, ask: Ask, province: None) -> None:
    report = load(
        "sites", f"Mã trạm,Kinh độ,Vĩ độ,Mã dùng chung,tenants\nA,{GOOD},0,\nB,{GOOD},3,\nC,{GOOD},2,VNPT\nD,{GOOD},,\n"
    )
    assert found(report) == [(3, "Mã dùng chung", "partner_unknown")]
    assert ask("SELECT sharing_offered FROM registry.site ORDER BY code") == [False, True, False, None]


def test_poles_and_who_is_on_them(load: Load, ask: Ask, province: None) -> None:
    content = (
        "code,owner,surveyed_on,occupants,lon,lat\n"
        f"P1,EVN,2026-01-02,EVN;VIETTEL;VNPT:telecom;?;?,{GOOD}\n"
        f"P2,LIGHTING,2026-01-02,,{GOOD}\n"
        f"P3,,,,{GOOD}\n"
    )
    assert load("poles", content).loaded == 3
    query = (
        "SELECT p.code, o.code, service, line_count FROM registry.pole_occupancy JOIN registry.pole p ON p.id = pole_id"
        " LEFT JOIN registry.organisation o ON o.id = tenant_id ORDER BY 1, 2"
    )
    assert ask(query) == [
        ("P1", "EVN", "power", 1),
        ("P1", "VIETTEL", "telecom", 1),
        ("P1", "VNPT", "telecom", 1),
        ("P1", None, "telecom", 2),
    ]
    assert ask("SELECT surveyed_on::text FROM registry.pole ORDER BY code") == ["2026-01-02", "2026-01-02", None]


def test_ducts_make_their_manholes_and_trenches_once(load: Load, ask: Ask, province: None) -> None:
    content = (
        "code,owner,from_manhole,to_manhole,trench,occupants,wkt\n"
        'D1,VNPT,M1,M2,T1,VNPT;VIETTEL,"LINESTRING (107.500 16.40, 107.501 16.40)"\n'
        'D2,VNPT,M2,M3,T1,?,"LINESTRING (107.501 16.40, 107.502 16.40)"\n'
        'D3,VNPT,M2,M3,,,"LINESTRING (107.501 16.40, 107.502 16.40)"\n'
    )
    report = load("ducts", content)
    assert (report.loaded, found(report)) == (3, [])
    assert ask("SELECT code, ST_AsText(geom) FROM registry.manhole ORDER BY 1") == [
        ("M1", "POINT(107.5 16.4)"),
        ("M2", "POINT(107.501 16.4)"),
        ("M3", "POINT(107.502 16.4)"),
    ]
    joined = (
        "SELECT d.code, a.code, b.code, t.code FROM registry.duct d JOIN registry.manhole a ON a.id = from_manhole_id"
        " JOIN registry.manhole b ON b.id = to_manhole_id LEFT JOIN registry.trench t ON t.id = trench_id ORDER BY 1"
    )
    assert ask(joined) == [("D1", "M1", "M2", "T1"), ("D2", "M2", "M3", "T1"), ("D3", "M2", "M3", None)]
    assert ask("SELECT count(*), count(tenant_id) FROM registry.duct_occupancy") == [(3, 2)]
    again = content.split("\n")[0] + '\nD4,VNPT,M3,M4,T1,,"LINESTRING (107.502 16.40, 107.503 16.40)"\n'
    assert load("ducts", again).loaded == 1
    assert ask("SELECT count(*) FROM registry.manhole") == [4]
    assert ask("SELECT count(*) FROM registry.trench") == [1]


def test_villages_their_commune_and_default_demand_point(load: Load, ask: Ask, province: None) -> None:
    content = (
        "Mã thôn,Tên thôn,Loại,Xã,Dân số,Số hộ,Kinh độ,Vĩ độ\n"
        'V1,Thôn A,thôn,Phường Tay Loc,"1.234",300,107.5,16.4\n'
        "V2,Tổ 2,tổ dân phố,,,,107.7,16.4\n"
        "V3,Bản C,bản,,10,3,107.95,16.4\n"
    )
    report = load("villages", content)
    assert found(report) == [(4, "Kinh độ, Vĩ độ", "outside_province"), (4, "Xã", "no_commune")]
    query = (
        "SELECT v.code, v.kind, v.population, u.name, b.valid_from::text FROM registry.village v"
        " LEFT JOIN registry.village_unit b ON b.village_id = v.id"
        " LEFT JOIN registry.unit u ON u.id = unit_id ORDER BY 1"
    )
    assert ask(query) == [
        ("V1", "thon", 1234, "Tây Lộc", "2025-07-01"),
        ("V2", "to_dan_pho", None, "Đông Ba", "2025-07-01"),
        ("V3", "ban", 10, None, None),
    ]
    points = (
        "SELECT v.code, d.population, d.dwellings FROM registry.demand_point d"
        " JOIN registry.village v ON v.id = village_id"
    )
    assert ask(f"{points} ORDER BY 1") == [("V1", 1234.0, 300), ("V2", 0.0, 0), ("V3", 10.0, 3)]

    moved = load("villages", "code,name,commune,population,lon,lat\nV1,Thôn A,19002,2000,107.61,16.4\n", update=True)
    assert moved.updated == 1
    assert ask(query)[0] == ("V1", "thon", 2000, "Đông Ba", "2025-07-01")
    assert ask(f"{points} ORDER BY 1")[0] == ("V1", 2000.0, 300)

    dwellings = f"village,population,dwellings,lon,lat\nV1,1500,200,{GOOD}\nV1,500,100,107.51,16.4\n"
    report = load("demand_points", dwellings)
    assert (report.loaded, report.updated, found(report)) == (1, 1, [])
    assert sorted(ask(f"{points} WHERE v.code = 'V1'")) == [("V1", 500.0, 100), ("V1", 1500.0, 200)]
    assert {code for _, _, code in found(load("demand_points", dwellings))} == {"duplicate_in_registry"}
    assert load("demand_points", f"village,population,dwellings,lon,lat\nV1,1,1,{GOOD}\n", update=True).accepted
    assert sorted(ask(f"{points} WHERE v.code = 'V1'")) == [("V1", 0.0, 0), ("V1", 1.0, 1)]


def test_village_polygons_keep_a_point_inside(load: Load, ask: Ask, province: None) -> None:
    content = 'code,name,wkt\nV1,A,"POLYGON ((107.45 16.4, 107.47 16.4, 107.47 16.42, 107.45 16.42, 107.45 16.4))"\n'
    assert load("villages", content).loaded == 1
    assert ask("SELECT ST_Contains(geom, point), GeometryType(geom) FROM registry.village") == [(True, "MULTIPOLYGON")]


def test_facilities_and_their_lines(load: Load, ask: Ask, province: None) -> None:
    lines = '"VNPT:state_network:100;VIETTEL:fibre:1,5;:mobile"'
    content = f"code,name,kind,connections,lon,lat\nF1,UBND,UBND xã,{lines},{GOOD}\n"
    report = load("facilities", content)
    assert (report.loaded, found(report)) == (1, [])
    assert ask("SELECT f.kind, u.name FROM registry.facility f JOIN registry.unit u ON u.id = unit_id") == [
        ("commune_office", "Tây Lộc")
    ]
    lines = "SELECT service, bandwidth_mbps, operator_id IS NULL FROM registry.facility_connection ORDER BY 1"
    assert ask(lines) == [("fibre", 1.5, False), ("mobile", None, True), ("state_network", 100.0, False)]


def test_organisations_distribution_points_and_constants(load: Load, ask: Ask, province: None) -> None:
    assert load("organisations", "mã,tên,loại,has_radio,mnc\nNEWCO,Nhà mạng mới,nhà mạng,có,452-99\n").loaded == 1
    content = f"Mã tủ,Tổng số cổng,Số cổng đã dùng,lon,lat\nT1,16,4,{GOOD}\n"
    report = load("distribution_points", content, constants={"operator": "Nha Mang Moi", "synthetic": "có"})
    assert (report.loaded, found(report)) == (1, [])
    query = (
        "SELECT o.code, ports_total, d.synthetic, d.source FROM registry.distribution_point d"
        " JOIN registry.organisation o ON o.id = operator_id"
    )
    ((code, ports, synthetic, source),) = ask(query)
    assert (code, ports, synthetic) == ("NEWCO", 16, True)
    assert source.startswith("SYNTHETIC")


def test_areas_with_parent_level_and_dates(load: Load, ask: Ask) -> None:
    box = '"POLYGON ((107 16, 107.1 16, 107.1 16.1, 107 16.1, 107 16))"'
    first = load("areas", f"code,name,level,valid_from,wkt\n46,Thành phố Huế,tỉnh,2025-01-01,{box}\n")
    assert (first.loaded, found(first)) == (1, [])
    second = load("areas", f"code,name,parent,wkt\n19753,Phường 5,46,{box}\n")
    assert (second.loaded, found(second)) == (1, [])
    query = (
        "SELECT u.name, u.kind, u.level, u.valid_from::text, p.code FROM registry.unit u"
        " LEFT JOIN registry.unit p ON p.id = u.parent_id ORDER BY u.id"
    )
    assert ask(query) == [
        ("Huế", "thành phố", "province", "2025-01-01", None),
        ("Phường 5", "phường", "commune", "2025-07-01", "46"),
    ]
    other = load("areas", f"code,name,valid_from,wkt\n19753,Khác,2026-01-01,{box}\n")
    assert found(other) == [(2, "code", "duplicate_in_registry")]
    assert found(load("areas", f"code,name,parent,wkt\n1,A,nowhere,{box}\n")) == [(2, "parent", "unknown_parent")]


def test_level_of_units_that_give_none(load: Load, ask: Ask) -> None:
    box = '"POLYGON ((107 16, 107.1 16, 107.1 16.1, 107 16.1, 107 16))"'
    rows = ("46,Thành phố Huế", "474,Quận Thuận Hóa", "19753,Phường Phú Xuân", "99,Không rõ")
    report = load("areas", "code,name,wkt\n" + "".join(f"{row},{box}\n" for row in rows))
    assert ask("SELECT level FROM registry.unit ORDER BY id") == ["province", "district", "commune", "commune"]
    assert any("province: 1, district: 1, commune: 2" in n.en for n in report.notices)


@pytest.mark.parametrize(
    ("full", "parts"),
    [
        ("Phường Phú Xuân", ("phường", "Phú Xuân")),
        ("XÃ A Lưới", ("xã", "A Lưới")),
        ("Phường 5", ("phường", "Phường 5")),
        ("Phú Xuân", (None, "Phú Xuân")),
        ("Xã", (None, "Xã")),
        (None, (None, None)),
    ],
)
def test_kind_from_the_full_name(full: str | None, parts: tuple[str | None, str | None]) -> None:
    assert split_kind(full) == parts


def test_two_owners_may_use_one_code(load: Load, ask: Ask) -> None:
    load("poles", "code,owner,height_m,lon,lat\nP1,EVN,8,107.5,16.4\n")
    load("poles", "code,owner,height_m,lon,lat\nP1,VNPT,7,107.6,16.4\n", update=False)
    query = "SELECT o.code, p.height_m FROM registry.pole p JOIN registry.organisation o ON o.id = owner_id ORDER BY 1"
    assert ask(query) == [("EVN", 8.0)]  # a file that brings a known code says so first
    ask(
        "INSERT INTO registry.pole (code, owner_id, height_m, geom) SELECT 'P1', id, 7,"
        " ST_SetSRID(ST_MakePoint(107.6, 16.4), 4326) FROM registry.organisation WHERE code = 'VNPT' RETURNING id"
    )
    assert load("poles", "code,owner,height_m,lon,lat\nP1,EVN,9,107.5,16.4\n", update=True).updated == 1
    assert ask(query) == [("EVN", 9.0), ("VNPT", 7.0)]


def test_the_history_names_the_file_a_row_came_with(load: Load, ask: Ask) -> None:
    load("poles", "code,owner,height_m,lon,lat\nP1,EVN,8,107.5,16.4\n")
    ((actor, reason, batch),) = ask("SELECT actor, reason, batch FROM audit.change WHERE table_name = 'registry.pole'")
    assert actor.startswith("system:")
    assert reason == "load poles"
    assert batch.startswith("poles.csv (")
