"""Who a transaction works for, with a name: what the answer to a credential is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import PUBLIC, Scope, scope_of
from app.errors import Unauthorized

Kind = Literal["session", "token"]


@dataclass(frozen=True)
class Identity:
    """An account and how it signed in; without `account_id`, the public or a command.

    Attributes
    ----------
    roles : tuple of str
        In force today; of a token without the scope `administer`, planner instead of administrator.
    organisations : tuple of str
        Codes of the organisations the account acts for.
    communes : tuple of int
        Ids of the communes it acts for, successors of abolished ones included.
    credential : "session", "token" or None
        What it came with; `credential_id` is the row's id.
    scopes : tuple of str
        What a token may be used for; a session has none and may do everything.
    """

    account_id: int | None = None
    name: str = ""
    display_name: str = ""
    roles: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    communes: tuple[int, ...] = ()
    must_change_password: bool = False
    credential: Kind | None = None
    credential_id: int | None = None
    scopes: tuple[str, ...] = ()
    csrf: str = ""


NOBODY = Identity()
_ENTER = text("SELECT * FROM accounts.enter(:kind, :secret)")
_REFUSALS = {
    ("session", "expired"): ("Phiên đăng nhập đã hết hạn; hãy đăng nhập lại", "The session has expired; sign in again"),
    ("session", "revoked"): (
        "Phiên đăng nhập đã bị thu hồi; hãy đăng nhập lại",
        "The session was ended; sign in again",
    ),
    ("session", "invalid"): ("Phiên đăng nhập không hợp lệ; hãy đăng nhập lại", "There is no such session; sign in"),
    ("token", "expired"): ("Mã truy cập đã hết hạn; hãy tạo mã mới", "The token has expired; make a new one"),
    ("token", "revoked"): ("Mã truy cập đã bị thu hồi", "The token was revoked"),
    ("token", "invalid"): (
        "Mã truy cập (token) không hợp lệ; không dùng mật khẩu ở đây",
        "There is no such API token; a password is not one",
    ),
}


def sha256(secret: str) -> bytes:
    """Return what the database keeps of a secret of 256 random bits: for these one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def refusal(kind: Kind, why: str) -> Unauthorized:
    """Return the 401 of a credential: `session_expired`, `session_revoked`, `session_invalid`, `token_…`."""
    vi, en = _REFUSALS[kind, why]
    return Unauthorized(f"{kind}_{why}", vi, en)


def enter_with(session: Session, kind: Kind, secret: str) -> Identity:
    """Make the transaction that of the account the secret belongs to, in one question to the database.

    Raises
    ------
    Unauthorized
        No such session or token, or it has expired or was revoked; the transaction is then the public's.
    """
    row = session.execute(_ENTER, {"kind": kind, "secret": sha256(secret)}).one()
    if row.status != "ok":
        session.info["scope"] = PUBLIC
        raise refusal(kind, "invalid" if row.status == "unknown" else row.status)
    # As in the database: until a given password is replaced, its account has no role.
    roles = () if row.must_change_password else tuple(row.roles)
    held = () if row.must_change_password else tuple(row.organisation_ids)
    communes = () if row.must_change_password else tuple(row.communes)
    session.info["scope"] = Scope(f"user:{row.account_id}", roles, held, communes)
    identity = Identity(
        account_id=row.account_id,
        name=row.name,
        display_name=row.display_name,
        roles=tuple(row.roles),
        organisations=tuple(row.organisations),
        communes=tuple(row.communes),
        must_change_password=row.must_change_password,
        credential=kind,
        credential_id=row.credential_id,
        scopes=tuple(row.scopes or ()),
        csrf=row.csrf or "",
    )
    session.info["identity"] = identity
    return identity


def identity_of(session: Session) -> Identity:
    """Return who the transaction's request came from; of one that entered a scope by itself, what the scope tells."""
    scope = scope_of(session)
    known: Identity = session.info.get("identity", NOBODY)
    if scope.actor == (f"user:{known.account_id}" if known.account_id else ""):
        return known
    number = scope.actor.removeprefix("user:")
    codes = text("SELECT DISTINCT code FROM organisation WHERE id = ANY (:ids) ORDER BY code")
    return Identity(
        account_id=int(number) if scope.actor.startswith("user:") and number.isdecimal() else None,
        name=scope.actor,
        display_name=scope.actor,
        roles=scope.roles,
        organisations=tuple(session.scalars(codes, {"ids": list(scope.organisations)})) if scope.organisations else (),
        communes=scope.communes,
    )
