"""Programmes as rows a person reads in a terminal."""

from __future__ import annotations

from typing import Any

from app.licensing.programme.models import ProgrammeRun


def title(run: ProgrammeRun) -> str:
    """Return the heading of a programme."""
    mark = " SYNTHETIC" if run.synthetic else ""
    return f"Chương trình {run.kind} · programme {run.id}{mark}, {run.as_of}"


def line(run: ProgrammeRun) -> dict[str, Any]:
    """Return a programme as one row of a list."""
    return {
        "id": run.id,
        "loại · kind": run.kind + (" (SYNTHETIC)" if run.synthetic else ""),
        "ngày · as of": run.as_of,
        "mục tiêu · target": percent(run.target),
        "kết quả · status": run.status,
        "trước → sau": f"{_ratio(run, 'before')} → {_ratio(run, 'after')}",
        "việc · acts": len(run.result["acts"]),
        "tỷ đồng · bn VND": billions(run.cost_vnd),
        "sai số · gap": percent(run.gap, 100),
    }


def totals(run: ProgrammeRun) -> dict[str, Any]:
    """Return the totals of a programme, one a row."""
    counts = {f"{name}": value for name, value in run.result["counts"].items()}
    return {
        "mục tiêu · target": percent(run.target),
        "kết quả · status": f"{run.result['status_vi']} · {run.status}",
        "trước · before": _standing(run, "before"),
        "sau · after": _standing(run, "after"),
        "cao nhất đạt được · reachable": _standing(run, "reachable"),
        "việc · acts": len(run.result["acts"]),
        "chi phí · cost": f"{billions(run.cost_vnd)} tỷ đồng · bn VND",
        "cận dưới · bound": None if run.bound_vnd is None else f"{billions(run.bound_vnd)} tỷ đồng · bn VND",
        "sai số · gap": percent(run.gap, 100),
        "giải trong · solved in": f"{run.seconds:.1f} s",
        **counts,
        "inputs_sha256": run.inputs_sha256,
    }


def act(told: dict[str, Any]) -> dict[str, Any]:
    """Return one act as a row."""
    source = told["source"]
    return {
        "#": told["rank"],
        "Từ\nfrom": source["code"] if source else "—",
        "Đến\nto": (told["target"]["code"] or "—") + (" (SYNTHETIC)" if told["synthetic"] else ""),
        "Tổ chức\nwho": ", ".join(told["organisations"]) or "—",
        "Cách\ndistance": "—" if told["distance_m"] is None else f"{told['distance_m']:,.0f} m",
        "Triệu đồng\nm VND": f"{told['cost_vnd'] / 1e6:,.1f}",
        "Sau đó\nthen": "—" if told["value_after"] is None else f"{told['value_after']:.2f}",
        "Vùng phủ\ncoverage": told["coverage"],
    }


def percent(value: float | None, factor: float = 1) -> str:
    """Return a percentage."""
    return "—" if value is None else f"{factor * value:.2f} %"


def billions(vnd: float) -> str:
    """Return VND in thousand millions."""
    return f"{vnd / 1e9:,.2f}"


def _ratio(run: ProgrammeRun, which: str) -> str:
    found = run.result[which]
    return "—" if found is None else percent(found["ratio"])


def _standing(run: ProgrammeRun, which: str) -> str | None:
    found = run.result[which]
    if found is None:
        return None
    parts = f"{found['numerator']:,.0f} / {found['denominator']:,.0f}, ? {found['unknown']:,.0f}"
    return f"{percent(found['ratio'])} ({parts})"
