"""The demo's applications: one in each state, all SYNTHETIC, made as real ones are."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.demo import applications
from app.kit.page import today
from app.licensing.applications import service
from app.licensing.applications.schemas import ApplicationsQuestion
from tests.demo.conftest import Built

pytestmark = pytest.mark.xdist_group("demo")


def test_one_in_each_state(built: Built) -> None:
    savepoint = built.session.begin_nested()
    states = ("draft", "submitted", "sharing", "mediation", "licensed", "closed")
    assert applications.write(built.session) == dict.fromkeys(states, 1)
    found = {a["state"]: a for a in service.page(built.session, ApplicationsQuestion())["items"]}
    assert all(a["synthetic"] and "SYNTHETIC" in a["title"] for a in found.values())
    assert (found["sharing"]["clock"]["due_on"] > today(), found["licensed"]["clock"]) == (True, None)
    assert (found["licensed"]["decision"]["outcome"], found["closed"]["decision"]["outcome"]) == ("permit", "share")
    asked = built.session.execute(text("""
        SELECT a.state, array_agg(DISTINCT r.state) FROM licensing.sharing_request r
        JOIN licensing.application a ON a.id = r.application_id GROUP BY a.state"""))  # fmt: skip
    requests = {state: set(of) for state, of in asked}
    assert (requests["sharing"], requests["mediation"]) == ({"open"}, {"mediation"})
    assert "settled" in requests["closed"]
    recorded = built.session.execute(text("""
        SELECT x.synthetic, x.source = a.reference FROM registry.structure_occupancy x
        JOIN licensing.application a ON a.structure_occupancy_id = x.id""")).all()  # fmt: skip
    assert [tuple(row) for row in recorded] == [(True, True)]
    savepoint.rollback()
