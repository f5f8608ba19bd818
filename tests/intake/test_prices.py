"""Prices and contracts as people hand them in, and every mistake a finding."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from sqlalchemy.orm import Session

from tests.intake.conftest import Ask, Load, found
from tests.sharing import registry

PRICE = "owner,component,type_code,per,period,amount_vnd,urban,commune,declared_on,document,kind"
GOOD = "VNPT,mast,A2b,slot,month,6000000,,,2025-12-01,KK-1,"
CONTRACT = "number,lessor,lessee,signed_on,structure,pole,duct,street,component,slots,price_vnd_month"
ITEM = "HD-1,VNPT,VIETTEL,2026-01-01,TOWN-S,,,,mast,1,5000000"


@pytest.fixture
def objects(session: Session) -> None:
    registry.commune(session, "90001", 107.5, 16.4, name="Xã Thử")
    registry.site(session, "TOWN", 107.55, 16.45, "VNPT", owner="VNPT", structure={"height_m": 40.0})
    registry.site(session, "OTHER", 107.56, 16.45, "VIETTEL", owner="VIETTEL", structure={"height_m": 40.0})
    registry.pole(session, "P1", 107.55, 16.46, owner="EVN", street="Lê Lợi")


def test_prices_in_vietnamese(load: Load, ask: Ask, objects: None, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.append(["Chủ sở hữu", "Hạng mục", "Mã loại", "Đơn vị tính", "Kỳ", "Đơn giá (đồng)", "Khu vực", "Xã",
                 "Ngày kê khai", "Số văn bản", "Từ ngày"])  # fmt: skip
    page.append(["VNPT", "Cột ăng ten", "a2b", "chỗ", "tháng", 6_000_000, "đô thị", None, "01/12/2025", "KK-1", None])
    page.append(["EVN", "Cột điện", "C2", "cột", "năm", "120.000", None, None, "01/12/2025", "KK-2", "01/01/2026"])
    page.append(["VNPT", "Ống cống", None, "m", "tháng", "1.900", None, "Xã Thử", "01/12/2025", "KK-1", None])
    path = tmp_path / "gia.xlsx"
    book.save(path)
    report = load("prices", path)
    assert found(report) == []
    assert report.loaded == 3
    assert ask("SELECT component, per, period, amount_vnd, urban, unit_id IS NOT NULL, type_code"
               " FROM registry.rental_price ORDER BY component") == [
        ("duct_bore", "metre", "month", 1900, None, True, None),
        ("mast", "slot", "month", 6e6, True, False, "A2b"),
        ("pole", "pole", "year", 120000, None, False, "C2"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (GOOD.replace("VNPT", "NOBODY"), "owner", "unknown_organisation"),
        (GOOD.replace("mast", "tower"), "component", "bad_choice"),
        (GOOD.replace("A2b", "C1"), "type_code", "unknown_type_code"),
        (GOOD.replace("slot", "metre"), "per", "per_contradicts"),
        (GOOD.replace("6000000", "-1"), "amount_vnd", "negative"),
        (GOOD.replace("6000000", "1900.5"), "amount_vnd", "not_an_integer"),
        (GOOD.replace("6000000", "1e13"), "amount_vnd", "out_of_range"),
        (GOOD.replace("6000000", "NaN"), "amount_vnd", "not_finite"),
        (GOOD.replace("6000000", ""), "amount_vnd", "missing_value"),
        (GOOD.replace("KK-1", ""), "document", "missing_value"),
        (GOOD.replace("2025-12-01", "hôm qua"), "declared_on", "bad_date"),
        (GOOD.replace(",,,2025", ",,Xã Lạ,2025"), "commune", "unknown_commune"),
        (GOOD.replace(",,,2025", ",yes,Xã Thử,2025"), "commune", "two_places"),
        ("EVN,pole,C1,pole,month,1,,,2025-12-01,K,mast", "kind", "kind_needs_structure"),
    ],
)
def test_bad_prices(load: Load, ask: Ask, objects: None, row: str, column: str, code: str) -> None:
    report = load("prices", f"{PRICE}\n{row}\n")
    assert found(report) == [(2, column, code)]
    assert ask("SELECT count(*) FROM registry.rental_price") == [0]


def test_the_same_priced_twice(load: Load, objects: None) -> None:
    assert found(load("prices", f"{PRICE}\n{GOOD}\n{GOOD}\n")) == [(3, "component", "priced_twice")]
    assert load("prices", f"{PRICE}\n{GOOD}\n").loaded == 1
    assert found(load("prices", f"{PRICE}\n{GOOD}\n")) == [(2, "component", "priced_twice")]


def test_contracts_with_several_things(load: Load, ask: Ask, objects: None) -> None:
    report = load("contracts", f"{CONTRACT}\n{ITEM}\nHD-1,VNPT,VIETTEL,2026-01-01,TOWN-S,,,,power,,\n"
                  "HD-2,EVN,VNPT,2026-01-01,,,,LE LOI,pole,30,300000\n")  # fmt: skip
    assert found(report) == []
    assert report.loaded == 3
    assert ask("SELECT number, count(*), sum(i.slots) FROM registry.sharing_contract c JOIN"
               " registry.sharing_contract_item i ON i.contract_id = c.id GROUP BY 1 ORDER BY 1") == [
        ("HD-1", 2, 1), ("HD-2", 1, 30)]  # fmt: skip
    again = load("contracts", f"{CONTRACT}\n{ITEM}\n")
    assert found(again) == [(2, "number", "duplicate_in_registry")]


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (ITEM.replace("VIETTEL", "VNPT"), "lessee", "one_party"),
        (ITEM.replace("TOWN-S", "OTHER-S"), "structure", "not_the_lessors"),
        (ITEM.replace("TOWN-S", "NONE"), "structure", "not_the_lessors"),
        (ITEM.replace("TOWN-S", ""), None, "one_object"),
        (ITEM.replace("TOWN-S,,", "TOWN-S,P1,"), None, "one_object"),
        (ITEM.replace("mast", "pole"), "component", "component_contradicts"),
        (ITEM.replace(",1,5", ",0,5"), "slots", "out_of_range"),
        (ITEM.replace("VIETTEL", "NOBODY"), "lessee", "unknown_organisation"),
        (ITEM.replace("2026-01-01", ""), "signed_on", "missing_value"),
    ],
)
def test_bad_contracts(load: Load, ask: Ask, objects: None, row: str, column: str | None, code: str) -> None:
    report = load("contracts", f"{CONTRACT}\n{row}\n")
    assert (2, column, code) in found(report)
    assert not report.accepted
    assert ask("SELECT count(*) FROM registry.sharing_contract") == [0]


def test_rows_of_one_contract_agree(load: Load, objects: None) -> None:
    other = ITEM.replace("VIETTEL", "MOBIFONE").replace("mast", "power")
    assert found(load("contracts", f"{CONTRACT}\n{ITEM}\n{other}\n")) == [(3, "number", "contract_differs")]
    assert found(load("contracts", f"{CONTRACT}\n{ITEM}\n{ITEM}\n")) == [(3, "number", "item_twice")]
