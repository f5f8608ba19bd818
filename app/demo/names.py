"""Composed Vietnamese names of villages; NFC."""

from __future__ import annotations

import numpy as np

from app.demo.parameters import read
from app.kit.text import nfc

_PREFIX = {"to_dan_pho": "Tổ dân phố", "thon": "Thôn", "ban": "Bản"}


def of_villages(rng: np.random.Generator, commune: list[int], kinds: list[str]) -> list[str]:
    """Return a name per village, distinct within its commune; wards number their groups, villages bear names."""
    lists = read("villages")
    composed = [f"{a} {b}" for a in lists["first"] for b in lists["second"] if a != b]
    pools = {"thon": composed, "ban": [*lists["mountain"], *composed[::17]]}
    names: list[str] = []
    for unit in sorted(set(commune)):
        own = [kinds[i] for i in np.flatnonzero(np.asarray(commune) == unit)]
        left = {kind: iter(rng.permutation(pool)) for kind, pool in pools.items()}
        number = 0
        for kind in own:
            if kind == "to_dan_pho":
                number += 1
                names.append(f"{_PREFIX[kind]} {number}")
            else:
                names.append(nfc(f"{_PREFIX[kind]} {next(left[kind])}"))
    return names
