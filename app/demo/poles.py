"""Synthetic poles along roads and streets, and whose lines they carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.demo import store
from app.demo.draw import NEVER, Dates, Flags, days, later, quota, up_to
from app.demo.noise import Floats, stream
from app.demo.parameters import label, read
from app.demo.roads import Roads
from app.demo.villages import Indexes

TELECOM = ("VIETTEL", "VNPT", "FPT", "MOBIFONE", "SCTV", "VTVCAB")
SECTION = 15


@dataclass(frozen=True)
class Lines:
    """What the poles of a section have in common, by section number."""

    owner: NDArray[np.str_]
    tenants: NDArray[np.bool_]
    """(sections, operators of `TELECOM`): who else has a telecom cable there."""
    known: Flags
    empty: Flags


def write(session: Session, seed: int, scale: float, roads: Roads, usable: Flags) -> dict[str, int]:
    """Insert poles with their occupancies; return the rows written."""
    rng, drawn, source = stream(seed, "poles"), read("lines")["poles"], label(seed)
    target = int(drawn["count"] * scale)
    extra = int(target * drawn["ended"])
    street_of = roads.street[roads.sample_edge]
    chosen = _chosen(rng, roads, street_of, usable, target + extra)
    section = _sections(street_of[chosen])
    lines = _lines(rng, drawn, section)
    count = len(chosen)
    ended = np.zeros(count, bool)
    ended[rng.choice(count, min(extra, count), replace=False)] = True
    xy = roads.sample_xy[chosen] + roads.sample_side[chosen] * rng.choice([-4.5, 4.5], count)[:, None]
    valid_from = days(rng, "1998-01-01", "2022-12-31", count)
    valid_to = np.where(ended, days(rng, "2023-02-01", "2026-10-31", count), NEVER)
    codes = np.array([f"P{n:06d}" for n in range(1, count + 1)])
    owner = lines.owner[section]
    power = np.isin(owner, ["EVN", "LIGHTING"])
    columns = {
        "code": codes,
        "owner_id": owner,
        "height_m": np.where(power, rng.choice([8.4, 10.0, 12.0], count), rng.choice([6.0, 7.0, 8.0], count)),
        "material": np.where(power, "bê tông ly tâm", rng.choice(["bê tông vuông", "thép mạ kẽm"], count)),
        "cable_capacity": [
            None if u < 0.1 else int(c) for u, c in zip(rng.random(count), rng.integers(4, 13, count), strict=True)
        ],
        "type_code": np.where(power, "C2", "C1"),
        "street": [roads.street_names[s] for s in street_of[chosen]],
        "surveyed_on": np.where(lines.known[section], days(rng, "2024-01-01", "2026-06-30", count), NEVER),
        "survey_method": "synthetic",
        "position_accuracy_m": np.round(rng.gamma(2.0, 1.2, count) + 0.5, 1),
        "geom": store.points(xy),
        "valid_from": valid_from,
        "valid_to": valid_to,
    }
    poles = store.put(session, "pole", columns, {"owner_id": ("organisation", "code")}, source=source)
    rows = _occupancies(rng, drawn, lines, section, valid_from)
    pole = rows.pop("pole")
    occupied = store.put(
        session,
        "pole_occupancy",
        rows
        | {"pole_id": codes[pole], "valid_to": valid_to[pole], "line_count": rng.integers(1, 5, len(pole))}
        | {"valid_from": np.where(ended[pole], valid_from[pole], later(rows["valid_from"], valid_from[pole]))},
        {"pole_id": ("pole", "code"), "tenant_id": ("organisation", "code")},
        source=source,
    )
    return {"pole": poles, "pole_occupancy": occupied}


def _chosen(rng: np.random.Generator, roads: Roads, street: Indexes, usable: Flags, count: int) -> Indexes:
    """Return the samples that become poles: whole streets, main roads a little more often."""
    wish = rng.random(len(roads.street_names)) + 0.4 * np.bincount(
        street, roads.grid[roads.sample_edge] > 0
    ) / np.maximum(np.bincount(street), 1)
    order = np.lexsort((np.arange(len(street)), street, wish[street]))
    return np.sort(order[usable[order]][:count])


def _sections(street: Indexes) -> Indexes:
    """Return the section of each pole: runs of `SECTION` poles of one street, which carry the same lines."""
    order = np.argsort(street, kind="stable")
    rank = np.empty(len(street), np.int64)
    first = np.searchsorted(street[order], street[order])
    rank[order] = np.arange(len(street)) - first
    return np.unique(np.column_stack([street, rank // SECTION]), axis=0, return_inverse=True)[1].ravel()


def _lines(rng: np.random.Generator, drawn: dict[str, Any], section: Indexes) -> Lines:
    """Choose owners and tenants section by section so that the share of shared poles comes out as asked."""
    weight = np.bincount(section).astype(np.float64)
    sections = len(weight)
    # Owners by quota, not by lot: a few long roads would else decide the ratio.
    owner, free = np.full(sections, "EVN", dtype="<U16"), np.ones(sections, bool)
    for code, share in drawn["owners"].items():
        if code != "EVN":
            mine = up_to_share(rng, weight, share, free)
            owner[mine], free = code, free & ~mine
    own_telecom = np.isin(owner, TELECOM)
    chance = np.array([drawn["tenants"][code] for code in TELECOM])
    tenants = rng.random((sections, len(TELECOM))) < chance
    tenants |= np.eye(len(TELECOM), dtype=bool)[rng.integers(0, 2, sections)] & ~tenants.any(axis=1, keepdims=True)
    bare = quota(rng, weight, drawn["without_telecom"], ~own_telecom)
    unknown = quota(rng, weight, drawn["not_surveyed"])
    empty = quota(rng, weight, drawn["empty"], ~unknown) & ~unknown
    tenants[bare | unknown | empty] = False
    for k, code in enumerate(TELECOM):
        tenants[owner == code, k] = False
    counted = ~unknown & ~empty & (own_telecom | tenants.any(axis=1))
    alone = up_to_share(rng, weight, (1 - drawn["shared"]), counted & own_telecom, weight[counted].sum())
    tenants[alone] = False
    second = counted & own_telecom & ~alone & ~tenants.any(axis=1)
    tenants[second, np.where(owner[second] == "VIETTEL", 1, 0)] = True
    return Lines(owner, tenants, ~unknown, empty)


def up_to_share(rng: np.random.Generator, weight: Floats, share: float, among: Flags, of: float | None = None) -> Flags:
    """Choose items `among` whose weights reach `share` of `of` (default: of all)."""
    return up_to(rng, weight, share * float(weight.sum() if of is None else of), among)


def _occupancies(
    rng: np.random.Generator, drawn: dict[str, Any], lines: Lines, section: Indexes, since: Dates
) -> dict[str, Any]:
    """Return pole index, tenant, service and start of every line; the owner's own line is one of them."""
    live = np.flatnonzero((lines.known & ~lines.empty)[section])
    pole, operator = np.nonzero(lines.tenants[section])
    loose = live[lines.tenants[section][live].any(axis=1)]
    loose = np.sort(rng.choice(loose, int(len(section) * drawn["unclaimed"]), replace=False))
    own_service = np.array([drawn["own_service"].get(o, "telecom") for o in lines.owner])
    tenants = [*lines.owner[section[live]], *np.array(TELECOM)[operator], *([None] * len(loose))]
    joined = days(rng, "2004-01-01", "2025-09-30", len(pole))
    return {
        "pole": np.concatenate([live, pole, loose]),
        "tenant_id": tenants,
        "service": [*own_service[section[live]], *(["telecom"] * (len(pole) + len(loose)))],
        "valid_from": np.concatenate([since[live], joined, days(rng, "2018-01-01", "2025-12-31", len(loose))]),
    }
