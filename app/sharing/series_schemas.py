"""Questions about a ratio over time and on two geographies."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.areas.schemas import Level, OverTime
from app.kit.page import Dated, Day
from app.sharing.schemas import Code


class SeriesQuestion(OverTime):
    """Which ratio, when and where."""

    definition: Code


class GeographiesQuestion(Dated):
    """Which ratio, on which date, on the units of which two days."""

    definition: Code
    a: Annotated[Day, Field(description="Day whose units are the first geography")]
    b: Annotated[Day, Field(description="Day whose units are the second geography")]
    level_a: Level = "commune"
    level_b: Level = "commune"
