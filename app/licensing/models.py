"""The log of private sharing questions."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, DateTime, Index, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Keyed
from app.licensing.programme.models import ProgrammeRun

__all__ = ["ProgrammeRun", "SharingQuestion"]


class SharingQuestion(Keyed, Base):
    """A question an organisation asked, or the department for it; read by the department only.

    Written by `audit.ask_sharing` in a transaction of its own, before it is answered: nothing takes it back.
    """

    __tablename__ = "sharing_question"
    __table_args__ = (
        UniqueConstraint("reference"),
        CheckConstraint("radius_m > 0", name="radius_m"),
        Index("ix_sharing_question_organisation_code_at", "organisation_code", "at"),
        {"schema": "audit"},
    )

    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())
    actor: Mapped[str]
    organisation_code: Mapped[str]
    """For whom; a code and not a key: an organisation has a row for each period of its name."""
    by_department: Mapped[bool]
    """Asked by the department on its behalf: such do not count towards the limit."""
    reference: Mapped[str]
    lon: Mapped[float]
    lat: Mapped[float]
    """As asked, EPSG:4326."""
    grid_lon: Mapped[float]
    grid_lat: Mapped[float]
    """Centre of the square that was answered for."""
    radius_m: Mapped[float]
    height_m: Mapped[float | None]
    technologies: Mapped[list[str]] = mapped_column(ARRAY(Text))
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What was told; null when the answer failed."""
