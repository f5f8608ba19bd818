"""The cheapest merges of towers that reach the target of S1, no village losing its verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.coverage.inputs import digest
from app.kit.progress import Report
from app.licensing.programme import keeping
from app.licensing.programme.asked import Settled, no_known_capacity
from app.licensing.programme.keeping import Checked
from app.licensing.programme.kept import Keeping, nothing_kept
from app.licensing.programme.radio import Radio, open_radio
from app.licensing.programme.results import Act, Coverage, Outcome, Place, Standing, Status
from app.licensing.programme.solver import Ints, Solution
from app.licensing.programme.tower_inputs import Registered, merges, read_towers
from app.licensing.programme.towers import Bools, Merges, best, ranked, standing_after
from app.licensing.reasons import Reason

_ROUNDS = 25
"""Solutions tried; each one that costs a village its verdict is forbidden."""


def solve_towers(session: Session, settled: Settled, report: Report | None = None) -> tuple[Outcome, str]:
    """Return the outcome and the hash of what it was computed from.

    Raises
    ------
    Conflict
        `no_known_capacity`: no structure is known to have room, so nothing can be merged.
    """
    asked = settled.asked
    found = read_towers(session, asked.as_of)
    now = found.towers.standing()
    counts: dict[str, Any] = dict(found.counts)
    radio = open_radio(session, asked.as_of, asked.rule)
    sha256 = digest(
        found.id, found.towers.k, found.towers.spare, found.towers.operator, found.top_m, found.antenna_m,
        found.stations, settled, *(_radio_parts(radio) if radio else ("no radio",)),
    )  # fmt: skip
    if now.ratio is not None and now.ratio >= settled.target:
        return _outcome(settled, "already_met", now, now, counts), sha256
    if not counts["with_room"]:
        raise no_known_capacity("cột", "structure")
    acts = merges(found, settled.cost, settled.radius_m, settled.min_height_share, additions=asked.allow_additions)
    if settled.operator is not None:
        acts = acts.only(acts.operator == found.organisations.codes.index(settled.operator))
    counts["merges_possible"] = len(acts.cost)
    checked, held = None, nothing_kept()
    if radio is not None and len(acts.cost):
        reach_m = 1000 * float(settled.coverage["check_km"])
        checked = keeping.check(radio, found, acts, reach_m, each_operator=asked.each_operator, report=report)
        barred = np.isin(acts.source, checked.keeping.frozen) | checked.keeping.alone(acts.source)
        counts |= {
            "villages_at_risk": checked.villages_at_risk,
            "positions_frozen": len(checked.keeping.frozen),
            "merges_barred_by_coverage": int(barred.sum()),
        }
        acts, held = _left(acts, ~barred, checked.keeping)
    solution, done, rounds = _solved(settled, found, acts, held, checked, report)
    counts["rounds"] = rounds
    after = standing_after(found.towers, acts, done)
    reached = solution.status != "infeasible"
    order, steps = ranked(found.towers, acts, done)
    told = tuple(
        _act(found, acts, int(a), number, step.ratio, checked, held, len(radio.places.village_id) if radio else 0, done)
        for number, (a, step) in enumerate(zip(order, steps, strict=True), start=1)
    )
    outcome = _outcome(settled, solution.status, now, after, counts)
    return replace(
        outcome, acts=told, cost_vnd=float(acts.cost[done].sum()), seconds=solution.seconds,
        bound_vnd=solution.bound if reached else None, gap=solution.gap, reachable=None if reached else after,
        reasons=(*outcome.reasons, *_coverage_reasons(radio, checked, asked.each_operator)),
        synthetic=any(a.synthetic for a in told) or bool(radio and radio.terrain.synthetic),
    ), sha256  # fmt: skip


def _left(acts: Merges, kept: Bools, held: Keeping) -> tuple[Merges, Keeping]:
    """Return some of the acts, and the rows with the numbers these then have."""
    number = np.cumsum(kept) - 1
    here = kept[held.helper]
    return acts.only(kept), replace(held, helper_point=held.helper_point[here], helper=number[held.helper[here]])


def _solved(
    settled: Settled, found: Registered, acts: Merges, held: Keeping, checked: Checked | None, report: Report | None
) -> tuple[Solution, Ints, int]:
    """Solve until the engine finds no village worse off; without radio the first solution is it."""
    forbidden: list[Ints] = []
    left, spent = settled.limits.time_limit_s, 0.0
    for number in range(1, _ROUNDS + 1):
        limits = replace(settled.limits, time_limit_s=max(left, 1.0))
        solution, done = best(found.towers, acts, held, settled.target, limits, forbidden=tuple(forbidden),
                              report=report)  # fmt: skip
        left, spent = left - solution.seconds, spent + solution.seconds
        solution = replace(solution, seconds=spent)
        if checked is None or not len(done):
            return solution, done, number
        bad = keeping.lost(checked, found, acts, done, report)
        if not len(bad):
            return solution, done, number
        forbidden += [keeping.touching(checked, acts, done, int(v)) for v in bad]
    return replace(solution, status="no_solution", gap=None, bound=None), np.empty(0, np.int64), _ROUNDS


def _act(
    found: Registered, acts: Merges, a: int, rank: int, ratio: float | None, checked: Checked | None, held: Keeping,
    villages: int, done: Ints,
) -> Act:  # fmt: skip
    i, j = int(acts.source[a]), int(acts.host[a])
    who, host = found.organisations.codes[int(acts.operator[a])], found.structure[j] or found.code[j]
    left = int(found.towers.spare[j] - (acts.host[done] == j).sum())
    hangs = held.villages_of(i) if i >= 0 else 0
    coverage: Coverage = "kept" if checked is not None and (i < 0 or bool(found.has_cells[i])) else "unknown"
    distance = float(acts.distance_m[a])
    if i >= 0:
        old = found.code[i]
        vi = f"Chuyển thiết bị của {who} từ {old} sang {host} cách {distance:.0f} m rồi tháo dỡ {old}"
        en = f"Move {who} from {old} to {host}, {distance:.0f} m away, and take {old} down"
    else:
        vi = f"{who} đặt thêm thiết bị tại {host}, giữ nguyên trạm của mình"
        en = f"{who} comes to {host} and keeps its own tower"
    room = Reason("room", f"Sau đó {host} còn chỗ cho {left} nhà mạng", f"{host} then has room for {left} more")
    reasons = [Reason("what", vi, en), room]
    reasons.append(_kept(coverage, hangs, villages, i >= 0 and checked is not None))
    source = None
    if i >= 0:
        source = Place("sites", int(found.id[i]), found.code[i], float(found.lon[i]), float(found.lat[i]))
    target = Place("structures", int(found.structure_id[j]), host, float(found.structure_lon[j]),
                   float(found.structure_lat[j]))  # fmt: skip
    return Act(
        rank, "merge_towers" if i >= 0 else "add_tenant", source, target, (who,), round(distance, 1),
        round(float(acts.cost[a])), left, ratio, coverage, hangs, tuple(reasons),
        synthetic=bool(found.synthetic[j] or (i >= 0 and found.synthetic[i])),
    )  # fmt: skip


def _kept(coverage: Coverage, hangs: int, villages: int, engine: bool) -> Reason:
    if coverage == "kept":
        return Reason(
            "coverage_kept",
            f"{hangs} thôn phụ thuộc vị trí này; tính lại cả danh sách trên {villages} thôn: không thôn nào xấu đi",
            f"{hangs} village(s) hang on this position; the whole list judged over {villages}: none is worse off",
        )
    why_vi = "chưa có cell nào của trạm này" if engine else "chưa có địa hình, cell hoặc điểm dân cư"
    why_en = "no cell of this position is registered" if engine else "terrain, cells or populated points are missing"
    return Reason("coverage_unknown", f"Chưa rõ ảnh hưởng vùng phủ: {why_vi}", f"Effect on coverage unknown: {why_en}")


def _coverage_reasons(radio: Radio | None, checked: Checked | None, each: bool) -> list[Reason]:
    if radio is None:
        return [
            Reason(
                "coverage_unknown",
                "Chưa có địa hình, cell hoặc điểm dân cư nên không kiểm tra được vùng phủ của danh sách",
                "Terrain, cells or populated points are missing, so nobody can say what the list does to coverage",
            )
        ]
    if checked is None:
        return []
    whose_vi, whose_en = ("từng nhà mạng", "each operator") if each else ("tất cả nhà mạng", "all operators together")
    return [
        Reason(
            "coverage_kept",
            f"Kết luận theo quy tắc {radio.name} của {whose_vi} được giữ nguyên ở mọi thôn (theo mô hình)",
            f"By the rule {radio.name}, {whose_en}, no village's verdict of the model is worse",
        )
    ]


def _outcome(settled: Settled, status: Status, now: Standing, after: Standing, counts: dict[str, Any]) -> Outcome:
    unknown = Reason(
        "unknown_not_touched",
        f"{counts['tenancy_unknown']} vị trí chưa rõ có ai, {counts['capacity_unknown']} chưa rõ sức chứa và "
        f"{counts['restricted']} vị trí hạn chế không được đụng đến",
        f"{counts['tenancy_unknown']} position(s) of unknown tenancy, {counts['capacity_unknown']} of unknown capacity "
        f"and {counts['restricted']} restricted are not touched",
    )
    return Outcome(
        "towers", "S1", settled.target, status, now, after, None, 0.0,
        0.0 if status == "already_met" else None, 0.0 if status == "already_met" else None, 0.0, (), dict(counts),
        (unknown,),
    )  # fmt: skip


def _radio_parts(radio: Radio) -> tuple[object, ...]:
    network, places = radio.cells.network, radio.places
    return (
        network.mast_lon, network.mast_lat, network.first_cell, network.cells, network.group, places.village_id,
        places.lon, places.lat, radio.weight, radio.rule, radio.receiver, radio.terrain.version, radio.cover.version,
        radio.calibration,
    )  # fmt: skip
