"""Rental prices compared per kind of structure: declared by owners, and paid by contract. Pure.

A price is VND a month for one `per`: a tenant's place, a metre of one bore, a pole. Prices of different `per` are
never put together. What is unknown (no price, no number of places, no list price to compare with) is counted.

Who does not read every price is told no single one. A group of fewer owners than `min_declarers` is withheld whole.
Of a larger one are told the quartiles over one value an owner, each as the mean of the `min_declarers` owners around
it and rounded to `digits`, and neither least nor greatest. Groups do not overlap and no total of them is told, so
nothing comes out as a difference. What this does not stop: two dates between which a single owner changed its price.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from app.licensing.prices.models import PERIOD_MONTHS

Area = Literal["urban", "rural", "unit", "any"]
WITHHELD = {
    "vi": "Không công bố: quá ít chủ sở hữu khai giá, có thể suy ra giá của từng đơn vị",
    "en": "Withheld: too few owners declared, so a single one's price could be read",
}
_EQUAL = 0.005
"""Paid and list price within half a percent are the same: contracts round."""


class Key(NamedTuple):
    """What prices have to have in common to be compared; null is "every"."""

    component: str
    kind: str | None
    type_code: str | None
    area: Area
    per: str


@dataclass(frozen=True)
class Declared:
    """A price in force of one owner; VND a month for one `per`."""

    key: Key
    owner: str
    vnd_month: float
    synthetic: bool = False


@dataclass(frozen=True)
class Paid:
    """What one item of a contract costs; `key` is that of the list price it is compared with, else its own.

    Attributes
    ----------
    price_vnd_month, quantity : float or None
        Of the whole item, and how many `per` it holds (places, bore metres, poles); null is unknown.
    list_vnd_month : float or None
        The lessor's declared price for such a thing, for one `per`; null when it declared none.
    """

    key: Key
    lessor: str
    price_vnd_month: float | None
    quantity: float | None
    list_vnd_month: float | None
    synthetic: bool = False

    @property
    def vnd_month(self) -> float | None:
        """VND a month for one `per`; null when price or quantity is unknown."""
        if self.price_vnd_month is None or not self.quantity:
            return None
        return self.price_vnd_month / self.quantity


@dataclass(frozen=True)
class Figures:
    """Least, quartiles and greatest, VND a month; null where withheld. `count` null where withheld too."""

    count: int | None
    owners: int
    least: float | None
    q1: float
    median: float
    q3: float
    greatest: float | None


@dataclass(frozen=True)
class AgainstList:
    """Contracts beside the list: how many could be compared, the median of paid over list, and which way."""

    compared: int
    median_ratio: float | None
    above: int
    equal: int
    below: int


@dataclass(frozen=True)
class Group:
    """One kind of structure. Withheld: every figure null and `withheld` true."""

    key: Key
    declared: Figures | None
    by_owner: dict[str, Figures] | None
    paid: Figures | None
    against_list: AgainstList | None
    unknown: dict[str, int] | None
    withheld: bool
    synthetic: bool


@dataclass(frozen=True)
class Limits:
    """Dated policy prices/comparison."""

    min_declarers: int
    digits: int


def per_month(amount_vnd: float, period: str) -> float:
    """Return VND a month of an amount for one month, quarter or year."""
    return amount_vnd / PERIOD_MONTHS[period]


def compare(declared: Iterable[Declared], paid: Iterable[Paid], limits: Limits, *, everything: bool) -> list[Group]:
    """Return the groups in the order of their keys.

    Parameters
    ----------
    everything : bool
        The caller reads every price: nothing is withheld, blurred or left out.
    """
    lists: dict[Key, list[Declared]] = defaultdict(list)
    contracts: dict[Key, list[Paid]] = defaultdict(list)
    for price in declared:
        lists[price.key].append(price)
    for item in paid:
        contracts[item.key].append(item)
    keys = sorted(lists.keys() | contracts.keys(), key=lambda k: tuple(v or "" for v in k))
    build = _whole if everything else lambda k, d, p: _told(k, d, p, limits)
    return [build(key, lists[key], contracts[key]) for key in keys]


def _whole(key: Key, declared: Sequence[Declared], paid: Sequence[Paid]) -> Group:
    owners: dict[str, list[float]] = defaultdict(list)
    for price in declared:
        owners[price.owner].append(price.vnd_month)
    priced = [(p.lessor, v) for p in paid if (v := p.vnd_month) is not None]
    unknown = {
        "no_price": sum(p.price_vnd_month is None for p in paid),
        "no_quantity": sum(not p.quantity for p in paid),
        "no_list_price": sum(p.list_vnd_month is None for p in paid),
    }
    return Group(
        key,
        figures([d.vnd_month for d in declared], len(owners)),
        {owner: f for owner, v in sorted(owners.items()) if (f := figures(v, 1)) is not None},
        figures([v for _, v in priced], len({o for o, _ in priced})),
        against_list(paid),
        unknown,
        False,
        any(p.synthetic for p in declared) or any(p.synthetic for p in paid),
    )


def _told(key: Key, declared: Sequence[Declared], paid: Sequence[Paid], limits: Limits) -> Group:
    told = blurred([(d.owner, d.vnd_month) for d in declared], limits)
    agreed = blurred([(p.lessor, v) for p in paid if (v := p.vnd_month) is not None], limits)
    return Group(
        key, told, None, agreed, None, None, told is None and agreed is None,
        any(p.synthetic for p in declared) or any(p.synthetic for p in paid),
    )  # fmt: skip


def figures(values: Sequence[float], owners: int) -> Figures | None:
    """Return the figures of single prices, quartiles interpolated; None of none."""
    if not values:
        return None
    least, q1, median, q3, greatest = np.quantile(values, (0, 0.25, 0.5, 0.75, 1)).tolist()
    return Figures(len(values), owners, least, q1, median, q3, greatest)


def blurred(prices: Sequence[tuple[str, float]], limits: Limits) -> Figures | None:
    """Return what may be told of (owner, price) pairs to who reads none of them; None of too few owners."""
    by_owner: dict[str, list[float]] = defaultdict(list)
    for owner, value in prices:
        by_owner[owner].append(value)
    width = max(1, limits.min_declarers)
    if len(by_owner) < width:
        return None
    each = np.sort([float(np.median(v)) for v in by_owner.values()])
    starts = [round(q * (len(each) - 1) - (width - 1) / 2) for q in (0.25, 0.5, 0.75)]
    starts = [min(max(s, 0), len(each) - width) for s in starts]
    q1, median, q3 = (to_digits(float(each[s : s + width].mean()), limits.digits) for s in starts)
    return Figures(None, len(each), None, q1, median, q3, None)


def to_digits(value: float, digits: int) -> float:
    """Return `value` rounded to so many significant digits."""
    if value == 0:
        return 0.0
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def against_list(paid: Iterable[Paid]) -> AgainstList:
    """Return how contracts stand to their lessor's own list; a list price of zero compares with nothing."""
    ratios = [v / p.list_vnd_month for p in paid if p.list_vnd_month and (v := p.vnd_month) is not None]
    above = sum(r > 1 + _EQUAL for r in ratios)
    below = sum(r < 1 - _EQUAL for r in ratios)
    median = float(np.median(ratios)) if ratios else None
    return AgainstList(len(ratios), median, above, len(ratios) - above - below, below)
