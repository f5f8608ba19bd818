"""`hatang applications`: what is asked for and how far it is; reminders and expiries of sharing requests."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.kit.console import AsJson, out, show

applications = typer.Typer(no_args_is_help=True, help="Applications to build or share: list, show, remind.")


@applications.command("list")
def applications_list(
    state: Annotated[str | None, typer.Option("--state", help="draft, submitted, sharing, permit_review…")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="tower, pole or duct.")] = None,
    operator: Annotated[str | None, typer.Option("--operator", help="Code, e.g. VIETTEL.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those whose clock has run out.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="The newest so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List applications, newest first, with the clock that runs."""
    from pydantic import ValidationError

    from app.database import session_scope
    from app.errors import Invalid
    from app.licensing.applications import service
    from app.licensing.applications.schemas import Applications, ApplicationsQuestion

    values = {"state": state, "kind": kind, "operator": operator, "overdue": True if overdue else None, "limit": limit}
    try:
        asked = ApplicationsQuestion.model_validate(values)
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise Invalid("application_filter", f"Giá trị của --{field} không hợp lệ", f"--{field} has no such value",
                      field=field) from error  # fmt: skip
    with session_scope() as session:
        found = service.page(session, asked)
    items = Applications.model_validate(found).model_dump(mode="json")["items"]
    shown = items if as_json else [_row(item) for item in items]
    show(shown, as_json, f"Hồ sơ · applications: {len(items)} / {found['number_matched']}")


@applications.command("show")
def applications_show(
    name: Annotated[str, typer.Argument(help="Reference, e.g. HS-2345-6789-ABCD, or number.")], as_json: AsJson = False
) -> None:
    """Print one application: clocks, requests to owners, history."""
    from app.database import session_scope
    from app.licensing.applications import queries, service
    from app.licensing.applications.schemas import ApplicationOut

    with session_scope() as session:
        _, told = service.present(session, queries.application_named(session, name))
    found = ApplicationOut.model_validate(told).model_dump(mode="json")
    if as_json:
        show(found, True)
        return
    mark = " · SYNTHETIC" if found["synthetic"] else ""
    show(_row(found), False, f"{found['reference']} · {found['title']}{mark}")
    for title, rows in (
        ("Thời hạn · clocks", [_clock(c) for c in found["clocks"]]),
        ("Đề nghị dùng chung · sharing requests", [_request(r) for r in found["requests"]]),
        ("Lịch sử · history", [_event(e) for e in found["events"]]),
    ):
        if rows:
            show(rows, False, title)
    out.print(f"Tài liệu · documents: {len(found['documents'])}", highlight=False)


@applications.command("remind")
def applications_remind(as_json: AsJson = False) -> None:
    """Mark the reminders that are due and let late requests expire; run it daily, twice does nothing more."""
    from app.database import session_scope
    from app.licensing.applications import reminders
    from app.licensing.applications.schemas import RequestOut

    with session_scope() as session:
        found = reminders.remind(session)
    told = {what: [RequestOut.model_validate(r).model_dump(mode="json") for r in rows] for what, rows in found.items()}
    if as_json:
        show(told, True)
        return
    for what, title in (("reminded", "Nhắc trả lời · reminded"), ("expired", "Quá hạn · expired")):
        show([_request(r) for r in told[what]], False, f"{title}: {len(told[what])}")


def _row(item: dict[str, Any]) -> dict[str, Any]:
    clock = item["clock"] or {}
    return {
        "hồ sơ · reference": item["reference"],
        "loại · kind": item["kind"],
        "người nộp · applicant": item["applicant"]["code"],
        "trạng thái · state": item["state_name"]["vi"],
        "hạn · due": clock.get("due_on"),
        "còn · days left": clock.get("working_days_left"),
        "dữ liệu · data": "SYNTHETIC" if item["synthetic"] else "",
    }


def _clock(clock: dict[str, Any]) -> dict[str, Any]:
    names = ("stage", "started_on", "due_on", "ended_on", "working_days_left")
    late = "quá hạn · overdue" if clock["overdue"] else "tạm dừng · paused" if clock["paused"] else ""
    return {name: clock[name] for name in names} | {" ": late}


def _request(request: dict[str, Any]) -> dict[str, Any]:
    return {
        "đề nghị · reference": request["reference"],
        "chủ sở hữu · owner": request["owner"]["code"],
        "công trình · object": (request["object"] or {}).get("code"),
        "trạng thái · state": request["state_name"]["vi"],
        "hạn · due": request["due_on"],
        "còn · days left": request["working_days_left"],
    }


def _event(event: dict[str, Any]) -> dict[str, Any]:
    actor = event["actor"] or {}
    return {"lúc · at": event["at"], "việc · action": event["action"], "→": event["to_state"],
            "ai · who": actor.get("name") or actor.get("kind"), "lý do · note": event["note"]}  # fmt: skip
