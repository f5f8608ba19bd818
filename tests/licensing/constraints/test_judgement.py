"""What a proposal is told of each kind of constraint, by hand."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.licensing.constraints.judgement import SEVERITY, Area, Asked, Dated, Finding, Policy, judge, worst
from app.licensing.constraints.rules import read_rule
from app.sites.antenna_code import CODES

DAY = dt.date(2026, 1, 1)
POLICY = Policy(Dated(45, "[M] military"), Dated(200, "[A] distance"))
ASKED = Asked(DAY, 30.0, "A2b", ground_m=5.0, urban=True, nearest_m=math.inf)
ZONE = {"allowed_codes": ["A2a", "A2b"], "max_height_m": 40}
AIRPORT = {"elevation_m": 15, "surfaces": [{"to_m": 4000, "height_m": 45}, {"to_m": 6000, "slope": 0.05}]}
RULES: dict[str, dict[str, Any]] = {
    "planned_zone": ZONE,
    "heritage": {"buffer_m": 500, "allowed_codes": ["A1b"]},
    "airport": AIRPORT,
    "underground_street": {"within_m": 20, "from": "2025-06-01"},
    "other": {"note": "Đất quốc phòng"},
}


def area(kind: str, rule: dict[str, Any] | None = None, distance_m: float = 0.0, **more: Any) -> Area:
    values: dict[str, Any] = {"farthest_m": distance_m, "reach_m": 15_000.0} | more
    return Area(
        id=1, kind=kind, code="X", name="Nơi thử", rule=read_rule(kind, RULES[kind] if rule is None else rule),
        distance_m=distance_m, citation="QĐ thử", valid_from=None, valid_to=None, **values,
    )  # fmt: skip


def only(found: tuple[Finding, ...], kind: str, check: str | None = None) -> Finding:
    (finding,) = [f for f in found if f.kind == kind and check in (None, f.check)]
    return finding


def test_a_place_nothing_is_known_of() -> None:
    found = judge([], ASKED, POLICY)
    assert {(f.kind, f.status) for f in found} == {
        ("planned_zone", "unknown"), ("military_height", "ok"), ("distance_urban", "ok"),
    }  # fmt: skip
    assert worst(found) == "unknown"


@pytest.mark.parametrize(
    ("allowed", "code", "status"),
    [
        (["A2a", "A2b"], "A2b", "ok"),
        (["A2a"], "A2b", "refuse"),
        (["A2a"], None, "unknown"),
        (list(CODES), None, "ok"),
        ([], None, "refuse"),
        ([], "A1a", "refuse"),
    ],
)
@pytest.mark.parametrize("kind", ["planned_zone", "heritage"])
def test_allowed_types(kind: str, allowed: list[str], code: str | None, status: str) -> None:
    rule = RULES[kind] | {"allowed_codes": allowed}
    found = only(judge([area(kind, rule)], replace(ASKED, code=code), POLICY), kind, "code")
    assert (found.status, found.citation) == (status, "QĐ thử")


@pytest.mark.parametrize(("height_m", "status"), [(40, "ok"), (40.1, "refuse")])
def test_height_of_a_zone(height_m: float, status: str) -> None:
    found = only(judge([area("planned_zone")], replace(ASKED, height_m=height_m), POLICY), "planned_zone", "height")
    assert (found.status, found.value, found.limit) == (status, height_m, 40)


@pytest.mark.parametrize(
    ("distance_m", "ground_m", "height_m", "status", "limit"),
    [
        (1000, 5, 55, "ok", 55),  # 15 + 45 − 5
        (1000, 5, 55.01, "refuse", 55),
        (5000, 5, 105, "ok", 105),  # 15 + 45 + 0.05 · 1000 − 5
        (1000, 200, 3, "refuse", -140),
        (1000, None, 3, "unknown", None),
    ],
)
def test_airport(distance_m: float, ground_m: float | None, height_m: float, status: str, limit: float | None) -> None:
    asked = replace(ASKED, height_m=height_m, ground_m=ground_m)
    found = only(judge([area("airport", distance_m=distance_m)], asked, POLICY), "airport")
    assert (found.status, found.limit, found.distance_m) == (status, limit, distance_m)


def test_beyond_every_surface_nothing_is_said() -> None:
    found = judge([area("airport", distance_m=6000.5)], ASKED, POLICY)
    assert not [f for f in found if f.kind == "airport"]


@pytest.mark.parametrize(
    ("since", "what", "status"),
    [
        ("2025-06-01", "tower", "warning"),
        ("2025-06-01", "pole", "refuse"),
        ("2026-01-01", "pole", "refuse"),
        ("2026-01-02", "pole", "warning"),
    ],
)
def test_underground_street(since: str, what: Any, status: str) -> None:
    street = area("underground_street", {"within_m": 20, "from": since})
    found = only(judge([street], replace(ASKED, what=what), POLICY), "underground_street")
    assert (found.status, found.limit) == (status, since)


@pytest.mark.parametrize(("height_m", "status"), [(44.9, "ok"), (45, "needs_approval")])
def test_military_height(height_m: float, status: str) -> None:
    found = only(judge([], replace(ASKED, height_m=height_m), POLICY), "military_height")
    assert (found.status, found.limit, found.citation) == (status, 45, "[M] military")


@pytest.mark.parametrize(
    ("nearest_m", "urban", "status"),
    [(199.0, True, "warning"), (199.0, None, "unknown"), (199.0, False, "ok"), (200.0, True, "ok")],
)  # fmt: skip
def test_distance_warns_and_never_refuses(nearest_m: float, urban: bool | None, status: str) -> None:
    asked = replace(ASKED, nearest_m=nearest_m, urban=urban)
    assert only(judge([], asked, POLICY), "distance_urban").status == status
    assert not [f for f in judge([], replace(asked, nearest_m=None), POLICY) if f.kind == "distance_urban"]


def test_what_concerns_part_of_a_search_area_only_warns() -> None:
    zone = area("planned_zone", RULES["planned_zone"] | {"allowed_codes": ["A1a"]}, reach_m=0.0)
    assert only(judge([zone], ASKED, POLICY), "planned_zone", "code").status == "refuse"
    partly = only(judge([replace(zone, farthest_m=10.0)], ASKED, POLICY), "planned_zone", "code")
    assert (partly.status, partly.partly) == ("warning", True)
    assert "một phần" in partly.vi


@settings(suppress_health_check=[HealthCheck.too_slow])  # the machine, not the strategy
@given(
    st.lists(st.tuples(st.sampled_from(sorted(RULES)), st.floats(0, 20_000)), max_size=6),
    st.floats(0.1, 300),
    st.sampled_from([*CODES, None]),
    st.one_of(st.none(), st.floats(-10, 1500)),
    st.sampled_from(["tower", "pole"]),
)
def test_every_finding_is_whole_and_the_gravest_comes_first(
    places: list[tuple[str, float]], height_m: float, code: str | None, ground_m: float | None, what: Any
) -> None:
    asked = Asked(DAY, height_m, code, ground_m, True, 50.0, what)
    found = judge([area(kind, distance_m=d) for kind, d in places], asked, POLICY)
    order = [SEVERITY.index(f.status) for f in found]
    assert order == sorted(order)
    assert worst(found) == (found[0].status if found else "ok")
    for finding in found:
        assert finding.vi
        assert finding.en
        assert finding.citation or finding.status == "unknown"


@given(st.floats(0.1, 300), st.floats(0.1, 300))
def test_what_is_lower_is_never_judged_harder(one: float, other: float) -> None:
    low, high = sorted((one, other))
    areas = [area("planned_zone"), area("airport", distance_m=4500.0), area("heritage")]
    grave = [SEVERITY.index(worst(judge(areas, replace(ASKED, height_m=h), POLICY))) for h in (low, high)]
    assert grave[0] >= grave[1]
