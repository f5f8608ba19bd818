"""Declares and ends prices, records and ends contracts, compares what is asked and paid."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.accounts.access import identity_of
from app.areas.queries import commune
from app.database import is_department, reads_all, say_why, statistics, translated
from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.kit.page import today
from app.licensing.prices import queries
from app.licensing.prices.comparison import WITHHELD, Group, Limits, compare
from app.licensing.prices.models import RentalPrice, SharingContract, SharingContractItem
from app.licensing.prices.schemas import ContractIn, EndIn, ItemIn, PriceIn
from app.organisations.models import Organisation
from app.policy.models import TypeCode
from app.policy.queries import parameter

_LAYER = {"duct_bore": "duct", "duct_metre": "duct", "pole": "pole"}
_OBJECTS = ("structure", "pole", "duct")
# As far as the caller sees: another's object and none at all are the same answer.
_FIND = {
    "structure": "SELECT t.id FROM structure t JOIN site s ON s.id = t.site_id JOIN organisation o"
    " ON o.id = coalesce(t.owner_id, s.owner_id) WHERE t.code = :code AND o.code = :owner"
    " AND registry.in_force(t.valid_from, t.valid_to, :day)",
    "pole": "SELECT p.id FROM pole p JOIN organisation o ON o.id = p.owner_id"
    " WHERE p.code = :code AND o.code = :owner AND registry.in_force(p.valid_from, p.valid_to, :day)",
    "duct": "SELECT d.id FROM duct d JOIN organisation o ON o.id = d.owner_id"
    " WHERE d.code = :code AND o.code = :owner AND registry.in_force(d.valid_from, d.valid_to, :day)",
}


def declare(session: Session, given: PriceIn) -> int:
    """Record a declared price and return its id; the caller commits.

    Raises
    ------
    Invalid
        Unknown organisation, type code or commune, or values the database refuses (`out_of_range`).
    Conflict
        `overlapping_validity`: the owner has a price for the same on one of these days.
    Forbidden
        `not_yours`.
    """
    owner = organisation(session, _owner(session, given.owner), "owner")
    if given.type_code is not None:
        _check_type_code(session, given.component, given.type_code, given.declared_on)
    unit = None if given.commune is None else commune(session, given.commune, given.valid_from or given.declared_on)
    row = RentalPrice(
        **given.model_dump(exclude={"owner", "commune"}), owner_id=owner, unit_id=None if unit is None else unit.id,
        source="declared",
    )  # fmt: skip
    with translated(), session.begin_nested():
        session.add(row)
        session.flush()
    return row.id


def end_price(session: Session, price_id: int, given: EndIn) -> None:
    """End a price: it no longer holds on `valid_to`.

    Raises
    ------
    NotFound
        `unknown_price`: none of that number, or not for the caller to see.
    Conflict
        `already_ended`.
    """
    row = session.get(RentalPrice, price_id)
    if row is None:
        raise unknown_price(price_id)
    _end(session, row, given)


def record(session: Session, given: ContractIn) -> int:
    """Record a contract with its items and return its id; the caller commits.

    Raises
    ------
    Invalid
        `unknown_organisation`, `unknown_object` (none of the lessor's on that day), `one_object`, `one_party`.
    Conflict
        `overlapping_validity`: the lessor has a contract of this number.
    Forbidden
        `not_yours`.
    """
    lessor, lessee = (organisation(session, code, name) for code, name in ((given.lessor, "lessor"),
                                                                          (given.lessee, "lessee")))  # fmt: skip
    start = given.valid_from or given.signed_on
    row = SharingContract(
        number=given.number, lessor_id=lessor, lessee_id=lessee, signed_on=given.signed_on, valid_from=start,
        valid_to=given.valid_to, document=given.document, source="declared",
    )  # fmt: skip
    with translated(), session.begin_nested():
        session.add(row)
        session.flush()
        session.add_all(
            SharingContractItem(contract_id=row.id, **_item(session, item, given.lessor.upper(), start, i))
            for i, item in enumerate(given.items)
        )
        session.flush()
    return row.id


def end_contract(session: Session, contract_id: int, given: EndIn) -> None:
    """End a contract.

    Raises
    ------
    NotFound
        `unknown_contract`.
    Conflict
        `already_ended`.
    """
    row = session.get(SharingContract, contract_id)
    if row is None:
        raise unknown_contract(contract_id)
    _end(session, row, given)


def comparison(session: Session, as_of: dt.date) -> dict[str, Any]:
    """Return the prices in force per kind of structure, as much as the caller is told."""
    everything = reads_all(session)
    rule = parameter(session, "prices", "comparison", as_of)
    limits = Limits(rule.value["min_declarers"], rule.value["digits"])
    with statistics(session):
        groups = compare(queries.declared(session, as_of), queries.paid(session, as_of), limits, everything=everything)
    return {
        "as_of": as_of,
        "groups": [_plain(group) for group in groups],
        "everything": everything,
        "citation": rule.citation,
        "synthetic": any(group.synthetic for group in groups),
    }


def _plain(group: Group) -> dict[str, Any]:
    plain = asdict(group)
    del plain["key"]
    return group.key._asdict() | plain | {"withheld": WITHHELD if group.withheld else None}


def organisation(session: Session, code: str, field: str) -> int:
    """Return the id of the newest row of an organisation.

    Raises
    ------
    Invalid
        `unknown_organisation`.
    """
    newest = Organisation.valid_to.desc().nulls_first()
    found = session.scalar(select(Organisation.id).where(Organisation.code == code.upper()).order_by(newest).limit(1))
    if found is None:
        raise Invalid("unknown_organisation", f"Không có tổ chức {code[:40]!r}",
                      f"There is no organisation {code[:40]!r}", field=field)  # fmt: skip
    return found


def _owner(session: Session, wanted: str | None) -> str:
    if wanted is not None:
        return wanted
    own = () if is_department(session) else identity_of(session).organisations
    if len(own) != 1:
        raise Invalid("owner_needed", "Giá của tổ chức nào?", "Whose price is it?", field="owner")
    return own[0]


def _check_type_code(session: Session, component: str, wanted: str, day: dt.date) -> None:
    layer = _LAYER.get(component, "structure")
    in_force = func.registry.in_force(TypeCode.valid_from, TypeCode.valid_to, day)
    known = set(session.scalars(select(TypeCode.code).where(TypeCode.layer == layer, in_force)))
    if wanted not in known:
        listed = ", ".join(sorted(known))
        raise Invalid("unknown_type_code", f"Không có mã loại {wanted!r}; chọn trong {listed}",
                      f"There is no type code {wanted!r}; choose from {listed}", field="type_code")  # fmt: skip


def _item(session: Session, item: ItemIn, lessor: str, day: dt.date, index: int) -> dict[str, Any]:
    named = [name for name in (*_OBJECTS, "street") if getattr(item, name) is not None]
    field = f"items.{index}"
    if len(named) != 1:
        raise Invalid("one_object", "Mỗi mục có đúng một trong: structure, pole, duct, street",
                      "An item has exactly one of structure, pole, duct, street", field=field)  # fmt: skip
    name, code = named[0], getattr(item, named[0])
    values = item.model_dump(include={"component", "slots", "price_vnd_month"}) | {"source": "declared"}
    if name == "street":
        return values | {"street": code}
    found = session.scalar(text(_FIND[name]), {"code": code, "owner": lessor, "day": day})
    if found is None:
        raise Invalid("unknown_object", f"Bên cho thuê không có {code!r} vào {day}",
                      f"The lessor has no {code!r} on {day}", field=f"{field}.{name}")  # fmt: skip
    return values | {f"{name}_id": found}


def _end(session: Session, row: RentalPrice | SharingContract, given: EndIn) -> None:
    # One that ends some day may end sooner, never later.
    if row.valid_to is not None and row.valid_to <= max(today(), given.valid_to):
        raise Conflict("already_ended", f"Hiệu lực chỉ đến {row.valid_to:%d/%m/%Y}", f"It ends on {row.valid_to}",
                       field="valid_to")  # fmt: skip
    owner = row.owner_id if isinstance(row, RentalPrice) else row.lessor_id
    # The policy would let an update of another's row touch nothing, without a word.
    own = session.scalar(text("SELECT registry.is_department() OR :id = ANY (registry.my_organisations())"),
                         {"id": owner})  # fmt: skip
    if not own:
        raise Forbidden("not_yours", "Chỉ chủ sở hữu hoặc cơ quan quản lý được kết thúc",
                        "Only its owner or the department ends it")  # fmt: skip
    say_why(session, given.reason)
    with translated(), session.begin_nested():
        row.valid_to = given.valid_to
        session.flush()


def unknown_price(price_id: int) -> NotFound:
    """Return the refusal of a price nobody declared, or not for the caller to see."""
    return NotFound("unknown_price", f"Không có giá số {price_id}", f"There is no price {price_id}", field="price_id")


def unknown_contract(contract_id: int) -> NotFound:
    """Return the refusal of a contract nobody recorded, or not for the caller to see."""
    return NotFound("unknown_contract", f"Không có hợp đồng số {contract_id}", f"There is no contract {contract_id}",
                    field="contract_id")  # fmt: skip
