"""What every command prints with: tables for people, one JSON document for programs."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

AsOf = Annotated[
    dt.datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The date that counts; default today.")
]
KnownAt = Annotated[
    str | None,
    typer.Option("--known-at", help="What the registry knew at this moment, e.g. 2026-01-31T08:30+07:00; default now."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]
out = Console()
err = Console(stderr=True)


def show(result: dict[str, Any] | list[dict[str, Any]], as_json: bool, title: str = "") -> None:
    """Print `result` as a table for people, or as one JSON document."""
    if as_json:
        print(json.dumps(result, ensure_ascii=False, default=str))
        return
    rows = result if isinstance(result, list) else [{"": k, " ": v} for k, v in result.items()]
    table = Table(title=escape(title) or None, show_header=isinstance(result, list))
    for column in rows[0] if rows else ():
        table.add_column(escape(str(column)))
    for row in rows:
        table.add_row(*("—" if v is None else escape(str(v)) for v in row.values()))
    out.print(table)


def day(given: dt.datetime | None) -> dt.date:
    """Return the day of an --as-of option, today in Viet Nam without one."""
    from app.kit.page import today

    return given.date() if given else today()


def moment(given: str | None) -> dt.datetime | None:
    """Return the moment of a --known-at option.

    Raises
    ------
    Invalid
        No moment, without a zone, or in the future.
    """
    from app.kit.page import option, parse_instant

    return option(parse_instant, given, "known_at")
