"""A change is made to the version its writer has read, or refused with both versions shown."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from app.errors import ConditionMissing, Outdated
from app.objects import changes, queries
from app.objects.kinds import Kind
from app.objects.queries import Found, Told
from app.objects.service import feature, version
from app.objects.states import State, conflicts, merge

VERSIONS_COMPARED = 100
"""Latest changes of an object among whose states the one is looked for that a stale change was made to."""


def require_match(if_match: str | None) -> None:
    """Refuse a change that does not say to which version it is made."""
    if if_match is None:
        raise ConditionMissing(
            "if_match_required",
            "Hãy gửi If-Match với ETag của bản đã đọc",
            "Send If-Match with the ETag of the version you have read",
            field="If-Match",
        )


def check_version(session: Session, kind: Kind, found: Found, if_match: str | None, patch: State) -> None:
    """Refuse a change to a version that is not the current one, with both and the fields they disagree about.

    Raises
    ------
    Outdated
        `current` is the object as it is, `yours` what it would have become, `conflicts` what both sides changed.
    """
    told = queries.told(session, kind)
    current = version(kind, found, told)
    given = [part.strip() for part in (if_match or "").split(",")]
    if current in given or given == ["*"]:
        return
    kept = {n: v for n, v in found.drifted.items() if n not in patch}
    yours = replace(found, state=merge(found.state, patch), drifted=kept)
    base = _version_read(session, kind, found, told, given)
    fields = [f for f in conflicts(base, found.state, patch) if f in told.of(found.mine)]
    raise Outdated(
        "changed_meanwhile",
        "Đối tượng đã bị người khác sửa; hãy so sánh hai phiên bản rồi sửa lại",
        "Somebody changed the object meanwhile; compare both versions and change it again",
        current=feature(kind, found, told),
        yours=feature(kind, yours, told),
        conflicts=["geometry" if f == "geom" else f for f in fields],
        etag=current,
    )


def _version_read(session: Session, kind: Kind, found: Found, told: Told, given: list[str]) -> State | None:
    """Return the earlier state of one of the given versions, if the history the caller sees still has it."""
    _, known = changes.page(session, kind, int(found.state["id"]), VERSIONS_COMPARED)
    for entry in known:
        for state in (entry.after, entry.before):
            if state is not None:
                then = replace(found, state={n: v for n, v in state.items() if n in kind.columns})
                if version(kind, then, told) in given:
                    return then.state
    return None
