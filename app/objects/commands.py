"""`hatang history`: what was changed of an object, what it was at a moment, an earlier state written again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.errors import Conflict, Invalid
from app.kit.console import AsJson, moment, out, show

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.objects.kinds import Kind

history = typer.Typer(no_args_is_help=True, help="Changes of an object, and its earlier states.")
LayerName = Annotated[str, typer.Argument(help="sites, structures, poles, ducts, villages…")]
Name = Annotated[str, typer.Argument(help="Code or id of the object; a code goes first.")]
Moment = Annotated[str, typer.Option("--known-at", help="E.g. 2026-01-31T08:30+07:00.")]
_LIMIT = 1000


@history.command("show")
def history_show(layer: LayerName, name: Name, as_json: AsJson = False) -> None:
    """Print every change, newest first: when, who, why, and each field before and after."""
    from app.database import session_scope
    from app.objects.history import history as changes_of
    from app.objects.kinds import kind_named
    from app.objects.schemas import History, HistoryPage

    kind = kind_named(layer)
    with session_scope() as session:
        object_id = identified(session, kind, name)
        found = changes_of(session, kind, object_id, HistoryPage(limit=_LIMIT), f"/api/objects/{layer}/{object_id}")
    if as_json:
        show(History.model_validate(found).model_dump(mode="json"), True)
        return
    show([row for entry in found["history"] for row in rows(entry)], False, f"{layer} {name}: #{object_id}")
    if found["numberMatched"] > _LIMIT:
        out.print(f"{_LIMIT} / {found['numberMatched']}")


@history.command("at")
def history_at(layer: LayerName, name: Name, known_at: Moment, as_json: AsJson = False) -> None:
    """Print an object as the registry knew it at a moment."""
    from app.database import session_scope
    from app.objects import service
    from app.objects.kinds import kind_named
    from app.objects.schemas import ItemQuestion

    kind = kind_named(layer)
    with session_scope() as session:
        object_id = identified(session, kind, name)
        asked = ItemQuestion.model_construct(as_of=None, known_at=moment(known_at))
        version, feature = service.item(session, kind, object_id, asked)
    if as_json:
        show(feature | {"etag": version}, True)
        return
    show(feature["properties"] | {"geometry": feature["geometry"]}, False, f"{layer} {name}: #{object_id}, {known_at}")


@history.command("restore")
def history_restore(
    layer: LayerName,
    name: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the history.")],
    change: Annotated[int | None, typer.Option("--change", min=1, help="Number of the change that left it.")] = None,
    known_at: Annotated[str | None, typer.Option("--known-at", help="Or the moment it was known at.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the state a change left, or that of a moment, as a new change."""
    from app.database import session_scope
    from app.objects import restoring, service
    from app.objects.kinds import kind_named
    from app.objects.schemas import Restoring

    kind = kind_named(layer)
    if (change is None) == (known_at is None) or not reason.strip():
        raise Invalid(
            "change_or_moment",
            "Cần --reason và một trong --change, --known-at",
            "--reason and either --change or --known-at are needed",
            field="change_id",
        )
    asked = Restoring.model_construct(change_id=change, known_at=moment(known_at), reason=reason, batch=None)
    with session_scope() as session:
        object_id = identified(session, kind, name)
        version, _ = service.present(session, kind, object_id)
        version, feature = restoring.restore(session, kind, object_id, asked, version)
    if as_json:
        show(feature | {"etag": version}, True)
        return
    show({"id": object_id, "restored": ", ".join(feature["restored"]) or "—"}, False, f"{layer} {name}")


def identified(session: Session, kind: Kind, name: str) -> int:
    """Return the id of the object of that code, else of that id.

    Raises
    ------
    Conflict
        Several objects bear the code; the message names their ids.
    NotFound
        None does, and it is no id.
    """
    from app.kit.page import MAX_ID
    from app.objects import queries, service

    found = queries.coded(session, kind, name)
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(map(str, found))
        raise Conflict(
            "several_objects",
            f"Có nhiều đối tượng mang mã {name!r}; hãy dùng số: {ids}",
            f"Several objects bear the code {name!r}; use an id: {ids}",
            field="name",
        )
    if name.isascii() and name.isdecimal() and 0 < int(name) <= MAX_ID:
        return int(name)
    raise service.not_there(kind)


def rows(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a change as lines of a table, one a field."""
    actor = entry["actor"]["name"] or entry["actor"]["kind"]
    head = {"#": entry["id"], "lúc · when": entry["at"].isoformat(timespec="seconds"), "ai · who": actor,
            "vì sao · why": entry["reason"] or ""}  # fmt: skip
    if entry["operation"] != "update":
        return [{**head, "trường · field": entry["operation"], "trước → sau · before → after": ""}]
    lines = [{"trường · field": c["field"], "trước → sau · before → after": _told(c)} for c in entry["changes"]]
    return [{**(head if i == 0 else dict.fromkeys(head, "")), **line} for i, line in enumerate(lines)]


def _told(change: dict[str, Any]) -> str:
    if "moved_m" in change:
        return "—" if change["moved_m"] is None else f"{change['moved_m']} m"
    before, after = ("—" if v is None else v for v in (change["before"], change["after"]))
    return f"{before} → {after}"
