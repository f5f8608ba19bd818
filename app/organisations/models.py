"""Operators, owners and agencies."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Computed, String
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Keyed, Lived, Sourced, lived_checks, no_overlap

KINDS = ("operator", "mvno", "tower_company", "electricity", "lighting", "agency", "other")
"""operator: runs a network of its own; mvno and tower_company have no radio of their own."""


class Organisation(Keyed, Lived, Sourced, Base):
    """An organisation that owns, runs, rents or supervises infrastructure."""

    __tablename__ = "organisation"
    __table_args__ = (
        *lived_checks(),
        no_overlap("organisation", "code"),
        CheckConstraint("code ~ '^[A-Z0-9_]{2,30}$'", name="code_format"),
        CheckConstraint("kind IN ({})".format(", ".join(f"'{k}'" for k in KINDS)), name="kind"),
        CheckConstraint("mnc ~ '^[0-9]{3}-[0-9]{2,3}$'", name="mnc_format"),
        CheckConstraint("NOT has_radio OR kind = 'operator'", name="radio_operator"),
    )

    code: Mapped[str] = mapped_column(String, index=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(String, Computed("registry.fold(name)", persisted=True), index=True)
    kind: Mapped[str]
    has_radio: Mapped[bool] = mapped_column(server_default="false")
    """Runs a radio network of its own: counted in k of the BTS sharing ratios."""
    mnc: Mapped[str | None]
    contact: Mapped[str | None]
