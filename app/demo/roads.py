"""Synthetic roads between villages and street grids in wards, sampled every 35 m."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from app.demo.communes import BOX_M, Shape, degrees
from app.demo.ground import Ground
from app.demo.noise import Floats, Lattice, stream
from app.demo.parameters import read
from app.demo.villages import Indexes, Villages

SPACING_M = 35.0


@dataclass(frozen=True)
class Roads:
    """Edges between nodes, EPSG:9214; an edge of a grid is straight, a road between villages winds."""

    node_xy: Floats
    tail: Indexes
    head: Indexes
    commune: Indexes
    grid: NDArray[np.bool_]
    """Streets of a ward's grid; the others link villages."""
    street: Indexes
    """Edges of one street share this number."""
    street_names: list[str]
    sample_edge: Indexes
    """Edge of each sample, ascending."""
    sample_xy: Floats
    sample_side: Floats
    """Unit vectors across the road (n, 2)."""

    @property
    def length_m(self) -> Floats:
        """Straight length of each edge."""
        return np.asarray(np.hypot(*(self.node_xy[self.head] - self.node_xy[self.tail]).T))


def build(seed: int, villages: Villages, form: Shape, ground: Ground) -> Roads:
    """Link the villages by a minimum spanning tree and loops, and lay street grids around those of the wards."""
    rng = stream(seed, "roads")
    drawn = read("lines")["streets"]
    tail, head = _links(villages.xy, form, ground)
    commune = villages.commune[tail]
    street = np.arange(len(tail))
    parts = [_grid(rng, i, villages, form, drawn) for i in np.unique(villages.commune[villages.urban])]
    nodes, tails, heads, communes, streets = [villages.xy], [tail], [head], [commune], [street]
    for xy, a, b, line, unit in parts:
        offset, first = sum(map(len, nodes)), sum(len(np.unique(s)) for s in streets)
        nodes.append(xy)
        tails.append(a + offset)
        heads.append(b + offset)
        communes.append(np.full(len(a), unit))
        streets.append(np.unique(line, return_inverse=True)[1] + first)
    node_xy, tail, head = np.concatenate(nodes), np.concatenate(tails), np.concatenate(heads)
    grid = np.arange(len(tail)) >= len(street)
    all_streets = np.concatenate(streets)
    edge, xy, side = _samples(rng, node_xy, tail, head, grid)
    return Roads(
        node_xy, tail, head, np.concatenate(communes), grid, all_streets,
        _names(rng, all_streets, grid, villages, tail), edge, xy, side,
    )  # fmt: skip


def _links(xy: Floats, form: Shape, ground: Ground) -> tuple[Indexes, Indexes]:
    """Return edges of a minimum spanning tree plus short loops; water and climbs cost extra."""
    n = len(xy)
    distance = np.hypot(xy[:, None, 0] - xy[None, :, 0], xy[:, None, 1] - xy[None, :, 1])
    near = np.argsort(distance, axis=1, kind="stable")[:, 1 : min(15, n)]
    a, b = np.repeat(np.arange(n), near.shape[1]), near.ravel()
    along = xy[a, None] + (xy[b] - xy[a])[:, None] * np.linspace(0.0, 1.0, 9)[None, :, None]
    wet = form.wet(along.reshape(-1, 2)).reshape(-1, 9).mean(axis=1)
    lonlat = degrees(shapely.points(along.reshape(-1, 2)))
    heights = np.nan_to_num(ground.at(shapely.get_x(lonlat), shapely.get_y(lonlat))).reshape(-1, 9)
    climb = np.abs(np.diff(heights, axis=1)).sum(axis=1)
    cost = distance * 60
    cost[a, b] = distance[a, b] * (1 + 8 * wet) + 25 * climb
    cost = np.minimum(cost, cost.T)
    joined = np.zeros(n, bool)
    joined[0] = True
    best, parent = cost[0].copy(), np.zeros(n, np.int64)
    edges = []
    for _ in range(n - 1):  # Prim 1957; each step one vectorised row
        node = int(np.where(joined, np.inf, best).argmin())
        joined[node] = True
        edges.append((int(parent[node]), node))
        closer = cost[node] < best
        best[closer], parent[closer] = cost[node][closer], node
    loops = (cost[a, b] < 1.35 * distance[a, b]) & (distance[a, b] < 1700) & (a < b)
    nearest = np.argsort(np.argsort(cost[a, b].reshape(n, -1), axis=1), axis=1).ravel() < 3
    pairs = np.unique(
        np.sort(np.array(edges + list(zip(a[loops & nearest], b[loops & nearest], strict=True))), axis=1), axis=0
    )
    return pairs[:, 0], pairs[:, 1]


def _grid(
    rng: np.random.Generator, unit: int, villages: Villages, form: Shape, drawn: dict[str, float]
) -> tuple[Floats, Indexes, Indexes, Indexes, int]:
    """Return nodes, edges and street lines of the rotated grid around the villages of ward `unit`."""
    members = np.flatnonzero(villages.commune == unit)
    city = villages.classes[members[0]] == "city"
    reach, block = (
        (drawn["city_reach_m"], drawn["city_block_m"]) if city else (drawn["town_reach_m"], drawn["town_block_m"])
    )
    angle = rng.uniform(0, np.pi / 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = villages.xy[members].mean(axis=0)
    local = (villages.xy[members] - centre) @ turn
    low, high = np.floor(local.min(axis=0) / block) - 4, np.ceil(local.max(axis=0) / block) + 4
    columns, rows = (high - low).astype(int)
    j, i = np.meshgrid(np.arange(columns), np.arange(rows))
    lattice = np.column_stack([j.ravel(), i.ravel()])
    plan = (lattice + low) * block
    close = (((plan[:, None] - local[None]) ** 2).sum(axis=2) < reach**2).any(axis=1)
    xy = plan @ turn.T + centre + rng.normal(0, 9.0, plan.shape)
    area = shapely.union_all(villages.polygons[members])
    kept = close & shapely.contains_xy(area, xy[:, 0], xy[:, 1]) & ~form.wet(xy)
    number = np.full(len(lattice), -1)
    number[kept] = np.arange(kept.sum())
    square = number.reshape(rows, columns)
    tails, heads, lines = [], [], []
    for axis, (a, b) in enumerate(((square[:, :-1], square[:, 1:]), (square[:-1], square[1:]))):
        both = (a >= 0) & (b >= 0) & (rng.random(a.shape) > drawn["missing_share"])
        row, column = np.nonzero(both)
        tails.append(a[both])
        heads.append(b[both])
        lines.append(row * 2 if axis == 0 else column * 2 + 1)
    return xy[kept], np.concatenate(tails), np.concatenate(heads), np.concatenate(lines), int(unit)


def _samples(
    rng: np.random.Generator, node_xy: Floats, tail: Indexes, head: Indexes, grid: NDArray[np.bool_]
) -> tuple[Indexes, Floats, Floats]:
    """Return points every `SPACING_M` along all edges; roads swing aside as a smooth noise says."""
    vector = node_xy[head] - node_xy[tail]
    length = np.hypot(*vector.T)
    count = np.maximum((length / SPACING_M).astype(np.int64), 1)
    edge = np.repeat(np.arange(len(tail)), count)
    position = (np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + 0.5) / count[edge]
    straight = node_xy[tail][edge] + vector[edge] * position[:, None]
    side = np.column_stack([-vector[:, 1], vector[:, 0]])[edge] / length[edge, None]
    swing = np.where(grid, 0.0, np.minimum(0.16 * length, 320.0))[edge] * np.sin(np.pi * position)
    bends = Lattice.random(rng, BOX_M, 700.0).at(straight[:, 0], straight[:, 1])
    return edge, straight + side * (swing * np.clip(bends, -1.6, 1.6))[:, None], side


def _names(
    rng: np.random.Generator, street: Indexes, grid: NDArray[np.bool_], villages: Villages, tail: Indexes
) -> list[str]:
    """Return the name of each street number: composed for grids, after the village for roads."""
    lists = read("villages")
    first, second = rng.choice(lists["first"], street.max() + 1), rng.choice(lists["second"], street.max() + 1)
    names = [f"Đường {a} {b}" for a, b in zip(first, second, strict=True)]
    for number, village in zip(street[~grid], tail[~grid], strict=True):
        if villages.kinds[village] != "to_dan_pho":
            names[number] = f"Đường liên thôn {villages.names[village].split(' ', 1)[1]}"
    return names
