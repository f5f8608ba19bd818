"""Every mistake the loader knows: the exact code, column and row; and never half a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.errors import AppError
from tests.intake.conftest import Ask, Load, found

GOOD = "107.5,16.4"


@pytest.mark.parametrize(
    ("layer", "header", "row", "column", "code"),
    [
        ("poles", "code,lon,lat,owner", f"A,{GOOD},Vietel", "owner", "unknown_organisation"),
        ("poles", "code,lon,lat,height_m", f"A,{GOOD},-8", "height_m", "negative"),
        ("poles", "code,lon,lat,height_m", f"A,{GOOD},61", "height_m", "out_of_range"),
        ("poles", "code,lon,lat,height_m", f"A,{GOOD},NaN", "height_m", "not_finite"),
        ("poles", "code,lon,lat,height_m", f"A,{GOOD},inf", "height_m", "not_finite"),
        ("poles", "code,lon,lat,height_m", f"A,{GOOD},cao", "height_m", "not_a_number"),
        ("poles", "code,lon,lat,height_m", f'A,{GOOD},"1,234"', "height_m", "ambiguous_number"),
        ("poles", "code,lon,lat,cable_capacity", f"A,{GOOD},4.5", "cable_capacity", "not_an_integer"),
        ("poles", "code,lon,lat,surveyed_on", f"A,{GOOD},31/02/2026", "surveyed_on", "bad_date"),
        ("poles", "code,lon,lat,synthetic", f"A,{GOOD},maybe", "synthetic", "bad_boolean"),
        ("poles", "code,lon,lat,survey_method", f"A,{GOOD},guess", "survey_method", "bad_choice"),
        ("poles", "code,lon,lat,type_code", f"A,{GOOD},A2b", "type_code", "unknown_type_code"),
        ("poles", "code,lon,lat,occupants", f"A,{GOOD},VNPT:steam", "occupants", "bad_list"),
        ("poles", "code,lon,lat,occupants", f"A,{GOOD},Vietel", "occupants", "unknown_organisation"),
        ("poles", "code,lon,lat,street", f"A,{GOOD},a\x07b", "street", "bad_text"),
        ("poles", "code,lon,lat,valid_from,valid_to", f"A,{GOOD},2026-01-02,2026-01-01", "valid_to", "valid_order"),
        ("poles", "code,lon,lat", f",{GOOD}", "code", "missing_value"),
        ("poles", "code,lon,lat", "A,,16.4", "lon", "missing_geometry"),
        ("poles", "code,lon,lat", "A,NaN,16.4", "lon", "not_finite"),
        ("poles", "code,lon,lat", "A,here,16.4", "lon", "bad_coordinate"),
        ("poles", "code,lon,lat", "A,16.4,107.5", "lon, lat", "swapped_axes"),
        ("poles", "code,lon,lat", "A,561476,1821306", "lon, lat", "metres_in_degrees"),
        ("poles", "code,lon,lat", "A,2.35,48.85", "lon, lat", "outside_country"),
        ("poles", "code,lon,lat,height_m", f"A,{GOOD},8,9", None, "ragged_row"),
        ("sites", "code,lon,lat,stations", f"A,{GOOD},FPT:4G", "stations", "no_radio"),
        ("sites", "code,lon,lat,stations", f"A,{GOOD},VNPT:6G", "stations", "bad_list"),
        ("sites", "code,lon,lat,azimuths_deg", f"A,{GOOD},0;400", "azimuths_deg", "out_of_range"),
        ("sites", "code,lon,lat,height_m", f"A,{GOOD},351", "height_m", "out_of_range"),
        ("sites", "code,lon,lat,eirp_dbm", f"A,{GOOD},120", "eirp_dbm", "out_of_range"),
        ("villages", "code,name,commune,lon,lat", f"A,Thôn A,Không Đâu,{GOOD}", "commune", "unknown_commune"),
        ("demand_points", "village,lon,lat", f"NOWHERE,{GOOD}", "village", "unknown_village"),
        ("distribution_points", "code,operator,lon,lat,ports_total,ports_used", f"A,VNPT,{GOOD},8,9", "ports_used",
         "ports_exceeded"),
        ("organisations", "code,name,kind", "a-b,X,operator", "code", "bad_code"),
        ("organisations", "code,name,kind", "AB,X,thing", "kind", "bad_choice"),
        ("organisations", "code,name,kind,has_radio", "AB,X,agency,có", "has_radio", "radio_needs_operator"),
        ("facilities", "code,name,kind,lon,lat,connections", f"A,X,school,{GOOD},VNPT:rope", "connections", "bad_list"),
    ],
)  # fmt: skip
def test_bad_rows(
    load: Load, ask: Ask, province: None, layer: str, header: str, row: str, column: str | None, code: str
) -> None:
    before = ask("SELECT count(*) FROM registry.organisation")
    report = load(layer, f"{header}\n{row}\n")
    assert (2, column, code) in found(report)
    assert not report.accepted
    assert report.loaded == 0
    finding = next(f for f in report.findings.items() if f.code == code)
    assert finding.vi
    assert finding.en
    table = {"facilities": "facility"}.get(layer, layer.removesuffix("s"))
    expected = before if layer == "organisations" else [0]
    assert ask(f"SELECT count(*) FROM registry.{table}") == expected


def test_one_bad_row_keeps_all_others_out(load: Load, ask: Ask, province: None) -> None:
    rows = "".join(f"P{i},{GOOD},EVN,8\n" for i in range(100))
    report = load("poles", f"code,lon,lat,owner,height_m\n{rows}BAD,{GOOD},EVN,-1\n")
    assert found(report) == [(102, "height_m", "negative")]
    assert (report.rows, report.loaded) == (101, 0)
    assert ask("SELECT count(*) FROM registry.pole") == [0]
    assert load("poles", f"code,lon,lat,owner,height_m\n{rows}").loaded == 100  # and the table is free for the next


def test_all_findings_are_counted_but_ten_thousand_written_out(load: Load, province: None) -> None:
    rows = "".join(f"P{i},{GOOD},-1\n" for i in range(12_000))
    report = load("poles", f"code,lon,lat,height_m\n{rows}").as_dict()
    assert (report["findings_total"], len(report["findings"])) == (12_000, 10_000)
    assert report["findings_by_code"] == {"negative": 12_000}


def test_duplicates_in_the_file_and_the_registry(load: Load, ask: Ask, province: None) -> None:
    twice = f"code,lon,lat\nA,{GOOD}\nB,{GOOD}\nA,{GOOD}\n"
    report = load("poles", twice)
    assert found(report) == [(4, "code", "duplicate_in_file")]
    assert "2" in report.findings.items()[0].vi  # names the first of the two
    history = f"code,lon,lat,valid_from,valid_to\nA,{GOOD},2020-01-01,2024-01-01\nA,{GOOD},2024-01-01,\n"
    assert load("poles", history).loaded == 2
    assert found(load("poles", f"code,lon,lat\nNEW,{GOOD}\nA,{GOOD}\n")) == [(3, "code", "duplicate_in_registry")]
    assert found(load("poles", f"code,lon,lat,valid_to\nA,{GOOD},2019-01-01\n")) == []
    assert ask("SELECT count(*) FROM registry.pole") == [3]


def test_update_changes_only_what_the_file_says(load: Load, ask: Ask, province: None) -> None:
    load("poles", f"code,owner,height_m,street,lon,lat,occupants\nA,EVN,8,Lê Lợi,{GOOD},EVN;VNPT\n")
    report = load(
        "poles", "code,height_m,street,lon,lat,occupants\nA,10,,107.51,16.41,VNPT;FPT\nB,9,,107.5,16.4,\n", update=True
    )
    assert (report.loaded, report.updated, found(report)) == (1, 1, [])
    assert ask("SELECT height_m, street, ST_X(geom) FROM registry.pole WHERE code = 'A'") == [(10.0, "Lê Lợi", 107.51)]
    query = "SELECT code FROM registry.pole_occupancy JOIN registry.organisation o ON o.id = tenant_id ORDER BY 1"
    assert ask(query) == ["EVN", "FPT", "VNPT"]


def test_update_of_one_record_by_two_rows(load: Load, province: None) -> None:
    load("poles", f"code,lon,lat\nA,{GOOD}\n")
    rows = f"code,lon,lat,valid_from,valid_to\nA,{GOOD},2020-01-01,2021-01-01\nA,{GOOD},2021-01-01,\n"
    assert found(load("poles", rows, update=True)) == [(2, "code", "update_twice"), (3, "code", "update_twice")]


def test_close_names_are_suggested(load: Load, province: None) -> None:
    (finding,) = load("poles", f"code,lon,lat,owner\nA,{GOOD},VinaPhone\n").findings.items()
    assert (finding.code, finding.value) == ("unknown_organisation", "VinaPhone")
    assert "VNPT" in finding.vi


def test_positions_by_zone(load: Load, ask: Ask, province: None) -> None:
    row = "code,x,y\nA,561476.79,1821306.80\n"
    assert found(load("poles", row)) == [(None, "crs", "crs_needed")]
    wrong = load("poles", row, crs="EPSG:5897")
    assert found(wrong) == [(2, "x, y", "wrong_zone")]
    assert "--crs EPSG:9214" in wrong.findings.items()[0].en
    assert found(load("poles", "code,x,y\nA,1821306.80,561476.79\n", crs="EPSG:9214")) == [(2, "x, y", "swapped_axes")]
    assert found(load("poles", "code,x,y\nA,107.5,16.4\n", crs="EPSG:9214")) == [(2, "x, y", "degrees_in_metres")]
    assert ask("SELECT count(*) FROM registry.pole") == [0]
    kept = load("poles", row, crs="EPSG:5897", accept_outside=True)
    assert (kept.loaded, found(kept)) == (1, [(2, "x, y", "outside_province")])


def test_outside_the_province_is_a_warning_beyond_two_kilometres(load: Load, province: None) -> None:
    report = load("poles", "code,lon,lat\nNEAR,107.385,16.4\nFAR,108.2,16.0\n")
    assert found(report) == [(3, "lon, lat", "outside_province")]
    assert (report.accepted, report.loaded) == (True, 2)


def test_unknown_system_and_contradiction(load: Load, province: None, tmp_path: Path) -> None:
    with pytest.raises(AppError) as caught:
        load("poles", "code,x,y\nA,1,2\n", crs="EPSG:999999")
    assert (caught.value.code, caught.value.field) == ("unknown_crs", "crs")
    path = tmp_path / "a.geojson"
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::9214"}}
    path.write_text(
        json.dumps(
            {
                "type": "FeatureCollection",
                "crs": crs,
                "features": [
                    {
                        "type": "Feature",
                        "properties": {"code": "A"},
                        "geometry": {"type": "Point", "coordinates": [561476, 1821306]},
                    }
                ],
            }
        )
    )
    assert found(load("poles", path, crs="EPSG:5899")) == [(None, "crs", "crs_conflict")]


def shapes(tmp_path: Path, *geometries: Any) -> Path:
    path = tmp_path / "shapes.geojson"
    features = [{"type": "Feature", "properties": {"code": f"G{i}", "name": f"N{i}"}, "geometry": g}
                for i, g in enumerate(geometries)]  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_geometries(load: Load, ask: Ask, tmp_path: Path) -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[107, 16], [107.1, 16.1], [107.1, 16], [107, 16.1], [107, 16]]]}
    line = {"type": "LineString", "coordinates": [[107, 16], [107.1, 16]]}
    report = load(
        "areas",
        shapes(
            tmp_path,
            bow_tie,
            line,
            {"type": "Polygon", "coordinates": []},
            None,
            {"type": "Polygon", "coordinates": "x"},
        ),
    )
    assert found(report) == [
        (1, "geometry", "invalid_geometry"),
        (2, "geometry", "wrong_geometry"),
        (3, "geometry", "empty_geometry"),
        (4, "geometry", "missing_geometry"),
        (5, "geometry", "unreadable_geometry"),
    ]
    assert "Self-intersection[107.05 16.05]" in report.findings.items()[0].vi
    assert ask("SELECT count(*) FROM registry.unit") == [0]


def test_ducts_of_no_length_one_manhole_and_a_wrong_declared_length(load: Load, province: None) -> None:
    content = (
        "code,owner,from_manhole,to_manhole,declared_length_m,wkt\n"
        'D1,VNPT,M1,M1,107,"LINESTRING (107.500 16.40, 107.501 16.40)"\n'
        'D2,VNPT,M1,M2,107,"LINESTRING (107.500 16.40, 107.500001 16.40)"\n'
        'D3,VNPT,M1,M3,300,"LINESTRING (107.500 16.40, 107.501 16.40)"\n'
    )
    assert found(load("ducts", content)) == [
        (2, "to_manhole", "same_manhole"),
        (3, "geometry", "too_short"),
        (4, "declared_length_m", "length_differs"),
    ]


def test_type_that_contradicts_the_measures_is_a_warning(load: Load, ask: Ask, province: None) -> None:
    report = load("sites", f"code,lon,lat,type_code,mounting,height_m,disguised\nA,{GOOD},a1a,mặt đất,45,không\n")
    assert found(report) == [(2, "type_code", "type_contradicts")]
    assert report.accepted
    assert ask("SELECT type_code, mounting FROM registry.structure") == [("A1a", "ground")]


def test_what_only_the_database_sees_is_refused_in_words(
    load: Load, ask: Ask, session: Session, province: None
) -> None:
    # The form of an MNC is a rule of the database the loader does not repeat.
    with pytest.raises(AppError) as caught:
        load("organisations", "code,name,kind,mnc\nAB,X,operator,45204\n")
    assert caught.value.code == "out_of_range"
    assert caught.value.extra["rule"] == "ck_organisation_mnc_format"
    assert ask("SELECT count(*) FROM registry.organisation WHERE code = 'AB'") == [0]


def test_columns_that_cannot_be_told_apart(load: Load, province: None) -> None:
    with pytest.raises(AppError) as caught:
        load("poles", f"mã,mã cột,lon,lat\nA,B,{GOOD}\n")
    assert (caught.value.code, caught.value.field) == ("ambiguous_columns", "code")
    assert load("poles", f"mã,mã cột,lon,lat\nA,B,{GOOD}\n", mapping={"mã cột": "code"}).loaded == 1
    for mapping, code in (({"không có": "code"}, "unknown_field"), ({"mã": "không có"}, "unknown_column")):
        with pytest.raises(AppError) as caught:
            load("poles", f"mã,lon,lat\nA,{GOOD}\n", mapping=mapping)
        assert caught.value.code == code


def test_missing_required_column_and_position(load: Load, province: None) -> None:
    assert found(load("poles", f"height_m,lon,lat\n8,{GOOD}\n")) == [(None, "code", "missing_column")]
    assert found(load("poles", "code,height_m\nA,8\n")) == [(None, "geometry", "no_position")]


def test_whole_numbers_too_large_for_any_machine(load: Load, province: None, tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    feature = {"type": "Feature", "properties": {"code": "A", "height_m": 10**400}}
    features = [feature | {"geometry": {"type": "Point", "coordinates": [10**400, 16]}}]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert found(load("poles", path)) == [(1, "height_m", "not_finite"), (1, "geometry", "coordinate_not_finite")]
