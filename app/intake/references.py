"""What a file names and the registry holds: organisations, communes, villages, type codes."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.areas.models import Unit, UnitLevel, Village
from app.intake.parsing import Bad, text
from app.kit.text import fold
from app.organisations.models import Organisation
from app.policy.models import TypeCode


@dataclass(frozen=True)
class Names:
    """Things found by code or by accent-free name.

    Attributes
    ----------
    keys : dict of str to int
        Folded code or name → id.
    labels : dict of int to str
        Id → code, for suggestions and messages.
    ambiguous : frozenset of str
        Keys that mean several things.
    unknown, several : str
        Finding codes when nothing, or more than one thing, has the name.
    """

    keys: dict[str, int]
    labels: dict[int, str]
    unknown: str
    several: str = ""
    ambiguous: frozenset[str] = frozenset()

    def find(self, value: Any) -> int:
        """Return the id of what `value` names.

        Raises
        ------
        Bad
            Nothing or several things have that code or name; the hint lists the nearest.
        """
        plain = text(value)
        key = fold(plain)
        if key in self.ambiguous:
            raise Bad(self.several, plain)
        if key not in self.keys:
            near = ", ".join(self.near(key))
            raise Bad(self.unknown, f"Gần giống: {near} | Similar: {near}" if near else " | ")
        return self.keys[key]

    def near(self, key: str) -> list[str]:
        """Return up to three codes that resemble `key`, or whose name holds it as a word."""
        word = re.compile(rf"\b{re.escape(key)}\b")
        likely = [k for k in self.keys if word.search(k)] + difflib.get_close_matches(key, self.keys, 3, 0.6)
        return list(dict.fromkeys(self.labels[self.keys[k]] for k in likely))[:3]


@dataclass(frozen=True)
class Organisations(Names):
    """Organisations, and which of them run a radio network or are no telecom company."""

    radio: frozenset[int] = frozenset()
    kinds: tuple[tuple[int, str], ...] = ()

    def service(self, organisation: int) -> str:
        """Return what a line of the organisation carries unless said otherwise."""
        return {"electricity": "power", "lighting": "lighting"}.get(dict(self.kinds)[organisation], "telecom")


def _index(rows: Iterable[tuple[int, list[str]]]) -> tuple[dict[str, int], frozenset[str]]:
    keys: dict[str, int] = {}
    twice = set()
    for number, names in rows:
        for key in map(fold, names):
            if keys.setdefault(key, number) != number:
                twice.add(key)
    return keys, frozenset(twice)


def organisations(session: Session, as_of: dt.date) -> Organisations:
    """Return the organisations by code and name; those in force on `as_of` win over former ones."""
    now = func.registry.in_force(Organisation.valid_from, Organisation.valid_to, as_of)
    query = select(Organisation.id, Organisation.code, Organisation.name, Organisation.kind, Organisation.has_radio)
    rows = session.execute(query.order_by(now.desc(), Organisation.id.desc())).all()
    keys, _ = _index((r.id, [r.code, r.name]) for r in rows)
    return Organisations(
        keys,
        {r.id: r.code for r in rows},
        "unknown_organisation",
        radio=frozenset(r.id for r in rows if r.has_radio),
        kinds=tuple((r.id, r.kind) for r in rows),
    )


def communes(session: Session, as_of: dt.date) -> Names:
    """Return the communes in force on `as_of` by code, name, and kind with name."""
    in_force = func.registry.in_force(Unit.valid_from, Unit.valid_to, as_of)
    rows = session.execute(
        select(Unit.id, Unit.code, Unit.name, Unit.kind).where(Unit.level == "commune", in_force)
    ).all()
    keys, twice = _index((r.id, [r.code, r.name, f"{r.kind} {r.name}"]) for r in rows)
    return Names(keys, {r.id: f"{r.code} {r.name}" for r in rows}, "unknown_commune", "ambiguous_commune", twice)


class Life(NamedTuple):
    """A unit between two days; codes come back with another meaning."""

    id: int
    level: str
    rank: int
    code: str
    name: str
    key: str
    """Folded name."""
    kind: str | None
    valid_from: dt.date
    valid_to: dt.date | None

    def on(self, day: dt.date) -> bool:
        """Say whether it is in force on `day`."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)

    def told(self) -> str:
        """Return code, name and days, for a hint."""
        return f"{self.code} {self.name} ({self.valid_from}…{self.valid_to or ''})"


@dataclass(frozen=True)
class Units:
    """Every unit that ever was, by code."""

    all: tuple[Life, ...]
    by_code: dict[str, list[Life]]

    def find(self, code: str, day: dt.date, level: str | None = None) -> Life | None:
        """Return the unit of `code` in force on `day`; without a level the highest one."""
        found = [u for u in self.by_code.get(code, []) if u.on(day) and level in {None, u.level}]
        return min(found, key=lambda u: u.rank, default=None)

    def mend(self, code: str, day: dt.date, level: str | None = None, name: str | None = None) -> str:
        """Return the likely mend of a code no unit bears on `day`: who bears the name then, or bore the code once."""
        then = [u for u in self.all if u.on(day) and level in {None, u.level}]
        wanted = fold(name) if name else None
        near = [u for u in then if wanted and wanted in {u.key, f"{fold(u.kind or '')} {u.key}"}]
        once = [u for u in self.by_code.get(code, []) if level in {None, u.level}]
        close = difflib.get_close_matches(code, [u.code for u in then], 3, 0.7)
        likely = near or once or [u for u in then if u.code in close]
        told = ", ".join(u.told() for u in likely[:3])
        return f"Gần giống: {told} | Similar: {told}" if told else " | "

    def parents(self, day: dt.date) -> Callable[[Any], int]:
        """Return the parser of a parent's code on `day`."""

        def find(value: Any) -> int:
            code = text(value)
            found = self.find(code, day)
            if found is None:
                raise Bad("unknown_parent", self.mend(code, day))
            return found.id

        return find


def units(session: Session) -> Units:
    """Return every unit with the days between which it was in force."""
    columns = (Unit.id, Unit.level, UnitLevel.rank, Unit.code, Unit.name, Unit.name_key, Unit.kind, Unit.valid_from,
               Unit.valid_to)  # fmt: skip
    rows = session.execute(select(*columns).join(UnitLevel, UnitLevel.code == Unit.level)).all()
    lives = tuple(Life._make(row) for row in rows)
    by_code: dict[str, list[Life]] = {}
    for life in lives:
        by_code.setdefault(life.code, []).append(life)
    return Units(lives, by_code)


def villages(session: Session, as_of: dt.date) -> Names:
    """Return the villages by code; those in force on `as_of` win."""
    now = func.registry.in_force(Village.valid_from, Village.valid_to, as_of)
    rows = session.execute(select(Village.id, Village.code).order_by(now.desc(), Village.id.desc())).all()
    return Names(_index((r.id, [r.code]) for r in rows)[0], {r.id: r.code for r in rows}, "unknown_village")


def type_codes(session: Session, layer: str) -> dict[str, str]:
    """Return folded code → code of the passive-infrastructure codes of `layer`."""
    return {fold(code): code for code in session.scalars(select(TypeCode.code).where(TypeCode.layer == layer))}
