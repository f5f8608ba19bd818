"""Reads of units as they were in force on a date."""

from __future__ import annotations

import datetime as dt
import difflib

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.areas.models import Unit
from app.errors import NotFound
from app.kit.text import fold


def commune(session: Session, wanted: str, as_of: dt.date) -> Unit:
    """Return the commune in force on `as_of` whose code, or accent-free name, is `wanted`.

    Raises
    ------
    NotFound
        No such commune on that date, or a name that several bear; the message names the nearest ones.
    """
    in_force = func.registry.in_force(Unit.valid_from, Unit.valid_to, as_of)
    base = select(Unit).where(Unit.level == "commune", in_force)
    found = session.scalar(base.where(Unit.code == wanted))
    if found is not None:
        return found
    named = session.scalars(base.where(Unit.name_key == fold(wanted)).limit(2)).all()
    if len(named) == 1:
        return named[0]
    rows = session.execute(select(Unit.code, Unit.name).where(Unit.level == "commune", in_force)).all()
    near = nearest(wanted, {code: name for code, name in rows})
    raise NotFound(
        "unknown_commune",
        f"Không có xã, phường {wanted[:40]!r} vào {as_of}" + (f"; gần nhất: {', '.join(near)}" if near else ""),
        f"There is no commune {wanted[:40]!r} on {as_of}" + (f"; nearest: {', '.join(near)}" if near else ""),
        field="commune",
        suggestions=near,
    )


def nearest(wanted: str, names: dict[str, str]) -> list[str]:
    """Return up to three "code name" of `names` (code → name) that look most like `wanted`."""
    keys = {f"{code} {name}": (fold(code), fold(name)) for code, name in names.items()}
    pool = {part: label for label, parts in keys.items() for part in parts}
    close = difflib.get_close_matches(fold(wanted[:60]), list(pool), n=3, cutoff=0.4)
    return list(dict.fromkeys(pool[part] for part in close))
