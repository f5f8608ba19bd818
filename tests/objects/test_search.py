"""The pattern of a search finds what the accent-free keys of both texts say, and nothing else."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kit.text import fold, nfc
from app.objects.search import pattern

LETTERS = "aăâàảãạằắbcdđDĐÐeêếghiìkloôơởpqrstuưữvxyýỷ0189 -–—'’`.,/\\[](){}^$*+?|%_#&:~ßẞñçAĂÂEÊƠƯỲẴ"
TEXTS = st.text(LETTERS, max_size=12).map(nfc)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stored=TEXTS, wanted=st.text(LETTERS, max_size=4), inside=st.booleans(), start=st.integers(0, 8))
def test_as_the_keys_say(session: Session, stored: str, wanted: str, inside: bool, start: int) -> None:
    if inside:
        wanted = unicodedata.normalize("NFD", stored[start : start + 4]).swapcase()
    found = session.scalar(
        text("SELECT CAST(:stored AS text) ~ :pattern"), {"stored": stored, "pattern": pattern(wanted)}
    )
    assert found == (fold(wanted) in fold(stored))


@pytest.mark.parametrize(
    "wanted", ["", " ", "(", "[", "\\", "a{1,", "(?:x", "***:", "***=x", "\\y", "[[:alpha:]]", "(a*)*b"]
)
def test_nothing_in_it_is_a_regular_expression(session: Session, wanted: str) -> None:
    told = session.scalar(text("SELECT :stored ~ :pattern"), {"stored": f"x{wanted}y", "pattern": pattern(wanted)})
    assert told
    if wanted.strip():
        assert not session.scalar(text("SELECT 'aaa b' ~ :pattern"), {"pattern": pattern(wanted)})
