"""One set-based read per kind: what is in force on a date, as plain arrays for the pure ratios."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kit.bulk import arrays
from app.kit.ordered import find
from app.sharing.figures import Ints

KINDS = ("site", "pole", "duct")


@dataclass(frozen=True)
class Organisations:
    """Organisations by row id; the same code under two validities is one party."""

    ids: Ints
    party: Ints
    kinds: NDArray[np.str_]
    codes: list[str]
    """Code of each party."""
    names: list[str]
    networks: int
    """Radio networks in force on the date."""

    def of(self, ids: Ints) -> Ints:
        """Return the index into `ids`/`party`/`kinds` of organisation row ids, -1 of 0: nobody known."""
        return find(self.ids, ids)

    def counts_as(self, other: Organisations) -> bool:
        """Say whether lines are counted alike with both: at most names differ."""
        return (
            np.array_equal(self.ids, other.ids) and np.array_equal(self.party, other.party)
            and np.array_equal(self.kinds, other.kinds) and self.codes == other.codes
        )  # fmt: skip


@dataclass(frozen=True)
class Communes:
    """Communes in force on a date; group `len(codes)` is outside all of them."""

    codes: list[str]
    names: list[str]
    urban: NDArray[np.bool_]


def organisations(session: Session, as_of: dt.date) -> Organisations:
    """Return all organisations; `networks` counts those with radio in force on `as_of`."""
    rows = session.execute(
        text("""
            SELECT id, code, name, kind, has_radio AND registry.in_force(valid_from, valid_to, :as_of)
            FROM organisation ORDER BY id
        """),
        {"as_of": as_of},
    ).all()
    codes = sorted({code for _, code, *_ in rows})
    names = {code: name for _, code, name, *_ in rows}
    return Organisations(
        ids=np.array([row[0] for row in rows], np.int64),
        party=np.array([codes.index(row[1]) for row in rows], np.int64),
        kinds=np.array([row[3] for row in rows], np.str_),
        codes=codes,
        names=[names[code] for code in codes],
        networks=len({code for _, code, _, _, radio in rows if radio}),
    )


# Owner: row id or 0; offered: 1, 0, -1. A neutral host is a tower company's position or street furniture.
_SITES = """
    SELECT s.id, coalesce(s.owner_id, 0) AS owner, coalesce(s.sharing_offered::int, -1) AS offered,
           coalesce(s.urban::int, -1) AS urban, s.surveyed_on IS NOT NULL AS surveyed,
           coalesce(o.kind = 'tower_company', false) OR EXISTS (
               SELECT FROM structure st LEFT JOIN organisation so ON so.id = st.owner_id
               WHERE st.site_id = s.id AND registry.in_force(st.valid_from, st.valid_to, %(as_of)s)
                 AND (so.kind = 'tower_company' OR st.kind = 'street_furniture')) AS neutral
    FROM site s LEFT JOIN organisation o ON o.id = s.owner_id
    WHERE registry.in_force(s.valid_from, s.valid_to, %(as_of)s)
    ORDER BY s.id
"""
# Present: a base station, or a place on a mast; only organisations with a radio network of their own count.
_PRESENT = """
    SELECT b.site_id AS row, b.operator_id AS tenant
    FROM base_station b JOIN organisation o ON o.id = b.operator_id
    WHERE o.has_radio AND registry.in_force(b.valid_from, b.valid_to, %(as_of)s)
    UNION
    SELECT st.site_id, so.tenant_id
    FROM structure_occupancy so
    JOIN structure st ON st.id = so.structure_id
    JOIN organisation o ON o.id = so.tenant_id
    WHERE o.has_radio AND so.component = 'mast' AND registry.in_force(so.valid_from, so.valid_to, %(as_of)s)
      AND registry.in_force(st.valid_from, st.valid_to, %(as_of)s)
"""


def sites(session: Session, as_of: dt.date) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Return the positions in force on `as_of` by id, and the (site, radio operator) pairs present."""
    columns = (("id", "i8"), ("owner", "i8"), ("offered", "i4"), ("urban", "i4"), ("surveyed", "b1"),
               ("neutral", "b1"))  # fmt: skip
    return (
        arrays(session, _SITES, columns, as_of=as_of),
        arrays(session, _PRESENT, (("row", "i8"), ("tenant", "i8")), as_of=as_of),
    )


def communes(session: Session, boundaries: dt.date) -> Communes:
    """Return the communes in force on the day `boundaries`, by code."""
    rows = session.execute(
        text("""
            SELECT code, name, registry.fold(coalesce(kind, '')) IN ('phuong', 'thi tran') FROM unit
            WHERE level = 'commune' AND registry.in_force(valid_from, valid_to, :boundaries) ORDER BY code
        """),
        {"boundaries": boundaries},
    ).all()
    return Communes([r[0] for r in rows], [r[1] for r in rows], np.array([r[2] for r in rows], bool))


# A duct without a street of its own lies in that of its trench.
_STREET = {
    "pole": "(SELECT id, street FROM pole p WHERE registry.in_force(p.valid_from, p.valid_to, {as_of}))",
    "duct": """(SELECT d.id, coalesce(d.street, t.street) AS street FROM duct d LEFT JOIN trench t
        ON t.id = d.trench_id AND registry.in_force(t.valid_from, t.valid_to, {as_of})
        WHERE registry.in_force(d.valid_from, d.valid_to, {as_of}))""",
}


def spellings(session: Session, kind: str, as_of: dt.date) -> list[tuple[str, int]]:
    """Return every spelling of a street with the number of poles or ducts in force that bear it."""
    # Kinds come from our own list, values are bound.
    source = _STREET[kind].format(as_of=":as_of")
    query = f"SELECT street, count(*) AS number FROM {source} o WHERE street IS NOT NULL GROUP BY street"  # noqa: S608
    return [(row.street, row.number) for row in session.execute(text(query), {"as_of": as_of})]


def streets(
    session: Session, kind: str, as_of: dt.date, numbers: dict[str, int], unnamed: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the poles or ducts in force by id, and the number of each one's spelling, `unnamed` without one."""
    source = _STREET[kind].format(as_of="%(as_of)s")
    query = f"""
        SELECT o.id, coalesce(n.number, %(unnamed)s::bigint) AS number FROM {source} o
        LEFT JOIN unnest(%(names)s::text[], %(numbers)s::bigint[]) AS n(name, number) ON n.name = o.street
        ORDER BY o.id
    """  # noqa: S608 - our own two sources
    found = arrays(
        session, query, (("id", "i8"), ("number", "i8")), as_of=as_of, unnamed=unnamed, names=list(numbers),
        numbers=list(numbers.values()),
    )  # fmt: skip
    return found["id"], found["number"]
