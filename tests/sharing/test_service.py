"""From rows in the registry to ratios, breakdowns, objects and stored runs."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.errors import Invalid, NotFound
from app.organisations.models import Organisation
from app.sharing.objects import counted_objects
from app.sharing.service import sharing_on, target_of
from tests.sharing import registry
from tests.sharing.registry import DAY

ENDED: dict[str, Any] = {"valid_from": dt.date(2020, 1, 1), "valid_to": dt.date(2025, 6, 1)}
FUTURE: dict[str, Any] = {"valid_from": dt.date(2026, 6, 1)}


@pytest.fixture
def province(session: Session) -> Session:
    """Two communes side by side; west at 107.5-107.6 E, east at 107.6-107.7 E."""
    add = registry
    add.organisation(session, "TOWERCO", "tower_company")
    add.organisation(session, "ITEL", "mvno")
    add.commune(session, "90001", 107.5, 16.4, kind="phường", name="Phường Tây")
    add.commune(session, "90002", 107.6, 16.4, name="Xã Đông")
    add.site(session, "S-A", 107.51, 16.41, "VIETTEL VNPT")  # shared
    add.site(session, "S-B", 107.52, 16.41, "VIETTEL", "MOBIFONE", synthetic=True, source="SYNTHETIC test")  # shared
    add.site(session, "S-C", 107.61, 16.41, "VNPT", "TOWERCO ITEL FPT")  # TowerCo, MVNO and FPT do not count
    add.site(session, "S-D", 107.62, 16.41, "VIETTEL", owner="TOWERCO", sharing_offered=True)
    add.site(session, "S-E", 107.63, 16.41, "VNPT", owner="TOWERCO")
    add.site(session, "S-F", 107.64, 16.41)  # never surveyed
    add.site(session, "S-G", 107.65, 16.41, surveyed_on=dt.date(2025, 5, 5))  # known empty
    add.site(session, "S-H", 107.66, 16.41, "VIETTEL VNPT", **ENDED)
    add.site(session, "S-I", 107.67, 16.41, "VIETTEL VNPT", **FUTURE)
    add.pole(session, "P-A", 107.51, 16.42, "EVN:power;VIETTEL", owner="EVN")
    add.pole(session, "P-B", 107.52, 16.42, "VNPT;VIETTEL", owner="VNPT")
    add.pole(session, "P-C", 107.61, 16.42, "VNPT;?", owner="VNPT")
    add.pole(session, "P-D", 107.62, 16.42, "EVN:power", owner="EVN")
    add.pole(session, "P-E", 107.63, 16.42)
    add.pole(session, "P-F", 107.99, 16.99, "?")  # outside both communes, owner unknown
    add.duct(session, "D-A", "107.51 16.43, 107.52 16.43", "VNPT", trench="T1", route="R1")
    add.duct(session, "D-B", "107.51 16.4301, 107.521 16.4301", "VIETTEL", trench="T1", route="R1")
    add.duct(session, "D-C", "107.61 16.43, 107.62 16.43", "VNPT;?", route="R2")
    add.duct(session, "D-D", "107.63 16.43, 107.64 16.43")
    return session


def triples(answer: dict[str, Any]) -> dict[str, tuple[float, float, float]]:
    return {r["definition"]: (r["numerator"], r["denominator"], r["unknown"]) for r in answer["ratios"]}


def test_every_ratio_of_the_small_province(province: Session) -> None:
    found = triples(sharing_on(province, DAY))
    assert found["S1"] == (2, 5, 1)
    assert found["S2"] == (4, 7, 1)
    assert found["S3"] == (7, 6, 1)
    assert found["S4"] == (3, 5, 2)
    assert found["P1"] == (2, 4, 2)
    assert found["P2"] == (1, 4, 2)
    assert found["P3"] == (1, 4, 2)
    length: dict[str, float] = {c: m for c, m in province.execute(text("SELECT code, length_m FROM registry.duct"))}
    assert found["D1"] == pytest.approx((length["D-B"], length["D-B"] + length["D-C"], length["D-C"] + length["D-D"]))
    assert found["D2"] == (0, 3, 2)
    assert found["D3"] == (1, 2, 2)


def test_lengths_are_geodesic(province: Session) -> None:
    from app.kit.geo import geodesic_m

    answer = sharing_on(province, DAY, wanted="D1")["ratios"][0]
    assert answer["numerator"] == pytest.approx(float(geodesic_m(107.51, 16.4301, 107.521, 16.4301)), abs=0.01)


def test_the_date_decides_what_counts(province: Session) -> None:
    before = triples(sharing_on(province, dt.date(2025, 5, 31)))
    after = triples(sharing_on(province, dt.date(2026, 6, 1)))
    assert before["S1"] == (3, 6, 1)
    assert after["S1"] == (3, 6, 1)
    assert triples(sharing_on(province, dt.date(2025, 6, 1)))["S1"] == (2, 5, 1)  # valid_to is exclusive


def test_an_ended_occupancy_no_longer_counts(province: Session) -> None:
    province.execute(text("UPDATE registry.structure_occupancy SET valid_to = '2025-12-31' WHERE valid_to IS NULL"))
    assert triples(sharing_on(province, dt.date(2025, 12, 30)))["S1"] == (2, 5, 1)
    assert triples(sharing_on(province, DAY))["S1"] == (1, 5, 1)


def test_an_organisation_renamed_stays_one_party(province: Session) -> None:
    """Two validities of one code are one organisation, not two that share."""
    old = province.scalars(select(Organisation).where(Organisation.code == "VNPT")).one()
    old.valid_to = dt.date(2025, 1, 1)
    province.flush()
    new = Organisation(code="VNPT", name="VNPT mới", kind="operator", has_radio=True, valid_from=dt.date(2025, 1, 1))
    province.add(new)
    province.flush()
    site = registry.site(province, "S-J", 107.55, 16.45, "VNPT")
    province.execute(
        text("""INSERT INTO registry.base_station (site_id, code, operator_id, technology, source, synthetic)
                VALUES (:site, 'S-J-new', :who, '5G', '', false)"""),
        {"site": site.id, "who": new.id},
    )
    assert triples(sharing_on(province, DAY))["S1"] == (2, 6, 1)


def test_breakdown_by_commune_sums_to_the_province(province: Session) -> None:
    answer = sharing_on(province, DAY, by="commune")
    for ratio in answer["ratios"]:
        rows = [r for r in answer["breakdown"] if r["definition"] == ratio["definition"]]
        for part in ("numerator", "denominator", "unknown", "unknown_in_denominator"):
            assert sum(r[part] for r in rows) == pytest.approx(ratio[part])
    p1 = {r["scope_code"]: r for r in answer["breakdown"] if r["definition"] == "P1"}
    assert (p1["90001"]["numerator"], p1["90001"]["denominator"]) == (2, 2)
    assert (p1["90002"]["numerator"], p1["90002"]["denominator"], p1["90002"]["unknown"]) == (0, 1, 2)
    assert p1[None]["denominator"] == 1  # outside every commune, and said so
    assert "outside" in p1[None]["scope_name"]


def test_breakdown_on_the_boundaries_of_another_day(province: Session) -> None:
    rows = sharing_on(province, DAY, by="commune", wanted="S1", boundaries=dt.date(2024, 1, 1))["breakdown"]
    assert [(r["scope_code"], r["denominator"]) for r in rows] == [(None, 5)]


def test_breakdown_by_operator_counts_where_it_is_present(province: Session) -> None:
    rows = sharing_on(province, DAY, by="operator")["breakdown"]
    found = {(r["definition"], r["scope_code"]): (r["numerator"], r["denominator"]) for r in rows}
    assert found["S1", "VIETTEL"] == (2, 3)
    assert found["S1", "VNPT"] == (1, 3)
    assert found["S1", "MOBIFONE"] == (1, 1)
    assert ("S1", "TOWERCO") not in found
    assert found["P1", "VNPT"] == (1, 2)
    assert found["D3", "VIETTEL"] == (1, 1)


def test_breakdown_by_owner_kind_and_urban(province: Session) -> None:
    rows = sharing_on(province, DAY, by="owner_kind", wanted="P1")["breakdown"]
    assert {r["scope_code"]: (r["numerator"], r["denominator"], r["unknown"]) for r in rows} == {
        "electricity": (1, 1, 0),
        "operator": (1, 2, 1),
        "unknown": (0, 1, 1),
    }
    rows = sharing_on(province, DAY, by="urban", wanted="S1")["breakdown"]
    assert {r["scope_code"]: (r["numerator"], r["denominator"]) for r in rows} == {"urban": (2, 2), "rural": (0, 3)}


def test_breakdown_by_street(province: Session) -> None:
    """Spellings are one street; a duct takes its trench's; nothing on record is a group of its own."""
    for code, street in (("P-A", "Đường Lê Lợi"), ("P-B", "ĐƯỜNG LÊ LỢI"), ("P-C", "đường  le loi"), ("P-D", " "),
                         ("D-C", "Đường Lê Lợi")):  # fmt: skip
        for table in ("pole", "duct"):
            province.execute(text(f"UPDATE registry.{table} SET street = :s WHERE code = :c"), {"s": street, "c": code})
    province.execute(text("UPDATE registry.trench SET street = 'Kiệt 1'"))
    answer = sharing_on(province, DAY, by="street")
    found = {(r["definition"], r["scope_code"]): r for r in answer["breakdown"]}
    assert {d for d, _ in found} == {"P1", "P2", "P3", "D1", "D2", "D3"}
    assert [found["P1", "duong le loi"][k] for k in ("numerator", "denominator", "unknown")] == [2, 3, 1]
    assert found["P1", "duong le loi"]["scope_name"] in ("Đường Lê Lợi", "ĐƯỜNG LÊ LỢI", "đường  le loi")
    assert (found["P1", None]["denominator"], found["P1", None]["unknown"]) == (1, 1)
    assert (found["D2", "kiet 1"]["denominator"], found["D2", "duong le loi"]["unknown"]) == (2, 1)
    for ratio in answer["ratios"][4:]:
        for part in ("numerator", "denominator", "unknown"):
            rows = [r[part] for (d, _), r in found.items() if d == ratio["definition"]]
            assert sum(rows) == pytest.approx(ratio[part])
    with pytest.raises(Invalid) as refused:
        sharing_on(province, DAY, by="street", wanted="S1")
    assert (refused.value.code, refused.value.field) == ("no_street_for_sites", "by")


def test_breakdown_by_year(province: Session) -> None:
    rows = sharing_on(province, DAY, by="year", wanted="S1")["breakdown"]
    assert [(r["scope_code"], r["numerator"], r["denominator"]) for r in rows] == [
        ("2022-12-31", 3, 6), ("2023-12-31", 3, 6), ("2024-12-31", 3, 6), ("2025-12-31", 2, 5),
    ]  # fmt: skip
    assert sharing_on(province, dt.date(1, 1, 1), by="year", wanted="S1")["breakdown"]


def test_target_is_the_latest_not_after_the_year(session: Session) -> None:
    assert target_of(session, "a3", 2022) is None
    assert [t.value for y in (2023, 2024, 2025, 2031) if (t := target_of(session, "a3", y))] == [15, 15, 30, 30]
    assert target_of(session, "a5", 2024) is None


def test_a_missed_target_is_said_plainly(province: Session) -> None:
    ratios = {r["definition"]: r for r in sharing_on(province, DAY)["ratios"]}
    assert (ratios["S1"]["ratio"], ratios["S1"]["met"]) == (40, True)
    assert (ratios["P1"]["ratio"], ratios["P1"]["met"], ratios["P1"]["target"]["value"]) == (50, False, 98)
    assert ratios["P1"]["target"]["document"] == "254/KH-UBND"
    assert ratios["S3"]["target"] is None  # not a percentage, so no target compares with it


def test_empty_registry_gives_null(session: Session) -> None:
    answer = sharing_on(session, DAY, by="commune")
    assert all(r["ratio"] is None and r["met"] is None and r["denominator"] == 0 for r in answer["ratios"])


@pytest.mark.parametrize("code", ["S1", "S2", "S3", "S4", "P1", "P2", "P3", "D1", "D2", "D3"])
@pytest.mark.parametrize("counted", ["numerator", "denominator", "unknown"])
def test_objects_are_exactly_those_counted(province: Session, code: str, counted: Any) -> None:
    ratio = sharing_on(province, DAY, wanted=code)["ratios"][0]
    features, matched = counted_objects(province, ratio["indicator"], DAY, wanted=code, counted=counted)
    assert matched == len(features)
    assert sum(f["properties"][counted] for f in features) == pytest.approx(ratio[counted])
    assert all(counted in f["properties"]["counted"] and f["geometry"]["coordinates"] for f in features)
    assert all(f["properties"]["why"]["vi"] and f["properties"]["why"]["en"] for f in features)


def test_objects_say_who_why_and_synthetic(province: Session) -> None:
    features, _ = counted_objects(province, "a3", DAY, counted="denominator")
    by_code = {f["properties"]["code"]: f["properties"] for f in features}
    assert (by_code["S-C"]["k"], by_code["S-C"]["tenants"]) == (1, ["FPT", "ITEL", "TOWERCO", "VNPT"])
    assert by_code["S-C"]["why"]["en"] == "Not shared: 1 organisation(s) (VNPT)"
    assert (by_code["S-B"]["synthetic"], by_code["S-A"]["synthetic"]) == (True, False)
    unknown, _ = counted_objects(province, "a4", DAY, counted="unknown")
    assert {f["properties"]["code"]: f["properties"]["counted"] for f in unknown} == {
        "P-C": ["denominator", "unknown"],
        "P-E": ["unknown"],
    }


def test_trenches_and_routes_list_their_members(province: Session) -> None:
    (trench,), _ = counted_objects(province, "a5", DAY)
    assert (trench["properties"]["code"], trench["properties"]["members"]) == ("D-B", ["D-A", "D-B"])
    assert trench["properties"]["tenants"] == ["VIETTEL", "VNPT"]
    (route,), _ = counted_objects(province, "a5", DAY, wanted="D3")
    assert (route["properties"]["name"], len(route["geometry"]["coordinates"])) == ("R1", 2)


def test_objects_by_commune_and_page(province: Session) -> None:
    west, matched = counted_objects(province, "a3", DAY, commune="phuong tay")
    assert (matched, [f["properties"]["code"] for f in west]) == (2, ["S-A", "S-B"])
    page, matched = counted_objects(province, "a3", DAY, counted="denominator", limit=2, offset=2)
    assert (matched, [f["properties"]["code"] for f in page]) == (5, ["S-C", "S-D"])
    assert counted_objects(province, "a3", DAY, offset=99)[0] == []


def test_wrong_definitions_are_refused(province: Session) -> None:
    with pytest.raises(NotFound, match="S1, S2"):
        sharing_on(province, DAY, wanted="Z9")
    with pytest.raises(Invalid, match="belongs to indicator a4"):
        counted_objects(province, "a3", DAY, wanted="P1")
    with pytest.raises(NotFound, match="no commune"):
        counted_objects(province, "a3", DAY, commune="Nowhere")
