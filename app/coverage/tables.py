"""Rows of the tables that `hatang coverage blackspots` and `switch-off` show to people, and their questions."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationError

from app.errors import Invalid
from app.kit.page import Question
from app.kit.problem import validation_problem

Asked = TypeVar("Asked", bound=Question)
_VERDICTS = {"covered": "phủ sóng\ncovered", "not_covered": "chưa phủ\nnot covered", "unknown": "chưa rõ\nunknown"}
_FIGURES = {
    "villages": "Thôn · villages",
    "covered_before": "Được phủ trước · covered before",
    "covered_after": "Được phủ sau · covered after",
    "covered_to_not_covered": "Mất phủ sóng · covered → not covered",
    "covered_to_unknown": "Thành chưa rõ · covered → unknown",
    "unknown_to_not_covered": "Chưa rõ thành chưa phủ · unknown → not covered",
    "people_lost": "Người mất dịch vụ · people losing service",
    "people_without_signal": "Người hết sóng · people without any signal",
    "without_population": "Thôn không rõ số người · villages of unknown people",
}


def question(kind: type[Asked], **options: Any) -> Asked:
    """Return the question that options of a command ask; the same checks as over HTTP.

    Raises
    ------
    Invalid
        An option has a value that cannot be; the field at fault is named.
    """
    try:
        return kind(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        # Where the value stands: over HTTP the first part says that it was in the query.
        told = validation_problem([{**e, "loc": ("query", *e["loc"])} for e in error.errors()])
        raise Invalid(told["code"], told["message"]["vi"], told["message"]["en"], field=told["field"]) from error


def title(answer: dict[str, Any], name: str) -> str:
    """Return the title of a table with the run it rests on."""
    run = answer["run"]
    if run is None:
        return f"{name}\nchưa có lượt tính · no run yet"
    return f"{name} {answer['as_of']}\n{run['rule']} v{run['rule_version']}, lượt · run {run['id']} ({run['as_of']})"


def totals(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row a verdict."""
    return [
        {
            "": _VERDICTS[name],
            "Thôn\nvillages": f"{row['villages']:,}",
            "Dân số\npopulation": f"{row['population']:,.0f}",
            "Chưa được phủ\npeople uncovered": f"{row['people_uncovered']:,.0f}",
            "Chưa rõ\npeople unknown": f"{row['people_unknown']:,.0f}",
        }
        for name, row in answer["totals"].items()
    ]


def spots(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row a village; narrow enough for 80 columns."""
    return [
        {
            "Thôn\nvillage": f"{s['code']}\n{s['name']}",
            "Xã\ncommune": s["commune_name"],
            "Người chưa được phủ\npeople uncovered": _between(s["people_uncovered"], s["people_uncovered_high"]),
            "Dân số\npopulation": s["population"],
            "Phần được phủ\nshare": None if s["share"] is None else f"{s['share']:.0%}",
            "dBm": None if s["rsrp_dbm"] is None else f"{s['rsrp_dbm']:.0f}",
            "Được phủ bởi\ncovered by": "\n".join(s["covered_by"]) or None,
        }
        for s in answer["items"]
    ]


def effects(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row a figure: in all, then the communes that lose most as columns."""
    communes = [c for c in answer["by_commune"] if c["covered_before"] != c["covered_after"] or c["people_lost_high"]]
    areas = [("Tất cả\nall", answer["totals"])]
    areas += [(c["commune_name"] or "—", c) for c in communes[:3]]
    return [{"": words} | {name: _cell(area, key) for name, area in areas} for key, words in _FIGURES.items()]


def lost(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row a village lost."""
    return [
        {
            "Thôn\nvillage": f"{v['code']}\n{v['name']}",
            "Xã\ncommune": v["commune_name"],
            "Sau khi tắt\nafter": _VERDICTS[v["after"]],
            "Người mất dịch vụ\npeople lost": _between(v["people_lost"], v["people_lost_high"]),
            "Hết sóng\nno signal": _between(v["people_without_signal"], v["people_without_signal_high"]),
            "Phần được phủ\nshare": f"{_share(v['share_before'])} → {_share(v['share_after'])}",
        }
        for v in answer["items"]
    ]


def _cell(area: dict[str, Any], key: str) -> str:
    high = f"{key}_high"
    return _between(area[key], area[high]) or "—" if high in area else f"{area[key]:,}"


def _between(low: float | None, high: float | None) -> str | None:
    if low is None or high is None:
        return None
    return f"{low:,.0f}" if round(low) == round(high) else f"{low:,.0f} … {high:,.0f}"


def _share(value: float | None) -> str:
    return "?" if value is None else f"{value:.0%}"
