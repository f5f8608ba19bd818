"""Stored sharing ratios: one run per date, a row per definition and scope."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, Date, DateTime, ForeignKey, Index, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Keyed


class SharingRun(Keyed, Base):
    """One computation of all definitions for one date."""

    __tablename__ = "sharing_run"

    computed_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    as_of: Mapped[dt.date] = mapped_column(Date, index=True)
    inputs_sha256: Mapped[str]


class SharingRatio(Keyed, Base):
    """Numerator, denominator and unknown of one definition, for the province or one commune or operator."""

    __tablename__ = "sharing_ratio"
    __table_args__ = (
        CheckConstraint("scope_kind IN ('province', 'commune', 'operator')", name="scope_kind"),
        CheckConstraint("denominator <> 0 OR ratio IS NULL", name="no_ratio_of_nothing"),
        Index(
            "uq_sharing_ratio_scope",
            "run_id",
            "definition",
            "scope_kind",
            "scope_code",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("registry.sharing_run.id", ondelete="CASCADE"))
    definition: Mapped[str]
    version: Mapped[int]
    scope_kind: Mapped[str]
    scope_code: Mapped[str | None]
    numerator: Mapped[float]
    denominator: Mapped[float]
    unknown: Mapped[float]
    ratio: Mapped[float | None]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
