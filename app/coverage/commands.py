"""`hatang coverage`: black spots, switching technologies off, calibrations; runs and checks stand in app/cli.py."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import typer

from app.kit.console import AsJson, AsOf, KnownAt, day, err, moment, out, show

coverage = typer.Typer(no_args_is_help=True, help="Coverage of villages, path loss, checks of the model.")
Rule = Annotated[str | None, typer.Option("--rule", help="Name of the coverage rule; else the default one.")]
RunId = Annotated[int | None, typer.Option("--run", min=1, help="Number of a run; else the newest one.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Villages shown.")]
Offset = Annotated[int, typer.Option("--offset", min=0, help="Villages to skip.")]


@coverage.command("blackspots")
def coverage_blackspots(
    rule: Rule = None,
    operator: Annotated[str | None, typer.Option("--operator", help="What this one alone does not cover.")] = None,
    technology: Annotated[str | None, typer.Option("--technology", help="Only 2G, 3G, 4G or 5G.")] = None,
    verdict: Annotated[str, typer.Option("--verdict", help="not_covered, unknown or covered.")] = "not_covered",
    commune: Annotated[str | None, typer.Option("--commune", help="Code or name.")] = None,
    run: RunId = None,
    limit: Limit = 30,
    offset: Offset = 0,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    geojson: Annotated[bool, typer.Option("--geojson", help="Print a GeoJSON feature collection.")] = False,
    as_json: AsJson = False,
) -> None:
    """List villages without coverage, most people uncovered first."""
    from app.coverage import tables
    from app.coverage.blackspots import blackspots, feature_collection
    from app.coverage.blackspots_schemas import BlackspotQuestion, Blackspots

    asked = tables.question(
        BlackspotQuestion, rule=rule, operator=operator, technology=technology, verdict=verdict, commune=commune,
        run_id=run, limit=limit, offset=offset, as_of=_day(as_of),
    )  # fmt: skip
    answer = _answer(lambda session: Blackspots.model_validate(blackspots(session, asked)), known_at)
    if geojson or as_json:
        show(feature_collection(answer) if geojson else answer, True)
        return
    show(tables.totals(answer), False, tables.title(answer, "Vùng lõm sóng · black spots"))
    show(tables.spots(answer), False, f"{verdict}: {len(answer['items'])} / {answer['numberMatched']}")


@coverage.command("switch-off")
def coverage_switch_off(
    technology: Annotated[list[str], typer.Option("--technology", help="Switched off: 2G, 3G…; repeat.")],
    operator: Annotated[str | None, typer.Option("--operator", help="Only this operator's network.")] = None,
    rule: Rule = None,
    run: RunId = None,
    limit: Limit = 30,
    offset: Offset = 0,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """Say which villages and how many people lose service without some technologies; nothing is written."""
    from app.coverage import tables
    from app.coverage.switch_off_answers import switch_off
    from app.coverage.switch_off_schemas import SwitchOff, SwitchOffQuestion

    asked = tables.question(
        SwitchOffQuestion, technologies=",".join(technology), operator=operator, rule=rule, run_id=run, limit=limit,
        offset=offset, as_of=_day(as_of),
    )  # fmt: skip
    answer = _answer(lambda session: SwitchOff.model_validate(switch_off(session, asked)), known_at)
    if as_json:
        show(answer, True)
        return
    off = ", ".join(answer["switched_off"])
    show(tables.effects(answer), False, tables.title(answer, f"Tắt {off} · {off} switched off"))
    show(tables.lost(answer), False, f"Mất phủ sóng · lost: {len(answer['items'])} / {answer['numberMatched']}")
    for vi, en in zip(answer["why"]["vi"], answer["why"]["en"], strict=True):
        out.print(f"• {vi}\n  {en}", highlight=False, markup=False)


@coverage.command("calibrate")
def coverage_calibrate(
    rule: Annotated[str, typer.Option("--rule", help="By whose threshold held-out samples are judged.")] = "village-80",
    use: Annotated[int | None, typer.Option("--use", min=1, help="Put this calibration in use; fit nothing.")] = None,
    retire: Annotated[bool, typer.Option("--retire", help="Go back to none; fit nothing.")] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Fit the model to drive tests on part of the sites, say how wrong it is on the others; nothing uses it yet."""
    from app.coverage import calibration_words as words
    from app.coverage import calibrations
    from app.database import session_scope
    from app.kit.progress import bar

    if use is not None and retire:
        raise typer.BadParameter("--use and --retire exclude each other", param_hint="--retire")
    if use is not None or retire:
        with session_scope() as session:
            changed = calibrations.retire(session) if use is None else calibrations.use(session, use)
        rows = [words.summary_row(changed)] if changed else []
        show(words.full(changed) if as_json and changed else rows, as_json, "Hiệu chỉnh · calibration")
        return
    with bar(err) as progress, session_scope() as session:
        made = calibrations.calibrate(session, as_of=day(as_of), rule=rule, progress=progress)
    if as_json:
        show(words.full(made), True)
        return
    mark = " SYNTHETIC" if made.synthetic else ""
    show(
        words.fit_rows(made),
        False,
        f"Hiệu chỉnh · calibration {made.id}{mark}, {made.report['fit_sites']} trạm · sites",
    )
    held = f"{made.report['held_out_sites']} trạm kiểm tra · held-out sites: trước → sau · before → after"
    show(words.report_rows(made), False, held)
    for line in words.left_out(made):
        out.print(f"• {line}", highlight=False, markup=False)
    sigma = f"sigma {made.report['sigma_model_before_db']:.1f} → {made.sigma_model_db:.1f} dB"
    out.print(f"{sigma}. Đưa vào dùng · put it in use: hatang coverage calibrate --use {made.id}", highlight=False,
              markup=False)  # fmt: skip


@coverage.command("calibrations")
def coverage_calibrations(as_json: AsJson = False) -> None:
    """List the calibrations, newest first."""
    from app.coverage import calibration_words as words
    from app.coverage import calibrations
    from app.database import session_scope

    with session_scope() as session:
        found = calibrations.every(session)
    show([words.full(c) if as_json else words.summary_row(c) for c in found], as_json, "Hiệu chỉnh · calibrations")


def _answer(asked: Any, known_at: str | None) -> dict[str, Any]:
    """Return what a question answers as of the moment of knowledge, as JSON."""
    from app.database import look_back, session_scope

    known = moment(known_at)
    with session_scope() as session:
        look_back(session, known)
        found: dict[str, Any] = asked(session).model_dump(mode="json", by_alias=True)
    return found


def _day(given: dt.datetime | None) -> str | None:
    return given.date().isoformat() if given else None
