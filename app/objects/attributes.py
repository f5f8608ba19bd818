"""What a caller may write of a kind, and the body of a request as column values."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import PydanticCustomError
from sqlalchemy import BigInteger, Boolean, Column, Date, Float, Integer
from sqlalchemy.orm import Session

from app.database import is_department, scope_of
from app.errors import Forbidden, Invalid
from app.kit.page import MAX_ID, parse_date
from app.kit.text import nfc
from app.objects.kinds import DEPARTMENT_ONLY, RAW, Kind
from app.objects.shapes import from_geojson, from_position

MAX_TEXT = 1000
POSITION = "position"
GEOMETRY = "geometry"


def writable(session: Session, kind: Kind, *, adding: bool) -> frozenset[str]:
    """Return the columns the caller may write of objects of `kind`; on which of them, row-level security decides.

    Since when an object stands is told once, when it is added; until when, by ending it.
    """
    if not kind.written:
        return frozenset()
    if is_department(session):
        return kind.settable
    once = {"valid_to"} if adding else {"valid_to", "valid_from"}
    scope = scope_of(session)
    allowed: frozenset[str] = frozenset()
    if kind.operated and scope.organisations:
        allowed |= kind.settable - DEPARTMENT_ONLY - _whose(kind)
    if scope.communes:
        allowed |= kind.officer
    return allowed - once


def restorable(session: Session, kind: Kind) -> frozenset[str]:
    """Return the columns an earlier state may be written back to: as `writable`, and the dates and raw coordinates."""
    allowed = writable(session, kind, adding=False)
    whole = allowed & _identity(kind)
    dates = {"valid_from", "valid_to"} & kind.columns.keys() if whole else set()
    raw = set(RAW) if kind.located and "geom" in allowed else set()
    return allowed | dates | raw


def _identity(kind: Kind) -> set[str]:
    """Columns that only who keeps the whole object writes, not an officer who keeps a village's figures."""
    return {"geom", "code", *(kind.parent or ())[:1]}


def _whose(kind: Kind) -> set[str]:
    """Return the column of the owner, which no operator writes; a tenant is named by who owns what it uses."""
    return {kind.organisation} if kind.organisation and not kind.tenant else set()


def require_writer(session: Session, kind: Kind, *, adding: bool = False) -> frozenset[str]:
    """Return what the caller may write of the kind.

    Raises
    ------
    Forbidden
        Nothing.
    """
    allowed = writable(session, kind, adding=adding)
    if not allowed or (adding and not (kind.added and _identity(kind) & allowed)):
        raise Forbidden(
            "layer_not_writable",
            f"Tài khoản không được {'thêm' if adding else 'sửa'} đối tượng của lớp {kind.layer}",
            f"The account may not {'add' if adding else 'change'} objects of the layer {kind.layer}",
            field="layer",
        )
    return allowed


def read_body(kind: Kind, body: Mapping[str, Any], allowed: frozenset[str]) -> dict[str, Any]:
    """Return column → JSON value of a body whose members are attributes, `geometry` and `position`.

    Raises
    ------
    Invalid
        An attribute that does not exist or that the caller may not write, or a value that is none of its kind.
    """
    values: dict[str, Any] = {}
    for name, value in body.items():
        column = _column(kind, name)
        if column is None:
            raise Invalid(
                "unknown_attribute",
                f"Lớp {kind.layer} không có thuộc tính {name[:40]!r}",
                f"The layer {kind.layer} has no attribute {name[:40]!r}",
                field=name[:60],
            )
        if column not in allowed:
            raise Invalid(
                "not_writable",
                f"Không được ghi thuộc tính {name!r}",
                f"The attribute {name!r} may not be written",
                field=name,
            )
        if name == POSITION:
            values |= from_position(value)
        else:
            values[column] = _value(kind, column, value, name)
    if GEOMETRY in body and POSITION in body:
        raise Invalid("position_twice", "Chỉ gửi geometry hoặc position", "Send geometry or position", field=POSITION)
    if GEOMETRY in body and kind.located:
        values |= dict.fromkeys(RAW)  # they told another place
    return values


def _column(kind: Kind, name: str) -> str | None:
    """Return the column a member of the body writes; it may be one nobody writes."""
    if name == GEOMETRY:
        return kind.geometries[0] if kind.geometries else None
    if name == POSITION:
        return "geom" if kind.located else None
    if name in kind.geometries[:1] and name == "geom":
        return None
    return name if name in kind.columns else None


def _value(kind: Kind, name: str, value: Any, member: str) -> Any:
    column = kind.columns[name]
    if value is None or value == "":
        if not column.nullable and not (value == "" and column.server_default is not None and name == "source"):
            raise Invalid("required", f"Thuộc tính {member!r} là bắt buộc", f"{member!r} is required", field=member)
        return None if column.nullable else ""
    if name in kind.geometries:
        return from_geojson(value, str(getattr(column.type, "geometry_type", "")), member)
    read, vi, en = _reader(column)
    known = read(value)
    if known is None:
        raise Invalid("wrong_type", f"{member}: cần {vi}", f"{member}: {en} is needed", field=member)
    return known


def _reader(column: Column[Any]) -> tuple[Callable[[Any], Any], str, str]:
    kind = column.type
    if isinstance(kind, Boolean):
        return _boolean, "true hoặc false", "true or false"
    if isinstance(kind, BigInteger):
        return _whole(MAX_ID), "một số nguyên", "a whole number"
    if isinstance(kind, Integer):
        return _whole(2**31 - 1), "một số nguyên", "a whole number"
    if isinstance(kind, Float):
        return _number, "một số hữu hạn", "a finite number"
    if isinstance(kind, Date):
        return _date, "ngày dạng năm-tháng-ngày, ví dụ 2025-12-31", "a date like 2025-12-31"
    return _text, f"văn bản tối đa {MAX_TEXT} ký tự", f"a text of at most {MAX_TEXT} characters"


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _whole(largest: int) -> Callable[[Any], int | None]:
    def read(value: Any) -> int | None:
        return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= largest else None

    return read


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e300 and math.isfinite(value) else None


def _date(value: Any) -> str | None:
    try:
        return str(parse_date(value)) if isinstance(value, str) else None
    except PydanticCustomError:
        return None


def _text(value: Any) -> str | None:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        return None
    if any(unicodedata.category(c) in {"Cc", "Cs"} and c not in "\t\r\n" for c in value):
        return None
    return nfc(value) or None
