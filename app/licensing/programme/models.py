"""Programmes as they were computed: they never change, and the department alone reads them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, Date, DateTime, Index, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Keyed


class ProgrammeRun(Keyed, Base):
    """One answer of an integer programme: the acts with their reasons, and the proof of how good the list is."""

    __tablename__ = "programme_run"
    __table_args__ = (
        CheckConstraint("kind IN ('towers', 'poles', 'ducts', 'new_sites')", name="kind"),
        CheckConstraint("target >= 0 AND target <= 100", name="target"),
        CheckConstraint(
            "status IN ('optimal', 'time_limit', 'infeasible', 'no_solution', 'already_met')", name="status"
        ),
        CheckConstraint("gap >= 0", name="gap"),
        CheckConstraint("cost_vnd >= 0", name="cost_vnd"),
        CheckConstraint("seconds >= 0", name="seconds"),
        CheckConstraint("jsonb_typeof(result) = 'object' AND jsonb_typeof(result->'acts') = 'array'", name="result"),
        Index("ix_programme_run_kind", "kind", "id"),
    )

    made_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    kind: Mapped[str]
    target: Mapped[float | None]
    """Percent; null where all villages are the target."""
    as_of: Mapped[dt.date] = mapped_column(Date)
    status: Mapped[str]
    cost_vnd: Mapped[float]
    """Of all acts: the objective."""
    bound_vnd: Mapped[float | None]
    gap: Mapped[float | None]
    seconds: Mapped[float]
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    inputs_sha256: Mapped[str]
    synthetic: Mapped[bool] = mapped_column(server_default="false", default=False)
    result: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """`app.licensing.programme.results.Outcome` as JSON."""
