"""Questions about units."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import AfterValidator, Field

from app.kit.page import Day, Instant, Paged, Question, parse_date, refused, today

MAX_DATES = 24
_YEARS = 3
LEVEL = r"^[a-z_]{1,30}$"
Level = Annotated[str, Field(pattern=LEVEL, description="province, district, commune")]


KnownAt = Annotated[
    Instant | None, Field(description="What the registry knew at this moment; for signed-in callers; default now")
]


class UnitsQuestion(Paged):
    """Which units to find; without a date, in all times."""

    q: str | None = Field(None, max_length=100, description="Code or name, with or without marks and kind")
    level: str | None = Field(None, pattern=LEVEL, description="province, district, commune; default all")
    as_of: Day | None = Field(None, description="Only units in force on that day; default in all times")
    code: str | None = Field(None, max_length=20, description="GSO code; it may mean several units in turn")
    known_at: KnownAt = None


class CrosswalkQuestion(Question):
    """From which day to which; the way back is the inverse."""

    start: Annotated[Day, Field(alias="from", description="Day of the units to start from")]
    end: Annotated[Day, Field(alias="to", description="Day of the units to arrive at")]
    level: Level = "commune"
    known_at: KnownAt = None


class UnitQuestion(Question):
    """One unit, as known now or at an earlier moment."""

    known_at: KnownAt = None


def parse_days(value: str) -> list[dt.date]:
    """Return the dates of "2023-12-31,2024-12-31", each once, in order.

    Raises
    ------
    PydanticCustomError
        One is not a date, or there are more than `MAX_DATES`.
    """
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not 1 <= len(parts) <= MAX_DATES:
        raise refused("too_many_dates", f"Cần 1 đến {MAX_DATES} ngày", f"Give 1 to {MAX_DATES} dates")
    return sorted({day for day in map(parse_date, parts) if isinstance(day, dt.date)})


def _checked(value: str) -> str:
    parse_days(value)
    return value


# Text, because the framework would split a list over repeated parameters.
Days = Annotated[str, AfterValidator(_checked)]


class OverTime(Question):
    """On which dates, and on the units of which day."""

    dates: Days | None = Field(
        None, max_length=400, description=f"Up to {MAX_DATES} dates, by comma; default the last year ends and today"
    )
    boundaries: Day | None = Field(None, description="Day whose units are the ground; default today")
    level: Level = "commune"
    known_at: KnownAt = None

    def days(self) -> list[dt.date]:
        """Return the dates asked for: by default the ends of the last three years, and today."""
        if self.dates:
            return parse_days(self.dates)
        now = today()
        return [*(dt.date(now.year - back, 12, 31) for back in range(_YEARS, 0, -1)), now]

    def boundaries_on(self) -> dt.date:
        """Return the day whose units are the ground."""
        return self.boundaries or today()
