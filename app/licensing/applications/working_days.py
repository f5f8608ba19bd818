"""Arithmetic of working days over a calendar given as argument. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

_DAY = dt.timedelta(days=1)
MAX_DAYS = 2000
"""Of a span: eight years; more is a mistake, and would be walked day by day."""


@dataclass(frozen=True)
class WorkingCalendar:
    """Which days are worked.

    Attributes
    ----------
    days_off : frozenset of date
        Public holidays, days given in lieu of them, days off by decree.
    working_days : frozenset of date
        Saturdays and Sundays worked in exchange for a day off.
    """

    days_off: frozenset[dt.date] = field(default_factory=frozenset)
    working_days: frozenset[dt.date] = field(default_factory=frozenset)

    def works(self, day: dt.date) -> bool:
        """Say whether `day` is worked; a day in both sets is worked, since the exchange is the later word."""
        return day in self.working_days or (day.weekday() < 5 and day not in self.days_off)


def add_working_days(start: dt.date, days: int, calendar: WorkingCalendar) -> dt.date:
    """Return the `days`-th working day after `start`; the day itself never counts (Civil Code 2015, art. 147 [M]).

    Zero days end on `start` itself, worked or not.

    Raises
    ------
    ValueError
        Less than 0 or more than `MAX_DAYS` days.
    """
    if not 0 <= days <= MAX_DAYS:
        raise ValueError(f"{days} working days are not between 0 and {MAX_DAYS}")
    day = start
    for _ in range(days):
        day += _DAY
        while not calendar.works(day):
            day += _DAY
    return day


def working_days_between(start: dt.date, end: dt.date, calendar: WorkingCalendar) -> int:
    """Return how many working days lie in (start, end]; negative when `end` comes before `start`."""
    if end < start:
        return -working_days_between(end, start, calendar)
    return sum(calendar.works(start + _DAY * i) for i in range(1, (end - start).days + 1))
