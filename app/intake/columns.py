"""The file's headers → the layer's columns: by name, by alias, by --map; and the typed values under them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import Invalid
from app.intake import parsing
from app.intake.findings import Findings
from app.intake.layers import POSITION, Column, Layer
from app.kit.table import Notice, Table, Values, objects
from app.kit.text import fold

_CODE = re.compile(r"[^\x00-\x1f]{1,100}$")
_STRICT = {
    "organisations": (re.compile(r"[A-Z0-9_]{2,30}$"), "A-Z 0-9 _, 2–30"),
    "areas": (re.compile(r"[0-9A-Za-z._-]{1,20}$"), "0-9 A-Z . _ -, ≤ 20"),
}
_STRICT["successions"] = _STRICT["areas"]
_TIMES: Mapping[str, Callable[[Any], Any]] = {"date": parsing.date, "moment": parsing.moment}


@dataclass
class Sheet:
    """A file under the layer's own column names.

    Attributes
    ----------
    cells : dict of str to ndarray of object
        Canonical column → cells as the file has them.
    labels : dict of str to str
        Canonical column → its header in the file, for the findings.
    """

    cells: dict[str, Values]
    labels: dict[str, str]
    notices: list[Notice] = field(default_factory=list)

    def label(self, name: str) -> str:
        """Return what the file calls column `name`."""
        return self.labels.get(name, name)


def header_key(header: str) -> str:
    """Return the key under which headers are compared: no marks, no case, no punctuation, no unit."""
    words = re.sub(r"[^a-z0-9#]+", " ", fold(header)).split()
    return " ".join(words[:-1] if len(words) > 1 and words[-1] in {"m", "deg", "dbm", "mhz", "mbps"} else words)


def match(layer: Layer, table: Table, mapping: Mapping[str, str], constants: Mapping[str, str]) -> Sheet:
    """Find the layer's columns in `table`.

    Parameters
    ----------
    mapping : mapping of str to str
        The file's header → our column, or the other way round where that is the only reading.
    constants : mapping of str to str
        Our column → one value for every row.

    Raises
    ------
    Invalid
        --map or --set names a column that is not there; two headers mean the same column.
    """
    known = {c.name: c for c in (*layer.columns, *POSITION)}
    taken = dict(_mapped(h, ours, table, known) for h, ours in mapping.items())
    by_key = {key: name for name, c in reversed(known.items()) for key in map(header_key, (name, *c.aliases))}
    found: dict[str, list[str]] = {name: [header] for header, name in taken.items()}
    exact = {h for h in table.columns if h in known and h not in found}
    found |= {name: [name] for name in exact}
    unused = []
    for header in table.columns:
        if header in taken or header in exact:
            continue
        name = by_key.get(header_key(header))
        # A column under its own name, or mapped by hand, wins over mere aliases.
        if name is None or name in exact or name in taken.values():
            unused.append(header)
        else:
            found.setdefault(name, []).append(header)
    clashes = {name: headers for name, headers in found.items() if len(headers) > 1}
    if clashes:
        name, headers = next(iter(clashes.items()))
        raise Invalid(
            "ambiguous_columns",
            f'Các cột {", ".join(headers)} đều có thể là {name}; hãy chọn bằng --map "{headers[0]}"={name}',
            f'The columns {", ".join(headers)} may all be {name}; choose with --map "{headers[0]}"={name}',
            field=name,
        )
    cells = {name: table.columns[headers[0]] for name, headers in found.items()}
    labels = {name: headers[0] for name, headers in found.items()}
    for name, value in constants.items():
        if name not in known:
            raise _unknown_column(name, known)
        cells[name] = objects([value] * len(table))
        labels.pop(name, None)
    sheet = Sheet(cells, labels)
    if unused:
        listed = ", ".join(unused)
        sheet.notices.append(Notice("unused_columns", f"Không dùng các cột: {listed}", f"Columns not used: {listed}"))
    return sheet


def _mapped(left: str, right: str, table: Table, known: Mapping[str, Column]) -> tuple[str, str]:
    if left in table.columns and right in known:
        return left, right
    if right in table.columns and left in known:
        return right, left
    if left not in table.columns and right not in table.columns:
        listed = ", ".join(table.columns)
        raise Invalid(
            "unknown_field",
            f"--map: tệp không có cột {left!r}; có: {listed}",
            f"--map: the file has no column {left!r}; it has: {listed}",
            field=left,
        )
    raise _unknown_column(right if left in table.columns else left, known)


def _unknown_column(name: str, known: Mapping[str, Column]) -> Invalid:
    listed = ", ".join(known)
    return Invalid("unknown_column", f"Lớp này không có cột {name!r}; có: {listed}",
                   f"The layer has no column {name!r}; it has: {listed}", field=name)  # fmt: skip


def parse(layer: Layer, sheet: Sheet, rows: int, findings: Findings) -> dict[str, NDArray[Any]]:
    """Return the layer's plain columns typed: float64 with NaN, or objects with None; absent columns are left out.

    Organisations, communes and lists stay as their cells: they need the registry.
    """
    values: dict[str, NDArray[Any]] = {}
    for column in layer.columns:
        cells = sheet.cells.get(column.name)
        if cells is None:
            if column.required:
                hint = ", ".join((column.name, *column.aliases[:4]))
                findings.add_file("missing_column", column.name, hint=f"Có thể gọi: {hint} | It may be called: {hint}")
            continue
        values[column.name] = _typed(layer, column, cells, sheet.label(column.name), findings)
        if column.required:
            blank = np.array([v is None or (type(v) is str and not v.strip()) for v in cells.tolist()], bool)
            findings.add("missing_value", sheet.label(column.name), blank)
    if "valid_from" in values and "valid_to" in values:
        name = "valid_to"
        wrong = [
            a is not None and b is not None and a >= b for a, b in zip(values["valid_from"], values[name], strict=True)
        ]
        findings.add("valid_order", sheet.label(name), np.array(wrong, bool), values[name])
    return values


def _typed(layer: Layer, column: Column, cells: Values, label: str, findings: Findings) -> NDArray[Any]:
    if column.kind in {"number", "integer"}:
        numbers = parsing.numbers(column.name, cells, findings, whole=column.kind == "integer", label=label)
        return _ranged(column, numbers, cells, label, findings)
    if column.kind in {"list", "organisation", "commune"}:
        return cells
    if column.kind == "choice":
        parser = parsing.choice(column.words, ", ".join(dict.fromkeys(map(str, column.words.values()))))
    elif column.kind == "boolean":
        words = {"true": True} | column.words

        def parser(value: Any) -> Any:
            return words[fold(str(value))] if fold(str(value)) in words else parsing.boolean(value)
    elif column.kind in _TIMES:
        parser = _TIMES[column.kind]
    elif column.kind == "code":
        pattern, hint = _STRICT.get(layer.name, (_CODE, "≤ 100"))

        def parser(value: Any) -> Any:
            plain = parsing.text(value)
            if not pattern.match(plain):
                raise parsing.Bad("bad_code", hint)
            return plain
    else:
        parser = parsing.text
    return parsing.column(column.name, cells, parser, findings, label=label)


def _ranged(column: Column, numbers: parsing.Floats, cells: Values, label: str, findings: Findings) -> parsing.Floats:
    low = -np.inf if column.low is None else column.low
    high = np.inf if column.high is None else column.high
    outside = (numbers < low) | (numbers > high)
    if outside.any():
        negative = outside & (numbers < 0) & (low >= 0)
        findings.add("negative", label, negative, cells)
        rest = np.flatnonzero(outside & ~negative)
        findings.add("out_of_range", label, rest, cells, [_mend(v, low, high) for v in numbers[rest]])
        numbers = np.where(outside, np.nan, numbers)
    return numbers


def _mend(value: float, low: float, high: float) -> str:
    """Return the range, and the likely mend where only the minus is missing (levels in dBm)."""
    if high < 0 and low <= -value <= high:
        return f"{low:g}…{high:g}; thiếu dấu trừ? {-value:g} | {low:g}…{high:g}; is the minus missing? {-value:g}"
    return f"{low:g}…{high:g}"
