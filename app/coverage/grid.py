"""Heights between the posts of several memory-mapped grids: the kernels under `Terrain`."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import carray, types  # type: ignore[attr-defined]
from numba.extending import intrinsic
from numpy.typing import NDArray

from app.coverage.compiled import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_A = 6378137.0
_E2 = 6.69437999014e-3


class Grids(NamedTuple):
    """Grids of heights (float32) or classes (uint8) in memory, the first of those that know a point answering for it.

    Attributes
    ----------
    sizes : int64 array, shape (grids, 3)
        Address of the data, rows, columns.
    frames : float64 array, shape (grids, 4)
        Outer west and north edge, step in longitude and latitude, degrees.
    """

    sizes: Ints
    frames: Floats


@intrinsic
def _pointer(_context: Any, address: Any) -> Any:
    """Turn the address of a mapped grid into a pointer: numba has no array of arrays of different sizes."""

    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())

    return types.voidptr(address), generate


@kernel
def unowned(array: Any) -> Any:
    """Return a view of an array, C-contiguous, that counts no references.

    Threads that share an array otherwise fight over its counter each time a slice or a tuple of it is made: half of a
    sweep's time. Only for arrays that a caller outside the kernels holds.
    """
    return carray(_pointer(array.ctypes.data), array.shape, array.dtype)  # type: ignore[call-arg]


@kernel
def height_at(grids: Grids, lon: float, lat: float) -> float:
    """Return the bilinear height in metres of the first grid that knows the point, else NaN.

    Parameters
    ----------
    lon, lat : float
        Degrees, EPSG:4326.

    Notes
    -----
    A grid knows a point when every post with a weight is known: a void is never filled. Within the outer
    half step of a grid the nearest post stands in for the missing neighbour, so grids that meet leave no gap.
    """
    sizes, frames = grids.sizes, grids.frames
    for tile in range(sizes.shape[0]):
        rows, columns = sizes[tile, 1], sizes[tile, 2]
        x = (lon - frames[tile, 0]) / frames[tile, 2] - 0.5
        y = (frames[tile, 1] - lat) / frames[tile, 3] - 0.5
        # Written so that a NaN coordinate is outside.
        if not (-0.5 <= x <= columns - 0.5 and -0.5 <= y <= rows - 0.5):
            continue
        x = min(max(x, 0.0), columns - 1.0)
        y = min(max(y, 0.0), rows - 1.0)
        j = min(int(x), columns - 2)
        i = min(int(y), rows - 2)
        fx, fy = x - j, y - i
        data = carray(_pointer(sizes[tile, 0]), (rows, columns), np.float32)  # type: ignore[call-arg]
        height = 0.0
        if fx < 1.0 and fy < 1.0:
            height += (1.0 - fx) * (1.0 - fy) * data[i, j]
        if fx > 0.0 and fy < 1.0:
            height += fx * (1.0 - fy) * data[i, j + 1]
        if fx < 1.0 and fy > 0.0:
            height += (1.0 - fx) * fy * data[i + 1, j]
        if fx > 0.0 and fy > 0.0:
            height += fx * fy * data[i + 1, j + 1]
        if not math.isnan(height):
            return height
    return math.nan


@kernel
def heights_at(grids: Grids, lon: Floats, lat: Floats, out: Floats) -> None:
    """Fill `out` with `height_at` of each point; all three of shape (n,)."""
    for k in range(lon.size):
        out[k] = height_at(grids, lon[k], lat[k])


@kernel
def offset_m(lon1: float, lat1: float, lon2: float, lat2: float) -> tuple[float, float]:
    """Return (east, north) in metres from point 1 to point 2, degrees in.

    Radii of curvature of WGS84 at the middle latitude; against the geodesic the length is off by less
    than 0.1 m in 50 km, far under the terrain's step.
    """
    middle = math.radians((lat1 + lat2) / 2)
    w = 1.0 - _E2 * math.sin(middle) ** 2
    east = math.radians(lon2 - lon1) * _A / math.sqrt(w) * math.cos(middle)
    north = math.radians(lat2 - lat1) * _A * (1.0 - _E2) / w**1.5
    return east, north


@kernel
def profile_into(grids: Grids, lon1: float, lat1: float, lon2: float, lat2: float, count: int, out: Floats) -> bool:
    """Fill out[:count] with heights at equal steps from point 1 to point 2; False when one stays unknown (NaN).

    The line is straight in longitude and latitude: 10 m beside the great circle at most on 40 km at 17° N.
    The heights of `height_at`, grid by grid: a straight line enters and leaves a grid once, so nothing is asked of a
    post but its four neighbours. Only where grids overlap, one that holds all four goes before the outer half step of
    an earlier one.
    """
    sizes, frames = grids.sizes, grids.frames
    missing = count
    for tile in range(sizes.shape[0]):
        rows, columns = sizes[tile, 1], sizes[tile, 2]
        x0 = (lon1 - frames[tile, 0]) / frames[tile, 2] - 0.5
        y0 = (frames[tile, 1] - lat1) / frames[tile, 3] - 0.5
        dx = (lon2 - lon1) / frames[tile, 2] / (count - 1)
        dy = (lat1 - lat2) / frames[tile, 3] / (count - 1)
        first, last = _within(x0, dx, columns - 1.0, 0, count - 1)
        first, last = _within(y0, dy, rows - 1.0, first, last)
        if first > last:
            continue
        fresh = missing == count
        if fresh:
            out[:first] = math.nan
            out[last + 1 : count] = math.nan
        if _fill(sizes[tile], x0, dx, y0, dy, first, last, fresh, out):
            missing -= last - first + 1
        else:
            missing = np.isnan(out[:count]).sum()
        if missing == 0:
            return True
    # What is left lies in an outer half step or beside a void: post by post, with the rules of `height_at`.
    nothing = missing == count
    for k in range(count):
        if nothing or math.isnan(out[k]):
            share = k / (count - 1)
            out[k] = height_at(grids, lon1 + (lon2 - lon1) * share, lat1 + (lat2 - lat1) * share)
            missing -= not math.isnan(out[k])
    return missing == 0


@kernel
def _fill(
    size: Ints, x0: float, dx: float, y0: float, dy: float, first: int, last: int, fresh: bool, out: Floats
) -> bool:
    """Fill out[first:last + 1] from inside one grid, unless known already; True when all were new and are known now."""
    columns = size[2]
    data = carray(_pointer(size[0]), (size[1] * columns,), np.float32)  # type: ignore[call-arg]
    total = 0.0
    for k in range(first, last + 1):
        if not fresh and not math.isnan(out[k]):
            continue
        x, y = x0 + k * dx, y0 + k * dy
        i, j = int(y), int(x)
        fx, fy = x - j, y - i
        at = i * columns + j
        upper = data[at] + fx * (data[at + 1] - data[at])
        at += columns
        lower = data[at] + fx * (data[at + 1] - data[at])
        out[k] = upper + fy * (lower - upper)
        total += out[k]
    return fresh and not math.isnan(total)


@kernel
def cover_into(
    grids: Grids, height_m: Floats, lon1: float, lat1: float, lon2: float, lat2: float, count: int, out: Floats
) -> None:
    """Fill out[:count] with the height of the class each post lies in, as `class_at` has it; posts as `profile_into`.

    Grid by grid like there: within one, a post costs its index and one byte.
    """
    out[:count] = 0.0  # the class, until all grids were asked
    missing = count
    for tile in range(grids.sizes.shape[0]):
        if missing == 0:
            break
        columns, frame = grids.sizes[tile, 2], grids.frames[tile]
        x0, y0 = (lon1 - frame[0]) / frame[2], (frame[1] - lat1) / frame[3]
        dx, dy = (lon2 - lon1) / frame[2] / (count - 1), (lat1 - lat2) / frame[3] / (count - 1)
        first, last = _within(x0, dx, float(columns), 0, count - 1)
        first, last = _within(y0, dy, float(grids.sizes[tile, 1]), first, last)
        data = carray(_pointer(grids.sizes[tile, 0]), (grids.sizes[tile, 1] * columns,), np.uint8)  # type: ignore[call-arg]
        for k in range(first, last + 1):
            if out[k] == 0.0:
                value = data[int(y0 + k * dy) * columns + int(x0 + k * dx)]
                out[k] = value
                missing -= value != 0
    for k in range(count):
        out[k] = height_m[int(out[k])]


@kernel
def class_at(grids: Grids, lon: float, lat: float) -> int:
    """Return the class of the pixel that holds the point, of the first grid that knows it; 0 when none does."""
    for tile in range(grids.sizes.shape[0]):
        rows, columns = grids.sizes[tile, 1], grids.sizes[tile, 2]
        x = (lon - grids.frames[tile, 0]) / grids.frames[tile, 2]
        y = (grids.frames[tile, 1] - lat) / grids.frames[tile, 3]
        if not (0.0 <= x < columns and 0.0 <= y < rows):
            continue
        data = carray(_pointer(grids.sizes[tile, 0]), (rows * columns,), np.uint8)  # type: ignore[call-arg]
        value = int(data[int(y) * columns + int(x)])
        if value != 0:
            return value
    return 0


@kernel
def classes_at(grids: Grids, lon: Floats, lat: Floats, out: NDArray[np.uint8]) -> None:
    """Fill `out` with `class_at` of each point; all three of shape (n,)."""
    for k in range(lon.size):
        out[k] = class_at(grids, lon[k], lat[k])


@kernel
def _within(start: float, step: float, limit: float, first: int, last: int) -> tuple[int, int]:
    """Return the part of first..last in which 0 <= start + k·step < limit; empty when the second is the smaller."""
    if step == 0.0:
        return (first, last) if 0.0 <= start < limit else (first, first - 1)
    enter, leave = -start / step, (limit - start) / step
    # Clipped as floats: a line beside the grid crosses its edge anywhere, too far for an integer.
    first = int(min(max(math.ceil(min(enter, leave)), first), last + 1.0))
    last = int(max(min(math.floor(max(enter, leave)), last), first - 1.0))
    # The division rounds: the ends are asked as the posts will be.
    while first <= last and not 0.0 <= start + first * step < limit:
        first += 1
    while last >= first and not 0.0 <= start + last * step < limit:
        last -= 1
    return first, last


@kernel
def sample_count(distance_m: float, step_m: float) -> int:
    """Return how many posts a profile has: ends included, at least three, no step longer than `step_m`."""
    return max(3, math.ceil(distance_m / step_m) + 1)


@kernel
def lengths_of(ends: Floats, step_m: float, distance_m: Floats, count: Ints) -> None:
    """Fill length and number of posts of each path; `ends` has shape (n, 4): lon1, lat1, lon2, lat2."""
    for k in range(ends.shape[0]):
        east, north = offset_m(ends[k, 0], ends[k, 1], ends[k, 2], ends[k, 3])
        distance_m[k] = math.hypot(east, north)
        count[k] = sample_count(distance_m[k], step_m)


@kernel
def profiles_into(grids: Grids, ends: Floats, offset: Ints, out: Floats) -> None:
    """Fill out[offset[k]:offset[k+1]] with the heights of path k; unknown stays NaN."""
    for k in range(ends.shape[0]):
        a, b = offset[k], offset[k + 1]
        profile_into(grids, ends[k, 0], ends[k, 1], ends[k, 2], ends[k, 3], b - a, out[a:b])
