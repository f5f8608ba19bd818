"""The styles agree with the web map and with what is published."""

from __future__ import annotations

import json
import re
from xml.etree.ElementTree import fromstring

import pytest

from app.config import ROOT
from app.publish.layers import LAYERS
from app.publish.qgis import palette
from app.publish.qgis.looks import GROUPS, LOOKS, STATE_WORDS, VERDICT_WORDS
from app.publish.qgis.sld import sld
from app.publish.qgis.styles import Reader, properties, qml
from app.publish.qgis.words import alias

WEB = ROOT / "app" / "web" / "src" / "lib"


def of_the_map(name: str) -> dict[str, str] | str | tuple[str, ...]:
    """Return a constant of palette.ts."""
    written = re.search(rf"export const {name}\b[^=]*= (.*?);\n", (WEB / "palette.ts").read_text(), re.DOTALL)
    assert written, name
    text = written[1].removesuffix(" as const")
    if text.startswith("{"):
        return dict(re.findall(r'(\w+): "(#[0-9a-f]{6})"', text))
    found = tuple(re.findall(r'"(#[0-9a-f]{6})"', text))
    return found if text.startswith("[") else found[0]


@pytest.mark.parametrize("name", ["VERDICT", "STATE", "STATE_EDGE", "INK", "PORT", "MANHOLE", "ACCENT", "STEPS"])
def test_colours_are_those_of_the_map(name: str) -> None:
    assert getattr(palette, name) == of_the_map(name)


def test_words_are_those_of_the_map() -> None:
    words = json.loads((WEB / "i18n" / "vi.json").read_text())
    assert {s: words[f"state.{s}"] for s in STATE_WORDS} == STATE_WORDS
    assert {v: words[f"verdict.{v}"] for v in VERDICT_WORDS} == VERDICT_WORDS


def test_every_published_layer_has_a_style_and_every_property_a_name() -> None:
    assert set(LOOKS) >= set(LAYERS) | {"coverage"}
    assert {look.group for look in LOOKS.values()} == set(GROUPS)
    assert [alias(n) for n in ("height_m", "share", "rsrp_dbm")] == ["Chiều cao (m)", "Tỷ lệ đạt", "Mức thu RSRP (dBm)"]
    for name, look in LOOKS.items():
        assert set(look.tip) <= set(properties(look)), name
        read = set(re.findall(r'"(\w+)"', (look.by or "") + (look.label.expression if look.label else "")))
        assert read <= set(properties(look)), name
        assert len({c.symbol.kind for c in look.categories}) == 1
    assert qml("no such layer") is None
    assert sld("no such layer") is None


def test_names_cannot_break_out_of_an_expression() -> None:
    written = qml("poles", Reader(own=("A') OR true --", 'B"<x>')))
    assert written is not None
    by = fromstring(written).find("renderer-v2")
    assert by is not None
    assert "'A'') OR true --', 'B\"<x>'" in by.attrib["attr"]


def test_sld_is_given_where_a_property_decides() -> None:
    assert {name for name in LOOKS if sld(name) is None} == {"sites", "sites_technology", "poles", "ducts"}
    document = sld("coverage")
    assert document is not None
    for colour in palette.VERDICT.values():
        assert colour in document
