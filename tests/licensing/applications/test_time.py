"""Working days over Tết, clocks that pause and go on, and what hypothesis says of both."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.licensing.applications import rules
from app.licensing.applications.clocks import Step, clocks
from app.licensing.applications.working_days import (
    MAX_DAYS,
    WorkingCalendar,
    add_working_days,
    working_days_between,
)
from app.policy.models import Parameter

D = dt.date.fromisoformat
DAYS = st.dates(dt.date(2024, 1, 1), dt.date(2030, 1, 1))
CALENDARS = st.builds(
    WorkingCalendar, st.frozensets(st.dates(dt.date(2024, 1, 1), dt.date(2031, 1, 1)), max_size=60),
    st.frozensets(st.dates(dt.date(2024, 1, 1), dt.date(2031, 1, 1)), max_size=20),
)  # fmt: skip
ALLOWED = {"precheck": 5, "routing": 3, "sharing": 16, "mediation": 10, "notice": 5, "permit": 15, "acceptance": 10}


@given(DAYS, st.integers(0, 120), CALENDARS)
def test_adding_and_counting_agree(start: dt.date, days: int, calendar: WorkingCalendar) -> None:
    end = add_working_days(start, days, calendar)
    assert working_days_between(start, end, calendar) == days
    assert end == start if days == 0 else calendar.works(end)
    assert working_days_between(end, start, calendar) == -days


@given(DAYS, st.integers(0, 50), st.integers(0, 50), CALENDARS)
def test_days_add_up(start: dt.date, a: int, b: int, calendar: WorkingCalendar) -> None:
    assert add_working_days(add_working_days(start, a, calendar), b, calendar) == add_working_days(
        start, a + b, calendar
    )


@given(DAYS, st.integers(1, 60), CALENDARS, st.dates(dt.date(2024, 1, 1), dt.date(2031, 1, 1)))
def test_one_more_day_off_never_makes_a_deadline_sooner(
    start: dt.date, days: int, calendar: WorkingCalendar, off: dt.date
) -> None:
    more = WorkingCalendar(calendar.days_off | {off}, calendar.working_days)
    assert add_working_days(start, days, more) >= add_working_days(start, days, calendar)


@pytest.mark.parametrize("days", [-1, MAX_DAYS + 1])
def test_spans_that_cannot_be(days: int) -> None:
    with pytest.raises(ValueError, match="working days"):
        add_working_days(dt.date(2026, 1, 1), days, WorkingCalendar())


def test_fifteen_working_days_over_tet(session: Session) -> None:
    """Tết 2025: Monday 27 January to Friday 31 January are off."""
    calendar = rules.calendar(session, 2025, 2026)
    assert add_working_days(D("2025-01-20"), 15, calendar) == D("2025-02-17"), "four weeks and not three"
    # 2 May 2025 was given for Saturday 26 April, which was worked.
    assert add_working_days(D("2025-04-25"), 1, calendar) == D("2025-04-26")
    assert add_working_days(D("2025-04-29"), 1, calendar) == D("2025-05-05")


def test_an_officer_corrects_the_calendar(session: Session) -> None:
    session.add(Parameter(kind="working_calendar", name="flood", citation="Công điện",
                          value={"days_off": ["2025-11-03"], "working_days": ["2025-11-08"]}))  # fmt: skip
    session.flush()
    calendar = rules.calendar(session, 2025, 2025)
    assert add_working_days(D("2025-10-31"), 1, calendar) == D("2025-11-04")
    assert calendar.works(D("2025-11-08"))
    session.add(Parameter(kind="working_calendar", name="typo", value={"days_off": ["never"]}, citation=""))
    session.flush()
    with pytest.raises(Invalid) as caught:
        rules.calendar(session, 2025, 2025)
    assert caught.value.code == "malformed_rule"


def steps(*found: str) -> list[Step]:
    return [Step(state, D(day)) for state, day in (f.split("@") for f in found)]


def test_a_clock_pauses_while_the_applicant_completes() -> None:
    # Monday submitted, Wednesday returned: two of five days used.
    path = ["draft@2026-03-02", "submitted@2026-03-02", "returned@2026-03-04"]
    [waiting] = clocks(steps(*path), ALLOWED, WorkingCalendar(), D("2026-03-27"))
    assert (waiting.paused, waiting.due_on, waiting.working_days_left, waiting.overdue) == (True, None, 3, False)
    [again] = clocks(steps(*path, "submitted@2026-03-20"), ALLOWED, WorkingCalendar(), D("2026-03-23"))
    assert (again.started_on, again.due_on) == (D("2026-03-02"), D("2026-03-25"))
    assert (again.paused, again.working_days_left) == (False, 2)
    [late] = clocks(steps(*path, "submitted@2026-03-20"), ALLOWED, WorkingCalendar(), D("2026-03-26"))
    assert (late.overdue, late.working_days_left) == (True, -1)


def test_a_reopened_application_begins_its_stages_anew() -> None:
    path = steps("submitted@2026-03-02", "prechecked@2026-03-03", "permit_review@2026-03-04", "refused@2026-03-05",
                 "prechecked@2026-04-06")  # fmt: skip
    found = clocks(path, ALLOWED, WorkingCalendar(), D("2026-04-07"))
    assert [c.stage for c in found] == ["precheck", "routing", "permit", "routing"]
    assert [c.ended_on is None for c in found] == [False, False, False, True]
    assert found[-1].working_days_left == 2


def test_withdrawn_while_returned_no_clock_waits() -> None:
    path = steps("submitted@2026-03-02", "returned@2026-03-04", "withdrawn@2026-03-10")
    [found] = clocks(path, ALLOWED, WorkingCalendar(), D("2026-04-07"))
    assert (found.paused, found.ended_on) == (False, D("2026-03-10"))


STATE = st.sampled_from(["submitted", "returned", "prechecked", "sharing", "permit_review", "refused", "built"])


@given(st.lists(st.tuples(STATE, st.integers(0, 20)), max_size=15), st.integers(0, 40), CALENDARS)
def test_at_most_the_last_clock_runs(path: list[tuple[str, int]], wait: int, calendar: WorkingCalendar) -> None:
    day, found = dt.date(2025, 1, 6), []
    for state, later in path:
        day += dt.timedelta(days=later)
        found.append(Step(state, day))
    told = clocks(found, ALLOWED, calendar, day + dt.timedelta(days=wait))
    assert all(c.ended_on is not None and not c.paused for c in told[:-1])
    for clock in told:
        assert clock.overdue or clock.working_days_left >= 0
        assert not clock.overdue or clock.working_days_left <= 0, "a day off after the last day is late already"
