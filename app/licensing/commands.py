"""`hatang colocation` and `hatang what-if`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from app.errors import Invalid
from app.kit.console import AsJson, AsOf, day, out, show

Technology = Annotated[list[str] | None, typer.Option("--technology", help="2G, 3G, 4G, 5G; repeat.")]
Rule = Annotated[str | None, typer.Option("--rule", help="Coverage rule; else the default.")]


def colocation(
    operator: Annotated[str, typer.Option("--operator", help="Code, e.g. VIETTEL.")],
    height_m: Annotated[float, typer.Option("--height-m", help="Height asked for, above ground.")],
    lon: Annotated[float | None, typer.Option("--lon", help="Degrees east, WGS84.")] = None,
    lat: Annotated[float | None, typer.Option("--lat", help="Degrees north, WGS84.")] = None,
    area: Annotated[Path | None, typer.Option("--area", help="GeoJSON file of a search polygon instead.")] = None,
    technology: Technology = None,
    purpose: Annotated[str, typer.Option("--purpose", help="coverage, capacity or new_technology.")] = "coverage",
    type_code: Annotated[str | None, typer.Option("--type-code", help="A1a…A2c, what would be built.")] = None,
    radius_m: Annotated[float | None, typer.Option("--radius-m", help="Search radius; else the policy's.")] = None,
    radio: Annotated[bool, typer.Option("--radio/--no-radio", help="Compute whom each would reach.")] = True,
    rule: Rule = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Say which structures near a proposed tower have room and whom they reach, and advise to share or to license."""
    from app.database import session_scope
    from app.licensing import service, table

    with session_scope() as session:
        answer = service.check_colocation(
            session, lon=lon, lat=lat, area=_polygon(area), operator=operator, height_m=height_m,
            technologies=technology or (), purpose=purpose, type_code=type_code, radius_m=radius_m, radio=radio,
            rule=rule, as_of=day(as_of),
        )  # fmt: skip
    if as_json:
        show(answer, True)
        return
    show(table.candidate_rows(answer), False, f"{answer['advice']['vi']}\n{answer['advice']['en']}")
    if answer["constraints"]:
        show(table.constraint_rows(answer), False, "Quy định về địa điểm · rules of the place")
    show(table.effect_rows(answer), False, "Tỷ lệ dùng chung · effect on the ratios")
    for reason in answer["reasons"]:
        out.print(f"• {reason['vi']}\n  {reason['en']}", highlight=False)
    out.print(f"SHA-256 {answer['snapshot']['sha256']}", highlight=False)


def what_if(
    licence: Annotated[
        list[str] | None,
        typer.Option("--license", help="OPERATOR,LON,LAT,HEIGHT_M[,4G+5G] or OPERATOR@STRUCTURE[,4G+5G]; repeat."),
    ] = None,
    switch_off: Annotated[
        list[str] | None, typer.Option("--switch-off", help="SITE, or OPERATOR@SITE for one operator; repeat.")
    ] = None,
    rule: Rule = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Say what would follow if towers were licensed, shared or switched off; nothing is written."""
    from app.database import session_scope
    from app.licensing import table
    from app.licensing.what_if.schemas import License, Scenario, SwitchOff
    from app.licensing.what_if.service import what_if as answer_of

    try:
        scenario = Scenario(
            license=[License(**_licence(w)) for w in licence or []],
            switch_off=[SwitchOff(**_off(w)) for w in switch_off or []],
            rule=rule,
            as_of=day(as_of),
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Invalid("scenario_option", f"Kịch bản sai ở {where}: {first['msg']}",
                      f"The scenario is wrong at {where}: {first['msg']}", field=where) from error  # fmt: skip
    with session_scope() as session:
        found = answer_of(session, scenario)
    if as_json:
        show(found, True)
        return
    villages = found["villages"]
    looked = "chưa có lượt tính vùng phủ · no coverage run" if villages is None else f"{villages['looked_at']} thôn"
    show(table.scenario_rows(found), False, f"Thôn đổi kết quả · villages that change ({looked})")
    show(table.scenario_ratio_rows(found), False, "Tỷ lệ dùng chung · sharing ratios")


def _licence(word: str) -> dict[str, Any]:
    head, *rest = word.split(",")
    if "@" in head:
        operator, structure = head.split("@", 1)
        return {"operator": operator, "structure": structure, "technologies": _technologies(rest[:1])}
    try:
        lon, lat, height_m = (float(n) for n in rest[:3])
    except ValueError as error:
        raise Invalid(
            "license_option", f"Không đọc được {word!r}: NHÀ_MẠNG,KINH_ĐỘ,VĨ_ĐỘ,CHIỀU_CAO hoặc NHÀ_MẠNG@CỘT",
            f"Cannot read {word!r}: OPERATOR,LON,LAT,HEIGHT_M or OPERATOR@STRUCTURE", field="--license",
        ) from error  # fmt: skip
    return {"operator": head, "lon": lon, "lat": lat, "height_m": height_m, "technologies": _technologies(rest[3:4])}


def _technologies(words: list[str]) -> list[str]:
    return [t for w in words for t in w.split("+") if t]


def _off(word: str) -> dict[str, Any]:
    operator, _, site = word.rpartition("@")
    return {"site": site, "operator": operator or None}


def _polygon(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Invalid("not_a_geometry", f"Không đọc được GeoJSON {path.name}: {error}",
                      f"Cannot read GeoJSON {path.name}: {error}", field="--area") from error  # fmt: skip
    while isinstance(found, dict) and found.get("type") in ("FeatureCollection", "Feature"):
        found = (found.get("features") or [None])[0] if found["type"] == "FeatureCollection" else found.get("geometry")
    return found if isinstance(found, dict) else {}
