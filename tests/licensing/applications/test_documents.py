"""Documents go by their content: good ones are kept and handed out, hostile ones refused in bounded time."""

from __future__ import annotations

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.licensing.applications import apart
from app.licensing.applications.inspection import Limits, inspect
from app.licensing.applications.uploads import safe_name
from app.policy.models import Parameter
from tests.licensing.applications import files
from tests.licensing.applications.conftest import As, act, begun

LIMITS = Limits(max_pages=20, max_pixels=100_000_000, max_entities=5000, max_objects=5000)


@pytest.mark.parametrize(
    ("content", "kind", "count"),
    [(files.pdf(3), "pdf", 3), (files.jpg(), "jpg", 1200), (files.dxf(4), "dxf", 4)],
    ids=["pdf", "jpg", "dxf"],
)
def test_what_is_what(content: bytes, kind: str, count: int) -> None:
    found = inspect(content, LIMITS)
    assert (found.kind, found.count) == (kind, count)
    assert apart.examine(content, LIMITS, 20) == found


HOSTILE = {
    "empty": (b"", "empty_file"),
    "text": (b"%PDX-1.4", "unknown_file_kind"),
    "html": (b"<html><script>1</script>", "unknown_file_kind"),
    "zip": (b"PK\x03\x04" + bytes(100), "unknown_file_kind"),
    "binary dxf": (b"AutoCAD Binary DXF\r\n\x1a\x00", "unknown_file_kind"),
    "cut pdf": (files.pdf()[:-20], "broken_file"),
    "pdf that is nothing": (b"%PDF-1.4\n%%EOF\n", "broken_file"),
    "pdf with a tail": (files.pdf() + b"PK\x05\x06" + bytes(18), "broken_file"),
    "launching pdf": (files.pdf(act=files.launching), "active_content"),
    "script in pdf": (files.pdf(act=files.scripted), "active_content"),
    "file in pdf": (files.pdf(act=lambda w: w.add_attachment("x.exe", b"MZ")), "active_content"),
    "script of a later generation": (files.with_action(b"<</S/JavaScript/JS(1)>>", 1), "active_content"),
    "pdf that opens another": (files.with_action(b"<</S/GoToR/F(x.pdf)/D[0/Fit]>>"), "active_content"),
    "pdf and zip": (files.zipped_pdf(), "two_files_in_one"),
    "encrypted pdf": (files.pdf(act=lambda w: w.encrypt("x", algorithm="RC4-40")), "encrypted_file"),
    "many pages": (files.pdf(21), "file_over_limits"),
    "looping pdf": (files.looping_pdf(), "broken_file"),
    "cut jpg": (files.jpg(300, 300)[:-300], "broken_file"),
    "jpg and pdf": (b"\xff\xd8\xff\xfe\x00\x0a%PDF-1.4" + files.jpg()[2:], "two_files_in_one"),
    "jpg and zip": (files.jpg() + b"PK\x05\x06" + bytes(16) + b"\xff\xd9", "two_files_in_one"),
    "jpg and script": (files.jpg() + b"<script>", "broken_file"),
    "huge jpg": (files.huge_jpg(), "file_over_limits"),
    "million entities": (files.long_dxf(300_000), "file_over_limits"),
    "cut dxf": (files.dxf()[:-10], "broken_file"),
    "dxf with NUL": (files.dxf().replace(b"LINE", b"LI\x00E"), "broken_file"),
    "dxf of letters": (b"0\nSECTION\n2\nENTITIES\nx\ny\n0\nEOF\n", "broken_file"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name: str) -> None:
    content, code = HOSTILE[name]
    with pytest.raises(Invalid) as caught:
        inspect(content, LIMITS)
    assert caught.value.code == code


@pytest.mark.parametrize("megabytes", [1, 300])
def test_what_unpacks_without_end_is_refused_apart(megabytes: int) -> None:
    content = files.bomb_pdf(megabytes)
    assert len(content) < 4_000_000
    with pytest.raises(Invalid) as caught:
        apart.examine(content, LIMITS, 10)
    assert caught.value.code in {"broken_file", "file_over_limits", "file_too_costly"}


def test_what_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(20, 100_000_000, 100_000_000, 5000)
    with pytest.raises(Invalid) as caught:
        apart.examine(files.long_dxf(600_000), limits, 1)
    assert caught.value.code == "file_too_costly"


SEEDS = [files.pdf(), files.jpg(), files.dxf()]


@given(st.sampled_from(SEEDS), st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_files_are_told_or_refused_never_a_crash(seed: bytes, data: st.DataObject) -> None:
    content = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Invalid):
        assert inspect(bytes(content), LIMITS).kind in {"pdf", "jpg", "dxf"}


def test_kept_and_handed_out(acting: As, session: Session) -> None:
    number = begun(acting("mobifone"))["id"]
    address = f"/api/applications/{number}/documents"
    content = files.pdf()
    answer = acting("mobifone").post(address, params={"name": 'Bản vẽ "1".pdf'}, content=content,
                                     headers={"Content-Type": "text/html"})  # fmt: skip
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["kind"], told["size_bytes"], told["step"]) == ("pdf", len(content), "draft")
    assert told["sha256"] == hashlib.sha256(content).hexdigest()
    got = acting("planner").get(told["href"])
    assert got.content == content
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Type"] == "application/pdf"
    assert got.headers["Content-Disposition"] == (
        "attachment; filename=\"Ban ve 1.pdf\"; filename*=UTF-8''B%E1%BA%A3n%20v%E1%BA%BD%20%221%22.pdf"
    )
    again = acting("mobifone").post(address, params={"name": "2.pdf"}, content=content)
    assert (again.status_code, again.json()["code"]) == (409, "same_document")
    bad = acting("mobifone").post(address, params={"name": "x.pdf"}, content=b"MZ")
    assert (bad.status_code, bad.json()["code"], bad.json()["field"]) == (422, "unknown_file_kind", "body")
    for who in ("viettel", "vnpt"):
        assert acting(who).get(told["href"]).status_code == 404
        assert acting(who).post(address, params={"name": "x.pdf"}, content=files.jpg()).status_code == 404
    act(acting("mobifone"), number, "withdraw")
    late = acting("mobifone").post(address, params={"name": "x.jpg"}, content=files.jpg())
    assert (late.status_code, late.json()["code"]) == (409, "has_ended")


def test_sizes_are_bounded_by_policy(acting: As, session: Session) -> None:
    number = begun(acting("mobifone"))["id"]
    address = f"/api/applications/{number}/documents"
    rule = session.query(Parameter).filter_by(kind="application_document", name="limits").one()
    rule.value = rule.value | {"max_bytes": 2000, "max_bytes_application": 2500}
    session.flush()
    big = acting("mobifone").post(address, params={"name": "x"}, content=bytes(2001))
    assert (big.status_code, big.json()["code"], big.json()["limit_bytes"]) == (413, "too_large", 2000)
    declared = acting("mobifone").post(address, params={"name": "x"}, content=bytes(50_000_001))
    assert declared.status_code == 413
    first = files.pdf(12)
    assert 1250 < len(first) <= 2000, "one fits, two do not"
    assert acting("mobifone").post(address, params={"name": "1"}, content=first).status_code == 201
    second = acting("mobifone").post(address, params={"name": "2"}, content=files.pdf(12) + b"\n")
    assert (second.status_code, second.json()["code"], second.json()["limit_bytes"]) == (413, "too_large", 2500)


def test_the_database_checks_the_hash(acting: As, session: Session) -> None:
    number = begun(acting("mobifone"))["id"]
    nested = session.begin_nested()
    session.execute(text("""
        INSERT INTO licensing.application_document (application_id, name, kind, size_bytes, sha256)
        VALUES (:id, 'x', 'pdf', 1, sha256('a'))"""), {"id": number})  # fmt: skip
    with pytest.raises(DBAPIError, match="not those that were described"):
        session.execute(text("INSERT INTO licensing.document_content SELECT max(id), 'b' FROM"
                             " licensing.application_document"))  # fmt: skip
    nested.rollback()


@pytest.mark.parametrize("name", ["", "  ", "..", "a/b", "a\\b", "a\nb", "a\x00b", "a\u202eb", "x" * 201])
def test_unsafe_names(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        safe_name(name)
    assert caught.value.code == "unsafe_name"
