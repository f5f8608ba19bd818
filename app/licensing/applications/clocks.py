"""How long each stage of an application may take, and how much of that is used. Pure.

A stage runs while the application is in its state. Returned to the applicant it stands still and goes on where it was
when the application comes back; entered anew (after a decision was reopened) it starts from the beginning.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.licensing.applications.working_days import WorkingCalendar, add_working_days, working_days_between

STAGE_OF: dict[str, str] = {
    "submitted": "precheck",
    "prechecked": "routing",
    "sharing": "sharing",
    "mediation": "mediation",
    "route_exempt_notice": "notice",
    "permit_review": "permit",
    "built": "acceptance",
}
"""States whose time is somebody's duty; draft, returned and licensed wait for the applicant."""


@dataclass(frozen=True)
class Step:
    """A change of state on a day in Viet Nam."""

    to_state: str
    on: dt.date


@dataclass(frozen=True)
class Clock:
    """Time of one stage in working days.

    Attributes
    ----------
    due_on : date or None
        Last day; None while it is paused.
    ended_on : date or None
        Day the stage was left for good; `overdue` then says whether it had been too late.
    working_days_left : int
        Negative: so many late.
    """

    stage: str
    started_on: dt.date
    due_on: dt.date | None
    ended_on: dt.date | None
    working_days_allowed: int
    working_days_left: int
    overdue: bool
    paused: bool


def clocks(steps: Sequence[Step], allowed: Mapping[str, int], calendar: WorkingCalendar, today: dt.date) -> list[Clock]:
    """Return the clocks of the stages gone through, in order; the running or paused one, if any, is the last.

    Parameters
    ----------
    steps : sequence of Step
        Changes of state in order, the creation first.
    allowed : mapping
        Stage → working days it may take.
    """
    found: list[Clock] = []
    for i, step in enumerate(steps):
        stage = STAGE_OF.get(step.to_state)
        if stage is None:
            continue
        resumed = found.pop() if found and found[-1].paused and found[-1].stage == stage else None
        if found and found[-1].paused:
            found[-1] = _ended(found[-1], steps[i - 1].on)
        left = allowed[stage] if resumed is None else resumed.working_days_left
        started = step.on if resumed is None else resumed.started_on
        follows = steps[i + 1] if i + 1 < len(steps) else None
        until = today if follows is None else follows.on
        paused = follows is not None and follows.to_state == "returned"
        due = add_working_days(step.on, left, calendar) if left >= 0 else step.on
        used = working_days_between(step.on, until, calendar)
        found.append(
            Clock(
                stage=stage,
                started_on=started,
                due_on=None if paused else due,
                ended_on=None if follows is None or paused else until,
                working_days_allowed=allowed[stage],
                working_days_left=left - used,
                overdue=until > due or left < 0,
                paused=paused,
            )
        )
    if found and found[-1].paused and steps[-1].to_state != "returned":  # withdrawn while it waited
        found[-1] = _ended(found[-1], steps[-1].on)
    return found


def _ended(clock: Clock, on: dt.date) -> Clock:
    return Clock(clock.stage, clock.started_on, None, on, clock.working_days_allowed, clock.working_days_left,
                 clock.overdue, paused=False)  # fmt: skip
