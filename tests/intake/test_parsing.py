"""Cells as people write them."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.intake import parsing
from app.intake.findings import Findings
from app.kit.table import objects


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("12", 12), ("12,5", 12.5), ("12.5", 12.5), ("1.234,5", 1234.5), ("1,234.5", 1234.5), ("1.234.567", 1234567),
        ("1 234 567,8", 1234567.8), ("−5", -5), ("0,123", 0.123), ("1e3", 1000), (7, 7), (7.5, 7.5),
        ("561476,79", 561476.79), ("1,23", 1.23),
    ],
)  # fmt: skip
def test_numbers(cell: Any, value: float) -> None:
    assert parsing.number(cell) == value


@pytest.mark.parametrize(
    ("cell", "code"),
    [("1,234", "ambiguous_number"), ("abc", "not_a_number"), ("nan", "not_finite"), ("1e999", "not_finite"),
     ("1_000", "not_a_number"), (True, "not_a_number"), (math.inf, "not_finite"), ("1.2.3", "not_a_number"),
     ("#DIV/0!", "not_a_number"), ("12 m", "not_a_number")],
)  # fmt: skip
def test_no_numbers(cell: Any, code: str) -> None:
    with pytest.raises(parsing.Bad) as caught:
        parsing.number(cell)
    assert caught.value.code == code


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.sampled_from([".", ","]))
def test_any_number_written_with_either_sign_reads_back(value: float, sign: str) -> None:
    cell = f"{value:.2f}".replace(".", sign)
    assert parsing.number(cell) == pytest.approx(round(value, 2), rel=1e-9)


@pytest.mark.parametrize(("cell", "value"), [("1.234", 1234), ("1,234,567", 1234567), ("12,0", 12), (3.0, 3), ("0", 0)])
def test_whole_numbers(cell: Any, value: int) -> None:
    assert parsing.integer(cell) == value


def column(cells: list[Any], **options: Any) -> tuple[list[float], dict[str, int]]:
    findings = Findings(np.arange(1, len(cells) + 1))
    return parsing.numbers("c", objects(cells), findings, **options).tolist(), findings.counts


def test_one_clear_decimal_comma_settles_the_column() -> None:
    assert column(["1,234", "2,5"]) == ([1.234, 2.5], {})
    values, counts = column(["1,234", "2"])
    assert math.isnan(values[0])
    assert counts == {"ambiguous_number": 1}


def test_quick_and_slow_columns_agree() -> None:
    assert column(["1", "2.5", 3]) == ([1.0, 2.5, 3.0], {})
    assert column(["1", "2.5", 3, "4,25"]) == ([1.0, 2.5, 3.0, 4.25], {})
    values, counts = column(["1", "1_0", "nan", None, "1.5"], whole=True)
    assert values[0] == 1
    assert counts == {"not_a_number": 1, "not_finite": 1, "not_an_integer": 1}


@pytest.mark.parametrize(
    ("cell", "day"),
    [("31/12/2025", "2025-12-31"), ("1-2-2025", "2025-02-01"), ("01.02.2025", "2025-02-01"),
     ("2025-02-01", "2025-02-01"), ("2025/2/1", "2025-02-01"), ("2025-02-01T10:00:00", "2025-02-01"),
     ("1/2/2025 00:00:00", "2025-02-01"), (dt.datetime(2025, 2, 1, 5), "2025-02-01"),
     (dt.date(2025, 2, 1), "2025-02-01")],
)  # fmt: skip
def test_dates(cell: Any, day: str) -> None:
    assert parsing.date(cell).isoformat() == day


@pytest.mark.parametrize(
    "cell", ["12/31/2025", "2025", "02/2025", "31/02/2025", "45000", 45000, "0001-01-01", "hôm nay"]
)
def test_no_dates(cell: Any) -> None:
    with pytest.raises(parsing.Bad, match="bad_date"):
        parsing.date(cell)


@pytest.mark.parametrize(
    ("cell", "truth"), [("Có", True), ("KHÔNG", False), ("yes", True), (0, False), (1.0, True), (True, True)]
)
def test_booleans(cell: Any, truth: bool) -> None:
    assert parsing.boolean(cell) is truth


def test_text_is_normalised_and_codes_from_sheets_lose_their_zero() -> None:
    assert parsing.text("  Hue\u0302\u0301  x ") == "Huế x"
    assert parsing.text(12.0) == "12"
    with pytest.raises(parsing.Bad, match="bad_text"):
        parsing.text("a\ud800")
