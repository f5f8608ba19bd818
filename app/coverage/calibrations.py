"""Calibrations as stored: made on trial, put in use, retired; and what a run takes of the one in use."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, replace
from statistics import NormalDist
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.coverage.bands import band_of
from app.coverage.calibration import Correction, Limits, fit, table
from app.coverage.calibration_inputs import DROPPED, Matched, match, read_drive
from app.coverage.calibration_report import Asked, report
from app.coverage.calibration_words import in_words
from app.coverage.collected import read_errors
from app.coverage.engine import Network, Progress, Receiver
from app.coverage.inputs import Cells, digest, read_cells, read_receiver
from app.coverage.land_cover import CLASSES, LandCover, open_land_cover
from app.coverage.models import Calibration
from app.coverage.plan import F_GHZ
from app.coverage.propagation.p1812 import MODEL, MODEL_VERSION
from app.coverage.rules import CoverageRule, parse_rule
from app.coverage.terrain import open_terrain
from app.database import is_department, statistics
from app.errors import Conflict, Invalid, NotFound
from app.policy.queries import parameter


def calibrate(
    session: Session, *, as_of: dt.date, rule: str = "village-80", progress: Progress | None = None
) -> Calibration:
    """Fit the model to the drive tests known on `as_of` and store the result on trial; nothing uses it yet.

    Parameters
    ----------
    rule : str
        By whose threshold and probability held-out samples are judged covered or not.

    Raises
    ------
    Invalid
        `calibration_no_samples`, `calibration_no_levels`, `calibration_nothing_matched`, `calibration_too_few_sites`,
        `calibration_too_few_samples`: each says what is there.
    """
    chosen = parameter(session, "coverage_rule", rule, as_of)
    parsed = parse_rule(rule, chosen.value)
    limits = Limits.of(parameter(session, "coverage_calibration", "fit", as_of).value)
    floor = parameter(session, "coverage_calibration", "receiver_floor", as_of).value
    days = int(parameter(session, "coverage_evidence", "measurement", as_of).value["max_age_days"])
    receiver = read_receiver(session, as_of)
    errors = read_errors(session, as_of, receiver.sigma_model_db)
    drive = read_drive(session, as_of, days)
    if not len(drive.rsrp_dbm):
        raise _nothing_measured(drive.total, drive.dropped)
    terrain, cover, cells = open_terrain(session), open_land_cover(session, as_of), read_cells(session, as_of)
    matched = match(terrain, cover, cells, receiver, drive, floor, progress)
    samples = matched.samples
    if not len(samples.site):
        raise _nothing_matched(matched.dropped)
    fitted = fit(samples, limits)
    told = report(samples, fitted, _asked(matched, parsed), errors, limits)
    stored = Calibration(
        as_of=as_of, model=MODEL, model_version=MODEL_VERSION, terrain_version=terrain.version,
        cover_version=cover.state,
        coefficients={"overall": asdict(fitted.overall), "corrections": [asdict(c) for c in fitted.corrections]},
        report={
            "rule": rule, "rule_version": chosen.version, "rows": [asdict(row) for row in told.rows],
            "fit_sites": fitted.fit_sites, "held_out_sites": fitted.held_out_sites, "fitted": fitted.fitted,
            "outliers": fitted.outliers, "near_floor": fitted.near_floor, "at_floor": fitted.at_floor,
            "samples_read": drive.total, "dropped": matched.dropped, "limits": asdict(limits),
            "sigma_model_before_db": errors.model_db, "sigma_location_db": errors.location_db,
            "operators": sorted(code for o, code in cells.operator_code.items() if o in set(drive.operator.tolist())),
        },
        sigma_model_db=told.sigma_model_db, synthetic=matched.synthetic, status="trial",
        inputs_sha256=digest(
            *(getattr(samples, name) for name in ("site", "band", "class_code", "distance_km", "predicted_dbm",
                                                  "measured_dbm", "floor_dbm")),
            samples.site_code, samples.classes, limits, parsed, errors, terrain.version, cover.state,
            MODEL, MODEL_VERSION,
        ),
    )  # fmt: skip
    session.add(stored)
    session.flush()
    return stored


def use(session: Session, key: int) -> Calibration:
    """Put a calibration in use in place of the one that is; runs made from now on are corrected by it.

    Raises
    ------
    NotFound
        No such calibration.
    Conflict
        It was made for another model (`calibration_outdated`).
    """
    found = session.get(Calibration, key)
    if found is None:
        raise NotFound("unknown_calibration", f"Không có hiệu chỉnh {key}", f"There is no calibration {key}",
                       field="use")  # fmt: skip
    _of_this_model(found)
    if found.status != "in_use":
        retire(session)
        found.status = "in_use"
        session.flush()
    return found


def retire(session: Session) -> Calibration | None:
    """Take the calibration in use out of use; return it, None when there was none."""
    found = in_use(session)
    if found is not None:
        found.status = "retired"
        session.flush()
    return found


def in_use(session: Session) -> Calibration | None:
    """Return the calibration in use, if the caller may read it."""
    return session.scalar(select(Calibration).where(Calibration.status == "in_use"))


def every(session: Session) -> list[Calibration]:
    """Return all calibrations, newest first."""
    return list(session.scalars(select(Calibration).order_by(Calibration.id.desc())))


def calibrated(
    session: Session, cells: Cells, receiver: Receiver, cover: LandCover
) -> tuple[Cells, Receiver, dict[str, Any] | None]:
    """Return cells and receiver with the calibration in use, and what to tell of it; as they are without one.

    Raises
    ------
    Conflict
        `calibration_outdated`: the one in use was made for another model or another land cover, whose losses it would
        correct a second time.
    """
    network, receiver, told = calibrated_network(session, cells.network, receiver, cover)
    return replace(cells, network=network), receiver, told


def calibrated_network(
    session: Session, network: Network, receiver: Receiver, cover: LandCover
) -> tuple[Network, Receiver, dict[str, Any] | None]:
    """Return the same of a network alone, as of stations that nobody has built."""
    with statistics(session):
        found = in_use(session)
    if found is None:
        return network, receiver, None
    _of_this_model(found)
    _of_this_cover(found, cover)
    kept = found.coefficients
    rows = table(Correction(**kept["overall"]), [Correction(**c) for c in kept["corrections"]], CLASSES)
    corrected = replace(network, correction=rows[band_of(network.cells[:, F_GHZ])])
    return corrected, replace(receiver, sigma_model_db=found.sigma_model_db), stated(found)


def stated(of: Calibration) -> dict[str, Any]:
    """Return what everybody may know of a calibration: its totals on held-out sites."""
    after = of.report["rows"][0]["after"]
    return {
        "id": of.id, "made_at": of.made_at.isoformat(), "as_of": of.as_of.isoformat(),
        "sigma_model_db": of.sigma_model_db, "synthetic": of.synthetic,
        **{name: after[name] for name in ("rmse_db", "bias_db", "samples", "sites", "false_covered_rate",
                                          "false_uncovered_rate")},
    }  # fmt: skip


def answer(session: Session) -> dict[str, Any]:
    """Return what `GET /api/coverage/calibration` answers: totals to everybody, all of it to the department."""
    with statistics(session):
        found = in_use(session)
    if found is None:
        return {
            "calibration": None,
            "message": {"vi": "Mô hình chưa hiệu chỉnh theo số đo", "en": "The model is not calibrated"},
        }
    told, total = is_department(session), found.report["rows"][0]
    kept = found.coefficients
    names = ("model", "model_version", "terrain_version", "inputs_sha256")
    facts = stated(found) | {name: getattr(found, name) for name in names}
    return {
        "calibration": facts | {
            "before": total["before"], "after": total["after"],
            "corrections": [kept["overall"], *kept["corrections"]] if told else None,
            "report": found.report if told else None, "undisclosed": not told,
        },
        "message": in_words(facts),
    }  # fmt: skip


def _asked(matched: Matched, rule: CoverageRule) -> Asked:
    needed = {t: rule.level_dbm(t) for t in rule.technologies}
    levels: dict[Any, float] = {t: level for t, level in needed.items()}
    return Asked(np.array([levels.get(t, np.nan) for t in matched.technology]), NormalDist().inv_cdf(rule.probability))


def _of_this_model(found: Calibration) -> None:
    if (found.model, found.model_version) != (MODEL, MODEL_VERSION):
        raise Conflict(
            "calibration_outdated",
            f"Hiệu chỉnh {found.id} làm cho {found.model} {found.model_version}, chương trình tính bằng {MODEL} "
            f"{MODEL_VERSION}: hiệu chỉnh lại, hoặc chạy hatang coverage calibrate --retire",
            f"Calibration {found.id} was made for {found.model} {found.model_version}, this program computes with "
            f"{MODEL} {MODEL_VERSION}: calibrate again, or run hatang coverage calibrate --retire",
        )


def _of_this_cover(found: Calibration, cover: LandCover) -> None:
    if found.cover_version != cover.state:
        raise Conflict(
            "calibration_outdated",
            f"Hiệu chỉnh {found.id} làm với lớp phủ mặt đất hoặc chiều cao lớp phủ khác: hiệu chỉnh lại, hoặc chạy "
            "hatang coverage calibrate --retire",
            f"Calibration {found.id} was made with another land cover, or other heights of it: calibrate again, or run "
            "hatang coverage calibrate --retire",
        )


def _nothing_measured(total: int, dropped: dict[str, int]) -> Invalid:
    if not total:
        return Invalid(
            "calibration_no_samples",
            "Chưa có số đo nào: nạp bằng hatang load measurements",
            "There are no measurements: load some with hatang load measurements",
        )
    vi, en = _counted(dropped)
    return Invalid(
        "calibration_no_levels",
        f"Không số đo nào trong {total} là mức thu ngoài trời của đo kiểm trên đường ({vi})",
        f"None of {total} measurements is a level of a drive test outdoors ({en})",
        dropped=dropped,
    )


def _nothing_matched(dropped: dict[str, int]) -> Invalid:
    vi, en = _counted(dropped)
    return Invalid(
        "calibration_nothing_matched",
        f"Mô hình không tính được mức thu tại số đo nào ({vi})",
        f"The model knows the level at none of the measurements ({en})",
        dropped=dropped,
    )


def _counted(dropped: dict[str, int]) -> tuple[str, str]:
    """Return the words for samples left out by reason, in both languages."""
    vi, en = ("; ".join(f"{n}: {DROPPED[code][k]}" for code, n in dropped.items() if n) for k in (0, 1))
    return vi, en
