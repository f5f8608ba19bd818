"""Whole columns through COPY come back as they went in, whatever the text holds."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Boolean, Date, Double, Integer, Text, select, text
from sqlalchemy.orm import Session

from app.kit.bulk import stage_columns
from app.kit.table import objects

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.one_of(st.none(), _TEXT, st.sampled_from(["\\N", "\\.", "\\", "\t", "a\\tb", "\r\n"])), min_size=1))
def test_text_survives(session: Session, values: list[str | None]) -> None:
    staged = stage_columns(
        session, "copied", {"i": (Integer(), np.arange(len(values))), "t": (Text(), objects(values))}
    )
    rows = session.scalars(select(staged.c.t).order_by(staged.c.i)).all()
    session.execute(text("DROP TABLE copied"))
    assert rows == values


def test_types_and_nulls(session: Session) -> None:
    columns: dict[str, Any] = {
        "f": (Double(), np.array([1.5, np.nan, 1e-300])),
        "b": (Boolean(), objects([True, None, False])),
        "d": (Date(), objects([dt.date(2026, 1, 2), None, None])),
        "n": (Integer(), np.array([1, 2, 3])),
    }
    staged = stage_columns(session, "typed", columns)
    rows = [tuple(row) for row in session.execute(select(staged).order_by(staged.c.n))]
    assert rows == [(1.5, True, dt.date(2026, 1, 2), 1), (None, None, None, 2), (1e-300, False, None, 3)]
