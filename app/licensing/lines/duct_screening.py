"""Screening of a duct route against the ducts along it. Pure: geometries in metres in, stretches and advice out.

A duct whose bores or occupants nobody knows is listed as unknown, never as free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from app.licensing.candidates import SpareState
from app.licensing.lines.pole_screening import Dig, boundaries_unknown, dig_reason
from app.licensing.reasons import Reason

DuctAdvice = Literal["use_existing", "partly", "build_shared", "needs_a_person"]
StretchState = Literal["free", "unknown", "full", "none"]
_STATES: tuple[StretchState, ...] = ("none", "full", "unknown", "free")
"""The better one of two ducts side by side counts."""
_ORDER = {"free": 0, "unknown": 1, "full": 2}
_SNAP_M = 0.1
"""Cuts of a route are rounded to this: no survey is better, and ducts end to end leave no sliver between them."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DuctNear:
    """A duct segment in force near a route.

    Attributes
    ----------
    bores_total : int or None
        By its count or by its bores on record, whichever is more; None when neither is known.
    bores_unusable, bores_doubtful : int
        Of those on record: not usable, and nobody knows.
    bores_occupied : int or None
        At least; an occupant whose bore is not named takes one. None when occupants were never recorded.
    """

    duct_id: int
    duct: str
    owner_code: str | None
    owner_name: str | None
    street: str | None
    length_m: float
    distance_m: float
    bores_total: int | None
    bores_unusable: int
    bores_doubtful: int
    bores_occupied: int | None
    tenants: tuple[str, ...]
    synthetic: bool = False
    restricted: bool = False

    @property
    def bores_usable(self) -> int | None:
        """Bores known to be usable, or not said to be otherwise; None when their number is unknown."""
        if self.bores_total is None:
            return None
        return max(0, self.bores_total - self.bores_unusable - self.bores_doubtful)

    @property
    def free(self) -> int | None:
        """Free bores; None when that is not known."""
        if self.bores_total is None or self.bores_occupied is None:
            return None
        surely = self.bores_total - self.bores_unusable - self.bores_doubtful - self.bores_occupied
        return None if surely <= 0 < surely + self.bores_doubtful else max(0, surely)

    @property
    def state(self) -> SpareState:
        """Whether a bore is free."""
        return "unknown" if self.free is None else "free" if self.free else "full"


@dataclass(frozen=True)
class Route:
    """A route in a projection in metres, with true lengths.

    Attributes
    ----------
    line : shapely.LineString
        Projected, metres.
    at_m, true_m : ndarray, shape (vertices,)
        Lengths from the start to each vertex, projected and geodesic.
    """

    line: Any
    at_m: Floats
    true_m: Floats

    @property
    def length_m(self) -> float:
        """Geodesic length."""
        return float(self.true_m[-1])

    def true(self, at_m: Any) -> Floats:
        """Return geodesic metres from the start for projected ones."""
        return np.asarray(np.interp(at_m, self.at_m, self.true_m), np.float64)


@dataclass(frozen=True)
class Limits:
    """Dated policy values of the screening."""

    tolerance_m: float
    min_overlap_m: float
    full_share: float
    partly_share: float


@dataclass(frozen=True)
class Stretch:
    """Part of the route where the best duct has this state; geodesic metres from its start."""

    from_m: float
    to_m: float
    state: StretchState

    @property
    def length_m(self) -> float:
        """Its length."""
        return self.to_m - self.from_m


@dataclass(frozen=True)
class DuctScreening:
    """Segments along the route in its order with the metres each serves, stretches, advice and reasons."""

    ducts: tuple[tuple[DuctNear, float, float], ...]
    """Each with where along the route it begins, and how many metres of it it serves."""
    stretches: tuple[Stretch, ...]
    advice: DuctAdvice
    vi: str
    en: str
    reasons: tuple[Reason, ...]
    restricted: tuple[DuctNear, ...] = ()

    def metres(self, state: StretchState) -> float:
        """Return the length of the route in a state."""
        return sum(s.length_m for s in self.stretches if s.state == state)


@dataclass(frozen=True)
class Overlaps:
    """Pieces of a route that run beside segments: which segment, and from–to in projected metres."""

    segment: NDArray[np.int64]
    start_m: Floats
    end_m: Floats


def overlaps(route: Route, segments: NDArray[np.object_], limits: Limits) -> Overlaps:
    """Return the pieces of `route` that run beside each of the projected `segments`, within the tolerance.

    A duct that crosses the route projects onto a point of it and serves none of it. Pieces are as short as the
    tolerance, so that a route that comes back past itself is not taken for covered in between.
    """
    inside = shapely.intersection(segments, shapely.buffer(route.line, limits.tolerance_m))
    parts, of = shapely.get_parts(inside, return_index=True)
    lines = shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING
    parts, of = shapely.segmentize(parts[lines], limits.tolerance_m), of[lines]
    xy, part = shapely.get_coordinates(parts, return_index=True)
    if not len(xy):
        empty = np.zeros(0)
        return Overlaps(np.zeros(0, np.int64), empty, empty)
    at = shapely.line_locate_point(route.line, shapely.points(xy))
    step = np.hypot(*np.diff(xy, axis=0).T)
    # Beside a bend the route's inner side is shorter or longer than the duct; a jump is a return of the route.
    together = (part[1:] == part[:-1]) & (np.abs(np.diff(at)) <= 2 * step + 2 * limits.tolerance_m)
    low, high = np.minimum(at[1:], at[:-1])[together], np.maximum(at[1:], at[:-1])[together]
    segment = of[part[1:]][together].astype(np.int64)
    served = np.bincount(segment, route.true(high) - route.true(low), len(segments))
    low, high = (np.where(v > route.at_m[-1] - _SNAP_M, route.at_m[-1], np.round(v / _SNAP_M) * _SNAP_M)
                 for v in (low, high))  # fmt: skip
    enough = (served >= limits.min_overlap_m)[segment] & (high > low)
    return Overlaps(segment[enough], low[enough], high[enough])


def stretches(route: Route, pieces: Overlaps, states: Sequence[SpareState]) -> tuple[Stretch, ...]:
    """Return the route cut where the best state of the ducts beside it changes; together they are the whole route."""
    edges = np.unique(np.concatenate([[0.0, route.at_m[-1]], pieces.start_m, pieces.end_m]))
    edges = edges[(edges >= 0) & (edges <= route.at_m[-1])]
    best = np.zeros(len(edges) - 1, np.int64)
    rank = np.array([_STATES.index(s) for s in states], np.int64)
    for value in (1, 2, 3):
        these = rank[pieces.segment] == value if len(rank) else np.zeros(0, bool)
        change = np.zeros(len(edges), np.int64)
        np.add.at(change, np.searchsorted(edges, pieces.start_m[these]), 1)
        np.add.at(change, np.searchsorted(edges, pieces.end_m[these]), -1)
        best[np.cumsum(change)[:-1] > 0] = value
    cuts = np.concatenate([[0], np.flatnonzero(np.diff(best)) + 1, [len(best)]])
    true = route.true(edges)
    return tuple(
        Stretch(float(true[a]), float(true[b]), _STATES[int(best[a])])
        for a, b in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)
    )


def screen_ducts(
    found: Sequence[DuctNear], segments: NDArray[np.object_], route: Route, operator: str, limits: Limits,
    digs: Sequence[Dig] = (), *, place_checked: bool = True,
) -> DuctScreening:  # fmt: skip
    """Say which part of a route existing ducts with free bores serve, and advise.

    Parameters
    ----------
    found : sequence of DuctNear
        Segments in force near the route. Restricted ones change no advice.
    segments : ndarray of shapely.LineString, shape (n,)
        Their projected geometries.

    Returns
    -------
    DuctScreening
        `use_existing`: free bores all along; `partly`: along some of it; `needs_a_person`: it hangs on ducts nobody
        knows; `build_shared`: nothing there has room, so what is built has to be built to be shared.
    """
    pieces = overlaps(route, segments, limits)
    hidden = np.array([d.restricted for d in found], bool)
    restricted = tuple(found[i] for i in np.unique(pieces.segment).tolist() if hidden[i])
    if hidden.any():
        open_ = ~hidden[pieces.segment]
        pieces = Overlaps(pieces.segment[open_], pieces.start_m[open_], pieces.end_m[open_])
    cut = stretches(route, pieces, [d.state for d in found])
    along = sorted(_along(found, route, pieces), key=lambda d: (d[1], d[0].duct))
    share = {state: sum(s.length_m for s in cut if s.state == state) / route.length_m for state in _STATES}
    if not place_checked:
        advice: DuctAdvice = "needs_a_person"
    elif share["free"] >= limits.full_share:
        advice = "use_existing"
    elif share["free"] >= limits.partly_share:
        advice = "partly"
    else:
        advice = "needs_a_person" if share["free"] + share["unknown"] >= limits.partly_share else "build_shared"
    vi, en = _WORDS[advice]
    reasons = _reasons([d for d, _, _ in along], operator, route.length_m, share, digs, place_checked)
    return DuctScreening(tuple(along), cut, advice, vi, en, tuple(reasons), restricted)


def _along(found: Sequence[DuctNear], route: Route, pieces: Overlaps) -> list[tuple[DuctNear, float, float]]:
    served = []
    for i in np.unique(pieces.segment).tolist():
        mine = pieces.segment == i
        own = Overlaps(np.zeros(mine.sum(), np.int64), pieces.start_m[mine], pieces.end_m[mine])
        metres = sum(s.length_m for s in stretches(route, own, ["free"]) if s.state == "free")
        served.append((found[i], float(route.true(own.start_m.min())), metres))
    return served


_WORDS: dict[DuctAdvice, tuple[str, str]] = {
    "use_existing": ("Dùng cống bể hiện có còn ống trống trên toàn tuyến",
                     "Use the existing ducts: they have free bores all along"),
    "partly": ("Dùng cống bể hiện có ở những đoạn còn ống trống, chỉ làm mới các đoạn thiếu",
               "Use the existing ducts where they have free bores; build the gaps only"),
    "build_shared": ("Không có cống bể nào còn ống trống: có thể làm mới, với điều kiện xây để dùng chung",
                     "No duct has a free bore: a new one may be built if it is built to be shared"),
    "needs_a_person": ("Cần cán bộ xem xét: chưa đủ dữ liệu để kết luận, xem các lý do",
                       "A person has to look: the data do not decide it, see the reasons"),
}  # fmt: skip


def _reasons(
    ducts: Sequence[DuctNear], operator: str, length_m: float, share: dict[StretchState, float], digs: Sequence[Dig],
    place_checked: bool,
) -> list[Reason]:  # fmt: skip
    metres = {state: part * length_m for state, part in share.items()}
    reasons = [
        Reason("along", f"Dọc {length_m:.0f} m: {metres['free']:.0f} m có ống trống, {metres['full']:.0f} m đã đầy, "
                        f"{metres['unknown']:.0f} m chưa rõ, {metres['none']:.0f} m chưa có cống",
               f"Along {length_m:.0f} m: {metres['free']:.0f} m have free bores, {metres['full']:.0f} m are full, "
               f"{metres['unknown']:.0f} m unknown, {metres['none']:.0f} m have no duct")
        if ducts else Reason("no_ducts", "Không có cống bể nào dọc tuyến", "No duct runs along the route")
    ]  # fmt: skip
    if any(d.state == "unknown" for d in ducts):
        reasons.append(
            Reason("bores_unknown", "Cống chưa rõ số ống hoặc chưa khảo sát không được coi là còn trống",
                   "A duct of unknown bores, or never surveyed, is not taken as free")
        )  # fmt: skip
    mine = [d.duct for d in ducts if operator in d.tenants or d.owner_code == operator]
    if mine:
        some = ", ".join(mine[:5])
        reasons.append(
            Reason("operator_already_here", f"{operator} đã có hoặc đang dùng {len(mine)} đoạn: {some}",
                   f"{operator} already owns or uses {len(mine)} segment(s): {some}")
        )  # fmt: skip
    reasons += [dig_reason(d) for d in digs[:3]]
    if not place_checked:
        reasons.append(boundaries_unknown())
    return reasons
