"""What a programme is asked for, and the dated policy it goes by; refused here before anything is computed."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy.orm import Session

from app.coverage.service import DEFAULT_RULE
from app.errors import Conflict, Forbidden, Invalid
from app.licensing.checks import check_between, organisation_code
from app.licensing.programme.solver import Limits
from app.policy.queries import parameter
from app.sharing.service import target_of

Kind = Literal["towers", "poles", "ducts", "new_sites"]
KINDS: tuple[Kind, ...] = ("towers", "poles", "ducts", "new_sites")
INDICATOR: dict[Kind, str] = {"towers": "a3", "poles": "a4", "ducts": "a5"}
DEFINITION: dict[Kind, str] = {"towers": "S1", "poles": "P1", "ducts": "D1", "new_sites": "a1"}


@dataclass(frozen=True)
class Asked:
    """A question; what is None takes the dated policy's value.

    Attributes
    ----------
    target : float, optional
        Percent.
    gap : float, optional
        Share of the cost, e.g. 0.01.
    operator : str, optional
        Only acts in which this organisation moves or comes.
    rule : str
        Coverage rule whose verdicts are kept, or wanted.
    each_operator : bool
        Every operator keeps the villages its own network covers, not only all of them together.
    allow_additions : bool
        An operator may also come without giving its own tower up; costs more, since nothing goes away.
    include_unknown : bool
        Villages of unknown verdict are to be covered too.
    """

    kind: Kind
    as_of: dt.date
    target: float | None = None
    gap: float | None = None
    time_limit_s: float | None = None
    radius_m: float | None = None
    operator: str | None = None
    rule: str = DEFAULT_RULE
    each_operator: bool = False
    allow_additions: bool = False
    include_unknown: bool = False

    def options(self) -> dict[str, Any]:
        """Return it as JSON, without kind, target and date, which are stored apart."""
        return {k: v for k, v in asdict(self).items() if k not in ("kind", "target", "as_of")}


@dataclass(frozen=True)
class Settled:
    """The question with everything the policy adds."""

    asked: Asked
    target: float
    radius_m: float
    limits: Limits
    operator: str | None
    cost: dict[str, Any]
    coverage: dict[str, Any]
    min_height_share: float
    citation: str


def settle(session: Session, asked: Asked) -> Settled:
    """Fill in what was not said.

    Raises
    ------
    Invalid
        `out_of_range` (target, gap, time_limit_s, radius_m), `not_finite`, `option_not_taken`, `no_target`,
        `unknown_operator`, `operator_without_radio`.
    NotFound
        A policy has no row on that date.
    """
    kind, as_of = asked.kind, asked.as_of
    _check_options(asked)
    rows = {name: parameter(session, "programme", name, as_of) for name in ("cost", "search", "solver", "coverage")}
    search, solver = rows["search"].value, rows["solver"].value
    radius = float(search[f"{kind}_m"]) if asked.radius_m is None else asked.radius_m
    check_between("radius_m", radius, float(search["max_m"]))
    gap = float(solver["gap"]) if asked.gap is None else asked.gap
    _within("gap", gap, 0.0, 1.0)
    seconds = float(solver["time_limit_s"]) if asked.time_limit_s is None else asked.time_limit_s
    _within("time_limit_s", seconds, 1.0, float(solver["max_time_limit_s"]))
    target = 100.0 if kind == "new_sites" else _target(session, asked)
    _within("target", target, 0.0, 100.0)
    radio = kind in ("towers", "new_sites")
    operator = organisation_code(session, asked.operator, as_of, radio=radio) if asked.operator else None
    share = float(parameter(session, "colocation", "judgement", as_of).value["min_height_share"])
    return Settled(asked, target, radius, Limits(gap, seconds), operator, rows["cost"].value[kind],
                   rows["coverage"].value, share, "; ".join(r.citation for r in rows.values()))  # fmt: skip


def _target(session: Session, asked: Asked) -> float:
    if asked.target is not None:
        return asked.target
    found = target_of(session, INDICATOR[asked.kind], asked.as_of.year)
    if found is None:
        raise Invalid(
            "no_target",
            f"Chưa có mục tiêu của chỉ tiêu {INDICATOR[asked.kind]} đến năm {asked.as_of.year}: hãy nêu target",
            f"There is no target of {INDICATOR[asked.kind]} up to {asked.as_of.year}: name one",
            field="target",
        )
    return float(found.value)


def _check_options(asked: Asked) -> None:
    taken = {"allow_additions": ("towers",), "each_operator": ("towers",), "include_unknown": ("new_sites",)}
    wrong = [name for name, kinds in taken.items() if getattr(asked, name) and asked.kind not in kinds]
    if asked.kind == "new_sites" and asked.target is not None:
        wrong.append("target")
    if wrong:
        raise Invalid(
            "option_not_taken",
            f"Chương trình {asked.kind} không nhận tuỳ chọn {wrong[0]}",
            f"The programme {asked.kind} does not take the option {wrong[0]}",
            field=wrong[0],
        )


def _within(field: str, value: float, least: float, most: float) -> None:
    if not math.isfinite(value):
        raise Invalid("not_finite", f"{field} không phải là số hữu hạn", f"{field} is not a finite number", field=field)
    if not least <= value <= most:
        raise Invalid(
            "out_of_range",
            f"{field} phải từ {least:g} đến {most:g}, nhận được {value:g}",
            f"{field} has to be {least:g} to {most:g}, not {value:g}",
            field=field,
        )


def department_only() -> Forbidden:
    """Return the refusal of a caller who does not see everybody's network, restricted objects included."""
    return Forbidden(
        "department_only",
        "Chỉ cơ quan quản lý lập được chương trình: danh sách nêu tên công trình của mọi doanh nghiệp",
        "Only the department makes programmes: their lists name everybody's structures",
    )


def no_known_capacity(vi: str, en: str) -> Conflict:
    """Return the refusal where nothing is known to have room: an act onto it would be a guess."""
    return Conflict(
        "no_known_capacity",
        f"Không có {vi} nào ghi nhận còn chỗ (sức chứa chưa rõ không được coi là còn): hãy bổ sung sức chứa",
        f"No {en} is known to have room (unknown capacity is never free): record capacities first",
    )
