"""The integer programmes against trying everything, on instances small enough for that."""

from __future__ import annotations

import time
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.licensing.programme.apart import solve
from app.licensing.programme.ducts import select
from app.licensing.programme.kept import Keeping, nothing_kept
from app.licensing.programme.poles import Comings, Joins, Poles, choose
from app.licensing.programme.results import Standing
from app.licensing.programme.sites import coverable, fewest
from app.licensing.programme.solver import Limits, Programme
from app.licensing.programme.towers import Merges, Towers, best, ranked, standing_after
from tests.licensing.programme.conftest import slow

EXACT = Limits(gap=0.0, time_limit_s=20)
SMALL = settings(max_examples=60, deadline=None)
Draw = st.DrawFn


def ints(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


@st.composite
def registries(draw: Draw) -> tuple[Towers, Merges, Keeping]:
    """At most six towers, nine acts, and three villages of a few points."""
    n = draw(st.integers(2, 6))
    k = draw(st.lists(st.sampled_from([1, 1, 1, 2]), min_size=n, max_size=n))
    spare = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    who = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j and k[i] == 1 and spare[j] and who[i] != who[j]]
    some = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=9)) if pairs else []
    cost = draw(st.lists(st.integers(1, 50), min_size=len(some), max_size=len(some)))
    acts = Merges(ints([i for i, _ in some]), ints([j for _, j in some]), ints([who[i] for i, _ in some]),
                  np.array(cost, np.float64), np.ones(len(some)))  # fmt: skip
    rows = draw(st.integers(0, 3)) if some else 0
    points = draw(st.lists(st.integers(0, rows - 1), min_size=rows, max_size=6)) if rows else []
    sources = sorted({i for i, _ in some})
    keepers, helpers = [], []
    for p in range(len(points)):
        mine = draw(st.lists(st.sampled_from(sources), unique=True, min_size=1, max_size=2))
        keepers += [(p, i) for i in mine]
        coming = [a for a, (i, _) in enumerate(some) if i in mine]
        helpers += [(p, a) for a in draw(st.lists(st.sampled_from(coming), unique=True, max_size=2))]
    need = np.array([0.8 * points.count(r) for r in range(rows)], np.float64)
    held = Keeping(need, ints(list(range(rows))), ints(points), np.ones(len(points)), ints([p for p, _ in keepers]),
                   ints([i for _, i in keepers]), ints([p for p, _ in helpers]), ints([a for _, a in helpers]),
                   ints([]))  # fmt: skip
    return Towers(ints(k), ints(spare), ints(who), 0), acts, held


def allowed(towers: Towers, acts: Merges, held: Keeping, done: list[int]) -> bool:
    """Say the rules once more, without arrays."""
    gone = [int(acts.source[a]) for a in done]
    hosts = [int(acts.host[a]) for a in done]
    comes = [(int(acts.host[a]), int(acts.operator[a])) for a in done]
    if len(set(gone)) < len(gone) or set(gone) & set(hosts) or len(set(comes)) < len(comes):
        return False
    if any(hosts.count(j) > towers.spare[j] for j in set(hosts)):
        return False
    for row in range(len(held.need)):
        total = 0.0
        for p in np.flatnonzero(held.row == row).tolist():
            stays = any(int(i) not in gone for i in held.keeper[held.keeper_point == p])
            total += stays or any(int(a) in done for a in held.helper[held.helper_point == p])
        if total < held.need[row]:
            return False
    return True


def every(towers: Towers, acts: Merges, held: Keeping) -> list[tuple[float, float]]:
    """Return ratio and cost of every allowed set of acts."""
    found = []
    for bits in product((0, 1), repeat=len(acts.cost)):
        done = [a for a, bit in enumerate(bits) if bit]
        if allowed(towers, acts, held, done):
            ratio = standing_after(towers, acts, ints(done)).ratio
            found.append((ratio or 0.0, float(acts.cost[done].sum())))
    return found


@SMALL
@given(registries(), st.sampled_from([20, 30, 50, 75]))
def test_towers_cost_no_more_than_the_cheapest_of_all(made: tuple[Towers, Merges, Keeping], target: int) -> None:
    towers, acts, held = made
    options = every(towers, acts, held)
    solution, done = best(towers, acts, held, target, EXACT)
    after = standing_after(towers, acts, done).ratio or 0.0
    assert allowed(towers, acts, held, done.tolist())
    enough = [cost for ratio, cost in options if ratio >= target - 1e-9]
    if enough:
        assert solution.status == "optimal"
        assert after >= target - 1e-9
        assert acts.cost[done].sum() == pytest.approx(min(enough))
        assert solution.bound is not None
        assert solution.bound <= min(enough) + 1e-6
    else:
        assert solution.status == "infeasible"
        assert after == pytest.approx(max(ratio for ratio, _ in options))


@SMALL
@given(registries())
def test_ranking_ends_where_the_whole_list_does(made: tuple[Towers, Merges, Keeping]) -> None:
    towers, acts, held = made
    _, done = best(towers, acts, held, 50, EXACT)
    order, steps = ranked(towers, acts, done)
    assert sorted(order.tolist()) == sorted(done.tolist())
    if steps:
        assert steps[-1] == standing_after(towers, acts, done)


@SMALL
@given(registries())
def test_what_breaks_a_village_alone_is_what_the_rules_say(made: tuple[Towers, Merges, Keeping]) -> None:
    towers, acts, held = made
    for a, bad in enumerate(held.alone(acts.source).tolist()):
        gone, done = np.zeros(len(towers.k), bool), np.zeros(len(acts.cost), bool)
        gone[acts.source[a]] = done[a] = True
        assert bad == bool(len(held.broken(gone, done)))


@SMALL
@given(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 9)), min_size=1, max_size=8), st.integers(5, 100))
def test_ducts_are_the_cheapest_knapsack(items: list[tuple[int, int]], target: int) -> None:
    length, cost = np.array([i[0] for i in items], np.float64), np.array([i[1] for i in items], np.float64)
    now = Standing(3.0, 3.0 + float(length.sum()) * 1.2, 0.0)
    solution, chosen = select(length, cost, now, target, EXACT)
    sets = [np.array(bits, bool) for bits in product((0, 1), repeat=len(items))]
    enough = [cost[s].sum() for s in sets if 100 * (3 + length[s].sum()) >= target * now.denominator - 1e-9]
    if enough:
        assert solution.status == "optimal"
        assert cost[chosen].sum() == pytest.approx(min(enough))
    else:
        assert solution.status == "infeasible"
        assert len(chosen) == len(items)


@st.composite
def roadsides(draw: Draw) -> tuple[Poles, Joins, Comings]:
    n = draw(st.integers(2, 5))
    single = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    spare = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    lines = draw(st.lists(st.integers(1, 2), min_size=n, max_size=n))
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j and single[i] and spare[j] >= lines[i]]
    some = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=5)) if pairs else []
    coming = [i for i in range(n) if single[i] and spare[i] and draw(st.booleans())]
    price = [float(draw(st.integers(1, 9))) for _ in range(len(some) + len(coming))]
    now = Standing(float(n - sum(single)), float(n), 0.0)
    return (
        Poles(np.array(single), ints(spare), ints(lines), now),
        Joins(ints([i for i, _ in some]), ints([j for _, j in some]), np.array(price[: len(some)]), np.ones(len(some))),
        Comings(ints(coming), ints([0] * len(coming)), np.array(price[len(some) :]), np.ones(len(coming))),
    )


@SMALL
@given(roadsides(), st.sampled_from([50, 80, 98]))
def test_poles_cost_no_more_than_the_cheapest_of_all(made: tuple[Poles, Joins, Comings], target: int) -> None:
    poles, joins, comings = made

    def outcome(moves: list[int], comes: list[int]) -> tuple[float, float] | None:
        gone, met = joins.source[moves].tolist(), comings.pole[comes].tolist()
        hosts = joins.host[moves].tolist()
        if len({*gone}) < len(gone) or {*gone} & {*met} or {*gone} & {*hosts} or {*met} & {*hosts}:
            return None
        if any(sum(poles.lines[i] for i, j in zip(gone, hosts, strict=True) if j == h) > poles.spare[h] for h in hosts):
            return None
        shared = len({h for h in hosts if poles.single[h]}) + len(met)
        left = poles.now.denominator - len(gone)
        return (100 * (poles.now.numerator + shared) / left if left else 0.0,
                float(joins.cost[moves].sum() + comings.cost[comes].sum()))  # fmt: skip

    options = []
    for bits in product((0, 1), repeat=len(joins.cost) + len(comings.cost)):
        done = [a for a, bit in enumerate(bits) if bit]
        cut = len(joins.cost)
        found = outcome([a for a in done if a < cut], [a - cut for a in done if a >= cut])
        options += [found] if found else []
    chosen = choose(poles, joins, comings, target, EXACT)
    got = outcome(chosen.joins.tolist(), chosen.comings.tolist())
    assert got is not None
    enough = [cost for ratio, cost in options if ratio >= target - 1e-9]
    if enough:
        assert chosen.solution.status == "optimal"
        assert got[1] == pytest.approx(min(enough))
    else:
        assert chosen.solution.status == "infeasible"
        assert got[0] == pytest.approx(max(ratio for ratio, _ in options))


@SMALL
@given(
    st.lists(st.lists(st.integers(0, 5), unique=True, max_size=3), min_size=1, max_size=5),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.lists(st.integers(1, 9), min_size=6, max_size=6),
)
def test_new_sites_are_the_fewest_then_the_cheapest(who: list[list[int]], new: list[bool], price: list[int]) -> None:
    who = [w for w in who if w]
    flags, cost = np.array(new), np.array(price, np.float64)
    rows, none = len(who), ints([])
    points = ints([v for v, reach in enumerate(who) for _ in reach])
    held = Keeping(np.ones(rows), ints(list(range(rows))), ints(list(range(rows))), np.ones(rows), none, none, points,
                   ints([c for reach in who for c in reach]), none)  # fmt: skip
    assert coverable(held, 6).all()
    found = fewest(held, flags, cost, EXACT)
    sets = [set(np.flatnonzero(bits).tolist()) for bits in product((0, 1), repeat=6)]
    covering = [s for s in sets if all(s & set(reach) for reach in who)]
    wanted = min((int(flags[list(s)].sum()), float(cost[list(s)].sum())) for s in covering)
    assert (found.new_sites, found.new_sites_bound) == (wanted[0], wanted[0])
    assert float(cost[found.chosen].sum()) == pytest.approx(wanted[1])


def test_a_wish_to_end_ends_the_solver_in_its_first_relaxation() -> None:
    class Enough(Exception):
        pass

    told: list[tuple[int, int, str]] = []

    def stop(*progress: Any) -> None:
        told.append(progress)
        if len(told) == 4:
            raise Enough

    began = time.monotonic()
    with pytest.raises(Enough):
        solve(slow(), Limits(0.0, 60), report=stop)
    assert time.monotonic() - began < 5
    assert {(total, stage) for _, total, stage in told} == {(60, "solving")}


def test_apart_is_the_same_as_here() -> None:
    rng = np.random.default_rng(2)
    programme = Programme()
    x = programme.add_columns(rng.integers(10, 90, 30))
    programme.add_rows(1, np.zeros(30), x, rng.integers(1, 9, 30), at_least=40.0)
    cost = rng.integers(10, 90, 30).astype(np.float64)
    here, apart = (solve(programme, EXACT, cost=cost, report=report) for report in (None, lambda *_: None))
    assert apart.x.tolist() == here.x.tolist()
    assert (apart.status, apart.objective, apart.bound) == ("optimal", here.objective, here.bound)


def test_the_solver_says_nothing_on_the_output_of_commands(capfd: pytest.CaptureFixture[str]) -> None:
    towers = Towers(ints([1, 1]), ints([1, 1]), ints([0, 1]), 0)
    acts = Merges(ints([0]), ints([1]), ints([0]), np.array([5.0]), np.ones(1))
    solution, done = best(towers, acts, nothing_kept(), 100, EXACT)
    assert (solution.status, done.tolist(), solution.objective) == ("optimal", [0], 5.0)
    assert capfd.readouterr().out == ""
