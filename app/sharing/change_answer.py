"""What a change is told as: its ends and parts, and the objects of each part."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.policy.disclosure import withheld
from app.sharing.change import PARTS, STEP, Change, Sums
from app.sharing.definitions import KIND_OF
from app.sharing.explaining import Answer, factor_of
from app.sharing.figures import Ints
from app.sharing.objects import NAME_OF


def described(answer: Answer) -> dict[str, Any]:
    """Return a change as reports and the API print it; the parts stand in a fixed order, those of nothing too."""
    found = answer.found
    factor = factor_of(answer.sides[1].definition)
    ends = (found.first, found.last)
    return {
        **{
            name: {
                "as_of": side.as_of,
                "known_at": side.known_at,
                "definition": {"code": side.definition.code, "version": side.definition.version},
                "boundaries": side.boundaries if answer.units else None,
                "unit": {"code": answer.units[i][0], "name": answer.units[i][1]} if answer.units else None,
                **_sums(ends[i]),
                "ratio": float(factor * ends[i].numerator / ends[i].denominator) if ends[i].denominator else None,
            }
            for i, (name, side) in enumerate(zip(("from", "to"), answer.sides, strict=True))
        },
        "unit": answer.sides[1].definition.unit,
        "counted_in": answer.sides[1].definition.counted_in,
        "points": _number(found.points),
        "parts": [
            {
                "part": c.part.code,
                "title": {"vi": c.part.vi, "en": c.part.en},
                **_sums(c.sums),
                "points": _number(c.points),
                "objects": int(c.key.size),
            }
            for c in found.parts
        ],
        "points_reason": None if found.parts[0].points is not None else _NO_POINTS,
    }


_NO_POINTS = {
    "vi": "Không chia được điểm phần trăm: có tổ hợp các phần khiến mẫu số bằng 0; các số đếm vẫn cộng đúng",
    "en": "No shares in percentage points: a combination of parts leaves no denominator; the counts still add up",
}


def _sums(sums: Sums) -> dict[str, float]:
    return {"numerator": float(sums.numerator), "denominator": float(sums.denominator), "unknown": float(sums.unknown)}


def _number(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def part_of(answer: Answer, code: str) -> Change:
    """Return one part of a change.

    Raises
    ------
    NotFound
        There is no such part; the message lists those there are.
    """
    found = next((c for c in answer.found.parts if c.part.code == code), None)
    if found is None:
        names = ", ".join(PARTS)
        raise NotFound(
            "unknown_part", f"Không có phần {code[:40]!r}; hiện có: {names}",
            f"There is no part {code[:40]!r}; there are: {names}", field="part",
        )  # fmt: skip
    return found


_LISTED = """
    SELECT t.id, t.code, t.{name} AS name, t.valid_from, t.valid_to, t.synthetic,
           t.restricted AND registry.is_department() AS restricted, ST_AsGeoJSON(t.geom, 7)::json AS geometry
    FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS s(id, place) JOIN {kind} t ON t.id = s.id ORDER BY s.place
"""


def objects_of(
    session: Session, answer: Answer, code: str, limit: int, offset: int
) -> tuple[list[dict[str, Any]], int]:
    """Return a page of GeoJSON features of the objects of one part, and how many there are.

    Each with what it counted before and after; drawn as it is known now. A trench or route stands by its longest duct.

    Raises
    ------
    NotFound
        There is no such part.
    """
    part = part_of(answer, code)
    order = np.argsort(part.stands, kind="stable")[offset : offset + limit]
    kind = KIND_OF[answer.sides[1].definition.indicator]
    # Kinds come from our own list, values are bound.
    query = _LISTED.format(kind=kind, name=NAME_OF[kind])
    rows = {row.id: row for row in session.execute(text(query), {"ids": part.stands[order].tolist()})}
    if any(row.restricted for row in rows.values()):
        session.execute(select(func.audit.saw("list", f"{kind}s", None, True)))
    hidden = set(withheld(session, f"{kind}s", ("code", NAME_OF[kind], "geometry")))
    features = []
    for i in order.tolist():
        row = rows[int(part.stands[i])]
        properties = {
            "code": None if "code" in hidden else row.code,
            "name": None if NAME_OF[kind] in hidden else row.name,
            "part": code,
            "before": _counts(part.before[i]),
            "after": _counts(part.after[i]),
            "valid_from": row.valid_from,
            "valid_to": row.valid_to,
            "synthetic": row.synthetic,
        }
        if row.restricted:
            properties["restricted"] = True
        geometry = None if "geometry" in hidden else row.geometry
        features.append({"type": "Feature", "id": row.id, "properties": properties, "geometry": geometry})
    return features, int(part.key.size)


def _counts(row: Ints) -> dict[str, float]:
    return dict(zip(("numerator", "denominator", "unknown"), (row * STEP).tolist(), strict=True))
