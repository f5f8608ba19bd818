"""What measurements say the model is off by: bias and slope by frequency band and clutter class. Pure.

The residual of a sample is measured level - predicted median level of the cell that serves it, so a positive one means
that the model is too low. By least squares

    residual = bias_db + slope_db_per_decade · log10(distance / 1 km)

over the samples of a part of the sites; the other sites are held out and only say how wrong the corrected model still
is (`app.coverage.calibration_report`). Sites and not samples are split: samples of one site share its errors (position,
height, antenna as recorded), so a held-out sample of a site that was fitted would flatter.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from app.coverage.bands import BANDS, WORDS
from app.errors import Invalid
from app.kit.text import decimal_vi

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NEAREST_KM = 0.05
"""Nearer, the distance is not known well enough to take its logarithm."""
UNCLASSIFIED = "unclassified"


@dataclass(frozen=True)
class Limits:
    """Of policy coverage_calibration/fit."""

    fit_share: float
    """Share of the sites that is fitted."""
    min_fit_sites: int
    min_held_out_sites: int
    slope_samples: int
    """Fewer samples, or sites, or a smaller standard deviation of log10(distance), and there is a bias only."""
    slope_sites: int
    slope_spread_decades: float
    bias_samples: int
    """Fewer samples or sites, and the correction is that of the band, then of all bands."""
    bias_sites: int
    max_residual_db: float
    """A sample farther from its band's median residual is not fitted."""
    floor_margin_db: float
    """A sample predicted less than that above its receiver's floor is neither fitted nor an error."""
    min_sigma_model_db: float
    """No calibration claims less."""

    @classmethod
    def of(cls, value: dict[str, Any]) -> Self:
        """Return the limits that a policy row states."""
        return cls(**{f.name: value[f.name] for f in fields(cls)})


@dataclass(frozen=True)
class Samples:
    """Measured beside predicted levels; all arrays of shape (samples,)."""

    site: Ints
    """Index into `site_code` of the site that serves."""
    site_code: tuple[str, ...]
    band: Ints
    """Index into `app.coverage.bands.BANDS` of the serving cell."""
    class_code: Ints
    """Index into `classes` of what stands at the receiver."""
    classes: tuple[str, ...]
    distance_km: Floats
    predicted_dbm: Floats
    """Median outdoors, uncorrected."""
    measured_dbm: Floats
    floor_dbm: Floats
    """The least level the receiver reports: a sample there may have been weaker."""

    @property
    def residual_db(self) -> Floats:
        """Return measured - predicted."""
        return self.measured_dbm - self.predicted_dbm

    def take(self, which: Ints | Bools) -> Samples:
        """Return some of the samples."""
        arrays = ("site", "band", "class_code", "distance_km", "predicted_dbm", "measured_dbm", "floor_dbm")
        part = {name: getattr(self, name)[which] for name in arrays}
        return Samples(site_code=self.site_code, classes=self.classes, **part)

    def in_order(self) -> Samples:
        """Return them in an order that depends on nothing but what they are: sums then come out the same to the bit."""
        code = np.array([*self.site_code, ""])[self.site] if self.site_code else self.site
        return self.take(
            np.lexsort((self.floor_dbm, self.measured_dbm, self.predicted_dbm, self.distance_km, self.class_code,
                        self.band, code))
        )  # fmt: skip


@dataclass(frozen=True)
class Correction:
    """What is added to predicted levels of a band at a clutter class, and why that."""

    band: str | None
    """One of BANDS; null for all."""
    clutter: str | None
    """Null for all classes."""
    bias_db: float
    slope_db_per_decade: float
    near_km: float
    far_km: float
    """Distances that were fitted; beyond them the correction stays what it is there."""
    basis: str
    """"bias_and_slope" or "bias" of its own samples, "band" or "overall" when these are too few."""
    samples: int
    """Of its own, fitted."""
    sites: int
    why: dict[str, str]

    def row(self) -> tuple[float, float, float, float]:
        """Return the numbers in the order of `app.coverage.plan.Plan.correction`."""
        return self.bias_db, self.slope_db_per_decade, math.log10(self.near_km), math.log10(self.far_km)


@dataclass(frozen=True)
class Fitted:
    """Corrections of everything, and what was left out."""

    overall: Correction
    corrections: tuple[Correction, ...]
    """Of every band by itself (clutter null), then of every band and class."""
    fit_sites: int
    held_out_sites: int
    fitted: int
    outliers: int
    """Samples of fitted sites farther from their band's median than the policy's limit."""
    near_floor: int
    """Samples, held-out ones included, predicted too close to the receiver's floor to be fitted."""
    at_floor: int
    """Samples fitted with the receiver's floor as their level, though it may have been lower."""


def is_fitted(site_code: str, share: float) -> bool:
    """Say whether a site is fitted and not held out: by a hash of its code, the same on every machine and day."""
    digest = hashlib.sha256(site_code.encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def split(samples: Samples, limits: Limits) -> tuple[Bools, int, int]:
    """Return which samples are of fitted sites, how many such sites there are, and how many are held out.

    Raises
    ------
    Invalid
        `calibration_too_few_sites`; `needed` and `found` say how many.
    """
    fitted_site = np.array([is_fitted(code, limits.fit_share) for code in samples.site_code], bool)
    heard = np.zeros(len(samples.site_code), bool)
    heard[samples.site] = True
    fit, held = int((heard & fitted_site).sum()), int((heard & ~fitted_site).sum())
    if fit < limits.min_fit_sites or held < limits.min_held_out_sites:
        need_fit, need_held = limits.min_fit_sites, limits.min_held_out_sites
        raise Invalid(
            "calibration_too_few_sites",
            f"Cần số đo của ít nhất {need_fit} vị trí trạm để hiệu chỉnh và {need_held} vị trí trạm để kiểm tra; "
            f"mới có {fit} và {held}",
            f"Measurements of at least {need_fit} sites to fit and {need_held} held-out sites are needed; "
            f"there are {fit} and {held}",
            needed={"fit": need_fit, "held_out": need_held}, found={"fit": fit, "held_out": held},
        )  # fmt: skip
    return fitted_site[samples.site], fit, held


def fit(samples: Samples, limits: Limits) -> Fitted:
    """Return the corrections that the fitted sites ask for; nothing held out has any influence.

    Raises
    ------
    Invalid
        `calibration_too_few_sites`, `calibration_too_few_samples`.

    Notes
    -----
    Censoring: a receiver reports no level under its floor. Leaving out samples measured there would keep the strong
    ones only, so samples are left out by what was predicted: all within `floor_margin_db` of the floor. What is
    measured at the floor elsewhere counts with the floor's level.

    Outliers (a site that was off, a wrong position) are cut at a distance from the median of the band, which half of
    the samples being wrong does not move, once and before fitting.
    """
    clear = samples.take(usable(samples, limits))
    mine, fit_sites, held_sites = split(clear, limits)
    part = clear.take(mine).in_order()
    kept = part.take(np.abs(part.residual_db - _band_median(part)) <= limits.max_residual_db)
    overall = _own(kept, None, None, limits)
    if overall is None:
        raise Invalid(
            "calibration_too_few_samples",
            f"Cần ít nhất {limits.bias_samples} số đo dùng được của {limits.bias_sites} vị trí trạm; "
            f"mới có {len(kept.site)}",
            f"At least {limits.bias_samples} usable samples of {limits.bias_sites} sites are needed; "
            f"there are {len(kept.site)}",
            needed=limits.bias_samples, found=len(kept.site),
        )  # fmt: skip
    found: list[Correction] = []
    for b, band in enumerate(BANDS):
        of_band = kept.take(kept.band == b)
        whole = _own(of_band, band, None, limits) or _borrowed(of_band, band, None, overall, limits)
        found.append(whole)
        for c, clutter in enumerate(samples.classes):
            own = of_band.take(of_band.class_code == c)
            found.append(_own(own, band, clutter, limits) or _borrowed(own, band, clutter, whole, limits))
    return Fitted(
        overall, tuple(found), fit_sites, held_sites, len(kept.site), len(part.site) - len(kept.site),
        len(samples.site) - len(clear.site), int((kept.measured_dbm <= kept.floor_dbm).sum()),
    )  # fmt: skip


def usable(samples: Samples, limits: Limits) -> Bools:
    """Return which samples are predicted so far above the receiver's floor that their level is what it was."""
    return np.asarray(samples.predicted_dbm >= samples.floor_dbm + limits.floor_margin_db)


def table(overall: Correction, corrections: Sequence[Correction], classes: Sequence[str]) -> Floats:
    """Return the corrections as an array of shape (bands, classes, 4); a class not known takes its band's."""
    by = {(c.band, c.clutter): c for c in corrections}
    rows = [[(by.get((b, c)) or by.get((b, None)) or overall).row() for c in classes] for b in BANDS]
    return np.array(rows, np.float64).reshape(len(BANDS), len(classes), 4)


def correction_db(of: Floats, distance_km: Floats) -> Floats:
    """Return what corrections, shape (n, 4), add at distances; as the sweep's kernel adds it."""
    decades = np.log10(np.maximum(distance_km, NEAREST_KM))
    return np.asarray(of[:, 0] + of[:, 1] * np.clip(decades, of[:, 2], of[:, 3]))


def corrected(samples: Samples, found: Fitted) -> Floats:
    """Return the levels predicted with the correction, dBm."""
    of = table(found.overall, found.corrections, samples.classes)[samples.band, samples.class_code]
    return samples.predicted_dbm + correction_db(of, samples.distance_km)


def _band_median(samples: Samples) -> Floats:
    """Return per sample the median residual of its band."""
    medians = [np.median(samples.residual_db[samples.band == b]) if (samples.band == b).any() else 0.0
               for b in range(len(BANDS))]  # fmt: skip
    return np.array(medians)[samples.band]


def _own(samples: Samples, band: str | None, clutter: str | None, limits: Limits) -> Correction | None:
    """Return the correction that samples give by themselves, None when they are too few for any."""
    n, sites = len(samples.site), len(np.unique(samples.site))
    if n < limits.bias_samples or sites < limits.bias_sites:
        return None
    km = np.maximum(samples.distance_km, NEAREST_KM)
    decades, residual = np.log10(km), samples.residual_db
    spread = float(decades.std())
    near, far = float(km.min()), float(km.max())
    count_vi, count_en = f"{n} số đo của {sites} vị trí trạm", f"{n} samples of {sites} sites"
    if n < limits.slope_samples or sites < limits.slope_sites or spread < limits.slope_spread_decades:
        why = {"vi": f"{count_vi}: đủ cho độ lệch, chưa đủ (hoặc khoảng cách quá gần nhau) cho độ dốc",
               "en": f"{count_en}: enough for a bias, too few or too alike in distance for a slope"}  # fmt: skip
        return Correction(band, clutter, float(residual.mean()), 0.0, near, far, "bias", n, sites, why)
    off = decades - decades.mean()
    slope = float((off * residual).sum() / (off * off).sum())
    bias = float(residual.mean() - slope * decades.mean())
    why = {
        "vi": f"{count_vi}, từ {decimal_vi(near, 2)} đến {decimal_vi(far, 1)} km",
        "en": f"{count_en}, from {near:.2f} to {far:.1f} km",
    }
    return Correction(band, clutter, bias, slope, near, far, "bias_and_slope", n, sites, why)


def _borrowed(
    samples: Samples, band: str, clutter: str | None, wider: Correction, limits: Limits
) -> Correction:  # fmt: skip
    """Return the wider correction for what has too few samples of its own."""
    n, sites = len(samples.site), len(np.unique(samples.site))
    basis = "overall" if wider.band is None or wider.basis == "overall" else "band"
    of_vi, of_en = ("của mọi băng tần", "that of all bands") if basis == "overall" else (
        f"của băng {WORDS[band][0]}", f"that of the band {WORDS[band][1]}")  # fmt: skip
    why = {
        "vi": f"Chỉ có {n} số đo của {sites} vị trí trạm, cần {limits.bias_samples} của {limits.bias_sites}: "
              f"dùng hiệu chỉnh {of_vi}",
        "en": f"Only {n} samples of {sites} sites, {limits.bias_samples} of {limits.bias_sites} are needed: "
              f"takes {of_en}",
    }  # fmt: skip
    return replace(wider, band=band, clutter=clutter, basis=basis, samples=n, sites=sites, why=why)
