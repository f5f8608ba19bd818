"""What the world changed around an object: the commune a facility lies in on a day, through a reform."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.areas.models import Unit, UnitSuccession
from app.facilities.models import Facility
from tests.objects.conftest import As, patched, read
from tests.publish.province import square
from tests.registry.two_networks import Networks

REFORM = dt.date(2025, 7, 1)


@pytest.fixture
def reform(session: Session, networks: Networks) -> Callable[..., None]:
    """Return a function that adds the commune 9 of before 1 July 2025, what it went into, and the office's unit."""

    def happen(*successors: str, bounded: bool = True, recorded: str = "before") -> None:
        unit = networks.rows["unit"]
        old = Unit(level="commune", code="9", name="Xã Cũ", valid_from=dt.date(2020, 1, 1), valid_to=REFORM,
                   geom=square(107.5, 16.4) if bounded else None)  # fmt: skip
        session.add(old)
        session.flush()
        for name in successors:
            session.add(UnitSuccession(old_unit_id=old.id, new_unit_id=unit[name], on_date=REFORM, share=1 / 2))
        office = session.get_one(Facility, networks.rows["facility"]["office"])
        office.unit_id = old.id if recorded == "before" else unit[recorded]
        session.flush()

    return happen


@pytest.mark.parametrize(
    ("successors", "bounded", "recorded", "before", "after"),
    [
        (("here",), True, "before", "9", "1"),
        (("there",), False, "before", "9", "2"),  # the one successor, though its boundary says otherwise
        (("here", "there"), False, "before", "9", "1"),  # split: the part the office stands in
        ((), True, "here", "9", "1"),  # recorded since: before, the boundary of then
        ((), False, "here", None, "1"),  # nothing tells where it lay
        ((), False, "before", "9", "1"),
    ],
)
def test_a_facility_lies_in_the_commune_of_the_day(
    acting: As, networks: Networks, reform: Callable[..., None],
    successors: tuple[str, ...], bounded: bool, recorded: str, before: str | None, after: str,
) -> None:  # fmt: skip
    reform(*successors, bounded=bounded, recorded=recorded)
    number, client = networks.rows["facility"]["office"], acting("planner")
    path = f"/api/objects/facilities/{number}"
    for day, code in ((REFORM - dt.timedelta(days=1), before), (REFORM, after), (None, after)):
        asked = {} if day is None else {"as_of": str(day)}
        _, item = read(client, path, **asked)
        assert item["properties"]["unit"] == code
        listed = client.get("/api/objects/facilities", params=asked).json()["features"]
        assert next(f["properties"] for f in listed if f["id"] == number) == item["properties"]
        unit = item["properties"]["unit_id"]
        named = None if unit is None else read(client, f"/api/objects/units/{unit}")[1]["properties"]["code"]
        assert named == code


def test_a_facility_whose_commune_ended_is_still_changed_and_restored(
    acting: As, networks: Networks, reform: Callable[..., None], session: Session
) -> None:
    reform("here")
    office, unit = networks.rows["facility"]["office"], networks.rows["unit"]
    path, stored = f"/api/objects/facilities/{office}", "SELECT unit_id FROM registry.facility WHERE id = :id"
    old = session.scalar(text(stored), {"id": office})
    changed = patched(acting("planner"), path, name="Trụ sở mới")
    assert (changed["properties"]["unit"], session.scalar(text(stored), {"id": office})) == ("1", old)
    version, _ = read(acting("planner"), path)
    moved = acting("planner").patch(path, json={"unit_id": unit["there"]}, headers={"If-Match": '"stale", ' + version})
    assert (moved.status_code, moved.json()["properties"]["unit"]) == (200, "2")
    lost = acting("planner").patch(path, json={"unit_id": unit["here"]}, headers={"If-Match": version})
    assert (lost.status_code, lost.json()["conflicts"]) == (412, ["unit_id"])
    assert (lost.json()["current"]["properties"]["unit_id"], lost.json()["yours"]["properties"]["unit_id"]) == (
        unit["there"], unit["here"],
    )  # fmt: skip
