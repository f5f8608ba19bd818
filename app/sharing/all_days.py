"""Poles and ducts with their lines, of all days: read once, renewed where they changed, cut to a day in memory."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import numpy as np
from sqlalchemy.orm import Session

from app.kit.bulk import FIRST_DAY, arrays
from app.sharing.figures import Bools, Ints
from app.sharing.kept import Changes, kept
from app.sharing.stored import Columns

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
_POLE = (("id", "i8"), ("owner", "i8"), ("surveyed", "b1"), *_DAYS)
_DUCT = (("id", "i8"), ("owner", "i8"), ("trench", "i8"), ("route", "i8"), ("length_m", "f8"), ("surveyed", "b1"),
         *_DAYS, ("dug", "day"), ("filled", "day"))  # fmt: skip
_LINE = (("line", "i8"), ("row", "i8"), ("tenant", "i8"), ("telecom", "b1"), ("lines", "i4"), *_DAYS)
TABLES: dict[Carrier, tuple[str, ...]] = {
    "pole": ("registry.pole", "registry.pole_occupancy"),
    "duct": ("registry.duct", "registry.duct_occupancy", "registry.trench"),
}


def on(session: Session, kind: Carrier, as_of: dt.date) -> tuple[Columns, Columns]:
    """Return the poles or ducts in force on `as_of` by id, and their lines by row.

    A duct whose trench is not in force has none (-1); routes are numbered from 1 in their order, -1 is none.
    """
    day = (as_of - FIRST_DAY).days
    carriers, lines = _in_force(_carriers(session, kind), day), _in_force(_lines(session, kind), day)
    del lines["line"]
    if "trench" in carriers:
        dug, filled = carriers.pop("dug"), carriers.pop("filled")
        carriers["trench"] = np.where((dug <= day) & (day < filled), carriers["trench"], -1)
        carriers["route"] = _ranked(carriers["route"])
    return carriers, lines


def _carriers(session: Session, kind: Carrier) -> Columns:
    def renewed(old: Columns, changes: Changes) -> Columns | None:
        if kind == "duct":
            return None  # few; a new route moves the number of every later one
        changed = changes["registry.pole"]
        return _replaced(old, np.isin(old["id"], changed), _read_poles(session, changed), "id")

    def read() -> Columns:
        return _read_ducts(session) if kind == "duct" else _read_poles(session)

    tables = tuple(table for table in TABLES[kind] if not table.endswith("_occupancy"))
    return kept(session, ("carriers", kind), tables, read, renewed, on_disk=True)


def _lines(session: Session, kind: Carrier) -> Columns:
    carrier, occupancy = f"registry.{kind}", f"registry.{kind}_occupancy"

    def renewed(old: Columns, changes: Changes) -> Columns:
        # With their carriers', whose restriction hides them.
        none = np.empty(0, np.int64)
        changed, carriers = changes.get(occupancy, none), changes.get(carrier, none)
        stale = np.isin(old["line"], changed) | np.isin(old["row"], carriers)
        return _replaced(old, stale, _read_lines(session, kind, changed, carriers), "row")

    return kept(session, ("lines", kind), (carrier, occupancy), lambda: _read_lines(session, kind), renewed,
                on_disk=True)  # fmt: skip


def _read_poles(session: Session, ids: Ints | None = None) -> Columns:
    if ids is None:
        return arrays(session, _POLES.format(which="true"), _POLE)
    return arrays(session, _POLES.format(which="p.id = ANY (%(ids)s)"), _POLE, ids=ids.tolist())


def _read_ducts(session: Session) -> Columns:
    return arrays(session, _DUCTS, _DUCT)


def _read_lines(session: Session, kind: Carrier, ids: Ints | None = None, carriers: Ints | None = None) -> Columns:
    which, values = "true", {}
    if ids is not None and carriers is not None:
        which = f"x.id = ANY (%(ids)s) OR x.{kind}_id = ANY (%(carriers)s)"
        values = {"ids": ids.tolist(), "carriers": carriers.tolist()}
    found = arrays(session, _LINES.format(kind=kind, number=_NUMBER[kind], which=which), _LINE, **values)
    order = np.argsort(found["row"], kind="stable")  # here, where they mostly are in that order, not in the database
    return {name: column[order] for name, column in found.items()}


def _replaced(columns: Columns, stale: Bools, fresh: Columns, key: str) -> Columns:
    """Return columns without their stale rows and with the fresh ones, all in ascending order of `key`."""
    gone = np.flatnonzero(stale)
    if gone.size:
        columns = {name: np.delete(column, gone) for name, column in columns.items()}
    after = np.searchsorted(columns[key], fresh[key], side="right")
    return {name: np.insert(column, after, fresh[name]) for name, column in columns.items()}


def _in_force(columns: Columns, day: int) -> Columns:
    mask = (columns["since"] <= day) & (day < columns["until"])
    left = {name: column for name, column in columns.items() if name not in ("since", "until")}
    return left if mask.all() else {name: column[mask] for name, column in left.items()}


def _ranked(route: Ints) -> Ints:
    """Return routes numbered from 1 without gaps, in the same order; -1 stays."""
    there = np.zeros(int(route.max(initial=0)) + 1, bool)
    there[route[route >= 0]] = True
    return np.where(route >= 0, np.cumsum(there)[route], -1).astype(np.int64)
