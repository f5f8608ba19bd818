"""`hatang prices`: what owners ask, and how it compares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.kit.console import AsJson, AsOf, day, show

prices = typer.Typer(no_args_is_help=True, help="Declared rental prices: list, compare. Load with `hatang load`.")


@prices.command("list")
def prices_list(
    owner: Annotated[str | None, typer.Option("--owner", help="Code, e.g. VNPT.")] = None,
    component: Annotated[
        str | None, typer.Option("--component", help="house, mast, power, duct_bore, duct_metre or pole.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="So many at most.")] = 100,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """List the declared prices in force."""
    from app.database import session_scope
    from app.licensing.prices import queries, table

    with session_scope() as session:
        found, matched = queries.prices(session, day(as_of), owner=owner and owner.upper(), component=component,
                                        limit=limit)  # fmt: skip
    show(found if as_json else table.price_rows(found), as_json, f"Giá cho thuê · prices: {len(found)} / {matched}")


@prices.command("compare")
def prices_compare(
    output: Annotated[Path | None, typer.Option("-o", "--output", help="FILE.csv or FILE.xlsx.")] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Compare declared and paid prices per kind of structure."""
    from app.database import session_scope
    from app.errors import Invalid
    from app.kit.files import whole
    from app.licensing.prices import service, table

    if output is not None and output.suffix.lower() not in {".csv", ".xlsx"}:
        raise Invalid("unknown_format", "Tệp phải là .csv hoặc .xlsx", "The file has to be .csv or .xlsx",
                      field="output")  # fmt: skip
    with session_scope() as session:
        found = service.comparison(session, day(as_of))
    if output is not None:
        rows = table.flat(found)
        csv = output.suffix.lower() == ".csv"
        with whole(output) as file:
            file.write(table.to_csv(rows, table.COLUMNS) if csv else table.to_xlsx(rows, table.COLUMNS, "prices"))
    show(found if as_json else table.comparison_rows(found), as_json, f"So sánh giá · prices {found['as_of']}")
