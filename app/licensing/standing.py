"""What a check rests on wherever the place is: dated rules, organisations, whether boundaries are known.

Read by one statement: each costs more to send than to answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.policy.queries import parameter

EVERYWHERE: Final = (("constraints", "military_height"), ("constraints", "distance_urban"))
COLOCATION: Final = (
    ("colocation", "search"), ("colocation", "judgement"), ("colocation", "room"), ("colocation", "area"),
    ("colocation", "radio"), ("sharing_question", "contact"), *EVERYWHERE,
)  # fmt: skip
_STANDING = text("""
    SELECT (SELECT coalesce(json_agg(json_build_array(p.kind, p.name, p.value, p.citation, p.valid_from, p.valid_to)),
                            '[]')
            FROM policy.parameter p JOIN unnest(CAST(:kinds AS text[]), CAST(:names AS text[])) AS w(kind, name)
            USING (kind, name) WHERE registry.in_force(p.valid_from, p.valid_to, :as_of)) AS rules,
           (SELECT coalesce(json_object_agg(code, has_radio), '{}') FROM organisation
            WHERE registry.in_force(valid_from, valid_to, :as_of)) AS organisations,
           EXISTS (SELECT FROM unit WHERE level = 'commune' AND geom IS NOT NULL
                   AND registry.in_force(valid_from, valid_to, :as_of)) AS boundaries
""")


@dataclass(frozen=True)
class Rule:
    """A dated rule with the text it comes from."""

    value: dict[str, Any]
    citation: str
    valid_from: dt.date | None
    valid_to: dt.date | None


@dataclass(frozen=True)
class Standing:
    """What holds on a date.

    Attributes
    ----------
    rules : mapping
        By kind and name.
    organisations : mapping
        Code of each organisation in force → whether it runs a radio network.
    boundaries : bool
        Whether any commune with a boundary is in force.
    """

    rules: Mapping[tuple[str, str], Rule]
    organisations: Mapping[str, bool]
    boundaries: bool


def standing(session: Session, as_of: dt.date, wanted: tuple[tuple[str, str], ...] = COLOCATION) -> Standing:
    """Return the rules `wanted`, the organisations and whether boundaries are known on `as_of`.

    Raises
    ------
    NotFound
        `unknown_rule`.
    """
    kinds, names = [kind for kind, _ in wanted], [name for _, name in wanted]
    found, organisations, boundaries = session.execute(
        _STANDING, {"kinds": kinds, "names": names, "as_of": as_of}
    ).one()
    rules = {(kind, name): Rule(value, citation, _day(start), _day(end))
             for kind, name, value, citation, start, end in found}  # fmt: skip
    for kind, name in wanted:
        if (kind, name) not in rules:
            parameter(session, kind, name, as_of)  # which says what there is instead
    return Standing(rules, organisations, boundaries)


def _day(written: str | None) -> dt.date | None:
    return None if written is None else dt.date.fromisoformat(written)
