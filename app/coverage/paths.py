"""One path on the real terrain, and the check of the model against validation profiles."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.coverage.engine import MAX_STEP_M
from app.coverage.propagation.p1812 import MODEL, MODEL_VERSION, basic_transmission_loss, path_losses
from app.coverage.terrain import open_terrain
from app.errors import Invalid, Unavailable
from app.kit.text import decimal_vi

_COLUMNS = ("offset", "d_km", "h_m", "clutter_m", "zone", "f_ghz", "p", "htg_m", "hrg_m", "pol", "pL", "dN", "loss_db")


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
    loss = basic_transmission_loss(
        frequency_mhz / 1000, 50, found.d_km, found.h_m, None, None, height1_m, height2_m, dN=45.0
    )
    return {
        **{k: round(v, 3) if isinstance(v, float) else v for k, v in dataclasses.asdict(loss).items()},
        "distance_m": round(float(found.d_km[-1]) * 1000, 1),
        "ground1_m": round(float(found.h_m[0]), 1),
        "ground2_m": round(float(found.h_m[-1]), 1),
        "highest_m": round(float(found.h_m.max()), 1),
        "posts": int(found.h_m.size),
        "synthetic": terrain.synthetic,
    }


def check_profiles(path: Path) -> dict[str, Any]:
    """Compare the model with published losses of validation profiles (.npz, one array a column).

    Returns
    -------
    dict
        `cases` compared, `max_abs_deviation_db` over them, `max_abs_deviation_line_of_sight_db` where the
        part of the Recommendation that is built decides alone, `not_supported` cases at other
        percentages than this version models.

    Raises
    ------
    Invalid
        No such file, another format, a column missing.
    """
    if path.suffix != ".npz" or not path.is_file():
        raise Invalid("profiles_format", f"{path}: cần tệp .npz; thư mục CSV chưa được hỗ trợ",
                      f"{path}: an .npz file is needed; CSV folders are not supported yet", field="path")  # fmt: skip
    try:
        with np.load(path, allow_pickle=False) as archive:
            table = {name: archive[name] for name in _COLUMNS}
    except (OSError, ValueError, KeyError) as error:
        raise Invalid("profiles_unreadable", f"{path.name}: không đọc được hoặc thiếu cột",
                      f"{path.name}: unreadable, or a column is missing: {error}", field="path") from error  # fmt: skip
    cases = np.flatnonzero((table["p"] == 50) & (table["pL"] == 50))
    counts = np.diff(table["offset"])
    chosen = np.repeat(np.isin(np.arange(counts.size), cases), counts)
    free_db, diffraction_db, sight = path_losses(
        table["f_ghz"][cases], 50, np.concatenate([[0], np.cumsum(counts[cases])]), table["d_km"][chosen],
        table["h_m"][chosen], table["clutter_m"][chosen], table["zone"][chosen], table["htg_m"][cases],
        table["hrg_m"][cases], table["pol"][cases], dN=table["dN"][cases],
    )  # fmt: skip
    signed = free_db + diffraction_db - table["loss_db"][cases]
    deviation = np.abs(signed)
    return {
        "cases": int(cases.size),
        "max_abs_deviation_db": _most(deviation),
        "min_deviation_db": float(signed.min()) if cases.size else None,
        "median_abs_deviation_db": float(np.median(deviation)) if cases.size else None,
        "line_of_sight_cases": int(sight.sum()),
        "max_abs_deviation_line_of_sight_db": _most(deviation[sight]),
        "not_supported": int(counts.size - cases.size),
        "model": MODEL,
        "model_version": MODEL_VERSION,
    }


def _most(deviation: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    return float(deviation.max()) if deviation.size else None
