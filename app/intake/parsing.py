"""Cells → values: a parser takes one cell and returns the value or raises `Bad`; each distinct cell is parsed once."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.intake.findings import Findings
from app.kit.table import Values, objects
from app.kit.text import fold, nfc

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_PLAIN = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*(?:[.,]\d+)?$")
_COMMA_DECIMAL = re.compile(r"[+-]?\d+,(\d{1,2}|\d{4,})$|[+-]?0,\d+$|[+-]?\d{1,3}(\.\d{3})+,\d+$")
_AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}$")
_DATE = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[ T].*)?$")
_ISO = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T].*)?$")
_MOMENT = re.compile(r"(?P<day>[^T ]+)(?:[T ]+(?P<hour>\d{1,2})[:hH](?P<rest>\d{2}.*))?$")
_LOCAL = dt.timezone(dt.timedelta(hours=7))  # Viet Nam has no summer time
_TRUE = frozenset(("co", "yes", "y", "true", "t", "1", "x", "dung", "✓", "v"))
_FALSE = frozenset(("khong", "no", "n", "false", "f", "0", "sai", "k"))

_HUGE = 1e300

Floats = NDArray[np.float64]


class Bad(Exception):
    """A cell that cannot be read."""

    def __init__(self, code: str, hint: str = "") -> None:
        super().__init__(code)
        self.code, self.hint = code, hint


def text(value: Any) -> str:
    """Return the text of a cell in NFC; whole floats lose their ".0" (sheets store codes as numbers)."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, dt.datetime | dt.date):
        value = value.isoformat()
    plain = str(value)
    if _CONTROL.search(plain):
        raise Bad("bad_text")
    return nfc(plain)


def number(value: Any, *, comma_is_decimal: bool = False) -> float:
    """Return a number: decimal point or comma, thousands parted by the other sign or by spaces.

    "1,234" may be either; it is refused unless another cell of the column shows the comma to be decimal.
    """
    if isinstance(value, bool):
        raise Bad("not_a_number")
    if isinstance(value, int | float):
        if not abs(value) < _HUGE:  # NaN too; a whole number of 400 digits overflows
            raise Bad("not_finite")
        return float(value)
    plain = re.sub(r"(?<=\d)[\s\u00a0\u202f](?=\d{3}(?!\d))", "", str(value).strip()).replace("−", "-")
    if plain.lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        raise Bad("not_finite")
    if _PLAIN.match(plain):
        result = float(plain)
    elif _AMBIGUOUS.match(plain) and not comma_is_decimal:
        raise Bad("ambiguous_number", f"{plain.replace(',', '')} / {plain.replace(',', '.')}")
    elif _GROUPED.match(plain) and (plain.count(".") + plain.count(",")) > 1:
        decimal = max(plain.rfind("."), plain.rfind(","))
        single = plain.count(plain[decimal]) == 1
        whole = re.sub("[.,]", "", plain[:decimal] if single else plain)
        result = float(f"{whole}.{plain[decimal + 1 :]}" if single else whole)
    elif re.match(r"[+-]?\d+,\d+$", plain):
        result = float(plain.replace(",", "."))
    else:
        raise Bad("not_a_number")
    if not math.isfinite(result):
        raise Bad("not_finite")
    return result


def integer(value: Any, *, comma_is_decimal: bool = False) -> float:
    """Return a whole number; "1.234" and "1,234" can only be thousands here."""
    plain = str(value).strip() if isinstance(value, str) else ""
    if re.match(r"[+-]?[1-9]\d{0,2}([.,])\d{3}(\1\d{3})*$", plain):
        return float(re.sub("[.,]", "", plain))
    result = number(value, comma_is_decimal=True)
    if not result.is_integer():
        raise Bad("not_an_integer")
    return result


def boolean(value: Any) -> bool:
    """Return có/không, yes/no, true/false, 1/0 as a truth value."""
    key = fold(text(value))
    if key in _TRUE:
        return True
    if key in _FALSE:
        return False
    raise Bad("bad_boolean")


def date(value: Any) -> dt.date:
    """Return dd/mm/yyyy, yyyy-mm-dd or a sheet's own date."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    plain = text(value)
    found = _ISO.match(plain)
    parts = found.groups() if found else (_DATE.match(plain) or re.match("()()()", "")).groups()[::-1]  # type: ignore[union-attr]
    try:
        day = dt.date(int(parts[0]), int(parts[1]), int(parts[2]))
    except ValueError:
        raise Bad("bad_date") from None
    if not 1900 <= day.year <= 2200:
        raise Bad("bad_date")
    return day


def moment(value: Any) -> dt.datetime:
    """Return a day and time: ISO 8601 or dd/mm/yyyy hh:mm[:ss], also 8h15.

    Without an offset it is Viet Nam's time, UTC+7; a day alone is its first instant.
    """
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=_LOCAL)
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day, tzinfo=_LOCAL)
    found = _MOMENT.match(text(value))
    if found is None:
        raise Bad("bad_moment")
    day = date(found["day"])
    try:
        rest = re.sub(r"\s", "", found["rest"] or "00").upper().replace("Z", "+00:00")
        hour = dt.time.fromisoformat(f"{int(found['hour'] or 0):02}:{rest}")
    except ValueError:
        raise Bad("bad_moment") from None
    joined = dt.datetime.combine(day, hour)
    return joined if joined.tzinfo else joined.replace(tzinfo=_LOCAL)


def choice(words: Mapping[str, Any], allowed: str) -> Callable[[Any], Any]:
    """Return the parser of a fixed list; `words` maps folded words to values."""

    def parse(value: Any) -> Any:
        key = fold(text(value))
        if key not in words:
            raise Bad("bad_choice", allowed)
        return words[key]

    return parse


def column(
    name: str, values: Values, parse: Callable[[Any], Any], findings: Findings, *, label: str | None = None
) -> Values:
    """Return `values` parsed, None where empty or bad; every bad cell becomes a finding.

    Parameters
    ----------
    label : str or None
        The column's name in the file, for the findings.
    """
    parsed: dict[Any, Any] = {None: None}
    bad: dict[Any, Bad] = {}
    # 1, 1.0 and True are one dictionary key, so anything but text goes with its type.
    keys = [v if type(v) is str or v is None else (type(v), v) for v in values.tolist()]
    for key in dict.fromkeys(keys):  # once per distinct cell
        if key is not None:
            try:
                cell = key if type(key) is str else key[1]
                parsed[key] = parse(cell) if type(cell) is not str or cell.strip() else None
            except Bad as error:
                parsed[key], bad[key] = None, error
    if bad:
        where = np.fromiter((k in bad for k in keys), bool, len(keys))
        indices = np.flatnonzero(where)
        codes = np.array([bad[keys[i]].code for i in indices])
        for code in sorted(set(codes)):
            these = indices[codes == code]
            findings.add(code, label or name, these, values, [bad[keys[i]].hint for i in these])
    return objects([parsed[k] for k in keys])


def numbers(name: str, values: Values, findings: Findings, *, whole: bool = False, label: str | None = None) -> Floats:
    """Return a column of numbers as float64, NaN where empty or bad."""
    listed = values.tolist()
    if all(type(v) in (str, float, int) for v in listed):
        try:  # the usual column: every cell a plain number
            quick = np.array(list(map(float, listed)), np.float64)
        except (ValueError, OverflowError):
            quick = np.array([np.nan])
        # float() also takes "1_000" and "nan", which people do not mean.
        strange = any(type(v) is str and "_" in v for v in listed)
        if np.isfinite(quick).all() and not strange and not (whole and (quick % 1).any()):
            return quick
    comma = any(type(v) is str and _COMMA_DECIMAL.match(v.strip()) for v in set(listed))
    parse = integer if whole else number
    cells = column(name, values, lambda v: parse(v, comma_is_decimal=comma), findings, label=label)
    return np.array([math.nan if v is None else v for v in cells], np.float64)
