"""Moments of knowledge: ISO 8601 with a zone, not in the future, not before there were registries."""

from __future__ import annotations

import datetime as dt

import pytest
from pydantic import ValidationError

from app.errors import Invalid
from app.kit.page import Dated, option, parse_instant

UTC = dt.UTC


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        ("2026-01-31T08:30:00+07:00", dt.datetime(2026, 1, 31, 1, 30, tzinfo=UTC)),
        ("2026-01-31T08:30:00 07:00", dt.datetime(2026, 1, 31, 1, 30, tzinfo=UTC)),  # a bare + in an address
        ("2026-01-31T01:30Z", dt.datetime(2026, 1, 31, 1, 30, tzinfo=UTC)),
        ("2026-01-31t01:30:00.123456z", dt.datetime(2026, 1, 31, 1, 30, 0, 123456, tzinfo=UTC)),
        ("2026-01-31T08:30:00+0700", dt.datetime(2026, 1, 31, 1, 30, tzinfo=UTC)),
        ("2000-01-01T00:00:00-12:00", dt.datetime(2000, 1, 1, 12, tzinfo=UTC)),
    ],
)
def test_moments(told: str, moment: dt.datetime) -> None:
    assert parse_instant(told) == moment
    asked = Dated.model_validate({"known_at": told})
    assert asked.known_at == moment
    assert (
        Dated.model_validate({"known_at": asked.query().split("=")[1].replace("%3A", ":").replace("%2B", "+")}) == asked
    )


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("2026-01-31T08:30:00", "instant_without_zone"),
        ("2026-01-31", "not_an_instant"),
        ("1999-12-31T23:59:59Z", "instant_too_early"),
        ("0001-01-01T00:00:00+14:00", "instant_too_early"),
        ("9999-12-31T23:59:59-14:00", "instant_in_future"),
        ("2026-13-01T00:00:00Z", "not_an_instant"),
        ("2026-01-31T24:61:00Z", "not_an_instant"),
        ("2026-01-31T08:30:00+99:00", "not_an_instant"),
        ("1700000000", "not_an_instant"),
        ("yesterday", "not_an_instant"),
        ("2026-01-31T08:30:00Z'; DROP TABLE x", "not_an_instant"),
        ("２０２６-01-31T08:30:00Z", "not_an_instant"),
    ],
)
def test_no_moments(told: str, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Dated.model_validate({"known_at": told})
    (error,) = refused.value.errors()
    assert (error["loc"], error["ctx"]["code"]) == (("known_at",), code)
    assert error["ctx"]["vi"] != error["ctx"]["en"]
    with pytest.raises(Invalid) as of_command:
        option(parse_instant, told, "known_at")
    assert (of_command.value.code, of_command.value.field) == (code, "known_at")


def test_the_next_moment_is_the_future() -> None:
    now = dt.datetime.now(UTC)
    assert parse_instant(now.isoformat()) == now
    with pytest.raises(ValidationError):
        Dated.model_validate({"known_at": (now + dt.timedelta(minutes=1)).isoformat()})
