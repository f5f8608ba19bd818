"""Engine, session scope and the base of all tables."""

from __future__ import annotations

import datetime as dt
import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from geoalchemy2 import Geometry
from psycopg.pq import TransactionStatus
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Engine,
    Float,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    String,
    create_engine,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, Session, mapped_column

from app import cluster
from app.config import settings
from app.errors import AppError, Forbidden, Invalid, Unavailable, from_constraint
from app.kit.bulk import raw_connection

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SURVEY_METHODS = ("gnss_rtk", "gnss", "total_station", "digitised", "geocoded", "declared", "synthetic")


class Base(DeclarativeBase):
    """Base of every table; the schema is `registry` unless the table says otherwise."""

    metadata = MetaData(naming_convention=NAMING, schema="registry")


def geometry(kind: str, nullable: bool = False) -> MappedColumn[Any]:
    """Return a stored EPSG:4326 geometry column of `kind` with its GiST index."""
    return mapped_column(Geometry(kind, srid=4326), nullable=nullable)


def reference(target: str, nullable: bool = False) -> MappedColumn[Any]:
    """Return an indexed foreign-key column to `registry.<target>.id`."""
    return mapped_column(BigInteger, ForeignKey(f"registry.{target}.id"), nullable=nullable, index=True)


def restricted() -> MappedColumn[bool]:
    """Return the mark of an object that never leaves the department (national-security works)."""
    return mapped_column(server_default="false", default=False)


def restricted_index(table: str) -> Index:
    """Return the index of the few restricted rows, which row-level security lists for every question."""
    return Index(f"ix_{table}_restricted", "id", postgresql_where=text("restricted"))


class Keyed:
    """A surrogate key."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)


class Lived:
    """Half-open validity [valid_from, valid_to): null from = since before the record, null to = still."""

    valid_from: Mapped[dt.date | None] = mapped_column(Date)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)


class Sourced:
    """Where a row came from; synthetic rows say so wherever they show."""

    source: Mapped[str] = mapped_column(String, server_default="", default="")
    synthetic: Mapped[bool] = mapped_column(server_default="false", default=False)


class Located:
    """Raw surveyed coordinates in their declared CRS, kept beside the EPSG:4326 geometry."""

    raw_x: Mapped[float | None] = mapped_column(Float)
    raw_y: Mapped[float | None] = mapped_column(Float)
    raw_crs: Mapped[str | None] = mapped_column(String)
    position_accuracy_m: Mapped[float | None] = mapped_column(Float)
    survey_method: Mapped[str | None] = mapped_column(String)


def on_land(column: str = "geom") -> CheckConstraint:
    """Return the check that a geometry lies in Viet Nam's longitudes and latitudes and is not empty."""
    # ST_IsValid refuses NaN, which every comparison of boxes lets through.
    box = "ST_MakeEnvelope(102, 7, 118, 24, 4326)"
    rule = f"NOT ST_IsEmpty({column}) AND {column} @ {box} AND ST_IsValid({column})"
    return CheckConstraint(rule, name=f"{column}_in_country")


def lived_checks() -> tuple[CheckConstraint, ...]:
    """Return the checks of `Lived`."""
    return (CheckConstraint("valid_from < valid_to", name="valid_order"),)


def located_checks() -> tuple[CheckConstraint, ...]:
    """Return the checks of `Located`: accuracy not negative, raw coordinates whole, method known."""
    methods = ", ".join(f"'{m}'" for m in SURVEY_METHODS)
    return (
        CheckConstraint("position_accuracy_m >= 0 AND position_accuracy_m < 100000", name="position_accuracy_m"),
        CheckConstraint("num_nonnulls(raw_x, raw_y, raw_crs) IN (0, 3)", name="raw_whole"),
        CheckConstraint(f"survey_method IN ({methods})", name="survey_method"),
    )


def no_overlap(table: str, *columns: str, owner: str | None = None) -> ExcludeConstraint:
    """Return the exclusion constraint: the same `columns` (of one `owner`) may not be in force twice on one day."""
    return ExcludeConstraint(*_overlap(columns, owner), using="gist", name=f"ex_{table}_validity")


def no_overlap_bulk(table: str, *columns: str, owner: str | None = None) -> tuple[Index, ExcludeConstraint]:
    """Return the same rule for tables of 10^5 rows, where a GiST on every code takes 60 s for 500,000 rows.

    Rows still in force are unique by a B-tree, ended rows by a small GiST; the trigger
    `registry.refuse_overlap` compares the one kind with the other (migrations 0001 and 0010).
    """
    key = columns if owner is None else (*columns, owner)
    return (
        Index(
            f"uq_{table}_current",
            *key,
            unique=True,
            postgresql_where=text("valid_to IS NULL"),
            postgresql_nulls_not_distinct=True if owner else None,
        ),
        ExcludeConstraint(
            *_overlap(columns, owner), using="gist", name=f"ex_{table}_validity", where=text("valid_to IS NOT NULL")
        ),
    )


def _overlap(columns: tuple[str, ...], owner: str | None) -> list[tuple[Any, str]]:
    owned = [] if owner is None else [(text(f"coalesce({owner}, 0)"), "=")]
    return [*((c, "=") for c in columns), *owned, (text("daterange(valid_from, valid_to)"), "&&")]


_NOW = "registry, policy, public, pg_temp"
_THEN = f"past, {_NOW}"
_PATH = "-c search_path=" + _NOW.replace(" ", "")


@dataclass(frozen=True)
class Scope:
    """Who a transaction works for; row-level security decides by it (app/accounts/sql/row_scope.sql).

    Attributes
    ----------
    actor : str
        "user:7", "system:root"; empty is the public.
    roles : tuple of str
        See `app.accounts.roles`; beside these "system" (commands, jobs) and "statistics" (figures over rows the
        caller may not see).
    organisations, communes : tuple of int
        Row ids of the caller's own organisations and communes.
    """

    actor: str = ""
    roles: tuple[str, ...] = ()
    organisations: tuple[int, ...] = ()
    communes: tuple[int, ...] = ()


PUBLIC = Scope()
DEPARTMENT = frozenset({"planner", "administrator", "system"})
READS_ALL = DEPARTMENT | {"other_department", "statistics"}


def system() -> Scope:
    """Return the scope of a command or job: the whole registry, in the name of the operating-system user."""
    return Scope(f"system:{getpass.getuser()}", ("system",))


def enter(session: Session, scope: Scope) -> None:
    """Tell the database who the transaction works for; until then, and without, it is the public."""
    session.execute(
        text("SELECT registry.enter(:actor, :roles, :organisations, :communes)"),
        {
            "actor": scope.actor,
            "roles": list(scope.roles),
            "organisations": list(scope.organisations),
            "communes": list(scope.communes),
        },
    )
    session.info["scope"] = scope


def scope_of(session: Session) -> Scope:
    """Return who `session`'s transaction works for."""
    scope: Scope = session.info.get("scope", PUBLIC)
    return scope


def is_department(session: Session) -> bool:
    """Say whether the transaction's caller sees every row, restricted ones included."""
    return bool(DEPARTMENT & set(scope_of(session).roles))


def reads_all(session: Session) -> bool:
    """Say whether the caller sees every row that is not restricted."""
    return bool(READS_ALL & set(scope_of(session).roles))


@contextmanager
def statistics(session: Session) -> Iterator[None]:
    """Count over every row that is not restricted, whoever asks; only figures may leave such a block.

    The department already sees every row, restricted ones included, and keeps its own scope.
    """
    if is_department(session):
        yield
        return
    with _acting_as(session, Scope(scope_of(session).actor, ("statistics",))):
        yield


@contextmanager
def outside(session: Session) -> Iterator[None]:
    """Read as somebody outside the department: row-level security itself then leaves out what is restricted.

    Others keep their own scope, which shows them nothing restricted anyway.
    """
    if not is_department(session):
        yield
        return
    with _acting_as(session, Scope(scope_of(session).actor, ("other_department",))):
        yield


@contextmanager
def as_public(session: Session) -> Iterator[None]:
    """Read as the public, whoever asks: what is published is the same for all."""
    with _acting_as(session, PUBLIC):
        yield


@contextmanager
def _acting_as(session: Session, scope: Scope) -> Iterator[None]:
    before = scope_of(session)
    enter(session, scope)
    try:
        yield
    finally:
        # Of a transaction that has failed nothing more is read; a failed COPY does not tell the session so.
        if (session.is_active and session.in_transaction()
                and raw_connection(session).info.transaction_status != TransactionStatus.INERROR):  # fmt: skip
            enter(session, before)


def say_why(session: Session, reason: str, batch: str = "") -> None:
    """Give the changes of this transaction their reason, and the batch they came with, in `audit.change`."""
    session.execute(
        text("SELECT set_config('hatang.reason', :reason, true), set_config('hatang.batch', :batch, true)"),
        {"reason": reason, "batch": batch},
    )


def look_back(session: Session, known_at: dt.datetime | None) -> None:
    """Let the reads of this transaction see what the registry believed at `known_at`; None is now again.

    SQL text names tables without their schema and follows the search path; statements of the models are translated.
    """
    if known_at == session.info.get("known_at"):
        return
    session.execute(
        text("SELECT set_config('hatang.known_at', :at, true), set_config('search_path', :path, true)"),
        {"at": known_at.isoformat() if known_at else "", "path": _THEN if known_at else _NOW},
    )
    session.connection().execution_options(schema_translate_map={"registry": "past"} if known_at else {})
    session.info["known_at"] = known_at


@contextmanager
def planned_once(session: Session) -> Iterator[None]:
    """Plan the statements of this block once a connection, not for every value.

    For small statements that find few rows by an index whatever is asked: the planner takes longer than the answer.
    After an error the transaction is lost, and the setting with it.
    """
    connection = raw_connection(session)  # twice in every check: past what SQLAlchemy does around a statement
    connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    yield
    connection.execute("SET LOCAL plan_cache_mode = auto")


def application_url() -> str:
    """Return the address of the database for the application's role."""
    return settings().database_url or cluster.private().url("hatang_app")


@lru_cache
def engine() -> Engine:
    """Return the engine of the application role: the private cluster unless HATANG_DATABASE_URL is set."""
    url = application_url()
    timeout_ms = settings().statement_timeout_s * 1000
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=10,
        connect_args={"options": f"-c statement_timeout={timeout_ms} -c timezone=UTC -c jit=off {_PATH}"},
    )


@contextmanager
def session_scope(scope: Scope | None = None) -> Iterator[Session]:
    """One transaction: commits at the end, rolls back on any error; the command or request owns it.

    Parameters
    ----------
    scope : Scope, optional
        Whom it works for; default `system()`, since commands and jobs are the department's.
    """
    with translated(), Session(engine(), expire_on_commit=False) as session, session.begin():
        enter(session, scope or system())
        yield session


@contextmanager
def translated() -> Iterator[None]:
    """Turn database errors a user can cause into `AppError`; everything else passes as it is."""
    try:
        yield
    except DBAPIError as error:
        told = translate(error)
        if told is None:
            raise
        raise told from error


def translate(error: DBAPIError) -> AppError | None:
    """Return what a database error means to the user, None when the mistake is ours."""
    state = getattr(error.orig, "sqlstate", None) or ""
    if state == "57014":
        return Unavailable(
            "too_slow",
            "Truy vấn quá lâu; hãy thu hẹp bbox, chọn một xã hoặc giảm limit",
            "The query took too long; narrow the bbox, choose one commune or lower the limit",
        )
    if state in {"42P01", "3F000"}:
        return Unavailable(
            "not_migrated",
            "Cơ sở dữ liệu chưa có bảng; chạy: hatang db migrate",
            "The database has no tables yet; run: hatang db migrate",
        )
    if state == "42501":
        return Forbidden(
            "not_yours",
            "Không được thêm hoặc sửa đối tượng này: không thuộc phạm vi của tài khoản",
            "This object may not be added or changed: it is outside the account's scope",
        )
    if state.startswith("23"):
        diagnosis = getattr(error.orig, "diag", None)
        return from_constraint(getattr(diagnosis, "constraint_name", None), getattr(diagnosis, "message_detail", None))
    if "NUL" in str(error.orig) or state in {"22003", "22021", "22P05"}:
        return Invalid(
            "value_refused", "Giá trị ngoài khoảng hoặc chứa ký tự NUL", "A value is out of range or has NUL"
        )
    away = isinstance(error, OperationalError) and not state
    if error.connection_invalidated or away or state[:2] in {"08", "53", "57"}:
        return Unavailable(
            "database_unavailable",
            "Cơ sở dữ liệu không trả lời; hãy thử lại sau, hoặc chạy: hatang db start",
            "The database does not answer; try again later, or run: hatang db start",
        )
    return None


def open_session() -> Iterator[Session]:
    """One transaction per HTTP request, the public's until `app.accounts.access` knows who asks."""
    with translated(), Session(engine(), expire_on_commit=False) as session, session.begin():
        yield session
