"""Declared prices and contracts as they arrive and are answered."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.kit.page import Dated, Day, Paged
from app.licensing.prices.models import MAX_VND

Component = Literal["house", "mast", "power", "duct_bore", "duct_metre", "pole"]
StructureKind = Literal["mast", "rooftop", "pole", "street_furniture", "indoor", "house", "container", "other"]
Per = Literal["slot", "metre", "pole"]
Period = Literal["month", "quarter", "year"]
Code = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9_]{2,30}$")]
Plain = StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")
Label = Annotated[str, Plain]
Vnd = Annotated[float, Field(strict=True, ge=0, le=MAX_VND, allow_inf_nan=False)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PriceIn(_Given):
    """A price an owner declares; what is left out it speaks for altogether."""

    owner: Code | None = Field(None, description="Code; an operator may leave its own out")
    component: Component
    kind: StructureKind | None = Field(None, description="Of structures; every kind when left out")
    type_code: Annotated[str, StringConstraints(max_length=10)] | None = Field(None, description="A1a…, C1…, N1…")
    per: Per = Field(description="slot: one tenant's place or one bore; metre: of one bore; pole")
    period: Period = "month"
    amount_vnd: Vnd = Field(description="For one `per` and one `period`")
    urban: bool | None = Field(None, description="True in towns only, false in the country only")
    commune: Label | None = Field(None, description="In this commune only: code or name; not together with urban")
    valid_from: Day | None = None
    valid_to: Day | None = None
    declared_on: Day
    document: Label = Field(description="The declaration it stands in: number, date, page")


class ItemIn(_Given):
    """One thing a contract covers: exactly one of structure, pole, duct (codes of the lessor's) and street."""

    structure: Label | None = None
    pole: Label | None = None
    duct: Label | None = None
    street: Label | None = Field(None, description="Every pole of the lessor along it")
    component: Component
    slots: Annotated[int, Field(strict=True, ge=1, le=100_000)] | None = Field(
        None, description="Places, bores or poles; null is unknown"
    )
    price_vnd_month: Vnd | None = Field(None, description="For the whole item; null is unknown")


class ContractIn(_Given):
    """A sharing contract; the lessor records it, or the department."""

    number: Label
    lessor: Code
    lessee: Code
    signed_on: Day
    valid_from: Day | None = Field(None, description="Default the day it was signed")
    valid_to: Day | None = None
    document: Label | None = None
    items: Annotated[list[ItemIn], Field(min_length=1, max_length=1000)]


class EndIn(_Given):
    """The first day on which it no longer holds, and why."""

    valid_to: Day
    reason: Label


class PricesQuestion(Dated, Paged):
    """Which page of the prices in force, and whose."""

    owner: Code | None = Field(None, description="Code of the owner")
    component: Component | None = Field(None, description="What is rented")


class ContractsQuestion(Dated, Paged):
    """Which page of the contracts in force, and whose."""

    party: Code | None = Field(None, description="Code of the lessor or lessee")
    number: Label | None = Field(None, description="Number on the paper")


class PriceOut(BaseModel):
    """A declared price."""

    id: int
    owner: str
    owner_name: str
    component: str
    kind: str | None
    type_code: str | None
    per: str
    period: str
    amount_vnd: float
    vnd_month: float = Field(description="The same for one month")
    area: Literal["urban", "rural", "unit", "any"]
    urban: bool | None
    unit: str | None
    unit_name: str | None
    valid_from: dt.date | None
    valid_to: dt.date | None
    declared_on: dt.date
    document: str
    source: str
    synthetic: bool


class Prices(BaseModel):
    """A page of declared prices."""

    prices: list[PriceOut]
    matched: int
    links: list[dict[str, str]]


class ItemOut(BaseModel):
    """One thing a contract covers; `code` is null for a party that cannot see the object itself."""

    id: int
    object: Literal["structure", "pole", "duct", "street"]
    code: str | None
    component: str
    slots: int | None
    price_vnd_month: float | None
    occupancies: list[int] = Field(description="Occupancies of the lessee that name this contract")
    synthetic: bool


class ContractOut(BaseModel):
    """A contract and what it covers."""

    id: int
    number: str
    lessor: str
    lessee: str
    signed_on: dt.date
    valid_from: dt.date | None
    valid_to: dt.date | None
    document: str | None
    source: str
    synthetic: bool
    items: list[ItemOut]


class Contracts(BaseModel):
    """A page of contracts, newest first."""

    contracts: list[ContractOut]
    matched: int
    links: list[dict[str, str]]


class FiguresOut(BaseModel):
    """VND a month for one `per`; null where the caller is not told."""

    count: int | None
    owners: int
    least: float | None
    q1: float
    median: float
    q3: float
    greatest: float | None


class AgainstListOut(BaseModel):
    """Contracts beside their lessor's list: paid over list."""

    compared: int
    median_ratio: float | None
    above: int
    equal: int
    below: int


class GroupOut(BaseModel):
    """One kind of structure."""

    component: str
    kind: str | None
    type_code: str | None
    area: str
    per: str
    declared: FiguresOut | None
    by_owner: dict[str, FiguresOut] | None
    paid: FiguresOut | None
    against_list: AgainstListOut | None
    unknown: dict[str, int] | None
    withheld: dict[str, str] | None = Field(description="Why nothing is told of this group, or null")
    synthetic: bool


class Comparison(BaseModel):
    """Prices per kind of structure."""

    as_of: dt.date
    groups: list[GroupOut]
    everything: bool = Field(description="The caller reads every price; else figures are blurred or withheld")
    citation: str
    synthetic: bool
