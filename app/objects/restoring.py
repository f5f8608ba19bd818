"""Writing an earlier state of an object again, as a new change."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.database import look_back
from app.errors import AppError, Conflict, NotFound
from app.objects import queries
from app.objects.attributes import require_writer, restorable
from app.objects.editing import held
from app.objects.history import required
from app.objects.kinds import Kind
from app.objects.queries import Found
from app.objects.schemas import Restoring
from app.objects.service import Answer, present
from app.objects.states import State, changed, merge
from app.objects.versions import check_version, require_match
from app.objects.writing import attempt, unknown_references, update


def restore(session: Session, kind: Kind, object_id: int, asked: Restoring, if_match: str | None) -> Answer:
    """Write the state a change left, or that of a moment, over the present one.

    Only what the caller may write is written: whose object it is stays as it is unless the department restores.

    Raises
    ------
    NotFound
        No such object, change or state.
    Conflict
        Today's rules do not allow that state; `reasons` says which.
    ConditionMissing, Outdated, Forbidden
        As in `app.objects.editing.change`.
    """
    require_match(if_match)
    require_writer(session, kind)
    found = held(session, kind, object_id)
    target = _state_then(session, kind, object_id, asked)
    told = queries.told(session, kind).of(found.mine)
    differing = changed(found.state, {n: v for n, v in target.items() if _written(kind, n)})
    values = {n: v for n, v in differing.items() if n in restorable(session, kind)}
    check_version(session, kind, found, if_match, values)
    if values:
        _write(session, kind, found, values, asked)
    version, feature = present(session, kind, object_id)
    left_out = sorted(n for n in differing.keys() - values.keys() if n in told)
    return version, feature | {"restored": [_member(n) for n in sorted(values)], "left_out": left_out}


def _written(kind: Kind, column: str) -> bool:
    return column != "id" and column in kind.columns and kind.columns[column].computed is None


def _member(column: str) -> str:
    return "geometry" if column == "geom" else column


def _state_then(session: Session, kind: Kind, object_id: int, asked: Restoring) -> State:
    if asked.change_id is not None:
        state = required(session, kind, object_id, asked.change_id).after
        if state is None:
            raise Conflict(
                "nothing_left_then",
                "Thay đổi này là lần xoá dòng: không có trạng thái nào để khôi phục",
                "That change removed the row: it left no state to restore",
                field="change_id",
            )
        return state
    look_back(session, asked.known_at)
    then = queries.one(session, kind, object_id)
    look_back(session, None)
    if then is None:
        raise NotFound(
            "not_known_then",
            "Vào thời điểm đó hệ thống chưa biết đối tượng này, hoặc lịch sử khi ấy không thuộc phạm vi của tài khoản",
            "The registry did not know the object at that moment, or its history is outside the account's scope",
            field="known_at",
        )
    return then.state


def _write(session: Session, kind: Kind, found: Found, values: dict[str, Any], asked: Restoring) -> None:
    refused: list[AppError] = list(unknown_references(session, kind, values, merge(found.state, values)))
    if not refused:
        try:
            with attempt(session, kind, asked.reason, asked.batch):
                update(session, kind, int(found.state["id"]), values)
        except AppError as error:
            if error.status not in (409, 422):
                raise
            refused.append(error)
    if refused:
        raise Conflict(
            "cannot_restore",
            "Trạng thái cũ không còn hợp lệ: " + "; ".join(e.vi for e in refused),
            "The earlier state is not allowed any more: " + "; ".join(e.en for e in refused),
            reasons=[{"code": e.code, "field": e.field, "vi": e.vi, "en": e.en} for e in refused],
        )
