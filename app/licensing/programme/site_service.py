"""The fewest new sites that cover all villages: operators on what stands first, then new sites."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage.inputs import digest
from app.coverage.verdict import COVERED, NOT_COVERED, UNKNOWN
from app.errors import Unavailable
from app.kit.progress import Report
from app.licensing.programme import site_inputs
from app.licensing.programme.asked import Settled
from app.licensing.programme.kept import Keeping
from app.licensing.programme.radio import Radio, hear, open_radio
from app.licensing.programme.results import Act, Outcome, Place, Standing
from app.licensing.programme.site_inputs import Candidates
from app.licensing.programme.sites import coverable, fewest, only
from app.licensing.programme.solver import Floats, Ints
from app.licensing.programme.tower_inputs import Registered, read_towers
from app.licensing.reasons import Reason
from app.policy.queries import parameter

_NAMES = """
    SELECT v.id, v.code, v.name, u.name AS commune, ST_X(v.point) AS lon, ST_Y(v.point) AS lat, v.population
    FROM village v LEFT JOIN village_unit m ON m.village_id = v.id
         AND registry.in_force(m.valid_from, m.valid_to, :as_of)
    LEFT JOIN unit u ON u.id = m.unit_id
    WHERE v.id = ANY (:ids) ORDER BY v.id
"""
_RADIO = "SELECT code FROM organisation WHERE has_radio AND registry.in_force(valid_from, valid_to, :as_of) ORDER BY 1"


def solve_new_sites(session: Session, settled: Settled, report: Report | None = None) -> tuple[Outcome, str]:
    """Return the outcome and the hash of what it was computed from.

    Raises
    ------
    Unavailable
        `programme_without_coverage`: there is no terrain, no cell or no populated point.
    Invalid
        `rule_not_for_programmes`.

    Notes
    -----
    Adding a station takes no level away in this model, so what candidates reach one by one adds up exactly. That the
    candidates are few (centres and high ground) is a heuristic: a better place may lie between them.
    """
    asked, value = settled.asked, settled.coverage
    radio = open_radio(session, asked.as_of, asked.rule)
    if radio is None:
        raise Unavailable(
            "programme_without_coverage",
            "Chưa có địa hình, cell hoặc điểm dân cư: chưa thể biết trạm mới phủ được thôn nào",
            "Terrain, cells or populated points are missing: nobody can say which villages a site would cover",
        )
    found = read_towers(session, asked.as_of)
    before = hear(radio, radio.cells.network, np.arange(len(radio.cells.cell_id)), report)
    verdict = before.verdicts(radio).verdict
    peopled = np.bincount(radio.places.village, radio.weight, len(radio.places.village_id)) > 0
    dark = (verdict == NOT_COVERED) | ((verdict == UNKNOWN) & asked.include_unknown)
    villages = np.flatnonzero(dark & peopled)
    points = np.flatnonzero(np.isin(radio.places.village, villages))
    operator = found.organisations.codes.index(settled.operator) if settled.operator else None
    places = site_inputs.candidates(radio, found, points, settled.radius_m, value, operator)
    technology = str(value["technology"])
    preset = parameter(session, "technology_default", technology, asked.as_of).value
    network = site_inputs.network(radio, places, technology, preset)
    rows = site_inputs.wanted(radio, before, villages, network, settled.radius_m, report)
    can = coverable(rows, len(places.lon))
    new = places.position < 0
    cost = np.where(new, float(settled.cost["new_site_vnd"]), float(settled.cost["share_vnd"]))
    kept = only(rows, can)
    got = fewest(kept, new, cost, settled.limits, report)
    order, left = _ranked(kept, got.chosen, cost, len(places.lon))
    radios = (settled.operator,) if settled.operator else tuple(session.scalars(text(_RADIO), {"as_of": asked.as_of}))
    acts = tuple(
        _act(radio, found, places, kept, int(c), n, remaining, float(cost[c]), radios)
        for n, (c, remaining) in enumerate(zip(order, left, strict=True), start=1)
    )
    covered, total = int((verdict == COVERED).sum()), len(verdict)
    reached = int(can.sum()) if len(got.solution.x) else 0
    now, after = (
        Standing(covered, total, int((verdict == UNKNOWN).sum())),
        Standing(
            covered + reached, total, int(((verdict == UNKNOWN) & ~np.isin(np.arange(total), villages[can])).sum())
        ),
    )
    sha256 = digest(radio.places.lon, radio.places.lat, radio.weight, radio.cells.network.cells,
                    radio.cells.network.mast_lon, radio.cells.network.mast_lat, radio.terrain.version,
                    radio.cover.version, places.lon, places.lat, places.height_m, places.position, settled)  # fmt: skip
    counts: dict[str, Any] = {
        "villages": total, "not_covered": int((verdict == NOT_COVERED).sum()),
        "unknown": int((verdict == UNKNOWN).sum()), "wanted": len(villages), "coverable": int(can.sum()),
        "structures_considered": int((~new).sum()), "places_considered": int(new.sum()), "new_sites": got.new_sites,
        "new_sites_bound": got.new_sites_bound, "shared": len(acts) - got.new_sites,
        "capacity_unknown": found.counts["capacity_unknown"],
    }  # fmt: skip
    ids = radio.places.village_id
    told = {
        "not_coverable": _names(session, asked.as_of, ids[villages[~can]]),
        "unknown": _names(session, asked.as_of, ids[verdict == UNKNOWN]),
    }
    return Outcome(
        "new_sites", "a1", None, "already_met" if not len(villages) else got.solution.status, now, after,
        None if can.all() else after, float(sum(a.cost_vnd for a in acts)), got.solution.bound, got.solution.gap,
        got.solution.seconds, acts, counts, _reasons(radio, technology, value, counts), villages=told,
        synthetic=radio.terrain.synthetic or bool(radio.places.village_synthetic[villages].any()),
    ), sha256  # fmt: skip


def _ranked(rows: Keeping, chosen: Ints, cost: Floats, candidates: int) -> tuple[list[int], list[float]]:
    """Return the candidates in the order that covers most villages for their cost, and how many are then left."""
    nobody, done, order, after = np.zeros(0, bool), np.zeros(candidates, bool), [], []
    left = set(chosen.tolist())
    while left:
        best, fewest_left = -1, (np.inf, np.inf, -1)
        for c in sorted(left):
            done[c] = True
            key = (float(len(rows.broken(nobody, done))), float(cost[c]), c)
            done[c] = False
            if key < fewest_left:
                best, fewest_left = c, key
        left.remove(best)
        done[best] = True
        order.append(best)
        after.append(fewest_left[0])
    return order, after


def _act(
    radio: Radio, found: Registered, places: Candidates, rows: Keeping, c: int, rank: int, left: float, cost: float,
    radios: tuple[str, ...],
) -> Act:  # fmt: skip
    mine = rows.helper_point[rows.helper == c]
    villages, people = np.unique(rows.village[rows.row[mine]]), float(rows.weight[mine].sum())
    where = f"{float(places.lon[c]):.5f}, {float(places.lat[c]):.5f}"
    i = int(places.position[c])
    made_up = radio.terrain.synthetic or bool(radio.places.village_synthetic[villages].any())
    if i >= 0:
        here = found.structure[i] or found.code[i]
        absent = tuple(o for o in radios if found.organisations.codes.index(o) not in found.operators[i])
        target = Place("structures", int(found.structure_id[i]), here, float(places.lon[c]), float(places.lat[c]))
        kind, spare = "share_structure", int(found.towers.spare[i]) - 1
        vi, en = f"Đặt thêm một nhà mạng trên {here}, còn chỗ", f"Add an operator on {here}, which has room"
        made_up = made_up or bool(found.synthetic[i])
    else:
        absent, kind, spare, target = radios, "new_site", None, Place("place", None, None, float(places.lon[c]),
                                                                       float(places.lat[c]))  # fmt: skip
        on_vi, on_en = ("điểm cao", "high ground") if places.ground[c] else ("trung tâm thôn", "a village's centre")
        vi, en = f"Xây trạm mới tại {where} ({on_vi})", f"Build a site at {where} ({on_en})"
    reach_vi = f"{places.height_m[c]:.0f} m: tới {people:.0f} người chưa được phủ của {len(villages)} thôn"
    reach_en = f"{places.height_m[c]:.0f} m: reaches {people:.0f} people not covered, of {len(villages)} village(s)"
    reasons = (Reason("what", vi, en), Reason("reach", reach_vi, reach_en))
    return Act(rank, kind, None, target, absent, None, round(cost), spare, left, "not_concerned", len(villages),
               reasons, synthetic=made_up)  # fmt: skip


def _names(session: Session, as_of: dt.date, ids: Ints) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(text(_NAMES), {"as_of": as_of, "ids": ids.tolist()}).mappings()]


def _reasons(radio: Radio, technology: str, value: dict[str, Any], counts: dict[str, Any]) -> tuple[Reason, ...]:
    return (
        Reason(
            "station",
            f"Mỗi nơi được tính với một cell {technology} đẳng hướng, ăng-ten cao tới {value['height_m']:g} m, "
            f"theo quy tắc {radio.name}",
            f"Every place is taken with one omnidirectional {technology} cell, antenna up to {value['height_m']:g} m, "
            f"by the rule {radio.name}",
        ),
        Reason(
            "proof",
            f"Cần {counts['new_sites']} trạm mới, không thể ít hơn {counts['new_sites_bound']} với các nơi đã xét",
            f"{counts['new_sites']} new site(s), no fewer than {counts['new_sites_bound']} among the places considered",
        ),
        Reason(
            "left",
            f"{counts['wanted'] - counts['coverable']} thôn không nơi nào trong số đó phủ được; "
            f"{counts['unknown']} thôn chưa rõ được liệt kê riêng",
            f"{counts['wanted'] - counts['coverable']} village(s) no place covers; {counts['unknown']} of unknown "
            f"verdict are listed apart",
        ),
    )
