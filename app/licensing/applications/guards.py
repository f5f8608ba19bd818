"""Conditions of a change of state beyond the state itself, by the names `states.TRANSITIONS` gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.errors import AppError, Conflict, Invalid
from app.licensing.applications.models import Application, SharingRequest
from app.licensing.applications.schemas import ActionIn


@dataclass(frozen=True)
class Facts:
    """What the guards judge by, as it is when the action's own work is done.

    Attributes
    ----------
    advice : str or None
        What the pre-check advised; None before it.
    requests : sequence of SharingRequest
        All of the application.
    changes : mapping
        Columns of the application that the action writes.
    """

    row: Application
    action: str
    given: ActionIn
    advice: str | None
    requests: Sequence[SharingRequest]
    changes: Mapping[str, Any]

    def requests_in(self, *states: str) -> list[SharingRequest]:
        """Return the requests in one of the states."""
        return [r for r in self.requests if r.state in states]

    @property
    def reason(self) -> str:
        """The note given, without blanks around it."""
        return (self.given.note or "").strip()


def check(facts: Facts, names: Sequence[str]) -> None:
    """Raise what the first unmet guard says.

    Raises
    ------
    Conflict, Invalid
        By the guard.
    """
    for name in names:
        refused = GUARDS[name](facts)
        if refused is not None:
            raise refused


def _complete(facts: Facts) -> AppError | None:
    row: Any = facts.row
    needed = {"tower": ("purpose", "height_m", "technologies"), "pole": ("purpose",), "duct": ("purpose",)}[row.kind]
    missing = [name for name in needed if not getattr(row, name)]
    if not missing:
        return None
    names = ", ".join(missing)
    return Invalid("incomplete", f"Hồ sơ còn thiếu: {names}", f"The application lacks: {names}", field=missing[0],
                   missing=missing)  # fmt: skip


def _checked(facts: Facts) -> AppError | None:
    if facts.advice is not None:
        return None
    return Conflict("not_checked", "Chưa kiểm tra sơ bộ", "The pre-check has not been made")


def _reasoned(facts: Facts) -> AppError | None:
    return None if facts.reason else _note_needed("Cần nêu lý do (note)", "Say why (note)")


def _note_needed(vi: str, en: str) -> AppError:
    return Invalid("reason_required", vi, en, field="note")


def _owners_asked(facts: Facts) -> AppError | None:
    if facts.requests_in("open", "answered", "refused", "expired"):
        return None
    return Conflict(
        "nobody_to_ask",
        "Không có công trình nào để hỏi: hãy thêm đề nghị hoặc chọn hướng giải quyết khác",
        "There is nothing to ask for: add a request, or choose a route",
    )


def _unresolved(facts: Facts) -> AppError | None:
    if facts.requests_in("mediation"):
        return None
    return Conflict(
        "nothing_to_mediate",
        "Không có đề nghị nào bị từ chối hoặc quá hạn để hoà giải",
        "No request was refused or has expired, so there is nothing to mediate",
    )


def _no_open_request(facts: Facts) -> AppError | None:
    waiting = facts.requests_in("open", "mediation")
    if not waiting:
        return None
    numbers = ", ".join(r.reference for r in waiting)
    return Conflict(
        "request_open",
        f"Còn đề nghị chưa kết thúc: {numbers}",
        f"Requests are still open: {numbers}",
        requests=[r.id for r in waiting],
    )


def _owners_heard(facts: Facts) -> AppError | None:
    if facts.advice != "share" or facts.requests or facts.reason:
        return None
    return _note_needed(
        "Kiểm tra sơ bộ khuyên dùng chung nhưng chưa hỏi chủ sở hữu nào: cần nêu lý do (note)",
        "The pre-check advises to share and no owner was asked: say why (note)",
    )


def _offered(facts: Facts) -> AppError | None:
    wanted = facts.given.requests
    if wanted is not None and len(wanted) == 1 and any(r.id == wanted[0] for r in facts.requests_in("settled")):
        return None
    return Invalid(
        "request_needed",
        "Hãy nêu đúng một đề nghị đã được chủ sở hữu đồng ý (requests)",
        "Name the one request its owner has agreed to (requests)",
        field="requests",
    )


def _numbered(facts: Facts) -> AppError | None:
    if (facts.given.number or "").strip():
        return None
    return Invalid("required", "Cần số giấy phép (number)", "The permit's number is due (number)", field="number")


def _advice_weighed(facts: Facts) -> AppError | None:
    if follows(facts.advice, facts.action) or facts.reason:
        return None
    vi = {"share": "dùng chung", "license_shared": "cho xây để dùng chung", "refuse": "không cho xây"}
    return _note_needed(
        f"Quyết định khác lời khuyên của kiểm tra sơ bộ ({vi.get(facts.advice or '', 'cần cán bộ xem xét')}):"
        " cần nêu lý do (note)",
        f"The decision differs from the pre-check's advice ({facts.advice}): say why (note)",
    )


def follows(advice: str | None, action: str) -> bool:
    """Say whether a decision is what the pre-check advised; advice that needs a person is nobody's to follow."""
    wanted = {"share": ("decide_share",), "license_shared": ("accept_notice", "grant_permit"), "refuse": ("refuse",)}
    return action in wanted.get(advice or "", ())


def _surveyed(facts: Facts) -> AppError | None:
    if facts.given.as_built is not None:
        return None
    return Invalid("required", "Cần số liệu hoàn công (as_built)", "The as-built survey is due (as_built)",
                   field="as_built")  # fmt: skip


def _recorded(facts: Facts) -> AppError | None:
    if any(facts.changes.get(f"{kind}_occupancy_id") for kind in ("structure", "pole", "duct")):
        return None
    return Conflict("not_recorded", "Chưa ghi được vào sổ hạ tầng", "Nothing was recorded in the registry")


GUARDS: dict[str, Callable[[Facts], AppError | None]] = {
    "complete": _complete, "checked": _checked, "reasoned": _reasoned, "owners_asked": _owners_asked,
    "unresolved": _unresolved, "no_open_request": _no_open_request, "owners_heard": _owners_heard,
    "offered": _offered, "numbered": _numbered, "advice_weighed": _advice_weighed, "surveyed": _surveyed,
    "recorded": _recorded,
}  # fmt: skip
