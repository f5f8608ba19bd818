"""The objects a ratio counted as files: the same as the list, whoever asks, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import Scope
from app.errors import AppError
from app.sharing import export
from tests.conftest import client_in
from tests.publish.callers import OTHER, PLANNER, looks, operator
from tests.registry.two_networks import Networks, build
from tests.sharing import registry
from tests.sharing.registry import DAY


@pytest.fixture
def networks(session: Session) -> Networks:
    return build(session)


def fetched(session: Session, scope: Scope, path: str, **params: str) -> bytes:
    with client_in(session, scope) as client:
        answer = client.get(f"/api/sharing/{path}", params={"as_of": str(DAY)} | params)
        assert answer.status_code == 200, answer.text
        return bytes(answer.content)


def rows_of(form: str, body: bytes) -> list[dict[str, Any]]:
    if form == "csv":
        return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
    if form == "xlsx":
        head, *rows = load_workbook(io.BytesIO(body)).worksheets[0].iter_rows(values_only=True)
        return [dict(zip(map(str, head), row, strict=True)) for row in rows]
    return [f["properties"] for f in json.loads(body)["features"]]


@pytest.mark.parametrize("form", ["csv", "geojson", "xlsx"])
@pytest.mark.parametrize("indicator", ["a3", "a4", "a5"])
def test_the_file_has_what_the_list_has(session: Session, networks: Networks, form: str, indicator: str) -> None:
    for scope in (OTHER, operator(networks)):
        listed = json.loads(fetched(session, scope, f"{indicator}/objects", counted="denominator"))["features"]
        rows = rows_of(form, fetched(session, scope, f"{indicator}/objects.{form}", counted="denominator"))
        assert [r["code"] or None for r in rows] == [f["properties"]["code"] for f in listed]
        for row, feature in zip(rows, listed, strict=True):
            known = feature["properties"]
            for name in ("numerator", "denominator", "unknown"):
                told = float(row[name]) if row[name] not in (None, "") else None
                assert told == (None if known[name] is None else pytest.approx(known[name], rel=1e-14))
            assert (row["why"] if form == "geojson" else {"vi": row["why_vi"], "en": row["why_en"]}) == known["why"]


@pytest.mark.parametrize("form", ["csv", "geojson", "xlsx"])
def test_restricted_objects_are_in_no_export(session: Session, networks: Networks, form: str) -> None:
    body = fetched(session, PLANNER, f"a4/objects.{form}", counted="denominator")
    assert {r["code"] for r in rows_of(form, body)} == {"viettel-P", "rented-P", "vnpt-P"}
    assert ("user:2", "export", "poles", False) in looks(session)


def test_pages_follow_each_other(session: Session, networks: Networks, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fetched(session, OTHER, "a4/objects.csv", counted="denominator")
    monkeypatch.setattr(export, "_PAGE_ROWS", 1)
    monkeypatch.setattr(export, "_BLOCK_BYTES", 1)
    assert fetched(session, OTHER, "a4/objects.csv", counted="denominator") == whole


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_no_cell_is_a_formula(session: Session, form: str) -> None:
    for i, code in enumerate(("=1+1", "+1", "-1", "@SUM(A1)", "P")):
        registry.pole(session, code, 107.5 + i / 100, 16.4, "VNPT", street="=cmd|'/c calc'!A0")
    rows = rows_of(form, fetched(session, OTHER, f"a4/objects.{form}", counted="denominator"))
    assert {r["code"] for r in rows} == {"'=1+1", "'+1", "'-1", "'@SUM(A1)", "P"}
    assert {r["name"] for r in rows} == {"'=cmd|'/c calc'!A0"}


def test_lines_are_written_as_text(session: Session) -> None:
    registry.duct(session, "D", "107.51 16.43, 107.52 16.43", "VNPT;VIETTEL")
    (row,) = rows_of("csv", fetched(session, OTHER, "a5/objects.csv"))
    assert (row["geometry"], row["lon"]) == ("LINESTRING (107.51 16.43, 107.52 16.43)", "")


def test_refusals(session: Session, networks: Networks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with client_in(session, PLANNER) as client:
        for path, status, code in (
            ("a4/objects.pdf", 422, None), ("a9/objects.csv", 422, None), ("a4/objects.csv?limit=1", 422, None),
            ("a4/objects.csv?definition=S1", 422, "definition_of_another_indicator"),
            ("a4/objects.csv?commune=moon", 404, "unknown_commune"),
        ):  # fmt: skip
            answer = client.get(f"/api/sharing/{path}")
            assert answer.status_code == status, path
            assert code is None or answer.json()["code"] == code
        monkeypatch.setattr(export, "_SHEET_ROWS", 1)
        answer = client.get("/api/sharing/a4/objects.xlsx", params={"counted": "denominator"})
        assert (answer.status_code, answer.json()["code"]) == (422, "too_many_rows")
    for indicator, name, counted, code in (
        ("a4", "x.pdf", "numerator", "unknown_output"), ("a9", "x.csv", "numerator", "unknown_indicator"),
        ("a4", "x.csv", "all", "unknown_counted"),
    ):  # fmt: skip
        with pytest.raises(AppError) as refused:
            export.write(session, indicator, tmp_path / name, DAY, None, counted, None)
        assert refused.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_the_file_says_what_it_is(session: Session, networks: Networks, tmp_path: Path) -> None:
    session.execute(text("UPDATE registry.site SET synthetic = true"))
    told = export.write(session, "a3", tmp_path / "a3.xlsx", DAY, "S4", "denominator", None)
    assert (told["objects"], told["definition"]) == (3, "S4")
    book = load_workbook(tmp_path / "a3.xlsx")
    about = {row[0]: row[1] for row in book["metadata"].iter_rows(values_only=True)}
    assert (about["definition"], about["as_of"], about["objects"]) == ("S4", str(DAY), 3)
    assert all(row["synthetic"] for row in rows_of("xlsx", (tmp_path / "a3.xlsx").read_bytes()))
    export.write(session, "a3", tmp_path / "a3.geojson", DAY, "S4", "denominator", None)
    assert json.loads((tmp_path / "a3.geojson").read_text())["metadata"]["citation"]
