"""`hatang check`: proposed poles and ducts against what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.kit.console import AsJson, AsOf, day, out, show

check = typer.Typer(no_args_is_help=True, help="Proposed poles and ducts against what stands and lies there.")
Operator = Annotated[str, typer.Option("--operator", help="Code, e.g. VIETTEL.")]
_STATE = {
    "free": "còn chỗ · free", "full": "đã đầy · full", "unknown": "chưa rõ · unknown", "none": "chưa có · none",
}  # fmt: skip


@check.command("poles")
def check_poles(
    operator: Operator,
    lon: Annotated[float | None, typer.Option("--lon", help="Degrees east, WGS84.")] = None,
    lat: Annotated[float | None, typer.Option("--lat", help="Degrees north, WGS84.")] = None,
    route: Annotated[Path | None, typer.Option("--route", help="File with one line: a row of poles.")] = None,
    reach_m: Annotated[float | None, typer.Option("--reach-m", help="How far poles count; else the policy's.")] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Say whether proposed poles can be done without: existing ones, ducts, a shared trench."""
    from app.database import session_scope
    from app.licensing.lines import service
    from app.licensing.lines.schemas import PolesAnswer, PolesRequest

    if (route is None) == (lon is None) or (lon is None) != (lat is None):
        raise typer.BadParameter("--lon and --lat of a pole, or --route of a row of poles")
    asked = PolesRequest.model_construct(
        operator=operator, lon=lon, lat=lat, geometry=None if route is None else _line(route), reach_m=reach_m,
        as_of=day(as_of),
    )  # fmt: skip
    with session_scope() as session:
        answer = PolesAnswer.model_validate(service.check_poles(session, asked)).model_dump(mode="json")
    if as_json:
        show(answer, True)
        return
    rows = [
        {
            "Cột\npole": _named(p["pole"], p),
            "Chủ\nowner": _owner(p),
            "Cách\ndistance": f"{p['distance_m']:,.1f} m",
            "Đang treo\ntenants": ", ".join(p["tenants"]) or "—",
            "Sức chứa\ncapacity": p["cable_capacity"],
            "Còn\nspare": p["spare"],
            "Hiện trạng\nstate": _STATE[p["spare_state"]],
        }
        for p in answer["poles"]
    ]
    _show(rows, answer)


@check.command("ducts")
def check_ducts(
    route: Annotated[Path, typer.Argument(help="File with one line: GeoJSON, GeoPackage, zipped Shapefile, KML.")],
    operator: Operator,
    tolerance_m: Annotated[
        float | None, typer.Option("--tolerance-m", help="How far beside it a duct serves; else the policy's.")
    ] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Say which part of a proposed route existing ducts with free bores can take."""
    from app.database import session_scope
    from app.licensing.lines import service
    from app.licensing.lines.schemas import DuctsAnswer, DuctsRequest

    asked = DuctsRequest.model_construct(
        operator=operator, geometry=_line(route), tolerance_m=tolerance_m, as_of=day(as_of)
    )
    with session_scope() as session:
        answer = DuctsAnswer.model_validate(service.check_ducts(session, asked)).model_dump(mode="json")
    if as_json:
        show(answer, True)
        return
    rows = [
        {
            "Cống\nduct": _named(d["duct"], d),
            "Chủ\nowner": _owner(d),
            "Từ\nfrom": f"{d['from_m']:,.0f} m",
            "Dọc tuyến\nalong": f"{d['along_m']:,.0f} m",
            "Số ống\nbores": d["bores_total"],
            "Trống\nfree": d["bores_free"],
            "Hiện trạng\nstate": _STATE[d["state"]],
        }
        for d in answer["ducts"]
    ]
    _show(rows, answer)
    cut = [
        {
            "Từ\nfrom": f"{s['from_m']:,.0f} m",
            "Đến\nto": f"{s['to_m']:,.0f} m",
            "Dài\nlength": f"{s['length_m']:,.0f} m",
            "Hiện trạng\nstate": _STATE[s["state"]],
        }
        for s in answer["stretches"]
    ]
    show(cut, False, f"Tuyến · route {answer['length_m']:,.0f} m")


def _line(path: Path) -> Any:
    """Return the one line of a file as GeoJSON in EPSG:4326.

    Raises
    ------
    Invalid
        `one_line_needed`, and what `app.kit.spatial_file.read_file` refuses.
    """
    import numpy as np
    import shapely

    from app.errors import Invalid
    from app.kit.geo import WGS84, to_wgs84
    from app.kit.spatial_file import read_file
    from app.licensing.geometries import to_geojson

    table = read_file(path)
    if table.geometry is None or len(table) != 1 or table.geometry[0] is None:
        raise Invalid(
            "one_line_needed", "Tệp phải chứa đúng một tuyến", "The file has to hold exactly one line", field="route"
        )
    shape = shapely.force_2d(table.geometry[0])
    if shape.geom_type == "MultiLineString" and len(shape.geoms) == 1:
        shape = shape.geoms[0]
    crs = table.crs
    if crs is not None and crs != WGS84:
        shape = shapely.transform(shape, lambda xy: np.column_stack(to_wgs84(xy[:, 0], xy[:, 1], crs)))
    return to_geojson(shape)


def _named(code: str, found: dict[str, Any]) -> str:
    return code + (" (SYNTHETIC)" if found["synthetic"] else "")


def _owner(found: dict[str, Any]) -> str:
    return found["owner"]["code"] if found["owner"] else "—"


def _show(rows: list[dict[str, Any]], answer: dict[str, Any]) -> None:
    show(rows, False, f"{answer['advice']['vi']}\n{answer['advice']['en']}")
    for reason in answer["reasons"]:
        out.print(f"• {reason['vi']}\n  {reason['en']}", highlight=False, markup=False)
