"""States of an application and of a sharing request, and who may bring them from one to another. Pure.

The same table stands in app/licensing/sql/workflow_scope.sql, where a trigger refuses everything else; a test compares
the two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal[
    "draft", "submitted", "returned", "prechecked", "sharing", "mediation", "route_exempt_notice", "permit_review",
    "licensed", "refused", "built", "closed", "withdrawn",
]  # fmt: skip
RequestState = Literal["open", "answered", "refused", "expired", "mediation", "settled", "withdrawn"]
Party = Literal["applicant", "owner", "department"]

STATES: dict[str, tuple[str, str]] = {
    "draft": ("Bản nháp", "Draft"),
    "submitted": ("Đã nộp", "Submitted"),
    "returned": ("Trả lại để bổ sung", "Returned to be completed"),
    "prechecked": ("Đã kiểm tra sơ bộ", "Pre-checked"),
    "sharing": ("Đang hỏi chủ sở hữu", "Owners are being asked"),
    "mediation": ("Đang hoà giải", "In mediation"),
    "route_exempt_notice": ("Miễn phép, chờ xác nhận thông báo", "Exempt, notice to be acknowledged"),
    "permit_review": ("Đang thẩm định cấp phép", "Permit under review"),
    "licensed": ("Được chấp thuận", "Licensed"),
    "refused": ("Bị từ chối", "Refused"),
    "built": ("Đã nộp hoàn công", "As-built received"),
    "closed": ("Đã ghi vào sổ hạ tầng", "Closed, occupancy recorded"),
    "withdrawn": ("Đã rút", "Withdrawn"),
}
REQUEST_STATES: dict[str, tuple[str, str]] = {
    "open": ("Chờ trả lời", "Waiting for an answer"),
    "answered": ("Đồng ý cho dùng chung", "Offered"),
    "refused": ("Từ chối", "Refused"),
    "expired": ("Quá hạn, chưa trả lời", "Expired without an answer"),
    "mediation": ("Đang hoà giải", "In mediation"),
    "settled": ("Đã thống nhất", "Settled"),
    "withdrawn": ("Đã rút", "Withdrawn"),
}
EDITABLE = frozenset({"draft", "returned"})
"""States in which the applicant still writes the application."""
ENDED = frozenset({"refused", "closed", "withdrawn"})
REFUSAL_CODES: dict[str, tuple[str, str]] = {
    "load": ("Không đủ tải trọng", "Load"),
    "height": ("Không đủ chiều cao", "Height"),
    "interference": ("Gây nhiễu", "Interference"),
    "power": ("Thiếu nguồn điện", "Power"),
    "landlord": ("Chủ đất không đồng ý", "Landlord"),
    "contract": ("Vướng hợp đồng", "Contract"),
    "other": ("Lý do khác", "Other"),
}


@dataclass(frozen=True)
class Transition:
    """One way from a state to another.

    Attributes
    ----------
    who : tuple of Party
        Any of them may go it; the department's commands and jobs count as the department.
    guards : tuple of str
        Names of the conditions beyond the state, see `app.licensing.applications.guards`.
    """

    from_state: str
    action: str
    to_state: str
    who: tuple[Party, ...]
    guards: tuple[str, ...] = ()


def _ways(action: str, to_state: str, who: str, *from_states: str, guards: str = "") -> tuple[Transition, ...]:
    parties: dict[str, tuple[Party, ...]] = {
        "applicant": ("applicant",), "department": ("department",), "owner": ("department", "owner"),
        "both": ("applicant", "department"),
    }  # fmt: skip
    return tuple(Transition(f, action, to_state, parties[who], tuple(guards.split())) for f in from_states)


_HEARD = ("prechecked", "sharing", "mediation")
_DECIDED_ON = ("route_exempt_notice", "permit_review")

TRANSITIONS: tuple[Transition, ...] = (
    *_ways("submit", "submitted", "both", "draft", "returned", guards="complete"),
    *_ways("precheck", "prechecked", "department", "submitted", guards="checked"),
    *_ways("return", "returned", "department", "submitted", "prechecked", *_DECIDED_ON, guards="reasoned"),
    *_ways("ask_owners", "sharing", "department", "prechecked", guards="owners_asked"),
    *_ways("mediate", "mediation", "department", "sharing", guards="unresolved"),
    *_ways("route_exempt", "route_exempt_notice", "department", *_HEARD, guards="no_open_request owners_heard"),
    *_ways("route_permit", "permit_review", "department", *_HEARD, guards="no_open_request owners_heard"),
    *_ways("decide_share", "licensed", "department", "sharing", "mediation", guards="offered advice_weighed"),
    *_ways("accept_notice", "licensed", "department", "route_exempt_notice", guards="advice_weighed"),
    *_ways("grant_permit", "licensed", "department", "permit_review", guards="numbered advice_weighed"),
    *_ways("refuse", "refused", "department", *_DECIDED_ON, guards="reasoned"),
    *_ways("reopen", "prechecked", "department", "licensed", "refused", guards="reasoned"),
    *_ways("report_built", "built", "both", "licensed", guards="surveyed"),
    *_ways("reject_as_built", "licensed", "department", "built", guards="reasoned"),
    *_ways("record_occupancy", "closed", "department", "built", guards="recorded"),
    *_ways("withdraw", "withdrawn", "applicant", "draft", "submitted", "returned", *_HEARD, *_DECIDED_ON, "licensed"),
)
REQUEST_TRANSITIONS: tuple[Transition, ...] = (
    *_ways("answer", "answered", "owner", "open", "expired"),
    *_ways("refuse", "refused", "owner", "open", "expired"),
    *_ways("expire", "expired", "department", "open"),
    *_ways("mediate", "mediation", "department", "refused", "expired"),
    *_ways("settle", "settled", "department", "answered", "mediation"),
    *_ways("fail", "refused", "department", "mediation"),
    *_ways("withdraw", "withdrawn", "department", "open", "answered", "refused", "expired", "mediation", "settled"),
)
_BY_KEY = {(t.from_state, t.action): t for t in TRANSITIONS}
_REQUEST_BY_KEY = {(t.from_state, t.action): t for t in REQUEST_TRANSITIONS}
ACTIONS: tuple[str, ...] = tuple(dict.fromkeys(t.action for t in TRANSITIONS))


def transition(state: str, action: str) -> Transition | None:
    """Return the way `action` leads from `state`; None when it leads nowhere from there."""
    return _BY_KEY.get((state, action))


def request_transition(state: str, action: str) -> Transition | None:
    """Return the same of a sharing request."""
    return _REQUEST_BY_KEY.get((state, action))


def allowed(state: str, parties: Collection[str], table: Iterable[Transition] = TRANSITIONS) -> list[str]:
    """Return what `parties` may do in `state`, in the order of the table."""
    return [t.action for t in table if t.from_state == state and set(t.who) & set(parties)]
