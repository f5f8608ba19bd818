"""What is said of calibrations: in verdicts and on the map, and the tables of `hatang coverage calibrate`."""

from __future__ import annotations

from typing import Any

from app.coverage.bands import WORDS
from app.coverage.calibration_inputs import DROPPED
from app.coverage.models import Calibration
from app.kit.text import decimal_vi

_BASIS = {
    "bias_and_slope": "lệch + dốc\nbias + slope",
    "bias": "lệch\nbias",
    "band": "của băng\nthe band's",
    "overall": "của tất cả\nall bands'",
}
STATUS = {"trial": "thử\ntrial", "in_use": "đang dùng\nin use", "retired": "đã thôi\nretired"}


def in_words(stated: dict[str, Any]) -> dict[str, str]:
    """Return the sentence about the calibration of a run; `stated` as `app.coverage.calibrations.stated` has it."""
    made_up = " (SYNTHETIC)" if stated["synthetic"] else ""
    return {
        "vi": f"Mô hình đã hiệu chỉnh theo số đo: RMSE {decimal_vi(stated['rmse_db'], 1)} dB trên {stated['sites']} "
        f"vị trí trạm kiểm tra{made_up}",
        "en": f"The model is calibrated with measurements: RMSE {stated['rmse_db']:.1f} dB on {stated['sites']} "
        f"held-out sites{made_up}",
    }


def with_calibration(why: dict[str, Any], stated: dict[str, Any]) -> dict[str, Any]:
    """Return a verdict's reasons with what its levels are corrected by, which everybody may know."""
    told = in_words(stated)
    facts = {name: stated[name] for name in ("id", "rmse_db", "sites")}
    return why | {"vi": [*why["vi"], told["vi"]], "en": [*why["en"], told["en"]], "calibration": facts}


def summary_row(of: Calibration) -> dict[str, Any]:
    """Return one row of `hatang coverage calibrations`."""
    before, after = (of.report["rows"][0][when] for when in ("before", "after"))
    return {
        "id": of.id,
        "": STATUS[of.status] + ("\nSYNTHETIC" if of.synthetic else ""),
        "đến\nup to": of.as_of,
        "trạm\nsites": f"{of.report['fit_sites']} + {of.report['held_out_sites']}",
        "RMSE dB": _change(before["rmse_db"], after["rmse_db"]),
        "lệch\nbias dB": _change(before["bias_db"], after["bias_db"]),
        "sigma\ndB": f"{of.sigma_model_db:.1f}",
    }


def fit_rows(of: Calibration) -> list[dict[str, Any]]:
    """Return one row a correction that has samples of its own, the overall one first."""
    kept = of.coefficients
    return [
        {
            "Băng · band": _name(c),
            "lệch\nbias dB": f"{c['bias_db']:+.1f}",
            "dốc\nslope dB/10×": f"{c['slope_db_per_decade']:+.1f}",
            "km": f"{c['near_km']:.2g}–{c['far_km']:.2g}",
            "số đo\nsamples": c["samples"],
            "trạm\nsites": c["sites"],
            "": _BASIS[c["basis"]],
        }
        for c in [kept["overall"], *kept["corrections"]]
        if c["samples"] or c["band"] is None
    ]


def report_rows(of: Calibration) -> list[dict[str, Any]]:
    """Return one row a band and class: held-out sites, before → after."""
    return [
        {
            "Băng · band": _name(row),
            "số đo\nsamples": row["after"]["samples"],
            "trạm\nsites": row["after"]["sites"],
            "RMSE dB": _change(row["before"]["rmse_db"], row["after"]["rmse_db"]),
            "lệch\nbias dB": _change(row["before"]["bias_db"], row["after"]["bias_db"]),
            "phủ sai\nfalse covered": _rates(row, "false_covered_rate"),
            "chưa phủ sai\nfalse uncovered": _rates(row, "false_uncovered_rate"),
        }
        for row in of.report["rows"]
    ]


def left_out(of: Calibration) -> list[str]:
    """Return a line a reason for which samples were not used."""
    told = [f"{n:,}: {DROPPED[code][0]} · {DROPPED[code][1]}" for code, n in of.report["dropped"].items() if n]
    more = (
        ("outliers", "xa trung vị của băng tần, không dùng để khớp", "far from the band's median, not fitted"),
        ("near_floor", "dự báo sát ngưỡng đo của máy thu", "predicted close to the receiver's floor"),
        ("at_floor", "ở ngưỡng đo của máy thu, lấy mức của ngưỡng", "at the receiver's floor, taken at its level"),
    )
    return told + [f"{of.report[name]:,}: {vi} · {en}" for name, vi, en in more if of.report[name]]


def full(of: Calibration) -> dict[str, Any]:
    """Return a calibration as JSON."""
    return {column.name: getattr(of, column.name) for column in Calibration.__table__.columns}


def _name(of: dict[str, Any]) -> str:
    if of["band"] is None:
        return "tất cả · all"
    return " · ".join(WORDS[of["band"]]) + (f"\n{of['clutter']}" if of["clutter"] else "")


def _rates(row: dict[str, Any], name: str) -> str | None:
    return _change(row["before"][name], row["after"][name], ".0%")


def _change(before: float | None, after: float | None, form: str = ".1f") -> str | None:
    if before is None and after is None:
        return None
    return " → ".join("—" if v is None else format(v, form) for v in (before, after))
