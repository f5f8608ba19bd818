"""Poles and ducts with their lines, of all days: read once, renewed where they changed, cut to a day in memory."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.kit.bulk import FIRST_DAY, arrays
from app.sharing.figures import Bools, Ints
from app.sharing.kept import Changes, kept

Columns = dict[str, NDArray[Any]]
Carrier = Literal["pole", "duct"]

_LIVED = "coalesce({0}.valid_from, '-infinity') AS since, coalesce({0}.valid_to, 'infinity') AS until"
_DAYS = (("since", "day"), ("until", "day"))
# Owner and tenant: row id or 0.
_POLES = f"""
    SELECT p.id, coalesce(p.owner_id, 0) AS owner, p.surveyed_on IS NOT NULL AS surveyed, {_LIVED.format("p")}
    FROM pole p WHERE {{which}} ORDER BY p.id
"""  # noqa: S608 - our own words
_DUCTS = f"""
    SELECT d.id, coalesce(d.owner_id, 0) AS owner, coalesce(t.id, -1) AS trench,
           CASE WHEN d.route IS NULL THEN -1 ELSE dense_rank() OVER (ORDER BY d.route) END AS route,
           d.length_m, d.surveyed_on IS NOT NULL AS surveyed, {_LIVED.format("d")},
           coalesce(t.valid_from, '-infinity') AS dug, coalesce(t.valid_to, 'infinity') AS filled
    FROM duct d LEFT JOIN trench t ON t.id = d.trench_id ORDER BY d.id
"""  # noqa: S608
# A line without a number is one line; an unclaimed one (tenant 0) stands for that many cables of unknown tenants.
# A bore is known or not; the same tenant in two bores is one occupant, so bores are left out.
_LINES = f"""
    SELECT x.id AS line, x.{{kind}}_id AS row, coalesce(x.tenant_id, 0) AS tenant, x.service = 'telecom' AS telecom,
           {{number}} AS lines, {_LIVED.format("x")}
    FROM {{kind}}_occupancy x WHERE {{which}}
"""  # noqa: S608
_NUMBER = {"pole": "coalesce(x.line_count, 1)", "duct": "1"}
_COLUMNS = {
    "pole": (("id", "i8"), ("owner", "i8"), ("surveyed", "b1"), *_DAYS),
    "duct": (("id", "i8"), ("owner", "i8"), ("trench", "i8"), ("route", "i8"), ("length_m", "f8"), ("surveyed", "b1"),
             *_DAYS, ("dug", "day"), ("filled", "day")),
}  # fmt: skip
_LINE = (("line", "i8"), ("row", "i8"), ("tenant", "i8"), ("telecom", "b1"), ("lines", "i4"), *_DAYS)
TABLES: dict[Carrier, tuple[str, ...]] = {
    "pole": ("registry.pole", "registry.pole_occupancy"),
    "duct": ("registry.duct", "registry.duct_occupancy", "registry.trench"),
}


@dataclass(frozen=True)
class AllDays:
    """Poles or ducts by id, and their lines by row; `since` and `until` are days of `app.kit.bulk`."""

    carriers: Columns
    lines: Columns

    def on(self, as_of: dt.date) -> tuple[Columns, Columns]:
        """Return what is in force on `as_of`; a duct whose trench is not has none (-1), routes are numbered from 1."""
        day = (as_of - FIRST_DAY).days
        carriers, lines = _in_force(self.carriers, day), _in_force(self.lines, day)
        del lines["line"]
        if "trench" in carriers:
            dug, filled = carriers.pop("dug"), carriers.pop("filled")
            carriers["trench"] = np.where((dug <= day) & (day < filled), carriers["trench"], -1)
            carriers["route"] = _ranked(carriers["route"])
        return carriers, lines


def read(session: Session, kind: Carrier) -> AllDays:
    """Return the poles or ducts of all days the caller may see, with their lines; kept in memory."""
    return kept(
        session, ("all days", kind), TABLES[kind], lambda: AllDays(_carriers(session, kind), _lines(session, kind)),
        lambda old, changes: _renewed(session, kind, old, changes),
    )  # fmt: skip


def _carriers(session: Session, kind: Carrier) -> Columns:
    return arrays(session, _DUCTS if kind == "duct" else _POLES.format(which="true"), _COLUMNS[kind])


def _lines(session: Session, kind: Carrier, which: str = "true", **values: Any) -> Columns:
    found = arrays(session, _LINES.format(kind=kind, number=_NUMBER[kind], which=which), _LINE, **values)
    order = np.argsort(found["row"], kind="stable")  # here, where they mostly are in that order, not in the database
    return {name: column[order] for name, column in found.items()}


def _renewed(session: Session, kind: Carrier, old: AllDays, changes: Changes) -> AllDays:
    """Return the rows with the changed ones read again; lines with their carrier, whose restriction hides them."""
    none = np.empty(0, np.int64)
    changed, lines = (changes.get(f"registry.{table}", none) for table in (kind, f"{kind}_occupancy"))
    carriers = old.carriers
    if kind == "duct":
        if changes.keys() - {"registry.duct_occupancy"}:
            carriers = _carriers(session, kind)  # few; a new route moves the number of every later one
    elif changed.size:
        query = _POLES.format(which="p.id = ANY (%(ids)s)")
        fresh = arrays(session, query, _COLUMNS[kind], ids=changed.tolist())
        carriers = _replaced(carriers, np.isin(carriers["id"], changed), fresh, "id")
    stale = np.isin(old.lines["line"], lines) | np.isin(old.lines["row"], changed)
    which = f"x.id = ANY (%(lines)s) OR x.{kind}_id = ANY (%(changed)s)"
    fresh = _lines(session, kind, which, lines=lines.tolist(), changed=changed.tolist())
    return AllDays(carriers, _replaced(old.lines, stale, fresh, "row"))


def _replaced(columns: Columns, stale: Bools, fresh: Columns, key: str) -> Columns:
    """Return columns without their stale rows and with the fresh ones, in ascending order of `key`."""
    gone = np.flatnonzero(stale)
    if gone.size:
        columns = {name: np.delete(column, gone) for name, column in columns.items()}
    order = np.argsort(fresh[key], kind="stable")
    after = np.searchsorted(columns[key], fresh[key][order], side="right")
    return {name: np.insert(column, after, fresh[name][order]) for name, column in columns.items()}


def _in_force(columns: Columns, day: int) -> Columns:
    mask = (columns["since"] <= day) & (day < columns["until"])
    left = {name: column for name, column in columns.items() if name not in ("since", "until")}
    return left if mask.all() else {name: column[mask] for name, column in left.items()}


def _ranked(route: Ints) -> Ints:
    """Return routes numbered from 1 without gaps, in the same order; -1 stays."""
    there = np.zeros(int(route.max(initial=0)) + 1, bool)
    there[route[route >= 0]] = True
    return np.where(route >= 0, np.cumsum(there)[route], -1).astype(np.int64)
