"""What is asked and told of snapshots."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.kit.page import MAX_ID, Day, Paged

Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Number = Annotated[int, Field(ge=1, le=MAX_ID)]


class SnapshotOrder(BaseModel):
    """What to freeze."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: Annotated[Label, Field(description="What it is for, e.g. the report of a year")]
    as_of: Annotated[Day | None, Field(description="Date of the figures; default today in Viet Nam")] = None


class SnapshotsQuestion(Paged):
    """Which page of snapshots."""


class SnapshotSummary(BaseModel):
    """A snapshot without its figures."""

    id: int
    label: str
    as_of: dt.date
    known_at: dt.datetime
    frozen_by: str
    definitions: list[dict[str, Any]]
    sha256: str


class SnapshotDetail(SnapshotSummary):
    """A snapshot with a hash of every kind of input, and every figure."""

    inputs: dict[str, str]
    results: list[dict[str, Any]]


class Snapshots(BaseModel):
    """A page of snapshots, newest first."""

    snapshots: list[SnapshotSummary]
    matched: int


class Verification(BaseModel):
    """Whether a snapshot came out the same when computed again as known then."""

    id: int
    label: str
    as_of: dt.date
    known_at: dt.datetime
    sha256: str
    recomputed_sha256: str
    intact: Annotated[bool, Field(description="The stored row still has its hash")]
    reproduced: Annotated[bool, Field(description="Computed again, definitions, inputs and figures give the same hash")]
    differs: dict[str, Any]
