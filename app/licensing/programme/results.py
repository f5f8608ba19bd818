"""What a programme answers: the acts, ranked, with their reasons; the ratio before and after; the proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import orjson

from app.licensing.reasons import Reason

Status = Literal["optimal", "time_limit", "infeasible", "no_solution", "already_met"]
Coverage = Literal["kept", "unknown", "not_concerned"]
STATUS_VI: dict[str, str] = {
    "optimal": "tối ưu trong sai số cho phép",
    "time_limit": "hết thời gian, sai số rộng hơn yêu cầu",
    "infeasible": "không thể đạt mục tiêu",
    "no_solution": "chưa tìm được phương án trong thời gian cho phép",
    "already_met": "đã đạt mục tiêu, không cần làm gì",
}


@dataclass(frozen=True)
class Place:
    """An object an act begins or ends at; degrees in EPSG:4326."""

    layer: str
    id: int | None
    code: str | None
    lon: float
    lat: float


@dataclass(frozen=True)
class Act:
    """One thing to do.

    Attributes
    ----------
    kind : str
        merge_towers, add_tenant, merge_poles, share_pole, share_trench, share_structure, new_site.
    source, target : Place or None
        What goes away (None: nothing does), and what is shared or built.
    organisations : tuple of str
        Codes of who moves or comes in; with several, any one of them.
    cost_vnd : float
        By the dated policy programme/cost.
    capacity_left : int or None
        Places left at the target once all acts are done.
    value_after : float or None
        The ratio (percent), or the number of villages still to be covered, once this act and those before it are done.
    coverage : {"kept", "unknown", "not_concerned"}
        kept: no village loses its verdict by the acts together. unknown: nobody can say.
    villages_checked : int
        Villages whose verdict hangs on what goes away.
    """

    rank: int
    kind: str
    source: Place | None
    target: Place
    organisations: tuple[str, ...]
    distance_m: float | None
    cost_vnd: float
    capacity_left: int | None
    value_after: float | None
    coverage: Coverage
    villages_checked: int
    reasons: tuple[Reason, ...]
    street: str | None = None
    length_m: float | None = None
    synthetic: bool = False


@dataclass(frozen=True)
class Standing:
    """Numerator and denominator of a ratio, percent; `unknown` is in neither or only below, as the definition says."""

    numerator: float
    denominator: float
    unknown: float

    @property
    def ratio(self) -> float | None:
        """Percent; null when the denominator is zero."""
        return 100 * self.numerator / self.denominator if self.denominator > 0 else None

    def as_dict(self) -> dict[str, Any]:
        """Return the three numbers and the ratio."""
        return asdict(self) | {"ratio": self.ratio}


@dataclass(frozen=True)
class Outcome:
    """The answer of one programme.

    Attributes
    ----------
    target : float or None
        Percent; None where all villages are the target.
    reachable : Standing or None
        Where the target cannot be reached: the best there is, which the acts then lead to.
    bound_vnd, gap : float or None
        No list that keeps the same rules costs less than the bound; gap is the share the cost may lie above it.
    counts : dict
        What was considered and what is unknown, by name.
    streets : tuple of dict
        What officers act on, where streets are known.
    """

    kind: str
    definition: str
    target: float | None
    status: Status
    before: Standing | None
    after: Standing | None
    reachable: Standing | None
    cost_vnd: float
    bound_vnd: float | None
    gap: float | None
    seconds: float
    acts: tuple[Act, ...]
    counts: dict[str, Any]
    reasons: tuple[Reason, ...]
    streets: tuple[dict[str, Any], ...] = ()
    villages: dict[str, Any] = field(default_factory=dict)
    synthetic: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is stored and shown; JSON throughout."""
        standings = {name: getattr(self, name) for name in ("before", "after", "reachable")}
        told: dict[str, Any] = orjson.loads(orjson.dumps(asdict(self)))
        return told | {
            "status_vi": STATUS_VI[self.status],
            **{name: value.as_dict() if value else None for name, value in standings.items()},
        }


def by_street(acts: Sequence[Act]) -> tuple[dict[str, Any], ...]:
    """Return acts, metres and cost of every street, the street with most acts first."""
    found: dict[str, dict[str, Any]] = {}
    for act in acts:
        row = found.setdefault(act.street or "", {"street": act.street, "acts": 0, "length_m": 0.0, "cost_vnd": 0.0})
        row["acts"] += 1
        row["length_m"] += act.length_m or 0.0
        row["cost_vnd"] += act.cost_vnd
    rows = sorted(found.values(), key=lambda r: (-r["acts"], r["street"] or ""))
    return tuple({**r, "length_m": round(r["length_m"], 1), "cost_vnd": round(r["cost_vnd"])} for r in rows)
