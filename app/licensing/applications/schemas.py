"""Applications, requests and documents as they arrive and are answered."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.kit.page import Day, Paged
from app.licensing.applications.states import RequestState, State
from app.licensing.schemas import Technologies

Kind = Literal["tower", "pole", "duct"]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{2,30}$")]
Text = Annotated[str, Field(max_length=4000)]
Height = Annotated[float, Field(gt=0, le=350, strict=True, description="Metres above ground")]
Lon = Annotated[float, Field(ge=102, le=118, strict=True, description="Degrees east, WGS84")]
Lat = Annotated[float, Field(ge=7, le=24, strict=True, description="Degrees north, WGS84")]
Position = Annotated[list[float], Field(min_length=2, max_length=2)]
DocumentIds = Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=50)]


class Given(BaseModel):
    """A request body."""

    model_config = ConfigDict(extra="forbid")


class Place(Given):
    """A GeoJSON geometry, EPSG:4326: Point, Polygon to search in, or LineString of a duct."""

    type: Literal["Point", "Polygon", "LineString"]
    coordinates: Annotated[list[Any], Field(max_length=2000)]


class ApplicationPatch(Given):
    """What of a draft changes."""

    title: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    purpose: Text | None = None
    geometry: Place | None = None
    height_m: Height | None = None
    technologies: Technologies | None = None
    in_deployment_list: bool | None = Field(None, description="In the operator's deployment list of the year")
    plan_entry: Annotated[str, Field(max_length=200)] | None = Field(None, description="Entry of the approved plan")
    operator: Code | None = Field(None, description="Who will use it; the applicant when left out")
    as_of: Day | None = None


class ApplicationIn(ApplicationPatch):
    """A new application."""

    kind: Kind
    title: Annotated[str, Field(min_length=1, max_length=200)]
    geometry: Place
    applicant: Code | None = Field(None, description="For which organisation; an account of one need not say")


class AsBuilt(Given):
    """The as-built survey."""

    lon: Lon
    lat: Lat
    height_m: Height | None = None
    on: Day = Field(description="First day it stands")
    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._/-]{1,60}$")] | None = Field(
        None, description="Code of the new object; else the application's reference"
    )
    line: Annotated[list[Position], Field(min_length=2, max_length=2000)] | None = Field(
        None, description="Course of a new duct, [lon, lat]; else that applied for"
    )


class ActionIn(Given):
    """What goes with an action; which members one needs, its refusal says."""

    note: Text | None = Field(None, description="Reason, for the applicant to read")
    documents: DocumentIds = []
    requests: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=100)] | None = Field(
        None, description="mediate: which requests; decide_share: the one that is taken"
    )
    number: Annotated[str, Field(max_length=100)] | None = Field(None, description="Number of the permit or notice")
    as_built: AsBuilt | None = None
    tenant_capacity: Annotated[int, Field(ge=1, le=50)] | None = Field(
        None, description="record_occupancy: operators the new structure can carry"
    )


class RequestIn(Given):
    """Whom to ask besides the pre-check's candidates: exactly one object."""

    structure_id: Annotated[int, Field(ge=1)] | None = None
    pole_id: Annotated[int, Field(ge=1)] | None = None
    duct_id: Annotated[int, Field(ge=1)] | None = None


class AnswerIn(Given):
    """An owner's offer."""

    slots: Annotated[int, Field(ge=1, le=200, description="More tenants or cables it can take")]
    height_m: Height | None = None
    price_vnd_month: Annotated[float, Field(ge=0, le=1e12, strict=True)] | None = None
    valid_until: Day | None = None
    note: Text | None = None


class RefusalIn(Given):
    """An owner's refusal."""

    code: Literal["load", "height", "interference", "power", "landlord", "contract", "other"]
    text: Annotated[str, Field(max_length=2000)] = Field("", description="Due for `other`")


class SettleIn(AnswerIn):
    """What mediation came to."""

    note: Annotated[str, Field(min_length=1, max_length=4000)]


class FailIn(Given):
    """Why a mediation came to nothing."""

    note: Annotated[str, Field(min_length=1, max_length=4000)]


class ApplicationsQuestion(Paged):
    """Which applications."""

    state: State | None = Field(None, description="Only in this state")
    kind: Kind | None = Field(None, description="tower, pole or duct")
    operator: Code | None = Field(None, description="Code of who will use what is built or shared")
    overdue: bool | None = Field(None, description="Only those whose running clock is overdue, or is not")


class RequestsQuestion(Paged):
    """Which sharing requests."""

    state: RequestState | None = Field(None, description="Only in this state")
    owner: Code | None = Field(None, description="Code of the organisation that was asked")


class ClockOut(BaseModel):
    """Time of one stage, in working days of Viet Nam."""

    stage: str
    started_on: dt.date
    due_on: dt.date | None = Field(description="Null while it is paused")
    ended_on: dt.date | None
    working_days_allowed: int
    working_days_left: int = Field(description="Negative: so many late")
    overdue: bool
    paused: bool


class Organisation(BaseModel):
    """Code and name."""

    code: str
    name: str


class RequestOut(BaseModel):
    """A sharing request, as far as the caller is told."""

    id: int
    reference: str
    application_id: int | None = Field(description="Null for the owner, who reads no application")
    object: dict[str, Any] | None
    owner: Organisation
    asked: dict[str, Any]
    sent_at: dt.datetime
    due_on: dt.date
    working_days_left: int
    overdue: bool
    reminded_at: dt.datetime | None
    state: str
    state_name: dict[str, str]
    answer: dict[str, Any] | None
    refusal: dict[str, Any] | None
    note: str | None
    answered_at: dt.datetime | None
    allowed_actions: list[str]


class DocumentOut(BaseModel):
    """A document without its bytes."""

    id: int
    name: str
    kind: str
    size_bytes: int
    sha256: str
    step: str
    uploaded_by: dict[str, str | None]
    at: dt.datetime
    href: str


class EventOut(BaseModel):
    """A change of state: who, when, with what."""

    id: int
    at: dt.datetime
    action: str
    from_state: str | None
    to_state: str
    actor: dict[str, str | None] | None = None
    note: str | None = None
    details: dict[str, Any] | None = None
    document_ids: list[int] = []


class ApplicationLine(BaseModel):
    """An application in a list; all that other departments are told."""

    id: int
    reference: str
    kind: str
    applicant: Organisation
    operator: Organisation
    title: str
    state: str
    state_name: dict[str, str]
    route: str | None
    decision: dict[str, Any] | None
    created_at: dt.datetime
    state_since: dt.datetime
    clock: ClockOut | None = Field(description="The running or paused clock")
    synthetic: bool


class ApplicationOut(ApplicationLine):
    """An application with what the caller may know of it; null is not told."""

    version: int | None = None
    geometry: dict[str, Any] | None = None
    height_m: float | None = None
    technologies: list[str] | None = None
    purpose: str | None = None
    in_deployment_list: bool | None = None
    plan_entry: str | None = None
    as_of: dt.date | None = None
    as_built: dict[str, Any] | None = None
    recorded: dict[str, Any] | None = None
    check: dict[str, Any] | None = Field(None, description="The department alone: answer, sha256, made_at, advice")
    clocks: list[ClockOut]
    events: list[EventOut]
    requests: list[RequestOut] = []
    documents: list[DocumentOut] = []
    allowed_actions: list[str] = []


class Applications(BaseModel):
    """A page of applications, newest first."""

    items: list[ApplicationLine]
    number_matched: int = Field(serialization_alias="numberMatched")
    links: list[dict[str, str]]


class Requests(BaseModel):
    """A page of sharing requests, newest first."""

    items: list[RequestOut]
    number_matched: int = Field(serialization_alias="numberMatched")
    links: list[dict[str, str]]
