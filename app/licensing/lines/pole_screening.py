"""Screening of proposed poles against what stands and lies there. Pure: values in, advice and reasons out.

A pole whose capacity or lines nobody knows is listed as unknown, never as free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from app.licensing.candidates import SpareState
from app.licensing.reasons import Reason

PoleAdvice = Literal["use_existing", "bury", "joint_trench", "license_shared", "needs_a_person"]
Undergrounding = Literal["begun", "planned", "none"]
_ORDER = {"free": 0, "unknown": 1, "full": 2}


@dataclass(frozen=True)
class PoleNear:
    """A pole in force within reach.

    Attributes
    ----------
    distance_m : float
        Geodesic, to the place or line asked about.
    along_m : float
        Where along the line it stands, metres from its start; 0 for a single place.
    lines : int or None
        Lines it carries, at least; None when nobody recorded them.
    uncounted : bool
        Some tenant's lines were not counted, so it may carry more.
    """

    pole_id: int
    pole: str
    owner_code: str | None
    owner_name: str | None
    distance_m: float
    along_m: float
    height_m: float | None
    cable_capacity: int | None
    lines: int | None
    uncounted: bool
    tenants: tuple[str, ...]
    street: str | None
    lon: float
    lat: float
    synthetic: bool = False
    restricted: bool = False

    @property
    def spare(self) -> int | None:
        """Lines it could still carry; None when that is not known."""
        if self.cable_capacity is None or self.lines is None:
            return None
        left = max(0, self.cable_capacity - self.lines)
        return None if left and self.uncounted else left

    @property
    def spare_state(self) -> SpareState:
        """Whether there is room."""
        return "unknown" if self.spare is None else "free" if self.spare else "full"


@dataclass(frozen=True)
class Dig:
    """A duct somebody else is about to lay."""

    duct: str
    trench: str | None
    owner_code: str | None
    street: str | None
    begins: str
    distance_m: float
    synthetic: bool = False


@dataclass(frozen=True)
class Around:
    """What else there is beside poles.

    Attributes
    ----------
    ducts : {"free", "unknown", "none"}
        Whether ducts with free bores run along the whole of it.
    undergrounding : {"begun", "planned", "none"}
        Planned also when only part of the line lies along such a street.
    """

    ducts: Literal["free", "unknown", "none"] = "none"
    undergrounding: Undergrounding = "none"
    digs: tuple[Dig, ...] = ()
    place_checked: bool = True


@dataclass(frozen=True)
class PoleScreening:
    """Poles best first, the metres of a line existing poles carry, the advice and what it rests on."""

    poles: tuple[PoleNear, ...]
    carried_m: float
    advice: PoleAdvice
    vi: str
    en: str
    reasons: tuple[Reason, ...]
    restricted: tuple[PoleNear, ...] = ()


def screen_poles(
    found: Sequence[PoleNear], operator: str, length_m: float, span_m: float, around: Around
) -> PoleScreening:
    """Rank the poles around a proposal and advise.

    Parameters
    ----------
    found : sequence of PoleNear
        Poles in force within reach, in any order. Restricted ones change no advice: it is passed on.
    length_m : float
        Of the row of poles proposed, geodesic; 0 for a single pole.
    span_m : float
        Longest span of a cable between two poles.

    Returns
    -------
    PoleScreening
        `bury` or `joint_trench` on a street that is underground, and where no pole has room on a street that will
        be or beside a free duct; `use_existing`: poles with room carry all of it; `needs_a_person`: what is unknown
        decides; `license_shared`: nothing there has room, so poles may be built if they are built to be shared.
    """
    restricted = tuple(sorted((p for p in found if p.restricted), key=_nearness))
    known = [p for p in found if not p.restricted]
    ranked = tuple(sorted(known, key=lambda p: (_ORDER[p.spare_state], *_nearness(p))))
    free = [p.along_m for p in ranked if p.spare_state == "free"]
    hoped = [p.along_m for p in ranked if p.spare_state != "full"]
    carried = carried_m(free, length_m, span_m)
    whole = bool(free) and carried == length_m
    maybe = bool(hoped) and carried_m(hoped, length_m, span_m) == length_m
    advice = _advise(whole, maybe, around)
    vi, en = _WORDS[advice]
    reasons = _reasons(ranked, operator, length_m, carried, around)
    return PoleScreening(ranked, carried, advice, vi, en, tuple(reasons), restricted)


def carried_m(along_m: Sequence[float], length_m: float, span_m: float) -> float:
    """Return how many metres of a line poles at these places carry, with spans of at most `span_m`.

    The ends of the line hang on the nearest pole.
    """
    if not along_m:
        return 0.0
    places = sorted(along_m)
    spans = (places[0], *(b - a for a, b in pairwise(places)), length_m - places[-1])
    return length_m - float(sum(s for s in spans if s > span_m))


def _advise(whole: bool, maybe: bool, around: Around) -> PoleAdvice:
    if not around.place_checked:
        return "needs_a_person"
    under: PoleAdvice = "joint_trench" if around.digs and around.ducts != "free" else "bury"
    if around.undergrounding == "begun":
        return under
    if whole:
        return "use_existing"
    if around.ducts == "free":
        return "bury"
    if around.digs:
        return "joint_trench"
    if maybe or around.ducts == "unknown":
        return "needs_a_person"
    return under if around.undergrounding == "planned" else "license_shared"


_WORDS: dict[PoleAdvice, tuple[str, str]] = {
    "use_existing": ("Treo cáp trên cột hiện có còn chỗ, không trồng cột mới",
                     "Use the existing poles that have room; build none"),
    "bury": ("Đi ngầm, không trồng cột mới", "Go underground; build no poles"),
    "joint_trench": ("Đào chung: đơn vị khác sắp đào dọc theo đây",
                     "Share a trench: somebody else is about to dig here"),
    "license_shared": ("Không có cột, cống bể nào còn chỗ: có thể cấp phép cột mới, với điều kiện xây để dùng chung",
                       "No pole or duct has room: new poles may be licensed if they are built to be shared"),
    "needs_a_person": ("Cần cán bộ xem xét: chưa đủ dữ liệu để kết luận, xem các lý do",
                       "A person has to look: the data do not decide it, see the reasons"),
}  # fmt: skip


def _nearness(pole: PoleNear) -> tuple[float, str]:
    return pole.distance_m, pole.pole


def _reasons(
    ranked: Sequence[PoleNear], operator: str, length_m: float, carried: float, around: Around
) -> list[Reason]:
    number = {state: sum(p.spare_state == state for p in ranked) for state in _ORDER}
    reasons = [
        Reason("poles",
               f"Trong tầm: {number['free']} cột còn chỗ, {number['full']} đã đầy, {number['unknown']} chưa rõ",
               f"Within reach: {number['free']} pole(s) with room, {number['full']} full, {number['unknown']} unknown")
        if ranked else Reason("no_poles", "Không có cột nào trong tầm", "There is no pole within reach")
    ]  # fmt: skip
    if number["unknown"]:
        reasons.append(
            Reason("capacity_unknown", "Cột chưa rõ sức chứa hoặc chưa khảo sát không được coi là còn chỗ",
                   "A pole of unknown capacity, or never surveyed, is not taken as free")
        )  # fmt: skip
    if length_m > 0:
        reasons.append(
            Reason("carried", f"Cột còn chỗ đỡ được {carried:.0f} m trong {length_m:.0f} m của tuyến",
                   f"Poles with room carry {carried:.0f} m of the {length_m:.0f} m")
        )  # fmt: skip
    mine = [p.pole for p in ranked if operator in p.tenants]
    if mine:
        some = ", ".join(mine[:5])
        reasons.append(
            Reason("operator_already_here", f"{operator} đã treo cáp trên {len(mine)} cột: {some}",
                   f"{operator} is already on {len(mine)} pole(s): {some}")
        )  # fmt: skip
    if around.undergrounding == "begun":
        reasons.append(Reason("underground_street", "Tuyến đường đã ngầm hoá: không trồng cột, không treo cáp mới",
                              "The street is underground: no new poles or aerial cables"))  # fmt: skip
    if around.undergrounding == "planned":
        reasons.append(Reason("underground_planned", "Một phần tuyến đường đã hoặc sắp ngầm hoá",
                              "The street, or part of it, is or will be put underground"))  # fmt: skip
    if around.ducts == "free":
        reasons.append(Reason("duct_free", "Có cống bể còn ống trống dọc theo đây",
                              "Ducts with free bores run along here"))  # fmt: skip
    if around.ducts == "unknown":
        reasons.append(Reason("duct_unknown", "Có cống bể dọc theo đây nhưng chưa rõ còn ống trống hay không",
                              "Ducts run along here, but nobody knows whether they have free bores"))  # fmt: skip
    reasons += [dig_reason(d) for d in around.digs[:3]]
    if not around.place_checked:
        reasons.append(boundaries_unknown())
    return reasons


def dig_reason(dig: Dig) -> Reason:
    """Return the reason that somebody else is about to dig."""
    who = dig.owner_code or "?"
    return Reason("parallel_dig", f"{who} dự kiến làm cống {dig.duct} từ {dig.begins}, cách {dig.distance_m:.0f} m",
                  f"{who} means to lay the duct {dig.duct} from {dig.begins}, {dig.distance_m:.0f} m away")  # fmt: skip


def boundaries_unknown() -> Reason:
    """Return the reason that nobody can say whether the place is in the province."""
    return Reason(
        "boundaries_unknown",
        "Chưa nạp ranh giới xã, phường cho ngày này nên chưa kiểm tra được vị trí có thuộc tỉnh hay không",
        "No commune boundaries are loaded for this date, so the place could not be checked",
    )
