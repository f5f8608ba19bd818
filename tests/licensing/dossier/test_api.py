"""Appraisals over HTTP and on the command line: made, kept, verified, written; the department's alone."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import docx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.database import Scope, enter, session_scope, system
from tests.conftest import Hatang, client_in
from tests.licensing.conftest import LAT, LON, operator, surroundings
from tests.licensing.dossier.test_sheet import pdf_text, word_text

ASK: dict[str, Any] = {"lon": LON, "lat": LAT, "operator": "VIETTEL", "height_m": 42, "as_of": "2026-01-01",
                       "application": {"reference": "HS-9", "applicant": "Viettel #Huế",
                                       "received_on": "2026-01-01"}}  # fmt: skip


def test_made_kept_and_verified(client: TestClient, session: Session) -> None:
    surroundings(session)
    made = client.post("/api/appraisals", json=ASK)
    assert made.status_code == 201, made.text
    body = made.json()
    assert [c["site"] for c in body["answer"]["restricted"]] == ["HUSH"]
    assert body["synthetic"]
    again = client.post("/api/appraisals", json=ASK).json()
    assert (again["sha256"], again["id"] == body["id"]) == (body["sha256"], False)
    # What happens to the registry later does not reach what is frozen.
    session.execute(text("UPDATE registry.structure SET tenant_capacity = 1 WHERE code = 'VNROOM-S'"))
    verified = client.get(f"/api/appraisals/{body['id']}/verify").json()
    assert (verified["intact"], verified["same"], verified["differences"]) == (True, True, [])
    assert client.post("/api/appraisals", json=ASK).json()["sha256"] != body["sha256"]
    assert client.get(f"/api/appraisals/{body['id']}").json() == body


def test_the_sheet_in_both_formats(client: TestClient, session: Session) -> None:
    surroundings(session)
    number = client.post("/api/appraisals", json=ASK).json()["id"]
    pdf = client.get(f"/api/appraisals/{number}.pdf")
    word = client.get(f"/api/appraisals/{number}.docx", params={"english": True})
    assert pdf.content.startswith(b"%PDF")
    assert docx.Document(io.BytesIO(word.content))
    for told in (pdf_text(pdf.content), word_text(word.content)):
        assert "VNROOM-S" in told
        assert "Viettel#Huế" in told
        assert "HUSH" not in told, "restricted structures do not leave the department"
    assert client.get(f"/api/appraisals/{number}.pdf").content == pdf.content
    assert client.get(f"/api/appraisals/{number}.exe").status_code == 422
    missing = client.get(f"/api/appraisals/{number + 99}.pdf")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_appraisal")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lon": 16.45, "lat": 107.55}, "swapped_axes"),
        ({"height_m": 0}, "out_of_range"),
        ({"operator": "NOBODY"}, "unknown_operator"),
        ({"lon": 100.0}, "outside_province"),
        ({"application": {"applicant": "a\x00b"}}, None),
        ({"application": {"applicant": "x" * 501}}, None),
        ({"application": {"pages": 3}}, None),
        ({"application_id": 0}, None),
    ],
)
def test_what_cannot_be_appraised(
    client: TestClient, session: Session, change: dict[str, Any], code: str | None
) -> None:
    surroundings(session)
    refused = client.post("/api/appraisals", json=ASK | change)
    assert refused.status_code in {400, 422}, refused.text
    assert code is None or refused.json()["code"] == code


def test_nobody_changes_it_and_others_do_not_see_it(client: TestClient, session: Session) -> None:
    surroundings(session)
    number = client.post("/api/appraisals", json=ASK).json()["id"]
    for statement in ("UPDATE registry.appraisal SET answer = '{}'", "UPDATE registry.appraisal SET sha256 = sha256",
                      "DELETE FROM registry.appraisal"):  # fmt: skip
        nested = session.begin_nested()
        with pytest.raises(DBAPIError):
            session.execute(text(statement))
        nested.rollback()
    history = "SELECT count(*) FROM audit.change WHERE table_name = 'registry.appraisal'"
    for scope in (
        operator(session, "VIETTEL"),
        Scope("user:2", ("other_department",)),
        Scope("user:3", ("statistics",)),
    ):
        with client_in(session, scope):
            enter(session, scope)
            assert session.scalar(text("SELECT count(*) FROM registry.appraisal")) == 0
            assert session.scalar(text(history)) == 0
            enter(session, system())
    assert session.scalar(text("SELECT count(*) FROM registry.appraisal")) == 1
    kept = text("SELECT after::text FROM audit.change WHERE table_name = 'registry.appraisal' AND row_id = :id")
    assert "HUSH" not in (session.scalar(kept, {"id": number}) or "HUSH")


def test_commands(own_database: str, hatang: Hatang, tmp_path: Path) -> None:
    with session_scope() as session:
        surroundings(session)
    where = f"--lon {LON} --lat {LAT} --operator VIETTEL --height-m 42 --as-of 2026-01-01".split()
    for name, start in (("a.pdf", b"%PDF"), ("a.docx", b"PK")):
        code, out, err = hatang("appraisal", "make", *where, "-o", str(tmp_path / name), "--json")
        assert code == 0, err
        assert json.loads(out)["synthetic"]
        assert (tmp_path / name).read_bytes().startswith(start)
    number = json.loads(out)["id"]
    code, out, _ = hatang("appraisal", "verify", str(number), "--json")
    assert (code, json.loads(out)["same"]) == (0, True)
    code, _, err = hatang("appraisal", "make", *where, "-o", str(tmp_path / "a.txt"))
    assert code == 1
    assert ".docx" in err
    assert hatang("appraisal", "verify", "999")[0] == 1
    assert hatang("appraisal", "make", *where, "--technology", "9" * 20, "-o", str(tmp_path / "b.pdf"))[0] == 1
    assert not (tmp_path / "b.pdf").exists()
