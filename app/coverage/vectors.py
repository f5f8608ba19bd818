"""Validation profiles of ITU-R P.1812 from files: the ITU's CSV sheets (one path, many losses) and .npz archives."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.coverage.propagation.p1812 import NO_COAST_KM
from app.errors import Invalid

PROFILE = ("d_km", "h_m", "clutter_m", "zone")
SCALARS = ("f_ghz", "p", "htg_m", "hrg_m", "pol", "phi_t", "phi_r", "lam_t", "lam_r", "pL", "sigmaL", "dN", "N0",
           "dct_km", "dcr_km", "loss_db")  # fmt: skip
MAX_ROWS = 1_000_000
Table = dict[str, NDArray[Any]]


def read_vectors(path: Path) -> Table:
    """Return the columns PROFILE (per post), `offset`, and SCALARS (per case) of an .npz, a CSV or a folder of them.

    Raises
    ------
    Invalid
        No such file, another format, a column missing.
    """
    if path.suffix == ".npz" and path.is_file():
        return _read_archive(path)
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files or any(f.suffix != ".csv" or not f.is_file() for f in files):
        raise Invalid("profiles_format", f"{path}: cần tệp .npz, .csv hoặc thư mục có tệp .csv",
                      f"{path}: an .npz or .csv file or a folder of .csv files is needed", field="path")  # fmt: skip
    profiles, cases = [], []
    for file in files:
        profile, losses = _read_sheet(file)
        for loss in losses:
            profiles.append(profile)
            cases.append(loss)
    posts = np.concatenate(profiles)
    scalars = np.array(cases, np.float64)
    table: Table = {name: posts[:, column] for column, name in enumerate(PROFILE)}
    table["zone"] = table["zone"].astype(np.int8)
    table["offset"] = np.concatenate([[0], np.cumsum([len(p) for p in profiles])])
    return table | {name: scalars[:, column] for column, name in enumerate(SCALARS)}


def _read_archive(path: Path) -> Table:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in (*PROFILE, "offset", *SCALARS)}
    except (OSError, ValueError, KeyError) as error:
        raise Invalid("profiles_unreadable", f"{path.name}: không đọc được hoặc thiếu cột",
                      f"{path.name}: unreadable, or a column is missing: {error}", field="path") from error  # fmt: skip


def _read_sheet(path: Path) -> tuple[NDArray[np.float64], list[list[float]]]:
    """Return the posts, shape (n, 4), and one row of SCALARS a loss."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            rows = [row for row, _ in zip(csv.reader(handle), range(MAX_ROWS), strict=False)]
        facts = {row[0].rstrip(":"): row[1] for row in rows if len(row) > 1}
        head = [facts[name] for name in ("Tx LAT", "Rx LAT", "Tx LON", "Rx LON")]
        lapse = facts["Average annual values dN (N-units/km)"]
        refractivity = facts["Average annual sea-level surface refractivity No (N-units)"]
        # Columns: distance, ground, category of cover, its height, zone.
        posts = np.array(
            [[row[k] for k in (0, 1, 3, 4)] for row in _section(rows, "Profile") if len(row) > 4], np.float64
        )
        losses = []
        for row in _section(rows, "Measurements"):
            f_mhz, htg, hrg, pol, p, loss = (float(row[k]) for k in (0, 1, 3, 4, 14, 17))
            phi_t, phi_r, lam_t, lam_r = (float(v) for v in head)
            losses.append([f_mhz / 1000, p, htg, hrg, pol, phi_t, phi_r, lam_t, lam_r, 50.0, 0.0, float(lapse),
                           float(refractivity), NO_COAST_KM, NO_COAST_KM, loss])  # fmt: skip
        return posts, losses
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise Invalid("profiles_unreadable", f"{path.name}: không đọc được hoặc thiếu cột",
                      f"{path.name}: unreadable, or a column is missing: {error}", field="path") from error  # fmt: skip


def _section(rows: list[list[str]], name: str) -> list[list[str]]:
    marks = [row[0] if row else "" for row in rows]
    start, end = marks.index(f"{{Begin of {name}}}"), marks.index(f"{{End of {name}}}")
    return rows[start + 1 : end]
