"""Sharing answers as rows a person reads in a terminal."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast, get_args

from sqlalchemy.orm import Session

from app.errors import Invalid
from app.sharing.breakdown import By
from app.sharing.definitions import DEFINITIONS
from app.sharing.service import sharing_on


def answer(
    session: Session, as_of: dt.date, by: str | None, wanted: str | None, boundaries: dt.date | None = None
) -> dict[str, Any]:
    """Return `sharing_on`, refusing a breakdown there is not; communes and districts are those of `boundaries`.

    Raises
    ------
    Invalid
        `by` is none of the breakdowns.
    """
    if by is not None and by not in get_args(By):
        raise Invalid(
            "unknown_breakdown",
            f"Không chia được theo {by!r}; chọn: {', '.join(get_args(By))}",
            f"There is no breakdown by {by!r}; choose from {', '.join(get_args(By))}",
            field="by",
        )
    return sharing_on(session, as_of, by=cast("By | None", by), wanted=wanted, boundaries=boundaries)


def ratio_rows(found: dict[str, Any]) -> list[dict[str, str]]:
    """Return one row a definition, with the target and whether it is met; narrow enough for 80 columns."""
    rows = []
    for r in found["ratios"]:
        about, target = DEFINITIONS[r["definition"]], r["target"]
        met = {True: "đạt · yes", False: "chưa · no", None: "—"}[r["met"]]
        rows.append(
            {
                "": about.code + (" *" if about.default else ""),
                "Cách tính\ndefinition": f"{about.title_vi}\n{about.title_en}",
                **_figure(r),
                "Mục tiêu\ntarget": f"{target['value']:g} % ({target['year']})\n{met}" if target else "—",
            }
        )
    return rows


def breakdown_rows(found: dict[str, Any]) -> list[dict[str, str]]:
    """Return one row a scope and definition."""
    return [
        {
            "Phạm vi\nscope": f"{r['scope_code'] or '—'}\n{r['scope_name']}",
            "Cách tính\ndefinition": r["definition"],
            **_figure(r),
        }
        for r in found["breakdown"]
    ]


def _figure(row: dict[str, Any]) -> dict[str, str]:
    ratio = "—"
    if row["ratio"] is not None:
        ratio = f"{row['ratio']:.2f}{' %' if DEFINITIONS[row['definition']].unit == '%' else ''}"
        if row["unknown"]:
            high = "?" if row["ratio_high"] is None else f"{row['ratio_high']:.2f}"
            ratio += f"\n{row['ratio_low']:.2f} … {high}"
    return {
        "Tử số\n/ mẫu số": f"{row['numerator']:,.0f}\n/ {row['denominator']:,.0f}",
        "Chưa rõ\nunknown": f"{row['unknown']:,.0f}",
        "Tỷ lệ, khoảng\nratio, interval": ratio,
    }


def change_title(answer: dict[str, Any]) -> str:
    """Return what a change is about, in one line."""
    one, other = answer["from"], answer["to"]
    unit = f", {other['unit']['name']}" if other["unit"] else ""
    return f"{other['definition']['code']}{unit}: {one['as_of']} → {other['as_of']}"


def change_rows(answer: dict[str, Any]) -> list[dict[str, str]]:
    """Return the two ends and, between them, one row a part that changes anything."""
    factor = answer["unit"] if answer["unit"] == "%" else ""

    def row(name: str, counts: dict[str, Any], points: str, objects: str, sign: str = "") -> dict[str, str]:
        return {
            "": name,
            "Tử số\nnumerator": f"{counts['numerator']:{sign},.6g}",
            "Mẫu số\ndenominator": f"{counts['denominator']:{sign},.6g}",
            "Chưa rõ\nunknown": f"{counts['unknown']:{sign},.6g}",
            "Tỷ lệ, điểm\nratio, points": points,
            "Đối tượng\nobjects": objects,
        }

    def end(side: dict[str, Any]) -> str:
        return "—" if side["ratio"] is None else f"{side['ratio']:.3f} {factor}".strip()

    rows = [row(str(answer["from"]["as_of"]), answer["from"], end(answer["from"]), "")]
    for part in answer["parts"]:
        if part["objects"]:
            points = "—" if part["points"] is None else f"{part['points']:+.3f}"
            name = f"{part['title']['vi']}\n{part['title']['en']}"
            rows.append(row(name, part, points, str(part["objects"]), "+"))
    return [*rows, row(str(answer["to"]["as_of"]), answer["to"], end(answer["to"]), "")]
