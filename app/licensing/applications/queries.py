"""Reads of applications, requests, events and documents, as far as row-level security shows them to the caller."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.licensing.applications.models import Application, Check, Document, Event, SharingRequest
from app.licensing.applications.schemas import ApplicationsQuestion, RequestsQuestion
from app.organisations.models import Organisation

_OBJECT = text("""
    SELECT 'structure' AS kind, t.id, t.code, coalesce(t.owner_id, s.owner_id) AS owner_id,
           t.restricted OR s.restricted AS restricted, ST_AsGeoJSON(t.geom)::json AS geometry, t.height_m, t.synthetic
    FROM structure t JOIN site s ON s.id = t.site_id WHERE t.id = :structure_id
    UNION ALL
    SELECT 'pole', p.id, p.code, p.owner_id, p.restricted, ST_AsGeoJSON(p.geom)::json, p.height_m, p.synthetic
    FROM pole p WHERE p.id = :pole_id
    UNION ALL
    SELECT 'duct', d.id, d.code, d.owner_id, d.restricted, ST_AsGeoJSON(d.geom)::json, NULL, d.synthetic
    FROM duct d WHERE d.id = :duct_id
""")
_CANDIDATE = text("""
    SELECT t.id FROM structure t JOIN site s ON s.id = t.site_id
    WHERE t.code = :structure AND s.code = :site AND NOT t.restricted AND NOT s.restricted
      AND registry.in_force(t.valid_from, t.valid_to, :as_of) AND registry.in_force(s.valid_from, s.valid_to, :as_of)
    ORDER BY t.geom <-> ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) LIMIT 1
""")
_WHO = text("SELECT * FROM accounts.who_changed(:actors)")
_SHAPE = text("""
    SELECT ST_AsGeoJSON(a.geom, 7)::json AS geometry, ST_X(ST_PointOnSurface(a.geom)) AS lon,
           ST_Y(ST_PointOnSurface(a.geom)) AS lat,
           ST_Length(ST_LongestLine(ST_PointOnSurface(a.geom), a.geom)::geography) AS reach_m
    FROM licensing.application a WHERE a.id = :id
""")


def applications(
    session: Session, asked: ApplicationsQuestion, within: Iterable[str] | None = None
) -> tuple[list[Application], int]:
    """Return one page of the applications the caller sees, newest first, and how many there are in all.

    Parameters
    ----------
    within : iterable of str, optional
        Only in one of these states, and all of them instead of a page.
    """
    found = select(Application)
    for column, value in ((Application.state, asked.state), (Application.kind, asked.kind)):
        if value is not None:
            found = found.where(column == value)
    if asked.operator:
        found = found.where(Application.operator_id.in_(_organisation_ids(asked.operator)))
    if within is not None:
        rows = list(session.scalars(found.where(Application.state.in_(list(within))).order_by(Application.id.desc())))
        return rows, len(rows)
    return _page(session, found, Application.id, asked.limit, asked.offset)


def requests(session: Session, asked: RequestsQuestion) -> tuple[list[SharingRequest], int]:
    """Return the same of sharing requests."""
    found = select(SharingRequest)
    if asked.state:
        found = found.where(SharingRequest.state == asked.state)
    if asked.owner:
        found = found.where(SharingRequest.owner_id.in_(_organisation_ids(asked.owner)))
    return _page(session, found, SharingRequest.id, asked.limit, asked.offset)


def _organisation_ids(code: str) -> Select[Any]:
    return select(Organisation.id).where(Organisation.code == code)


def _page(session: Session, found: Select[Any], key: Any, limit: int, offset: int) -> tuple[list[Any], int]:
    matched = session.scalar(select(func.count()).select_from(found.subquery())) or 0
    page = found.order_by(key.desc()).limit(limit).offset(offset).execution_options(populate_existing=True)
    return list(session.scalars(page)), matched


def application(session: Session, application_id: int, *, lock: bool = False) -> Application:
    """Return an application, locked until the transaction ends where `lock`.

    Raises
    ------
    NotFound
        `unknown_application`: none of that number, or not the caller's.
    """
    found = session.scalar(_one(Application, application_id, lock))
    if found is None:
        raise NotFound("unknown_application", f"Không có hồ sơ số {application_id}",
                       f"There is no application {application_id}")  # fmt: skip
    return found  # type: ignore[no-any-return]


def application_named(session: Session, name: str) -> Application:
    """Return the application of that reference, else of that number.

    Raises
    ------
    NotFound
        `unknown_application`.
    """
    found = session.scalar(select(Application).where(Application.reference == name.strip().upper()))
    if found is not None:
        return found
    return application(session, int(name) if name.isascii() and name.isdecimal() and len(name) < 19 else 0)


def request(session: Session, request_id: int, *, lock: bool = False) -> SharingRequest:
    """Return a sharing request, locked where `lock`.

    Raises
    ------
    NotFound
        `unknown_request`.
    """
    found = session.scalar(_one(SharingRequest, request_id, lock))
    if found is None:
        raise NotFound("unknown_request", f"Không có đề nghị dùng chung số {request_id}",
                       f"There is no sharing request {request_id}")  # fmt: skip
    return found  # type: ignore[no-any-return]


def _one(model: Any, key: int, lock: bool) -> Select[Any]:
    found = select(model).where(model.id == key).execution_options(populate_existing=True)
    return found.with_for_update() if lock else found


def document(session: Session, application_id: int, document_id: int) -> Document:
    """Return a document of an application.

    Raises
    ------
    NotFound
        `unknown_document`.
    """
    found = session.scalar(
        select(Document).where(Document.id == document_id, Document.application_id == application_id)
    )
    if found is None:
        raise NotFound("unknown_document", f"Không có tài liệu số {document_id} trong hồ sơ này",
                       f"The application has no document {document_id}")  # fmt: skip
    return found


def events(session: Session, ids: Iterable[int]) -> dict[int, list[Event]]:
    """Return the changes of state of applications, in order."""
    return _by_application(session, select(Event).where(Event.application_id.in_(list(ids))).order_by(Event.id))


def requests_of(session: Session, ids: Iterable[int]) -> dict[int, list[SharingRequest]]:
    """Return the sharing requests of applications that the caller sees, in order."""
    query = select(SharingRequest).where(SharingRequest.application_id.in_(list(ids))).order_by(SharingRequest.id)
    return _by_application(session, query.execution_options(populate_existing=True))


def documents_of(session: Session, ids: Iterable[int]) -> dict[int, list[Document]]:
    """Return the documents of applications, in order, without their bytes."""
    return _by_application(
        session, select(Document).where(Document.application_id.in_(list(ids))).order_by(Document.id)
    )


def _by_application(session: Session, query: Select[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in session.scalars(query):
        found.setdefault(row.application_id, []).append(row)
    return found


def check(session: Session, application_id: int) -> Check | None:
    """Return the newest pre-check; the department alone sees any."""
    return session.scalar(
        select(Check).where(Check.application_id == application_id).order_by(Check.id.desc()).limit(1)
    )


def organisations(session: Session, ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Return id → code and name."""
    rows = session.execute(
        select(Organisation.id, Organisation.code, Organisation.name).where(Organisation.id.in_(set(ids)))
    )
    return {key: {"code": code, "name": name} for key, code, name in rows}


def organisation(session: Session, code: str, as_of: dt.date) -> Organisation:
    """Return the organisation of that code in force, which `app.licensing.checks.organisation_code` has found."""
    return session.scalars(
        select(Organisation).where(
            Organisation.code == code,
            func.registry.in_force(Organisation.valid_from, Organisation.valid_to, as_of),
        )
    ).one()


def object_of(session: Session, row: SharingRequest) -> dict[str, Any] | None:
    """Return what a request asks for, None when it is not the caller's to see."""
    return registry_object(session, row.structure_id, row.pole_id, row.duct_id)


def registry_object(
    session: Session, structure_id: int | None, pole_id: int | None, duct_id: int | None
) -> dict[str, Any] | None:
    """Return kind, id, code, owner, position (GeoJSON, EPSG:4326) and height of one object of the registry."""
    values = {"structure_id": structure_id, "pole_id": pole_id, "duct_id": duct_id}
    row = session.execute(_OBJECT, values).mappings().one_or_none()
    return None if row is None else dict(row)


def structure_of(session: Session, candidate: dict[str, Any], as_of: dt.date) -> int | None:
    """Return the id of a candidate of the pre-check, which names it by its codes and position."""
    values = {name: candidate[name] for name in ("structure", "site", "lon", "lat")} | {"as_of": as_of}
    found: int | None = session.scalar(_CANDIDATE, values)
    return found


def shape(session: Session, application_id: int) -> Any:
    """Return the application's geometry as GeoJSON, a point on it, and how far it reaches from there in metres."""
    return session.execute(_SHAPE, {"id": application_id}).one()


def who(session: Session, actors: Iterable[str]) -> dict[str, dict[str, str | None]]:
    """Return actor → kind and name, as far as the caller is told."""
    rows = session.execute(_WHO, {"actors": sorted(set(actors))})
    return {row.actor: {"kind": row.kind, "name": row.name} for row in rows}
