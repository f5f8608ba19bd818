"""The co-location answer as rows a person reads in a terminal."""

from __future__ import annotations

from typing import Any

_STATE = {"free": "còn chỗ · free", "full": "đã đầy · full", "unknown": "chưa rõ · unknown"}


def candidate_rows(found: dict[str, Any]) -> list[dict[str, str]]:
    """Return one row a candidate, best first."""
    return [
        {
            "Cột\nstructure": c["structure"] + (" (SYNTHETIC)" if c["synthetic"] else ""),
            "Chủ\nowner": c["owner"]["code"] if c["owner"] else "—",
            "Cách\ndistance": f"{c['distance_m']:,.1f} m",
            "Cao\ntop": "—" if c["top_m"] is None else f"{c['top_m']:g} m",
            "Đang thuê\ntenants": ", ".join(c["tenants"]) or "—",
            "Còn\nspare": "?" if c["spare"] is None else str(c["spare"]),
            "Hiện trạng\nstate": _STATE[c["spare_state"]],
        }
        for c in found["candidates"]
    ]


def effect_rows(found: dict[str, Any]) -> list[dict[str, str]]:
    """Return S1 and S2 before and after."""

    def percent(value: float | None) -> str:
        return "—" if value is None else f"{value:.2f} %"

    return [
        {
            "": code,
            "Hiện nay\nbefore": percent(e["before"]),
            "Cột mới\nnew position": percent(e["after_new"]),
            "Dùng chung\nshared": percent(e["after_shared"]),
        }
        for code, e in found["effect"].items()
    ]
