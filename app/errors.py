"""Errors a user can cause: a stable code, a message in two languages, the field at fault (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class AppError(Exception):
    """Base of every refusal. Subclasses fix the HTTP status; `code` names the reason for programs."""

    status = 400

    def __init__(self, code: str, vi: str, en: str, *, field: str | None = None, **extra: Any) -> None:
        super().__init__(en)
        self.code, self.vi, self.en, self.field, self.extra = code, vi, en, field, extra

    def problem(self) -> dict[str, Any]:
        """Return the problem+json body."""
        body: dict[str, Any] = {
            "type": f"urn:hatang:problem:{self.code}",
            "title": self.en,
            "status": self.status,
            "code": self.code,
            "message": {"vi": self.vi, "en": self.en},
        }
        if self.field is not None:
            body["field"] = self.field
        return body | self.extra


class Invalid(AppError):
    """The request or file says something that cannot be."""

    status = 422


class BadRequest(AppError):
    """The request cannot be read at all."""

    status = 400


class Unauthorized(AppError):
    """Nobody is signed in, or the session, token or password is not (or no longer) good."""

    status = 401


class Forbidden(AppError):
    """Who is signed in may not do this, or not to this object."""

    status = 403


class NotFound(AppError):
    """No such thing, or not on that date."""

    status = 404


class Conflict(AppError):
    """It contradicts what the registry already holds."""

    status = 409


class Outdated(AppError):
    """The object changed since the caller read it (If-Match); both versions are in the body."""

    status = 412


class ConditionMissing(AppError):
    """A change has to say which version it is made to (If-Match)."""

    status = 428


class TooMany(AppError):
    """Too many attempts or questions in a short time; Retry-After says when the next is taken."""

    status = 429


class Unavailable(AppError):
    """Something the answer needs is not there yet (no terrain, no run, no database)."""

    status = 503


@dataclass(frozen=True)
class Rule:
    """What a violated database constraint means to a person."""

    code: str
    vi: str
    en: str
    field: str | None = None


# Constraint names follow the naming convention of app.database; the prefix tells the kind.
_KINDS: Mapping[str, Rule] = {
    "uq_": Rule("duplicate", "Giá trị đã tồn tại", "The value already exists"),
    "ex_": Rule(
        "overlapping_validity",
        "Cùng một mã đã có hiệu lực trong khoảng thời gian này",
        "The same code is already in force during this period",
        "code",
    ),
    "ck_": Rule("out_of_range", "Giá trị nằm ngoài khoảng cho phép", "The value is outside what is allowed"),
    "fk_": Rule("unknown_reference", "Đối tượng được tham chiếu không tồn tại", "The referenced object does not exist"),
}

# Rules with words of their own, by the whole name of the constraint.
_NAMED: Mapping[str, Rule] = {
    "ck_account_last_administrator": Rule(
        "last_administrator",
        "Đây là quản trị viên cuối cùng đang hoạt động; hãy giao vai trò cho người khác trước",
        "This is the last active administrator; give somebody else the role first",
    ),
    "ck_sharing_request_transition": Rule(
        "illegal_transition",
        "Đề nghị không còn nhận thao tác này: hồ sơ đã sang bước khác",
        "The request takes this no more: its application has moved on",
    ),
    "ck_sharing_contract_two_parties": Rule(
        "one_party",
        "Bên cho thuê và bên thuê phải là hai tổ chức khác nhau",
        "Lessor and lessee have to be two organisations",
        "lessee",
    ),
    "ck_sharing_contract_item_of_lessor": Rule(
        "not_the_lessors",
        "Đối tượng của hợp đồng không thuộc bên cho thuê vào ngày hợp đồng bắt đầu",
        "An object of the contract is not the lessor's on the day the contract begins",
        "items",
    ),
    "ck_sharing_contract_parties_kept": Rule(
        "contract_kept",
        "Không sửa số, các bên và ngày bắt đầu của hợp đồng; hãy kết thúc hợp đồng này và ghi hợp đồng mới",
        "Number, parties and beginning of a contract are kept; end this one and record another",
    ),
}
_CONFLICTS = frozenset({"duplicate", "overlapping_validity", "last_administrator", "illegal_transition"})


def from_constraint(name: str | None, detail: str | None = None) -> AppError:
    """Translate a violated constraint into the error a caller sees; the one place where this happens.

    Parameters
    ----------
    name : str or None
        Constraint name as PostgreSQL reports it, e.g. ``ck_pole_height_m``.
    detail : str or None
        PostgreSQL's DETAIL; shown in English only, it names the key at fault.
    """
    name = name or ""
    rule = _NAMED.get(name) or next((r for prefix, r in _KINDS.items() if name.startswith(prefix)), None)
    if rule is None:
        return Invalid("database_refused", "Cơ sở dữ liệu từ chối dữ liệu", "The database refused the row", rule=name)
    kind = Conflict if rule.code in _CONFLICTS else Invalid
    return kind(rule.code, rule.vi, rule.en, field=rule.field, rule=name, **({"detail": detail} if detail else {}))
