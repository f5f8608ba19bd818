"""Plan documents, targets, rules, type codes and disclosure: dated rows with a citation, never constants."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Keyed, Lived, lived_checks, no_overlap

_SCHEMA = {"schema": "policy"}


class PlanDocument(Base):
    """A plan or decree that sets targets."""

    __tablename__ = "plan_document"
    __table_args__ = (_SCHEMA,)

    code: Mapped[str] = mapped_column(primary_key=True)
    title_vi: Mapped[str]
    title_en: Mapped[str]
    issued_on: Mapped[dt.date] = mapped_column(Date)


class Target(Keyed, Base):
    """The value an indicator has to reach in a year, by a named document."""

    __tablename__ = "target"
    __table_args__ = (UniqueConstraint("indicator", "document", "year"), _SCHEMA)

    indicator: Mapped[str]
    document: Mapped[str] = mapped_column(ForeignKey("policy.plan_document.code"), index=True)
    year: Mapped[int]
    value: Mapped[float]
    unit: Mapped[str]
    citation: Mapped[str]


class TypeCode(Keyed, Lived, Base):
    """A code of passive infrastructure (A1a…N3) with its wording and source."""

    __tablename__ = "type_code"
    __table_args__ = (*lived_checks(), no_overlap("type_code", "code"), _SCHEMA)

    code: Mapped[str]
    layer: Mapped[str]
    name_vi: Mapped[str]
    name_en: Mapped[str]
    citation: Mapped[str]


class Parameter(Keyed, Lived, Base):
    """A dated rule or preset: coverage rules, technology defaults, distances; `value` is checked where it is used."""

    __tablename__ = "parameter"
    __table_args__ = (
        *lived_checks(),
        no_overlap("parameter", "kind", "name"),
        CheckConstraint("version > 0", name="version"),
        Index("ix_parameter_kind_name", "kind", "name"),
        _SCHEMA,
    )

    kind: Mapped[str]
    """coverage_rule, technology_default, fibre, colocation, antenna_code, …"""
    name: Mapped[str]
    version: Mapped[int] = mapped_column(server_default="1")
    value: Mapped[dict[str, Any]] = mapped_column(JSONB)
    citation: Mapped[str]


class Disclosure(Keyed, Lived, Base):
    """Who is told an attribute of a published layer; see `app.policy.disclosure`."""

    __tablename__ = "disclosure"
    __table_args__ = (
        *lived_checks(),
        no_overlap("disclosure", "layer", "attribute"),
        CheckConstraint("level IN ('public', 'authority', 'owner')", name="level"),
        CheckConstraint("grid_m >= 100 AND grid_m <= 100000", name="grid_m"),
        Index("ix_disclosure_layer", "layer"),
        _SCHEMA,
    )

    layer: Mapped[str]
    attribute: Mapped[str]
    """Name of the property in exports; "geometry" is the position."""
    level: Mapped[str]
    grid_m: Mapped[float | None]
    """Of a geometry: the cells of EPSG:9214 to which everybody else is told the position."""
    citation: Mapped[str]
