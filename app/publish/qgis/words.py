"""What a QGIS user reads at the head of a column."""

from __future__ import annotations

from typing import Final

from app.publish.ogc.properties import PROPERTIES

_UNITS: Final = {"1": "", "dB[mW]": "dBm"}
"""UCUM codes that people write otherwise."""


def alias(name: str) -> str:
    """Return the Vietnamese title of a published property, with its unit."""
    known = PROPERTIES[name]
    unit = _UNITS.get(known.unit or "", known.unit or "")
    return f"{known.title} ({unit})" if unit else known.title
