"""Site → structure → base station → cell, and who occupies which component of whose structure."""

from __future__ import annotations

import datetime as dt

from geoalchemy2 import WKBElement
from sqlalchemy import CheckConstraint, Date, Index, String
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
    no_overlap_bulk,
    on_land,
    reference,
    restricted,
    restricted_index,
)

TECHNOLOGIES = ("2G", "3G", "4G", "5G")
STRUCTURE_KINDS = ("mast", "rooftop", "pole", "street_furniture", "indoor", "house", "container", "other")
COMPONENTS = ("house", "mast", "power")
_IN = "{} IN ({})".format


def _among(column: str, values: tuple[str, ...]) -> str:
    return _IN(column, ", ".join(f"'{v}'" for v in values))


class Site(Keyed, Lived, Located, Sourced, Base):
    """A position or compound (vị trí trạm)."""

    __tablename__ = "site"
    __table_args__ = (
        *lived_checks(),
        *located_checks(),
        *no_overlap_bulk("site", "code", owner="owner_id"),
        restricted_index("site"),
        on_land(),
    )

    code: Mapped[str] = mapped_column(String, index=True)
    name: Mapped[str | None]
    address: Mapped[str | None]
    owner_id: Mapped[int | None] = reference("organisation", nullable=True)
    urban: Mapped[bool | None]
    sharing_offered: Mapped[bool | None]
    """Whether the owner offers the position to others; null is unknown (S4)."""
    restricted: Mapped[bool] = restricted()
    surveyed_on: Mapped[dt.date | None] = mapped_column(Date)
    """Last day its tenants were recorded; null with no tenants means the tenancy is unknown."""
    geom: Mapped[WKBElement] = geometry("POINT")


class Structure(Keyed, Lived, Located, Sourced, Base):
    """A mast, rooftop, house or container at a site; attributes from which A1a…A2c follow."""

    __tablename__ = "structure"
    __table_args__ = (
        *lived_checks(),
        *located_checks(),
        *no_overlap_bulk("structure", "code", owner="owner_id"),
        restricted_index("structure"),
        on_land(),
        CheckConstraint(_among("kind", STRUCTURE_KINDS), name="kind"),
        CheckConstraint("height_m > 0 AND height_m <= 350", name="height_m"),
        CheckConstraint("host_height_m >= 0 AND host_height_m <= 500", name="host_height_m"),
        CheckConstraint("half_width_m > 0 AND half_width_m <= 50", name="half_width_m"),
        CheckConstraint("mounting IN ('ground', 'building', 'post')", name="mounting"),
        CheckConstraint("tenant_capacity >= 0 AND tenant_capacity <= 50", name="tenant_capacity"),
        CheckConstraint("load_capacity_kg >= 0", name="load_capacity_kg"),
    )

    site_id: Mapped[int] = reference("site")
    code: Mapped[str] = mapped_column(String, index=True)
    kind: Mapped[str] = mapped_column(server_default="mast")
    type_code: Mapped[str | None]
    """Declared A1a…A2c; compared with what the attributes say."""
    owner_id: Mapped[int | None] = reference("organisation", nullable=True)
    height_m: Mapped[float | None]
    """Height of the structure itself, without its host."""
    host_height_m: Mapped[float | None]
    half_width_m: Mapped[float | None]
    mounting: Mapped[str | None]
    disguised: Mapped[bool | None]
    tenant_capacity: Mapped[int | None]
    """How many operators it can carry; null is unknown, never free."""
    load_capacity_kg: Mapped[float | None]
    built_on: Mapped[dt.date | None] = mapped_column(Date)
    restricted: Mapped[bool] = restricted()
    geom: Mapped[WKBElement] = geometry("POINT")


class BaseStation(Keyed, Lived, Sourced, Base):
    """The BTS of one operator and one technology at a site."""

    __tablename__ = "base_station"
    __table_args__ = (
        *lived_checks(),
        *no_overlap_bulk("base_station", "code", owner="operator_id"),
        CheckConstraint(_among("technology", TECHNOLOGIES), name="technology"),
    )

    site_id: Mapped[int] = reference("site")
    structure_id: Mapped[int | None] = reference("structure", nullable=True)
    code: Mapped[str] = mapped_column(String, index=True)
    operator_id: Mapped[int] = reference("organisation")
    technology: Mapped[str]


class Cell(Keyed, Lived, Sourced, Base):
    """A sector; an attribute that is null takes the documented default of its technology."""

    __tablename__ = "cell"
    __table_args__ = (
        *lived_checks(),
        *no_overlap_bulk("cell", "code", owner="base_station_id"),
        CheckConstraint("azimuth_deg >= 0 AND azimuth_deg < 360", name="azimuth_deg"),
        CheckConstraint("tilt_deg >= -30 AND tilt_deg <= 60", name="tilt_deg"),
        CheckConstraint("beamwidth_deg > 0 AND beamwidth_deg <= 360", name="beamwidth_deg"),
        CheckConstraint("vertical_beamwidth_deg > 0 AND vertical_beamwidth_deg <= 180", name="vertical_beamwidth_deg"),
        CheckConstraint("frequency_mhz >= 30 AND frequency_mhz <= 6000", name="frequency_mhz"),
        CheckConstraint("bandwidth_mhz > 0 AND bandwidth_mhz <= 400", name="bandwidth_mhz"),
        CheckConstraint("eirp_dbm >= -10 AND eirp_dbm <= 90", name="eirp_dbm"),
        CheckConstraint("antenna_height_m > 0 AND antenna_height_m <= 400", name="antenna_height_m"),
    )

    base_station_id: Mapped[int] = reference("base_station")
    code: Mapped[str] = mapped_column(String, index=True)
    azimuth_deg: Mapped[float | None]
    """Clockwise from true north; null with beamwidth_deg null is omnidirectional."""
    tilt_deg: Mapped[float | None]
    beamwidth_deg: Mapped[float | None]
    vertical_beamwidth_deg: Mapped[float | None]
    frequency_mhz: Mapped[float | None]
    bandwidth_mhz: Mapped[float | None]
    eirp_dbm: Mapped[float | None]
    """At the beam's maximum, total over the channel."""
    antenna_height_m: Mapped[float | None]
    """Above ground, host building included."""


class StructureOccupancy(Keyed, Lived, Sourced, Base):
    """Tenant of one component of a structure, from–to; the owner's own use is a row too."""

    __tablename__ = "structure_occupancy"
    __table_args__ = (
        *lived_checks(),
        *no_overlap_bulk("structure_occupancy", "structure_id", "tenant_id", "component"),
        CheckConstraint(_among("component", COMPONENTS), name="component"),
        CheckConstraint("price_vnd_month >= 0", name="price_vnd_month"),
        CheckConstraint("load_kg >= 0 AND load_kg <= 100000", name="load_kg"),
        Index("ix_structure_occupancy_structure_id_tenant_id", "structure_id", "tenant_id"),
    )

    structure_id: Mapped[int] = reference("structure")
    tenant_id: Mapped[int] = reference("organisation")
    component: Mapped[str] = mapped_column(server_default="mast")
    contract: Mapped[str | None]
    price_vnd_month: Mapped[float | None]
    load_kg: Mapped[float | None]
    """Of the tenant's equipment on the structure; null is unknown."""
