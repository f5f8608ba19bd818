"""Loads declared prices, and sharing contracts with one row for each thing they cover."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy import BigInteger, Date, Text, text
from sqlalchemy.orm import Session

from app.intake import parsing, references
from app.intake.job import Job, Loader
from app.intake.registry import Staged, add
from app.kit.table import objects
from app.kit.text import fold
from app.licensing.prices.models import RentalPrice

_LAYER = {"duct_bore": "duct", "duct_metre": "duct", "pole": "pole"}
_PER = {"duct_bore": ("slot", "metre"), "duct_metre": ("metre",), "pole": ("pole", "slot")}
_STRUCTURE = ("house", "mast", "power")
_OBJECTS = ("structure", "pole", "duct", "street")
_COMPONENTS = {"structure": _STRUCTURE, "pole": ("pole",), "duct": ("duct_bore", "duct_metre"), "street": ("pole",)}
_SAME_PRICE = """
    a.owner_id = b.owner_id AND a.component = b.component AND a.per = b.per
    AND a.kind IS NOT DISTINCT FROM b.kind AND a.type_code IS NOT DISTINCT FROM b.type_code
    AND a.urban IS NOT DISTINCT FROM b.urban AND a.unit_id IS NOT DISTINCT FROM b.unit_id
    AND daterange(a.valid_from, a.valid_to) && daterange(b.valid_from, b.valid_to)
"""
_LESSORS = """
    SELECT r.i FROM intake_rows r JOIN organisation o ON o.id = r.lessor_id
    WHERE {object} IS NOT NULL AND NOT EXISTS (
        SELECT FROM {table} JOIN organisation w ON w.id = {owner}
        WHERE {same} AND w.code = o.code AND registry.in_force(x.valid_from, x.valid_to, r.starts)) ORDER BY r.i
"""
_FOUND = {
    "structure": (
        "structure x JOIN site s ON s.id = x.site_id",
        "coalesce(x.owner_id, s.owner_id)",
        "x.code = r.structure",
    ),
    "pole": ("pole x", "x.owner_id", "x.code = r.pole"),
    "duct": ("duct x", "x.owner_id", "x.code = r.duct"),
    "street": ("pole x", "x.owner_id", "registry.fold(x.street) = registry.fold(r.street)"),
}


def prepare_prices(job: Job) -> None:
    """Codes of the component's own layer, a `per` that fits, one place; missing columns take their default."""
    _fill(job, "owner_id", "kind", "type_code", "urban", "valid_from", "valid_to", "period")
    job.columns["unit_id"] = _communes(job)
    components = job.get("component").tolist()
    job.columns["type_code"] = _type_codes(job, components)
    per = job.get("per").tolist()
    wrong = [
        c is not None and p is not None and p not in _PER.get(c, ("slot",))
        for c, p in zip(components, per, strict=True)
    ]
    hints = [", ".join(_PER.get(components[i], ("slot",))) for i in np.flatnonzero(wrong)]
    job.findings.add("per_contradicts", job.sheet.label("per"), np.array(wrong, bool), job.get("per"), hints)
    kinds = zip(job.get("kind").tolist(), components, strict=True)
    stray = np.array([k is not None and c is not None and c not in _STRUCTURE for k, c in kinds], bool)
    job.findings.add("kind_needs_structure", job.sheet.label("kind"), stray, job.get("kind"))
    places = zip(job.columns["urban"].tolist(), job.columns["unit_id"].tolist(), strict=True)
    both = np.array([u is not None and c is not None for u, c in places], bool)
    job.findings.add("two_places", job.sheet.label("commune"), both)


def match_prices(job: Job, staged: Staged) -> None:
    """Report rows for which the owner has a price already, in the registry or earlier in the file."""
    known = f"SELECT DISTINCT b.i FROM rental_price a JOIN intake_rows b ON {_SAME_PRICE} ORDER BY b.i"  # noqa: S608
    twice = f"SELECT DISTINCT b.i FROM intake_rows a JOIN intake_rows b ON a.i < b.i AND {_SAME_PRICE} ORDER BY b.i"  # noqa: S608
    label = job.sheet.label("component")
    for query, hint in ((known, "trong sổ | in the registry"), (twice, "trong chính tệp này | in this very file")):
        job.findings.add("priced_twice", label, _indices(job.session, query), job.get("component"), hint)


def write_prices(job: Job, staged: Staged) -> tuple[int, int]:
    """Add the prices; one that changed is ended first, over HTTP, and then declared anew."""
    return add(staged, RentalPrice), 0


def prepare_contracts(job: Job) -> None:
    """Two parties, exactly one object of a kind that fits the component; a contract begins when signed unless told."""
    _fill(job, "lessor_id", "lessee_id", "document", "valid_from", "valid_to", *_OBJECTS, "slots", "price_vnd_month",
          "synthetic")  # fmt: skip
    parties = zip(job.columns["lessor_id"].tolist(), job.columns["lessee_id"].tolist(), strict=True)
    same = np.array([a is not None and a == b for a, b in parties], bool)
    job.findings.add("one_party", job.sheet.label("lessee"), same, job.sheet.cells.get("lessee"))
    given = [tuple(name for name in _OBJECTS if job.columns[name][i] is not None) for i in range(len(job))]
    several = np.array([len(names) != 1 for names in given], bool)
    told = [", ".join(given[i]) or "0" for i in np.flatnonzero(several)]
    job.findings.add("one_object", None, several, hints=told)
    components = job.get("component").tolist()
    wrong = [
        len(n) == 1 and c is not None and c not in _COMPONENTS[n[0]] for n, c in zip(given, components, strict=True)
    ]
    hints = [", ".join(_COMPONENTS[given[i][0]]) for i in np.flatnonzero(wrong)]
    job.findings.add("component_contradicts", job.sheet.label("component"), np.array(wrong, bool),
                     job.get("component"), hints)  # fmt: skip
    starts = zip(job.columns["valid_from"].tolist(), job.get("signed_on").tolist(), strict=True)
    job.columns["starts"] = objects([a or b for a, b in starts])


def match_contracts(job: Job, staged: Staged) -> None:
    """Report objects that are not the lessor's, contracts that are there, and rows of one contract that disagree."""
    for name, (table, owner, same) in _FOUND.items():
        query = _LESSORS.format(object=f"r.{name}", table=table, owner=owner, same=same)
        found = _indices(job.session, query)
        job.findings.add("not_the_lessors", job.sheet.label(name), found, job.columns[name])
    there = """
        SELECT r.i FROM intake_rows r WHERE EXISTS (
            SELECT FROM sharing_contract c WHERE c.number = r.number AND c.lessor_id = r.lessor_id
            AND daterange(c.valid_from, c.valid_to) && daterange(r.starts, r.valid_to)) ORDER BY r.i
    """
    label = job.sheet.label("number")
    job.findings.add("duplicate_in_registry", label, _indices(job.session, there), job.get("number"))
    differ = """
        SELECT r.i FROM intake_rows r JOIN (SELECT number, lessor_id, min(i) AS i FROM intake_rows GROUP BY 1, 2) f
        USING (number, lessor_id) JOIN intake_rows h ON h.i = f.i
        WHERE (r.lessee_id, r.signed_on, r.starts, r.valid_to)
              IS DISTINCT FROM (h.lessee_id, h.signed_on, h.starts, h.valid_to) ORDER BY r.i
    """
    job.findings.add("contract_differs", label, _indices(job.session, differ), job.get("number"))
    twice = """
        SELECT i FROM (SELECT i, row_number() OVER (PARTITION BY number, lessor_id, component, structure, pole, duct,
                       registry.fold(street) ORDER BY i) AS n FROM intake_rows) r WHERE n > 1 ORDER BY i
    """
    job.findings.add("item_twice", label, _indices(job.session, twice), job.get("number"))


def write_contracts(job: Job, staged: Staged) -> tuple[int, int]:
    """Write each contract once, then what it covers; the count is of things covered."""
    values = {"source": staged.source}
    job.session.execute(text(_PUT_CONTRACTS), values)
    done = job.session.execute(text(_PUT_ITEMS), values, execution_options={"preserve_rowcount": True})
    return int(done.rowcount), 0  # type: ignore[attr-defined]


_SOURCE = "CASE WHEN r.synthetic THEN 'SYNTHETIC: ' ELSE '' END || :source"
_PUT_CONTRACTS = f"""
    INSERT INTO registry.sharing_contract
        (number, lessor_id, lessee_id, signed_on, valid_from, valid_to, document, source, synthetic)
    SELECT DISTINCT ON (r.number, r.lessor_id) r.number, r.lessor_id, r.lessee_id, r.signed_on, r.starts, r.valid_to,
           r.document, {_SOURCE}, coalesce(r.synthetic, false)
    FROM intake_rows r ORDER BY r.number, r.lessor_id, r.i
"""  # noqa: S608
_PUT_ITEMS = f"""
    INSERT INTO registry.sharing_contract_item
        (contract_id, structure_id, pole_id, duct_id, street, component, slots, price_vnd_month, source, synthetic)
    SELECT c.id,
           (SELECT min(x.id) FROM structure x JOIN site s ON s.id = x.site_id
            JOIN organisation w ON w.id = coalesce(x.owner_id, s.owner_id)
            WHERE x.code = r.structure AND w.code = o.code AND registry.in_force(x.valid_from, x.valid_to, r.starts)),
           (SELECT min(x.id) FROM pole x JOIN organisation w ON w.id = x.owner_id
            WHERE x.code = r.pole AND w.code = o.code AND registry.in_force(x.valid_from, x.valid_to, r.starts)),
           (SELECT min(x.id) FROM duct x JOIN organisation w ON w.id = x.owner_id
            WHERE x.code = r.duct AND w.code = o.code AND registry.in_force(x.valid_from, x.valid_to, r.starts)),
           r.street, r.component, r.slots, r.price_vnd_month, {_SOURCE}, coalesce(r.synthetic, false)
    FROM intake_rows r JOIN organisation o ON o.id = r.lessor_id
    JOIN sharing_contract c ON c.number = r.number AND c.lessor_id = r.lessor_id AND c.valid_from = r.starts
    ORDER BY r.i
"""  # noqa: S608


def _indices(session: Session, query: str) -> Any:
    return np.array(session.scalars(text(query)).all(), np.int64)


def _fill(job: Job, *names: str) -> None:
    for name in names:
        if name not in job.columns:
            job.columns[name] = objects([None] * len(job))


def _communes(job: Job) -> Any:
    if "commune" not in job.sheet.cells:
        return objects([None] * len(job))
    known = references.communes(job.session, job.as_of)
    return parsing.column("commune", job.sheet.cells["commune"], known.find, job.findings,
                          label=job.sheet.label("commune"))  # fmt: skip


def _type_codes(job: Job, components: list[str | None]) -> Any:
    """Return the codes as the component's layer writes them; unknown ones are findings."""
    known = {layer: references.type_codes(job.session, layer) for layer in ("structure", "duct", "pole")}
    found: list[str | None] = []
    wrong, hints = [], []
    for i, (value, component) in enumerate(zip(job.columns["type_code"].tolist(), components, strict=True)):
        codes = known[_LAYER.get(component or "", "structure")]
        found.append(None if value is None else codes.get(fold(value)))
        if value is not None and found[-1] is None:
            wrong.append(i)
            hints.append(", ".join(codes.values()))
    job.findings.add("unknown_type_code", job.sheet.label("type_code"), wrong, job.columns["type_code"], hints)
    return objects(found)


LOADERS = {
    "prices": Loader(prepare_prices, match_prices, write_prices, {"unit_id": BigInteger(), "owner_id": BigInteger()}),
    "contracts": Loader(
        prepare_contracts,
        match_contracts,
        write_contracts,
        {"number": Text(), "lessor_id": BigInteger(), "lessee_id": BigInteger(), "signed_on": Date(),
         "document": Text(), "valid_from": Date(), "valid_to": Date(), "starts": Date(),
         "structure": Text(), "pole": Text(), "duct": Text()},
    ),
}  # fmt: skip
