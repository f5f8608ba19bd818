"""The ratios on small tables worked out by hand, and their laws on random ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sharing.definitions import DEFINITIONS, default_of, definition
from app.sharing.figures import Ratio, tally
from app.sharing.ratios import Ducts, Poles, Sites, distinct, duct_ratios, pole_ratios, site_ratios

# --- drawing inputs -------------------------------------------------------------------------------------------------


def sites(rows: list[tuple[int, bool, bool, int]], networks: int | None = 5) -> Sites:
    k, known, neutral, offered = (np.array(c) for c in zip(*rows, strict=True)) if rows else [np.array([])] * 4
    return Sites(k.astype(int), known.astype(bool) | (k > 0), neutral.astype(bool), offered.astype(int), networks)


def poles(rows: list[tuple[int, int, int, int, bool, int, bool]]) -> Poles:
    """Rows: other organisations, operators, unclaimed telecom, unclaimed other, owner's telecom, owner, surveyed."""
    other, operators, unclaimed, power, own, owner, surveyed = (
        np.array(c).astype(int) for c in (zip(*rows, strict=True) if rows else [[]] * 7)
    )
    lines = other + operators + unclaimed + power + own
    return Poles(
        organisations=other + operators,
        operators=operators,
        unclaimed=unclaimed + power,
        unclaimed_telecom=unclaimed,
        telecom=(operators + unclaimed > 0) | ((own > 0) & (other > 0)),
        owner_outside_telecom=owner,
        known=(lines > 0) | (surveyed > 0),
    )


def ducts(rows: list[tuple[int, int, float, int, bool, frozenset[int]]]) -> Ducts:
    """Rows: trench, route, length, unclaimed cables, surveyed, operators."""
    trench, route, length, unclaimed, surveyed, tenants = zip(*rows, strict=True) if rows else [()] * 6
    pairs = [(i, t) for i, who in enumerate(tenants) for t in who]
    return Ducts(
        trench=np.array(trench, int),
        route=np.array(route, int),
        length_m=np.array(length, float),
        unclaimed=np.array(unclaimed, int),
        known=np.array([s or u > 0 or bool(w) for s, u, w in zip(surveyed, unclaimed, tenants, strict=True)], bool),
        occupied=np.array([i for i, _ in pairs], int),
        occupant=np.array([t for _, t in pairs], int),
    )


SITE = st.tuples(st.integers(0, 5), st.booleans(), st.booleans(), st.integers(-1, 1))
POLE = st.tuples(*[st.integers(0, 3)] * 4, st.booleans(), st.integers(-1, 1), st.booleans())
DUCT = st.tuples(
    st.integers(-1, 4), st.integers(-1, 3), st.integers(1, 900).map(float), st.integers(0, 2), st.booleans(),
    st.frozensets(st.integers(0, 4), max_size=4),
)  # fmt: skip


def everything(s: list, p: list, d: list) -> dict[str, Ratio]:  # type: ignore[type-arg]
    return site_ratios(sites(s)) | pole_ratios(poles(p)) | duct_ratios(ducts(d))


def triple(ratio: Ratio) -> tuple[float, float, float]:
    return ratio.figure.numerator, ratio.figure.denominator, ratio.figure.unknown


# --- by hand --------------------------------------------------------------------------------------------------------


def test_positions_by_hand() -> None:
    found = site_ratios(
        sites(
            [
                (2, True, False, -1),  # shared
                (3, True, True, 0),  # shared, whatever the owner offers
                (1, True, True, 1),  # neutral host that offers: S4 only
                (1, True, True, -1),  # neutral host, not asked: S4 unknown
                (1, True, False, 1),  # not a neutral host
                (0, True, False, -1),  # surveyed, empty
                (0, False, True, 1),  # never surveyed
            ]
        )
    )
    assert triple(found["S1"]) == (2, 5, 1)
    assert triple(found["S2"]) == (5, 8, 1)
    assert triple(found["S3"]) == (8, 6, 1)
    assert triple(found["S4"]) == (3, 5, 2)
    assert found["S1"].ratio == 40
    assert found["S3"].ratio == pytest.approx(8 / 6)
    # The unsurveyed position alone can move S1 to 2/6 or 3/6, S3 to 8/7 or 13/7 (five networks).
    assert found["S1"].figure.ratio_low == pytest.approx(100 * 2 / 6)
    assert found["S1"].figure.ratio_high == pytest.approx(100 * 3 / 6)
    assert found["S2"].figure.ratio_high == pytest.approx(100 * 10 / 13)
    assert found["S3"].figure.ratio_high == pytest.approx(13 / 7)
    assert found["S4"].figure.ratio_high == pytest.approx(100 * 5 / 6)
    assert [r.code for r in found["S4"].reasons] == ["tenancy_unknown", "offer_unknown"]


def test_an_unknown_position_is_unbounded_without_the_number_of_networks() -> None:
    found = site_ratios(sites([(2, True, False, 0), (0, False, False, 0)], networks=None))
    assert found["S1"].figure.ratio_high == 100
    assert found["S2"].figure.ratio_high is None


def test_poles_by_hand() -> None:
    found = pole_ratios(
        poles(
            [
                (1, 1, 0, 0, False, 1, True),  # EVN power + one operator: P1, P3
                (0, 2, 0, 0, False, 0, True),  # two operators on a telecom pole: P1, P2
                (1, 0, 1, 0, False, 1, True),  # EVN power + an unclaimed cable
                (0, 1, 1, 0, False, 0, True),  # one operator + an unclaimed cable: P1, P2 unknown
                (0, 0, 1, 0, False, -1, True),  # one unclaimed cable alone is one organisation; owner unknown
                (0, 0, 2, 0, False, 0, True),  # two unclaimed cables: one organisation or two
                (1, 0, 0, 0, False, 1, True),  # power only: in no denominator
                (0, 0, 0, 0, False, 1, False),  # never surveyed
                (0, 0, 0, 0, False, 1, True),  # surveyed, empty
            ]
        )
    )
    # P1: EVN + one unclaimed cable is unknown (EVN may own the cable); for P2 that single cable is one operator.
    assert triple(found["P1"]) == (2, 6, 4)
    assert triple(found["P2"]) == (1, 6, 3)
    assert triple(found["P3"]) == (2, 6, 2)
    assert found["P1"].figure.unknown_in_denominator == 3
    assert found["P1"].figure.ratio_high == pytest.approx(100 * (2 + 3 + 1) / 7)


def test_ducts_by_hand() -> None:
    a, b = frozenset({1}), frozenset({2})
    found = duct_ratios(
        ducts(
            [
                (7, 1, 100.0, 0, True, a),  # one trench with two parallel ducts: 120 m, shared by union
                (7, 1, 120.0, 0, True, b),
                (-1, 1, 50.0, 0, True, a),
                (-1, 2, 80.0, 1, True, b),  # one operator and an unclaimed cable
                (-1, 3, 40.0, 0, False, frozenset()),  # never surveyed
                (-1, 3, 30.0, 0, True, frozenset()),  # surveyed, empty
                (-1, -1, 60.0, 0, True, a | b),  # its own route
            ]
        )
    )
    assert triple(found["D1"]) == (180, 310, 120)
    assert triple(found["D2"]) == (1, 5, 2)
    assert triple(found["D3"]) == (2, 3, 2)
    assert found["D1"].figure.unknown_in_denominator == 80
    assert found["D1"].row_of_unit[found["D1"].unit_of_row[0]] == 1  # the longer duct stands for the trench


def test_a_trench_with_an_unsurveyed_member_is_undecided() -> None:
    rows = [(1, -1, 10.0, 0, True, frozenset({1})), (1, -1, 20.0, 0, False, frozenset[int]())]
    assert triple(duct_ratios(ducts(rows))["D1"]) == (0, 20, 20)


def test_nothing_gives_null_and_not_zero() -> None:
    for ratio in everything([], [], []).values():
        assert triple(ratio) == (0, 0, 0)
        assert (ratio.ratio, ratio.figure.ratio_low, ratio.figure.ratio_high) == (None, None, None)


def test_each_indicator_has_one_default_and_every_definition_a_citation() -> None:
    assert [default_of(i).code for i in ("a3", "a4", "a5")] == ["S1", "P1", "D1"]
    assert sum(d.default for d in DEFINITIONS.values()) == 3
    assert all(d.citation and d.words_vi and d.words_en and d.version == 1 for d in DEFINITIONS.values())
    assert definition(" s1 ") is DEFINITIONS["S1"]


# --- laws -----------------------------------------------------------------------------------------------------------


@given(st.lists(SITE), st.lists(POLE), st.lists(DUCT))
def test_bounds(s: list, p: list, d: list) -> None:  # type: ignore[type-arg]
    for code, ratio in everything(s, p, d).items():
        figure = ratio.figure
        assert figure.unknown_in_denominator <= figure.unknown
        assert (figure.ratio is None) == (figure.denominator == 0)
        assert not (ratio.numerator_mask & ~ratio.denominator_mask).any()
        assert not (ratio.numerator_mask & ratio.unknown_mask).any() or code == "S3"
        if figure.ratio is not None:
            assert figure.ratio_low is not None
            assert figure.ratio_high is not None
            assert 0 <= figure.ratio_low <= figure.ratio <= figure.ratio_high
            assert figure.ratio_high <= 100 + 1e-9


@given(st.lists(SITE), st.lists(POLE), st.lists(DUCT), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(s: list, p: list, d: list, random) -> None:  # type: ignore[no-untyped-def,type-arg]
    before = {c: r.figure for c, r in everything(s, p, d).items()}
    shuffled = [random.sample(rows, len(rows)) for rows in (s, p, d)]
    for code, ratio in everything(*shuffled).items():
        assert triple(ratio) == pytest.approx((before[code].numerator, before[code].denominator, before[code].unknown))


@given(st.lists(st.tuples(SITE, st.booleans())), st.lists(st.tuples(POLE, st.booleans())), st.lists(DUCT))
def test_parts_sum_to_the_whole(s: list, p: list, d: list) -> None:  # type: ignore[type-arg]
    whole = everything([r for r, _ in s], [r for r, _ in p], d)
    # Ducts are parted by trench, never through one.
    halves = [
        everything([r for r, h in s if h == half], [r for r, h in p if h == half], [r for r in d if r[0] % 2 == half])
        for half in (0, 1)
    ]
    for code in ("S1", "S2", "S3", "S4", "P1", "P2", "P3", "D1", "D2"):
        summed = np.add(triple(halves[0][code]), triple(halves[1][code]))
        assert triple(whole[code]) == pytest.approx(tuple(summed))


@given(st.lists(SITE, min_size=1), st.data())
def test_tally_by_group_sums_to_the_figure(rows: list, data: st.DataObject) -> None:  # type: ignore[type-arg]
    groups = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows))))
    for ratio in site_ratios(sites(rows)).values():
        parts = tally(ratio, np.arange(len(rows)), groups, 4)
        assert sum(p.numerator for p in parts) == ratio.figure.numerator
        assert sum(p.denominator for p in parts) == ratio.figure.denominator
        assert sum(p.unknown_in_denominator for p in parts) == ratio.figure.unknown_in_denominator


@given(st.lists(SITE), st.lists(POLE), st.lists(DUCT), st.data())
def test_communes_sum_to_the_province(s: list, p: list, d: list, data: st.DataObject) -> None:  # type: ignore[type-arg]
    """Whatever commune each row lies in, ducts of one trench or route in different ones too."""
    commune = np.array(data.draw(st.lists(st.integers(0, 3), min_size=40, max_size=40)))
    for ratio in everything(s[:40], p[:40], d[:40]).values():
        units = np.arange(ratio.row_of_unit.size)
        parts = tally(ratio, units, commune[ratio.row_of_unit], 4)
        for name in ("numerator", "denominator", "unknown", "unknown_in_denominator"):
            total = sum(getattr(part, name) for part in parts)
            assert total == pytest.approx(getattr(ratio.figure, name), rel=1e-12)
        for part in parts:
            assert part.ratio is None or 0 <= part.ratio
            assert part.ratio is None or part.ratio <= 100 or ratio.definition.unit != "%"


@given(st.lists(POLE, min_size=1), st.lists(DUCT, min_size=1), st.integers(0))
def test_an_operator_more_on_a_counted_line_never_lowers_sharing(p: list, d: list, at: int) -> None:  # type: ignore[type-arg]
    """By number: P1, P2, D2; by length too, since the length is counted already: D1."""
    before = everything([], p, d)
    busy = [i for i, row in enumerate(p) if before["P2"].denominator_mask[i] and row[1] > 0]
    dug = [i for i, row in enumerate(d) if row[5]]
    if busy:
        i = busy[at % len(busy)]
        p = [(*row[:1], row[1] + (k == i), *row[2:]) for k, row in enumerate(p)]
    if dug:
        i = dug[at % len(dug)]
        d = [(*row[:5], row[5] | {9}) if k == i else row for k, row in enumerate(d)]
    after = everything([], p, d)
    for code in ("P1", "P2", "D1", "D2", "D3"):
        one, other = before[code].ratio, after[code].ratio
        assert (one or 0) <= (other or 0) + 1e-9


@given(st.lists(SITE, min_size=1), st.integers(0))
def test_an_operator_more_at_a_counted_position_never_lowers_s1(rows: list, at: int) -> None:  # type: ignore[type-arg]
    counted = [i for i, row in enumerate(rows) if row[0] >= 1]
    if not counted:
        return
    at = counted[at % len(counted)]
    more = [(k + (i == at), *rest) for i, (k, *rest) in enumerate(rows)]
    before, after = site_ratios(sites(rows))["S1"].ratio, site_ratios(sites(more))["S1"].ratio
    assert before is not None
    assert after is not None
    assert after >= before


@given(st.integers(0, 60), st.integers(0, 60))
def test_s2_follows_from_s1_when_shared_means_two(shared: int, single: int) -> None:
    found = site_ratios(sites([(2, True, False, 0)] * shared + [(1, True, False, 0)] * single))
    if found["S1"].ratio is None:
        assert found["S2"].ratio is None
        return
    s1 = found["S1"].ratio / 100
    assert found["S2"].ratio == pytest.approx(100 * 2 * s1 / (1 + s1))


def test_the_published_thirteen_percent_is_twenty_three_by_s2() -> None:
    found = site_ratios(sites([(2, True, False, 0)] * 13 + [(1, True, False, 0)] * 87))
    assert found["S1"].ratio == pytest.approx(13)
    assert found["S2"].ratio == pytest.approx(23.0, abs=0.01)


@given(st.lists(DUCT))
def test_whole_routes_overstate(rows: list) -> None:  # type: ignore[type-arg]
    found = duct_ratios(ducts(rows))
    routes = found["D3"]
    shared_rows = found["D1"].numerator_mask[found["D1"].unit_of_row]
    assert routes.numerator_mask[routes.unit_of_row[shared_rows]].all()


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9))))
def test_distinct_counts_each_party_once(pairs: list[tuple[int, int]]) -> None:
    unit, party = (np.array([p[i] for p in pairs], int) for i in (0, 1))
    assert distinct(unit, party, 6).tolist() == [len({b for a, b in pairs if a == u}) for u in range(6)]
