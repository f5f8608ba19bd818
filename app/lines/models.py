"""Poles, manholes, ducts, bores, cables, distribution points, and who occupies them."""

from __future__ import annotations

import datetime as dt

from geoalchemy2 import WKBElement
from sqlalchemy import CheckConstraint, Computed, Date, Float, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.database import (
    Base,
    Keyed,
    Lived,
    Located,
    Sourced,
    geometry,
    lived_checks,
    located_checks,
    no_overlap,
    no_overlap_bulk,
    on_land,
    reference,
    restricted,
    restricted_index,
)

SERVICES = ("telecom", "power", "lighting", "other")
_SERVICE = "service IN ({})".format(", ".join(f"'{s}'" for s in SERVICES))
_LENGTH = "ST_Length(geom::geography)"


class Pole(Keyed, Lived, Located, Sourced, Base):
    """A pole that carries cables (cột treo cáp)."""

    __tablename__ = "pole"
    __table_args__ = (
        *lived_checks(),
        *located_checks(),
        *no_overlap_bulk("pole", "code", owner="owner_id"),
        restricted_index("pole"),
        on_land(),
        CheckConstraint("height_m > 0 AND height_m <= 60", name="height_m"),
        CheckConstraint("cable_capacity >= 0 AND cable_capacity <= 200", name="cable_capacity"),
    )

    code: Mapped[str] = mapped_column(String, index=True)
    owner_id: Mapped[int | None] = reference("organisation", nullable=True)
    type_code: Mapped[str | None]
    """C1 telecom only, C2 shared with other sectors."""
    material: Mapped[str | None]
    height_m: Mapped[float | None]
    cable_capacity: Mapped[int | None]
    street: Mapped[str | None]
    surveyed_on: Mapped[dt.date | None] = mapped_column(Date)
    """Last day its lines were recorded; null with no lines means the occupancy is unknown."""
    restricted: Mapped[bool] = restricted()
    geom: Mapped[WKBElement] = geometry("POINT")


class Manhole(Keyed, Lived, Located, Sourced, Base):
    """A cable chamber (bể cáp)."""

    __tablename__ = "manhole"
    __table_args__ = (
        *lived_checks(),
        *located_checks(),
        *no_overlap_bulk("manhole", "code", owner="owner_id"),
        restricted_index("manhole"),
        on_land(),
    )

    code: Mapped[str] = mapped_column(String, index=True)
    owner_id: Mapped[int | None] = reference("organisation", nullable=True)
    kind: Mapped[str | None]
    restricted: Mapped[bool] = restricted()
    geom: Mapped[WKBElement] = geometry("POINT")


class Trench(Keyed, Lived, Sourced, Base):
    """One dig that holds one or more parallel ducts; the ratios count its length once."""

    __tablename__ = "trench"
    __table_args__ = (*lived_checks(), no_overlap("trench", "code"))

    code: Mapped[str] = mapped_column(String, index=True)
    street: Mapped[str | None]


class Duct(Keyed, Lived, Located, Sourced, Base):
    """A duct segment from manhole to manhole (tuyến cống bể)."""

    __tablename__ = "duct"
    __table_args__ = (
        *lived_checks(),
        *located_checks(),
        *no_overlap_bulk("duct", "code", owner="owner_id"),
        restricted_index("duct"),
        on_land(),
        CheckConstraint("from_manhole_id <> to_manhole_id", name="two_manholes"),
        CheckConstraint("bore_count >= 0 AND bore_count <= 200", name="bore_count"),
        CheckConstraint("declared_length_m > 0", name="declared_length_m"),
        CheckConstraint("ST_IsValid(geom)", name="geom_valid"),
    )

    code: Mapped[str] = mapped_column(String, index=True)
    route: Mapped[str | None] = mapped_column(String, index=True)
    street: Mapped[str | None]
    trench_id: Mapped[int | None] = reference("trench", nullable=True)
    from_manhole_id: Mapped[int | None] = reference("manhole", nullable=True)
    to_manhole_id: Mapped[int | None] = reference("manhole", nullable=True)
    owner_id: Mapped[int | None] = reference("organisation", nullable=True)
    type_code: Mapped[str | None]
    """N1 telecom only, N2 shared with other sectors, N3 uncertain."""
    bore_count: Mapped[int | None]
    declared_length_m: Mapped[float | None]
    length_m: Mapped[float] = mapped_column(Float, Computed(_LENGTH, persisted=True))
    """Geodesic, WGS84."""
    surveyed_on: Mapped[dt.date | None] = mapped_column(Date)
    """Last day its occupants were recorded; null with none means unknown."""
    restricted: Mapped[bool] = restricted()
    geom: Mapped[WKBElement] = geometry("LINESTRING")


class Bore(Keyed, Base):
    """One pipe of a duct (ống)."""

    __tablename__ = "bore"
    __table_args__ = (
        UniqueConstraint("duct_id", "number"),
        CheckConstraint("number BETWEEN 1 AND 200", name="number"),
        CheckConstraint("diameter_mm > 0 AND diameter_mm <= 2000", name="diameter_mm"),
    )

    duct_id: Mapped[int] = mapped_column(ForeignKey("registry.duct.id"))
    number: Mapped[int]
    diameter_mm: Mapped[float | None]
    usable: Mapped[bool | None]


class Cable(Keyed, Lived, Sourced, Base):
    """A telecom cable along poles, ducts or trenches."""

    __tablename__ = "cable"
    __table_args__ = (
        *lived_checks(),
        no_overlap("cable", "code", owner="owner_id"),
        restricted_index("cable"),
        on_land(),
        CheckConstraint("fibre_count >= 0 AND fibre_count <= 10000", name="fibre_count"),
        CheckConstraint("medium IN ('fibre', 'copper', 'coaxial')", name="medium"),
        CheckConstraint("laying IN ('aerial', 'duct', 'buried', 'submarine', 'mixed')", name="laying"),
    )

    code: Mapped[str] = mapped_column(String, index=True)
    owner_id: Mapped[int | None] = reference("organisation", nullable=True)
    medium: Mapped[str] = mapped_column(server_default="fibre")
    laying: Mapped[str | None]
    fibre_count: Mapped[int | None]
    length_m: Mapped[float] = mapped_column(Float, Computed(_LENGTH, persisted=True))
    restricted: Mapped[bool] = restricted()
    geom: Mapped[WKBElement] = geometry("MULTILINESTRING")


class DistributionPoint(Keyed, Lived, Located, Sourced, Base):
    """A cabinet or box from which homes are connected (tủ, hộp cáp)."""

    __tablename__ = "distribution_point"
    __table_args__ = (
        *lived_checks(),
        *located_checks(),
        *no_overlap_bulk("distribution_point", "code", owner="operator_id"),
        restricted_index("distribution_point"),
        on_land(),
        CheckConstraint("ports_total >= 0 AND ports_used >= 0 AND ports_used <= ports_total", name="ports"),
        CheckConstraint("serving_distance_m > 0 AND serving_distance_m <= 20000", name="serving_distance_m"),
    )

    code: Mapped[str] = mapped_column(String, index=True)
    operator_id: Mapped[int] = reference("organisation")
    kind: Mapped[str | None]
    ports_total: Mapped[int | None]
    ports_used: Mapped[int | None]
    serving_distance_m: Mapped[float | None]
    """Null takes the dated policy value (500 m)."""
    restricted: Mapped[bool] = restricted()
    geom: Mapped[WKBElement] = geometry("POINT")


class PoleOccupancy(Keyed, Lived, Sourced, Base):
    """An organisation's line on a pole; tenant null is a cable nobody has claimed."""

    __tablename__ = "pole_occupancy"
    __table_args__ = (
        *lived_checks(),
        *no_overlap_bulk("pole_occupancy", "pole_id", "tenant_id", "service"),
        CheckConstraint(_SERVICE, name="service"),
        CheckConstraint("line_count > 0 AND line_count <= 500", name="line_count"),
        Index("ix_pole_occupancy_pole_id_tenant_id", "pole_id", "tenant_id"),
    )

    pole_id: Mapped[int] = reference("pole")
    tenant_id: Mapped[int | None] = reference("organisation", nullable=True)
    service: Mapped[str] = mapped_column(server_default="telecom")
    line_count: Mapped[int | None]


class DuctOccupancy(Keyed, Lived, Sourced, Base):
    """An organisation's cable in a duct, in a given bore when that is known; tenant null is unclaimed."""

    __tablename__ = "duct_occupancy"
    __table_args__ = (
        *lived_checks(),
        *no_overlap_bulk("duct_occupancy", "duct_id", "bore_id", "tenant_id"),
        CheckConstraint(_SERVICE, name="service"),
        Index("ix_duct_occupancy_duct_id_tenant_id", "duct_id", "tenant_id"),
    )

    duct_id: Mapped[int] = reference("duct")
    bore_id: Mapped[int | None] = reference("bore", nullable=True)
    tenant_id: Mapped[int | None] = reference("organisation", nullable=True)
    cable_id: Mapped[int | None] = reference("cable", nullable=True)
    service: Mapped[str] = mapped_column(server_default="telecom")
