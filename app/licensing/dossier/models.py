"""Appraisals: a check frozen with everything it was made from."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, DateTime, ForeignKey, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Keyed
from app.licensing.applications.models import Application


class Appraisal(Keyed, Base):
    """A co-location check, what it was computed from, and the hash of both; never changed, never deleted."""

    __tablename__ = "appraisal"
    __table_args__ = (
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("jsonb_typeof(inputs) = 'object' AND jsonb_typeof(answer) = 'object'", name="objects"),
        CheckConstraint("made_by <> ''", name="made_by"),
    )

    application_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey(Application.id), index=True)
    as_of: Mapped[dt.date] = mapped_column(Date)
    inputs: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """check: what the answer follows from; map: what the extract shows; facts: agency and application."""
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sha256: Mapped[str]
    """Of inputs and answer, see `app.licensing.dossier.snapshot`."""
    made_by: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
