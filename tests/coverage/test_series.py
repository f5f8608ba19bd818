"""Villages covered over time on either geography: the record of membership first, runs named, unknown kept apart."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.areas.models import Village
from app.coverage.models import CoverageRun, FibreReach, Verdict
from app.coverage.series import series
from app.database import PUBLIC
from app.errors import NotFound
from app.lines import models as lines  # noqa: F401  # tables that verdicts refer to
from app.organisations import models as organisations  # noqa: F401
from app.sites import models as sites  # noqa: F401
from tests.areas.province import BEGIN, REFORM, build, village
from tests.conftest import client_in

FORMER, TODAY = dt.date(2025, 6, 30), dt.date(2025, 12, 31)


def run(session: Session, as_of: dt.date, verdicts: dict[Village, str], **more: Any) -> CoverageRun:
    made = CoverageRun(
        status="done", finished_at=dt.datetime(2026, 1, 2, tzinfo=dt.UTC), as_of=as_of, rule="village-80",
        rule_version=1, rule_value={}, model="test", model_version="1", terrain_version="none", inputs_sha256="0",
        **more,
    )  # fmt: skip
    session.add(made)
    session.flush()
    for place, verdict in verdicts.items():
        session.add(Verdict(run_id=made.id, village_id=place.id, verdict=verdict))
        session.add(Verdict(run_id=made.id, village_id=place.id, verdict="covered", technology="2G"))
        session.add(FibreReach(run_id=made.id, village_id=place.id, verdict="unknown"))
    session.flush()
    return made


@pytest.fixture
def villages(session: Session) -> dict[str, Village]:
    units = build(session)
    both = {"A": "M", "B": "M", "C": "N"}
    made = {
        f"{old}{k}": village(
            session, f"{old}{k}", 107.05, (units[old], BEGIN, REFORM), (units[new], REFORM, None)
        )  # everywhere the map says A: the record counts
        for old, new in both.items()
        for k in (1, 2)
    }
    made["C2"].valid_to = dt.date(2025, 9, 1)
    run(session, dt.date(2024, 12, 1), dict.fromkeys(made.values(), "not_covered"))
    later = {key: "covered" for key in made} | {"A2": "unknown"}
    run(session, dt.date(2025, 6, 1), {made[key]: later[key] for key in made if key != "B2"})
    run(session, dt.date(2025, 6, 15), {made["A1"]: "not_covered"}, filters={"operator": "VNPT"})
    return made


def shown(found: dict[str, Any], *parts: str) -> dict[str, list[Any]]:
    return {
        row["code"] or row["group"]: [tuple(f[p] for p in parts) for f in row["figures"]] for row in found["series"]
    }


def test_on_both_geographies(session: Session, villages: dict[str, Village]) -> None:
    dates = [dt.date(2024, 1, 1), dt.date(2024, 12, 31), FORMER, TODAY]
    parts = ("covered", "not_covered", "unknown")
    former = series(session, dates, boundaries=FORMER)
    assert shown(former, *parts) == {
        # B2 has no verdict in the second run, A2 an unknown one; C2 is no more at the end.
        "19A": [(None,) * 3, (0, 2, 0), (1, 0, 1), (1, 0, 1)],
        "19B": [(None,) * 3, (0, 2, 0), (1, 0, 1), (1, 0, 1)],
        "19C": [(None,) * 3, (0, 2, 0), (2, 0, 0), (1, 0, 0)],
        "19D": [(None,) * 3, (0, 0, 0), (0, 0, 0), (0, 0, 0)],
    }
    today = series(session, dates, boundaries=TODAY)
    assert shown(today, "covered", "villages") == {
        "19A": [(None, None), (0, 4), (2, 4), (2, 4)], "19N": [(None, None), (0, 2), (2, 2), (1, 1)],
        "19D": [(None, None), (0, 0), (0, 0), (0, 0)],
    }  # fmt: skip
    districts = series(session, dates, boundaries=FORMER, level="district")
    assert shown(districts, "covered", "villages") == {
        "90W": [(None, None), (0, 4), (2, 4), (2, 4)], "90E": [(None, None), (0, 2), (2, 2), (1, 1)],
    }  # fmt: skip
    for found in (former, today, districts):
        assert [t["villages"] for t in found["totals"]] == [None, 6, 6, 5]
        assert [r["run"] and str(r["run"]["as_of"]) for r in found["runs"]] == [
            None, "2024-12-01", "2025-06-01", "2025-06-01",
        ]  # fmt: skip


def test_unknown_never_counts_as_covered(session: Session, villages: dict[str, Village]) -> None:
    found = series(session, [FORMER], boundaries=TODAY)
    assert shown(found, "ratio", "ratio_high") == {
        "19A": [(50, 100)], "19N": [(100, 100)], "19D": [(None, None)],
    }  # fmt: skip
    assert found["totals"][0]["ratio"] == pytest.approx(100 * 4 / 6)


def test_fibre_and_rules(session: Session, villages: dict[str, Village]) -> None:
    found = series(session, [FORMER], boundaries=TODAY, service="fibre")
    assert shown(found, "unknown", "covered")["19A"] == [(4, 0)]
    with pytest.raises(NotFound) as refused:
        series(session, [FORMER], boundaries=TODAY, rule="no-such")
    assert refused.value.code.startswith("unknown")
    other = series(session, [FORMER], boundaries=TODAY, rule="ofcom")
    assert other["runs"] == [{"as_of": FORMER, "run": None}], "no run of that rule"


def test_everybody_may_ask(session: Session, villages: dict[str, Village]) -> None:
    with client_in(session, PUBLIC) as client:
        asked = {"dates": "2025-06-30,2024-12-31", "boundaries": "2025-06-30", "level": "district"}
        found = client.get("/api/coverage/series", params=asked).json()
        assert found["dates"] == ["2024-12-31", "2025-06-30"]
        assert found["totals"][1]["covered"] == 4
        missing = client.get("/api/coverage/series", params=asked | {"boundaries": "2026-01-01"})
        assert (missing.status_code, missing.json()["code"]) == (404, "no_units")
        assert client.get("/api/coverage/series", params={"service": "5G"}).status_code == 422
