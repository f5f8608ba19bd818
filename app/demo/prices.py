"""Synthetic rental prices, and contracts over what tenants use of others' structures, ducts and poles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.demo import store
from app.demo.noise import stream
from app.demo.parameters import label, read
from app.licensing.prices.comparison import per_month

# What somebody uses of another's today, the first few of each pair of organisations by code.
_USED = """
    SELECT * FROM (
        SELECT o.code AS lessor, n.code AS lessee, t.code AS object, greatest(x.valid_from, t.valid_from) AS since,
               coalesce(t.type_code, '') AS type_code, coalesce(s.urban, false) AS urban, NULL::float AS length_m,
               row_number() OVER (PARTITION BY o.code, n.code ORDER BY t.code) AS rank
        FROM registry.structure_occupancy x JOIN registry.structure t ON t.id = x.structure_id
        JOIN registry.site s ON s.id = t.site_id JOIN registry.organisation o ON o.id = coalesce(t.owner_id, s.owner_id)
        JOIN registry.organisation n ON n.id = x.tenant_id
        WHERE o.id <> n.id AND x.component = 'mast' AND x.valid_to IS NULL AND t.valid_to IS NULL
          AND NOT t.restricted AND NOT s.restricted) r WHERE rank <= :objects ORDER BY lessor, lessee, object
"""
_DUCTS = """
    SELECT * FROM (
        SELECT o.code AS lessor, n.code AS lessee, d.code AS object,
               greatest(x.valid_from, d.valid_from) AS since, d.length_m,
               row_number() OVER (PARTITION BY o.code, n.code ORDER BY d.code) AS rank
        FROM registry.duct_occupancy x JOIN registry.duct d ON d.id = x.duct_id
        JOIN registry.organisation o ON o.id = d.owner_id JOIN registry.organisation n ON n.id = x.tenant_id
        WHERE o.id <> n.id AND x.valid_to IS NULL AND d.valid_to IS NULL AND NOT d.restricted
    ) r WHERE rank <= :objects ORDER BY lessor, lessee, object
"""
_STREETS = """
    SELECT DISTINCT ON (o.code, n.code) o.code AS lessor, n.code AS lessee, p.street AS object,
           max(greatest(x.valid_from, p.valid_from)) AS since, count(DISTINCT p.id) AS poles
    FROM registry.pole_occupancy x JOIN registry.pole p ON p.id = x.pole_id
    JOIN registry.organisation o ON o.id = p.owner_id JOIN registry.organisation n ON n.id = x.tenant_id
    WHERE o.id <> n.id AND p.street IS NOT NULL AND x.valid_to IS NULL AND p.valid_to IS NULL AND NOT p.restricted
    GROUP BY o.code, n.code, p.street ORDER BY o.code, n.code, count(DISTINCT p.id) DESC, p.street
"""
_NAME = text("""
    UPDATE registry.structure_occupancy x SET contract = c.number, price_vnd_month = i.price_vnd_month
    FROM registry.sharing_contract_item i JOIN registry.sharing_contract c ON c.id = i.contract_id
    WHERE x.structure_id = i.structure_id AND x.tenant_id = c.lessee_id AND x.component = i.component
      AND x.valid_to IS NULL
""")
Levels = dict[tuple[str, str, str | None, bool | None], float]
"""VND a month by owner, component, type code and side."""
_BY_CODE = {"lessor_id": ("organisation", "code"), "lessee_id": ("organisation", "code")}


def write(session: Session, seed: int) -> dict[str, int]:
    """Insert prices of a few owners, and contracts over part of what is used; return the rows written."""
    rng, drawn, source = stream(seed, "prices"), read("prices"), label(seed)
    rows = _list(rng, drawn)
    level = {
        (r["owner_id"], r["component"], r["type_code"], r["urban"]): per_month(r["amount_vnd"], r["period"])
        for r in rows
    }
    written = {
        "rental_price": store.put(
            session,
            "rental_price",
            {name: [r[name] for r in rows] for name in rows[0]}
            | {"declared_on": np.datetime64(drawn["declared_on"]), "valid_from": np.datetime64(drawn["valid_from"]),
               "document": f"Bản kê khai giá thuê hạ tầng 2025 (SYNTHETIC, seed {seed})"},
            {"owner_id": ("organisation", "code")},
            source=source,
        )
    }  # fmt: skip
    return written | _contracts(session, rng, drawn["contracts"], level, source)


def _list(rng: np.random.Generator, drawn: dict[str, Any]) -> list[dict[str, Any]]:
    wanted = [(owner, spec) for owner in drawn["owners"] for spec in drawn["list"]]
    wanted += [(owner, drawn[name]) for name in ("ducts", "poles") for owner in drawn[name]["owners"]]
    factor = rng.normal(1.0, drawn["spread"], len(wanted)).clip(0.6, 1.5)
    return [
        {
            "owner_id": owner,
            "component": spec["component"],
            "type_code": spec.get("type_code"),
            "urban": spec.get("urban"),
            "per": spec["per"],
            "period": spec.get("period", "month"),
            "amount_vnd": float(round(spec["vnd"] * f, -1 if spec["vnd"] < 1e6 else -4)),
        }
        for (owner, spec), f in zip(wanted, factor, strict=True)
    ]


def _asked(level: Levels, row: Mapping[str, Any], component: str) -> float:
    """Return the lessor's list price for what is let, VNPT's dearest where it has none."""
    wanted = (row["lessor"], component, row.get("type_code"), row.get("urban"))
    for key in (wanted, (*wanted[:3], None), (*wanted[:2], None, None)):
        if key in level:
            return level[key]
    return max(v for (owner, kind, *_), v in level.items() if (owner, kind) == ("VNPT", component))


def _contracts(
    session: Session, rng: np.random.Generator, drawn: dict[str, Any], level: Levels, source: str
) -> dict[str, int]:
    items: dict[str, list[dict[str, Any]]] = {}
    for query, component, column, short in (
        (_USED, "mast", "structure_id", "A"), (_DUCTS, "duct_bore", "duct_id", "N"), (_STREETS, "pole", "street", "C"),
    ):  # fmt: skip
        for row in session.execute(
            text(query), {"objects": drawn["objects"]} if ":objects" in query else {}
        ).mappings():
            number = f"HĐ-{short}/{row['lessor']}-{row['lessee']} (SYNTHETIC)"
            quantity = row.get("length_m") or row.get("poles") or 1
            base = _asked(level, dict(row), component) * quantity
            known = rng.random() >= drawn["price_unknown"]
            paid = round(base * rng.uniform(*drawn["paid"]), -3)
            items.setdefault(number, []).append(
                dict(row) | {"component": component, "column": column, "slots": row.get("poles", 1),
                             "paid": paid if known else None}
            )  # fmt: skip
    if not items:
        return {"sharing_contract": 0, "sharing_contract_item": 0}
    first = [rows[0] for rows in items.values()]
    since = [max(r["since"] for r in rows) for rows in items.values()]
    contracts = store.put(
        session,
        "sharing_contract",
        {"number": list(items), "lessor_id": [r["lessor"] for r in first], "lessee_id": [r["lessee"] for r in first],
         "signed_on": since, "valid_from": since},
        _BY_CODE,
        source=source,
    )  # fmt: skip
    flat = [(number, row) for number, rows in items.items() for row in rows]
    covered = store.put(
        session,
        "sharing_contract_item",
        {
            "contract_id": [number for number, _ in flat],
            "component": [row["component"] for _, row in flat],
            "slots": [row["slots"] for _, row in flat],
            "price_vnd_month": [row["paid"] for _, row in flat],
            **{name: [row["object"] if row["column"] == name else None for _, row in flat]
               for name in ("structure_id", "duct_id", "street")},
        },
        {"contract_id": ("sharing_contract", "number"), "structure_id": ("structure", "code"),
         "duct_id": ("duct", "code")},
        source=source,
    )  # fmt: skip
    session.execute(_NAME)
    return {"sharing_contract": contracts, "sharing_contract_item": covered}
