"""Units without boundaries, codes with another meaning, successions and the villages that follow them."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.config import ROOT
from app.intake.report import LoadReport
from tests.intake.conftest import Ask, Load, found

DATA = Path(os.environ.get("HATANG_TRIAL_DATA", ROOT.parent / "shared" / "data"))
real = pytest.mark.skipif(not (DATA / "hue_old_to_new_communes.csv").exists(),
                          reason="no real unit lists: set HATANG_TRIAL_DATA or put them in ../shared/data")  # fmt: skip
IN_FORCE = "SELECT count(*) FROM registry.unit WHERE level = :l AND registry.in_force(valid_from, valid_to, :d)"
OLD = {"valid_from": "2020-01-01"}
NEW = {"valid_from": "2025-07-01"}
DAY = {"on_date": "2025-07-01"}


@pytest.fixture
def three(load: Load) -> None:
    """Communes 1 A, 2 B, 3 C since 2020; since 1 July 2025 code 1 is called D, 4 is E."""
    load("areas", "code,name\n1,A\n2,B\n3,C\n", constants=OLD)
    load("areas", "code,name\n1,D\n4,E\n", constants=NEW, update=True)


def boundary(session: Session, name: str, west: float, east: float) -> None:
    session.execute(
        text("UPDATE registry.unit SET geom = ST_Multi(ST_MakeEnvelope(:w, 16, :e, 17, 4326)) WHERE name = :n"),
        {"w": west, "e": east, "n": name},
    )


def village(session: Session, code: str, lon: float, unit: str, since: str | None = None) -> None:
    session.execute(
        text("""
            WITH v AS (INSERT INTO registry.village (code, name, point)
                       VALUES (:c, 'Thôn', ST_Point(:lon, 16.5, 4326)) RETURNING id)
            INSERT INTO registry.village_unit (village_id, unit_id, valid_from)
            SELECT v.id, u.id, :s FROM v, registry.unit u WHERE u.name = :u
        """),
        {"c": code, "lon": lon, "u": unit, "s": since},
    )


def homes(ask: Ask) -> list[tuple[Any, ...]]:
    return ask("""
        SELECT v.code, u.name, m.valid_from::text, m.valid_to::text FROM registry.village_unit m
        JOIN registry.village v ON v.id = m.village_id JOIN registry.unit u ON u.id = m.unit_id
        ORDER BY 1, 3 NULLS FIRST
    """)


def of_rows(report: LoadReport) -> list[tuple[int | None, str | None, str]]:
    return [f for f in found(report) if f[0] is not None]


def test_units_need_no_boundary(load: Load, ask: Ask) -> None:
    report = load("areas", "code,name,lon,lat\n1,Xã A,107.5,16.4\n2,Xã B,,\n", constants=OLD)
    assert (report.loaded, found(report)) == (2, [])
    shown = "SELECT code, name, geom IS NULL, round(ST_X(centre)::numeric, 2)::text FROM registry.unit ORDER BY 1"
    assert ask(shown) == [("1", "A", True, "107.50"), ("2", "B", True, None)]
    assert load("areas", "code,name\n3,C\n", constants=OLD).loaded == 1
    # Boundaries that come later stay when the list is loaded again.
    box = '"POLYGON ((107 16, 107.1 16, 107.1 16.1, 107 16.1, 107 16))"'
    assert load("areas", f"code,name,wkt\n1,A,{box}\n", constants=OLD).updated == 1
    assert load("areas", "code,name\n1,A\n", constants=OLD).updated == 1
    assert ask("SELECT geom IS NULL, ST_Contains(geom, centre) FROM registry.unit WHERE code = '1'") == [(False, True)]
    bad = load("areas", "code,name,lon,lat\n9,X,16.4,107.5\n8,Y,abc,16\n", constants=OLD)
    assert found(bad) == [(2, "lon, lat", "swapped_axes"), (3, "lon", "bad_coordinate")]


def test_a_code_with_another_meaning_ends_its_former_bearer_only_when_told(load: Load, ask: Ask) -> None:
    load("areas", "code,name\n1,A\n", constants=OLD)
    refused = load("areas", "code,name\n1,D\n", constants=NEW)
    assert (refused.accepted, found(refused)) == (False, [(2, "code", "duplicate_in_registry")])
    told = load("areas", "code,name\n1,D\n", constants=NEW, update=True)
    assert (told.loaded, told.updated, found(told)) == (1, 0, [(2, "code", "ends_earlier")])
    units = "SELECT name, valid_from::text, valid_to::text FROM registry.unit ORDER BY 2"
    both = [("A", "2020-01-01", "2025-07-01"), ("D", "2025-07-01", None)]
    assert ask(units) == both
    for content, constants in (("1,A", OLD), ("1,D", NEW)):
        assert load("areas", f"code,name\n{content}\n", constants=constants, update=True).updated == 1
    assert ask(units) == both


def test_parents_are_those_of_the_day(load: Load, ask: Ask) -> None:
    load("areas", "code,name,level,valid_from,valid_to\n474,Huế,huyện,2020-01-01,2025-01-01\n"
                  "474,Thuận Hóa,huyện,2025-01-01,\n")  # fmt: skip
    load("areas", "code,name,parent,valid_from\n1,A,474,2021-01-01\n2,B,474,2025-03-01\n")
    pairs = "SELECT u.name, p.name FROM registry.unit u JOIN registry.unit p ON p.id = u.parent_id ORDER BY 1"
    assert ask(pairs) == [("A", "Huế"), ("B", "Thuận Hóa")]
    early = load("areas", "code,name,parent,valid_from\n3,C,474,2019-01-01\n")
    assert found(early) == [(2, "parent", "unknown_parent")]
    assert "474 Huế (2020-01-01…2025-01-01)" in early.findings.items()[0].en


def test_successions_end_the_former_units_and_do_it_once(load: Load, ask: Ask, three: None) -> None:
    content = "old_code,new_code,citation\n1,1,NQ 1\n2,1,NQ 1\n3,4,NQ 1\n"
    report = load("successions", content, constants=DAY)
    assert (report.loaded, report.updated, found(report)) == (3, 0, [])
    ends = ask("SELECT name FROM registry.unit WHERE valid_to = '2025-07-01' ORDER BY 1")
    assert ends == ["A", "B", "C"]
    again = load("successions", content, constants=DAY)
    assert (again.loaded, again.updated, found(again)) == (0, 3, [])
    went = """SELECT o.name, n.name, share, citation FROM registry.unit_succession
              JOIN registry.unit o ON o.id = old_unit_id JOIN registry.unit n ON n.id = new_unit_id ORDER BY 1"""
    assert ask(went) == [("A", "D", 1.0, "NQ 1"), ("B", "D", 1.0, "NQ 1"), ("C", "E", 1.0, "NQ 1")]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("7,1,", [(2, "old_code", "unknown_unit")]),
        ("2,3,\n3,4,", [(2, "new_code", "succession_loop")]),
        ("2,4,\n2,4,", [(3, "old_code", "duplicate_in_file"), (2, "old_code", "share_over"),
                        (3, "old_code", "share_over")]),
        ("2,4,0.8\n2,1,0.8", [(2, "old_code", "share_over"), (3, "old_code", "share_over")]),
        ("1,4,0.5", [(2, "old_code", "share_short")]),
        ("2,4,1.5", [(2, "share", "out_of_range")]),
        ("2,4,0", [(2, "share", "out_of_range")]),
        ("2,,1", [(2, "new_code", "missing_value")]),
        ("2,4 4,1", [(2, "new_code", "bad_code")]),
    ],
    ids=["unknown", "loop", "twice", "over", "short", "too large", "nothing", "empty", "bad code"],
)  # fmt: skip
def test_successions_that_cannot_be(
    load: Load, ask: Ask, three: None, rows: str, expected: list[tuple[int, str, str]]
) -> None:
    report = load("successions", f"old_code,new_code,share\n{rows}\n", constants=DAY)
    assert not report.accepted
    assert sorted(found(report)) == sorted(expected)
    assert ask("SELECT count(*) FROM registry.unit_succession") == [0]
    assert ask("SELECT count(*) FROM registry.unit WHERE valid_to IS NULL") == [4]


def test_units_do_not_go_round_in_a_circle(load: Load, three: None) -> None:
    report = load("successions", "old_code,new_code\n2,3\n3,2\n", constants=DAY)
    assert [code for _, _, code in found(report)] == ["succession_loop"] * 2
    later = load("successions", "old_code,new_code,on_date\n2,3,2025-07-01\n3,2,2026-01-01\n")
    assert (3, "new_code", "succession_loop") in found(later)


def test_a_swap_of_strips_is_no_circle(load: Load, ask: Ask, three: None) -> None:
    report = load("successions", "old_code,new_code,share\n2,3,0.1\n3,2,0.2\n", constants=DAY)
    assert (report.loaded, of_rows(report)) == (2, [(2, "old_code", "share_rest"), (3, "old_code", "share_rest")])
    assert ask("SELECT count(*) FROM registry.unit WHERE name IN ('B', 'C') AND valid_to IS NULL") == [2]


def test_a_unit_ends_once(load: Load, three: None) -> None:
    assert load("successions", "old_code,new_code\n2,4\n", constants=DAY).accepted
    again = load("successions", "old_code,new_code\n2,4\n", constants={"on_date": "2026-01-01"})
    assert found(again) == [(2, "old_code", "unknown_unit")]
    assert "2 B (2020-01-01…2025-07-01)" in again.findings.items()[0].en
    same = load("successions", "old_code,new_code,old_valid\n2,4,2024-01-01\n", constants={"on_date": "2026-01-01"})
    assert found(same) == [(2, "old_code", "ended_twice")]
    both = load("successions", "old_code,new_code,on_date\n3,4,2025-07-01\n3,4,2026-01-01\n")
    assert found(both) == [(3, "old_code", "ended_twice")]


def test_the_rest_may_come_with_a_second_file(load: Load, ask: Ask, three: None) -> None:
    first = load("successions", "old_code,new_code,share\n2,4,0.6\n", constants=DAY)
    assert of_rows(first) == [(2, "old_code", "share_rest")]
    assert ask("SELECT valid_to FROM registry.unit WHERE name = 'B'") == [None]
    second = load("successions", "old_code,new_code,share\n2,1,0.4\n", constants=DAY)
    assert of_rows(second) == []
    assert ask("SELECT valid_to::text FROM registry.unit WHERE name = 'B'") == ["2025-07-01"]
    third = load("successions", "old_code,new_code,share\n2,1,0.4\n2,4,0.7\n", constants=DAY)
    assert [code for _, _, code in found(third)] == ["share_over", "share_over"]


def test_units_that_go_nowhere_are_told(load: Load, three: None) -> None:
    # A ended on the day and went nowhere; C lives on, alone of its level, once more than half have gone.
    few = load("successions", "old_code,new_code\n2,4\n", constants=DAY)
    assert [(f.value, f.code) for f in few.findings.items()] == [("1", "no_successor")]
    most = load("successions", "old_code,new_code\n1,1\n2,4\n", constants=DAY)
    assert [(f.value, f.code, f.severity) for f in most.findings.items()] == [("3", "no_successor", "warning")]


def test_names_tell_a_code_of_another_year(load: Load, three: None) -> None:
    report = load(
        "successions", "old_code,old_name,new_code,new_name\n2,Xã B,4,Phường E\n3,Xã Khác,4,E\n", constants=DAY
    )
    assert of_rows(report) == [(3, "old_name", "name_differs")]
    assert any("3 C (2020-01-01…)" in f.en for f in report.findings.items())
    missing = load("successions", "old_code,old_name,new_code\n9,C,4\n", constants=DAY)
    assert "3 C (2020-01-01…" in missing.findings.items()[0].en, "who bears the name then is the likely mend"


def test_villages_follow_a_whole_commune(load: Load, session: Session, ask: Ask, three: None) -> None:
    village(session, "V1", 107.1, "B")
    village(session, "V2", 107.1, "B", "2026-02-01")
    village(session, "V3", 107.1, "C")
    for _ in range(2):
        assert load("successions", "old_code,new_code\n2,4\n", constants=DAY).accepted
        assert homes(ask) == [
            ("V1", "B", None, "2025-07-01"),
            ("V1", "E", "2025-07-01", None),
            ("V2", "E", "2026-02-01", None),
            ("V3", "C", None, None),
        ]


def test_villages_of_a_split_commune_go_by_boundary_or_stay_unknown(
    load: Load, session: Session, ask: Ask, three: None
) -> None:
    for code, lon in (("V1", 107.1), ("V2", 107.3), ("V3", 107.9)):
        village(session, code, lon, "B")
    boundary(session, "D", 107.0, 107.2)
    split = "old_code,new_code,share\n2,1,0.5\n2,4,0.5\n"
    report = load("successions", split, constants=DAY)
    unknown = [f.value for f in report.findings.items() if f.code == "village_unit_unknown"]
    assert unknown == ["V2", "V3"]
    assert homes(ask) == [
        ("V1", "B", None, "2025-07-01"), ("V1", "D", "2025-07-01", None),
        ("V2", "B", None, "2025-07-01"), ("V3", "B", None, "2025-07-01"),
    ]  # fmt: skip
    boundary(session, "E", 107.2, 107.4)
    again = load("successions", split, constants=DAY)
    assert [f.value for f in again.findings.items() if f.code == "village_unit_unknown"] == ["V3"]
    assert ("V2", "E", "2025-07-01", None) in homes(ask)


def test_villages_of_a_commune_that_lives_on_stay_when_the_boundaries_say_so(
    load: Load, session: Session, ask: Ask, three: None
) -> None:
    for code, lon in (("V1", 107.1), ("V2", 107.3)):
        village(session, code, lon, "B")
    boundary(session, "D", 107.0, 107.2)
    assert load("successions", "old_code,new_code,share\n2,1,0.3\n", constants=DAY).accepted
    assert homes(ask) == [
        ("V1", "B", None, "2025-07-01"), ("V1", "D", "2025-07-01", None), ("V2", "B", None, None),
    ]  # fmt: skip


def test_an_earlier_reform_loaded_later_is_followed_through(
    load: Load, session: Session, ask: Ask, three: None
) -> None:
    load("areas", "code,name,valid_from\n5,F,2023-01-01\n")
    village(session, "V1", 107.1, "B")
    assert load("successions", "old_code,new_code\n5,4\n", constants=DAY).accepted
    assert load("successions", "old_code,new_code\n2,5\n", constants={"on_date": "2023-01-01"}).accepted
    assert homes(ask) == [
        ("V1", "B", None, "2023-01-01"), ("V1", "F", "2023-01-01", "2025-07-01"), ("V1", "E", "2025-07-01", None),
    ]  # fmt: skip


def lists(folder: Path) -> dict[str, Path]:
    """Cut the two lists of the real file apart: one file per day, districts and communes."""
    with (DATA / "tth_units_codes_pre_july2025_dvhcvn.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    made = {}
    for name, snapshot in (("2024", "2024-11"), ("2025", "2025-03")):
        mine = [row for row in rows if row["snapshot"].startswith(snapshot)]
        districts = sorted({(row["district_code"], row["district"], "46") for row in mine})
        communes = [(row["commune_code"], row["commune"], row["district_code"]) for row in mine]
        for what, content in (("districts", districts), ("communes", communes)):
            path = made[f"{what}{name}"] = folder / f"{what}{name}.csv"
            lines = ["code,name,parent", *(",".join(line) for line in content)]
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return made


@real
def test_the_real_lists_and_the_real_crosswalk(load: Load, ask: Ask, tmp_path: Path) -> None:
    files = lists(tmp_path)
    before = {"valid_from": "2021-07-01", "valid_to": "2025-01-01"}
    between = {"valid_from": "2025-01-01", "valid_to": "2025-07-01"}
    load("areas", "code,name\n46,Tỉnh Thừa Thiên Huế\n", constants=before | {"level": "province"})
    load("areas", "code,name\n46,Thành phố Huế\n", constants={"valid_from": "2025-01-01", "level": "province"})
    loaded = {}
    for name, dates in (("2024", before), ("2025", between)):
        for what, level in (("districts", "district"), ("communes", "commune")):
            report = load("areas", files[f"{what}{name}"], constants=dates | {"level": level})
            assert found(report) == []
            loaded[f"{what}{name}"] = report.loaded
    assert loaded == {"districts2024": 9, "communes2024": 141, "districts2025": 9, "communes2025": 134}
    assert load("areas", DATA / "hue_wards_2025.geojson", mapping={"fullName": "full_name"}).loaded == 40
    report = load(
        "successions", DATA / "hue_old_to_new_communes.csv",
        constants=DAY | {"citation": "derived from vietnamadminunits"},
    )  # fmt: skip
    assert (report.accepted, report.loaded) == (True, 133)
    stray = [(f.row, f.value, f.code) for f in report.findings.items()]
    assert stray == [(None, "20176", "no_successor")], "the list of March 2025 has one commune that never was"
    assert "Hương Hòa" in report.findings.items()[0].vi
    for level, day, count in (
        ("commune", "2024-12-31", 141), ("commune", "2025-03-01", 134), ("commune", "2025-07-01", 40),
        ("district", "2024-12-31", 9), ("district", "2025-03-01", 9), ("district", "2025-07-01", 0),
        ("province", "2024-12-31", 1), ("province", "2025-07-01", 1),
    ):  # fmt: skip
        assert ask(IN_FORCE, l=level, d=day) == [count], (level, day)
    meanings = ask("""
        SELECT u.name, p.name FROM registry.unit u LEFT JOIN registry.unit p ON p.id = u.parent_id
        WHERE u.code IN ('19815', '474') ORDER BY u.code, u.valid_from""")
    assert meanings == [
        ("An Đông", "Huế"), ("An Đông", "Thuận Hóa"), ("An Cựu", None),
        ("Huế", "Thừa Thiên Huế"), ("Thuận Hóa", "Huế"),
    ]  # fmt: skip


@real
def test_the_real_points_of_early_2025_and_open_ends(load: Load, ask: Ask) -> None:
    points = load(
        "areas", DATA / "tth_communes_legacy_points_vietnamadminunits.csv",
        mapping={"wardCode": "code", "ward": "name", "wardLon": "lon", "wardLat": "lat"},
        constants={"valid_from": "2025-01-01", "level": "commune"},
    )  # fmt: skip
    assert (points.loaded, found(points)) == (133, [])
    assert ask("SELECT count(centre), count(geom) FROM registry.unit") == [(133, 0)]
    # The new list ends the bearers of its codes; the crosswalk ends the other 93.
    wards = load("areas", DATA / "hue_wards_2025.geojson", update=True)
    assert (wards.loaded, wards.findings.counts) == (40, {"ends_earlier": 40})
    for times in range(2):
        report = load("successions", DATA / "hue_old_to_new_communes.csv", constants=DAY)
        assert (report.loaded, report.updated, found(report)) == ((133, 0, []) if not times else (0, 133, []))
        assert ask(IN_FORCE, l="commune", d="2025-06-30") == [133]
        assert ask(IN_FORCE, l="commune", d="2025-07-01") == [40]
