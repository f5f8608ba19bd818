"""Makes appraisals: runs the check, freezes it, verifies it, writes its sheet."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy.orm import Session

from app.database import scope_of, translated
from app.errors import NotFound
from app.kit.page import LOCAL
from app.licensing.answers import answer as answer_of
from app.licensing.dossier.content import Sheet, build, synthetic
from app.licensing.dossier.map import half_width_m
from app.licensing.dossier.models import Appraisal
from app.licensing.dossier.pdf import to_pdf
from app.licensing.dossier.queries import surroundings
from app.licensing.dossier.schemas import AppraisalIn
from app.licensing.dossier.snapshot import Verification, sha256_of, verify
from app.licensing.dossier.word import to_word
from app.licensing.inputs import Inputs, thawed
from app.licensing.service import gather
from app.policy.queries import parameter

Format = Literal["pdf", "docx"]


def make(session: Session, asked: AppraisalIn) -> Appraisal:
    """Run the check of `asked` (its as_of given) and freeze it with all it follows from; the caller commits.

    Raises
    ------
    Invalid
        As `app.licensing.service.check_colocation`.
    """
    assert asked.as_of is not None, "the caller says which day"
    given = gather(session, **asked.model_dump(exclude={"application_id", "application"}))
    application = None if asked.application is None else asked.application.model_dump(mode="json")
    return freeze(session, given, application_id=asked.application_id, application=application)


def freeze(
    session: Session, given: Inputs, *, application_id: int | None = None, application: dict[str, Any] | None = None
) -> Appraisal:
    """Keep a check with all it follows from; the caller commits.

    Parameters
    ----------
    application : dict, optional
        What the sheet says of the application, as `ApplicationFacts`; one that is registered tells it itself later.
    """
    check, answer, at = given.frozen(), answer_of(given), given.proposal
    inputs = {
        "check": check,
        "map": surroundings(session, at.lon, at.lat, half_width_m(at.radius_m), given.as_of),
        "facts": {"agency": parameter(session, "dossier", "agency", given.as_of).value, "application": application},
    }
    row = Appraisal(
        application_id=application_id, as_of=given.as_of, inputs=inputs, answer=answer,
        sha256=sha256_of(inputs, answer), made_by=scope_of(session).actor or "unknown",
    )  # fmt: skip
    with translated(), session.begin_nested():
        session.add(row)
        session.flush()
    session.refresh(row)  # from here on it is what the database holds
    return row


def find(session: Session, appraisal_id: int) -> Appraisal:
    """Return an appraisal.

    Raises
    ------
    NotFound
        `unknown_appraisal`: none of that number, or not for the caller to see.
    """
    row = session.get(Appraisal, appraisal_id)
    if row is None:
        raise NotFound(
            "unknown_appraisal", f"Không có phiếu thẩm định số {appraisal_id}",
            f"There is no appraisal {appraisal_id}", field="appraisal_id",
        )  # fmt: skip
    return row


def told(row: Appraisal) -> dict[str, Any]:
    """Return an appraisal as it is answered."""
    return {
        "id": row.id, "application_id": row.application_id, "as_of": row.as_of, "at": row.at, "made_by": row.made_by,
        "sha256": row.sha256, "synthetic": synthetic(row.answer), "answer": row.answer, "facts": row.inputs["facts"],
    }  # fmt: skip


def check(row: Appraisal) -> Verification:
    """Say whether the record is whole and its answer still follows from it."""
    return verify(row.inputs, row.answer, row.sha256, lambda inputs: answer_of(thawed(inputs["check"])))


def write(row: Appraisal, kind: Format, *, english: bool = False, application: dict[str, Any] | None = None) -> bytes:
    """Return the sheet as PDF or Word; the same appraisal and application give the same document.

    Parameters
    ----------
    application : dict, optional
        Facts of the application as they are now, as `ApplicationFacts`, in the place of those that were frozen.
    """
    made_on = row.at.astimezone(LOCAL).date()
    inputs = row.inputs
    if application is not None:
        inputs = inputs | {"facts": inputs["facts"] | {"application": application}}
    sheet = Sheet(row.id, inputs, row.answer, row.sha256, made_on, row.made_by)
    document = build(sheet, english=english)
    return to_pdf(document) if kind == "pdf" else to_word(document)
