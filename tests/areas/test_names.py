"""Every real name of the country is found whichever way it is written."""

from __future__ import annotations

import sqlite3
import unicodedata
from contextlib import closing
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kit.text import fold, nfc

MARKS = "\u0300\u0301\u0309\u0303\u0323"
"""Grave, acute, hook, tilde, dot below: the tones. Circumflex, breve and horn belong to the letter."""
PAIRS = ("oa", "oe", "uy")
"""Open syllables whose tone is written on the first vowel (hòa) or on the second (hoà)."""


def real_names() -> list[str]:
    spec = find_spec("vietnamadminunits")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    path = Path(spec.submodule_search_locations[0]) / "data" / "dataset.db"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        rows = database.execute(
            "SELECT ward FROM admin_units UNION SELECT ward FROM admin_units_legacy UNION SELECT district FROM "
            "admin_units_legacy UNION SELECT province FROM admin_units_legacy UNION SELECT province FROM admin_units"
        ).fetchall()
    return [nfc(name) for (name,) in rows if name]


def moved(name: str) -> str:
    """Return the name with every tone of oa, oe, uy on the other vowel."""
    letters = list(unicodedata.normalize("NFD", name))
    plain = [i for i, c in enumerate(letters) if not unicodedata.combining(c)]
    for here, following in pairwise(plain):
        if (letters[here] + letters[following]).lower() not in PAIRS or following >= len(letters):
            continue
        first, second = letters[here + 1 : following], []
        end = following + 1
        while end < len(letters) and unicodedata.combining(letters[end]):
            second.append(letters[end])
            end += 1
        tones = [c for c in (*first, *second) if c in MARKS]
        if len(tones) == 1 and not set((*first, *second)) - set(MARKS):
            on_first = not first
            letters[here:end] = [letters[here], *(tones if on_first else []), letters[following],
                                 *([] if on_first else tones)]  # fmt: skip
            return unicodedata.normalize("NFC", "".join(letters))
    return name


NAMES = real_names()


def test_the_other_placement_of_the_tone_mark() -> None:
    assert moved("Thủy Xuân") == "Thuỷ Xuân"
    assert moved("Thuỷ Xuân") == "Thủy Xuân"
    assert moved("Phường Hòa Khê") == "Phường Hoà Khê"
    assert moved("Khoẻ") == "Khỏe"
    assert moved("Phú Xuân") == "Phú Xuân"
    both = [name for name in NAMES if moved(name) != name]
    assert len(both) > 500, "the names tell the two placements apart"
    assert all(moved(moved(name)) == name for name in both)


def ways(name: str) -> list[str]:
    """Return the ways people and programs write a name."""
    other = moved(name)
    return [
        name, other, other.upper(), name.lower(), f"  {name.replace(' ', '   ')}\t", name.replace(" ", "\u00a0"),
        *(unicodedata.normalize(form, way) for form in ("NFC", "NFD", "NFKC", "NFKD") for way in (name, other)),
        name.replace("Đ", "Ð").replace("đ", "ð"), name.replace("Đ", "D").replace("đ", "d"), name.replace("'", "’"),
        name.replace("-", "–"), fold(name),
    ]  # fmt: skip


def test_every_way_gives_one_key_in_python_and_in_sql(session: Session) -> None:
    written = [(name, way) for name in NAMES for way in ways(name)]
    assert len(written) > 150_000
    keys = {name: fold(name) for name in NAMES}
    assert [pair for pair in written if fold(pair[1]) != keys[pair[0]]] == []
    distinct = sorted({way for _, way in written})
    query = text("SELECT w FROM unnest(CAST(:ways AS text[]), CAST(:keys AS text[])) AS t(w, k) WHERE fold(w) <> k")
    wrong = session.scalars(
        text(str(query).replace("fold(w)", "registry.fold(w)")),
        {"ways": distinct, "keys": [fold(w) for w in distinct]},
    ).all()
    assert wrong == []


def test_keys_hold_nothing_but_plain_letters() -> None:
    assert {c for name in NAMES for c in fold(name)} <= set("abcdefghijklmnopqrstuvwxyz0123456789 '-")


LETTERS = st.text(
    st.sampled_from(
        "aăâeêioôơuưyđAĐDbcdghklmnpqrstvx0159 '’-–\u00a0\t\u0300\u0301\u0303\u0309\u0323\u0302\u0306\u031b\u200b"
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(value=LETTERS)
def test_the_key_of_a_key_is_itself_in_any_form(value: str) -> None:
    key = fold(value)
    assert fold(key) == key
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert fold(unicodedata.normalize(form, value)) == key


@pytest.mark.parametrize("value", ["Thuỷ", "Hoà", "Ðắk R’Lấp", "Ｈｕế", "  Bà   Rịa – Vũng\u00a0Tàu ", "ĐÔNG\u200bBA"])
def test_sql_and_python_agree(session: Session, value: str) -> None:
    assert session.scalar(text("SELECT registry.fold(:v)"), {"v": value}) == fold(value)
