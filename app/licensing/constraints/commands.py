"""`hatang constraints`: what is in force, and what holds at a point."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.kit.console import AsJson, AsOf, day, show

constraints = typer.Typer(no_args_is_help=True, help="Planned zones, heritage, airports, streets to be undergrounded.")
_STATUS = {
    "ok": "đạt · ok", "warning": "lưu ý · warning", "needs_approval": "cần chấp thuận · needs approval",
    "refuse": "không đạt · refuse", "unknown": "chưa rõ · unknown",
}  # fmt: skip


@constraints.command("list")
def constraints_list(
    kind: Annotated[
        str | None, typer.Option("--kind", help="planned_zone, heritage, airport, underground_street or other.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="The first so many.")] = 100,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """List the constraints in force."""
    from app.database import session_scope
    from app.licensing.constraints import queries
    from app.licensing.constraints.service import check_kind

    with session_scope() as session:
        matched, rows = queries.listed(session, day(as_of), check_kind(kind), None, limit, 0)
    if as_json:
        told = [{n: v for n, v in row.items() if n != "geom"} for row in rows]
        show({"number_matched": matched, "items": told}, True)
        return
    show([_row(row) for row in rows], False, f"Ràng buộc · constraints: {len(rows)} / {matched}")


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "Loại\nkind": row["kind"],
        "Mã\ncode": row["code"] + (" (SYNTHETIC)" if row["synthetic"] else ""),
        "Tên\nname": row["name"],
        "Quy tắc\nrule": ", ".join(f"{k}={v}" for k, v in row["rule"].items() if v is not None),
        "Từ\nfrom": row["valid_from"],
        "Đến\nto": row["valid_to"],
        "Căn cứ\ncitation": row["citation"],
    }


@constraints.command("at")
def constraints_at(
    lon: Annotated[float, typer.Option("--lon", help="Degrees east, WGS84.")],
    lat: Annotated[float, typer.Option("--lat", help="Degrees north, WGS84.")],
    height_m: Annotated[float, typer.Option("--height-m", help="Height above ground.")],
    code: Annotated[str | None, typer.Option("--code", help="Type of the mast: A1a…A2c.")] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Say what constrains a mast of that height at a point."""
    from app.database import session_scope
    from app.licensing.constraints import service
    from app.licensing.constraints.schemas import ConstraintsAnswer, ConstraintsQuestion

    asked = ConstraintsQuestion(lon=lon, lat=lat, height_m=height_m, code=code and code[:20], as_of=day(as_of))
    with session_scope() as session:
        answer = ConstraintsAnswer.model_validate(service.answer(session, asked))
    if as_json:
        show(answer.model_dump(mode="json"), True)
        return
    rows = [
        {
            "Kết quả\nstatus": _STATUS[f.status] + (" (SYNTHETIC)" if f.synthetic else ""),
            "Nội dung\nfinding": f"{f.vi}\n{f.en}",
            "Cách\ndistance": None if f.distance_m is None else f"{f.distance_m:,.0f} m",
            "Căn cứ\ncitation": f.citation,
        }
        for f in answer.findings
    ]
    show(rows, False, f"{lon}, {lat}: {_STATUS[answer.status]}")
