"""Questions about sharing."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from app.kit.page import Dated, Paged, parse_date, today
from app.sharing.breakdown import By

Code = Annotated[str, Field(max_length=20, description="S1…S4, P1…P3 or D1…D3")]


def parse_boundaries(value: object) -> object:
    """Return "at_date", "today" or a date.

    Raises
    ------
    PydanticCustomError
        It is none of them.
    """
    return value if value in {"at_date", "today"} else parse_date(value)


Boundaries = Annotated[
    Literal["at_date", "today"] | dt.date,
    BeforeValidator(parse_boundaries),
    Field(description="Communes or districts in force at the date, today's, or those of any day"),
]


class SharingQuestion(Dated):
    """What to count and how to break it down."""

    by: By | None = None
    definition: Code | None = None
    boundaries: Boundaries = "at_date"

    def boundaries_on(self) -> dt.date:
        """Return the day whose communes or districts the breakdown uses."""
        if isinstance(self.boundaries, dt.date):
            return self.boundaries
        return today() if self.boundaries == "today" else self.on


class CountedQuestion(Dated):
    """Which of the objects of a ratio."""

    definition: Code | None = None
    counted: Literal["numerator", "denominator", "unknown"] = "numerator"
    commune: Annotated[str, Field(max_length=100)] | None = None


class ObjectsQuestion(CountedQuestion, Paged):
    """Which of the counted objects to list."""
