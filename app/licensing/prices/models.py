"""Declared rental prices and sharing contracts: what owners ask, and what was agreed."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Keyed, Lived, Sourced, lived_checks, no_overlap, reference
from app.sites.models import STRUCTURE_KINDS

COMPONENTS = ("house", "mast", "power", "duct_bore", "duct_metre", "pole")
"""What is rented: a place in the house, on the mast, power; a bore, a metre of duct, a place on a pole."""
PER = ("slot", "metre", "pole")
"""What one price is for: one tenant's place (of a duct: one bore), one metre (of one bore), one pole."""
PERIOD_MONTHS = {"month": 1, "quarter": 3, "year": 12}
MAX_VND = 1e12
_IN = "{} IN ({})".format
_PER = (
    "CASE component WHEN 'duct_bore' THEN per IN ('slot', 'metre') WHEN 'duct_metre' THEN per = 'metre' "
    "WHEN 'pole' THEN per IN ('pole', 'slot') ELSE per = 'slot' END"
)


def _among(column: str, values: tuple[str, ...]) -> str:
    return _IN(column, ", ".join(f"'{v}'" for v in values))


class RentalPrice(Keyed, Lived, Sourced, Base):
    """A price an owner declared; the more of kind, type code and place is null, the more it speaks for."""

    __tablename__ = "rental_price"
    __table_args__ = (
        *lived_checks(),
        ExcludeConstraint(
            ("owner_id", "="),
            ("component", "="),
            ("per", "="),
            (text("coalesce(kind, '')"), "="),
            (text("coalesce(type_code, '')"), "="),
            (text("coalesce(urban::integer, -1)"), "="),
            (text("coalesce(unit_id, 0)"), "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_rental_price_validity",
        ),
        CheckConstraint(_among("component", COMPONENTS), name="component"),
        CheckConstraint(_among("per", PER), name="per"),
        CheckConstraint(_PER, name="per_of_component"),
        CheckConstraint(_among("period", tuple(PERIOD_MONTHS)), name="period"),
        CheckConstraint(_among("kind", STRUCTURE_KINDS), name="kind"),
        CheckConstraint("kind IS NULL OR component IN ('house', 'mast', 'power')", name="kind_of_structure"),
        CheckConstraint(f"amount_vnd >= 0 AND amount_vnd <= {MAX_VND:.0f}", name="amount_vnd"),
        CheckConstraint("num_nonnulls(urban, unit_id) <= 1", name="one_place"),
        CheckConstraint("btrim(document) <> ''", name="document"),
    )

    owner_id: Mapped[int] = reference("organisation")
    component: Mapped[str]
    kind: Mapped[str | None]
    """Kind of structure; null is every kind."""
    type_code: Mapped[str | None]
    """A1a…A2c, C1…, N1…; null is every code."""
    per: Mapped[str]
    period: Mapped[str] = mapped_column(server_default="month")
    amount_vnd: Mapped[float]
    """For one `per` and one `period`, as declared; taxes as the document has them."""
    urban: Mapped[bool | None]
    """True in towns only, false in the country only; null everywhere."""
    unit_id: Mapped[int | None] = reference("unit", nullable=True)
    """In this unit only; not together with `urban`."""
    declared_on: Mapped[dt.date] = mapped_column(Date)
    document: Mapped[str]
    """The declaration it stands in: number, date, page."""


class SharingContract(Keyed, Lived, Sourced, Base):
    """An agreement by which a lessor lets a lessee share what it owns."""

    __tablename__ = "sharing_contract"
    __table_args__ = (
        *lived_checks(),
        no_overlap("sharing_contract", "number", owner="lessor_id"),
        CheckConstraint("lessor_id <> lessee_id", name="two_parties"),
        CheckConstraint("btrim(number) <> ''", name="number"),
    )

    number: Mapped[str] = mapped_column(String, index=True)
    """As on the paper; structure_occupancy.contract names it."""
    lessor_id: Mapped[int] = reference("organisation")
    lessee_id: Mapped[int] = reference("organisation")
    signed_on: Mapped[dt.date] = mapped_column(Date)
    document: Mapped[str | None]


class SharingContractItem(Keyed, Sourced, Base):
    """One thing a contract covers: a structure, a pole, the poles of a street, or a duct."""

    __tablename__ = "sharing_contract_item"
    __table_args__ = (
        CheckConstraint("num_nonnulls(structure_id, pole_id, duct_id, street) = 1", name="one_object"),
        CheckConstraint(
            "CASE WHEN structure_id IS NOT NULL THEN component IN ('house', 'mast', 'power') "
            "WHEN duct_id IS NOT NULL THEN component IN ('duct_bore', 'duct_metre') ELSE component = 'pole' END",
            name="component_of_object",
        ),
        CheckConstraint("slots > 0 AND slots <= 100000", name="slots"),
        CheckConstraint(f"price_vnd_month >= 0 AND price_vnd_month <= {MAX_VND:.0f}", name="price_vnd_month"),
        CheckConstraint("btrim(street) <> ''", name="street"),
        Index(
            "uq_sharing_contract_item_object",
            "contract_id",
            "component",
            "structure_id",
            "pole_id",
            "duct_id",
            "street",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    contract_id: Mapped[int] = mapped_column(ForeignKey("registry.sharing_contract.id"), index=True)
    structure_id: Mapped[int | None] = reference("structure", nullable=True)
    pole_id: Mapped[int | None] = reference("pole", nullable=True)
    duct_id: Mapped[int | None] = reference("duct", nullable=True)
    street: Mapped[str | None]
    """Every pole of the lessor along it; `slots` says how many poles."""
    component: Mapped[str]
    slots: Mapped[int | None]
    """Places, bores or poles; null is unknown, never one."""
    price_vnd_month: Mapped[float | None]
    """For the whole item; null is unknown."""
