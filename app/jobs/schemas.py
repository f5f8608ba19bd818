"""What the routes and commands of jobs take and give."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from app.kit.page import Paged

State = Literal["queued", "running", "done", "failed", "cancelled"]
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")]


class JobsQuestion(Paged):
    """Which page of the jobs, and which of them."""

    status: State | None = Field(None, description="Only jobs in this state")
    kind: Kind | None = Field(None, description="Only jobs of this kind")


class Message(BaseModel):
    """Why a job ended as it did."""

    vi: str
    en: str


class JobState(BaseModel):
    """A job: what was asked, how far it is, what became of it."""

    id: int
    kind: str
    args: dict[str, Any]
    asked_by: str = Field(description="user:7, system:root")
    asked_at: dt.datetime
    status: State
    done: int
    total: int | None = Field(description="Null until the job has said how much there is to do")
    stage: str
    cancel_asked: bool
    attempts: int = Field(description="More than one when its worker died or was stopped")
    started_at: dt.datetime | None = Field(description="Start of the newest attempt")
    finished_at: dt.datetime | None
    code: str | None = Field(description="Of a job that failed or was cancelled: why, for programs")
    message: Message | None
    result: dict[str, Any] | None


class Jobs(BaseModel):
    """A page of jobs, newest first."""

    jobs: list[JobState]
    matched: int
    links: list[dict[str, str]]
