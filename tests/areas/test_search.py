"""Searching units in all their times, and the crosswalk over HTTP; everybody may ask."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.areas.models import Unit
from app.database import PUBLIC
from tests.areas.province import build
from tests.conftest import client_in


@pytest.fixture
def units(session: Session) -> dict[str, Unit]:
    return build(session)


@pytest.fixture
def public(session: Session, units: dict[str, Unit]) -> Iterator[TestClient]:
    with client_in(session, PUBLIC) as client:
        yield client


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["units"]]


def ask(client: TestClient, **asked: Any) -> list[int]:
    return ids(client.get("/api/units", params=asked))


@pytest.mark.parametrize(
    "written",
    ["Thuỷ Xuân", "Thủy Xuân", "thuy xuan", "THUỶ XUÂN", "xã Thủy Xuân", unicodedata.normalize("NFD", "Thuỷ Xuân")],
)
def test_either_tone_mark_and_any_form(public: TestClient, units: dict[str, Unit], written: str) -> None:
    assert ask(public, q=written) == [units["A"].id]


def test_ranked_by_code_name_beginning_part(public: TestClient, units: dict[str, Unit]) -> None:
    m, a, d, d2, p = (units[k].id for k in ("M", "A", "D", "D2", "P"))
    assert ask(public, q="19a") == [m, a], "the code's bearer today before the former one"
    assert ask(public, q="phú đa") == [p, d, d2], "the exact name, with or without its kind, before its beginning"
    assert ask(public, q="thuy") == [m, a]
    assert ask(public, q="đông") == [units["DE"].id, units["N"].id, units["C"].id], "Quận Đông is the whole name"
    assert ask(public, q="bằng") == [m], "a part of the name"
    assert ask(public, q="19", as_of="2025-07-01") == [m, p, units["N"].id], "the beginning of codes, by code"
    assert ask(public, q="hương phú") == [], "words begin where they begin: not phường Phú Đa"
    assert ask(public, q="không có") == []
    assert ask(public, q="%") == []
    assert ask(public, q="' OR true --") == []


def test_by_date_level_and_code(public: TestClient, units: dict[str, Unit]) -> None:
    assert ask(public, code="19D", as_of="2024-12-31") == [units["D"].id]
    assert ask(public, code="19D", as_of="2025-03-01") == [units["D2"].id]
    assert ask(public, code="19D", as_of="2025-07-01") == [units["P"].id]
    assert sorted(ask(public, level="district")) == [units["DW"].id, units["DE"].id]
    assert ask(public, level="district", as_of="2025-07-01") == []
    page = public.get("/api/units", params={"limit": 2, "offset": 1, "level": "commune"}).json()
    assert (page["numberMatched"], page["numberReturned"]) == (8, 2)
    refused = public.get("/api/units", params={"level": "region"})
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_level")
    assert public.get("/api/units", params={"as_of": "31/12/2024"}).status_code == 422


def test_a_unit_with_its_kin(public: TestClient, units: dict[str, Unit]) -> None:
    found = public.get(f"/api/units/{units['D2'].id}").json()
    assert (found["code"], found["valid_from"], found["valid_to"]) == ("19D", "2025-01-01", "2025-07-01")
    assert found["parent"]["name"] == "Quận Đông"
    assert [(k["name"], k["on_date"], k["citation"], k["share"]) for k in found["predecessors"]] == [
        ("Phú Đa", "2025-01-01", "NQ 2025", 1)
    ]
    assert [(k["name"], k["on_date"]) for k in found["successors"]] == [("Phường Phú Đa", "2025-07-01")]
    assert [v["name"] for v in found["versions"]] == ["Phú Đa", "Phú Đa Mới", "Phường Phú Đa"]
    assert found["synthetic"]
    missing = public.get("/api/units/987654321")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_unit")


def crosswalk(client: TestClient, start: str, end: str, level: str = "commune") -> dict[tuple[int, int], Any]:
    answer = client.get("/api/crosswalk", params={"from": start, "to": end, "level": level})
    assert answer.status_code == 200, answer.text
    return {(pair["old"]["id"], pair["new"]["id"]): pair["share"] for pair in answer.json()["pairs"]}


def test_the_crosswalk_over_two_reforms_and_back(public: TestClient, units: dict[str, Unit]) -> None:
    key = {name: unit.id for name, unit in units.items()}
    there = crosswalk(public, "2024-12-31", "2025-12-31")
    ends = (("A", "M"), ("B", "M"), ("C", "N"), ("D", "P"))
    assert there == {(key[o], key[n]): 1 for o, n in ends}
    back = crosswalk(public, "2025-12-31", "2024-12-31")
    assert set(back) == {(new, old) for old, new in there}
    assert back[key["N"], key["C"]] == back[key["P"], key["D"]] == 1
    assert back[key["M"], key["A"]] == pytest.approx(0.5, abs=1e-6), "by area"
    answer = public.get("/api/crosswalk", params={"from": "2024-12-31", "to": "2025-12-31"}).json()
    assert answer["reforms"] == [
        {"on_date": "2025-01-01", "citation": "NQ 2025", "successions": 1},
        {"on_date": "2025-07-01", "citation": "NQ 2025", "successions": 4},
    ]
    assert (answer["lost"], answer["units"], answer["measured_by"]) == ([], 4, "succession")
    assert crosswalk(public, "2025-12-31", "2025-12-31") == {(key[k], key[k]): 1 for k in "MNP"}


def test_what_ends_without_a_successor_is_lost(public: TestClient, units: dict[str, Unit]) -> None:
    answer = public.get("/api/crosswalk", params={"from": "2025-06-30", "to": "2025-07-01", "level": "district"}).json()
    assert (answer["pairs"], sorted(lost["unit"]["code"] for lost in answer["lost"])) == ([], ["90E", "90W"])


def test_shares_backwards_need_boundaries(session: Session) -> None:
    key = {name: unit.id for name, unit in build(session, former_boundaries=False).items()}
    with client_in(session, PUBLIC) as client:
        back = crosswalk(client, "2025-12-31", "2025-06-30")
    assert back == {
        (key["M"], key["A"]): None, (key["M"], key["B"]): None, (key["N"], key["C"]): 1, (key["P"], key["D2"]): 1,
    }  # fmt: skip


def test_known_at_is_for_signed_in_callers(public: TestClient, client: TestClient, units: dict[str, Unit]) -> None:
    before = {"known_at": "2020-01-01T00:00:00Z"}
    assert public.get("/api/units", params=before).status_code == 401
    assert client.get("/api/units", params=before).json()["numberMatched"] == 0
