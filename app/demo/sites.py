"""Synthetic sites where people live: structures, tenants, base stations and sectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.demo import store
from app.demo.communes import Shape
from app.demo.draw import NEVER, Dates, Flags, days, later, option, quota
from app.demo.noise import Floats, stream
from app.demo.parameters import label, read
from app.demo.structures import Structures, build_structures
from app.demo.villages import Indexes, Villages, inside_villages

OPERATORS = ("VIETTEL", "VNPT", "MOBIFONE", "VIETNAMOBILE")


@dataclass(frozen=True)
class Sites:
    """Sites and who is on their masts."""

    codes: NDArray[np.str_]
    xy: Floats
    classes: NDArray[np.str_]
    owner: NDArray[np.str_]
    tenants: NDArray[np.bool_]
    """(sites, OPERATORS); all false for unknown and for empty sites."""
    surveyed: Flags
    ended: Flags
    valid_from: Dates
    valid_to: Dates


def write(
    session: Session, seed: int, scale: float, villages: Villages, form: Shape, remote: Floats
) -> tuple[dict[str, int], Sites, Structures]:
    """Insert sites, structures and their tenants; none near `remote`; return rows and what they are."""
    rng, drawn, source = stream(seed, "sites"), read("sites"), label(seed)
    company = drawn["tower_company"]
    written = {
        "organisation": store.put(
            session,
            "organisation",
            {"code": [company["code"]], "name": company["name"], "kind": "tower_company", "has_radio": False},
            source=source,
        )
    }
    sites = _sites(rng, drawn, scale, villages, form, remote)
    structures = build_structures(rng, drawn, sites.classes, sites.tenants.sum(axis=1))
    owned = sites.owner == company["code"]
    offers = np.where(owned, 1.0, np.where(rng.random(len(owned)) < 0.3, np.nan, rng.random(len(owned)) < 0.4))
    written["site"] = store.put(
        session,
        "site",
        {
            "code": sites.codes,
            "name": [f"Trạm {c}" for c in sites.codes],
            "owner_id": sites.owner,
            "urban": np.isin(sites.classes, ["city", "town"]),
            "sharing_offered": [None if np.isnan(v) else bool(v) for v in offers],
            "restricted": quota(stream(seed, "restricted"), np.ones(len(owned)), drawn["restricted"], ~sites.ended),
            "surveyed_on": np.where(sites.surveyed, days(rng, "2024-01-01", "2026-06-30", len(owned)), NEVER),
            "survey_method": "synthetic",
            "position_accuracy_m": np.round(rng.gamma(2.0, 1.5, len(owned)) + 0.5, 1),
            "geom": store.points(sites.xy),
            "valid_from": sites.valid_from,
            "valid_to": sites.valid_to,
        },
        {"owner_id": ("organisation", "code")},
        source=source,
    )
    loads = stream(seed, "loads")
    written["structure"] = _write_structures(session, rng, loads, drawn, sites, structures, source)
    written["structure_occupancy"] = _write_tenants(session, rng, loads, drawn, sites, source)
    return written, sites, structures


def _sites(
    rng: np.random.Generator, drawn: dict[str, Any], scale: float, villages: Villages, form: Shape, remote: Floats
) -> Sites:
    """Choose positions and tenants; shared, unknown and empty positions come by quota, so the ratio holds."""
    target = max(int(drawn["count"] * scale), 8)
    xy, classes = _places(rng, drawn, target + max(int(target * drawn["ended"]), 1), villages, form, remote)
    count = len(xy)
    ended = np.zeros(count, bool)
    ended[rng.choice(count, count - target, replace=False)] = True
    one = np.ones(count)
    unknown = quota(rng, one, drawn["tenancy_unknown"], ~ended)
    empty = quota(rng, one, drawn["known_empty"], ~ended & ~unknown)
    used = ~unknown & ~empty
    first = option(rng, drawn["operators"], count)
    country = ~np.isin(classes, ["city", "town"])
    first[country & (first == "VIETNAMOBILE")] = "VIETTEL"
    tenants = np.stack([first == code for code in OPERATORS], axis=1)
    chance = np.array([drawn["operators"][code] for code in OPERATORS])
    shared = quota(rng, one, drawn["shared"], used & ~ended)
    three = quota(rng, one, drawn["three_tenants"], shared)
    for wanted in (shared, three):
        wish = np.where(tenants, -1.0, rng.random(tenants.shape) * chance)
        tenants[wanted, wish.argmax(axis=1)[wanted]] = True
    tenants[~used] = False
    owner = first.astype("<U16")
    owner[rng.random(count) < drawn["tower_company"]["share"]] = drawn["tower_company"]["code"]
    valid_from = days(rng, "2006-01-01", "2023-06-30", count)
    return Sites(
        codes=np.array([f"HUE{n:04d}" for n in range(1, count + 1)]),
        xy=xy,
        classes=classes,
        owner=owner,
        tenants=tenants,
        surveyed=~unknown & (empty | (rng.random(count) < 0.9)),
        ended=ended,
        valid_from=valid_from,
        valid_to=np.where(ended, days(rng, "2023-08-01", "2026-10-31", count), NEVER),
    )


def _places(
    rng: np.random.Generator, drawn: dict[str, Any], count: int, villages: Villages, form: Shape, remote: Floats
) -> tuple[Floats, NDArray[np.str_]]:
    """Return positions near dwelling clusters, and the class of their village; some villages get none."""
    dark: Flags = (np.hypot(*(villages.xy[:, None] - remote).transpose(2, 0, 1)) < drawn["remote_m"]).any(axis=1)
    for name, share in drawn["villages_without"].items():
        dark |= quota(rng, np.ones(len(dark)), share, villages.classes == name)
    density = np.array([drawn["density"][str(c)] for c in villages.classes])
    of = villages.point_village
    weight = villages.point_population * density[of] * ~dark[of] + 1e-9
    # Exponential keys: a weighted sample without replacement (Efraimidis and Spirakis 2006).
    key = rng.exponential(1.0, len(of)) / weight
    chosen = np.argsort(key, kind="stable")[np.arange(count) % len(of)]
    angle, reach = rng.uniform(0, 2 * np.pi, count), rng.uniform(30.0, 160.0, count)
    wanted = villages.point_xy[chosen] + np.column_stack([np.cos(angle), np.sin(angle)]) * reach[:, None]
    twin = rng.choice(count, int(count * drawn["near_duplicates"]), replace=False)
    other: Indexes = (twin + 1 + rng.integers(0, count - 1, len(twin))) % count
    shift = rng.uniform(0, 2 * np.pi, len(twin))
    wanted[twin] = wanted[other] + np.column_stack([np.cos(shift), np.sin(shift)]) * rng.uniform(25, 80, (len(twin), 1))
    village = of[chosen]
    village[twin] = village[other]
    return inside_villages(wanted, village, villages, form), villages.classes[village]


def _write_structures(
    session: Session, rng: np.random.Generator, loads: np.random.Generator, drawn: dict[str, Any], sites: Sites,
    masts: Structures, source: str,
) -> int:  # fmt: skip
    """Insert the mast (or roof) of every site, and a house or container where there is one."""
    house = np.flatnonzero(rng.random(len(sites.codes)) < drawn["houses"])
    every = np.concatenate([np.arange(len(sites.codes)), house])
    blank, low = [None] * len(house), np.full(len(house), np.nan)
    return store.put(
        session,
        "structure",
        {
            "site_id": sites.codes[every],
            "code": [*(f"{c}-S" for c in sites.codes), *(f"{c}-H" for c in sites.codes[house])],
            "kind": [*masts.kind, *rng.choice(["house", "container"], len(house))],
            "type_code": [*masts.type_code, *blank],
            "owner_id": sites.owner[every],
            "height_m": np.concatenate([masts.height_m, np.full(len(house), 3.2)]),
            "host_height_m": np.concatenate([masts.host_height_m, low]),
            "half_width_m": np.concatenate([masts.half_width_m, low]),
            "mounting": [*masts.mounting, *(["ground"] * len(house))],
            "disguised": [*masts.disguised, *blank],
            "tenant_capacity": [*masts.tenant_capacity, *blank],
            "load_capacity_kg": np.concatenate([_loads(loads, drawn["load"], "capacity", len(sites.codes)), low]),
            "built_on": sites.valid_from[every],
            "survey_method": "synthetic",
            "geom": store.points(sites.xy[every] + (np.arange(len(every)) >= len(sites.codes))[:, None] * 4.0),
            "valid_from": sites.valid_from[every],
            "valid_to": sites.valid_to[every],
        },
        {"site_id": ("site", "code"), "owner_id": ("organisation", "code")},
        source=source,
    )


def _loads(loads: np.random.Generator, drawn: dict[str, Any], what: str, count: int) -> Floats:
    """Return weights in kg to ten, NaN where nobody recorded one."""
    low, high = drawn[what]
    kg = np.round(loads.uniform(low, high, count), -1)
    return np.asarray(np.where(loads.random(count) < drawn["unknown"], np.nan, kg), np.float64)


def _write_tenants(
    session: Session, rng: np.random.Generator, loads: np.random.Generator, drawn: dict[str, Any], sites: Sites,
    source: str,
) -> int:  # fmt: skip
    """Insert who is on which mast: radio operators, and a few fixed operators that the ratio must not count."""
    site, operator = np.nonzero(sites.tenants)
    names = [OPERATORS[o] for o in operator]
    second = np.concatenate([[False], site[1:] == site[:-1]])
    since = np.where(
        second, later(days(rng, "2014-01-01", "2026-06-30", len(site)), sites.valid_from[site]), sites.valid_from[site]
    )
    since = np.where(sites.ended[site], sites.valid_from[site], since)
    others = [(int(i), code) for code, share in drawn["non_radio_tenants"].items()
              for i in np.flatnonzero((rng.random(len(sites.codes)) < share) & sites.tenants.any(axis=1))]  # fmt: skip
    extra = np.array([i for i, _ in others], np.int64)
    every = np.concatenate([site, extra])
    return store.put(
        session,
        "structure_occupancy",
        {
            "structure_id": [f"{c}-S" for c in sites.codes[every]],
            "tenant_id": [*names, *(code for _, code in others)],
            "component": "mast",
            "load_kg": _loads(loads, drawn["load"], "tenant", len(every)),
            "valid_from": np.concatenate([since, sites.valid_from[extra]]),
            "valid_to": sites.valid_to[every],
        },
        {"structure_id": ("structure", "code"), "tenant_id": ("organisation", "code")},
        source=source,
    )
