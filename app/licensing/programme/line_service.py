"""The cheapest path to the targets of poles (P1) and ducts (D1)."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.coverage.inputs import digest
from app.kit.progress import Report
from app.licensing.programme import duct_inputs, pole_inputs
from app.licensing.programme.asked import Settled, no_known_capacity
from app.licensing.programme.ducts import select
from app.licensing.programme.poles import choose
from app.licensing.programme.results import Act, Outcome, Place, Standing, Status, by_street
from app.licensing.programme.solver import Solution
from app.licensing.reasons import Reason
from app.policy.queries import parameter


def solve_poles(session: Session, settled: Settled, report: Report | None = None) -> tuple[Outcome, str]:
    """Return the outcome and the hash of what it was computed from.

    Raises
    ------
    Conflict
        `no_known_capacity`.
    """
    found = pole_inputs.read_poles(session, settled.asked.as_of)
    poles, counts = found.poles, dict(found.counts)
    span_m = float(parameter(session, "programme", "search", settled.asked.as_of).value["span_m"])
    sha256 = digest(found.inputs_sha256, poles.spare, poles.lines, found.lon, found.lat, span_m, settled)
    if _met(poles.now, settled.target):
        return _outcome(settled, "already_met", None, poles.now, poles.now, (), counts), sha256
    if not counts["with_room"]:
        raise no_known_capacity("cột treo cáp", "pole")
    codes = found.organisations.codes
    only = codes.index(settled.operator) if settled.operator else None
    joins = pole_inputs.joins(found, settled.cost, span_m, only)
    comings = pole_inputs.comings(found, settled.cost, settled.radius_m, only)
    counts |= {"moves_possible": len(joins.cost), "comings_possible": len(comings.cost)}
    chosen = choose(poles, joins, comings, settled.target, settled.limits, report)
    moving = [(float(joins.cost[a]), int(joins.source[a]), int(joins.host[a]), -1, float(joins.distance_m[a]))
              for a in chosen.joins]  # fmt: skip
    coming = [(float(comings.cost[a]), -1, int(comings.pole[a]), int(comings.party[a]), float(comings.distance_m[a]))
              for a in chosen.comings]  # fmt: skip
    room, now = poles.spare.copy(), poles.now
    acts: list[Act] = []
    sole = dict(zip(found.row.tolist(), found.party.tolist(), strict=True))
    shared: set[int] = set()
    for price, i, j, party, distance in sorted([*moving, *coming]):
        fresh = bool(poles.single[j]) and j not in shared
        shared.add(j)
        now = Standing(now.numerator + fresh, now.denominator - (i >= 0), now.unknown)
        room[j] -= poles.lines[i] if i >= 0 else 1
        who = codes[sole[i]] if i >= 0 else codes[party]
        here, there = found.code[j], found.code[i] if i >= 0 else ""
        if i >= 0:
            number = int(poles.lines[i])
            vi = f"Chuyển {number} dây của {who} từ cột {there} sang cột {here} cách {distance:.0f} m, bỏ cột cũ"
            en = f"Move {number} line(s) of {who} from {there} to {here}, {distance:.0f} m away; the pole goes"
        else:
            vi = f"{who} treo cáp lên cột {here}; dây gần nhất của họ cách {distance:.0f} m"
            en = f"{who} hangs a line on {here}; its nearest line is {distance:.0f} m away"
        source = Place("poles", int(found.id[i]), there, float(found.lon[i]), float(found.lat[i])) if i >= 0 else None
        target = Place("poles", int(found.id[j]), here, float(found.lon[j]), float(found.lat[j]))
        acts.append(
            Act(len(acts) + 1, "merge_poles" if i >= 0 else "share_pole", source, target, (who,), round(distance, 1),
                round(price), int(room[j]), now.ratio, "not_concerned", 0, (Reason("what", vi, en),),
                street=found.street[j], synthetic=bool(found.synthetic[j]))
        )  # fmt: skip
    outcome = _outcome(settled, chosen.solution.status, chosen.solution, poles.now, now, tuple(acts), counts)
    return outcome, sha256


def solve_ducts(session: Session, settled: Settled, report: Report | None = None) -> tuple[Outcome, str]:
    """Return the outcome and the hash of what it was computed from.

    Raises
    ------
    Conflict
        `no_known_capacity`.
    """
    found = duct_inputs.read_ducts(session, settled.asked.as_of, settled.radius_m)
    counts = dict(found.counts)
    sha256 = digest(found.inputs_sha256, found.length_m, found.free, settled)
    if _met(found.now, settled.target):
        return _outcome(settled, "already_met", None, found.now, found.now, (), counts), sha256
    if not counts["with_free_bores"]:
        raise no_known_capacity("cống bể", "duct")
    codes = found.organisations.codes
    only = codes.index(settled.operator) if settled.operator else None
    near = [n if only is None else n & {only} for n in found.alongside]
    may = np.array([only is None or only not in here for here in found.occupants], bool)
    afar = np.where([bool(n) for n in near], 1.0, float(settled.cost["from_afar_factor"]))
    cost = float(settled.cost["segment_vnd"]) + found.length_m * float(settled.cost["cable_vnd_per_m"]) * afar
    units = np.flatnonzero(may)
    solution, taken = select(found.length_m[units], cost[units], found.now, settled.target, settled.limits, report)
    done, now = units[taken], found.now
    acts: list[Act] = []
    for u in sorted(done.tolist(), key=lambda u: (cost[u] / found.length_m[u], u)):
        now = Standing(now.numerator + float(found.length_m[u]), now.denominator, now.unknown)
        who = tuple(codes[p] for p in sorted(near[u])) or ((codes[only],) if only is not None else ())
        code, left = found.code[u], int(found.free[u]) - 1
        ring_vi = f"{', '.join(who)} có cáp bên cạnh" if near[u] else "chưa có nhà mạng nào khác bên cạnh"
        ring_en = f"{', '.join(who)} have a cable alongside" if near[u] else "no other operator is alongside"
        vi = f"Cho nhà mạng thứ hai kéo cáp qua {code} ({found.length_m[u]:.0f} m, còn {left + 1} ống): {ring_vi}"
        en = f"Let a second operator into {code} ({found.length_m[u]:.0f} m, {left + 1} bore(s) free): {ring_en}"
        target = Place("ducts", int(found.id[u]), code, float(found.lon[u]), float(found.lat[u]))
        acts.append(
            Act(len(acts) + 1, "share_trench", None, target, who, None, round(float(cost[u])), left, now.ratio,
                "not_concerned", 0, (Reason("what", vi, en),), street=found.street[u],
                length_m=round(float(found.length_m[u]), 1), synthetic=bool(found.synthetic[u]))
        )  # fmt: skip
    return _outcome(settled, solution.status, solution, found.now, now, tuple(acts), counts), sha256


def _met(now: Standing, target: float) -> bool:
    return now.ratio is not None and now.ratio >= target


def _outcome(
    settled: Settled, status: Status, solution: Solution | None, now: Standing, after: Standing, acts: tuple[Act, ...],
    counts: dict[str, Any],
) -> Outcome:  # fmt: skip
    unknown = Reason(
        "unknown_not_touched",
        "Đối tượng chưa khảo sát, có dây chưa rõ chủ, chưa rõ sức chứa hoặc hạn chế không được đụng đến",
        "What is not surveyed, carries unclaimed lines, is of unknown capacity or restricted is not touched",
    )
    bound = solution.bound if solution else 0.0
    return Outcome(
        settled.asked.kind, {"poles": "P1", "ducts": "D1"}[settled.asked.kind], settled.target, status, now, after,
        after if status == "infeasible" else None, float(sum(a.cost_vnd for a in acts)), bound,
        solution.gap if solution else 0.0, solution.seconds if solution else 0.0, acts, counts, (unknown,),
        by_street(acts), synthetic=any(a.synthetic for a in acts),
    )  # fmt: skip
