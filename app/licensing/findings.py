"""What a rule of a place says of a proposal: one dated row with citation, and how the proposal stands to it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "needs_approval", "refuse", "unknown"]


@dataclass(frozen=True)
class Finding:
    """One constraint at the place; `value` is the proposal's, `limit` the rule's, in the unit of the kind."""

    kind: str
    code: str
    name: str
    status: Status
    value: float | str | None
    limit: float | str | None
    distance_m: float | None
    citation: str
    valid_from: dt.date | None
    valid_to: dt.date | None
    vi: str
    en: str
