"""Provincial single sign-on: one log-in from its start in a browser to the account it belongs to."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts import oidc_roles, users
from app.accounts.identity import sha256
from app.accounts.oidc_client import Provider, provider
from app.config import settings
from app.database import Scope, say_why
from app.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthorized, Unavailable
from app.kit.text import nfc

SCOPE = Scope("system:oidc", ("system",))
"""Whom accounts and roles are changed for, once the provider has said who logs in."""
MINUTES = 10
"""How long a log-in may take, in the database function as in the cookie."""
MAX_PATH = 1000
_NAME = re.compile(r"[a-z0-9._@-]{3,64}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_TAKE = text("SELECT * FROM accounts.take_oidc_login(:state)")
_REMEMBER = text("SELECT accounts.remember_oidc_login(:state, :nonce, :verifier, :return_to)")
_KNOWN = text("SELECT id FROM accounts.account WHERE oidc_issuer = :issuer AND oidc_subject = :subject")
_ACTIVE = text("SELECT active FROM accounts.account WHERE id = :id")
_TAKEN = text("SELECT true FROM accounts.account WHERE name = :name")
_SUBJECT = text("SELECT oidc_subject FROM accounts.account WHERE id = :id")
_LINK = text("UPDATE accounts.account SET oidc_issuer = :issuer, oidc_subject = :subject WHERE id = :id")
_NO_PASSWORD = text("SELECT accounts.set_password(:id, NULL, false)")
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('accounts.oidc', 0))")


@dataclass(frozen=True)
class Flow:
    """A log-in under way: what only we and, through its browser, the provider know."""

    nonce: str
    code_verifier: str
    return_to: str


def configured() -> Provider:
    """Return the provider.

    Raises
    ------
    NotFound
        `sign_on_off`: HATANG_OIDC_ISSUER is not set.
    """
    found = provider()
    if found is None:
        raise NotFound(
            "sign_on_off",
            "Chưa cấu hình đăng nhập một lần; hãy đăng nhập bằng mật khẩu",
            "There is no single sign-on here; sign in with a password",
        )
    return found


def local_path(return_to: str) -> str:
    r"""Return `return_to` if it can only be a page of ours.

    Refused is all that a browser could read as another site: //host, /\host, white space it drops, a scheme.

    Raises
    ------
    BadRequest
        `return_to_refused`.
    """
    plain = return_to.isprintable() and not any(c.isspace() or c == "\\" for c in return_to)
    if (
        plain
        and len(return_to) <= MAX_PATH
        and return_to.startswith("/")
        and not return_to.startswith("//")
        and not urlsplit(return_to).netloc
        and not return_to.startswith("/api/session")  # would go round in circles
    ):
        return return_to
    raise BadRequest(
        "return_to_refused",
        "return_to phải là đường dẫn của trang này, bắt đầu bằng một dấu /",
        "return_to has to be a path of this site that begins with one /",
        field="return_to",
    )


def remember(session: Session, begun: Mapping[str, str], return_to: str) -> None:
    """Keep a log-in that `Provider.authorization` began; of its state, only the hash."""
    session.execute(
        _REMEMBER,
        {
            "state": sha256(begun["state"]),
            "nonce": begun["nonce"],
            "verifier": begun["code_verifier"],
            "return_to": return_to,
        },
    )


def take(session: Session, state: str, cookie: str) -> Flow:
    """Return the log-in of `state`, once: only to the browser that began it, and for ten minutes.

    Raises
    ------
    Unauthorized
        `sign_on_state`: another browser, a second time, too late, or never begun.
    """
    if state and compare_digest(state.encode("utf-8", "replace"), cookie.encode("utf-8", "replace")):
        row = session.execute(_TAKE, {"state": sha256(state)}).one()
        if row.nonce is not None:
            return Flow(row.nonce, row.code_verifier, row.return_to)
    raise Unauthorized(
        "sign_on_state",
        f"Lần đăng nhập này không bắt đầu từ trình duyệt này, đã dùng rồi hoặc quá {MINUTES} phút; hãy đăng nhập lại",
        f"This log-in did not begin in this browser, was used already or took over {MINUTES} minutes; sign in again",
    )


def claims_of(flow: Flow, *, code: str, iss: str | None, error: str | None) -> dict[str, Any]:
    """Return what the provider says of who logged in; asks it, so no transaction should be open.

    Raises
    ------
    Forbidden
        `sign_on_cancelled`: the person or the provider did not agree.
    Unauthorized, Unavailable
        See `Provider.redeem`.
    """
    asked = configured()
    if iss != asked.issuer and (iss is not None or asked.names_itself()):  # RFC 9207: an answer of another provider
        raise Unauthorized(
            "sign_on_failed",
            "Câu trả lời đến từ hệ thống đăng nhập khác; hãy đăng nhập lại",
            "The answer comes from another provider; sign in again",
        )
    if error in {"access_denied", "login_required", "consent_required", "interaction_required"}:
        raise Forbidden(
            "sign_on_cancelled",
            "Đăng nhập một lần đã bị hủy hoặc không được chấp thuận",
            "The log-in was cancelled or not agreed to at the single sign-on",
        )
    if error is not None or not code:
        raise Unavailable(
            "sign_on_refused",
            "Hệ thống đăng nhập một lần báo lỗi; hãy thử lại sau hoặc báo quản trị viên",
            "The single sign-on reports an error; try again later or tell the administrator",
        )
    return asked.redeem(code, flow.code_verifier, flow.nonce)


def account_of(session: Session, claims: Mapping[str, Any]) -> int:
    """Return the id of the account of (iss, sub), in `SCOPE`; created and given its roles as configured.

    Never by name or e-mail: whoever may choose those at the provider would choose an account.

    Raises
    ------
    Forbidden
        `account_unknown` or `account_inactive`, with whom to ask.
    """
    asked, issuer, subject = settings(), str(claims["iss"]), str(claims["sub"])
    say_why(session, "đăng nhập một lần / single sign-on")
    account_id = _account_id(session, issuer, subject)
    if account_id is None and asked.oidc_create:
        session.execute(_ONE_AT_A_TIME)
        account_id = _account_id(session, issuer, subject) or _create(session, claims, issuer, subject)
    if account_id is None:
        raise _unknown(subject)
    users.lock(session, account_id)
    if not session.scalar(_ACTIVE, {"id": account_id}):
        raise Forbidden(
            "account_inactive",
            f"Tài khoản đã ngừng hoạt động; {_ask('vi')}",
            f"The account was deactivated; {_ask('en')}",
        )
    if asked.oidc_roles:
        granted = oidc_roles.resolved(session, oidc_roles.matching(claims, asked.oidc_roles))
        oidc_roles.refresh(session, account_id, granted)
    return account_id


def _account_id(session: Session, issuer: str, subject: str) -> int | None:
    found: int | None = session.scalar(_KNOWN, {"issuer": issuer, "subject": subject})
    return found


def _create(session: Session, claims: Mapping[str, Any], issuer: str, subject: str) -> int:
    """Make the account of somebody new; the provider's words only in the form our own forms take."""
    name = str(claims.get("preferred_username", "")).lower()
    if not _NAME.fullmatch(name) or session.scalar(_TAKEN, {"name": name}):
        name = "oidc-" + secrets.token_hex(8)
    display_name = "".join(c for c in nfc(str(claims.get("name", ""))) if c.isprintable())[:200].strip()
    email = str(claims.get("email", ""))
    good = len(email) <= 254 and _EMAIL.fullmatch(email) and claims.get("email_verified") is not False
    return users.add(session, name, display_name or name, email=email if good else None, subject=(issuer, subject))


def linked(session: Session, account_id: int) -> dict[str, str | None]:
    """Return the subject that signs in to an account.

    Raises
    ------
    NotFound
        `unknown_account`.
    """
    users.user(session, account_id)
    return {"subject": session.scalar(_SUBJECT, {"id": account_id})}


def link(session: Session, account_id: int, subject: str | None) -> None:
    """Let the provider's `subject` sign in to an account; with None, nobody.

    A one-time password not yet replaced is withdrawn: the provider says who it is, and nobody would replace it.

    Raises
    ------
    NotFound
        `unknown_account`, or `sign_on_off` while there is no provider.
    Conflict
        `subject_taken`: it signs in to another account.
    """
    account = users.user(session, account_id)
    issuer = None if subject is None else configured().issuer
    if issuer and subject and _account_id(session, issuer, subject) not in (None, account_id):
        raise Conflict(
            "subject_taken",
            "Mã định danh này đã được liên kết với tài khoản khác",
            "This identifier signs in to another account already",
            field="subject",
        )
    session.execute(_LINK, {"id": account_id, "issuer": issuer, "subject": subject})
    if subject is not None and account["must_change_password"]:
        session.execute(_NO_PASSWORD, {"id": account_id})


def end_session_url() -> str | None:
    """Return where the provider ends its own session, None when it does not say or cannot be reached."""
    asked = provider()
    home = settings().oidc_redirect_url.removesuffix("api/session/oidc/callback")
    return asked.end_session_url(home) if asked else None


def _unknown(subject: str) -> Forbidden:
    return Forbidden(
        "account_unknown",
        f"Hệ thống chưa có tài khoản cho bạn; {_ask('vi')} và gửi kèm mã định danh: {subject}",
        f"There is no account for you here; {_ask('en')} and give this identifier: {subject}",
        subject=subject,
    )


def _ask(language: str) -> str:
    contact = f" ({settings().oidc_contact})" if settings().oidc_contact else ""
    if language == "vi":
        return f"hãy liên hệ quản trị viên của Sở{contact}"
    return f"ask the department's administrator{contact}"
