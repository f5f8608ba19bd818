"""Questions about sharing."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from app.kit.page import Day, Paged, Question, today
from app.sharing.service import By

Code = Annotated[str, Field(max_length=20, description="S1…S4, P1…P3 or D1…D3")]


class SharingQuestion(Question):
    """What to count and how to break it down."""

    as_of: Day | None = None
    by: By | None = None
    definition: Code | None = None
    boundaries: Annotated[
        Literal["at_date", "today"], Field(description="Communes in force at the date, or today's")
    ] = "at_date"

    def boundaries_on(self) -> dt.date:
        """Return the day whose communes the breakdown uses."""
        return today() if self.boundaries == "today" else self.as_of or today()


class ObjectsQuestion(Paged):
    """Which of the counted objects to list."""

    definition: Code | None = None
    as_of: Day | None = None
    counted: Literal["numerator", "denominator", "unknown"] = "numerator"
    commune: Annotated[str, Field(max_length=100)] | None = None
