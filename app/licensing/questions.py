"""The private sharing question: whether one can share around here, without anybody's map being shown.

An organisation is told whether others' structures with room stand within a radius, how many, and a number under which
the department asks their owners. Never whose, where, or how far.

What can still be inferred, and what holds it down:

* Many questions side by side tell in which squares of the grid (policy sharing_question/search) candidates may
  stand, never more: structures count as the centres of their squares (`app.licensing.private_answer`). Therefore an
  organisation has a few questions an hour and a day (sharing_question/limits), and the department reads every one.
* A number that changes from one month to the next tells that a place was taken, freed or recorded there.
* Asking the same place for several heights brackets the height of a lone candidate to a step of heights.
* Who asks learns nothing of restricted structures: they never count.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import URL, Engine, NullPool, bindparam, create_engine, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.accounts.access import identity_of
from app.database import Scope, engine, enter, is_department, scope_of, statistics, translated
from app.errors import Forbidden, Invalid, TooMany
from app.kit.page import today
from app.kit.snapping import centre, square_of
from app.licensing import queries
from app.licensing.answers import candidate
from app.licensing.checks import check_between, check_point, organisation_code, outside_province, technologies_of
from app.licensing.models import SharingQuestion
from app.licensing.private_answer import Answer, Asked, Coarseness, Number, answer, raised
from app.licensing.schemas import SharingOffer, SharingQuestionIn, SharingQuestionsQuestion
from app.policy.queries import parameter

# Without letters and digits that are taken for each other when read out.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_ASK = text("""
    SELECT * FROM audit.ask_sharing(:organisation, :reference, :lon, :lat, :grid_lon, :grid_lat, :radius_m,
                                    :height_m, :technologies, :per_hour, :per_day)
""")
_ANSWERED = text("SELECT audit.answer_sharing(:question, :told)").bindparams(bindparam("told", type_=JSONB))


class Rules(BaseModel):
    """Policy sharing_question/search and limits."""

    model_config = ConfigDict(frozen=True)

    radii_m: tuple[float, ...] = Field(min_length=1)
    grid_m: float = Field(ge=100)
    height_step_m: float = Field(gt=0)
    exact_up_to: int | None = Field(ge=0)
    per_hour: int = Field(ge=1)
    per_day: int = Field(ge=1)


class Logged(NamedTuple):
    """A question that was logged; what is left is null for the department, which has no limit."""

    question_id: int
    left_hour: int | None
    left_day: int | None


def ask(session: Session, asked: SharingQuestionIn) -> dict[str, Any]:
    """Log the question, then answer it.

    Raises
    ------
    Invalid
        The point, radius, height, operator or a technology cannot be, or the point is outside the province.
    Forbidden
        `no_organisation`, or `other_organisation`: asked for one that is not the caller's.
    TooMany
        The organisation has asked too often; `retry_after_s`.
    """
    on = today()
    rules = _rules(session)
    search = parameter(session, "colocation", "search", on).value
    judgement = parameter(session, "colocation", "judgement", on).value
    organisation = _organisation(session, asked.operator)
    technologies = technologies_of(asked.technologies)
    check_point(asked.lon, asked.lat)
    if asked.radius_m not in rules.radii_m:
        raise _radius_not_offered(asked.radius_m, rules.radii_m)
    if asked.height_m is not None:
        check_between("height_m", asked.height_m, search["max_height_m"])
    tolerance_m = judgement["boundary_tolerance_m"]
    at = queries.point(asked.lon, asked.lat)
    if queries.any_commune(session, on) and queries.place_of(session, at, tolerance_m, on) is None:
        raise outside_province(asked.lon, asked.lat, tolerance_m)
    coarse = Coarseness(rules.grid_m, rules.height_step_m, rules.exact_up_to, judgement["min_height_share"])
    wanted = Asked(asked.lon, asked.lat, asked.radius_m, organisation, asked.height_m)
    here = centre(square_of(asked.lon, asked.lat, rules.grid_m), rules.grid_m)
    reference = _reference()
    logged = _log(scope_of(session), wanted, technologies, here, reference, rules)
    with statistics(session):
        found = answer(
            queries.candidates(session, queries.point(*here), asked.radius_m + rules.grid_m, on), wanted, coarse
        )
    _log_answer(scope_of(session), logged.question_id, asdict(found))
    around = queries.candidates(session, at, asked.radius_m, on)
    own = [c for c in around if c.owner_code == organisation and not c.restricted]
    contact = parameter(session, "sharing_question", "contact", on)
    return {
        "reference": reference,
        "operator": organisation,
        **asdict(found),
        "message": _message(found, asked.radius_m),
        "own": [candidate(c, organisation) for c in sorted(own, key=lambda c: (c.distance_m, c.structure))],
        "contact": {"vi": contact.value["vi"], "en": contact.value["en"], "reference": reference},
        "searched": {"lon": here[0], "lat": here[1], "radius_m": asked.radius_m, "grid_m": rules.grid_m,
                     "height_m": None if asked.height_m is None else raised(asked.height_m, coarse)},
        "left": {"hour": logged.left_hour, "day": logged.left_day},
        "as_of": on,
        "citation": contact.citation,
    }  # fmt: skip


def offer(session: Session) -> dict[str, Any]:
    """Return what may be asked: radii and the largest height, metres, and how often.

    Raises
    ------
    Invalid
        `malformed_rule`.
    """
    search = parameter(session, "colocation", "search", today()).value
    return _rules(session).model_dump(include=set(SharingOffer.model_fields)) | {"max_height_m": search["max_height_m"]}


def log_page(session: Session, asked: SharingQuestionsQuestion) -> dict[str, Any]:
    """Return a page of the questions asked, newest first; nothing for anybody but the department."""
    found = select(SharingQuestion)
    if asked.operator:
        found = found.where(SharingQuestion.organisation_code == asked.operator)
    matched = session.scalar(select(func.count()).select_from(found.subquery())) or 0
    page = found.order_by(SharingQuestion.id.desc()).limit(asked.limit).offset(asked.offset)
    links = asked.links("/api/sharing-questions", matched)
    return {"items": list(session.scalars(page)), "number_matched": matched, "links": links}


def _rules(session: Session) -> Rules:
    values = [parameter(session, "sharing_question", name, today()).value for name in ("search", "limits")]
    try:
        return Rules.model_validate(values[0] | values[1])
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Invalid("malformed_rule", f"Quy tắc sharing_question sai ở {field}",
                      f"The rule sharing_question is malformed: {field}", field=field) from error  # fmt: skip


def _organisation(session: Session, wanted: str | None) -> str:
    """Return for whom is asked: the caller's organisation, or any when the department asks on its behalf."""
    if is_department(session):
        if wanted is None:
            raise Invalid("operator_needed", "Hỏi thay cho doanh nghiệp nào?", "On whose behalf?", field="operator")
        return organisation_code(session, wanted, today(), radio=False)
    own = identity_of(session).organisations
    if not own:
        raise Forbidden(
            "no_organisation",
            "Tài khoản không thuộc doanh nghiệp nào nên không hỏi được",
            "The account acts for no organisation, so it cannot ask",
        )
    code = wanted.strip().upper() if wanted else own[0]
    if code not in own:
        raise Forbidden(
            "other_organisation",
            "Chỉ được hỏi cho doanh nghiệp của mình",
            "You may ask for your own organisation only",
            field="operator",
        )
    if wanted is None and len(own) > 1:
        names = ", ".join(own)
        raise Invalid("operator_needed", f"Hỏi cho doanh nghiệp nào: {names}?", f"For which organisation: {names}?",
                      field="operator")  # fmt: skip
    return code


def _log(
    scope: Scope, asked: Asked, technologies: tuple[str, ...], here: tuple[float, float], reference: str, rules: Rules
) -> Logged:
    values = {
        "organisation": asked.organisation, "reference": reference, "lon": asked.lon, "lat": asked.lat,
        "grid_lon": here[0], "grid_lat": here[1], "radius_m": asked.radius_m, "height_m": asked.height_m,
        "technologies": list(technologies), "per_hour": rules.per_hour, "per_day": rules.per_day,
    }  # fmt: skip
    with translated(), Session(_apart(engine().url)) as session, session.begin():
        enter(session, scope)
        row = session.execute(_ASK, values).one()
    if row.retry_after_s is not None:
        minutes = -(-row.retry_after_s // 60)
        raise TooMany(
            "too_many_questions",
            f"Mỗi doanh nghiệp được hỏi {rules.per_hour} lần mỗi giờ và {rules.per_day} lần mỗi ngày; "
            f"hãy hỏi lại sau {minutes} phút",
            f"An organisation may ask {rules.per_hour} times an hour and {rules.per_day} times a day; "
            f"ask again in {minutes} min",
            retry_after_s=row.retry_after_s,
        )
    return Logged(row.question_id, row.left_hour, row.left_day)


def _log_answer(scope: Scope, question_id: int, told: dict[str, Any]) -> None:
    with translated(), Session(_apart(engine().url)) as session, session.begin():
        enter(session, scope)
        session.execute(_ANSWERED, {"question": question_id, "told": told})


@lru_cache(maxsize=4)
def _apart(url: URL) -> Engine:
    """Return connections beside the pool: a request that already holds one of the pool's must not wait for a second.

    What is logged in them stays when the request is rolled back.
    """
    return create_engine(url, poolclass=NullPool, connect_args={"options": "-c statement_timeout=10000"})


def _reference() -> str:
    """Return a number nobody can guess: counted ones would tell how often others ask."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    return f"DC-{drawn[:4]}-{drawn[4:8]}-{drawn[8:]}"


def _message(found: Answer, radius_m: float) -> dict[str, str]:
    vi, en = {
        "yes": ("Có thể dùng chung", "Sharing is possible"),
        "unknown": ("Chưa rõ có dùng chung được không", "Whether sharing is possible is not known"),
        "no": ("Không có công trình nào của đơn vị khác còn chỗ", "No structure of others has room"),
    }[found.may_share]
    room, dark = found.with_room, found.unknown
    return {
        "vi": f"{vi}: trong bán kính {radius_m:g} m có {_number(room, 'trở lên')} công trình của đơn vị khác còn chỗ, "
        f"{_number(dark, 'trở lên')} chưa rõ",
        "en": f"{en}: within {radius_m:g} m others have {_number(room, 'or more')} structure(s) with room, "
        f"{_number(dark, 'or more')} of which it is not known",
    }


def _number(number: Number, more: str) -> str:
    return f"{number.count} {more}" if number.at_least else str(number.count)


def _radius_not_offered(radius_m: float, offered: tuple[float, ...]) -> Invalid:
    names = ", ".join(f"{r:g}" for r in offered)
    return Invalid(
        "radius_not_offered",
        f"Bán kính là một trong {names} m, không phải {radius_m:g}",
        f"The radius is one of {names} m, not {radius_m:g}",
        field="radius_m",
        offered=list(offered),
    )
