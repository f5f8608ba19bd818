"""Colours of the QGIS styles.

Those of verdicts, states of sharing, levels and marks follow the web map's app/web/src/lib/palette.ts and must agree
with it (tests/publish/qgis/test_palette.py); the others are the styles' own. Blue against orange and light against
dark of one hue can be told apart with every kind of colour blindness.
"""

from __future__ import annotations

from typing import Final

VERDICT: Final = {"covered": "#2b7fb8", "not_covered": "#e2641f", "unknown": "#8b929c"}
STATE: Final = {"shared": "#5b3a96", "single": "#c3a4e6", "unknown": "#ffffff", "empty": "#b9bec6"}
STATE_EDGE: Final = {"shared": "#ffffff", "single": "#5b3a96", "unknown": "#6d7480", "empty": "#6d7480"}
INK: Final = "#12344d"
PORT: Final = "#0f8a78"
MANHOLE: Final = "#3d4753"
ACCENT: Final = "#f2a541"
STEPS: Final = ("#fde7af", "#fab777", "#e87775", "#a9407a", "#541e63")
"""From weak to strong; of technologies from none to 5G."""

VERDICT_EDGE: Final = {"covered": "#1d5e8a", "not_covered": "#a5420c", "unknown": "#5b626c"}
MORE: Final = "#2e1660"
"""Three and more who share: darker than shared."""
LINE: Final = {"shared": STATE["shared"], "single": "#a67bd6", "unknown": "#7b828c", "empty": STATE["empty"]}
"""A line has no edge, so its pale states are a little darker."""
PAPER: Final = "#dfe7ec"
WHITE: Final = "#ffffff"
NAME: Final = "#28323d"
