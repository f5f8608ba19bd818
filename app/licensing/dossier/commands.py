"""`hatang appraisal`: make a sheet, write it again, verify it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.kit.console import AsJson, AsOf, day, out, show

if TYPE_CHECKING:
    from app.licensing.dossier.service import Format

appraisal = typer.Typer(no_args_is_help=True, help="Appraisal sheets: make, write, verify.")
Number = Annotated[int, typer.Argument(min=1, help="Number of the appraisal.")]
English = Annotated[bool, typer.Option("--english", help="English below the Vietnamese.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="FILE.pdf or FILE.docx.")]


@appraisal.command("make")
def appraisal_make(
    lon: Annotated[float, typer.Option("--lon", help="Degrees east, WGS84.")],
    lat: Annotated[float, typer.Option("--lat", help="Degrees north, WGS84.")],
    operator: Annotated[str, typer.Option("--operator", help="Code, e.g. VIETTEL.")],
    height_m: Annotated[float, typer.Option("--height-m", help="Height asked for, above ground.")],
    output: Output,
    technology: Annotated[list[str] | None, typer.Option("--technology", help="2G, 3G, 4G, 5G; repeat.")] = None,
    radius_m: Annotated[float | None, typer.Option("--radius-m", help="Search radius; else the policy's.")] = None,
    english: English = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Check a proposed tower, freeze the answer and write its sheet."""
    from pydantic import ValidationError

    from app.database import session_scope
    from app.errors import Invalid
    from app.kit.files import whole
    from app.licensing.dossier import service
    from app.licensing.dossier.schemas import AppraisalIn

    kind = _kind(output)
    try:
        asked = AppraisalIn(lon=lon, lat=lat, operator=operator, height_m=height_m, technologies=technology or [],
                            radius_m=radius_m, as_of=day(as_of))  # fmt: skip
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise Invalid("bad_option", f"Giá trị của --{field} không hợp lệ", f"--{field} has no such value",
                      field=field) from error  # fmt: skip
    with session_scope() as session:
        row = service.make(session, asked)
        content = service.write(row, kind, english=english)
        told = service.told(row)
    with whole(output) as file:
        file.write(content)
    brief = {"id": told["id"], "advice": told["answer"]["advice"]["vi"], "sha256": told["sha256"],
             "file": str(output), "synthetic": told["synthetic"]}  # fmt: skip
    show(brief, as_json, "Phiếu thẩm định · appraisal")


@appraisal.command("write")
def appraisal_write(number: Number, output: Output, english: English = False, as_json: AsJson = False) -> None:
    """Write the sheet of an appraisal again."""
    from app.database import session_scope
    from app.kit.files import whole
    from app.licensing.dossier import service

    kind = _kind(output)
    with session_scope() as session:
        content = service.write(service.find(session, number), kind, english=english)
    with whole(output) as file:
        file.write(content)
    show({"id": number, "file": str(output), "bytes": len(content)}, as_json, "Phiếu thẩm định · appraisal")


@appraisal.command("verify")
def appraisal_verify(number: Number, as_json: AsJson = False) -> None:
    """Compute an appraisal again from its frozen inputs; exit 1 when anything differs."""
    from app.database import session_scope
    from app.licensing.dossier import service

    with session_scope() as session:
        found = service.check(service.find(session, number))
    brief = {"id": number} | asdict(found)
    if as_json:
        show(brief, True)
    else:
        show({k: v for k, v in brief.items() if k != "differences"}, False, f"Phiếu thẩm định · appraisal {number}")
        for d in found.differences:
            out.print(f"• {d.path}: {d.frozen!r} → {d.now!r}", highlight=False, markup=False)
    if not (found.intact and found.same):
        raise typer.Exit(1)


def _kind(output: Path) -> Format:
    from app.errors import Invalid

    suffix = output.suffix.lower()
    if suffix == ".pdf":
        return "pdf"
    if suffix == ".docx":
        return "docx"
    raise Invalid("unknown_format", "Tệp phải là .pdf hoặc .docx", "The file has to be .pdf or .docx", field="output")
