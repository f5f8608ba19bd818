"""From a question to the two sides of a change: dates, moments of knowledge, or snapshots."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from app.kit.page import today
from app.sharing.change_schemas import ChangeQuestion, boundaries_on
from app.sharing.definitions import Definition, definition
from app.sharing.explaining import Answer, Side, Unit, change
from app.sharing.snapshots import moment_of


def asked_change(session: Session, asked: ChangeQuestion) -> Answer:
    """Return the change that is asked for.

    Raises
    ------
    Invalid, NotFound
        As `app.sharing.explaining.change`; no such definition; no such snapshot, or one of other definitions.
    """
    about = definition(asked.definition)
    before = definition(asked.definition_from) if asked.definition_from else about
    a = _side(session, before, asked.start, asked.known_from, asked.from_snapshot, asked.boundaries_from)
    b = _side(session, about, asked.end, asked.known_to, asked.to_snapshot, asked.boundaries_to)
    unit = None
    if asked.commune is not None:
        unit = Unit("commune", asked.commune)
    elif asked.district is not None:
        unit = Unit("district", asked.district)
    return change(session, a, b, unit)


def _side(
    session: Session, about: Definition, as_of: dt.date | None, known_at: dt.datetime | None, snapshot: int | None,
    boundaries: dt.date | str,
) -> Side:  # fmt: skip
    if snapshot is not None:
        as_of, known_at = moment_of(session, snapshot, about)
    day = as_of or today()
    return Side(day, known_at, about, boundaries_on(boundaries, day))
