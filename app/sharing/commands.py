"""`hatang sharing`: the ratios; what they counted; what changed between two sides; snapshots frozen with a hash."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from app.errors import Invalid
from app.kit.console import AsJson, AsOf, KnownAt, day, moment, out, show

sharing = typer.Typer(invoke_without_command=True, help="Sharing ratios of positions, poles and ducts.")
snapshot = typer.Typer(no_args_is_help=True, help="Ratios frozen with a hash: add, list, verify.")
sharing.add_typer(snapshot, name="snapshot")
Definition = Annotated[str | None, typer.Option("--definition", help="S1…S4, P1…P3 or D1…D3.")]
Boundaries = Annotated[
    dt.datetime | None,
    typer.Option("--boundaries", formats=["%Y-%m-%d"], help="Communes or districts of that day; default --as-of's."),
]
_DAY = ["%Y-%m-%d"]


@sharing.callback()
def ratios(
    context: typer.Context,
    as_of: AsOf = None,
    by: Annotated[
        str | None, typer.Option("--by", help="commune, district, operator, owner_kind, urban, street, year.")
    ] = None,
    boundaries: Boundaries = None,
    definition: Definition = None,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """Print the sharing ratios of positions, poles and ducts with what is unknown, and the plan's target."""
    from app.database import look_back, session_scope
    from app.sharing import table

    if context.invoked_subcommand is not None:
        return
    known = moment(known_at)
    with session_scope() as session:
        look_back(session, known)
        answer = table.answer(session, day(as_of), by, definition, day(boundaries) if boundaries else None)
    if as_json:
        show(answer, True)
        return
    show(table.ratio_rows(answer), False, f"Dùng chung hạ tầng · sharing {answer['as_of']}")
    if by:
        show(table.breakdown_rows(answer), False, by)


@sharing.command("change")
def change(
    start: Annotated[dt.datetime | None, typer.Option("--from", formats=_DAY, help="First date.")] = None,
    end: Annotated[dt.datetime | None, typer.Option("--to", formats=_DAY, help="Last date; default today.")] = None,
    definition: Annotated[str, typer.Option("--definition", help="S1…S4, P1…P3 or D1…D3.")] = "S1",
    definition_from: Annotated[
        str | None, typer.Option("--definition-from", help="Definition of the first side; default the same.")
    ] = None,
    known_from: Annotated[str | None, typer.Option("--known-from", help="Knowledge of the first side.")] = None,
    known_to: Annotated[str | None, typer.Option("--known-to", help="Knowledge of the last side.")] = None,
    from_snapshot: Annotated[int | None, typer.Option("--from-snapshot", help="A snapshot instead of --from.")] = None,
    to_snapshot: Annotated[int | None, typer.Option("--to-snapshot", help="A snapshot instead of --to.")] = None,
    commune: Annotated[str | None, typer.Option("--commune", help="Code or name; else the whole province.")] = None,
    district: Annotated[str | None, typer.Option("--district", help="Code or name.")] = None,
    boundaries_from: Annotated[str | None, typer.Option("--boundaries-from", help="at_date, today or a day.")] = None,
    boundaries_to: Annotated[str | None, typer.Option("--boundaries-to", help="at_date, today or a day.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say why a ratio changed: built, removed, newly shared, corrections…; the parts add up exactly."""
    from app.database import session_scope
    from app.sharing import change_answer, table
    from app.sharing.sides import asked_change

    given = {
        "definition": definition,
        "definition_from": definition_from,
        "from": start.date().isoformat() if start else None,
        "to": end.date().isoformat() if end else None,
        "known_from": known_from,
        "known_to": known_to,
        "from_snapshot": from_snapshot,
        "to_snapshot": to_snapshot,
        "commune": commune,
        "district": district,
        "boundaries_from": boundaries_from,
        "boundaries_to": boundaries_to,
    }
    asked = _question({name: value for name, value in given.items() if value is not None})
    with session_scope() as session:
        answer = change_answer.described(asked_change(session, asked))
    if as_json:
        show(answer, True)
        return
    show(table.change_rows(answer), False, table.change_title(answer))
    if answer["points_reason"]:
        out.print(f"{answer['points_reason']['vi']}\n{answer['points_reason']['en']}", highlight=False)


def _question(given: dict[str, Any]) -> Any:
    """Return the question of the API with the same refusals."""
    from pydantic import ValidationError

    from app.sharing.change_schemas import ChangeQuestion

    try:
        return ChangeQuestion.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        told = first.get("ctx", {})
        name = str(first["loc"][0]) if first["loc"] else "from"
        raise Invalid(
            told.get("code", "wrong_value"), told.get("vi", f"Giá trị của {name} không hợp lệ"),
            told.get("en", f"{name} has no such value"), field=name,
        ) from error  # fmt: skip


@sharing.command("objects")
def objects(
    indicator: Annotated[str, typer.Argument(help="a3 positions, a4 poles or a5 ducts.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="FILE.csv, FILE.geojson or FILE.xlsx.")],
    as_of: AsOf = None,
    definition: Definition = None,
    counted: Annotated[str, typer.Option("--counted", help="numerator, denominator or unknown.")] = "numerator",
    commune: Annotated[str | None, typer.Option("--commune", help="Code or name; else the whole province.")] = None,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """Write the objects a ratio counted to a file; restricted ones are in none."""
    from app.database import look_back, session_scope
    from app.sharing import export

    known = moment(known_at)
    with session_scope() as session:
        look_back(session, known)
        result = export.write(session, indicator, output, day(as_of), definition, counted, commune)
    show(result, as_json)


@snapshot.command("add")
def snapshot_add(
    label: Annotated[str, typer.Argument(help="What it is for, e.g. the report of a year.")],
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Freeze all ratios of a date as known now; nobody can change or delete a snapshot."""
    from app.database import session_scope
    from app.sharing import snapshots

    if not 1 <= len(label.strip()) <= 200:
        raise Invalid("label_length", "Nhãn cần 1 đến 200 ký tự", "A label has 1 to 200 characters", field="label")
    with session_scope() as session:
        made = snapshots.summary(snapshots.freeze(session, day(as_of), label.strip()))
    show(made, as_json, "Bản chốt · snapshot")


@snapshot.command("list")
def snapshot_list(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="The newest so many.")] = 30,
    as_json: AsJson = False,
) -> None:
    """List snapshots, newest first."""
    from app.database import session_scope
    from app.sharing import snapshots

    with session_scope() as session:
        found, matched = snapshots.snapshots(session, limit, 0)
        rows = [snapshots.summary(kept) for kept in found]
    if not as_json:
        rows = [{k: v for k, v in row.items() if k != "definitions"} for row in rows]
    show(rows, as_json, f"Bản chốt · snapshots: {len(rows)} / {matched}")


@snapshot.command("verify")
def snapshot_verify(
    number: Annotated[int, typer.Argument(min=1, help="Number of the snapshot.")], as_json: AsJson = False
) -> None:
    """Compute a snapshot again as known then; exit 1 when it does not come out the same."""
    from app.database import session_scope
    from app.sharing import snapshots

    with session_scope() as session:
        found = snapshots.verify(session, number)
    show(found, as_json, f"Bản chốt · snapshot {number}")
    if not (found["intact"] and found["reproduced"]):
        raise typer.Exit(1)
