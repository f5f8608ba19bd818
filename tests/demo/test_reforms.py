"""The demo's two geographies: real names and codes before and after, one ratio on both, and how they are linked."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from app.areas import search
from app.coverage.series import series as coverage_series
from app.demo import communes, former
from app.sharing.series import series, side_by_side
from tests.demo.conftest import Built

pytestmark = pytest.mark.xdist_group("demo")
BEFORE, AFTER = dt.date(2025, 6, 30), dt.date(2025, 7, 1)


def test_codes_mean_other_communes_before_and_after(built: Built) -> None:
    told = built.session.execute(text("""
        SELECT u.name, u.valid_from::text, p.name FROM registry.unit u JOIN registry.unit p ON p.id = u.parent_id
        WHERE u.code IN ('19815', '474') ORDER BY u.code, u.valid_from""")).all()  # fmt: skip
    assert [tuple(row) for row in told] == [
        ("Phường An Đông", "2025-01-01", "Quận Thuận Hóa"),
        ("Phường An Cựu", "2025-07-01", "Thành phố Huế"),
        ("Quận Thuận Hóa", "2025-01-01", "Thành phố Huế"),
    ]
    provinces = search.find_units(
        built.session, q=None, level="province", as_of=None, code="46", limit=5, offset=0
    )[0]  # fmt: skip
    assert [(p["name"], str(p["valid_from"])) for p in provinces] == [
        ("Thành phố Huế", "2025-01-01"), ("Tỉnh Thừa Thiên Huế", "1989-07-01"),
    ]  # fmt: skip
    assert "175/2024/QH15" in provinces[0]["predecessors"][0]["citation"]


def test_every_former_commune_went_whole_into_one(built: Built) -> None:
    found = search.crosswalk(built.session, "commune", BEFORE, AFTER)
    assert (found["units"], len(found["pairs"]), found["lost"]) == (133, 133, [])
    assert {pair["share"] for pair in found["pairs"]} == {1}
    assert len({pair["new"]["id"] for pair in found["pairs"]}) == 40
    an_cuu = {p["old"]["name"] for p in found["pairs"] if p["new"]["name"] == "Phường An Cựu"}
    assert an_cuu == {"Phường An Cựu", "Phường An Đông", "Phường An Tây"}
    back = search.crosswalk(built.session, "commune", AFTER, BEFORE)
    assert sum(pair["share"] for pair in back["pairs"]) == pytest.approx(40)
    # Each lies inside the one it went into, to the centimetre that rounding moves.
    outside = built.session.scalar(text("""
        SELECT count(*) FROM registry.unit_succession s JOIN registry.unit o ON o.id = s.old_unit_id
        JOIN registry.unit n ON n.id = s.new_unit_id
        WHERE ST_Area(ST_Difference(o.geom, n.geom)::geography) > 500"""))  # fmt: skip
    assert outside == 0


@pytest.mark.parametrize("definition", ["S1", "P1", "D1"])
def test_one_ratio_on_both_geographies(built: Built, definition: str) -> None:
    found = side_by_side(built.session, definition, BEFORE, ("commune", BEFORE), ("commune", AFTER))
    assert (found["a"]["units"], found["b"]["units"], found["notes"]) == (133, 40, [])
    assert found["total"]["denominator"] > 0
    for part in ("numerator", "denominator", "unknown"):
        sums = [sum(row[part] for row in found[side]["rows"]) for side in "ab"]
        assert sums == pytest.approx([found["total"][part]] * 2), part
    assert {row["group"] for side in "ab" for row in found[side]["rows"]} <= {"unit", "outside"}
    districts = series(built.session, definition, [BEFORE], boundaries=BEFORE, level="district")
    assert sum(row["figures"][0]["denominator"] for row in districts["series"]) == pytest.approx(
        found["total"]["denominator"]
    )


def test_coverage_without_a_run_is_null_not_zero(built: Built) -> None:
    found = coverage_series(built.session, [BEFORE], boundaries=BEFORE, level="district")
    assert [run["run"] for run in found["runs"]] == [None]
    assert found["totals"][0]["villages"] is None
    assert len(found["series"]) == 9


@pytest.mark.parametrize("seed", [1, 254])
def test_cells_fill_todays_communes(seed: int) -> None:
    named = communes.load()
    before = former.load(named)
    assert (len(before.codes), len(before.district_codes)) == (133, 9)
    assert np.bincount(before.successor, minlength=40).min() >= 1
    form = communes.shape(seed)
    today = communes.bend(communes.cells(named, form), form.warp)
    found = former.build(seed, before, today)
    assert shapely.is_valid(found.polygons).all()
    sums = np.bincount(before.successor, shapely.area(found.polygons))
    assert sums == pytest.approx(shapely.area(today), rel=1e-4)
    share = shapely.area(found.polygons) / shapely.area(today)[before.successor]
    assert share.min() > 0.01
    assert shapely.contains_xy(found.polygons, found.xy[:, 0], found.xy[:, 1]).all()
