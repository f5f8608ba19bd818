"""Sharing on a date: the ratios with target and objects, broken down."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from app.database import statistics
from app.errors import Invalid
from app.policy.models import Target
from app.policy.queries import targets
from app.sharing.breakdown import By, audience, breakdown, too_small
from app.sharing.definitions import DEFINITIONS, KIND_OF, definition
from app.sharing.figures import Figure, Ratio
from app.sharing.surveys import survey
from app.sharing.withholding import REASON


def sharing_on(
    session: Session,
    as_of: dt.date,
    *,
    by: By | None = None,
    wanted: str | None = None,
    boundaries: dt.date | None = None,
) -> dict[str, Any]:
    """Return the ratios on `as_of`, each with its target, interval, reasons and the address of what it counted.

    Every object that is not restricted counts, whoever asks; the department's figures count the restricted ones too.
    Who does not read every row is told no figure of few objects (`app.sharing.withholding`).

    Parameters
    ----------
    by : {"commune", "district", "operator", "owner_kind", "urban", "street", "year"}, optional
        Break down; communes are those in force on `boundaries` (default `as_of`). By street there are poles and ducts
        only; by year the ends of the last three years and `as_of`, other dates by `app.sharing.series`.
    wanted : str, optional
        Only this definition.

    Raises
    ------
    NotFound
        There is no such definition.
    Invalid
        A definition of positions alone by street: positions have none on record.
    """
    chosen = [definition(wanted)] if wanted else list(DEFINITIONS.values())
    if by == "street" and all(KIND_OF[d.indicator] == "site" for d in chosen):
        raise Invalid(
            "no_street_for_sites",
            "Vị trí trạm không ghi tên đường; chỉ cột và cống bể chia được theo đường",
            "Positions have no street on record; only poles and ducts break down by street",
            field="by",
        )
    told = audience(session)
    ratios, rows = [], []
    with statistics(session):
        for kind in dict.fromkeys(KIND_OF[d.indicator] for d in chosen):
            found = survey(session, kind, as_of)
            here = [found.ratios[d.code] for d in chosen if d.code in found.ratios]
            hidden = too_small(found, told)
            ratios += [_described(session, ratio, as_of, hidden) for ratio in here]
            if by and not (by == "street" and kind == "site"):
                rows += list(breakdown(session, found, here, by, boundaries or as_of, told))
    return {
        "as_of": as_of.isoformat(),
        "definitions": [d.as_dict() for d in chosen],
        "ratios": ratios,
        "breakdown": rows,
    }


def target_of(session: Session, indicator: str, year: int) -> Target | None:
    """Return the target of the latest year not after `year`; a later document of that year wins."""
    dated = [t for t in targets(session, indicator) if t.year <= year]
    return max(dated, key=lambda t: (t.year, t.id), default=None)


def _described(session: Session, ratio: Ratio, as_of: dt.date, hidden: bool) -> dict[str, Any]:
    code, indicator = ratio.definition.code, ratio.definition.indicator
    target = target_of(session, indicator, as_of.year)
    comparable = target is not None and ratio.definition.unit == "%"
    met = ratio.ratio >= target.value if target and comparable and ratio.ratio is not None and not hidden else None
    known_at: dt.datetime | None = session.info.get("known_at")
    asked = {"definition": code, "as_of": as_of.isoformat()} | ({"known_at": known_at.isoformat()} if known_at else {})
    return {
        "definition": code,
        "version": ratio.definition.version,
        "indicator": indicator,
        **(Figure.withheld(REASON) if hidden else ratio.figure.as_dict()),
        "target": {"value": target.value, "year": target.year, "document": target.document, "citation": target.citation}
        if target is not None and comparable
        else None,
        "met": met,
        "reasons": []
        if hidden
        else [{"code": r.code, "vi": r.vi, "en": r.en, "count": r.count} for r in ratio.reasons],
        "objects": f"/api/sharing/{indicator}/objects?{urlencode(asked)}",
    }
