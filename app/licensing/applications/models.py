"""Applications to build or share, the requests to owners, documents, and the history no code can skip.

The triggers of app/licensing/sql/workflow_scope.sql write events and refuse what the table of transitions has not.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

from app.database import Base, Keyed, Sourced, geometry, on_land
from app.database import reference as of
from app.licensing.applications.states import REFUSAL_CODES, REQUEST_STATES, STATES
from app.sites.models import TECHNOLOGIES

KINDS = ("tower", "pole", "duct")
FILE_KINDS = ("pdf", "jpg", "dxf")
_SCHEMA = {"schema": "licensing"}
_SHAPES = (
    "CASE kind WHEN 'duct' THEN GeometryType(geom) = 'LINESTRING' ELSE GeometryType(geom) IN ('POINT', 'POLYGON') END"
)


def _among(column: str, values: Any) -> str:
    return "{} IN ({})".format(column, ", ".join(f"'{v}'" for v in values))


def _moment(**more: Any) -> MappedColumn[Any]:
    return mapped_column(DateTime(timezone=True), **more)


def _now() -> MappedColumn[Any]:
    return _moment(server_default=func.clock_timestamp())


def _of_application() -> MappedColumn[Any]:
    return mapped_column(ForeignKey("licensing.application.id"), index=True)


def _json() -> MappedColumn[Any]:
    return mapped_column(JSONB(none_as_null=True))


class Transition(Base):
    """A legal change of state; `app.licensing.applications.states` is the same table in code."""

    __tablename__ = "application_transition"
    __table_args__ = (_SCHEMA,)

    from_state: Mapped[str] = mapped_column(String, primary_key=True)
    action: Mapped[str] = mapped_column(String, primary_key=True)
    to_state: Mapped[str]
    who: Mapped[list[str]] = mapped_column(ARRAY(Text))


class RequestTransition(Base):
    """The same of sharing requests."""

    __tablename__ = "sharing_request_transition"
    __table_args__ = (_SCHEMA,)

    from_state: Mapped[str] = mapped_column(String, primary_key=True)
    action: Mapped[str] = mapped_column(String, primary_key=True)
    to_state: Mapped[str]
    who: Mapped[list[str]] = mapped_column(ARRAY(Text))


class Application(Keyed, Sourced, Base):
    """What an organisation asks for, and how far that is.

    `action`, `note`, `details` and `document_ids` are those of the last change of state; a trigger writes them into
    `application_event`. What was asked for is frozen from submission on, except while it is returned.
    """

    __tablename__ = "application"
    __table_args__ = (
        UniqueConstraint("reference"),
        CheckConstraint(_among("kind", KINDS), name="kind"),
        CheckConstraint(_among("state", STATES), name="state"),
        CheckConstraint("route IN ('exempt', 'permit')", name="route"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("height_m > 0 AND height_m <= 350", name="height_m"),
        CheckConstraint(f"technologies <@ '{{{','.join(TECHNOLOGIES)}}}'", name="technologies"),
        CheckConstraint("char_length(title) <= 200 AND char_length(purpose) <= 4000", name="texts"),
        CheckConstraint("char_length(note) <= 4000", name="note"),
        CheckConstraint(_SHAPES, name="geom_shape"),
        on_land(),
        CheckConstraint("state <> 'route_exempt_notice' OR route = 'exempt'", name="route_exempt"),
        CheckConstraint("state <> 'permit_review' OR route = 'permit'", name="route_permit"),
        CheckConstraint("(state IN ('licensed', 'refused', 'built', 'closed')) <= (decision IS NOT NULL)",
                        name="decided"),
        CheckConstraint("(state IN ('built', 'closed')) <= (as_built IS NOT NULL)", name="as_built"),
        CheckConstraint("(state = 'closed') = (num_nonnulls(structure_occupancy_id, pole_occupancy_id,"
                        " duct_occupancy_id) = 1)", name="recorded"),
        Index("ix_application_state", "state", "id"),
        _SCHEMA,
    )  # fmt: skip

    reference: Mapped[str]
    kind: Mapped[str]
    applicant_id: Mapped[int] = of("organisation")
    operator_id: Mapped[int] = of("organisation")
    """Who will use what is built or shared; a tower company applies for another."""
    title: Mapped[str]
    purpose: Mapped[str] = mapped_column(server_default="", default="")
    geom: Mapped[WKBElement] = geometry("GEOMETRY")
    """Point, polygon to search in, or the route of a duct."""
    height_m: Mapped[float | None]
    """Above ground."""
    technologies: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}", default=list)
    in_deployment_list: Mapped[bool | None]
    """In the operator's deployment list of the year; null is not said."""
    plan_entry: Mapped[str | None]
    """Entry of the approved passive-infrastructure plan."""
    as_of: Mapped[dt.date] = mapped_column(Date)
    """Date the application was written for."""
    state: Mapped[str] = mapped_column(server_default="draft", default="draft")
    version: Mapped[int] = mapped_column(server_default="1", default=1)
    action: Mapped[str] = mapped_column(server_default="create", default="create")
    note: Mapped[str | None]
    details: Mapped[dict[str, Any] | None] = _json()
    document_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}", default=list)
    route: Mapped[str | None]
    decision: Mapped[dict[str, Any] | None] = _json()
    as_built: Mapped[dict[str, Any] | None] = _json()
    structure_occupancy_id: Mapped[int | None] = of("structure_occupancy", nullable=True)
    pole_occupancy_id: Mapped[int | None] = of("pole_occupancy", nullable=True)
    duct_occupancy_id: Mapped[int | None] = of("duct_occupancy", nullable=True)
    created_at: Mapped[dt.datetime] = _now()
    state_since: Mapped[dt.datetime] = _now()


class Check(Keyed, Base):
    """The pre-check's answer as it was, whole; the department's alone, since it names everybody's structures."""

    __tablename__ = "application_check"
    __table_args__ = (CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"), _SCHEMA)

    application_id: Mapped[int] = _of_application()
    made_at: Mapped[dt.datetime] = _now()
    as_of: Mapped[dt.date] = mapped_column(Date)
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sha256: Mapped[str]
    """Of the answer as canonical JSON: sorted keys, no spaces, UTF-8."""
    advice: Mapped[str]


class Event(Keyed, Base):
    """A change of state: written by the trigger of `application` and by nothing else."""

    __tablename__ = "application_event"
    __table_args__ = (_SCHEMA,)

    application_id: Mapped[int] = _of_application()
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    action: Mapped[str]
    actor: Mapped[str]
    at: Mapped[dt.datetime] = _now()
    note: Mapped[str | None]
    details: Mapped[dict[str, Any] | None] = _json()
    document_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")


class SharingRequest(Keyed, Base):
    """A question to the owner of a structure, pole or duct, and its answer.

    `asked` is what the owner is told, frozen when it was sent; owners read neither the application nor each other.
    """

    __tablename__ = "sharing_request"
    __table_args__ = (
        UniqueConstraint("reference"),
        CheckConstraint("num_nonnulls(structure_id, pole_id, duct_id) = 1", name="one_object"),
        CheckConstraint(_among("state", REQUEST_STATES), name="state"),
        CheckConstraint(_among("refusal_code", REFUSAL_CODES), name="refusal_code"),
        CheckConstraint("(state = 'refused') <= (refusal_code IS NOT NULL)", name="refused_why"),
        CheckConstraint("refusal_code <> 'other' OR refusal_text <> ''", name="refused_text"),
        CheckConstraint("(state IN ('answered', 'settled')) <= (slots IS NOT NULL)", name="offered"),
        CheckConstraint("slots BETWEEN 1 AND 200", name="slots"),
        CheckConstraint("height_offered_m > 0 AND height_offered_m <= 350", name="height_offered_m"),
        CheckConstraint("price_vnd_month >= 0 AND price_vnd_month <= 1e12", name="price_vnd_month"),
        CheckConstraint("char_length(refusal_text) <= 2000 AND char_length(note) <= 4000", name="texts"),
        Index("uq_sharing_request_object", "application_id", "structure_id", "pole_id", "duct_id", unique=True,
              postgresql_nulls_not_distinct=True, postgresql_where=text("state <> 'withdrawn'")),
        Index("ix_sharing_request_due_on", "due_on", postgresql_where=text("state = 'open'")),
        _SCHEMA,
    )  # fmt: skip

    reference: Mapped[str]
    application_id: Mapped[int] = _of_application()
    structure_id: Mapped[int | None] = of("structure", nullable=True)
    pole_id: Mapped[int | None] = of("pole", nullable=True)
    duct_id: Mapped[int | None] = of("duct", nullable=True)
    owner_id: Mapped[int] = of("organisation")
    asked: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sent_at: Mapped[dt.datetime] = _now()
    due_on: Mapped[dt.date] = mapped_column(Date)
    remind_on: Mapped[dt.date] = mapped_column(Date)
    reminded_at: Mapped[dt.datetime | None] = _moment()
    state: Mapped[str] = mapped_column(server_default="open", default="open")
    action: Mapped[str] = mapped_column(server_default="ask", default="ask")
    slots: Mapped[int | None]
    """How many more operators, cables or ducts' users it can take."""
    height_offered_m: Mapped[float | None]
    price_vnd_month: Mapped[float | None]
    valid_until: Mapped[dt.date | None] = mapped_column(Date)
    refusal_code: Mapped[str | None]
    refusal_text: Mapped[str | None]
    note: Mapped[str | None]
    """Of the mediation: what was tried and what came of it."""
    answered_by: Mapped[str | None]
    answered_at: Mapped[dt.datetime | None] = _moment()


class Document(Keyed, Base):
    """A file handed in; its bytes lie apart, so that lists stay light."""

    __tablename__ = "application_document"
    __table_args__ = (
        CheckConstraint(_among("kind", FILE_KINDS), name="kind"),
        CheckConstraint("char_length(btrim(name)) BETWEEN 1 AND 200 AND name !~ '[[:cntrl:]/\\\\]'", name="name"),
        CheckConstraint("size_bytes BETWEEN 1 AND 52428800", name="size_bytes"),
        CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        UniqueConstraint("application_id", "sha256"),
        _SCHEMA,
    )

    application_id: Mapped[int] = _of_application()
    name: Mapped[str]
    kind: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    step: Mapped[str] = mapped_column(server_default="draft")
    """State of the application when it came."""
    uploaded_by: Mapped[str] = mapped_column(server_default="")
    at: Mapped[dt.datetime] = _now()


class DocumentContent(Base):
    """The bytes of a document."""

    __tablename__ = "document_content"
    __table_args__ = (_SCHEMA,)

    document_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("licensing.application_document.id"), primary_key=True, autoincrement=False
    )
    content: Mapped[bytes] = mapped_column(LargeBinary)
