"""A PostgreSQL of the user's own: what it must be, and what its roles must not be, before Hatang uses it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from app.errors import Unavailable

MIN_MAJOR = 15
MIN_POSTGIS = (3, 3)
LEAKPROOF = """
-- Without these row-level security hides the GiST index from the planner (67 ms instead of 1 ms).
ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF;
ALTER FUNCTION geography_overlaps(geography, geography) LEAKPROOF;
"""


@contextmanager
def _connected(url: str, variable: str) -> Iterator[psycopg.Connection]:
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise Unavailable(
            "database_unreachable",
            f"Không kết nối được {variable}: {reason}",
            f"{variable} does not answer: {reason}",
        ) from error
    with connection:
        yield connection


def prepare_given(url: str) -> None:
    """Check a database of the user's own (HATANG_DATABASE_URL), adding the extensions where its role may.

    Raises
    ------
    Unavailable
        It does not answer, is older than PostgreSQL 15 / PostGIS 3.3, or lacks an extension.
    """
    with _connected(url, "HATANG_OWNER_DATABASE_URL") as connection:
        if connection.info.server_version < MIN_MAJOR * 10_000:
            raise Unavailable(
                "database_too_old",
                f"Cần PostgreSQL ≥ {MIN_MAJOR}, máy chủ là {connection.info.server_version // 10_000}",
                f"PostgreSQL >= {MIN_MAJOR} is needed, the server is {connection.info.server_version // 10_000}",
            )
        for extension in ("postgis", "btree_gist"):
            if connection.execute("SELECT 1 FROM pg_extension WHERE extname = %s", [extension]).fetchone():
                continue
            try:
                connection.execute(f"CREATE EXTENSION {extension}")
            except psycopg.Error as error:
                raise Unavailable(
                    "extension_missing",
                    f"Cơ sở dữ liệu thiếu {extension}; nhờ quản trị chạy: CREATE EXTENSION {extension}",
                    f"The database lacks {extension}; have its administrator run: CREATE EXTENSION {extension}",
                ) from error
        row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'postgis'").fetchone()
        if row and tuple(int(n) for n in row[0].split(".")[:2]) < MIN_POSTGIS:
            raise Unavailable(
                "postgis_too_old", f"Cần PostGIS ≥ 3.3, hiện là {row[0]}", f"PostGIS >= 3.3 is needed, it is {row[0]}"
            )


def check_application_role(url: str, owner_url: str | None = None) -> str:
    """Return the role of `url`, which row-level security must bind: no superuser, no BYPASSRLS, owner of nothing.

    Parameters
    ----------
    owner_url : str, optional
        Whose role will own the tables, before there are any; without it their owners are asked for.

    Raises
    ------
    Unavailable
        `unsafe_role`: it could read past the policies; the message says how to make a role that cannot.
    """
    owner = None
    if owner_url:
        with _connected(owner_url, "HATANG_OWNER_DATABASE_URL") as connection:
            owner = connection.info.user
    with _connected(url, "HATANG_DATABASE_URL") as connection:
        row = connection.execute(
            "SELECT rolname, rolsuper OR rolbypassrls OR coalesce(pg_has_role(rolname, %s::name, 'member'), false)"
            " OR EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'registry' AND pg_has_role(rolname, c.relowner, 'member'))"
            " FROM pg_roles WHERE rolname = current_user",
            [owner],
        ).fetchone()
        assert row is not None, "a connected role exists"
        role, unbound = str(row[0]), bool(row[1])
    if unbound:
        raise Unavailable(
            "unsafe_role",
            f"Vai trò {role} của HATANG_DATABASE_URL bỏ qua được phân quyền theo dòng. Tạo vai trò riêng: "
            "CREATE ROLE hatang_app LOGIN PASSWORD '…'; và đặt HATANG_OWNER_DATABASE_URL cho vai trò sở hữu bảng",
            f"The role {role} of HATANG_DATABASE_URL is not bound by row-level security. Make one of its own: "
            "CREATE ROLE hatang_app LOGIN PASSWORD '…'; and set HATANG_OWNER_DATABASE_URL to the tables' owner",
            field="HATANG_DATABASE_URL",
        )
    return role


def index_is_hidden(url: str) -> bool:
    """Say whether row-level security keeps spatial questions from their index: a superuser must run `LEAKPROOF`."""
    with _connected(url, "HATANG_DATABASE_URL") as connection:
        row = connection.execute(
            "SELECT proleakproof FROM pg_proc WHERE oid = to_regprocedure('geometry_overlaps(geometry,geometry)')"
        ).fetchone()
    return not (row and row[0])
