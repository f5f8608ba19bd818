"""Synthetic facilities with their lines, and the distribution points homes are connected from."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.demo import store
from app.demo.communes import Communes, Shape
from app.demo.draw import NEVER, days, option, quota
from app.demo.noise import Floats, stream
from app.demo.parameters import label, read
from app.demo.villages import Villages, inside_villages


def write(session: Session, seed: int, communes: Communes, villages: Villages, form: Shape) -> dict[str, int]:
    """Insert commune offices, schools, clinics, parks and their lines; return the rows written."""
    rng, drawn, source = stream(seed, "facilities"), read("facilities"), label(seed)
    rows: list[dict[str, Any]] = []
    for unit, code in enumerate(communes.codes):
        members = np.flatnonzero(villages.commune == unit)
        kind = str(villages.classes[members[0]])
        largest = members[np.argsort(-villages.population[members], kind="stable")]
        for spec in drawn["facilities"]:
            several = spec["per"][kind] > 1
            for n in range(spec["per"][kind]):
                name = f"{spec['name']} {communes.names[unit]}" + (f" số {n + 1}" if several else "")
                rows.append({"unit": code, "village": largest[n % len(largest)], "name": name} | spec)
        rows += [park | {"unit": code, "village": largest[-1]} for park in drawn["parks"] if park["commune"] == code]
    village = np.array([r["village"] for r in rows])
    wanted = villages.xy[village] + rng.normal(0.0, 120.0, (len(rows), 2))
    codes = [f"CS{n:04d}" for n in range(1, len(rows) + 1)]
    lines = [
        (code, service, mbps)
        for code, row in zip(codes, rows, strict=True)
        for service, (share, mbps) in row["lines"].items()
        if rng.random() < share
    ]
    operators = option(rng, {"VNPT": 0.6, "VIETTEL": 0.4}, len(lines))
    return {
        "facility": store.put(
            session,
            "facility",
            {
                "code": codes,
                "name": [r["name"] for r in rows],
                "kind": [r["kind"] for r in rows],
                "unit_id": [r["unit"] for r in rows],
                "survey_method": "synthetic",
                "geom": store.points(inside_villages(wanted, village, villages, form)),
                "valid_from": np.datetime64("2025-07-01"),
            },
            {"unit_id": ("unit", "code")},
            source=source,
        ),
        "facility_connection": store.put(
            session,
            "facility_connection",
            {
                "facility_id": [code for code, _, _ in lines],
                "operator_id": operators,
                "service": [service for _, service, _ in lines],
                "bandwidth_mbps": [float(mbps) for _, _, mbps in lines],
                "valid_from": days(rng, "2025-07-01", "2026-06-30", len(lines)),
            },
            {"facility_id": ("facility", "code"), "operator_id": ("organisation", "code")},
            source=source,
        ),
    }


def write_distribution_points(
    session: Session, seed: int, scale: float, villages: Villages, form: Shape
) -> dict[str, int]:
    """Insert distribution points beside dwelling clusters, more where more people live; some villages get none."""
    rng, drawn = stream(seed, "distribution"), read("lines")["distribution_points"]
    dark = np.zeros(len(villages.codes), bool)
    for name, share in drawn["unreached"].items():
        dark |= quota(rng, np.ones(len(dark)), share, villages.classes == name)
    of = villages.point_village
    # First one box for every reached village, then the rest by dwellings.
    weight = villages.point_dwellings * ~dark[of] + 1e-9
    key = rng.exponential(1.0, len(of)) / weight
    order = np.lexsort((key, of))
    first = order[np.concatenate([[True], of[order][1:] != of[order][:-1]])]
    key[first[~dark[of[first]]]] = -1.0
    count = min(int(drawn["count"] * scale), int((weight > 1e-6).sum()))
    chosen = np.sort(np.argsort(key, kind="stable")[:count])
    wanted: Floats = villages.point_xy[chosen] + rng.normal(0.0, 25.0, (count, 2))
    total = rng.choice(drawn["ports"], count)
    used = np.floor(total * rng.beta(4.0, 2.5, count)).astype(np.int64)
    full = rng.random(count) < drawn["full"]
    used[full] = total[full]
    unknown = rng.random(count) < drawn["ports_unknown"]
    remote = villages.classes[of[chosen]] == "mountain"
    operator = option(rng, drawn["operators"], count)
    operator[remote & ~np.isin(operator, ["VNPT", "VIETTEL"])] = "VNPT"
    return {
        "distribution_point": store.put(
            session,
            "distribution_point",
            {
                "code": [f"DP{n:05d}" for n in range(1, count + 1)],
                "operator_id": operator,
                "kind": np.where(total >= 24, "tủ", "hộp"),
                "ports_total": [None if u else int(t) for u, t in zip(unknown, total, strict=True)],
                "ports_used": [None if u else int(t) for u, t in zip(unknown, used, strict=True)],
                "serving_distance_m": np.where(rng.random(count) < 0.1, 700.0, np.nan),
                "survey_method": "synthetic",
                "geom": store.points(inside_villages(wanted, of[chosen], villages, form)),
                "valid_from": days(rng, "2012-01-01", "2025-12-31", count),
                "valid_to": NEVER,
            },
            {"operator_id": ("organisation", "code")},
            source=label(seed),
        )
    }
