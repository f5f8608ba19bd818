"""What `hatang load` prints: names of its steps, the report as a table, or one JSON document."""

from __future__ import annotations

import json

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.errors import BadRequest
from app.intake.report import LoadReport

SHOWN_ROWS = 50
STEPS = {
    "read": "đọc tệp / reading",
    "check": "kiểm tra / checking",
    "stage": "chép vào bảng tạm / staging",
    "match": "đối chiếu sổ / matching",
    "write": "ghi / writing",
}


def pairs(option: str, values: list[str]) -> dict[str, str]:
    """Return "a=b" options as a dictionary.

    Raises
    ------
    BadRequest
        One of them has no "=".
    """
    split = [v.partition("=") for v in values]
    wrong = [left for left, equals, right in split if not equals or not left or (not right and option == "--map")]
    if wrong:
        raise BadRequest(
            "bad_option",
            f"{option} cần dạng cột=giá trị",
            f"{option} takes column=value, not {wrong[0]!r}",
            field=option,
        )
    return {left.strip(): right.strip() for left, _, right in split}


def show(report: LoadReport, as_json: bool, console: Console) -> None:
    """Print `report` for people, or as one JSON document."""
    if as_json:
        print(json.dumps(report.as_dict(), ensure_ascii=False))
        return
    total = sum(report.findings.counts.values())
    if total:
        table = Table(title=f"{escape(report.file)}: {total} phát hiện / findings")
        for header, whole in (
            ("dòng/row", True),
            ("cột/column", False),
            ("giá trị/value", False),
            ("lý do/reason", False),
        ):
            table.add_column(header, overflow="fold", no_wrap=whole)
        for f in report.findings.items(SHOWN_ROWS):
            mark = "[red]lỗi · error[/red]" if f.severity == "error" else "[yellow]lưu ý · warning[/yellow]"
            row = "" if f.row is None else str(f.row)
            table.add_row(
                row, escape(f.column or ""), escape(f.value or ""), f"{mark} {f.code}\n{escape(f.vi)}\n{escape(f.en)}"
            )
        console.print(table)
        if total > SHOWN_ROWS:
            console.print(f"… {total - SHOWN_ROWS} nữa / more (--json)")
        console.print(", ".join(f"{code}: {n}" for code, n in report.findings.counts.items()), highlight=False)
    for notice in report.notices:
        console.print(f"• {escape(notice.vi)}\n  {escape(notice.en)}", highlight=False)
    if report.accepted:
        console.print(
            f"[green]Đã nạp / loaded[/green] {report.layer}: {report.loaded} mới/new, "
            f"{report.updated} cập nhật/updated ({report.rows} dòng/rows)", highlight=False,
        )  # fmt: skip
    else:
        console.print(
            f"[red]Không nạp gì / nothing loaded[/red]: {report.findings.errors} lỗi/errors, {report.rows} dòng/rows",
            highlight=False,
        )
