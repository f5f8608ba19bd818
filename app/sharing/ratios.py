"""The sharing ratios S1-S4, P1-P3 and D1-D3 over plain arrays.

The rule of the unknown, the same everywhere:

* an object that certainly belongs to the denominator while its sharing is undecided stays in the denominator,
  stays out of the numerator and is counted in `unknown` (a pole with one known organisation and an unclaimed
  cable: the cable may be that organisation's or another's);
* an object of which not even the denominator is known is in neither and is counted in `unknown`
  (a position or pole nobody ever surveyed);
* one unclaimed cable alone is one organisation, whichever it is: not shared, and known to be so.

Source: domain page, section 2 (no official text fixes the denominators; see `definitions`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.sharing.definitions import DEFINITIONS
from app.sharing.figures import Bools, Floats, Ints, Ratio, Reason, count, numbers


@dataclass(frozen=True)
class Sites:
    """Positions in force, arrays of shape (sites,).

    `k` counts distinct radio-network operators; `known` says whether the tenancy was ever recorded;
    `sharing_offered` is 1, 0 or -1 (unknown); `networks` is how many radio networks there are, which bounds
    what an unknown position could hold.
    """

    k: Ints
    known: Bools
    neutral_host: Bools
    sharing_offered: Ints
    networks: int | None = None


@dataclass(frozen=True)
class Poles:
    """Poles in force, arrays of shape (poles,).

    `organisations`: distinct known organisations with a line of any service; `operators`: distinct known telecom
    operators with a telecom cable; `unclaimed`, `unclaimed_telecom`: lines nobody has claimed; `telecom`: carries
    a telecom cable, claimed or not; `owner_outside_telecom` is 1, 0 or -1 (owner unknown); `known` is false when
    no line is recorded and the pole was never surveyed.
    """

    organisations: Ints
    operators: Ints
    unclaimed: Ints
    unclaimed_telecom: Ints
    telecom: Bools
    owner_outside_telecom: Ints
    known: Bools


@dataclass(frozen=True)
class Ducts:
    """Duct segments in force, arrays of shape (ducts,), and who occupies them, arrays of shape (pairs,).

    `trench` and `route` are -1 for none (the duct is then its own); `unclaimed` counts unclaimed telecom cables;
    `occupied`, `occupant` pair a row with a telecom operator with a cable in it; `length_m` is geodesic.
    """

    trench: Ints
    route: Ints
    length_m: Floats
    unclaimed: Ints
    known: Bools
    occupied: Ints
    occupant: Ints


@dataclass(frozen=True)
class _Sharing:
    """Who is there: shared for certain, present for certain, sharing undecided, presence undecided."""

    shared: Bools
    present: Bools
    undecided: Bools
    unknowable: Bools


def _sharing(parties: Ints, unclaimed: Ints, complete: Bools) -> _Sharing:
    shared = parties >= 2
    present = parties + unclaimed >= 1
    ambiguous = (unclaimed >= 1) & (parties + unclaimed >= 2)
    return _Sharing(shared, present, present & ~shared & (ambiguous | ~complete), ~present & ~complete)


def site_ratios(sites: Sites) -> dict[str, Ratio]:
    """Return S1, S2, S3 and S4."""
    k = sites.k.astype(np.float64)
    found = _sharing(sites.k, np.zeros_like(sites.k), sites.known)
    unknown = found.undecided | found.unknowable
    never = Reason(
        "tenancy_unknown",
        "Vị trí chưa từng được khảo sát: không rõ có nhà mạng nào, không tính vào tử số và mẫu số",
        "Position never surveyed: which operators are there is unknown; in neither numerator nor denominator",
        int(found.unknowable.sum()),
    )
    single = sites.neutral_host & (sites.k == 1)
    unasked = single & (sites.sharing_offered == -1)
    offer = Reason(
        "offer_unknown",
        "Vị trí của đơn vị trung lập có 1 nhà mạng, chưa rõ có cho thuê chung hay không: có trong mẫu số",
        "Neutral-host position with one operator, unknown whether sharing is offered: in the denominator only",
        int(unasked.sum()),
    )
    most = None if sites.networks is None else float(sites.networks)
    recorded = sites.known | found.present
    return {
        "S1": count(DEFINITIONS["S1"], found.shared, found.present, unknown, reasons=(never,)),
        "S2": count(
            DEFINITIONS["S2"], found.shared, found.present, unknown, numerator_weight=k, denominator_weight=k,
            spread=(most, most or 0.0), reasons=(never,),
        ),
        "S3": count(
            DEFINITIONS["S3"], found.present, recorded, unknown, numerator_weight=k, spread=(most, 1.0),
            reasons=(never,),
        ),
        "S4": count(
            DEFINITIONS["S4"], found.shared | (single & (sites.sharing_offered == 1)), found.present,
            unknown | unasked, reasons=(never, offer),
        ),
    }  # fmt: skip


def pole_ratios(poles: Poles) -> dict[str, Ratio]:
    """Return P1, P2 and P3; the denominator of each is the poles carrying a telecom cable, claimed or not."""
    used = poles.telecom
    outside = ~used & ~poles.known
    never = Reason(
        "never_surveyed",
        "Cột chưa từng được khảo sát và không ghi nhận dây nào: không tính vào tử số và mẫu số",
        "Pole never surveyed and without recorded lines: in neither numerator nor denominator",
        int(outside.sum()),
    )
    organisations = _sharing(poles.organisations, poles.unclaimed, poles.known)
    operators = _sharing(poles.operators, poles.unclaimed_telecom, poles.known)
    no_owner = used & (poles.owner_outside_telecom == -1)
    owner = Reason(
        "owner_unknown",
        "Cột có cáp viễn thông nhưng chưa rõ chủ sở hữu: có trong mẫu số",
        "Pole carrying telecom whose owner is unknown: in the denominator only",
        int(no_owner.sum()),
    )

    def ratio(code: str, found: _Sharing) -> Ratio:
        undecided = used & found.undecided
        why = (never, _unclaimed(undecided))
        return count(DEFINITIONS[code], used & found.shared, used, undecided | outside, reasons=why)

    return {
        "P1": ratio("P1", organisations),
        "P2": ratio("P2", operators),
        "P3": count(
            DEFINITIONS["P3"], used & (poles.owner_outside_telecom == 1), used, no_owner | outside,
            reasons=(never, owner),
        ),
    }  # fmt: skip


def duct_ratios(ducts: Ducts) -> dict[str, Ratio]:
    """Return D1 (trenches once, by length), D2 (ducts apart, by number) and D3 (whole routes)."""
    rows = ducts.length_m.size
    itself = numbers(rows)
    single = _duct_sharing(ducts, itself, rows)
    trench, longest = _units(ducts.trench, ducts.length_m)
    dug = _duct_sharing(ducts, trench, longest.size)
    length_m = ducts.length_m[longest]
    route, main = _units(ducts.route, ducts.length_m)

    def of_route(mask: Bools) -> Bools:
        return np.bincount(route, mask[trench], main.size) > 0

    # A route is judged by its trenches, so that whatever D1 counts as shared makes its route shared.
    shared, present = of_route(dug.shared), of_route(dug.present)
    undecided = ~shared & (of_route(dug.undecided) | of_route(dug.unknowable))
    return {
        "D1": count(
            DEFINITIONS["D1"], dug.shared, dug.present, dug.undecided | dug.unknowable, numerator_weight=length_m,
            denominator_weight=length_m, unknown_weight=length_m, unit_of_row=trench, row_of_unit=longest,
            reasons=(_never_opened(dug.unknowable), _unclaimed(dug.undecided)),
        ),
        "D2": count(
            DEFINITIONS["D2"], single.shared, single.present, single.undecided | single.unknowable,
            reasons=(_never_opened(single.unknowable), _unclaimed(single.undecided)),
        ),
        "D3": count(
            DEFINITIONS["D3"], shared, present, undecided, unit_of_row=route, row_of_unit=main,
            reasons=(_never_opened(undecided & ~present), _unclaimed(undecided & present)),
        ),
    }  # fmt: skip


def _duct_sharing(ducts: Ducts, unit: Ints, size: int) -> _Sharing:
    parties = distinct(unit[ducts.occupied], ducts.occupant, size)
    unclaimed = np.bincount(unit, ducts.unclaimed, size).astype(np.int64)
    complete = np.bincount(unit, ~ducts.known, size) == 0
    return _sharing(parties, unclaimed, complete)


def distinct(unit: Ints, party: Ints, size: int) -> Ints:
    """Return how many distinct parties each of `size` units has; `unit` and `party` are pairs, repeats allowed."""
    if unit.size == 0:
        return np.zeros(size, np.int64)
    parties = int(party.max()) + 1
    pairs = unique_pairs(unit * parties + party)
    return np.bincount(pairs // parties, minlength=size).astype(np.int64)


def unique_pairs(keys: Ints) -> Ints:
    """Return the distinct keys, ascending; by sorting, which beats numpy's hashing 20 times on 10^6 keys.

    The stable kind is by runs: keys in the order of their rows, as they come, take a seventh of the time.
    """
    ordered = np.sort(keys, kind="stable")
    first = np.ones(ordered.size, bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


def _units(key: Ints, length_m: Floats) -> tuple[Ints, Ints]:
    """Return the unit of each row (rows without a key are their own) and each unit's longest row."""
    own = -1 - numbers(key.size)
    _, unit = np.unique(np.where(key >= 0, key, own), return_inverse=True)
    unit = unit.astype(np.int64)
    order = np.lexsort((-length_m, unit))
    first = np.ones(order.size, bool)
    first[1:] = unit[order][1:] != unit[order][:-1]
    return unit, order[first].astype(np.int64)


def _unclaimed(mask: Bools) -> Reason:
    return Reason(
        "unclaimed_cable",
        "Có cáp chưa rõ chủ hoặc phần chưa khảo sát, có thể của cùng hoặc khác tổ chức: có trong mẫu số",
        "An unclaimed cable or an unsurveyed part may be the same organisation's or another's: in the denominator only",
        int(mask.sum()),
    )


def _never_opened(mask: Bools) -> Reason:
    return Reason(
        "never_surveyed",
        "Cống chưa từng được khảo sát và không ghi nhận cáp nào: không tính vào tử số và mẫu số",
        "Duct never surveyed and without recorded cables: in neither numerator nor denominator",
        int(mask.sum()),
    )
