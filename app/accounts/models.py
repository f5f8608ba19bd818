"""What happened in the registry, and who looked: written by the database itself, read here."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, DateTime, Index, String, func
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Keyed

_AUDIT = {"schema": "audit"}


class Change(Keyed, Base):
    """One change of one row, by the trigger audit.record that no code path avoids."""

    __tablename__ = "change"
    __table_args__ = (
        CheckConstraint("operation IN ('insert', 'update', 'remove')", name="operation"),
        CheckConstraint(
            "(operation = 'insert') = (before IS NULL) AND (operation = 'remove') = (after IS NULL)",
            name="before_after",
        ),
        Index("ix_change_row_id", "row_id", "table_name"),
        Index("ix_change_at", "at", postgresql_using="brin"),
        _AUDIT,
    )

    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    row_id: Mapped[int] = mapped_column(BigInteger)
    organisation_id: Mapped[int | None] = mapped_column(BigInteger)
    """Owner, operator or tenant after the change, else before it."""
    table_name: Mapped[str] = mapped_column(String)
    """With its schema: registry.pole."""
    operation: Mapped[str]
    actor: Mapped[str]
    """user:7, system:root, or role:… of a connection that said nothing."""
    reason: Mapped[str | None]
    batch: Mapped[str | None]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Geometries as hex EWKB. JSON and not JSONB: half a million of these are written with one load, few are read."""
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class ViewLog(Keyed, Base):
    """Who looked at restricted objects or at another organisation's network; again within ten minutes is one look."""

    __tablename__ = "view_log"
    __table_args__ = (Index("ix_view_log_actor_at", "actor", "at"), _AUDIT)

    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    actor: Mapped[str]
    action: Mapped[str]
    layer: Mapped[str]
    object_id: Mapped[int | None] = mapped_column(BigInteger)
    restricted: Mapped[bool]
