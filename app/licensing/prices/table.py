"""Prices and their comparison as rows: of a terminal, of CSV and of a sheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from app.kit.text import thousands_vi

COMPONENTS = {
    "house": "nhà trạm", "mast": "cột ăng ten", "power": "nguồn điện", "duct_bore": "ống cống bể",
    "duct_metre": "mét cống bể", "pole": "cột treo cáp",
}  # fmt: skip
AREAS = {"urban": "đô thị", "rural": "nông thôn", "unit": "xã, phường riêng", "any": "mọi nơi"}
PER = {"slot": "chỗ", "metre": "m ống", "pole": "cột"}
_FIGURES = ("least", "q1", "median", "q3", "greatest")
_RISKY = ("=", "+", "-", "@", "\t", "\r")


def price_rows(prices: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row a declared price."""
    return [
        {
            "id": p["id"],
            "Chủ\nowner": p["owner"] + (" (SYNTHETIC)" if p["synthetic"] else ""),
            "Hạng mục\ncomponent": COMPONENTS[p["component"]],
            "Loại\ntype": " ".join(v for v in (p["kind"], p["type_code"]) if v) or "—",
            "Khu vực\narea": p["unit_name"] or AREAS[p["area"]],
            "đồng/tháng\nVND a month": f"{thousands_vi(p['vnd_month'])} / {PER[p['per']]}",
            "Văn bản\ndocument": p["document"],
        }
        for p in prices
    ]


def comparison_rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row a kind of structure, for a terminal."""
    return [
        {
            "Hạng mục\ncomponent": COMPONENTS[g["component"]] + (" (SYNTHETIC)" if g["synthetic"] else ""),
            "Loại\ntype": " ".join(v for v in (g["kind"], g["type_code"]) if v) or "—",
            "Khu vực\narea": AREAS[g["area"]],
            "Mỗi\nper": PER[g["per"]],
            "Đơn vị khai\nowners": g["declared"]["owners"] if g["declared"] else None,
            "Thấp nhất\nleast": _vnd(g["declared"], "least"),
            "Trung vị\nmedian": _vnd(g["declared"], "median"),
            "Cao nhất\ngreatest": _vnd(g["declared"], "greatest"),
            "Thực trả\npaid": _vnd(g["paid"], "median"),
            "Trả/giá khai\npaid/list": _ratio(g["against_list"]),
        }
        for g in found["groups"]
    ]


def _vnd(figures: dict[str, Any] | None, name: str) -> str | None:
    return None if figures is None or figures[name] is None else thousands_vi(figures[name])


def _ratio(found: dict[str, Any] | None) -> str | None:
    return None if not found or found["median_ratio"] is None else f"{100 * found['median_ratio']:.0f} %"


def flat(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row a kind of structure with every figure as a number, for CSV and sheets."""
    rows = []
    for g in found["groups"]:
        row = {"as_of": found["as_of"].isoformat()} | {
            k: g[k] for k in ("component", "kind", "type_code", "area", "per")
        }
        for name in ("declared", "paid"):
            figures = g[name] or {}
            row |= {f"{name}_{k}": figures.get(k) for k in ("count", "owners")}
            row |= {f"{name}_{k}_vnd_month": figures.get(k) for k in _FIGURES}
        against = g["against_list"] or {}
        row |= {f"list_{k}": against.get(k) for k in ("compared", "median_ratio", "above", "equal", "below")}
        row |= {k: (g["unknown"] or {}).get(k) for k in ("no_price", "no_quantity", "no_list_price")}
        rows.append(row | {"withheld": bool(g["withheld"]), "synthetic": g["synthetic"]})
    return rows


def to_csv(rows: list[dict[str, Any]], columns: Iterable[str]) -> bytes:
    """Return UTF-8 CSV with BOM, which spreadsheets read with Vietnamese marks right; no cell is a formula."""
    target = io.StringIO(newline="")
    writer = csv.DictWriter(target, list(columns))
    writer.writeheader()
    writer.writerows({k: _harmless(v) for k, v in row.items()} for row in rows)
    return target.getvalue().encode("utf-8-sig")


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_RISKY) else value


def to_xlsx(rows: list[dict[str, Any]], columns: Iterable[str], title: str) -> bytes:
    """Return a workbook of one sheet; text is text, whatever it begins with."""
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet(title[:31])
    page.freeze_panes = "A2"
    names = list(columns)
    page.append([_cell(page, name, bold=True) for name in names])
    for row in rows:
        page.append([_cell(page, row[name]) for name in names])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _cell(page: Any, value: Any, *, bold: bool = False) -> Any:
    cell = WriteOnlyCell(page, value)
    if isinstance(value, str):
        cell.data_type = "s"
    if bold:
        cell.font = Font(bold=True)
    return cell


COLUMNS = (
    "as_of", "component", "kind", "type_code", "area", "per",
    *(f"{n}_{k}" for n in ("declared", "paid")
      for k in ("count", "owners", *(f"{f}_vnd_month" for f in _FIGURES))),
    *(f"list_{k}" for k in ("compared", "median_ratio", "above", "equal", "below")),
    "no_price", "no_quantity", "no_list_price", "withheld", "synthetic",
)  # fmt: skip
