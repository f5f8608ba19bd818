"""Readers of delimited text and workbooks, and the refusals of files that are not what they seem."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from app.errors import AppError
from app.kit.spatial_file import read_file


def write(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def code_of(path: Path, **options: object) -> str:
    with pytest.raises(AppError) as caught:
        read_file(path, **options)  # type: ignore[arg-type]
    assert caught.value.vi
    assert caught.value.field == "file" or caught.value.code in {"duplicate_column", "choose_sheet", "unknown_sheet"}
    return caught.value.code


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_delimiters_and_encodings(tmp_path: Path, delimiter: str, encoding: str) -> None:
    text = (
        delimiter.join(("mã", "tên")) + "\n" + delimiter.join(("A", "Huế")) + "\n\n" + delimiter.join(("B", "")) + "\n"
    )
    table = read_file(write(tmp_path, "any.name", text.encode(encoding)))
    assert table.columns["tên"].tolist() == ["Huế", None]
    assert table.rows.tolist() == [2, 4]  # lines as an editor numbers them, the blank one counted
    assert table.notices == []


def test_windows_1258_is_read_with_a_notice(tmp_path: Path) -> None:
    # cp1258 holds Vietnamese as base letter + combining mark.
    data = b"code,name\n1," + b"Thu\xe2\xec Xu\xe2n\n"
    table = read_file(write(tmp_path, "old.csv", data))
    assert [n.code for n in table.notices] == ["encoding_assumed"]
    assert table.columns["name"][0].startswith("Thu")


def test_line_numbers_survive_line_breaks_in_cells(tmp_path: Path) -> None:
    table = read_file(write(tmp_path, "a.csv", 'code,name\n1,"two\nlines"\n2,x\n'))
    assert table.rows.tolist() == [2, 4]


def test_ragged_rows_are_named(tmp_path: Path) -> None:
    table = read_file(write(tmp_path, "a.csv", "a,b,c\n1,2,3\n1,2\n1,2,3,4\n"))
    assert table.ragged == {3: 2, 4: 4}


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("empty.csv", b"", "file_empty"),
        ("blank.geojson", b" \n ", "file_empty"),
        ("header.csv", b"code,name\n", "file_empty"),
        ("page.geojson", b"<!DOCTYPE html><html><body>404</body></html>", "file_format"),
        ("page.csv", b"<html></html>", "file_format"),
        ("old.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "file_format"),
        ("noise.csv", bytes(range(256)), "file_format"),
        ("cut.geojson", b'{"type":"FeatureCollection","features":[{"type":"Feature","geom', "file_broken"),
        ("other.geojson", b'{"type":"Topology"}', "not_geojson"),
        ("none.geojson", b'{"type":"FeatureCollection","features":[]}', "file_empty"),
        ("cut.zip", b"PK\x03\x04" + b"\0" * 50, "file_broken"),
        ("cut.gpkg", b"SQLite format 3\0" + b"\x10\x00" + b"\0" * 80, "file_broken"),
        ("cut.kml", b'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>', "file_broken"),
        ("bomb.kml", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><kml></kml>', "file_broken"),
        ("quotes.csv", b'a,b\n1,"never closed\n2,3\n', "file_broken"),
        ("twice.csv", b"a,a\n1,2\n", "duplicate_column"),
    ],
)
def test_bad_files_are_refused_by_name(tmp_path: Path, name: str, data: bytes, code: str) -> None:
    assert code_of(write(tmp_path, name, data)) == code


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert code_of(tmp_path / "nowhere.csv") == "file_missing"
    assert code_of(tmp_path) == "file_missing"


def test_archives_without_a_shapefile_and_bombs(tmp_path: Path) -> None:
    def archive(**members: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
            for name, body in members.items():
                target.writestr(name, body)
        return buffer.getvalue()

    assert code_of(write(tmp_path, "a.zip", archive(readme=b"x"))) == "no_shapefile"
    assert code_of(write(tmp_path, "b.zip", archive(**{"a.shp": b"x", "a.dbf": b"x"}))) == "shapefile_part"
    assert code_of(write(tmp_path, "c.zip", archive(**{"a.shp": b"0" * 5000})), max_bytes=2000) == "file_too_large"
    assert code_of(write(tmp_path, "d.zip", archive(**{"a.shp": b"\0" * (80 << 20)}))) == "file_too_large"
    assert code_of(write(tmp_path, "e.csv", "a,b\n" * 999), max_bytes=100) == "file_too_large"


def workbook(path: Path, *sheets: tuple[str, list[list[object]]]) -> Path:
    book = openpyxl.Workbook()
    for i, (name, rows) in enumerate(sheets):
        page = book.active if i == 0 else book.create_sheet()
        assert page is not None
        page.title = name
        for row in rows:
            page.append(row)
    book.save(path)
    return path


def test_xlsx_rows_titles_and_sheets(tmp_path: Path) -> None:
    rows: list[list[object]] = [["DANH SÁCH CỘT"], [], ["Mã", "Chiều cao"], ["C1", 8.5], [], [12, None]]
    path = workbook(tmp_path / "poles.bin", ("Cột", rows), ("Khác", [["a", "b"], [1, 2]]))
    table = read_file(path)
    assert table.rows.tolist() == [4, 6]  # rows as the sheet numbers them
    assert table.columns["Chiều cao"].tolist() == [8.5, None]
    assert [n.code for n in table.notices] == ["first_sheet"]
    assert read_file(path, "Khác").columns["a"].tolist() == [1]
    assert code_of(path, sheet="Không có") == "unknown_sheet"


def test_truncated_workbook(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ("s", [["a", "b"], [1, 2]]))
    assert code_of(write(tmp_path, "cut.xlsx", path.read_bytes()[:-200])) == "file_broken"


def test_lists_in_cells_do_not_choose_the_delimiter_and_old_line_ends_work(tmp_path: Path) -> None:
    table = read_file(write(tmp_path, "a.csv", "DANH SÁCH\rcode,azimuths\rA,0;120;240\r"))
    assert table.columns["azimuths"].tolist() == ["0;120;240"]
