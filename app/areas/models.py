"""Administrative units and villages, each with the dates between which they were in force."""

from __future__ import annotations

import datetime as dt

from geoalchemy2 import WKBElement
from sqlalchemy import CheckConstraint, Computed, Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Keyed, Lived, Sourced, geometry, lived_checks, no_overlap, on_land, reference


class UnitLevel(Base):
    """A level of administration (province, district, commune): a row, because levels come and go."""

    __tablename__ = "unit_level"

    code: Mapped[str] = mapped_column(String, primary_key=True)
    rank: Mapped[int] = mapped_column(unique=True)
    name_vi: Mapped[str]
    name_en: Mapped[str]


class Unit(Keyed, Lived, Sourced, Base):
    """An administrative unit; GSO reuses codes, so the key is (level, code, validity)."""

    __tablename__ = "unit"
    __table_args__ = (
        *lived_checks(),
        no_overlap("unit", "level", "code"),
        CheckConstraint("ST_IsValid(geom) AND NOT ST_IsEmpty(geom)", name="geom_valid"),
        CheckConstraint("valid_from IS NOT NULL", name="valid_from_known"),
        CheckConstraint("code ~ '^[0-9A-Za-z._-]{1,20}$'", name="code_format"),
    )

    level: Mapped[str] = mapped_column(ForeignKey("registry.unit_level.code"), index=True)
    code: Mapped[str] = mapped_column(String, index=True)
    name: Mapped[str]
    kind: Mapped[str | None] = mapped_column(comment="phường, xã, quận, huyện, thành phố…")
    name_key: Mapped[str] = mapped_column(String, Computed("registry.fold(name)", persisted=True), index=True)
    parent_id: Mapped[int | None] = reference("unit", nullable=True)
    geom: Mapped[WKBElement | None] = geometry("MULTIPOLYGON", nullable=True)
    centre: Mapped[WKBElement | None] = geometry("POINT", nullable=True)


class UnitPart(Keyed, Base):
    """A unit's polygon cut into small pieces by a trigger: point-in-unit stays fast on 130k vertices."""

    __tablename__ = "unit_part"

    unit_id: Mapped[int] = mapped_column(ForeignKey("registry.unit.id", ondelete="CASCADE"), index=True)
    geom: Mapped[WKBElement] = geometry("POLYGON")


class Village(Keyed, Lived, Sourced, Base):
    """A thôn, bản or tổ dân phố: own identifier (there is no GSO code), polygon when known, always a point."""

    __tablename__ = "village"
    __table_args__ = (
        *lived_checks(),
        no_overlap("village", "code"),
        on_land("point"),
        CheckConstraint("ST_IsValid(geom) AND NOT ST_IsEmpty(geom)", name="geom_valid"),
        CheckConstraint("population >= 0 AND population < 1000000", name="population"),
        CheckConstraint("households >= 0 AND households < 300000", name="households"),
        CheckConstraint("kind IN ('thon', 'ban', 'to_dan_pho')", name="kind"),
    )

    code: Mapped[str] = mapped_column(String, index=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(String, Computed("registry.fold(name)", persisted=True), index=True)
    kind: Mapped[str] = mapped_column(server_default="thon")
    urban: Mapped[bool | None]
    population: Mapped[int | None]
    households: Mapped[int | None]
    point: Mapped[WKBElement] = geometry("POINT")
    """Community house, else the centre of the dwellings."""
    geom: Mapped[WKBElement | None] = geometry("MULTIPOLYGON", nullable=True)


class VillageUnit(Keyed, Lived, Base):
    """Which commune a village belongs to, from–to; it may change while the village stays."""

    __tablename__ = "village_unit"
    __table_args__ = (*lived_checks(), no_overlap("village_unit", "village_id"))

    village_id: Mapped[int] = reference("village")
    unit_id: Mapped[int] = reference("unit")


WHOLE_VILLAGE = " [whole village]"
"""Ends the source of a demand point made from its village; real demand points take its place."""


class DemandPoint(Keyed, Sourced, Base):
    """Where a village's people live: a dwelling cluster with its share of the population."""

    __tablename__ = "demand_point"
    __table_args__ = (
        on_land("point"),
        CheckConstraint("population >= 0", name="population"),
        CheckConstraint("dwellings >= 0", name="dwellings"),
        Index("ix_demand_point_village_id_id", "village_id", "id"),
    )

    village_id: Mapped[int] = mapped_column(ForeignKey("registry.village.id"))
    point: Mapped[WKBElement] = geometry("POINT")
    population: Mapped[float] = mapped_column(server_default="0")
    dwellings: Mapped[int] = mapped_column(server_default="0")


class UnitSuccession(Keyed, Base):
    """Which unit a former one went into at a reform, and which share of it."""

    __tablename__ = "unit_succession"
    __table_args__ = (
        CheckConstraint("share > 0 AND share <= 1", name="share"),
        CheckConstraint("old_unit_id <> new_unit_id", name="two_units"),
        UniqueConstraint("old_unit_id", "new_unit_id", "on_date"),
    )

    old_unit_id: Mapped[int] = reference("unit")
    new_unit_id: Mapped[int] = reference("unit")
    on_date: Mapped[dt.date] = mapped_column(Date)
    share: Mapped[float] = mapped_column(server_default="1")
    citation: Mapped[str] = mapped_column(server_default="")
