"""What was asked for, by whom, and how far it is; the messages to the workers are procrastinate's own tables."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, DateTime, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Keyed

_ENDED = "status IN ('done', 'failed', 'cancelled')"


class Work(Keyed, Base):
    """A piece of work; added by `jobs.ask`, which takes the asker from the transaction, changed by workers only."""

    __tablename__ = "work"
    __table_args__ = (
        CheckConstraint("kind ~ '^[a-z][a-z0-9_]{1,39}$'", name="kind"),
        CheckConstraint("jsonb_typeof(args) = 'object'", name="args"),
        CheckConstraint("asked_by <> ''", name="asked_by"),
        CheckConstraint("status IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="status"),
        CheckConstraint("done >= 0 AND done <= total AND total >= 0", name="progress"),
        CheckConstraint("lost >= 0 AND lost <= attempts", name="attempts"),
        CheckConstraint("finished_at >= started_at AND finished_at >= asked_at", name="finished_after"),
        CheckConstraint(f"({_ENDED}) = (finished_at IS NOT NULL)", name="finished"),
        CheckConstraint("status <> 'running' OR num_nonnulls(started_at, heartbeat_at) = 2", name="running"),
        CheckConstraint("(status = 'done') = (result IS NOT NULL)", name="result"),
        CheckConstraint("num_nonnulls(code, message_vi, message_en) IN (0, 3)", name="message"),
        CheckConstraint("(status IN ('failed', 'cancelled')) = (code IS NOT NULL)", name="told_why"),
        Index("ix_work_asked_by", "asked_by", "id"),
        Index("ix_work_open", "status", postgresql_where=text("finished_at IS NULL")),
        Index("uq_work_queue_job_id", "queue_job_id", unique=True),
        {"schema": "jobs"},
    )

    kind: Mapped[str]
    args: Mapped[dict[str, Any]] = mapped_column(JSONB)
    asked_by: Mapped[str]
    """user:7, system:root; with the next three what `app.database.Scope` is made of again."""
    asked_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    organisations: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    communes: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    status: Mapped[str] = mapped_column(server_default="queued")
    done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    total: Mapped[int | None] = mapped_column(BigInteger)
    """Null until the work has said how much there is."""
    stage: Mapped[str] = mapped_column(server_default="")
    code: Mapped[str | None]
    """Why it failed, for programs; the messages are for people."""
    message_vi: Mapped[str | None]
    message_en: Mapped[str | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    started_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    """Of the newest attempt."""
    finished_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    heartbeat_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    """When its worker last said that it still works on it."""
    cancel_asked: Mapped[bool] = mapped_column(server_default="false")
    attempts: Mapped[int] = mapped_column(server_default="0")
    """How often it was started; also tells a worker that was taken for dead that the work is no longer its own."""
    lost: Mapped[int] = mapped_column(server_default="0")
    """How often its worker died."""
    queue_job_id: Mapped[int | None] = mapped_column(BigInteger)
    """The message in jobs.procrastinate_jobs, which is deleted once it was delivered."""
