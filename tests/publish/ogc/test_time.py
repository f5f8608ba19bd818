"""`datetime` is the day asked about, and `known_at` the moment whose knowledge counts."""

from __future__ import annotations

import datetime as dt

import pytest

from app.errors import BadRequest
from app.kit.page import today
from app.publish.ogc.boxes import Days, days
from tests.publish.ogc.serving import Service


def villages(service: Service, **params: str) -> set[str]:
    answer = service.get("/collections/villages/items", "planner", **params)
    assert answer.status_code == 200, answer.text
    return {f["properties"]["code"] for f in answer.json()["features"]}


@pytest.mark.parametrize(
    ("when", "found"),
    [
        ("2025-09-30", {"V1", "V2", "V3", "V4"}),
        ("2025-10-01", {"V1", "V2", "V3"}),
        ("2025-09-30T17:00:00Z", {"V1", "V2", "V3"}),
        ("2025-09-30T16:59:59Z", {"V1", "V2", "V3", "V4"}),
        ("2031-01-01", {"V1", "V2"}),
        ("2025-09-01/2025-12-01", {"V1", "V2", "V3", "V4"}),
        ("2025-10-01/..", {"V1", "V2", "V3"}),
        ("../2025-09-01", {"V1", "V2", "V3", "V4"}),
        ("2031-01-01/", {"V1", "V2"}),
    ],
)
def test_what_is_in_force_on_one_of_the_days(service: Service, when: str, found: set[str]) -> None:
    assert villages(service, datetime=when) == found


def test_of_an_interval_each_object_is_as_on_its_last_day(service: Service) -> None:
    answer = service.get("/collections/villages/items", code="V4", datetime="2025-09-01/2030-01-01").json()
    (gone,) = answer["features"]
    assert gone["properties"]["commune"] == "20044"


def test_one_feature_of_another_day(service: Service) -> None:
    (gone,) = service.get("/collections/villages/items", code="V4", datetime="2025-09-01").json()["features"]
    address = f"/collections/villages/items/{gone['id']}"
    assert service.get(address).status_code == 404
    assert service.get(address, datetime="2025-09-01").json()["properties"] == gone["properties"]


def test_what_was_known_before(service: Service) -> None:
    before = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)).isoformat()
    assert villages(service, known_at=before) == set()
    refused = service.get("/collections/villages/items", known_at=before)
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in_required")
    now = dt.datetime.now(dt.UTC).isoformat()
    assert villages(service, known_at=now) == {"V1", "V2", "V3"}


def test_days() -> None:
    day = dt.date(2025, 1, 1)
    assert days(None) == days("") == Days(today(), today())
    assert days("2025-01-01") == days("2025-01-01/2025-01-01") == Days(day, day)
    assert days("2024-12-31T20:00:00.1234567Z") == days("2025-01-01T03:00:00 07:00") == Days(day, day)
    assert days("/2025-01-01") == Days(None, day)
    for wrong in ("/", "..", "2025-01-01/2025-01-02/2025-01-03", "2025-1-1", "20250101", "0000-01-01", "٢٠٢٥-01-01"):
        with pytest.raises(BadRequest):
            days(wrong)
