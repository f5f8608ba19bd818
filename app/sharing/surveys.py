"""From the rows in force to what the pure ratios take, and the groups a breakdown sums over."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.kit.ordered import find
from app.sharing import all_days, queries
from app.sharing.figures import Bools, Figure, Ints, Ratio, numbers, tally
from app.sharing.kept import Changes, kept
from app.sharing.queries import Organisations
from app.sharing.ratios import (
    Ducts,
    Poles,
    Sites,
    distinct,
    duct_ratios,
    pole_ratios,
    site_ratios,
    unique_pairs,
)
from app.sharing.stored import Columns

TELECOM_BODIES = ("operator", "mvno", "tower_company")
OPERATORS = ("operator", "mvno")


@dataclass(frozen=True)
class Survey:
    """Everything of one kind in force on a date, counted.

    Attributes
    ----------
    ids : ndarray of int64, shape (rows,)
        Row ids, ascending.
    k : ndarray of int64, shape (rows,)
        Distinct parties the default definition counts: radio operators, organisations, operators.
    owner : ndarray of int64, shape (rows,)
        Index of each row's owner among the organisations, -1 where it is unknown.
    present_row, present_party : ndarray of int64, shape (pairs,)
        Which operator is present at which row.
    """

    kind: str
    as_of: dt.date
    ids: Ints
    k: Ints
    owner: Ints
    urban: Ints
    present_row: Ints
    present_party: Ints
    organisations: Organisations
    ratios: dict[str, Ratio]
    inputs: tuple[Columns, ...]

    def digest(self) -> str:
        """Return the hash of everything that was read, whatever order it came in."""
        digest = hashlib.sha256()
        for table in self.inputs:
            order = np.lexsort(tuple(table.values()))
            for name, column in table.items():
                digest.update(name.encode())
                digest.update(np.ascontiguousarray(column[order]).tobytes())
        return digest.hexdigest()

    def groups(self, ratio: Ratio, group_of_row: Ints) -> tuple[Ints, Ints]:
        """Return (units, groups): each unit once, in the group of the row that stands for it."""
        itself = numbers(ratio.row_of_unit.size)
        return itself, group_of_row if ratio.row_of_unit is itself else group_of_row[ratio.row_of_unit]

    def operator_groups(self, ratio: Ratio) -> tuple[Ints, Ints]:
        """Return (units, parties): each unit once for every operator present in it."""
        parties = len(self.organisations.codes)
        pairs = unique_pairs(ratio.unit_of_row[self.present_row] * parties + self.present_party)
        return pairs // parties, pairs % parties

    def by_row(self, ratio: Ratio, group_of_row: Ints, size: int) -> list[Figure]:
        """Return the figure of each of `size` groups of rows."""
        return tally(ratio, *self.groups(ratio, group_of_row), size)

    def objects(self, group_of_row: Ints, size: int) -> tuple[Ints, Ints]:
        """Return how many objects each definition has in each of `size` groups, both of shape (definitions, size).

        The first are those in the denominator, the second those of which not even that is known.
        """
        counted, unknown = [], []
        for ratio in self.ratios.values():
            _, group = self.groups(ratio, group_of_row)
            counted.append(np.bincount(group[ratio.denominator_mask], minlength=size))
            unknown.append(np.bincount(group[ratio.unknown_mask & ~ratio.denominator_mask], minlength=size))
        return np.array(counted, np.int64), np.array(unknown, np.int64)

    def by_operator(self, ratio: Ratio) -> list[Figure]:
        """Return the figure of each organisation: over the objects where that operator is present."""
        return tally(ratio, *self.operator_groups(ratio), len(self.organisations.codes))


@dataclass(frozen=True)
class Positions:
    """Positions in force: what the pure ratios take, and who is present where."""

    columns: Columns
    sites: Sites
    present_row: Ints
    present_party: Ints
    organisations: Organisations
    inputs: tuple[Columns, ...]


def positions(session: Session, as_of: dt.date, organisations: Organisations) -> Positions:
    """Read the positions in force on `as_of`."""
    rows, present = queries.sites(session, as_of)
    at = find(rows["id"], present["row"])
    row = at[at >= 0]
    party = organisations.party[organisations.of(present["tenant"])][at >= 0]
    k = distinct(row, party, rows["id"].size)
    sites = Sites(k, (k > 0) | rows["surveyed"], rows["neutral"], rows["offered"], organisations.networks)
    return Positions(rows, sites, row, party, organisations, (rows, present))


def _sites(session: Session, as_of: dt.date, organisations: Organisations) -> Survey:
    found = positions(session, as_of, organisations)
    rows = found.columns
    return Survey(
        "site", as_of, rows["id"], found.sites.k, organisations.of(rows["owner"]), rows["urban"].astype(np.int64),
        found.present_row, found.present_party, organisations, site_ratios(found.sites), found.inputs,
    )  # fmt: skip


@dataclass(frozen=True)
class _Lines:
    """Lines on poles or in ducts in force; the party is -1 where nobody has claimed it."""

    row: Ints
    party: Ints
    telecom: Bools
    operator: Bools
    number: NDArray[np.int32]

    def known(self, rows: Columns) -> Bools:
        return np.asarray((np.bincount(self.row, minlength=rows["id"].size) > 0) | rows["surveyed"])

    def unclaimed(self, size: int, *, telecom: bool) -> Ints:
        mask = self.party < 0
        if telecom:
            mask &= self.telecom
        return np.bincount(self.row[mask], self.number[mask], size).astype(np.int64)


def _read_lines(rows: Columns, lines: Columns, organisations: Organisations) -> _Lines:
    at = find(rows["id"], lines["row"])
    inside = at >= 0
    if not inside.all():
        at, lines = at[inside], {name: column[inside] for name, column in lines.items()}
    who = organisations.of(lines["tenant"])
    operator = np.append(np.isin(organisations.kinds, OPERATORS), False)[who] & lines["telecom"]
    return _Lines(at, np.append(organisations.party, -1)[who], lines["telecom"], operator, lines["lines"])


def _poles(session: Session, as_of: dt.date, organisations: Organisations) -> Survey:
    carriers, occupancies = all_days.on(session, "pole", as_of)
    lines = _read_lines(carriers, occupancies, organisations)
    size, owner = carriers["id"].size, organisations.of(carriers["owner"])
    row, party = lines.row[lines.operator], lines.party[lines.operator]
    claimed = lines.party >= 0
    counted = Poles(
        organisations=distinct(lines.row[claimed], lines.party[claimed], size),
        operators=distinct(row, party, size),
        unclaimed=lines.unclaimed(size, telecom=False),
        unclaimed_telecom=lines.unclaimed(size, telecom=True),
        telecom=np.bincount(lines.row[lines.telecom], minlength=size) > 0,
        owner_outside_telecom=np.append(~np.isin(organisations.kinds, TELECOM_BODIES), -1)[owner].astype(np.int64),
        known=lines.known(carriers),
    )
    return Survey(
        "pole", as_of, carriers["id"], counted.organisations, owner, np.full(size, -1), row, party, organisations,
        pole_ratios(counted), (carriers, occupancies),
    )  # fmt: skip


def _ducts(session: Session, as_of: dt.date, organisations: Organisations) -> Survey:
    carriers, occupancies = all_days.on(session, "duct", as_of)
    lines = _read_lines(carriers, occupancies, organisations)
    size = carriers["id"].size
    row, party = lines.row[lines.operator], lines.party[lines.operator]
    counted = Ducts(
        trench=carriers["trench"],
        route=carriers["route"],
        length_m=carriers["length_m"],
        unclaimed=lines.unclaimed(size, telecom=True),
        known=lines.known(carriers),
        occupied=row,
        occupant=party,
    )
    return Survey(
        "duct", as_of, carriers["id"], distinct(row, party, size), organisations.of(carriers["owner"]),
        np.full(size, -1), row, party, organisations, duct_ratios(counted), (carriers, occupancies),
    )  # fmt: skip


_READ = {"site": _sites, "pole": _poles, "duct": _ducts}
TABLES: dict[str, tuple[str, ...]] = {
    "site": ("registry.site", "registry.structure", "registry.base_station", "registry.structure_occupancy"),
    "pole": all_days.TABLES["pole"],
    "duct": all_days.TABLES["duct"],
}
"""What each kind is read from, beside the organisations."""
ORGANISATION = "registry.organisation"


def survey(session: Session, kind: str, as_of: dt.date) -> Survey:
    """Read and count everything of `kind` ("site", "pole" or "duct") in force on `as_of`."""

    def read() -> Survey:
        return _READ[kind](session, as_of, queries.organisations(session, as_of))

    def renewed(old: Survey, changes: Changes) -> Survey | None:
        if kind == "site" or changes.keys() != {ORGANISATION}:
            return None
        now = queries.organisations(session, as_of)
        return replace(old, organisations=now) if now.counts_as(old.organisations) else None

    return kept(session, ("survey", kind, as_of), (ORGANISATION, *TABLES[kind]), read, renewed)
