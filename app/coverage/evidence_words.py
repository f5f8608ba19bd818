"""Says in both languages what each kind of evidence found in a village and which one decided."""

from __future__ import annotations

import datetime as dt
from typing import Any

from app.coverage.collected import Limits
from app.coverage.evidence import Said
from app.coverage.explain import UNIT, interval
from app.coverage.rules import CoverageRule, Evidence
from app.coverage.weighing import Told, Weighed, told

NAME: dict[Evidence, tuple[str, str]] = {
    "drive_test": ("đo kiểm trên đường", "the drive test"),
    "speed_test": ("đo tốc độ của người dùng", "the users' speed tests"),
    "model": ("mô hình truyền sóng", "the propagation model"),
    "polygon": ("vùng phủ doanh nghiệp công bố", "the operators' published area"),
    "claim": ("lời công bố không kèm bản đồ", "a claim without a map"),
}
_LOCAL = dt.timezone(dt.timedelta(hours=7))


def with_evidence(
    facts: dict[str, Any], weighed: Weighed, v: int, rule: CoverageRule, limits: Limits
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the reasons of a verdict with all its evidence, and what is stored of each kind.

    Parameters
    ----------
    facts : dict
        What `app.coverage.explain.why` says of the model's verdict.
    v : int
        Index of the village.

    Returns
    -------
    tuple
        Reasons: who decided, its finding, then what the others say. Rows of registry.evidence, the model's included.
    """
    kinds, final = weighed.spoke(v), weighed.told(v)
    rows = [_row(kind, weighed, v, rule, limits) for kind in kinds]
    words = {row["kind"]: (row["why"]["vi"], row["why"]["en"]) for row in rows} | {"model": (facts["vi"], facts["en"])}
    first: list[Evidence] = [final.evidence] if final.evidence else []
    vi, en = [], []
    if final.evidence:
        name_vi, name_en = NAME[final.evidence]
        vi.append(f"Kết luận theo {name_vi}")
        en.append(f"Decided by {name_en}")
    for kind in (*first, *(k for k in kinds if k not in first)):
        more_vi, more_en = words[kind]
        if kind == "model" and kind not in first:
            vi.append("Theo mô hình truyền sóng:")
            en.append("By the propagation model:")
        vi += more_vi
        en += more_en
    differs = [r["kind"] for r in rows if r["verdict"] not in ("unknown", final.verdict)]
    if final.evidence and differs:
        vi.append("Trái với kết luận: " + ", ".join(NAME[kind][0] for kind in differs))
        en.append("At odds with it: " + ", ".join(NAME[kind][1] for kind in differs))
    decided = facts["reasons"] if final.evidence in (None, "model") else [final.verdict]
    return facts | {"vi": vi, "en": en, "reasons": decided, "differs": differs}, rows


def _row(kind: Evidence, weighed: Weighed, v: int, rule: CoverageRule, limits: Limits) -> dict[str, Any]:
    said = weighed.said[kind]
    found = told(said, v)
    newest = weighed.newest_s[kind][v] if kind in weighed.newest_s else 0
    day = dt.datetime.fromtimestamp(int(newest), _LOCAL).date() if newest else None
    why: dict[str, Any] = {"vi": [], "en": []}
    if kind != "model":
        vi, en = _sentence(kind, found, said, v, rule, limits)
        if day:
            vi, en = f"{vi}; mẫu mới nhất ngày {day:%d/%m/%Y}", f"{en}; the newest sample is of {day.isoformat()}"
            why["newest"] = day.isoformat()
        why |= {"vi": [vi], "en": [en]}
    measured = kind in weighed.newest_s
    return {
        "kind": kind, "verdict": found.verdict, "share": found.share, "low": found.low, "high": found.high,
        "unknown": found.unknown, "points": None if kind == "speed_test" else int(said.points[v]),
        "samples": int(said.samples[v]) if measured else None, "why": why,
    }  # fmt: skip


def _sentence(kind: Evidence, found: Told, said: Said, v: int, rule: CoverageRule, limits: Limits) -> tuple[str, str]:
    unit_vi, unit_en = UNIT[rule.unit]
    range_vi, range_en = (interval(found.low, found.high, language) for language in ("vi", "en"))
    share = 0.0 if found.share is None else found.share
    points, samples = int(said.points[v]), int(said.samples[v])
    if kind == "drive_test":
        return (
            f"Đo kiểm trên đường: {share:.0%} {unit_vi} ở {points} điểm có mẫu đạt mức yêu cầu, cả thôn{range_vi}; "
            f"{samples} mẫu",
            f"Drive test: {share:.0%} {unit_en} at the {points} points with samples have the level, "
            f"the whole village{range_en}; {samples} samples",
        )
    if kind == "speed_test":
        if found.share is None:
            least = limits.min_speed_samples
            return (
                f"Đo tốc độ của người dùng: {samples} lượt, mỗi nhà mạng cần từ {least} lượt mới kết luận",
                f"Users' speed tests: {samples} tests, an operator needs {least} to tell",
            )
        return (
            f"Đo tốc độ của người dùng: {share:.0%} trong {samples} lượt đạt yêu cầu{range_vi}",
            f"Users' speed tests: {share:.0%} of {samples} tests satisfy the rule{range_en}",
        )
    vi = f"Doanh nghiệp công bố phủ {share:.0%} {unit_vi}"
    en = f"The operators claim {share:.0%} {unit_en}"
    if found.unknown > 0:
        vi += f"; {found.unknown:.0%} chưa rõ: nhà mạng chưa công bố, hoặc công bố mức thấp hơn"
        en += f"; {found.unknown:.0%} is unknown: not published, or less than the rule asks for"
    return vi, en
