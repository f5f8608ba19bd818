"""Rows as they come out of COPY, joined into blocks: constant memory, whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Generator

import psycopg
from psycopg import sql

from app.errors import Unavailable

BLOCK_BYTES = 64 * 1024
Advance = Callable[[int], None]
"""Told how many more rows are written."""


def silent(_: int) -> None:
    """Tell nobody."""


def blocks(
    connection: psycopg.Connection, copy_to: str, query: sql.Composable, block_bytes: int = BLOCK_BYTES
) -> Generator[bytes, None, None]:
    """Yield whole rows of `query` in blocks of at least `block_bytes` but for the last, which may be empty.

    Parameters
    ----------
    copy_to : str
        One of our own COPY statements, with {} for the query.

    Raises
    ------
    Unavailable
        Out of time, or the database went away.
    """
    try:
        # A savepoint: when the reader leaves, the note that it looked is kept.
        with (
            connection.transaction(),
            connection.cursor() as cursor,
            cursor.copy(sql.SQL(copy_to).format(query)) as copy,
        ):
            found: list[bytes | bytearray | memoryview] = []
            size = 0
            while row := copy.read():
                found.append(row)
                size += len(row)
                if size > block_bytes:
                    yield b"".join(found)
                    found, size = [], 0
            yield b"".join(found)
    except psycopg.OperationalError as error:
        raise Unavailable(
            "export_broken_off",
            "Xuất dữ liệu bị dừng giữa chừng: quá thời gian hoặc mất kết nối cơ sở dữ liệu",
            "The export was broken off: out of time, or the database went away",
        ) from error
