"""One ratio over time and on two geographies: totals agree, and little is told of few."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.areas.models import Unit
from app.database import PUBLIC, Scope
from app.sharing.series import series, side_by_side
from tests.areas.province import WEST, build
from tests.conftest import client_in
from tests.sharing.registry import pole

FORMER, TODAY = dt.date(2025, 6, 30), dt.date(2025, 12, 31)
PARTS = ("numerator", "denominator", "unknown")


@pytest.fixture
def units(session: Session) -> dict[str, Unit]:
    return build(session)


def fill(session: Session, counts: dict[str, tuple[int, int]], **more: Any) -> None:
    """Stand poles in the former communes: (all, shared among them)."""
    for letter, (number, shared) in counts.items():
        for k in range(number):
            who = "VIETTEL;VNPT" if k < shared else "VIETTEL"
            pole(session, f"{letter}{k}", WEST[letter] + 0.01 + 0.08 * k / max(number, 1), 16.05, who, **more)


def by_code(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["code"] or row["group"]: row for row in rows}


def test_both_sides_add_up_to_one_total_and_the_crosswalk_links_them(session: Session, units: dict[str, Unit]) -> None:
    fill(session, {"A": (5, 2), "B": (4, 4), "C": (3, 0), "D": (6, 3)})
    pole(session, "away", 107.9, 16.05, "VIETTEL;VNPT")
    pole(session, "never", 107.05, 16.06)
    found = side_by_side(session, "P1", FORMER, ("commune", FORMER), ("commune", TODAY))
    assert [found["total"][p] for p in PARTS] == [10, 19, 1]
    for side in "ab":
        for part in PARTS:
            assert sum(row[part] for row in found[side]["rows"]) == found["total"][part], (side, part)
    a, b = by_code(found["a"]["rows"]), by_code(found["b"]["rows"])
    assert {code: (row["numerator"], row["denominator"]) for code, row in a.items()} == {
        "19A": (2, 5), "19B": (4, 4), "19C": (0, 3), "19D": (3, 6), "outside": (1, 1),
    }  # fmt: skip
    assert {code: row["ratio"] for code, row in b.items()} == {
        "19A": pytest.approx(600 / 9), "19D": 50, "19N": 0, "outside": 100,
    }  # fmt: skip
    assert a["19A"]["name"] != b["19A"]["name"], "one code, two meanings"
    # Rows of today are the sums of the rows the crosswalk links to them.
    for row in found["b"]["rows"][:-1]:
        linked = [link["a"] for link in found["crosswalk"] if link["b"] == row["id"]]
        assert sum(r["denominator"] for r in found["a"]["rows"] if r["id"] in linked) == row["denominator"]
    assert {link["share"] for link in found["crosswalk"]} == {1}


def test_districts_beside_communes(session: Session, units: dict[str, Unit]) -> None:
    fill(session, {"A": (5, 2), "C": (3, 0)})
    found = side_by_side(session, "P1", FORMER, ("district", FORMER), ("commune", TODAY))
    assert {code: row["denominator"] for code, row in by_code(found["a"]["rows"]).items()} == {"90W": 5, "90E": 3}
    key = {name: unit.id for name, unit in units.items()}
    links = {(link["a"], link["b"]): link["share"] for link in found["crosswalk"]}
    assert links == {
        (key["DW"], key["M"]): 1, (key["DE"], key["N"]): pytest.approx(0.5, abs=1e-6),
        (key["DE"], key["P"]): pytest.approx(0.5, abs=1e-6),
    }  # fmt: skip
    turned = side_by_side(session, "P1", FORMER, ("commune", TODAY), ("district", FORMER))
    assert {(link["b"], link["a"]) for link in turned["crosswalk"]} == set(links)


def test_a_series_is_of_the_state_of_each_date_on_one_ground(session: Session, units: dict[str, Unit]) -> None:
    fill(session, {"A": (2, 1)})
    fill(session, {"B": (3, 3)}, valid_from=dt.date(2025, 8, 1))
    fill(session, {"C": (1, 1)}, valid_to=dt.date(2024, 1, 1))
    dates = [dt.date(2023, 12, 31), dt.date(2024, 12, 31), TODAY]
    for boundaries, expected in (
        (TODAY, {"19A": [2, 2, 5], "19N": [1, 0, 0], "19D": [0, 0, 0]}),
        (FORMER, {"19A": [2, 2, 2], "19B": [0, 0, 3], "19C": [1, 0, 0], "19D": [0, 0, 0]}),
    ):
        found = series(session, "P1", dates, boundaries=boundaries)
        shown = {code: [f["denominator"] for f in row["figures"]] for code, row in by_code(found["series"]).items()}
        assert shown == expected
        for k, total in enumerate(found["totals"]):
            assert total["as_of"] == dates[k]
            for part in PARTS:
                assert total[part] == sum(row["figures"][k][part] for row in found["series"])
    assert found["geography"] == {"as_of": FORMER, "level": "commune", "units": 4, "without_boundary": 0}


@pytest.mark.parametrize("definition", ["S1", "S3", "P3", "D1", "D3"])
def test_every_kind_of_object(session: Session, units: dict[str, Unit], definition: str) -> None:
    found = series(session, definition, [TODAY], boundaries=TODAY)
    assert [row["code"] for row in found["series"]] == ["19A", "19D", "19N"]
    assert found["totals"][0]["ratio"] is None


def test_missing_boundaries_are_said(session: Session) -> None:
    build(session, former_boundaries=False)
    fill(session, {"A": (2, 1), "C": (1, 1)})
    found = series(session, "P1", [FORMER], boundaries=FORMER)
    rows = {code: row["figures"][0]["denominator"] for code, row in by_code(found["series"]).items()}
    assert rows == {"19A": 0, "19B": 0, "19C": 1, "19D": 0, "boundary_unknown": 2}
    assert found["notes"]
    assert found["geography"]["without_boundary"] == 4


def held(rows: list[dict[str, Any]]) -> set[str]:
    return {row["code"] or row["group"] for row in rows if row["withheld"]}


def told(client: TestClient, **asked: Any) -> Any:
    answer = client.get("/api/sharing/geographies", params={"definition": "P1", "as_of": "2025-06-30"} | asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_no_figure_of_few_comes_out_as_a_difference_of_geographies(session: Session, units: dict[str, Unit]) -> None:
    # A is small; B with it makes M, which is told: B must be withheld too, or A were M - B.
    fill(session, {"A": (1, 1), "B": (9, 4), "C": (9, 0), "D": (9, 3)})
    with client_in(session, PUBLIC) as client:
        found = told(client, a="2025-06-30", b="2026-01-01")
        assert held(found["b"]["rows"]) == set()
        assert held(found["a"]["rows"]) == {"19A", "19B"}
        alone = client.get("/api/sharing/series", params={
            "definition": "P1", "dates": "2025-06-30", "boundaries": "2025-06-30"}).json()  # fmt: skip
        assert {row["code"] for row in alone["series"] if row["figures"][0]["withheld"]} == {"19A", "19B"}
        small = next(row for row in found["a"]["rows"] if row["code"] == "19A")
        assert [small[p] for p in (*PARTS, "ratio", "ratio_low", "ratio_high")] == [None] * 6
        assert small["reason"]["vi"]
    with client_in(session, Scope("user:1", ("other_department",))) as client:
        assert held(told(client, a="2025-06-30", b="2026-01-01")["a"]["rows"]) == set()


def test_nor_of_district_and_commune(session: Session, units: dict[str, Unit]) -> None:
    # C is small; today it is N alone, so N is small too and another is withheld beside it, and with it its former one.
    fill(session, {"A": (9, 1), "B": (9, 4), "C": (1, 0), "D": (9, 3)})
    with client_in(session, PUBLIC) as client:
        found = told(client, a="2025-06-30", b="2026-01-01")
        today, former = held(found["b"]["rows"]), held(found["a"]["rows"])
        districts = held(told(client, a="2025-06-30", b="2026-01-01", level_a="district")["a"]["rows"])
    assert "19N" in today
    assert len(today) >= 2
    assert "19C" in former
    assert len(former) >= 2
    # Whoever knows both districts and all told communes still does not know C.
    if not districts:
        assert {"19C", "19D"} <= former


def test_restricted_objects_are_in_no_figure_others_are_told(session: Session, units: dict[str, Unit]) -> None:
    fill(session, {"A": (5, 2), "B": (5, 2), "C": (5, 2), "D": (5, 2)})
    with client_in(session, PUBLIC) as client:
        before = told(client, a="2025-06-30", b="2026-01-01")
        session.execute(text("UPDATE registry.pole SET restricted = true WHERE code = 'A0'"))
        after = told(client, a="2025-06-30", b="2026-01-01")
    assert after["total"]["denominator"] == before["total"]["denominator"] - 1
    assert after["a"]["rows"][0]["denominator"] == 4
    inside = side_by_side(session, "P1", FORMER, ("commune", FORMER), ("commune", TODAY))
    assert inside["total"]["denominator"] == 20


@pytest.mark.parametrize(
    ("path", "asked", "status", "code"),
    [
        ("series", {"definition": "X9"}, 404, "unknown_definition"),
        ("series", {"definition": "P1", "level": "canton"}, 404, "unknown_level"),
        ("series", {"definition": "P1", "boundaries": "1999-01-01"}, 404, "no_units"),
        ("series", {"definition": "P1", "level": "district"}, 404, "no_units"),
        ("series", {"definition": "P1", "dates": "yesterday"}, 422, "invalid_request"),
        ("series", {"definition": "P1", "dates": ",".join(["2025-01-01"] * 25)}, 422, "invalid_request"),
        ("series", {"definition": "P1", "dates": ","}, 422, "invalid_request"),
        ("series", {}, 422, "invalid_request"),
        ("series", {"definition": "P1", "as_of": "2025-01-01"}, 422, "invalid_request"),
        ("series", {"definition": "P1", "known_at": "2025-01-01T00:00:00Z"}, 401, "sign_in_required"),
        ("geographies", {"definition": "P1", "a": "2025-01-01"}, 422, "invalid_request"),
    ],
)
def test_questions_that_cannot_be_answered(
    session: Session, units: dict[str, Unit], path: str, asked: dict[str, str], status: int, code: str
) -> None:
    with client_in(session, PUBLIC) as client:
        answer = client.get(f"/api/sharing/{path}", params=asked)
    assert answer.status_code == status, answer.text
    if code != "invalid_request":
        assert answer.json()["code"] == code


def test_a_series_by_default(session: Session, units: dict[str, Unit]) -> None:
    with client_in(session, PUBLIC) as client:
        found = client.get("/api/sharing/series", params={"definition": "P1"}).json()
    assert len(found["dates"]) == 4
    assert found["geography"]["units"] == 3


def test_the_breakdown_takes_any_day_and_districts(session: Session, units: dict[str, Unit]) -> None:
    fill(session, {"A": (5, 2), "C": (3, 0)})
    asked = {"definition": "P1", "as_of": "2025-12-31"}
    with client_in(session, Scope("user:1", ("other_department",))) as client:

        def rows(**more: str) -> dict[str, float]:
            answer = client.get("/api/sharing", params=asked | more)
            assert answer.status_code == 200, answer.text
            return {row["scope_code"]: row["denominator"] for row in answer.json()["breakdown"]}

        assert rows(by="commune") == {"19A": 5, "19D": 0, "19N": 3}
        assert rows(by="commune", boundaries="2025-06-30") == {"19A": 5, "19B": 0, "19C": 3, "19D": 0}
        assert rows(by="district", boundaries="2025-06-30") == {"90E": 3, "90W": 5}
        none = client.get("/api/sharing", params=asked | {"by": "district"})
        assert (none.status_code, none.json()["code"]) == (404, "no_units")
        assert client.get("/api/sharing", params=asked | {"boundaries": "1751241600"}).status_code == 422
