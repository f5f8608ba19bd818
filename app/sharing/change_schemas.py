"""Questions about what changed between two sides."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field, model_validator

from app.areas.schemas import KnownAt
from app.kit.page import MAX_ID, Day, Paged, Question, refused, today
from app.sharing.schemas import Boundaries, Code

Snapshot = Annotated[
    int | None, Field(ge=1, le=MAX_ID, description="Number of a snapshot: its date and moment of knowledge")
]
Place = Annotated[str | None, Field(min_length=1, max_length=100)]


class ChangeQuestion(Question):
    """Two sides of a change, and the unit it is told of; without one, the whole province."""

    definition: Code
    definition_from: Annotated[Code | None, Field(description="Definition of the first side; default the same")] = None
    start: Annotated[Day | None, Field(alias="from", description="First date; or give from_snapshot")] = None
    end: Annotated[Day | None, Field(alias="to", description="Last date; default today")] = None
    known_from: KnownAt = None
    known_to: KnownAt = None
    from_snapshot: Snapshot = None
    to_snapshot: Snapshot = None
    commune: Annotated[Place, Field(description="Code or name of the commune the change is of")] = None
    district: Annotated[Place, Field(description="Code or name of the district the change is of")] = None
    boundaries_from: Boundaries = "at_date"
    boundaries_to: Boundaries = "at_date"

    @model_validator(mode="after")
    def _one_of_each(self) -> ChangeQuestion:
        if (self.start is None) == (self.from_snapshot is None):
            raise refused(
                "one_start", "Cần from hoặc from_snapshot, không cả hai", "Give from or from_snapshot, not both"
            )
        if self.to_snapshot is not None and self.end is not None:
            raise refused("one_end", "Chỉ một trong to và to_snapshot", "Give to or to_snapshot, not both")
        for name in ("from", "to"):
            if getattr(self, f"{name}_snapshot") is not None and getattr(self, f"known_{name}") is not None:
                raise refused(
                    "snapshot_knows",
                    f"{name}_snapshot đã có thời điểm hiểu biết; bỏ known_{name}",
                    f"{name}_snapshot has its own moment of knowledge; leave known_{name} out",
                )
        if self.commune is not None and self.district is not None:
            raise refused("one_unit", "Chỉ một trong commune và district", "Give commune or district, not both")
        return self


class ChangeObjectsQuestion(ChangeQuestion, Paged):
    """Which part's objects to list."""

    part: Annotated[str, Field(max_length=30, description="Code of the part, as in the answer's parts")]


def boundaries_on(asked: dt.date | str, as_of: dt.date) -> dt.date:
    """Return the day whose units count on a side."""
    if isinstance(asked, dt.date):
        return asked
    return today() if asked == "today" else as_of
