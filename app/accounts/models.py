"""Who may sign in and with what; what happened in the registry, and who looked."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

from app.accounts.roles import SIGNED_IN
from app.database import Base, Keyed, reference

_AUDIT = {"schema": "audit"}
_ACCOUNTS = {"schema": "accounts"}


def _of_account() -> MappedColumn[int]:
    return mapped_column(ForeignKey("accounts.account.id"), index=True)


class Change(Keyed, Base):
    """One change of one row, by the trigger audit.record that no code path avoids."""

    __tablename__ = "change"
    __table_args__ = (
        CheckConstraint("operation IN ('insert', 'update', 'remove')", name="operation"),
        CheckConstraint(
            "(operation = 'insert') = (before IS NULL) AND (operation = 'remove') = (after IS NULL)",
            name="before_after",
        ),
        Index("ix_change_row_id", "row_id", "table_name"),
        Index("ix_change_at", "at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
        Index("ix_change_transaction_id", "transaction_id"),
        _AUDIT,
    )

    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    row_id: Mapped[int] = mapped_column(BigInteger)
    organisation_id: Mapped[int | None] = mapped_column(BigInteger)
    """Owner, operator or tenant after the change, else before it."""
    table_name: Mapped[str] = mapped_column(String)
    """With its schema: registry.pole."""
    operation: Mapped[str]
    actor: Mapped[str]
    """user:7, system:root, or role:… of a connection that said nothing."""
    reason: Mapped[str | None]
    batch: Mapped[str | None]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Geometries as hex EWKB. JSON and not JSONB: half a million of these are written with one load, few are read."""
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    transaction_id: Mapped[int] = mapped_column(BigInteger, server_default=text("pg_current_xact_id()::text::bigint"))
    """Which transaction made it: numbers rise as transactions begin to write, not as they commit."""


class Touched(Base):
    """That a transaction changed rows of a table: two rows for a load of half a million, by audit.record too."""

    __tablename__ = "touched"
    __table_args__ = (_AUDIT,)

    transaction_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    table_name: Mapped[str] = mapped_column(String, primary_key=True)


class ViewLog(Keyed, Base):
    """Who looked at restricted objects or at another organisation's network; again within ten minutes is one look."""

    __tablename__ = "view_log"
    __table_args__ = (Index("ix_view_log_actor_at", "actor", "at"), _AUDIT)

    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    actor: Mapped[str]
    action: Mapped[str]
    layer: Mapped[str]
    object_id: Mapped[int | None] = mapped_column(BigInteger)
    restricted: Mapped[bool]


class Account(Keyed, Base):
    """A person, or a program with a name of its own, that may sign in."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("name ~ '^[a-z0-9._@-]{3,64}$'", name="name_format"),
        CheckConstraint("char_length(btrim(display_name)) BETWEEN 1 AND 200", name="display_name"),
        CheckConstraint("char_length(email) <= 254 AND email ~ '^[^@[:space:]]+@[^@[:space:]]+$'", name="email"),
        CheckConstraint("num_nonnulls(oidc_issuer, oidc_subject) IN (0, 2)", name="oidc_whole"),
        UniqueConstraint("name"),
        UniqueConstraint("oidc_issuer", "oidc_subject"),
        _ACCOUNTS,
    )

    name: Mapped[str]
    """Lower case only, so it is unique whichever way somebody types it."""
    display_name: Mapped[str]
    email: Mapped[str | None]
    password_hash: Mapped[str | None] = mapped_column(deferred=True, deferred_raiseload=True)
    """argon2id; null when only the single sign-on knows the account. The application's role may not select it."""
    password_changed_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    must_change_password: Mapped[bool] = mapped_column(server_default="false", default=False)
    active: Mapped[bool] = mapped_column(server_default="true", default=True)
    oidc_issuer: Mapped[str | None]
    oidc_subject: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class AccountRole(Keyed, Base):
    """A role an account holds, [valid_from, valid_to) in Viet Nam's days; ended on its first day it never held."""

    __tablename__ = "account_role"
    __table_args__ = (
        CheckConstraint("role IN ({})".format(", ".join(f"'{r}'" for r in SIGNED_IN)), name="role"),
        CheckConstraint("(role = 'operator') = (organisation_code IS NOT NULL)", name="organisation"),
        CheckConstraint("(role = 'commune_officer') = (unit_id IS NOT NULL)", name="unit"),
        CheckConstraint("valid_from <= valid_to", name="valid_order"),
        ExcludeConstraint(
            ("account_id", "="),
            ("role", "="),
            (text("coalesce(organisation_code, '')"), "="),
            (text("coalesce(unit_id, 0)"), "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_account_role_validity",
        ),
        _ACCOUNTS,
    )

    account_id: Mapped[int] = _of_account()
    role: Mapped[str]
    organisation_code: Mapped[str | None]
    """A code and not a key: an organisation has a row for each period of its name."""
    unit_id: Mapped[int | None] = reference("unit", nullable=True)
    valid_from: Mapped[dt.date] = mapped_column(Date, server_default=text("accounts.today()"))
    valid_to: Mapped[dt.date | None] = mapped_column(Date)


class SignedInSession(Keyed, Base):
    """A browser that signed in; its cookie holds a secret of which only the hash is here."""

    __tablename__ = "session"
    __table_args__ = (
        UniqueConstraint("secret_sha256"),
        CheckConstraint("octet_length(secret_sha256) = 32", name="secret_length"),
        CheckConstraint("expires_at > created_at AND idle_s > 0", name="lifetime"),
        _ACCOUNTS,
    )

    account_id: Mapped[int] = _of_account()
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, deferred_raiseload=True)
    csrf: Mapped[str] = mapped_column(deferred=True, deferred_raiseload=True)
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    expires_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    idle_s: Mapped[int]
    """Seconds without a request after which it ends sooner."""
    revoked_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    user_agent: Mapped[str] = mapped_column(server_default="", default="")
    address: Mapped[str] = mapped_column(server_default="", default="")


class Token(Keyed, Base):
    """A personal API token for QGIS and scripts."""

    __tablename__ = "token"
    __table_args__ = (
        UniqueConstraint("secret_sha256"),
        CheckConstraint("octet_length(secret_sha256) = 32", name="secret_length"),
        CheckConstraint("char_length(btrim(name)) BETWEEN 1 AND 64", name="name"),
        CheckConstraint("scopes <@ '{read,write,administer}' AND cardinality(scopes) BETWEEN 1 AND 3", name="scopes"),
        CheckConstraint("expires_at - created_at <= interval '366 days'", name="expiry"),
        _ACCOUNTS,
    )

    account_id: Mapped[int] = _of_account()
    name: Mapped[str]
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, deferred_raiseload=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    expires_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))


class Seen(Keyed, Base):
    """When a session or token was last used, to the minute.

    Apart from these: an export that streams for minutes keeps its row locked, and must not keep anybody from
    revoking the session.
    """

    __tablename__ = "seen"
    __table_args__ = (
        UniqueConstraint("session_id"),
        UniqueConstraint("token_id"),
        CheckConstraint("num_nonnulls(session_id, token_id) = 1", name="one_credential"),
        _ACCOUNTS,
    )

    session_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.session.id"))
    token_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.token.id"))
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Attempt(Keyed, Base):
    """An attempt to sign in, failed until it succeeds; kept 90 days."""

    __tablename__ = "attempt"
    __table_args__ = (
        Index("ix_attempt_name_key_at", "name_key", "at"),
        Index("ix_attempt_address_at", "address", "at"),
        Index("ix_attempt_at", "at"),
        _ACCOUNTS,
    )

    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())
    kind: Mapped[str]
    name_key: Mapped[str]
    """What was typed as the name, hashed unless it could be one: people type passwords there."""
    address: Mapped[str]
    ok: Mapped[bool] = mapped_column(server_default="false", default=False)


class OidcLogin(Keyed, Base):
    """A sign-in under way at the OpenID provider, until it comes back or ten minutes are over."""

    __tablename__ = "oidc_login"
    __table_args__ = (UniqueConstraint("state_sha256"), _ACCOUNTS)

    state_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    nonce: Mapped[str]
    code_verifier: Mapped[str]
    return_to: Mapped[str]
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), index=True)
