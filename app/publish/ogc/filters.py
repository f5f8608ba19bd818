"""CQL2 to SQL by an allow-list: what is not in one of the tables here is refused, and no name of the request is SQL.

OGC 21-065r2. Values become literals of the driver; properties must be the collection's own, already as the caller is
told them, so a filter on a withheld attribute sees nulls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

import orjson
from cql2 import Expr
from psycopg import sql

from app.errors import BadRequest
from app.publish.ogc import moments, shapes
from app.publish.ogc.properties import Property
from app.publish.ogc.refusing import bad

MAX_TEXT, MAX_TERMS, MAX_DEPTH = 8_000, 400, 24
Kind = Literal["string", "number", "boolean", "date", "null"]
COMPARISONS: Final = {"=": "=", "<>": "<>", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
ARITHMETIC: Final = {
    "+": "({} + {})", "-": "({} - {})", "*": "({} * {})", "/": "({} / nullif({}, 0))",
    "div": "trunc({} / nullif({}, 0))",
}  # fmt: skip
# Accents are what is left beside the letters once these are taken apart; đ is a letter of its own there.
TEXT: Final = {
    "casei": "lower({})",
    "accenti": r"translate(regexp_replace(normalize({}, NFD), '[\u0300-\u036f]', '', 'g'), 'đĐ', 'dD')",
}
ALLOWED: Final = ("and", "or", "not", *COMPARISONS, "between", "in", "like", "isNull", *ARITHMETIC, *TEXT,
                  *shapes.PREDICATES, *moments.RELATIONS)  # fmt: skip


class Value(NamedTuple):
    """A scalar and what it is."""

    kind: Kind
    sql: sql.Composable


def parse(text: str, language: str | None) -> Any:
    """Return the CQL2 JSON of a filter in text or JSON.

    Raises
    ------
    BadRequest
        Too long or not CQL2.
    """
    if len(text) > MAX_TEXT:
        raise _refused("filter_too_long", f"dài quá {MAX_TEXT} ký tự", f"it is longer than {MAX_TEXT} characters")
    try:
        if language == "cql2-json" or (language is None and text.lstrip().startswith("{")):
            return orjson.loads(text)
        return Expr(text).to_json()
    except Exception as error:
        where = next((line.strip() for line in str(error).splitlines() if "-->" in line), "")
        raise _refused(
            "filter_unreadable",
            f"không đọc được CQL2 {where.replace('-->', 'tại')}",
            f"it cannot be read as CQL2 {where.replace('-->', 'at')}",
        ) from None


def condition(expression: Any, properties: Mapping[str, Property], geometry: str, crs: str) -> sql.Composable:
    """Return the SQL condition of a CQL2 expression on the columns of `v`.

    Parameters
    ----------
    geometry : str
        Name of the geometry column.
    crs : str
        URI of the system of the expression's geometries.

    Raises
    ------
    BadRequest
        Anything that is not allowed, with its name.
    """
    return _Compiler(properties, geometry, crs).truth(expression, 0)


def _refused(code: str, vi: str, en: str, **extra: Any) -> BadRequest:
    return bad("filter", code, f"Bộ lọc: {vi}", f"The filter: {en}", **extra)


class _Compiler:
    """Walks one expression, counting its terms."""

    def __init__(self, properties: Mapping[str, Property], geometry: str, crs: str) -> None:
        self.properties, self.geometry, self.crs = properties, geometry, crs
        self.terms = 0

    def truth(self, node: Any, depth: int) -> sql.Composable:
        """Return a condition."""
        if isinstance(node, dict) and "op" in node:
            op, arguments = self._taken(node, depth)
            make = self._predicate(op)
            if make is not None:
                return make(op, arguments, depth + 1)
        found = self.value(node, depth)
        if found.kind != "boolean":
            raise _refused("filter_type", "cần một điều kiện", "a condition is wanted here")
        return found.sql

    def _predicate(self, op: str) -> Callable[[str, list[Any], int], sql.Composable] | None:
        if op in COMPARISONS:
            return self._comparison
        if op in shapes.PREDICATES:
            return self._spatial
        if op in moments.RELATIONS:
            return self._temporal
        return {
            "and": self._logic, "or": self._logic, "not": self._not, "between": self._between, "in": self._among,
            "like": self._like, "isNull": self._is_null,
        }.get(op)  # fmt: skip

    def _taken(self, node: dict[str, Any], depth: int) -> tuple[str, list[Any]]:
        self._count(depth)
        op, arguments = node.get("op"), node.get("args")
        if not isinstance(op, str) or op not in ALLOWED:
            shown = str(op)[:60]
            raise _refused(
                "filter_not_allowed",
                f"không cho phép {shown!r}; được phép: {', '.join(ALLOWED)}",
                f"{shown!r} is not allowed; allowed are: {', '.join(ALLOWED)}",
                refused=shown,
            )
        if not isinstance(arguments, list):
            raise self._arity(op)
        return op, arguments

    def _count(self, depth: int) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS or depth > MAX_DEPTH:
            raise _refused(
                "filter_too_large",
                f"quá {MAX_TERMS} phần tử hoặc lồng quá {MAX_DEPTH} tầng",
                f"it has more than {MAX_TERMS} terms or is nested more than {MAX_DEPTH} deep",
            )

    def _arity(self, op: str) -> BadRequest:
        return _refused("filter_arguments", f"sai số đối số của {op!r}", f"{op!r} has the wrong arguments")

    def _two(self, op: str, arguments: list[Any]) -> tuple[Any, Any]:
        if len(arguments) != 2:
            raise self._arity(op)
        return arguments[0], arguments[1]

    def _logic(self, op: str, arguments: list[Any], depth: int) -> sql.Composable:
        if not arguments:
            raise self._arity(op)
        parts = [self.truth(a, depth) for a in arguments]
        return sql.SQL("({})").format(sql.SQL(f" {op.upper()} ").join(parts))

    def _not(self, op: str, arguments: list[Any], depth: int) -> sql.Composable:
        if len(arguments) != 1:
            raise self._arity(op)
        return sql.SQL("(NOT {})").format(self.truth(arguments[0], depth))

    def _comparison(self, op: str, arguments: list[Any], depth: int) -> sql.Composable:
        left, right = self._alike([self.value(a, depth) for a in self._two(op, arguments)])
        return sql.SQL(f"({{}} {COMPARISONS[op]} {{}})").format(left.sql, right.sql)

    def _between(self, op: str, arguments: list[Any], depth: int) -> sql.Composable:
        if len(arguments) != 3:
            raise self._arity(op)
        value, low, high = self._alike([self.value(a, depth) for a in arguments])
        return sql.SQL("({} BETWEEN {} AND {})").format(value.sql, low.sql, high.sql)

    def _among(self, op: str, arguments: list[Any], depth: int) -> sql.Composable:
        value, listed = self._two(op, arguments)
        if not isinstance(listed, list) or not listed:
            raise self._arity(op)
        first, *others = self._alike([self.value(a, depth) for a in (value, *listed)])
        return sql.SQL("({} IN ({}))").format(first.sql, sql.SQL(", ").join(o.sql for o in others))

    def _like(self, op: str, arguments: list[Any], depth: int) -> sql.Composable:
        value, pattern = (self.value(a, depth) for a in self._two(op, arguments))
        if not _whole_pattern(arguments[1]):
            raise _refused("filter_pattern", "mẫu của like phải là chuỗi và không kết thúc bằng \\\\",
                           "the pattern of like is a text that does not end with a backslash")  # fmt: skip
        if value.kind != "string" or pattern.kind != "string":
            raise _refused("filter_type", "like so sánh chuỗi ký tự", "like compares texts")
        return sql.SQL("({} LIKE {})").format(value.sql, pattern.sql)

    def _is_null(self, op: str, arguments: list[Any], depth: int) -> sql.Composable:
        if len(arguments) != 1:
            raise self._arity(op)
        if arguments[0] == {"property": self.geometry}:
            return sql.SQL("(v.{} IS NULL)").format(sql.Identifier(self.geometry))
        return sql.SQL("({} IS NULL)").format(self.value(arguments[0], depth).sql)

    def _spatial(self, op: str, arguments: list[Any], depth: int) -> sql.Composable:
        return shapes.predicate(op, self._two(op, arguments), self.geometry, self.crs)

    def _temporal(self, op: str, arguments: list[Any], depth: int) -> sql.Composable:
        def date_of(node: Any) -> sql.Composable:
            found = self.value(node, depth)
            if found.kind != "date":
                raise _refused("filter_type", f"{op!r} so sánh ngày", f"{op!r} compares dates")
            return found.sql

        return moments.relation(op, self._two(op, arguments), date_of)

    def value(self, node: Any, depth: int) -> Value:
        """Return a scalar."""
        if isinstance(node, dict) and "op" in node:
            return self._computed(node, depth)
        self._count(depth)
        if isinstance(node, bool):
            return Value("boolean", sql.Literal(node))
        if isinstance(node, int | float):
            return Value("number", _number(node))
        if isinstance(node, str):
            return Value("string", sql.SQL("{}::text").format(sql.Literal(node)))
        if isinstance(node, dict) and len(node) == 1:
            ((key, inner),) = node.items()
            if key == "property":
                return self._column(inner)
            if key in ("date", "timestamp"):
                return Value("date", moments.day(inner))
        if node is None:
            return Value("null", sql.SQL("NULL"))
        raise _refused("filter_value", f"không nhận giá trị {str(node)[:40]!r}", f"no such value: {str(node)[:40]!r}")

    def _computed(self, node: dict[str, Any], depth: int) -> Value:
        op, arguments = self._taken(node, depth)
        if op in ARITHMETIC:
            parts = [self.value(a, depth + 1) for a in self._two(op, arguments)]
            if any(p.kind != "number" for p in parts):
                raise _refused("filter_type", f"{op!r} tính với số", f"{op!r} computes with numbers")
            return Value("number", sql.SQL(ARITHMETIC[op]).format(*(p.sql for p in parts)))
        if op in TEXT:
            if len(arguments) != 1:
                raise self._arity(op)
            inner = self.value(arguments[0], depth + 1)
            if inner.kind != "string":
                raise _refused("filter_type", f"{op!r} nhận chuỗi ký tự", f"{op!r} takes a text")
            return Value("string", sql.SQL(TEXT[op]).format(inner.sql))
        return Value("boolean", self.truth(node, depth))

    def _column(self, name: Any) -> Value:
        found = self.properties.get(name) if isinstance(name, str) else None
        if found is None:
            raise unknown_property("filter", str(name), self.properties)
        column = sql.SQL("v.{}").format(sql.Identifier(name))
        if found.kind in ("number", "integer"):
            return Value("number", sql.SQL("{}::float8").format(column) if name != "id" else column)
        return Value(found.kind, column)  # type: ignore[arg-type]  # the kinds that are left are the same words

    def _alike(self, values: list[Value]) -> list[Value]:
        kinds = {v.kind for v in values} - {"null"}
        if len(kinds) > 1:
            shown = ", ".join(sorted(kinds))
            raise _refused("filter_type", f"không so sánh được {shown}", f"these cannot be compared: {shown}")
        return values


def unknown_property(field: str, name: str, properties: Mapping[str, Property]) -> BadRequest:
    """Return the 400 for a property that the collection does not have."""
    listed = ", ".join(properties)
    return bad(
        field,
        "unknown_property",
        f"Không có thuộc tính {name[:60]!r}; có: {listed}",
        f"There is no property {name[:60]!r}; there are: {listed}",
    )


def _whole_pattern(node: Any) -> bool:
    while isinstance(node, dict) and node.get("op") in TEXT and isinstance(node.get("args"), list):
        node = node["args"][0] if node["args"] else None
    # Of an odd number of backslashes at the end the last one escapes nothing.
    return isinstance(node, str) and (len(node) - len(node.rstrip("\\"))) % 2 == 0


def _number(value: float) -> sql.Composable:
    number = float(value)
    if not math.isfinite(number):
        raise _refused("filter_value", "số không hữu hạn", "a number is not finite")
    if number.is_integer() and abs(number) < 2**53:
        return sql.SQL("({})").format(sql.Literal(int(number)))
    return sql.SQL("({}::float8)").format(sql.Literal(number))
