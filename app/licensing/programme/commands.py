"""`hatang programme`: the cheapest path to a sharing target, in the name of the operating-system user."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.kit.console import AsJson, AsOf, day, err, out, show

if TYPE_CHECKING:
    from app.licensing.programme.models import ProgrammeRun

programme = typer.Typer(no_args_is_help=True, help="The cheapest list of acts that reaches a sharing target.")
Output = Annotated[Path | None, typer.Option("-o", "--output", help="FILE.geojson, .csv or .xlsx with the acts.")]
ProgrammeNumber = Annotated[int, typer.Argument(min=1, help="Number of the programme.")]
_SHOWN = 20
_STEPS = {"signals": "Vùng phủ · coverage", "presences": "Trạm hiện có · towers", "acts": "Phương án · acts",
          "solving": "Giải · solving"}  # fmt: skip


@programme.command("run")
def programme_run(
    kind: Annotated[str, typer.Argument(help="towers, poles, ducts or new-sites.")],
    target: Annotated[float | None, typer.Option("--target", help="Percent; default the plan's.")] = None,
    gap: Annotated[float | None, typer.Option("--gap", help="Good enough, e.g. 0.01.")] = None,
    time_limit_s: Annotated[float | None, typer.Option("--time-limit", help="Seconds for the solver.")] = None,
    radius_m: Annotated[float | None, typer.Option("--radius-m", help="From how far things may come.")] = None,
    operator: Annotated[str | None, typer.Option("--operator", help="Only this one moves or comes; its code.")] = None,
    rule: Annotated[str, typer.Option("--rule", help="Coverage rule to keep, or to reach.")] = "village-80",
    each_operator: Annotated[bool, typer.Option("--each-operator", help="Each keeps its own coverage.")] = False,
    allow_additions: Annotated[bool, typer.Option("--allow-additions", help="Also come without leaving.")] = False,
    include_unknown: Annotated[
        bool, typer.Option("--include-unknown", help="Villages of unknown verdict too.")
    ] = False,
    background: Annotated[bool, typer.Option("--background", help="Leave it to a worker; print the job.")] = False,
    output: Output = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Solve a programme, store it and print its list; nothing of the registry changes."""
    from app.database import session_scope
    from app.kit.progress import bar
    from app.licensing.programme import jobs, service

    form = _format(output)
    asked = service.question(
        kind, as_of=day(as_of), target=target, gap=gap, time_limit_s=time_limit_s, radius_m=radius_m,
        operator=operator, rule=rule, each_operator=each_operator, allow_additions=allow_additions,
        include_unknown=include_unknown,
    )  # fmt: skip
    if background:
        with session_scope() as session:
            number = jobs.ask(session, asked)
        show({"job": number, "follow": f"hatang jobs show {number}"}, as_json, "Đã xếp hàng · queued")
        return
    with bar(err, _STEPS) as progress, session_scope() as session:
        run = service.run(session, asked, progress)
    _print(run, as_json)
    _write(run, output, form)


@programme.command("list")
def programme_list(
    kind: Annotated[str | None, typer.Option("--kind", help="towers, poles, ducts or new-sites.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="The newest so many.")] = 30,
    as_json: AsJson = False,
) -> None:
    """List programmes, newest first."""
    from app.database import session_scope
    from app.licensing.programme import service, table

    only = service.question(kind).kind if kind else None
    with session_scope() as session:
        found, matched = service.page(session, only, limit, 0)
    rows: list[dict[str, Any]] = [service.summary(r) if as_json else table.line(r) for r in found]
    show(rows, as_json, f"Chương trình · programmes: {len(found)} / {matched}")


@programme.command("show")
def programme_show(number: ProgrammeNumber, output: Output = None, as_json: AsJson = False) -> None:
    """Print a stored programme."""
    from app.database import session_scope
    from app.licensing.programme import service

    form = _format(output)
    with session_scope() as session:
        run = service.stored(session, number)
    _print(run, as_json)
    _write(run, output, form)


def _print(run: ProgrammeRun, as_json: bool) -> None:
    from app.licensing.programme import service, table

    if as_json:
        show(service.full(run), True)
        return
    show(table.totals(run), False, table.title(run))
    acts = run.result["acts"]
    if acts:
        shown = [table.act(a) for a in acts[:_SHOWN]]
        show(shown, False, f"Việc cần làm · acts: {len(shown)} / {len(acts)}")
    for reason in run.result["reasons"]:
        out.print(f"• {reason['vi']}\n  {reason['en']}", highlight=False, markup=False)


def _format(output: Path | None) -> str:
    from app.errors import Invalid
    from app.licensing.programme import files

    form = output.suffix.lstrip(".").lower() if output else ""
    if output is not None and form not in files.MEDIA:
        known = ", ".join(f".{name}" for name in files.MEDIA)
        raise Invalid("file_format", f"Tệp phải có đuôi {known}", f"The file has to end in {known}", field="output")
    return form


def _write(run: ProgrammeRun, output: Path | None, form: str) -> None:
    from app.errors import Invalid
    from app.kit.files import whole
    from app.licensing.programme import files

    if output is None:
        return
    try:
        with whole(output) as file:
            file.write(files.write(run, form))
    except OSError as error:
        why = error.strerror or str(error)
        raise Invalid("cannot_write", f"Không ghi được {output}: {why}", f"Cannot write {output}: {why}",
                      field="output") from error  # fmt: skip
