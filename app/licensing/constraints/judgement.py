"""What constrains a proposal at a place. Pure: rows around it and dated policy in, findings with reasons out.

Distances between structures warn and never refuse (domain page, section 5). What is not known is `unknown`, never `ok`.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from app.kit.text import decimal_vi
from app.licensing.constraints.obstacle_surface import allowed_above_ground_m
from app.licensing.constraints.rules import Airport, Heritage, Other, PlannedZone, Rule, UndergroundStreet
from app.sites.antenna_code import CODES

Status = Literal["ok", "warning", "needs_approval", "refuse", "unknown"]
SEVERITY: tuple[Status, ...] = ("refuse", "needs_approval", "unknown", "warning", "ok")
"""Gravest first."""
What = Literal["tower", "pole"]


@dataclass(frozen=True)
class Area:
    """A constraint whose reach touches the place asked about.

    Attributes
    ----------
    distance_m : float
        Geodesic, from its geometry to the nearest point asked about; 0 within it.
    farthest_m : float
        The same to the farthest corner of a search area; equals `distance_m` for a point.
    reach_m : float
        How far from its geometry the rule holds.
    """

    id: int
    kind: str
    code: str
    name: str
    rule: Rule
    distance_m: float
    farthest_m: float
    reach_m: float
    citation: str
    valid_from: dt.date | None
    valid_to: dt.date | None
    synthetic: bool = False
    restricted: bool = False

    @property
    def partly(self) -> bool:
        """Part of the search area lies beyond the rule, so the rule alone cannot decide the place."""
        return self.farthest_m > self.reach_m


@dataclass(frozen=True)
class Dated:
    """A policy value with the text it comes from and its days."""

    value: float
    citation: str
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None


@dataclass(frozen=True)
class Policy:
    """Dated values that hold everywhere: the height from which the military is asked, the urban distance to keep."""

    military_height_m: Dated
    urban_distance_m: Dated


@dataclass(frozen=True)
class Asked:
    """What is proposed.

    Attributes
    ----------
    height_m : float
        Above ground, with the building it stands on.
    code : str or None
        A1a…A2c; None while nobody says how it is mounted.
    ground_m : float or None
        Of the ground above sea level; None where no terrain is known.
    urban : bool or None
        Whether the commune is a ward; None without boundaries.
    nearest_m : float or None
        Of the nearest structure; infinite without any within the urban distance; None when it was not looked for.
    """

    as_of: dt.date
    height_m: float
    code: str | None = None
    ground_m: float | None = None
    urban: bool | None = None
    nearest_m: float | None = None
    what: What = "tower"


@dataclass(frozen=True)
class Finding:
    """One thing that was checked, and how it came out.

    Attributes
    ----------
    check : str
        code, height, distance, undergrounding, note.
    value, limit : float, str or None
        What was asked and what is allowed: metres, or type codes.
    distance_m : float or None
        From the place to the constraint's geometry.
    partly : bool
        Only part of a search area is concerned; what would refuse there is a warning.
    """

    kind: str
    code: str
    name: str
    check: str
    status: Status
    value: float | int | str | None
    limit: float | int | str | None
    distance_m: float | None
    citation: str
    valid_from: dt.date | None
    valid_to: dt.date | None
    vi: str
    en: str
    synthetic: bool = False
    restricted: bool = False
    partly: bool = False


def judge(areas: Sequence[Area], asked: Asked, policy: Policy) -> tuple[Finding, ...]:
    """Hold a proposal against every constraint around it.

    Parameters
    ----------
    areas : sequence of Area
        Constraints in force whose reach touches the place, in any order.

    Returns
    -------
    tuple of Finding
        Gravest first. A place in no planned zone is `unknown`: the plan says nothing of it.
    """
    found: list[Finding] = []
    for area in areas:
        found += (_softened(f) if area.partly else f for f in _JUDGES[type(area.rule)](area, asked))
    if asked.what == "tower":
        if not any(a.kind == "planned_zone" for a in areas):
            found.append(_no_zone())
        found += _everywhere(asked, policy)
    return tuple(sorted(found, key=lambda f: (SEVERITY.index(f.status), f.kind, f.code, f.check)))


def worst(findings: Iterable[Finding]) -> Status:
    """Return the gravest status, ok when nothing was found."""
    return min((f.status for f in findings), key=SEVERITY.index, default="ok")


def _softened(finding: Finding) -> Finding:
    if finding.status not in ("refuse", "needs_approval"):
        return replace(finding, partly=True)
    return replace(
        finding,
        status="warning",
        partly=True,
        vi=f"{finding.vi} (chỉ một phần vùng tìm kiếm)",
        en=f"{finding.en} (part of the search area only)",
    )


def _of(area: Area, check: str, status: Status, value: float | str | None, limit: float | str | None,
        vi: str, en: str) -> Finding:  # fmt: skip
    return Finding(
        area.kind, area.code, area.name, check, status, value, limit, round(area.distance_m, 2), area.citation,
        area.valid_from, area.valid_to, vi, en, area.synthetic, area.restricted,
    )  # fmt: skip


def _code(area: Area, asked: Asked, allowed: Sequence[str], where: tuple[str, str]) -> Finding:
    named = ", ".join(allowed) or "—"
    vi, en = (f"{where[0]}: chỉ cho phép loại {named}", f"{where[1]}: only types {named} are allowed")
    if set(allowed) >= set(CODES):
        return _of(area, "code", "ok", asked.code, named, f"{where[0]}: mọi loại cột đều được phép",
                   f"{where[1]}: every type of mast is allowed")  # fmt: skip
    if not allowed:
        return _of(area, "code", "refuse", asked.code, named, f"{where[0]}: không loại cột nào được phép",
                   f"{where[1]}: no type of mast is allowed")  # fmt: skip
    if asked.code is None:
        return _of(area, "code", "unknown", None, named, f"{vi}; chưa rõ loại cột đề xuất",
                   f"{en}; the type of the proposal is not known")  # fmt: skip
    status: Status = "ok" if asked.code in allowed else "refuse"
    return _of(area, "code", status, asked.code, named, f"{vi}; đề xuất là {asked.code}",
               f"{en}; the proposal is {asked.code}")  # fmt: skip


def _planned_zone(area: Area, asked: Asked) -> list[Finding]:
    assert isinstance(area.rule, PlannedZone)
    if asked.what != "tower":
        return []
    where = (f"Khu quy hoạch {area.name}", f"Planned zone {area.name}")
    found = [_code(area, asked, area.rule.allowed_codes, where)]
    limit = area.rule.max_height_m
    if limit is not None:
        status: Status = "ok" if asked.height_m <= limit else "refuse"
        found.append(_of(area, "height", status, asked.height_m, limit, f"{where[0]}: cao tối đa {limit:g} m",
                         f"{where[1]}: at most {limit:g} m high"))  # fmt: skip
    return found


def _heritage(area: Area, asked: Asked) -> list[Finding]:
    assert isinstance(area.rule, Heritage)
    if asked.what != "tower":
        return []
    away = f"{area.distance_m:.0f} m"
    where = (
        f"Vùng đệm {area.rule.buffer_m:g} m của di tích {area.name}, cách {away}",
        f"Buffer of {area.rule.buffer_m:g} m of the monument {area.name}, {away} away",
    )
    return [_code(area, asked, area.rule.allowed_codes, where)]


def _airport(area: Area, asked: Asked) -> list[Finding]:
    assert isinstance(area.rule, Airport)
    if asked.what != "tower":
        return []
    ground = math.nan if asked.ground_m is None else asked.ground_m
    limit = float(allowed_above_ground_m(area.distance_m, ground, area.rule.elevation_m, area.rule.surfaces))
    km = area.distance_m / 1000
    where = (
        f"Cách sân bay {area.name} {decimal_vi(km, 1)} km, trong bề mặt giới hạn chướng ngại vật",
        f"{km:.1f} km from the aerodrome {area.name}, below its obstacle limitation surface",
    )
    if math.isinf(limit):
        return []
    if math.isnan(limit):
        return [_of(area, "height", "unknown", asked.height_m, None,
                    f"{where[0]}: chưa có cao độ mặt đất nên chưa tính được chiều cao cho phép",
                    f"{where[1]}: the ground is not known here, so the height allowed is not either")]  # fmt: skip
    if limit <= 0:
        vi, en = "mặt đất đã cao hơn bề mặt này", "the ground itself stands above it"
    else:
        vi, en = f"cao tối đa {decimal_vi(limit, 1)} m trên mặt đất", f"at most {limit:.1f} m above ground"
    status: Status = "ok" if asked.height_m <= limit else "refuse"
    return [_of(area, "height", status, asked.height_m, round(limit, 2), f"{where[0]}: {vi}", f"{where[1]}: {en}")]


def _underground(area: Area, asked: Asked) -> list[Finding]:
    assert isinstance(area.rule, UndergroundStreet)
    since = area.rule.since
    day = f"{since:%d/%m/%Y}"
    begun = since <= asked.as_of
    vi, en = (
        (f"{area.name} đã ngầm hoá từ {day}", f"{area.name} has been underground since {since}")
        if begun
        else (f"{area.name} sẽ ngầm hoá từ {day}", f"{area.name} goes underground on {since}")
    )
    if asked.what == "pole":
        vi, en = f"{vi}: không trồng cột, không treo cáp mới", f"{en}: no new poles or aerial cables"
        return [_of(area, "undergrounding", "refuse" if begun else "warning", None, str(since), vi, en)]
    vi, en = f"{vi}: cáp tới trạm phải đi ngầm", f"{en}: cables to the site have to be buried"
    return [_of(area, "undergrounding", "warning", None, str(since), vi, en)]


def _other(area: Area, asked: Asked) -> list[Finding]:
    assert isinstance(area.rule, Other)
    note = area.rule.note or area.name
    return [_of(area, "note", "warning", None, None, f"{area.name}: {note}; cần cán bộ xem xét",
                f"{area.name}: {note}; a person has to look")]  # fmt: skip


_JUDGES: dict[type[Rule], Callable[[Area, Asked], list[Finding]]] = {
    PlannedZone: _planned_zone,
    Heritage: _heritage,
    Airport: _airport,
    UndergroundStreet: _underground,
    Other: _other,
}


def _no_zone() -> Finding:
    return Finding(
        "planned_zone", "", "", "code", "unknown", None, None, None, "", None, None,
        "Không có khu quy hoạch hạ tầng viễn thông nào bao gồm vị trí này",
        "No planned zone of the passive-infrastructure plan holds this place",
    )  # fmt: skip


def _everywhere(asked: Asked, policy: Policy) -> list[Finding]:
    military, urban = policy.military_height_m, policy.urban_distance_m
    high = asked.height_m >= military.value
    found = [
        Finding(
            "military_height", "constraints/military_height", "Độ cao cần chấp thuận của quân sự", "height",
            "needs_approval" if high else "ok",
            asked.height_m, military.value, None, military.citation, military.valid_from, military.valid_to,
            f"Từ {military.value:g} m trở lên phải có chấp thuận của Bộ Quốc phòng về độ cao",
            f"From {military.value:g} m on the military has to approve the height",
        )
    ]  # fmt: skip
    if asked.nearest_m is not None:
        near = asked.nearest_m < urban.value
        status: Status = "ok" if not near or asked.urban is False else "warning" if asked.urban else "unknown"
        vi, en = (
            (f"Công trình gần nhất cách {asked.nearest_m:.0f} m",
             f"The nearest structure is {asked.nearest_m:.0f} m away")
            if math.isfinite(asked.nearest_m)
            else (f"Không có công trình nào trong {urban.value:g} m", f"There is no structure within {urban.value:g} m")
        )  # fmt: skip
        found.append(
            Finding(
                "distance_urban", "constraints/distance_urban", "Khoảng cách trong đô thị", "distance", status,
                round(asked.nearest_m, 2) if math.isfinite(asked.nearest_m) else None, urban.value, None,
                urban.citation, urban.valid_from, urban.valid_to,
                f"{vi}; trong đô thị nên cách ít nhất {urban.value:g} m (khuyến cáo)",
                f"{en}; in towns keep at least {urban.value:g} m (advice)",
            )
        )  # fmt: skip
    return found
