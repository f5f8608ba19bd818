"""Both languages say everything, in correct Vietnamese script."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest

from app.config import ROOT

FOLDER = ROOT / "app" / "web" / "src" / "lib" / "i18n"
WORDS: dict[str, dict[str, str]] = {
    language: json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8")) for language in ("vi", "en")
}


def test_both_languages_have_the_same_keys() -> None:
    assert list(WORDS["vi"]) == list(WORDS["en"])


@pytest.mark.parametrize("language", ["vi", "en"])
def test_nothing_is_empty_or_decomposed(language: str) -> None:
    for key, words in WORDS[language].items():
        assert words.strip() == words != "", key
        assert unicodedata.is_normalized("NFC", words), key


def test_both_languages_fill_in_the_same_values() -> None:
    def names(words: str) -> list[str]:
        return sorted(re.findall(r"\{(\w+)\}", words))

    assert {k: names(v) for k, v in WORDS["vi"].items()} == {k: names(v) for k, v in WORDS["en"].items()}
