"""A proposed tower, and a question about one, as they arrive and are answered."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.kit.page import Day, Paged
from app.licensing.reach import Purpose

Lon = Annotated[float, Field(strict=True, description="Degrees east, WGS84", examples=[107.5776])]
Lat = Annotated[float, Field(strict=True, description="Degrees north, WGS84", examples=[16.4667])]
Technologies = Annotated[
    list[Annotated[str, Field(max_length=10)]], Field(max_length=10, examples=[["4G"]], description="2G, 3G, 4G or 5G")
]


class ColocationRequest(BaseModel):
    """Where an operator wants to build, how high and what for. Ranges are checked against the dated policy."""

    model_config = ConfigDict(extra="forbid")

    lon: Lon | None = None
    lat: Lat | None = None
    area: Annotated[
        dict[str, Any] | None,
        Field(description="A search area instead of a point: GeoJSON Polygon, WGS84; distances count from its edge"),
    ] = None
    operator: Annotated[str, Field(min_length=1, max_length=30, examples=["VIETTEL"])]
    height_m: Annotated[float, Field(strict=True, description="Height asked for, above ground", examples=[42])]
    technologies: Technologies = []
    purpose: Annotated[
        Purpose,
        Field(description="What for: people its network does not serve, relief of cells that do, a new technology"),
    ] = "coverage"
    type_code: Annotated[Literal["A1a", "A1b", "A2a", "A2b", "A2c"] | None, Field(description="What is built")] = None
    radius_m: Annotated[
        float | None, Field(strict=True, description="Search radius; the policy's default when left out")
    ] = None
    radio: Annotated[bool, Field(description="Compute whom the proposal and the candidates would reach")] = True
    rule: Annotated[str | None, Field(max_length=60, description="Coverage rule; the default when left out")] = None
    as_of: Day | None = None


class SharingQuestionIn(BaseModel):
    """Where, within which radius, and how high."""

    model_config = ConfigDict(extra="forbid")

    lon: Lon
    lat: Lat
    radius_m: Annotated[
        float, Field(strict=True, description="One of the radii of policy sharing_question/search", examples=[500])
    ]
    height_m: Annotated[
        float | None, Field(strict=True, description="Height asked for, above ground; raised to the next step")
    ] = None
    technologies: Technologies = []
    operator: Annotated[
        str | None,
        Field(min_length=1, max_length=30, description="The department names for whom it asks; an operator need not"),
    ] = None


class SharingOffer(BaseModel):
    """What may be asked today, by policy sharing_question and colocation/search."""

    radii_m: list[float] = Field(description="Radii to choose from")
    height_step_m: float = Field(description="Heights are raised to the next of these steps")
    max_height_m: float
    per_hour: int = Field(description="Questions of one organisation; the department has no limit")
    per_day: int


class NumberOut(BaseModel):
    """How many: exactly `count`, or `count` and more."""

    count: int
    at_least: bool


class Searched(BaseModel):
    """What was answered for: the centre of the square the point lies in, and the height's next step."""

    lon: float
    lat: float
    radius_m: float
    grid_m: float
    height_m: float | None


class Contact(BaseModel):
    """Where to turn to; the owner is asked by the department, under the reference."""

    vi: str
    en: str
    reference: str


class Left(BaseModel):
    """Questions the organisation has left; null for the department."""

    hour: int | None
    day: int | None


class SharingAnswer(BaseModel):
    """Whether sharing is possible, and with how many; not with whom."""

    reference: str
    operator: str
    may_share: Literal["yes", "no", "unknown"]
    with_room: NumberOut = Field(
        description="Others' structures known to have room, and tall enough for a height asked"
    )
    unknown: NumberOut = Field(description="Others' structures whose capacity, or height when asked, is not known")
    message: dict[str, str]
    own: list[dict[str, Any]] = Field(description="The organisation's own structures within the radius, in full")
    contact: Contact
    searched: Searched
    left: Left
    as_of: dt.date
    citation: str
    synthetic: bool


class SharingQuestionsQuestion(Paged):
    """Which page of the questions, and whose."""

    operator: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{2,30}$")] | None = None


class SharingQuestionOut(BaseModel):
    """A question as it was asked and answered."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: dt.datetime
    actor: str
    organisation_code: str
    by_department: bool
    reference: str
    lon: float
    lat: float
    grid_lon: float
    grid_lat: float
    radius_m: float
    height_m: float | None
    technologies: list[str]
    answer: dict[str, Any] | None = Field(description="Null when the answer failed")


class SharingQuestions(BaseModel):
    """Questions, newest first."""

    items: list[SharingQuestionOut]
    number_matched: int = Field(serialization_alias="numberMatched")
    links: list[dict[str, str]]
