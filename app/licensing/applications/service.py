"""Drafts of applications: made, changed, listed. What moves them on is in `acting`."""

from __future__ import annotations

import secrets
from typing import Any

from geoalchemy2 import WKTElement
from sqlalchemy.orm import Session

from app.accounts.access import identity_of
from app.accounts.schemas import json_links
from app.database import is_department
from app.errors import Conflict, Forbidden, Invalid
from app.kit.etag import check_match, etag_of
from app.kit.page import today
from app.licensing.applications import queries, told
from app.licensing.applications.clocks import STAGE_OF
from app.licensing.applications.models import Application
from app.licensing.applications.schemas import (
    ApplicationIn,
    ApplicationPatch,
    ApplicationsQuestion,
    Place,
)
from app.licensing.applications.states import EDITABLE
from app.licensing.checks import check_between, organisation_code, technologies_of
from app.licensing.geometries import read_geometry

# Without letters and digits that are taken for each other when read out.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
Answer = tuple[str, dict[str, Any]]
"""ETag and what the caller is told."""


def new_reference(prefix: str) -> str:
    """Return a number that can be read aloud and that nobody can guess."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    return f"{prefix}-{drawn[:4]}-{drawn[4:8]}-{drawn[8:]}"


def page(session: Session, asked: ApplicationsQuestion) -> dict[str, Any]:
    """Return a page of the applications the caller sees, newest first."""
    if asked.overdue is None:
        rows, matched = queries.applications(session, asked)
        items = told.lines(session, rows)
    else:
        rows, _ = queries.applications(session, asked, STAGE_OF)
        found = [
            line for line in told.lines(session, rows)
            if line["clock"] is not None and line["clock"]["overdue"] is asked.overdue
        ]  # fmt: skip
        items, matched = found[asked.offset : asked.offset + asked.limit], len(found)
    return {"items": items, "number_matched": matched, "links": json_links(asked, "/api/applications", matched)}


def one(session: Session, application_id: int) -> Answer:
    """Return an application with its version.

    Raises
    ------
    NotFound
        `unknown_application`.
    """
    return present(session, queries.application(session, application_id))


def present(session: Session, row: Application) -> Answer:
    """Return a row as it is now, read again: triggers have written into it."""
    session.flush()
    session.refresh(row)
    return version_of(session, row), told.application(session, row)


def version_of(session: Session, row: Application) -> str:
    """Return the ETag."""
    return etag_of(told.draft(session, row))


def create(session: Session, asked: ApplicationIn, *, synthetic: bool = False) -> Answer:
    """Make a draft; an operator's is its own organisation's. What a synthetic organisation asks for is so too.

    Raises
    ------
    Forbidden
        `no_organisation`, or `other_organisation`.
    Invalid
        A geometry, operator or technology that cannot be.
    """
    code = _applicant(session, asked.applicant)
    applicant = queries.organisation(session, code, today())
    row = Application(
        reference=new_reference("HS"), kind=asked.kind, applicant_id=applicant.id, operator_id=applicant.id,
        title=asked.title, as_of=asked.as_of or today(), synthetic=synthetic or applicant.synthetic,
    )  # fmt: skip
    _write(session, row, asked.model_dump(exclude_unset=True, exclude={"kind", "applicant", "geometry"}),
           asked.geometry)  # fmt: skip
    session.add(row)
    return present(session, row)


def change(session: Session, application_id: int, asked: ApplicationPatch, if_match: str | None) -> Answer:
    """Change a draft, or what was returned to be completed, in the version the caller has read.

    Raises
    ------
    ConditionMissing, Outdated
        No If-Match, or not the current version; both are in the body.
    Conflict
        `not_editable`: it has been submitted.
    NotFound, Invalid
        As in `one` and `create`.
    """
    row = queries.application(session, application_id, lock=True)
    changes = asked.model_dump(exclude_unset=True, mode="json")
    current = told.draft(session, row)
    check_match(if_match, current, current | changes)
    if row.state not in EDITABLE:
        raise Conflict(
            "not_editable",
            "Hồ sơ đã nộp, không sửa được nữa; cơ quan quản lý có thể trả lại để bổ sung",
            "The application has been submitted and is not edited any more; the department may return it",
        )
    given = asked.model_dump(exclude_unset=True, exclude={"geometry"})
    _write(session, row, given, asked.geometry)
    return present(session, row)


def _write(session: Session, row: Application, given: dict[str, Any], place: Place | None) -> None:
    for name in ("title", "as_of"):
        if name in given and given[name] is None:
            raise Invalid("required", f"{name!r} là bắt buộc", f"{name!r} is required", field=name)
    if given.get("operator"):
        code = organisation_code(session, given["operator"], today(), radio=row.kind == "tower")
        row.operator_id = queries.organisation(session, code, today()).id
    elif "operator" in given:
        row.operator_id = row.applicant_id
    if given.get("height_m") is not None:
        check_between("height_m", given["height_m"], 350)
    if "technologies" in given:
        row.technologies = list(technologies_of(given["technologies"] or ()))
    for name in ("title", "height_m", "in_deployment_list", "plan_entry", "as_of"):
        if name in given:
            setattr(row, name, given[name])
    row.purpose = (given["purpose"] or "") if "purpose" in given else row.purpose or ""
    if place is not None:
        row.geom = _geometry(row.kind, place)


def _geometry(kind: str, place: Place) -> Any:
    types = ("LineString",) if kind == "duct" else ("Point", "Polygon")
    return WKTElement(read_geometry(place.model_dump(), types).wkt, srid=4326)


def _applicant(session: Session, wanted: str | None) -> str:
    """Return for whom is applied: the caller's organisation, or any when the department takes a paper in."""
    if is_department(session):
        if wanted is None:
            raise Invalid("applicant_needed", "Hồ sơ của tổ chức nào?", "Whose application is it?", field="applicant")
        return organisation_code(session, wanted, today(), radio=False)
    own = identity_of(session).organisations
    if not own:
        raise Forbidden("no_organisation", "Tài khoản không thuộc tổ chức nào nên không nộp hồ sơ được",
                        "The account acts for no organisation, so it cannot apply")  # fmt: skip
    code = wanted.strip().upper() if wanted else own[0]
    if code not in own:
        raise Forbidden("other_organisation", "Chỉ được nộp hồ sơ cho tổ chức của mình",
                        "You may apply for your own organisation only", field="applicant")  # fmt: skip
    if wanted is None and len(own) > 1:
        names = ", ".join(own)
        raise Invalid("applicant_needed", f"Hồ sơ của tổ chức nào: {names}?", f"For which organisation: {names}?",
                      field="applicant")  # fmt: skip
    return code
