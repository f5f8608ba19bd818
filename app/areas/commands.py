"""`hatang units`: administrative units in all their times, and which became which."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import typer

from app.kit.console import AsJson, day, show

units = typer.Typer(no_args_is_help=True, help="Provinces, districts and communes in all their times.")
Level = Annotated[str | None, typer.Option("--level", help="province, district or commune.")]


@units.command("find")
def units_find(
    name: Annotated[str, typer.Argument(help="Code or name, with or without marks.")],
    level: Level = None,
    as_of: Annotated[
        dt.datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Only units in force on that day.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 30,
    as_json: AsJson = False,
) -> None:
    """Find units by code or name, with what they came from and went into."""
    from app.areas import search
    from app.database import session_scope

    with session_scope() as session:
        found, matched = search.find_units(
            session, q=name, level=level, as_of=day(as_of) if as_of else None, code=None, limit=limit, offset=0
        )
    show({"units": found, "numberMatched": matched} if as_json else [_row(u) for u in found], as_json, name)


@units.command("crosswalk")
def units_crosswalk(
    start: Annotated[dt.datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="Day of the units to start from.")],
    end: Annotated[dt.datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Day of the units to arrive at.")],
    level: Level = "commune",
    as_json: AsJson = False,
) -> None:
    """Print which unit of one day is which on another, with its share; backwards in time the parts are by area."""
    from app.areas import search
    from app.database import session_scope

    with session_scope() as session:
        found = search.crosswalk(session, level or "commune", start.date(), end.date())
    if as_json:
        show(found, True)
        return
    show([_pair(p) for p in found["pairs"]], False, f"{found['level']}: {found['from']} → {found['to']}")
    if found["lost"]:
        lost = [{"": _told(row["unit"]), "—": f"{row['share']:.4g}"} for row in found["lost"]]
        show(lost, False, "Không rõ đi đâu · went nowhere on record")


def _row(unit: dict[str, Any]) -> dict[str, Any]:
    return {
        "Mã\ncode": unit["code"],
        "Tên\nname": f"{unit['name']}\n{unit['level']}",
        "Hiệu lực\nin force": f"{unit['valid_from']}\n{unit['valid_to'] or '…'}",
        "Thuộc\nin": _told(unit["parent"]) if unit["parent"] else None,
        "Trước đó\nbefore": "\n".join(map(_told, unit["predecessors"])) or None,
        "Sau đó\nafter": "\n".join(map(_told, unit["successors"])) or None,
    }


def _pair(pair: dict[str, Any]) -> dict[str, Any]:
    share = None if pair["share"] is None else f"{pair['share']:.4g}"
    return {"Từ · from": _told(pair["old"]), "Thành · to": _told(pair["new"]), "Phần · share": share}


def _told(unit: dict[str, Any]) -> str:
    return f"{unit['code']} {unit['name']}"
