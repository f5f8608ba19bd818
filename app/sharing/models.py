"""Frozen sharing ratios: what all definitions gave on a date, as known when they were frozen."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, Date, DateTime, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Keyed

ACTOR = "coalesce(nullif(current_setting('hatang.actor', true), ''), 'role:' || session_user)"


class SharingSnapshot(Keyed, Base):
    """All definitions for the province, its communes and the operators; a trigger refuses every change of a row."""

    __tablename__ = "sharing_snapshot"
    __table_args__ = (
        CheckConstraint("char_length(label) BETWEEN 1 AND 200", name="label"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint(
            "jsonb_typeof(definitions) = 'array' AND jsonb_typeof(inputs) = 'object' "
            "AND jsonb_typeof(results) = 'array'",
            name="documents",
        ),
    )

    label: Mapped[str]
    as_of: Mapped[dt.date] = mapped_column(Date, index=True)
    known_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    frozen_by: Mapped[str] = mapped_column(server_default=text(ACTOR))
    definitions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """Code and version of each."""
    inputs: Mapped[dict[str, str]] = mapped_column(JSONB)
    """SHA-256 of what was read, by kind."""
    results: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    sha256: Mapped[str]
    """Over date, definitions, inputs and results (app.sharing.snapshots)."""
