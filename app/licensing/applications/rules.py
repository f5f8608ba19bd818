"""The dated policy of applications: clocks, calendar, what owners are told, limits of documents."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeVar

import holidays
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.kit.page import today
from app.licensing.applications.clocks import STAGE_OF
from app.licensing.applications.inspection import Limits
from app.licensing.applications.working_days import WorkingCalendar
from app.policy.queries import parameter, parameters

Rule = TypeVar("Rule", bound=BaseModel)


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class StageTime(_Value):
    """Policy application_clock/…: working days a stage may take."""

    working_days: int = Field(ge=0, le=400)


class AnswerTime(StageTime):
    """Policy application_clock/sharing: besides, those an owner has and how long before its end it is reminded."""

    answer_working_days: int = Field(ge=1, le=400)
    remind_before: int = Field(ge=0, le=400)


class CalendarChange(_Value):
    """Policy working_calendar/…: what differs from the general calendar."""

    days_off: frozenset[dt.date] = frozenset()
    working_days: frozenset[dt.date] = frozenset()


class Disclosure(_Value):
    """Policy sharing_request/disclosure."""

    applicant_named: bool


class Automatic(_Value):
    """Policy sharing_request/automatic."""

    max_requests: int = Field(ge=0, le=100)


class DocumentLimits(_Value):
    """Policy application_document/limits."""

    max_bytes: int = Field(ge=1, le=50_000_000)
    max_bytes_application: int = Field(ge=1)
    max_pages: int = Field(ge=1)
    max_pixels: int = Field(ge=1)
    max_entities: int = Field(ge=1)
    max_objects: int = Field(ge=1)
    seconds: int = Field(ge=1, le=120)

    def of_file(self) -> Limits:
        """Return what bounds the examination of one file."""
        return Limits(self.max_pages, self.max_pixels, self.max_entities, self.max_objects)


def rule(session: Session, kind: str, name: str, model: type[Rule]) -> Rule:
    """Return a policy row in force today, read as `model`.

    Raises
    ------
    Invalid
        `malformed_rule`.
    NotFound
        There is none.
    """
    return _read(model, kind, name, parameter(session, kind, name, today()).value)


def allowed_days(session: Session) -> dict[str, int]:
    """Return stage → working days it may take."""
    values = parameters(session, "application_clock", today())
    stages = dict.fromkeys(STAGE_OF.values())
    return {s: _read(StageTime, "application_clock", s, values.get(s, {})).working_days for s in stages}


def calendar(session: Session, first_year: int, last_year: int) -> WorkingCalendar:
    """Return the working calendar of whole years: the package's Viet Nam, then the province's corrections."""
    years = range(first_year, last_year + 1)
    national = holidays.country_holidays("VN", years=years)
    off, working = set(national), set(getattr(national, "weekend_workdays", ()))
    for name, value in parameters(session, "working_calendar", today()).items():
        change = _read(CalendarChange, "working_calendar", name, value)
        off = (off | change.days_off) - change.working_days
        working = (working | change.working_days) - change.days_off
    return WorkingCalendar(frozenset(off), frozenset(working))


def calendar_around(session: Session, first: dt.date) -> WorkingCalendar:
    """Return the calendar from the year of `first` to two years from now, where every deadline of today lies."""
    return calendar(session, first.year, max(first.year, today().year) + 2)


def _read(model: type[Rule], kind: str, name: str, value: dict[str, Any]) -> Rule:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Invalid("malformed_rule", f"Quy tắc {kind}/{name} sai ở {field}",
                      f"The rule {kind}/{name} is malformed: {field}", field=field) from error  # fmt: skip
