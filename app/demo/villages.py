"""Synthetic villages: where the ground is low and even, in Voronoi cells inside the communes, with their people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from app.demo import names
from app.demo.communes import Communes, Shape, bend, cells, degrees
from app.demo.ground import Ground
from app.demo.noise import Floats, stream
from app.demo.parameters import read

Indexes = NDArray[np.int64]


@dataclass(frozen=True)
class Villages:
    """Villages ordered by commune; metres are EPSG:9214 in true space."""

    commune: Indexes
    codes: list[str]
    names: list[str]
    kinds: list[str]
    classes: NDArray[np.str_]
    """city, town, rural or mountain."""
    xy: Floats
    polygons: NDArray[np.object_]
    population: Indexes
    households: Indexes
    point_village: Indexes
    """Village of each demand point."""
    point_xy: Floats
    point_population: Floats
    point_dwellings: Indexes

    @property
    def urban(self) -> NDArray[np.bool_]:
        """Which villages are groups of a ward."""
        return np.isin(self.classes, ["city", "town"])


def build(seed: int, scale: float, communes: Communes, form: Shape, ground: Ground) -> Villages:
    """Place villages and their dwelling clusters and share the population out."""
    rng = stream(seed, "villages")
    drawn = read("villages")
    own_cells = cells(communes, form)
    tries = int(np.clip(6000 * scale, 800, 6000))
    settled = [_settle(rng, cell, form, ground, tries) for cell in own_cells]
    classes = _classes(communes, [ground_m for _, ground_m in settled], drawn["classes"])
    counts, people = _share_out(rng, communes, classes, scale)
    straight = [_spaced(points, int(n)) for (points, _), n in zip(settled, counts, strict=True)]
    counts = np.array([len(points) for points in straight])
    commune = np.repeat(np.arange(len(communes.codes)), counts)
    polygons = _polygons(np.concatenate(straight), commune, own_cells, form)
    xy = form.warp.forward(np.concatenate(straight))
    population = _villagers(rng, commune, people)
    kind_of = {name: spec["kind"] for name, spec in drawn["classes"].items()}
    kinds = [kind_of[str(classes[i])] for i in commune]
    number = np.concatenate([np.arange(1, n + 1) for n in counts])
    spread = np.array([drawn["classes"][str(classes[i])]["spread_m"] for i in commune], np.float64)
    households = np.maximum(np.round(population / drawn["persons_per_household"]), 1).astype(np.int64)
    low, high = drawn["demand_points"]
    clusters = rng.integers(low, high + 1, len(xy))
    of = np.repeat(np.arange(len(xy)), clusters)
    dwellings = apportion(households, of, rng.gamma(3.0, 1.0, len(of)))
    return Villages(
        commune=commune,
        codes=[f"{communes.codes[c]}-{n:03d}" for c, n in zip(commune, number, strict=True)],
        names=names.of_villages(rng, commune.tolist(), kinds),
        kinds=kinds,
        classes=classes[commune],
        xy=xy,
        polygons=polygons,
        population=population,
        households=households,
        point_village=of,
        point_xy=_scatter(rng, xy, polygons, of, spread, form),
        point_population=population[of] * dwellings / households[of],
        point_dwellings=dwellings,
    )


def _settle(
    rng: np.random.Generator, cell: shapely.Geometry, form: Shape, ground: Ground, tries: int
) -> tuple[Floats, float]:
    """Return places of a cell in order of preference (straight space), and its typical height (m).

    Low, even ground is settled first: in the mountains that is the valley floors.
    """
    west, south, east, north = cell.bounds
    points = rng.uniform((west, south), (east, north), (tries, 2))
    inner = shapely.buffer(cell, -min(250.0, 0.05 * float(np.sqrt(cell.area))))
    points = points[shapely.contains_xy(inner, points[:, 0], points[:, 1])]
    true = form.warp.forward(points)
    points, true = points[~form.wet(true)], true[~form.wet(true)]
    height = heights(ground, true)
    around = [heights(ground, true + offset) for offset in ((200.0, 0.0), (-200.0, 0.0), (0.0, 200.0), (0.0, -200.0))]
    rough = np.std([height, *around], axis=0)
    typical = float(np.nanmedian(height))
    cost = np.nan_to_num(rough / 8 + (height - np.nanmin(height)) / 120, nan=1.0) + rng.gumbel(0.0, 0.45, len(points))
    return points[np.argsort(cost, kind="stable")], typical


def most_remote(villages: Villages, count: int) -> Indexes:
    """Return the `count` villages farthest from their third neighbour."""
    apart = np.hypot(*(villages.xy[:, None] - villages.xy[None]).transpose(2, 0, 1))
    return np.argsort(-np.partition(apart, 3, axis=1)[:, 3], kind="stable")[:count]


def heights(ground: Ground, xy: Floats) -> Floats:
    """Return the height of the ground (m) at points (n, 2) in metres; NaN in the void."""
    lonlat = degrees(shapely.points(xy))
    return ground.at(shapely.get_x(lonlat), shapely.get_y(lonlat))


def _classes(communes: Communes, typical_m: list[float], specs: dict[str, dict[str, float]]) -> NDArray[np.str_]:
    """Return city, town, rural or mountain per commune."""
    small = communes.area_m2 < specs["city"]["max_area_km2"] * 1e6
    high = np.asarray(typical_m) > specs["mountain"]["min_height_m"]
    rural = np.where(high, "mountain", "rural")
    return np.where(communes.urban, np.where(small, "city", "town"), rural)


def _share_out(
    rng: np.random.Generator, communes: Communes, classes: NDArray[np.str_], scale: float
) -> tuple[Indexes, Indexes]:
    """Return villages and people per commune; at least one village each, `scale` of the province's people."""
    parameters = read("villages")
    specs = [parameters["classes"][str(c)] for c in classes]
    weight = np.array([s["weight"] for s in specs]) * (communes.area_m2 / 1e6) ** parameters["area_power"]
    weight *= rng.uniform(0.75, 1.3, len(weight))
    people = whole(weight, max(int(parameters["population"] * scale), 40 * len(weight)))
    wanted = people / np.array([s["village_size"] for s in specs])
    counts = np.maximum(whole(wanted, max(int(parameters["count"] * scale), len(weight))), 1)
    return counts, people


def whole(weight: Floats, total: int) -> Indexes:
    """Return whole numbers in proportion to `weight` that add up to `total` (largest remainders)."""
    exact = weight / weight.sum() * total
    result: Indexes = np.floor(exact).astype(np.int64)
    result[np.argsort(result - exact, kind="stable")[: total - result.sum()]] += 1
    return result


def apportion(totals: Indexes, group: Indexes, weight: Floats) -> Indexes:
    """Split each group's total into whole parts in proportion to `weight` (differences of rounded running sums)."""
    running = np.cumsum(weight)
    before = np.concatenate([[0.0], running])[np.searchsorted(group, np.arange(len(totals)))]
    end = np.concatenate([before[1:], running[-1:]])
    share = (running - before[group]) / (end - before)[group]
    upper: Indexes = np.round(share * totals[group]).astype(np.int64)
    first = np.concatenate([[True], group[1:] != group[:-1]])
    return np.asarray(upper - np.where(first, 0, np.concatenate([[0], upper[:-1]])), np.int64)


def _villagers(rng: np.random.Generator, commune: Indexes, people: Indexes) -> Indexes:
    """Return the population of each village; a commune's villages add up to its people."""
    return apportion(people, commune, rng.gamma(9.0, 1.0, len(commune)))


def _spaced(points: Floats, count: int) -> Floats:
    """Return up to `count` of the preferred `points`, kept apart; the distance shrinks until enough fit."""
    if not len(points):
        raise AssertionError("a commune without dry land")
    west, south = points.min(axis=0)
    east, north = points.max(axis=0)
    distance = 0.75 * float(np.sqrt((east - west) * (north - south) / count))
    while True:
        chosen: list[int] = []
        free = np.ones(len(points), bool)
        while free.any() and len(chosen) < count:
            best = int(free.argmax())
            chosen.append(best)
            free &= ((points - points[best]) ** 2).sum(axis=1) > distance**2
        if len(chosen) >= min(count, len(points)):
            return points[chosen]
        distance *= 0.85


def _polygons(points: Floats, commune: Indexes, own_cells: NDArray[np.object_], form: Shape) -> NDArray[np.object_]:
    """Return a multipolygon of true space per village; neighbours share every vertex, so no gap and no overlap."""
    parts, owner = [], []
    for i, cell in enumerate(own_cells):
        members = np.flatnonzero(commune == i)
        pieces = np.array([cell], dtype=object)
        if len(members) > 1:
            diagram = shapely.voronoi_polygons(shapely.multipoints(points[members]), extend_to=cell, ordered=True)
            pieces = shapely.intersection(shapely.get_parts(diagram), cell)
        parts.append(pieces)
        owner.append(members)
    straight, owners = np.concatenate(parts), np.concatenate(owner)
    lines = shapely.union_all(shapely.boundary(straight), grid_size=0.1)
    # Noding again after the bend: where two lines meet at a narrow angle their chords may cross.
    bent = shapely.union_all(shapely.get_parts(bend(shapely.line_merge(lines), form.warp)), grid_size=0.01)
    faces = shapely.get_parts(shapely.polygonize([bent]))
    middle = shapely.get_coordinates(shapely.point_on_surface(faces))
    of = _holder(shapely.points(form.warp.inverse(middle)), straight, owners)
    order = np.argsort(of, kind="stable")
    grouped = np.split(faces[order], np.searchsorted(of[order], np.arange(1, len(points))))
    return np.array([shapely.multipolygons(shapely.get_parts(shapely.union_all(g))) for g in grouped], dtype=object)


def _holder(points: NDArray[np.object_], polygons: NDArray[np.object_], owners: Indexes) -> Indexes:
    """Return the owner of the polygon nearest to each point (inside it, but for rounding)."""
    query, found = shapely.STRtree(polygons).query_nearest(points, all_matches=False)
    result = np.full(len(points), -1)
    result[query] = owners[found]
    return result


def _scatter(
    rng: np.random.Generator, xy: Floats, polygons: NDArray[np.object_], of: Indexes, spread: Floats, form: Shape
) -> Floats:
    """Return dwelling clusters around their village, drawn in until they are dry and inside it."""
    return _drawn_in(xy[of] + rng.normal(0.0, 0.7, (len(of), 2)) * spread[of, None], xy[of], polygons[of], form)


def inside_villages(wanted: Floats, village: Indexes, villages: Villages, form: Shape) -> Floats:
    """Return the `wanted` points drawn towards the village's centre until they are dry and inside its polygon."""
    return _drawn_in(wanted, villages.xy[village], villages.polygons[village], form)


def _drawn_in(wanted: Floats, centre: Floats, polygons: NDArray[np.object_], form: Shape) -> Floats:
    points = wanted.copy()
    for pull in (0.0, 0.4, 0.6, 0.8, 0.9, 1.0):
        trial = centre + (wanted - centre) * (1 - pull)
        out = ~shapely.contains_xy(polygons, points[:, 0], points[:, 1]) | form.wet(points)
        points[out] = trial[out]
    return points
