"""Type codes from measured attributes, by hand from the wording of the codes."""

from __future__ import annotations

import numpy as np
import pytest

from app.sites.antenna_code import CODES, AntennaCodes, Limits, derive_antenna_codes

LIMITS = Limits(max_height_m=3, max_height_share=0.2, max_half_width_m=0.5)
NAN = float("nan")


def derive(mounting: str | None, height: float, host: float, half: float, disguised: bool | None) -> AntennaCodes:
    return derive_antenna_codes([mounting], [height], [host], [half], [disguised], LIMITS)


@pytest.mark.parametrize(
    ("mounting", "height", "host", "half", "disguised", "code"),
    [
        ("building", 3, 15, 0.5, False, "A1a"),  # exactly at all three limits
        ("building", 3.1, 20, 0.5, False, "A2a"),  # too tall
        ("building", 3, 14.9, 0.5, False, "A2a"),  # over 20 % of the building
        ("building", 3, 15, 0.51, False, "A2a"),  # too wide
        ("post", 3, NAN, 0.5, False, "A1b"),
        ("post", 4, NAN, 0.5, False, "A2c"),
        ("ground", 45, NAN, NAN, False, "A2b"),
        ("ground", 45, NAN, NAN, True, "A1b"),  # a disguised one, wherever it stands
        (None, NAN, NAN, NAN, True, "A1b"),
        ("building", 3, NAN, 0.5, False, None),  # the building's height decides and is unknown
        ("building", 30, NAN, NAN, False, "A2a"),  # bulky whatever the rest
        ("ground", 45, NAN, NAN, None, None),  # might be disguised
        (None, NAN, NAN, NAN, None, None),
    ],
)
def test_codes(
    mounting: str | None, height: float, host: float, half: float, disguised: bool | None, code: str | None
) -> None:
    assert derive(mounting, height, host, half, disguised).codes.tolist() == [code]


def test_a_declared_code_contradicts_only_what_is_known() -> None:
    ground = derive("ground", 45, NAN, NAN, None)
    assert [bool(ground.contradicted([c])[0]) for c in CODES] == [True, False, True, False, True]
    assert not ground.contradicted([None])[0]
    assert derive(None, NAN, NAN, NAN, None).possible.all()


def test_explanation_names_what_is_possible_in_both_languages() -> None:
    vi, en = derive("ground", 45, NAN, NAN, None).explain(0)
    assert vi.startswith("A1b (")
    assert "A2b (bulky on the ground)" in en


def test_vectorised() -> None:
    many = derive_antenna_codes(["ground", "post"], [45, 2], [NAN, NAN], [NAN, 0.2], [False, False], LIMITS)
    assert many.codes.tolist() == ["A2b", "A1b"]
    assert many.contradicted(np.array(["A2a", "A1b"], object)).tolist() == [True, False]
