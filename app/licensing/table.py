"""The co-location answer as rows a person reads in a terminal."""

from __future__ import annotations

from typing import Any

_STATE = {"free": "còn chỗ · free", "full": "đã đầy · full", "unknown": "chưa rõ · unknown"}


def candidate_rows(found: dict[str, Any]) -> list[dict[str, str]]:
    """Return one row a candidate, best first."""
    return [
        {
            "Cột, chủ\nstructure, owner": f"{c['structure']}{' (SYNTHETIC)' if c['synthetic'] else ''}\n"
            f"{c['owner']['code'] if c['owner'] else '—'}: {', '.join(c['tenants']) or '—'}",
            "Cách, cao\ndistance, top": f"{c['distance_m']:,.0f} m\n"
            + ("—" if c["top_m"] is None else f"{c['top_m']:g} m"),
            "Còn\nspare": f"{'?' if c['spare'] is None else c['spare']}\n{_STATE[c['spare_state']]}",
            "Dân\npeople": _people(c["coverage"]),
            "Vướng\nfails": "\n".join(f["vi"] for f in c["fails"]) or "—",
        }
        for c in found["candidates"]
    ]


def constraint_rows(found: dict[str, Any]) -> list[dict[str, str]]:
    """Return one row a rule of the place."""
    return [
        {
            "Quy định\nrule": f"{c['kind']}\n{c['name']}",
            "Kết quả\nstatus": c["status"],
            "Nội dung": f"{c['vi']}\n{c['en']}",
            "Căn cứ\ncitation": c["citation"],
        }
        for c in found["constraints"]
    ]


def _people(reach: dict[str, Any] | None) -> str:
    if reach is None:
        return "?"
    share = "" if reach["share_of_proposal"] is None else f"\n{100 * reach['share_of_proposal']:.0f} %"
    return f"{reach['people']:,.0f}{share}"


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


def scenario_rows(found: dict[str, Any]) -> list[dict[str, str]]:
    """Return one row a village whose verdict would be another."""
    return [
        {
            "Thôn\nvillage": f"{v['code']}\n{v['name']}" + (" (SYNTHETIC)" if v["synthetic"] else ""),
            "Xã\ncommune": v["commune"] or "—",
            "Dân\npeople": "?" if v["population"] is None else f"{v['population']:,.0f}",
            "Hiện nay\nbefore": v["before"],
            "Sau\nafter": v["after"],
        }
        for v in (found["villages"] or {"changed": []})["changed"]
    ]


def scenario_ratio_rows(found: dict[str, Any]) -> list[dict[str, str]]:
    """Return S1 to S4 before and after."""

    def value(figure: dict[str, Any]) -> str:
        ratio = "—" if figure["ratio"] is None else f"{figure['ratio']:.2f}"
        return f"{ratio}  ({figure['numerator']:g}/{figure['denominator']:g})"

    return [
        {"": code, "Hiện nay\nbefore": value(r["before"]), "Sau\nafter": value(r["after"])}
        for code, r in found["ratios"].items()
    ]
