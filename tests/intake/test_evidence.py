"""Claims and measurements as people hand them in: Vietnamese and English headers, every mistake a finding."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import openpyxl
import pyogrio
import pytest
import shapely

from app.intake.parsing import Bad, moment
from tests.intake.conftest import Ask, Load, found

GOOD = "107.5,16.4"
SQUARE = "POLYGON ((107.45 16.35, 107.55 16.35, 107.55 16.45, 107.45 16.45, 107.45 16.35))"
BOW_TIE = "POLYGON ((107.45 16.35, 107.55 16.45, 107.55 16.35, 107.45 16.45, 107.45 16.35))"
HEAD = "operator,technology,kind,measured_at,rsrp_dbm,downlink_mbps,lon,lat"
ROW = "VIETTEL,4G,drive_test,2026-03-05 08:15:00,-95,,107.5,16.4"


def test_claims_overlap_and_keep_what_they_promise(load: Load, ask: Ask, province: None) -> None:
    report = load(
        "claims",
        "Mã vùng,Nhà mạng,Công nghệ,Mức thu tối thiểu (dBm),Tốc độ tải xuống (Mbps),Từ ngày,wkt\n"
        f'V1,VIETTEL,LTE,-105,10,2026-01-01,"{SQUARE}"\n'
        f'V2,Viettel,4g,,,,"{SQUARE}"\n'
        f'V1,VNPT,5G NR,,,,"MULTI{SQUARE.replace("((", "(((").replace("))", ")))")}"\n',
    )
    assert found(report) == []
    assert report.loaded == 3
    assert ask(
        "SELECT c.code, o.code, technology, rsrp_min_dbm, downlink_mbps, c.valid_from, ST_GeometryType(geom)"
        " FROM registry.coverage_claim c JOIN registry.organisation o ON o.id = operator_id ORDER BY o.code, c.code"
    ) == [
        ("V1", "VIETTEL", "4G", -105, 10, dt.date(2026, 1, 1), "ST_MultiPolygon"),
        ("V2", "VIETTEL", "4G", None, None, None, "ST_MultiPolygon"),
        ("V1", "VNPT", "5G", None, None, None, "ST_MultiPolygon"),
    ]
    head = "code,operator,technology,wkt\n"
    again = load("claims", f'{head}V1,VIETTEL,4G,"{SQUARE}"\n')
    assert found(again) == [(2, "code", "duplicate_in_registry")]
    newer = load("claims", f'code,operator,technology,valid_from,wkt\nV1,VIETTEL,5G,2026-01-01,"{SQUARE}"\n',
                 update=True)  # fmt: skip
    assert (newer.loaded, newer.updated) == (0, 1)
    assert ask("SELECT technology FROM registry.coverage_claim WHERE code = 'V1' ORDER BY technology") == ["5G", "5G"]
    assert ask("SELECT operation, count(*) FROM audit.change WHERE table_name = 'registry.coverage_claim' GROUP BY 1"
               " ORDER BY 1") == [("insert", 3), ("update", 1)]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (f'A,VIETTEL,4G,,"{BOW_TIE}"', "wkt", "invalid_geometry"),
        ('A,VIETTEL,4G,,"LINESTRING (107.5 16.4, 107.6 16.4)"', "wkt", "wrong_geometry"),
        ('A,VIETTEL,4G,,"POLYGON EMPTY"', "wkt", "empty_geometry"),
        (f'A,Vietel,4G,,"{SQUARE}"', "operator", "unknown_organisation"),
        (f'A,EVN,4G,,"{SQUARE}"', "operator", "no_radio"),
        (f'A,VIETTEL,6G,,"{SQUARE}"', "technology", "bad_choice"),
        (f'A,VIETTEL,4G,105,"{SQUARE}"', "rsrp_min_dbm", "out_of_range"),
        (f',VIETTEL,4G,,"{SQUARE}"', "code", "missing_value"),
        (f'A,,4G,,"{SQUARE}"', "operator", "missing_value"),
        ('A,VIETTEL,4G,,"POLYGON ((2 48, 3 48, 3 49, 2 48))"', "wkt", "outside_country"),
    ],
)
def test_bad_claims(load: Load, ask: Ask, province: None, row: str, column: str, code: str) -> None:
    report = load("claims", f"code,operator,technology,rsrp_min_dbm,wkt\n{row}\n")
    assert found(report) == [(2, column, code)]
    assert not report.accepted
    assert ask("SELECT count(*) FROM registry.coverage_claim") == [0]


def test_claims_without_an_operator_column(load: Load, province: None) -> None:
    report = load("claims", f'code,technology,wkt\nA,4G,"{SQUARE}"\n')
    assert found(report) == [(None, "operator", "missing_column")]


def test_findings_say_how_to_mend(load: Load, province: None) -> None:
    (crossing,) = load("claims", f'code,operator,technology,wkt\nA,VIETTEL,4G,"{BOW_TIE}"\n').findings.items()
    assert "Self-intersection" in crossing.en
    assert "Fix geometries" in crossing.en
    (minus,) = load("measurements", f"{HEAD}\n{ROW.replace('-95', '95')}\n").findings.items()
    assert (minus.code, minus.column, minus.value) == ("out_of_range", "rsrp_dbm", "95")
    assert "minus missing? -95" in minus.en
    assert "thiếu dấu trừ? -95" in minus.vi


def test_measurements_with_vietnamese_headers(load: Load, ask: Ask, province: None) -> None:
    report = load(
        "measurements",
        "Nhà mạng,Công nghệ,Loại đo,Thời điểm đo,Mức thu (dBm),Tốc độ tải xuống (Mbps),Tốc độ tải lên (Mbps),"
        "Tần số (MHz),Vị trí đo,Mã cell,Kinh độ,Vĩ độ\n"
        'VIETTEL,LTE,Đo kiểm,05/03/2026 08:15,"-95,5",,,1800,Ngoài trời,452-04-1,107.5,16.4\n'
        "VNPT,5G,i-Speed,2026-03-05T08:15:30.25Z,,120.5,30,,trong nhà,,107°30'E,16°24'N\n",
    )
    assert found(report) == []
    assert report.loaded == 2
    assert ask(
        "SELECT technology, kind, measured_at, rsrp_dbm, downlink_mbps, uplink_mbps, frequency_mhz, indoor, cell_code,"
        " ST_X(point), ST_Y(point) FROM registry.signal_measurement ORDER BY technology"
    ) == [
        ("4G", "drive_test", dt.datetime(2026, 3, 5, 1, 15, tzinfo=dt.UTC), -95.5, None, None, 1800, False, "452-04-1",
         107.5, 16.4),
        ("5G", "speed_test", dt.datetime(2026, 3, 5, 8, 15, 30, 250_000, tzinfo=dt.UTC), None, 120.5, 30, None, True,
         None, 107.5, 16.4),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (ROW.replace("VIETTEL", "Vietel"), "operator", "unknown_organisation"),
        (ROW.replace("VIETTEL", "FPT"), "operator", "no_radio"),
        (ROW.replace("4G", "Wi-Fi"), "technology", "bad_choice"),
        (ROW.replace("drive_test", "hearsay"), "kind", "bad_choice"),
        (ROW.replace("2026-03-05", "2126-03-05"), "measured_at", "in_future"),
        (ROW.replace("2026-03-05 08:15:00", "yesterday"), "measured_at", "bad_date"),
        (ROW.replace("08:15:00", "25:15"), "measured_at", "bad_moment"),
        (ROW.replace("2026-03-05 08:15:00", ""), "measured_at", "missing_value"),
        (ROW.replace("-95", "-161"), "rsrp_dbm", "out_of_range"),
        (ROW.replace("-95", "weak"), "rsrp_dbm", "not_a_number"),
        (ROW.replace("-95,", "-95,-1"), "downlink_mbps", "negative"),
        (ROW.replace("-95,", ",100001"), "downlink_mbps", "out_of_range"),
        (ROW.replace("-95", ""), "rsrp_dbm", "nothing_measured"),
        (ROW.replace("107.5,16.4", "16.4,107.5"), "lon, lat", "swapped_axes"),
        (ROW.replace("107.5,16.4", ","), "lon", "missing_geometry"),
    ],
)
def test_bad_measurements(load: Load, ask: Ask, province: None, row: str, column: str, code: str) -> None:
    report = load("measurements", f"{HEAD}\n{row}\n")
    assert code in {c for _, _, c in found(report)}
    assert (2, column, code) in found(report)
    assert not report.accepted
    assert ask("SELECT count(*) FROM registry.signal_measurement") == [0]


def test_points_outside_the_province_are_named(load: Load, province: None) -> None:
    report = load("measurements", f"{HEAD}\n{ROW.replace('107.5,16.4', '105.8,21.0')}\n")
    assert found(report) == [(2, "lon, lat", "outside_province")]
    assert report.accepted


def test_day_and_month_exchanged(load: Load, province: None) -> None:
    year = dt.datetime.now(dt.UTC).year
    (late,) = load("measurements", f"{HEAD}\n{ROW.replace('2026-03-05', f'01/12/{year + 1}')}\n").findings.items()
    assert late.code == "in_future"
    assert late.value is not None
    assert late.value.startswith(f"{year + 1}-12-01")


def test_a_log_loaded_twice_counts_once(load: Load, ask: Ask, province: None) -> None:
    log = f"{HEAD}\n{ROW}\n{ROW}\n{ROW.replace('-95', '-96')}\n"
    first = load("measurements", log)
    assert found(first) == [(3, "measured_at", "measured_before")]
    assert (first.accepted, first.loaded) == (True, 2)
    again = load("measurements", log + ROW.replace("08:15", "09:15") + "\n")
    assert again.loaded == 1
    assert {row for row, _, code in found(again) if code == "measured_before"} == {2, 3, 4}
    assert ask("SELECT count(*) FROM registry.signal_measurement") == [3]


def test_measurements_from_a_sheet_and_from_geojson(load: Load, ask: Ask, province: None, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Nhà mạng", "Công nghệ", "Thời gian", "RSRP", "x", "y"])
    sheet.append(["MOBIFONE", "4G", dt.datetime(2026, 3, 5, 8, 15), -101, 561476.79, 1821306.80])
    path = tmp_path / "do-kiem.xlsx"
    book.save(path)
    report = load("measurements", path, crs="EPSG:9214", constants={"kind": "drive_test", "synthetic": "có"})
    assert (found(report), report.loaded) == ([], 1)
    features = tmp_path / "ispeed.geojson"
    features.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"operator":"VNPT","technology":"4G",'
        '"type":"speedtest","timestamp":"2026-03-05T08:15:00+07:00","download":71.5},'
        '"geometry":{"type":"Point","coordinates":[107.5,16.4]}}]}',
        encoding="utf-8",
    )
    report = load("measurements", features)
    assert (found(report), report.loaded) == ([], 1)
    when = dt.datetime(2026, 3, 5, 1, 15, tzinfo=dt.UTC)
    assert ask("SELECT measured_at, kind, synthetic, round(ST_X(point)::numeric, 4)::float"
               " FROM registry.signal_measurement ORDER BY kind") == [
        (when, "drive_test", True, 107.5776), (when, "speed_test", False, 107.5),
    ]  # fmt: skip
    assert ask("SELECT source FROM registry.signal_measurement WHERE synthetic")[0].startswith("SYNTHETIC")


def test_times_of_a_geopackage_are_utc(load: Load, ask: Ask, province: None, tmp_path: Path) -> None:
    path = tmp_path / "do-kiem.gpkg"
    pyogrio.raw.write(
        path, geometry=shapely.to_wkb(shapely.points([107.5], [16.4])), crs="EPSG:4326", geometry_type="Point",
        layer="m", fields=["operator", "time", "rsrp"], gdal_tz_offsets={"time": np.array([100])},
        field_data=[np.array(["VNPT"], object), np.array(["2026-03-05T01:15:00"], "datetime64[ms]"), np.array([-95.0])],
    )  # fmt: skip
    report = load("measurements", path, constants={"technology": "4G", "kind": "drive_test"})
    assert (found(report), report.loaded) == ([], 1)
    assert ask("SELECT measured_at FROM registry.signal_measurement") == [
        dt.datetime(2026, 3, 5, 1, 15, tzinfo=dt.UTC),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026-03-05 08:15:30", "2026-03-05T08:15:30+07:00"),
        ("2026-03-05T08:15", "2026-03-05T08:15:00+07:00"),
        ("5/3/2026 8:05", "2026-03-05T08:05:00+07:00"),
        ("05.03.2026 08:15:30.5", "2026-03-05T08:15:30.500000+07:00"),
        ("2026-03-05T01:15:30Z", "2026-03-05T01:15:30+00:00"),
        ("2026-03-05 01:15 +0000", "2026-03-05T01:15:00+00:00"),
        ("05/03/2026 8h15", "2026-03-05T08:15:00+07:00"),
        ("05/03/2026", "2026-03-05T00:00:00+07:00"),
        (dt.date(2026, 3, 5), "2026-03-05T00:00:00+07:00"),
        (dt.datetime(2026, 3, 5, 8, 15, tzinfo=dt.UTC), "2026-03-05T08:15:00+00:00"),
    ],
)
def test_moments(cell: object, expected: str) -> None:
    assert moment(cell).isoformat() == expected


@pytest.mark.parametrize("cell", ["08:15", "2026-03-05 24:61", "05/13/2026 08:15", "2026-03-05 morning", "1772673300"])
def test_no_moments(cell: str) -> None:
    with pytest.raises(Bad):
        moment(cell)
