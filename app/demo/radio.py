"""Synthetic base stations and sectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.demo import store
from app.demo.draw import NEVER, days, later, quota
from app.demo.noise import Floats, stream
from app.demo.parameters import label, read
from app.demo.sites import OPERATORS, Sites
from app.demo.structures import Structures

TECHNOLOGIES = ("2G", "3G", "4G", "5G")


def write(session: Session, seed: int, sites: Sites, masts: Structures) -> dict[str, int]:
    """Insert the base stations of every tenant by technology, and their sectors; return the rows written."""
    rng, drawn, source = stream(seed, "radio"), read("sites"), label(seed)
    site, operator = np.nonzero(sites.tenants)
    count = len(site)
    town = np.isin(sites.classes[site], ["city", "town"])
    running = _technologies(rng, drawn, town)
    # 2G switched off: history that shows why as_of matters.
    off = quota(rng, np.ones(count), drawn["gsm_ended"]["share"], ~running[:, 0])
    mine, technology = np.nonzero(running | (off[:, None] & (np.arange(4) == 0)))
    ended = off[mine] & (technology == 0)
    began = np.empty(len(mine), "datetime64[D]")
    for k, name in enumerate(TECHNOLOGIES):
        spec = drawn["technologies"][name]
        of = technology == k
        began[of] = days(rng, spec["first"], spec["last"], int(of.sum()))
    at = site[mine]
    began = later(began, sites.valid_from[at])
    closed = np.where(
        ended, days(rng, drawn["gsm_ended"]["first"], drawn["gsm_ended"]["last"], len(mine)), sites.valid_to[at]
    )
    # What would have begun after its site had ended was never built.
    built = np.isnat(closed) | (began < closed)
    mine, technology, at = mine[built], technology[built], at[built]
    began, closed = began[built], closed[built]
    codes = np.array(
        [
            f"{sites.codes[s]}-{OPERATORS[o]}-{TECHNOLOGIES[t]}"
            for s, o, t in zip(at, operator[mine], technology, strict=True)
        ]
    )
    written = {
        "base_station": store.put(
            session,
            "base_station",
            {
                "code": codes,
                "site_id": sites.codes[at],
                "structure_id": [f"{c}-S" for c in sites.codes[at]],
                "operator_id": np.array(OPERATORS)[operator[mine]],
                "technology": np.array(TECHNOLOGIES)[technology],
                "valid_from": began,
                "valid_to": closed,
            },
            {
                "site_id": ("site", "code"),
                "structure_id": ("structure", "code"),
                "operator_id": ("organisation", "code"),
            },
            source=source,
        )
    }
    written["cell"] = _write_cells(session, rng, drawn, codes, technology, masts, at, (began, closed), source)
    return written


def _technologies(rng: np.random.Generator, drawn: dict[str, Any], town: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which technologies run (presences, TECHNOLOGIES); each presence runs at least one."""
    one = np.ones(len(town))
    columns = []
    for name in TECHNOLOGIES:
        spec = drawn["technologies"][name]
        among = town if spec.get("urban_only") else np.ones(len(town), bool)
        share = spec["share"] * len(town) / max(int(among.sum()), 1)
        columns.append(quota(rng, one, min(share, 0.95), among))
    running = np.stack(columns, axis=1)
    running[~running.any(axis=1), 2] = True
    return running


def _write_cells(
    session: Session,
    rng: np.random.Generator,
    drawn: dict[str, Any],
    codes: NDArray[np.str_],
    technology: NDArray[np.int64],
    masts: Structures,
    site: NDArray[np.int64],
    lived: tuple[NDArray[np.datetime64], NDArray[np.datetime64]],
    source: str,
) -> int:
    """Insert three sectors per base station, one round beam on street furniture; some attributes stay unknown."""
    radio = [drawn["radio"][t] for t in TECHNOLOGIES]
    sectors = np.where(masts.kind[site] == "street_furniture", 1, 3)
    of = np.repeat(np.arange(len(codes)), sectors)
    number = np.arange(len(of)) - np.repeat(np.cumsum(sectors) - sectors, sectors)
    round_beam = sectors[of] == 1
    turn = (120 * rng.random(len(masts.kind)))[site]  # one orientation per site, as on a real mast
    azimuth = np.round((turn[of] + number * 120 + rng.normal(0, 6, len(of))) % 360) % 360
    band = np.array([rng.choice(radio[t]["mhz"], p=_bands(len(radio[t]["mhz"]))) for t in technology], np.float64)
    columns: dict[str, Floats] = {
        "azimuth_deg": azimuth,
        "tilt_deg": np.round(rng.normal(3.5, 1.2, len(of)).clip(0, 9), 1),
        "frequency_mhz": band[of],
        "bandwidth_mhz": np.array([r["bandwidth"] for r in radio], np.float64)[technology[of]],
        "eirp_dbm": np.round(np.array([r["eirp"] for r in radio])[technology[of]] + rng.normal(0, 0.8, len(of)), 1),
        "antenna_height_m": np.round(masts.antenna_m[site][of], 1),
    }
    columns["eirp_dbm"] -= np.where(round_beam, 14.0, 0.0)
    for name, share in drawn["missing"].items():
        columns[name] = np.where(rng.random(len(of)) < share, np.nan, columns[name])
    columns["azimuth_deg"][round_beam] = np.nan
    beam = np.array([r["beam"] for r in radio], np.float64)[technology[of]]
    return store.put(
        session,
        "cell",
        columns
        | {
            "base_station_id": codes[of],
            "code": [f"{c}-{n}" for c, n in zip(codes[of], number + 1, strict=True)],
            "beamwidth_deg": np.where(round_beam, np.nan, beam[:, 0]),
            "vertical_beamwidth_deg": beam[:, 1],
            "valid_from": lived[0][of],
            "valid_to": np.where(np.isnat(lived[1][of]), NEVER, lived[1][of]),
        },
        {"base_station_id": ("base_station", "code")},
        source=source,
    )


def _bands(count: int) -> list[float]:
    """Return how often each band of a list is used: the first mostly."""
    return {1: [1.0], 2: [0.75, 0.25], 3: [0.65, 0.2, 0.15]}[count]
