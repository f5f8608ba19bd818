"""What the endpoints of objects are asked and what they answer."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from app.kit.page import MAX_ID, BoxText, Dated, Day, Instant, Paged, Question, refused
from app.kit.text import nfc

Name = Annotated[str, Field(min_length=1, max_length=60)]
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Reason = Annotated[str, Field(max_length=500)]
Batch = Annotated[str, Field(max_length=100)]
_REASON = "Why; kept in the history. The department owes one for every change to another's object"
_BATCH = "Name of the piece of work this belongs to"


class ObjectFilter(Paged, Dated):
    """Which objects of a layer, in which order."""

    q: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="Part of code, name, address or street; tone marks ignored"
    )
    bbox: BoxText | None = Field(None, description="west,south,east,north in degrees (EPSG:4326)")
    commune: Name | None = Field(None, description="Code or name of a commune in force on the date")
    parent: Id | None = Field(None, description="Only parts of this object: structures of a site, bores of a duct…")
    sort: Annotated[str, Field(max_length=60)] | None = Field(
        None, description="A column, with - before it the other way round; default id"
    )


class ItemQuestion(Dated):
    """One object as it was; without as_of whether or not it is in force."""


class HistoryPage(Paged):
    """Which part of a history, newest first."""


class Ending(Question):
    """Since when an object is not there any more, and why."""

    on: Day | None = Field(None, description="First day it is not there any more; default today in Viet Nam")
    reason: Annotated[str, Field(min_length=1, max_length=500)] = Field(description=_REASON)
    batch: Batch | None = Field(None, description=_BATCH)


class Told(BaseModel):
    """A change says why, as far as it has to."""

    reason: Reason | None = Field(None, description=_REASON)
    batch: Batch | None = Field(None, description=_BATCH)

    @field_validator("reason", "batch")
    @classmethod
    def _plain(cls, value: str | None) -> str | None:
        if value is not None and any(c < " " and c not in "\t\r\n" for c in value):
            raise refused("unreadable_text", "Văn bản chứa ký tự điều khiển", "A text contains control characters")
        return nfc(value) or None if value is not None else None


class Attributes(Told):
    """Attributes to write, as members: {"height_m": 42, "geometry": {…}}; a null empties one (RFC 7396)."""

    model_config = ConfigDict(extra="allow")

    geometry: Any = Field(None, description="GeoJSON geometry, EPSG:4326")
    position: Any = Field(None, description='Instead of it a surveyed point: {"x", "y", "crs"}, e.g. crs EPSG:9214')

    def attributes(self) -> dict[str, Any]:
        """Return what was sent beside reason and batch."""
        shapes = {n: getattr(self, n) for n in ("geometry", "position") if n in self.model_fields_set}
        return (self.__pydantic_extra__ or {}) | shapes


class Restoring(Told):
    """Which earlier state to write again."""

    model_config = ConfigDict(extra="forbid")

    change_id: Id | None = Field(None, description="The state this change left")
    known_at: Instant | None = Field(None, description="The state the registry knew at this moment")
    reason: Annotated[str, Field(min_length=1, max_length=500)] = Field(description=_REASON)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.change_id is None) == (self.known_at is None):
            raise refused(
                "change_or_moment", "Chỉ gửi một trong change_id và known_at", "Send either change_id or known_at"
            )
        return self


class ObjectFeature(BaseModel):
    """An object as a GeoJSON feature; which properties it has depends on what the caller is told."""

    type: Literal["Feature"]
    id: int
    layer: str
    geometry: dict[str, Any] | None
    properties: dict[str, Any]


class Restored(ObjectFeature):
    """An object after an earlier state was written to it."""

    restored: list[str] = Field(description="Fields that changed")
    left_out: list[str] = Field(description="Fields that differ from that state and are not the caller's to write")


class ObjectCollection(BaseModel):
    """A page of a layer."""

    type: Literal["FeatureCollection"]
    numberMatched: int
    numberReturned: int
    links: list[dict[str, Any]]
    features: list[ObjectFeature]


class Attribute(BaseModel):
    """An attribute of a layer and what the caller may do with it."""

    name: str
    type: str
    required: bool = Field(description="Of a new object")
    added: bool = Field(description="May be given to a new object")
    changed: bool = Field(description="May be changed")


class LayerDescription(BaseModel):
    """A layer as far as the caller is told of it."""

    layer: str
    title: dict[str, str]
    part_of: str | None = Field(description="Layer of the objects its objects are parts of")
    searched: list[str] = Field(description="Where q looks")
    adds: bool = Field(description="The caller may add objects; which ones, each answer says")
    organisation: str | None = Field(description="Attribute of the organisation an object belongs to")
    acts_for: list[int] = Field(description="Organisations the caller acts for")
    attributes: list[Attribute]


class Actor(BaseModel):
    """Who made a change: by name to the department, by kind to everybody else."""

    kind: Literal["department", "own_organisation", "commune_officer", "other"]
    name: str | None


class FieldChange(BaseModel):
    """One field before and after; of a geometry as GeoJSON, with how far it moved."""

    field: str
    before: Any
    after: Any
    moved_m: float | None = Field(None, description="Metres; of lines and areas the largest distance between both")


class ChangeEntry(BaseModel):
    """One change of an object."""

    id: int
    at: dt.datetime
    operation: Literal["insert", "update", "remove"]
    actor: Actor
    reason: str | None
    batch: str | None
    changes: list[FieldChange]


class ObjectState(BaseModel):
    """A state of an object."""

    geometry: dict[str, Any] | None
    properties: dict[str, Any]


class ChangeDetail(ChangeEntry):
    """One change with both states in full, as far as the caller is told of them."""

    before: ObjectState | None
    after: ObjectState | None


class History(BaseModel):
    """A page of an object's history."""

    layer: str
    object_id: int
    numberMatched: int
    numberReturned: int
    links: list[dict[str, Any]]
    history: list[ChangeEntry]
