"""One ratio over the years on one geography, and one ratio on two geographies side by side."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.areas import reforms
from app.areas.crosswalk import Crosswalk, Floats, Ints
from app.areas.geography import Geography, geography
from app.database import statistics
from app.errors import NotFound
from app.sharing.breakdown import Audience, audience, too_small
from app.sharing.definitions import KIND_OF, definition
from app.sharing.figures import Figure, Ratio
from app.sharing.geographies import Grounds
from app.sharing.surveys import Survey, survey
from app.sharing.withholding import REASON

NOTES = {
    "boundary_unknown": {
        "vi": "Có đơn vị chưa có ranh giới: đối tượng được gán qua bảng chuyển đổi khi chỉ có một khả năng, "
        "còn lại để ở nhóm chưa rõ",
        "en": "Some units have no boundary on record: objects are assigned through the crosswalk where it leaves one "
        "unit only; the others are in the group unknown",
    }
}


def series(
    session: Session, wanted: str, dates: Sequence[dt.date], *, boundaries: dt.date, level: str = "commune"
) -> dict[str, Any]:
    """Return a ratio on each of `dates` for every unit of one geography.

    Numerator, denominator and unknown are of the state on each date; only the ground is that of `boundaries`.

    Parameters
    ----------
    wanted : str
        Code of the definition.
    boundaries : date
        Day whose units of `level` are the ground.

    Raises
    ------
    NotFound
        No such definition or level, or no unit on that day.
    """
    about = definition(wanted)
    told = audience(session)
    rows: list[list[dict[str, Any]]] = []
    totals = []
    with statistics(session):
        grounds = Grounds(session, KIND_OF[about.indicator], told)
        here = grounds.on(level, boundaries)
        for day in dates:
            found = survey(session, KIND_OF[about.indicator], day)
            ratio = found.ratios[about.code]
            totals.append({"as_of": day} | _total(found, ratio, told))
            rows.append(grounds.figures(found, ratio, here))
    where = here.geography
    return {
        "definition": about.as_dict(),
        "geography": where.described(),
        "dates": list(dates),
        "totals": totals,
        "series": [
            where.label(g) | {"figures": [{"as_of": d} | r[g] for d, r in zip(dates, rows, strict=True)]}
            for g in range(where.groups)
            if g < where.outside or any(_anything(r[g]) for r in rows)
        ],
        "notes": _notes(where),
    }


def side_by_side(
    session: Session, wanted: str, as_of: dt.date, a: tuple[str, dt.date], b: tuple[str, dt.date]
) -> dict[str, Any]:
    """Return a ratio on one date on two geographies, with the crosswalk that links their units.

    Every object is in one group of each, so both sides add up to the same total.

    Parameters
    ----------
    a, b : (str, date)
        Level, and the day whose units are meant.

    Raises
    ------
    NotFound
        As `series`.
    """
    about = definition(wanted)
    told = audience(session)
    with statistics(session):
        found = survey(session, KIND_OF[about.indicator], as_of)
        ratio = found.ratios[about.code]
        grounds = Grounds(session, KIND_OF[about.indicator], told)
        sides = [grounds.on(*side) for side in (a, b)]
        figures = [grounds.figures(found, ratio, side) for side in sides]
    first, second = (side.geography for side in sides)
    linked = _links(session, first, second)
    return {
        "definition": about.as_dict(),
        "as_of": as_of,
        "total": _total(found, ratio, told),
        **{
            name: where.described() | {"rows": _rows(where, shown)}
            for name, where, shown in zip("ab", (first, second), figures, strict=True)
        },
        "crosswalk": [
            {"a": old, "b": new, "share": None if share != share else share}  # NaN is not itself
            for old, new, share in zip(linked.old.tolist(), linked.new.tolist(), linked.share.tolist(), strict=True)
        ],
        "notes": _notes(first, second),
    }


def _total(found: Survey, ratio: Ratio, told: Audience) -> dict[str, Any]:
    return Figure.withheld(REASON) if too_small(found, told) else ratio.figure.as_dict()


def _rows(where: Geography, figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = [where.label(g) | figures[g] for g in range(where.groups)]
    return [row for row in rows if row["group"] == "unit" or _anything(row)]


def _anything(figure: dict[str, Any]) -> bool:
    return bool(figure["withheld"] or figure["denominator"] or figure["unknown"])


def _notes(*geographies: Geography) -> list[dict[str, str]]:
    return [NOTES["boundary_unknown"]] if any(not where.bounded.all() for where in geographies) else []


def _links(session: Session, first: Geography, second: Geography) -> Crosswalk:
    """Return the crosswalk from the units of one geography to those of the other, gathered where levels differ.

    Of different levels it goes by way of the communes: shares of a district are by the area of its communes.
    """
    if first.level == second.level:
        return reforms.crosswalk(session, first.level, first.as_of, second.as_of)
    found = reforms.crosswalk(session, "commune", first.as_of, second.as_of)
    old_group = _owners(session, first, found.units)
    new_group = _owners(session, second, found.new)
    kept = (old_group >= 0)[np.searchsorted(found.units, found.old)] & (new_group >= 0)
    part = Crosswalk(found.units, found.lost, found.old[kept], found.new[kept], found.share[kept])
    sizes: Floats = reforms.areas_m2(session, found.units)
    return part.gathered(old_group, new_group[kept], sizes)


def _owners(session: Session, where: Geography, communes: Ints) -> Ints:
    """Return the unit of `where` that each commune is, or belongs to; -1 for none."""
    if where.level == "commune":
        return communes
    try:
        there = geography(session, "commune", where.as_of)
    except NotFound:
        return np.full(communes.size, -1, np.int64)
    known = set(where.ids.tolist())
    parent = {int(u): p for u, p in zip(there.ids, there.parents, strict=True) if p in known}
    return np.array([parent.get(int(c), -1) or -1 for c in communes], np.int64)
