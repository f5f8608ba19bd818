"""Appraisals as they are asked for and answered."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.kit.page import MAX_ID, Question
from app.licensing.schemas import ColocationRequest

Word = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^[^\x00]*$")]


class SharingRequestIn(BaseModel):
    """A sharing request to an owner and what became of it."""

    model_config = ConfigDict(extra="forbid")

    owner: Word
    structure: Word | None = None
    sent_on: dt.date | None = None
    due_on: dt.date | None = None
    answer: Word | None = None
    reason: Word | None = None
    price_vnd_month: Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)] | None = None


class DecisionIn(BaseModel):
    """What was decided, as it shall be printed."""

    model_config = ConfigDict(extra="forbid")

    vi: Word
    en: Word = ""


class ApplicationFacts(BaseModel):
    """What the sheet says of an application; plain values."""

    model_config = ConfigDict(extra="forbid")

    reference: Word | None = None
    applicant: Word | None = None
    received_on: dt.date | None = None
    sharing_requests: Annotated[list[SharingRequestIn], Field(max_length=200)] = []
    decision: DecisionIn | None = None


class AppraisalIn(ColocationRequest):
    """A proposed tower as in /api/colocation, and the application it belongs to."""

    application_id: Annotated[int, Field(strict=True, ge=1, le=MAX_ID)] | None = None
    application: ApplicationFacts | None = None


class SheetQuestion(Question):
    """How the sheet is written."""

    english: bool = Field(False, description="English below the Vietnamese headings and sentences")


class AppraisalOut(BaseModel):
    """A frozen check."""

    id: int
    application_id: int | None
    as_of: dt.date
    at: dt.datetime
    made_by: str
    sha256: str = Field(description="Of the canonical JSON of inputs and answer")
    synthetic: bool
    answer: dict[str, Any]
    facts: dict[str, Any] = Field(description="Agency and application as the sheet names them")


class DifferenceOut(BaseModel):
    """One place where the answer computed now parts from the frozen one."""

    path: str
    frozen: Any
    now: Any


class VerificationOut(BaseModel):
    """Whether the record is whole (`intact`) and computes to the same answer (`same`)."""

    id: int
    intact: bool
    same: bool
    sha256: str
    count: int
    differences: list[DifferenceOut]
