"""Answers what switching technologies off costs: the villages lost, figures per commune and in all."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.coverage.inputs import operator_id
from app.coverage.models import CoverageRun
from app.coverage.queries import chosen_run
from app.coverage.rules import CoverageRule, parse_rule
from app.coverage.switch_off import Effect, effect
from app.coverage.switch_off_figures import communes, figures, in_people, rank, village
from app.coverage.switch_off_inputs import Stored, read_stored
from app.coverage.switch_off_schemas import SwitchOffQuestion
from app.coverage.verdict import COVERED
from app.database import reads_all, scope_of, statistics
from app.errors import Forbidden, Invalid, NotFound

PATH = "/api/coverage/switch-off"
_WHY = {
    "vi": ["Theo mức thu của mô hình lưu trong lượt tính; số đo và vùng phủ doanh nghiệp công bố không được xét",
           "Số máy chỉ dùng được công nghệ bị tắt không có trong hồ sơ nên không được đếm"],
    "en": ["By the model's levels as the run stored them; measurements and operators' claims are not considered",
           "Phones that know only the technologies switched off are on no record and are not counted"],
}  # fmt: skip


def switch_off(session: Session, asked: SwitchOffQuestion) -> dict[str, Any]:
    """Return which villages and how many people lose service without the technologies; nothing is written.

    Over all operators everybody with an account is told; levels the caller may not read are counted, restricted sites
    only for the department. One operator's network is for that operator and for those who read all.

    Raises
    ------
    Forbidden
        An operator other than one's own.
    Invalid
        No such operator; nothing of the rule would be left; a technology the rule has no level for; a rule whose runs
        keep no levels; a run of another rule.
    NotFound
        No such rule or run, or no run of the rule up to the date.
    Conflict
        The populated points changed since the run.
    """
    operator = operator_id(session, asked.operator, asked.on) if asked.operator else None
    if operator is not None and not reads_all(session) and operator not in scope_of(session).organisations:
        raise Forbidden(
            "not_your_network",
            "Chỉ được hỏi về mạng của chính doanh nghiệp mình; bỏ operator để hỏi chung mọi nhà mạng",
            "You may ask about your own network only; leave operator out to ask about all of them together",
            field="operator",
        )
    run = chosen_run(session, asked.rule, asked.run_id, asked.on)
    if run is None:
        raise NotFound(
            "no_run",
            "Chưa có lượt tính vùng phủ nào cho quy tắc này đến ngày hỏi; hãy chạy `hatang coverage run`",
            "No coverage run of this rule exists up to the date asked; run `hatang coverage run`",
        )
    rule = parse_rule(run.rule, run.rule_value)
    _check(rule, asked.off)
    as_of = run.as_of if asked.run_id and not asked.as_of else asked.on
    with statistics(session):
        stored = read_stored(session, run, rule, operator, as_of)
    least = 1 if operator is not None else rule.min_operators
    found = effect(stored.heard, stored.demand, stored.people, rule, asked.off, least)
    return {"as_of": as_of, "operator": asked.operator} | _answer(run, rule, stored, found, asked)


def refuse_without_levels(rule: CoverageRule) -> None:
    """Refuse a rule whose runs keep no levels of the points it asks about.

    Raises
    ------
    Invalid
        `rule_without_levels` or `rule_of_uplink`.
    """
    if rule.unit in ("point", "area"):
        raise Invalid(
            "rule_without_levels",
            "Lượt tính theo điểm sinh hoạt cộng đồng hoặc diện tích không lưu mức thu; hãy chọn quy tắc theo dân số "
            "hoặc nhà ở",
            "Runs of a rule of the village's point or area keep no levels; choose a rule of population or dwellings",
            field="rule",
        )
    if rule.uplink_mbps:
        raise Invalid(
            "rule_of_uplink",
            "Chưa xét được tốc độ tải lên trong câu hỏi giả định; hãy chọn quy tắc theo mức thu hoặc tải xuống",
            "Questions of what if do not look at uplink rates; choose a rule of level or of downlink",
            field="rule",
        )


def _check(rule: CoverageRule, off: tuple[str, ...]) -> None:
    refuse_without_levels(rule)
    if not set(rule.technologies) - set(off):
        named = ", ".join(rule.technologies)
        raise Invalid(
            "nothing_left",
            f"Quy tắc chỉ xét {named}: tắt hết thì không còn gì để xét",
            f"The rule looks at {named} only: with all of them off nothing is left to judge",
            field="technologies",
        )
    missing = [t for t in off if t not in set(rule.rsrp_min_dbm)]
    if missing:
        named = ", ".join(missing)
        raise Invalid(
            "no_level_for_technology",
            f"Quy tắc không có ngưỡng cho {named}; hãy chọn quy tắc khác",
            f"The rule has no level for {named}; choose another rule",
            field="technologies",
        )


def _answer(
    run: CoverageRun, rule: CoverageRule, stored: Stored, found: Effect, asked: SwitchOffQuestion
) -> dict[str, Any]:
    population = np.array([v["population"] for v in stored.villages], np.float64)
    people = in_people(found, population, rule)
    code = [v["code"] for v in stored.villages]
    lost = np.flatnonzero((found.before == COVERED) & (found.after != COVERED)).tolist()
    lost.sort(key=lambda v: (*rank(people, v), code[v]))
    items = [village(stored, found, people, v) for v in lost[asked.offset : asked.offset + asked.limit]]
    every = np.ones(len(stored.villages), bool)
    return {
        "run": run,
        "switched_off": asked.off,
        "technologies_before": rule.technologies,
        "technologies_after": [t for t in rule.technologies if t not in asked.off],
        "signals_after": [t for t in rule.rsrp_min_dbm if t not in asked.off],
        "share_of": rule.unit,
        "totals": figures(found, people, every),
        "by_commune": communes(stored, found, people),
        "items": items,
        "number_matched": len(lost),
        "links": asked.links(PATH, len(lost)),
        "why": _WHY,
        "synthetic": any(v["synthetic"] for v in stored.villages),
    }
