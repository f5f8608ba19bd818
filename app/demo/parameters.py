"""Parameters of the synthetic province, from data/demo."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import yaml

from app.config import DATA


@lru_cache
def read(name: str) -> dict[str, Any]:
    """Return data/demo/<name>.yaml."""
    content: dict[str, Any] = yaml.safe_load((DATA / "demo" / f"{name}.yaml").read_text(encoding="utf-8"))
    return content


def label(seed: int) -> str:
    """Return the source every synthetic row carries."""
    return f"SYNTHETIC demo, seed {seed}"
