"""How wrong the model is on sites that were held out of a calibration, before and after it. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.coverage.bands import BANDS
from app.coverage.calibration import Bools, Fitted, Floats, Limits, Samples, corrected, is_fitted, usable
from app.coverage.probability import Errors


@dataclass(frozen=True)
class Figures:
    """Of predicted against measured levels; an error is measured - predicted. Null where there is nothing to count."""

    samples: int
    sites: int
    rmse_db: float | None
    bias_db: float | None
    """Mean error: positive, the model is too low."""
    std_db: float | None
    """Standard deviation of the error about its mean."""
    predicted_covered: int
    false_covered: int
    """Predicted covered, measured under the level a phone needs."""
    false_covered_rate: float | None
    """Of what was predicted covered."""
    predicted_uncovered: int
    false_uncovered: int
    false_uncovered_rate: float | None


@dataclass(frozen=True)
class Row:
    """One band and class, one band, or all; on held-out sites only."""

    band: str | None
    clutter: str | None
    before: Figures
    after: Figures


@dataclass(frozen=True)
class Report:
    """What to expect of the corrected model."""

    rows: tuple[Row, ...]
    """All first, then the bands, then bands and classes; only those that were measured."""
    sigma_model_db: float
    """The model's own error after the correction: that of the place is taken out."""

    @property
    def total(self) -> Row:
        """Return the row of everything."""
        return self.rows[0]


@dataclass(frozen=True)
class Asked:
    """What a coverage rule asks for, by which samples are judged."""

    needed_dbm: Floats
    """Shape (samples,): level outdoors at which a phone is served; NaN for a technology outside the rule."""
    deviations: float
    """Standard deviations of margin that the rule's probability puts on a prediction's threshold."""


def report(samples: Samples, found: Fitted, asked: Asked, errors: Errors, limits: Limits) -> Report:
    """Return the figures of held-out sites.

    Parameters
    ----------
    samples : Samples
        All of them, as given to `app.coverage.calibration.fit`.
    errors : Errors
        As stated before the calibration; the error of the place stays.

    Notes
    -----
    No outlier is left out here: whoever asks the map is wrong by it too. Samples predicted too close to the receiver's
    floor have no error that is known, but are judged: at the floor no phone is served.
    σ_model = √(RMSE² - σ_location²), not under the policy's least: a sample is off by the model and by its place.
    """
    fitted_site = np.array([is_fitted(code, limits.fit_share) for code in samples.site_code], bool)
    held = np.flatnonzero(~fitted_site[samples.site])
    mine, needed = samples.take(held), asked.needed_dbm[held]
    known = usable(mine, limits)
    after_dbm = corrected(mine, found)
    after_db = mine.measured_dbm - after_dbm
    mean_square = float((after_db[known] ** 2).mean())  # `fit` has seen to it that there are some
    sigma = max(math.sqrt(max(mean_square - errors.location_db**2, 0.0)), limits.min_sigma_model_db)
    margins = (errors.total_db * asked.deviations, Errors(errors.location_db, sigma).total_db * asked.deviations)

    def row(band: str | None, clutter: str | None, which: Bools) -> Row:
        before, after = (
            _figures(mine.take(which), level[which], needed[which], known[which], margin)
            for level, margin in zip((mine.predicted_dbm, after_dbm), margins, strict=True)
        )
        return Row(band, clutter, before, after)

    rows = [row(None, None, np.ones(len(held), bool))]
    rows += [row(BANDS[b], None, mine.band == b) for b in np.unique(mine.band)]
    rows += [
        row(BANDS[b], samples.classes[c], (mine.band == b) & (mine.class_code == c))
        for b, c in np.unique(np.column_stack([mine.band, mine.class_code]), axis=0)
    ]
    return Report(tuple(rows), sigma)


def _figures(samples: Samples, predicted_dbm: Floats, needed_dbm: Floats, known: Bools, margin_db: float) -> Figures:
    error = (samples.measured_dbm - predicted_dbm)[known]
    judged = ~np.isnan(needed_dbm)
    covered = judged & (predicted_dbm >= needed_dbm + margin_db)
    served = judged & (samples.measured_dbm >= needed_dbm)
    yes, no = int(covered.sum()), int((judged & ~covered).sum())
    false_yes, false_no = int((covered & ~served).sum()), int((judged & ~covered & served).sum())
    some = bool(error.size)
    return Figures(
        int(error.size), len(np.unique(samples.site[known])),
        math.sqrt(float((error**2).mean())) if some else None, float(error.mean()) if some else None,
        float(error.std()) if some else None, yes, false_yes, false_yes / yes if yes else None, no, false_no,
        false_no / no if no else None,
    )  # fmt: skip
