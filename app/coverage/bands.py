"""Frequency ranges in which a model's errors are alike: what a calibration distinguishes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

BANDS = ("below_1_ghz", "1_to_2_ghz", "2_to_3_ghz", "above_3_ghz")
EDGES_GHZ = (1.0, 2.0, 3.0)
WORDS = {
    "below_1_ghz": ("dưới 1 GHz", "below 1 GHz"),
    "1_to_2_ghz": ("1–2 GHz", "1-2 GHz"),
    "2_to_3_ghz": ("2–3 GHz", "2-3 GHz"),
    "above_3_ghz": ("từ 3 GHz", "3 GHz and above"),
}


def band_of(f_ghz: ArrayLike) -> NDArray[np.int64]:
    """Return the index in `BANDS` of frequencies in GHz; an edge belongs to the band above it."""
    return np.searchsorted(EDGES_GHZ, np.asarray(f_ghz, np.float64), side="right").astype(np.int64)
