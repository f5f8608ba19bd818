"""Commune offices, parks, schools and essential infrastructure, and the lines that serve them."""

from __future__ import annotations

from geoalchemy2 import WKBElement
from sqlalchemy import CheckConstraint, String
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
    on_land,
    reference,
    restricted,
    restricted_index,
)

KINDS = ("commune_office", "agency", "high_tech_park", "it_park", "rd_centre", "industrial_zone", "school", "clinic",
         "essential", "other")  # fmt: skip
_KIND = "kind IN ({})".format(", ".join(f"'{k}'" for k in KINDS))


class Facility(Keyed, Lived, Located, Sourced, Base):
    """A place the plan counts connections of (a6, b9, b10, b11)."""

    __tablename__ = "facility"
    __table_args__ = (
        *lived_checks(),
        *located_checks(),
        no_overlap("facility", "code", owner="restricted::int"),
        restricted_index("facility"),
        on_land(),
        CheckConstraint(_KIND, name="kind"),
    )

    code: Mapped[str] = mapped_column(String, index=True)
    name: Mapped[str]
    kind: Mapped[str]
    unit_id: Mapped[int | None] = reference("unit", nullable=True)
    """The commune when it was recorded; on a day it is the one `app.areas.reforms.unit_on` finds."""
    restricted: Mapped[bool] = restricted()
    geom: Mapped[WKBElement] = geometry("POINT")


class FacilityConnection(Keyed, Lived, Sourced, Base):
    """A line of an operator to a facility."""

    __tablename__ = "facility_connection"
    __table_args__ = (
        *lived_checks(),
        CheckConstraint("service IN ('state_network', 'fibre', 'mobile', 'iot')", name="service"),
        CheckConstraint("bandwidth_mbps > 0", name="bandwidth_mbps"),
    )

    facility_id: Mapped[int] = reference("facility")
    operator_id: Mapped[int | None] = reference("organisation", nullable=True)
    service: Mapped[str]
    bandwidth_mbps: Mapped[float | None]
