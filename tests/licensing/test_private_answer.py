"""What is told of others' structures, on values alone: counts, coarseness, and nothing finer than a square."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from app.kit.geo import geodesic_m, to_wgs84
from app.kit.snapping import CRS, Square, centre, distance_m, square_of
from app.licensing.candidates import Candidate
from app.licensing.private_answer import Asked, Coarseness, Number, answer, raised, told

GRID = 200.0
COARSE = Coarseness(GRID, height_step_m=5, exact_up_to=3, min_height_share=0.8)
HERE = Square(2800, 9100)
LON, LAT = centre(HERE, GRID)
ASKED = Asked(LON, LAT, 500, "VIETTEL")
BASE = Candidate(
    site_id=1, site="S", structure="S-S", owner_code="VNPT", owner_name="VNPT", distance_m=0.0, height_m=45.0,
    top_m=45.0, kind="mast", type_code=None, tenant_capacity=3, lon=LON, lat=LAT, synthetic=False,
    tenants=("VNPT",), technologies=("4G",),
)  # fmt: skip
FULL, DARK = replace(BASE, tenant_capacity=1), replace(BASE, tenant_capacity=None)


def at(square: Square, candidate: Candidate = BASE, right: float = 0.5, up: float = 0.5) -> Candidate:
    """`candidate` in `square`, `right` and `up` of the way across it."""
    lon, lat = to_wgs84((square.column + right) * GRID, (square.row + up) * GRID, CRS)
    return replace(candidate, lon=lon.item(), lat=lat.item())


def counted(*found: Candidate, height_m: float | None = None) -> tuple[str, int, int]:
    result = answer(found, replace(ASKED, height_m=height_m), COARSE)
    return result.may_share, result.with_room.count, result.unknown.count


def test_who_counts() -> None:
    assert counted() == ("no", 0, 0)
    assert counted(BASE) == ("yes", 1, 0)
    assert counted(FULL) == ("no", 0, 0)
    assert counted(DARK) == ("unknown", 0, 1)
    assert counted(BASE, DARK, FULL) == ("yes", 1, 1)
    assert counted(replace(BASE, owner_code="VIETTEL")) == ("no", 0, 0), "one's own"
    assert counted(replace(BASE, tenants=("VIETTEL", "VNPT"))) == ("no", 0, 0), "already there"
    assert counted(replace(BASE, owner_code=None)) == ("yes", 1, 0), "somebody's, whoever that is"
    assert counted(replace(BASE, restricted=True), replace(DARK, restricted=True)) == ("no", 0, 0)


def test_height_when_asked() -> None:
    assert raised(42, COARSE) == raised(45, COARSE) == 45
    assert counted(replace(BASE, top_m=36.0), height_m=42) == ("yes", 1, 0), "80 % of 45 m"
    assert counted(replace(BASE, top_m=35.9), height_m=42) == ("no", 0, 0)
    assert counted(replace(DARK, top_m=35.9), height_m=42) == ("no", 0, 0), "too low, whatever its capacity"
    assert counted(replace(BASE, top_m=None), height_m=42) == ("unknown", 0, 1)
    assert counted(replace(BASE, top_m=None)) == ("yes", 1, 0)


def test_larger_numbers_are_not_told() -> None:
    assert [told(n, COARSE) for n in (0, 3, 4, 40)] == [
        Number(0, False), Number(3, False), Number(4, True), Number(4, True),
    ]  # fmt: skip
    assert told(40, replace(COARSE, exact_up_to=None)) == Number(40, False)


def test_the_radius_goes_from_centre_to_centre() -> None:
    # 300 m asked with squares of 200 m: one square aside or across, not two.
    asked = replace(ASKED, radius_m=300)
    squares = [Square(HERE.column + dx, HERE.row + dy) for dx in range(-2, 3) for dy in range(-2, 3)]
    near = {s for s in squares if answer([at(s)], asked, COARSE).with_room.count}
    assert near == {s for s in squares if max(abs(s.column - HERE.column), abs(s.row - HERE.row)) <= 1}
    aside = Square(HERE.column + 3, HERE.row - 4)
    lon, lat = centre(aside, GRID)
    assert distance_m(HERE, aside, GRID) == 1000
    assert abs(geodesic_m(LON, LAT, lon, lat).item() - 1000) < 0.5, "the grid's plane is true to half a metre"


inside = st.floats(0.001, 0.999)
steps = st.integers(-12, 12)
kinds = st.sampled_from(
    [BASE, FULL, DARK, replace(BASE, top_m=None), replace(BASE, owner_code="VIETTEL"), replace(BASE, restricted=True)]
)
ask = st.tuples(st.sampled_from([300.0, 500.0, 1000.0, 2000.0]), st.none() | st.floats(1, 100))


@settings(deadline=None)
@given(st.lists(st.tuples(kinds, steps, steps, inside, inside), max_size=8), steps, steps, inside, inside, ask)
def test_nothing_finer_than_a_square_shows(
    rows: list[tuple[Candidate, int, int, float, float]], dx: int, dy: int, right: float, up: float,
    what: tuple[float, float | None],
) -> None:  # fmt: skip
    """Wherever in their squares point and structures are, the answer is that of the squares' centres."""
    here = Square(HERE.column + dx, HERE.row + dy)
    squares = [Square(HERE.column + x, HERE.row + y) for _, x, y, _, _ in rows]
    moved = [at(s, c, r, u) for s, (c, _, _, r, u) in zip(squares, rows, strict=True)]
    centred = [at(s, c) for s, (c, *_) in zip(squares, rows, strict=True)]
    points = [at(here, BASE, right, up), at(here)]
    told_both = [
        answer(found, Asked(p.lon, p.lat, what[0], "VIETTEL", what[1]), COARSE)
        for found, p in zip((moved, centred), points, strict=True)
    ]
    assert told_both[0] == told_both[1]
    assert square_of(points[0].lon, points[0].lat, GRID) == here


@settings(deadline=None)
@given(st.lists(st.tuples(kinds, steps, steps), max_size=12), st.randoms(use_true_random=False))
def test_order_distance_and_silence(rows: list[tuple[Candidate, int, int]], random: Random) -> None:
    found = [at(Square(HERE.column + x, HERE.row + y), c) for c, x, y in rows]
    result = answer(found, ASKED, COARSE)
    assert result == answer(random.sample(found, len(found)), ASKED, COARSE)
    assert max(result.with_room.count, result.unknown.count) <= 4
    wider = answer(found, replace(ASKED, radius_m=1000), COARSE)
    assert wider.with_room.count >= result.with_room.count
    silent = [c for c in found if not c.restricted and c.owner_code != "VIETTEL"]
    assert result == answer(silent, ASKED, COARSE), "own and restricted ones change nothing"
    # Named and measured alike, two worlds are told apart by their counts only.
    disguised = [replace(c, structure="X", owner_code="EVN", site="Y", distance_m=1.0) for c in silent]
    assert result == answer(disguised, ASKED, COARSE)
