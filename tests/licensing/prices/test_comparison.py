"""Prices compared on values alone: units, quartiles, contracts beside the list, and what others are told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.licensing.prices.comparison import (
    Declared,
    Figures,
    Key,
    Limits,
    Paid,
    blurred,
    compare,
    figures,
    per_month,
    to_digits,
)

KEY = Key("mast", None, "A2b", "urban", "slot")
LIMITS = Limits(min_declarers=3, digits=2)


def declared(**prices: float) -> list[Declared]:
    return [Declared(KEY, owner, vnd) for owner, vnd in prices.items()]


def paid(lessor: str, price: float | None, quantity: float | None = 1, asked: float | None = 100) -> Paid:
    return Paid(KEY, lessor, price, quantity, asked)


def test_a_year_a_quarter_and_a_month() -> None:
    assert [per_month(1200, p) for p in ("month", "quarter", "year")] == [1200, 400, 100]


def test_figures_by_hand() -> None:
    assert figures([5, 1, 3, 2, 4], 2) == Figures(5, 2, 1, 2, 3, 4, 5)
    assert figures([], 0) is None
    (group,) = compare(declared(A=100, B=200, C=300), [], LIMITS, everything=True)
    assert group.declared == Figures(3, 3, 100, 150, 200, 250, 300)
    assert group.by_owner is not None
    assert {o: f.median for o, f in group.by_owner.items()} == {"A": 100, "B": 200, "C": 300}
    assert not group.withheld


def test_contracts_beside_the_list_and_what_is_unknown() -> None:
    items = [
        paid("A", 80), paid("A", 300, 2), paid("B", 100.4), paid("B", None), paid("B", 90, None),
        paid("C", 70, 1, None),
    ]  # fmt: skip
    (group,) = compare([], items, LIMITS, everything=True)
    assert group.paid is not None
    assert (group.paid.count, group.paid.owners, group.paid.greatest) == (4, 3, 150)
    assert group.unknown == {"no_price": 1, "no_quantity": 1, "no_list_price": 1}
    against = group.against_list
    assert against is not None
    assert (against.compared, against.above, against.equal, against.below) == (3, 1, 1, 1)
    assert against.median_ratio == pytest.approx(1.004)


def test_different_units_are_never_put_together() -> None:
    other = Declared(KEY._replace(per="metre"), "A", 1.0)
    groups = compare([*declared(A=100), other], [], LIMITS, everything=True)
    assert [(g.key.per, g.declared.median) for g in groups if g.declared] == [("metre", 1.0), ("slot", 100.0)]


def test_what_others_are_told() -> None:
    told = compare(declared(A=100, B=200, C=300, D=400, E=500), [paid("A", 3)], LIMITS, everything=False)[0]
    assert told.declared == Figures(None, 5, None, 200, 300, 400, None)
    assert (told.by_owner, told.paid, told.against_list, told.unknown) == (None, None, None, None)
    few = compare(declared(A=100, B=200), [], LIMITS, everything=False)[0]
    assert (few.declared, few.withheld) == (None, True)
    # Several prices of one owner are one declarer.
    assert compare(declared(A=1, B=2) + declared(A=3), [], LIMITS, everything=False)[0].withheld
    assert blurred([("A", 100.0), ("B", 200.0), ("C", 301.0)], LIMITS) == Figures(None, 3, None, 200, 200, 200, None)


def test_synthetic_shows() -> None:
    prices = declared(A=1, B=2, C=3)
    assert not compare(prices, [], LIMITS, everything=True)[0].synthetic
    assert compare([*prices, replace(prices[0], synthetic=True)], [], LIMITS, everything=False)[0].synthetic


def test_digits() -> None:
    assert [to_digits(v, 2) for v in (0, 6_249_000, 0.01234, 99.6)] == [0, 6_200_000, 0.012, 100]


vnd = st.floats(1, 1e9)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ABCDEFG"), vnd), max_size=20), st.randoms(use_true_random=False))
def test_no_figure_rests_on_fewer_owners(prices: list[tuple[str, float]], random: object) -> None:
    """Whatever one owner declares, every told figure lies between the least and greatest of at least three."""
    found = blurred(prices, LIMITS)
    owners = {o for o, _ in prices}
    assert (found is None) == (len(owners) < 3)
    if found is not None:
        assert (found.count, found.least, found.greatest) == (None, None, None)
        assert found.q1 <= found.median <= found.q3
        low, high = min(v for _, v in prices), max(v for _, v in prices)
        assert 0.94 * low <= found.q1
        assert found.q3 <= 1.06 * high
        assert blurred(prices[::-1], LIMITS) == found
