"""One path on the real terrain, and the check of the model against validation profiles."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.coverage.engine import MAX_STEP_M
from app.coverage.inputs import read_receiver
from app.coverage.land_cover import open_land_cover
from app.coverage.propagation.climate import INLAND, SEA
from app.coverage.propagation.p1812 import MODEL, MODEL_VERSION, VERTICAL, basic_transmission_loss, path_losses
from app.coverage.terrain import open_terrain
from app.coverage.vectors import read_vectors
from app.errors import Invalid, Unavailable
from app.kit.page import today
from app.kit.text import decimal_vi


def path_loss(
    session: Session,
    lon1: float,
    lat1: float,
    height1_m: float,
    lon2: float,
    lat2: float,
    height2_m: float,
    frequency_mhz: float,
) -> dict[str, Any]:
    """Return the median loss between two antennas over the loaded terrain.

    Parameters
    ----------
    lon1, lat1, lon2, lat2 : float
        Degrees, EPSG:4326.
    height1_m, height2_m : float
        Antenna heights above ground.

    Raises
    ------
    Unavailable
        No terrain, or a height on the path is unknown; the error says where the first one is.
    Invalid
        A value outside its range, both ends at one place.
    """
    for name, value, low, high in (("lon1", lon1, 102, 118), ("lon2", lon2, 102, 118), ("lat1", lat1, 7, 24),
                                   ("lat2", lat2, 7, 24)):  # fmt: skip
        if not low <= value <= high:
            raise Invalid("coordinate_range", f"{name} phải từ {low} đến {high} độ",
                          f"{name} must be {low} to {high} degrees", field=name)  # fmt: skip
    terrain = open_terrain(session)
    if terrain.bounds is None:
        raise Unavailable("no_terrain", "Chưa nạp địa hình; hãy chạy `hatang terrain add`",
                          "No terrain is loaded; run `hatang terrain add`")  # fmt: skip
    found = terrain.profiles(lon1, lat1, lon2, lat2, min(MAX_STEP_M, terrain.step_m))
    if found.d_km[-1] == 0:
        raise Invalid("same_place", "Hai đầu trùng nhau", "Both ends are at one place", field="lon2")
    if found.d_km[-1] > 1000:
        raise Invalid("path_too_long", "Tuyến dài hơn 1000 km", "The path is longer than 1000 km", field="lon2")
    unknown = np.flatnonzero(np.isnan(found.h_m))
    if unknown.size:
        km = float(found.d_km[unknown[0]])
        raise Unavailable(
            "unknown_terrain",
            f"Không biết độ cao từ km {decimal_vi(km, 2)} của tuyến ({unknown.size}/{found.h_m.size} điểm); "
            "hãy nạp thêm địa hình",
            f"Heights are unknown from km {km:.2f} of the path ({unknown.size}/{found.h_m.size} posts); load terrain",
            first_unknown_km=km,
        )
    receiver = read_receiver(session, today())
    cover = open_land_cover(session, today())
    posts = found.h_m.size
    above = cover.height_m[cover.classes(np.linspace(lon1, lon2, posts), np.linspace(lat1, lat2, posts))]
    above[[0, -1]] = np.minimum(above[[0, -1]], 0.0)  # the antennas stand clear of what surrounds them, as in the sweep
    loss = basic_transmission_loss(
        frequency_mhz / 1000, 50, found.d_km, found.h_m, np.maximum(above, 0.0), np.where(above < 0, SEA, INLAND),
        height1_m, height2_m, VERTICAL, lat1, lat2, lon1, lon2, dN=receiver.delta_n, N0=receiver.n0,
    )  # fmt: skip
    return {
        **{k: round(v, 3) if isinstance(v, float) else v for k, v in dataclasses.asdict(loss).items()},
        "distance_m": round(float(found.d_km[-1]) * 1000, 1),
        "ground1_m": round(float(found.h_m[0]), 1),
        "ground2_m": round(float(found.h_m[-1]), 1),
        "highest_m": round(float(found.h_m.max()), 1),
        "posts": posts,
        "highest_cover_m": round(float(above.max(initial=0.0)), 1),
        "synthetic": terrain.synthetic or cover.synthetic,
    }


def check_profiles(path: Path) -> dict[str, Any]:
    """Compare the model with published losses of validation profiles: an .npz, a CSV sheet or a folder of them.

    Returns
    -------
    dict
        `cases` compared, `max_abs_deviation_db` over them, the deviation that half of them stay under, and where the
        largest one is.

    Raises
    ------
    Invalid
        No such file, another format, a column missing, a value outside the Recommendation's range.
    """
    table = read_vectors(path)
    found = path_losses(
        *(table[name] for name in ("f_ghz", "p", "offset", "d_km", "h_m", "clutter_m", "zone", "htg_m", "hrg_m", "pol",
                                   "phi_t", "phi_r", "lam_t", "lam_r")),
        pL=table["pL"], sigma_l=table["sigmaL"], dN=table["dN"], N0=table["N0"], dct_km=table["dct_km"],
        dcr_km=table["dcr_km"],
    )  # fmt: skip
    deviation = np.abs(found.loss_db - table["loss_db"])
    worst = int(deviation.argmax()) if deviation.size else None
    return {
        "cases": int(deviation.size),
        "max_abs_deviation_db": None if worst is None else float(deviation[worst]),
        "median_abs_deviation_db": None if worst is None else float(np.median(deviation)),
        "largest_at_case": worst,
        "model": MODEL,
        "model_version": MODEL_VERSION,
    }
