"""Every object is in exactly one group of any geography, and none is guessed."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session

from app.areas.geography import Geography, assign, geography
from app.errors import NotFound
from app.lines.models import Pole
from tests.areas.province import BEGIN, REFORM, build, point, village
from tests.sharing.registry import duct

FORMER, TODAY = dt.date(2025, 6, 30), dt.date(2025, 12, 31)
PLACES = {"inA": 107.05, "inB": 107.15, "inC": 107.25, "inD": 107.35, "edge": 107.1, "away": 107.9}


def poles(session: Session) -> dict[str, int]:
    made = {code: Pole(code=code, geom=point(lon)) for code, lon in PLACES.items()}
    session.add_all(made.values())
    session.flush()
    return {code: pole.id for code, pole in made.items()}


def where(session: Session, level: str, day: dt.date, kind: str = "pole") -> dict[int, str]:
    ground = geography(session, level, day)
    found = assign(session, ground, kind)  # type: ignore[arg-type]
    return {int(i): name(ground, int(g)) for i, g in zip(found.ids, found.group, strict=True)}


def name(ground: Geography, group: int) -> str:
    label = ground.label(group)
    return str(label["code"] or label["group"])


def test_by_boundary_on_either_geography(session: Session) -> None:
    build(session)
    ids = poles(session)
    former, today = where(session, "commune", FORMER), where(session, "commune", TODAY)
    districts = where(session, "district", FORMER)
    expected = {
        "inA": ("19A", "19A", "90W"), "inB": ("19B", "19A", "90W"), "inC": ("19C", "19N", "90E"),
        "inD": ("19D", "19D", "90E"), "edge": ("19A", "19A", "90W"), "away": ("outside",) * 3,
    }  # fmt: skip
    for code, key in ids.items():
        assert (former[key], today[key], districts[key]) == expected[code], code
    assert set(former) == set(today) == set(ids.values())


def test_a_duct_lies_where_its_middle_does(session: Session) -> None:
    build(session)
    made = duct(session, "D1", "107.09 16.05, 107.13 16.05")
    assert where(session, "commune", FORMER, "duct") == {made.id: "19B"}


def test_former_units_without_boundary_only_where_one_is_left(session: Session) -> None:
    build(session, former_boundaries=False)
    ids = poles(session)
    former = where(session, "commune", FORMER)
    assert {code: former[key] for code, key in ids.items()} == {
        "inA": "boundary_unknown", "inB": "boundary_unknown", "edge": "boundary_unknown",  # A or B: not told apart
        "inC": "19C", "inD": "19D", "away": "outside",
    }  # fmt: skip
    # The districts by way of the communes: what is unknown there is unknown here.
    districts = where(session, "district", FORMER)
    assert {code: districts[ids[code]] for code in ("inA", "inC", "away")} == {
        "inA": "boundary_unknown", "inC": "90E", "away": "outside",
    }  # fmt: skip


def test_new_units_without_boundary_take_those_of_what_went_into_them(session: Session) -> None:
    build(session, today_boundaries=False)
    ids = poles(session)
    today = where(session, "commune", TODAY)
    assert {code: today[key] for code, key in ids.items()} == {
        "inA": "19A", "inB": "19A", "edge": "19A", "inC": "19N", "inD": "19D", "away": "outside",
    }  # fmt: skip


def test_no_boundary_anywhere_is_unknown_not_outside(session: Session) -> None:
    build(session, former_boundaries=False, today_boundaries=False)
    poles(session)
    assert set(where(session, "commune", TODAY).values()) == {"boundary_unknown"}
    assert geography(session, "commune", TODAY).described()["without_boundary"] == 3


def test_some_boundaries_missing(session: Session) -> None:
    made = build(session)
    made["N"].geom = None
    session.flush()
    ids = poles(session)
    today = where(session, "commune", TODAY)
    assert {code: today[ids[code]] for code in ("inA", "inC", "away")} == {
        "inA": "19A", "inC": "19N", "away": "outside",
    }  # fmt: skip


def test_villages_belong_where_the_record_says(session: Session) -> None:
    made = build(session)
    keys = [
        # Recorded in B, though the map says A; then in M.
        village(session, "V1", 107.05, (made["B"], BEGIN, REFORM), (made["M"], REFORM, None)).id,
        village(session, "V2", 107.25).id,
    ]
    former, today = where(session, "commune", FORMER, "village"), where(session, "commune", TODAY, "village")
    assert [(former[k], today[k]) for k in keys] == [("19B", "19A"), ("19C", "19N")]
    assert [where(session, "district", FORMER, "village")[k] for k in keys] == ["90W", "90E"]


def test_a_day_without_units_says_when_there_are(session: Session) -> None:
    with pytest.raises(NotFound) as refused:
        geography(session, "commune", TODAY)
    assert refused.value.code == "no_units"
    build(session)
    with pytest.raises(NotFound) as refused:
        geography(session, "district", TODAY)
    assert "2021-07-01…2025-07-01" in str(refused.value)
    with pytest.raises(NotFound) as refused:
        geography(session, "canton", TODAY)
    assert refused.value.code == "unknown_level"
