"""Adding, changing and ending objects; nothing is ever deleted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import is_department, scope_of
from app.errors import Conflict, Invalid
from app.kit.page import today
from app.objects import queries
from app.objects.attributes import read_body, require_writer
from app.objects.kinds import Kind
from app.objects.queries import Found
from app.objects.schemas import Attributes, Ending
from app.objects.service import Answer, not_there, present
from app.objects.states import State, changed, merge
from app.objects.versions import check_version, require_match
from app.objects.writing import attempt, insert, not_yours, unknown_references, update


def add(session: Session, kind: Kind, asked: Attributes) -> Answer:
    """Add an object; an operator's is its own organisation's.

    Raises
    ------
    Forbidden
        The layer, or the object described, is not the caller's to write.
    Invalid
        An attribute, value or reference that cannot be.
    Conflict
        The code is taken.
    """
    allowed = require_writer(session, kind, adding=True)
    values = read_body(kind, asked.attributes(), allowed | _choosable(session, kind))
    values = _of_whom(session, kind, values)
    if "valid_from" in kind.columns:
        values.setdefault("valid_from", str(today()))
    for name, column in kind.columns.items():
        if not column.nullable and column.server_default is None and name != "id" and values.get(name) is None:
            member = "geometry" if name == "geom" else name
            raise Invalid("required", f"Thuộc tính {member!r} là bắt buộc", f"{member!r} is required", field=member)
    owned = kind.organisation is not None and values.get(kind.organisation) is not None
    _require_reason(session, asked.reason, theirs=owned)
    for refused in unknown_references(session, kind, values, values):
        raise refused
    with attempt(session, kind, asked.reason, asked.batch):
        object_id = insert(session, kind, values)
    return present(session, kind, object_id)


def _choosable(session: Session, kind: Kind) -> frozenset[str]:
    """Whoever acts for several organisations has to say for which a new object is."""
    several = len(_own_organisations(session)) > 1 and kind.operated and kind.organisation is not None
    return frozenset({str(kind.organisation)}) if several else frozenset()


def _own_organisations(session: Session) -> list[int]:
    """Return the caller's organisations in force today: each has a row for every period of its name."""
    statement = "SELECT id FROM organisation WHERE id = ANY (:ids) AND registry.in_force(valid_from, valid_to, :today)"
    return list(session.scalars(text(statement), {"ids": list(scope_of(session).organisations), "today": today()}))


def _of_whom(session: Session, kind: Kind, values: dict[str, Any]) -> dict[str, Any]:
    column = kind.organisation
    if column is None or is_department(session) or not kind.operated or (kind.tenant and column in values):
        return values
    own = _own_organisations(session)
    chosen = values.get(column) if column in values else (own[0] if len(own) == 1 else None)
    if chosen not in own:
        raise Invalid(
            "whose_object",
            f"Hãy cho biết {column} là tổ chức nào của tài khoản",
            f"Say in {column} which of the account's organisations it is for",
            field=column,
        )
    return values | {column: chosen}


def held(session: Session, kind: Kind, object_id: int) -> Found:
    """Return the object as it is now, locked until the transaction ends.

    Raises
    ------
    NotFound
        It does not exist or is not the caller's to see.
    Forbidden
        It is seen but not the caller's to change.
    """
    may_change = queries.lock(session, kind, object_id)
    found = queries.one(session, kind, object_id)
    if found is None:
        raise not_there(kind)
    if not may_change:
        raise not_yours()
    return found


def change(session: Session, kind: Kind, object_id: int, asked: Attributes, if_match: str | None) -> Answer:
    """Change attributes of the version the caller has read.

    Raises
    ------
    ConditionMissing
        Without If-Match.
    Outdated
        The object is not that version any more; both are in the body.
    NotFound, Forbidden, Invalid, Conflict
        As in `held` and `add`.
    """
    require_match(if_match)
    allowed = require_writer(session, kind)
    found = held(session, kind, object_id)
    patch = read_body(kind, asked.attributes(), allowed)
    check_version(session, kind, found, if_match, patch)
    write(session, kind, found, patch, asked.reason, asked.batch)
    return present(session, kind, object_id)


def end(session: Session, kind: Kind, object_id: int, asked: Ending, if_match: str | None) -> Answer:
    """Say since when an object is not there any more; it stays in the registry.

    Raises
    ------
    Conflict
        The kind has no dates, or the object has ended already.
    Invalid
        It would end before it began.
    ConditionMissing, Outdated, NotFound, Forbidden
        As in `change`.
    """
    require_match(if_match)
    allowed = require_writer(session, kind)
    found = held(session, kind, object_id)
    if "valid_to" not in kind.columns or not allowed & {"geom", "code", *(kind.parent or ())[:1]}:
        raise Conflict(
            "cannot_end",
            "Đối tượng loại này không có ngày kết thúc, hoặc tài khoản không được kết thúc nó",
            "Objects of this kind have no end of their own, or the account may not end them",
        )
    on = str(asked.on or today())
    check_version(session, kind, found, if_match, {"valid_to": on})
    if found.state["valid_to"] is not None:
        raise Conflict(
            "already_ended",
            f"Đối tượng đã kết thúc từ {found.state['valid_to']}; dùng restore nếu nhầm",
            f"The object has ended on {found.state['valid_to']}; restore an earlier state if that was wrong",
            field="on",
        )
    if found.state["valid_from"] is not None and on <= found.state["valid_from"]:
        raise Invalid(
            "ends_before_it_begins",
            f"Ngày kết thúc phải sau ngày bắt đầu {found.state['valid_from']}",
            f"The end has to come after the beginning {found.state['valid_from']}",
            field="on",
        )
    write(session, kind, found, {"valid_to": on}, asked.reason, asked.batch)
    return present(session, kind, object_id)


def write(
    session: Session, kind: Kind, found: Found, patch: State, reason: str | None, batch: str | None
) -> dict[str, Any]:
    """Write what `patch` changes of a held object; return that. Nothing to change is no change."""
    values = changed(found.state, patch)
    _require_reason(session, reason, theirs=not (found.mine or kind.everybody))
    if values:
        for refused in unknown_references(session, kind, values, merge(found.state, values)):
            raise refused
        with attempt(session, kind, reason, batch):
            update(session, kind, int(found.state["id"]), values)
    return values


def _require_reason(session: Session, reason: str | None, *, theirs: bool) -> None:
    if theirs and is_department(session) and not reason:
        raise Invalid(
            "reason_required",
            "Cơ quan quản lý phải nêu lý do (reason) khi sửa đối tượng của tổ chức khác",
            "The department says why (reason) when it changes another organisation's object",
            field="reason",
        )
