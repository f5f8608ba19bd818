"""Reads of declared prices and contracts; row-level security decides whose."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from app.licensing.prices.comparison import Area, Declared, Key, Paid

_MONTHS = "CASE r.period WHEN 'year' THEN 12 WHEN 'quarter' THEN 3 ELSE 1 END"
_AREA = (
    "CASE WHEN r.unit_id IS NOT NULL THEN 'unit' WHEN r.urban THEN 'urban' WHEN NOT r.urban THEN 'rural' ELSE 'any' END"
)
# The owner's declared price for one thing `x` (component, kind, type_code, urban, geom, owner): the most particular
# one that fits. A thing whose side is unknown fits prices for everywhere only.
_BEST = f"""
    LEFT JOIN LATERAL (
        SELECT r.id, r.per, r.kind, r.type_code, {_AREA} AS area, r.amount_vnd / {_MONTHS} AS vnd_month,
               r.document, r.declared_on, r.synthetic
        FROM rental_price r JOIN organisation o ON o.id = r.owner_id
        WHERE o.code = x.owner AND r.component = x.component AND registry.in_force(r.valid_from, r.valid_to, :as_of)
          AND (r.kind IS NULL OR r.kind = x.kind) AND (r.type_code IS NULL OR r.type_code = x.type_code)
          AND (r.urban IS NULL OR r.urban = x.urban)
          AND (r.unit_id IS NULL OR EXISTS (
              SELECT FROM unit_part u
              WHERE u.unit_id = r.unit_id AND u.geom && x.geom AND ST_Intersects(u.geom, x.geom)))
        ORDER BY r.unit_id IS NULL, r.type_code IS NULL, r.kind IS NULL, r.urban IS NULL, r.per, r.id LIMIT 1
    ) l ON true
"""  # noqa: S608 — only the expressions above
_PRICES = f"""
    SELECT r.id, o.code AS owner, o.name AS owner_name, r.component, r.kind, r.type_code, r.per, r.period, r.amount_vnd,
           r.amount_vnd / {_MONTHS} AS vnd_month, r.urban, u.code AS unit, u.name AS unit_name, {_AREA} AS area,
           r.valid_from, r.valid_to, r.declared_on, r.document, r.source, r.synthetic, count(*) OVER () AS matched
    FROM rental_price r JOIN organisation o ON o.id = r.owner_id LEFT JOIN unit u ON u.id = r.unit_id
    WHERE (CAST(:id AS bigint) IS NOT NULL OR registry.in_force(r.valid_from, r.valid_to, :as_of))
      AND (CAST(:id AS bigint) IS NULL OR r.id = :id)
      AND (CAST(:owner AS text) IS NULL OR o.code = :owner)
      AND (CAST(:component AS text) IS NULL OR r.component = :component)
    ORDER BY o.code, r.component, r.kind, r.type_code, area, r.per, r.id LIMIT :limit OFFSET :offset
"""  # noqa: S608
_CONTRACTS = """
    SELECT c.id, c.number, a.code AS lessor, b.code AS lessee, c.signed_on, c.valid_from, c.valid_to, c.document,
           c.source, c.synthetic, count(*) OVER () AS matched
    FROM sharing_contract c JOIN organisation a ON a.id = c.lessor_id JOIN organisation b ON b.id = c.lessee_id
    WHERE (CAST(:id AS bigint) IS NOT NULL OR registry.in_force(c.valid_from, c.valid_to, :as_of))
      AND (CAST(:id AS bigint) IS NULL OR c.id = :id)
      AND (CAST(:party AS text) IS NULL OR :party IN (a.code, b.code))
      AND (CAST(:number AS text) IS NULL OR c.number = :number)
    ORDER BY c.signed_on DESC, c.number, c.id LIMIT :limit OFFSET :offset
"""
_ITEMS = """
    SELECT i.id, i.contract_id, CASE WHEN i.structure_id IS NOT NULL THEN 'structure' WHEN i.pole_id IS NOT NULL
           THEN 'pole' WHEN i.duct_id IS NOT NULL THEN 'duct' ELSE 'street' END AS object,
           coalesce(t.code, p.code, d.code, i.street) AS code, i.component, i.slots, i.price_vnd_month, i.synthetic,
           ARRAY(SELECT x.id FROM structure_occupancy x JOIN organisation n ON n.id = x.tenant_id
                 WHERE x.structure_id = i.structure_id AND x.component = i.component AND x.contract = c.number
                   AND n.code = b.code ORDER BY x.id) AS occupancies
    FROM sharing_contract_item i JOIN sharing_contract c ON c.id = i.contract_id
    JOIN organisation b ON b.id = c.lessee_id
    LEFT JOIN structure t ON t.id = i.structure_id LEFT JOIN pole p ON p.id = i.pole_id
    LEFT JOIN duct d ON d.id = i.duct_id
    WHERE i.contract_id = ANY (:contracts) ORDER BY i.id
"""
_COVERED = """
    SELECT i.component, i.slots, i.price_vnd_month, i.structure_id, a.code AS owner, t.kind,
           coalesce(t.type_code, p.type_code, d.type_code) AS type_code, s.urban, d.length_m,
           coalesce(t.geom, p.geom, d.geom) AS geom, i.synthetic OR c.synthetic AS synthetic
    FROM sharing_contract_item i JOIN sharing_contract c ON c.id = i.contract_id
    JOIN organisation a ON a.id = c.lessor_id
    LEFT JOIN structure t ON t.id = i.structure_id LEFT JOIN site s ON s.id = t.site_id
    LEFT JOIN pole p ON p.id = i.pole_id LEFT JOIN duct d ON d.id = i.duct_id
    WHERE registry.in_force(c.valid_from, c.valid_to, :as_of)
"""
_PAID = f"""
    SELECT x.component, x.kind, x.type_code, x.urban, x.owner, x.slots, x.price_vnd_month, x.length_m, x.synthetic,
           l.per, l.kind AS list_kind, l.type_code AS list_type_code, l.area, l.vnd_month AS list_vnd_month
    FROM ({_COVERED}) x {_BEST}
"""  # noqa: S608
_FOR_STRUCTURES = f"""
    SELECT x.structure_id, x.component, l.vnd_month, l.per, l.document, l.declared_on, l.synthetic,
           paid.contracts, paid.low, paid.high
    FROM (SELECT t.id AS structure_id, component, t.kind, t.type_code, s.urban, t.geom, o.code AS owner
          FROM structure t JOIN site s ON s.id = t.site_id
          LEFT JOIN organisation o ON o.id = coalesce(t.owner_id, s.owner_id)
          CROSS JOIN unnest(ARRAY['house', 'mast', 'power']) AS component
          WHERE t.id = ANY (:ids)) x {_BEST}
    LEFT JOIN (SELECT i.structure_id, i.component, count(*) AS contracts, min(i.price_vnd_month / i.slots) AS low,
                      max(i.price_vnd_month / i.slots) AS high
               FROM sharing_contract_item i JOIN sharing_contract c ON c.id = i.contract_id
               WHERE i.structure_id = ANY (:ids) AND registry.in_force(c.valid_from, c.valid_to, :as_of)
               GROUP BY i.structure_id, i.component) paid USING (structure_id, component)
    WHERE l.id IS NOT NULL OR paid.contracts IS NOT NULL ORDER BY x.structure_id, x.component
"""  # noqa: S608
_DEFAULT_PER = {"pole": "pole", "duct_bore": "metre", "duct_metre": "metre"}


@dataclass(frozen=True)
class ComponentPrice:
    """What a place on one component of a structure costs, VND a month for one tenant; null is unknown.

    `contracts` are those in force that the caller reads, `low` and `high` what they pay.
    """

    component: str
    declared_vnd_month: float | None
    document: str | None
    declared_on: dt.date | None
    contracts: int
    low_vnd_month: float | None
    high_vnd_month: float | None
    synthetic: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the price as JSON has it."""
        return {
            "component": self.component,
            "declared_vnd_month": self.declared_vnd_month,
            "document": self.document,
            "declared_on": self.declared_on.isoformat() if self.declared_on else None,
            "contracts": self.contracts,
            "paid_vnd_month": None if self.low_vnd_month is None else [self.low_vnd_month, self.high_vnd_month],
            "synthetic": self.synthetic,
        }


def price_for(
    session: Session, structure_ids: Collection[int], as_of: dt.date
) -> dict[int, tuple[ComponentPrice, ...]]:
    """Return structure id → prices of its components, declared and by contract, in one statement.

    A structure nobody declared a price for, and that no contract covers, is missing from the answer.
    """
    if not structure_ids:
        return {}
    rows = session.execute(text(_FOR_STRUCTURES), {"ids": list(structure_ids), "as_of": as_of}).mappings()
    found: dict[int, list[ComponentPrice]] = defaultdict(list)
    for row in rows:
        found[row["structure_id"]].append(
            ComponentPrice(row["component"], row["vnd_month"], row["document"], row["declared_on"],
                           row["contracts"] or 0, row["low"], row["high"], bool(row["synthetic"]))
        )  # fmt: skip
    return {structure: tuple(prices) for structure, prices in found.items()}


def prices(
    session: Session, as_of: dt.date, *, owner: str | None = None, component: str | None = None, limit: int = 100,
    offset: int = 0, price_id: int | None = None,
) -> tuple[list[dict[str, Any]], int]:  # fmt: skip
    """Return one page of the prices in force, and how many there are; with `price_id` that one, whenever it holds."""
    values = {"as_of": as_of, "owner": owner, "component": component, "limit": limit, "offset": offset, "id": price_id}
    return _page(session, _PRICES, values)


def contracts(
    session: Session, as_of: dt.date, *, party: str | None = None, number: str | None = None, limit: int = 100,
    offset: int = 0, contract_id: int | None = None,
) -> tuple[list[dict[str, Any]], int]:  # fmt: skip
    """Return one page of the contracts in force with their items; with `contract_id` that one, whenever it holds."""
    values = {"as_of": as_of, "party": party, "number": number, "limit": limit, "offset": offset, "id": contract_id}
    found, matched = _page(session, _CONTRACTS, values)
    items: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in session.execute(text(_ITEMS), {"contracts": [c["id"] for c in found]}).mappings():
        items[row["contract_id"]].append({k: v for k, v in row.items() if k != "contract_id"})
    return [c | {"items": items[c["id"]]} for c in found], matched


def _page(session: Session, query: str, values: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    rows = session.execute(text(query), values).mappings().all()
    if not rows and values["offset"]:  # beyond the last page: how many there are is still told
        return [], _page(session, query, values | {"offset": 0, "limit": 1})[1]
    matched = rows[0]["matched"] if rows else 0
    return [{k: v for k, v in row.items() if k != "matched"} for row in rows], matched


def declared(session: Session, as_of: dt.date) -> list[Declared]:
    """Return the declared prices in force that the caller reads, per month."""
    rows, _ = prices(session, as_of, limit=1_000_000)
    return [
        Declared(Key(r["component"], r["kind"], r["type_code"], r["area"], r["per"]), r["owner"], r["vnd_month"],
                 r["synthetic"])
        for r in rows
    ]  # fmt: skip


def paid(session: Session, as_of: dt.date) -> list[Paid]:
    """Return the items of contracts in force that the caller reads, beside their lessor's list price."""
    return [_paid(row) for row in session.execute(text(_PAID), {"as_of": as_of}).mappings()]


def _paid(row: RowMapping) -> Paid:
    per = row["per"] or _DEFAULT_PER.get(row["component"], "slot")
    quantity = row["slots"]
    if per == "metre" and quantity is not None:
        quantity = None if row["length_m"] is None else quantity * row["length_m"]
    if row["list_vnd_month"] is None:
        area: Area = "any" if row["urban"] is None else "urban" if row["urban"] else "rural"
        key = Key(row["component"], row["kind"], row["type_code"], area, per)
    else:
        key = Key(row["component"], row["list_kind"], row["list_type_code"], row["area"], per)
    return Paid(key, row["owner"], row["price_vnd_month"], quantity, row["list_vnd_month"], row["synthetic"])
