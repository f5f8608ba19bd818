"""What the export routes are asked and what they answer."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from app.kit.page import BoxText, Dated, Day, Question
from app.publish.schemas import Geometry

Name = Annotated[str, Field(min_length=1, max_length=60)]


class ExportFilter(Dated):
    """Which objects of a layer."""

    bbox: BoxText | None = Field(None, description="west,south,east,north in degrees (EPSG:4326)")
    commune: Name | None = Field(None, description="Code or name of a commune in force on the date")
    crs: Annotated[str, Field(max_length=40, examples=["EPSG:9214"])] | None = Field(
        None, description="EPSG:4326 (default) or the province's VN-2000 zone; GeoJSON and KML are always in degrees"
    )


class ExportQuestion(ExportFilter):
    """Which objects of a layer, and how they are packed."""

    bundle: Literal["zip"] | None = Field(None, description="zip: the file and a metadata.json in one archive")


class FibreQuestion(Dated):
    """Which part of the networks."""

    bbox: BoxText | None = Field(None, description="west,south,east,north in degrees (EPSG:4326)")
    commune: Name | None = Field(None, description="Code or name of a commune in force on the date")


class OpenQuestion(Question):
    """Which objects of an open layer; of what the registry believes now."""

    as_of: Day | None = Field(None, description="Date of the answer; default today in Viet Nam")
    bbox: BoxText | None = Field(None, description="west,south,east,north in degrees (EPSG:4326)")
    commune: Name | None = Field(None, description="Code or name of a commune in force on the date")
    crs: Annotated[str, Field(max_length=40, examples=["EPSG:9214"])] | None = Field(
        None, description="CRS of the file where the format takes another than WGS84"
    )
    bundle: Literal["zip"] | None = Field(None, description="zip: the file and a metadata.json in one archive")


class Licence(BaseModel):
    """Under which terms the public may use what it is told."""

    id: str
    title: str
    url: str


class ExportMetadata(BaseModel):
    """What an export is; a stream cannot know its count beforehand."""

    layer: str
    title: dict[Literal["vi", "en"], str]
    source: str
    publisher: str
    as_of: dt.date
    known_at: dt.datetime | None = Field(description="What the registry knew at this moment; null: now")
    snapshot: int | None = Field(
        description="Number of the registry's last change in it; null for the public and for an earlier known_at"
    )
    generated_at: dt.datetime
    bbox: list[float] | None
    crs: str
    grid_m: float | None = Field(description="Positions are told by cells of this size, EPSG:9214; null: as they are")
    withheld: dict[str, Literal["public", "authority", "owner"]] = Field(
        description="Attributes the caller is not told of objects that are not its own (null there), with their level"
    )
    synthetic: bool
    licence: Licence | None
    licence_note: dict[Literal["vi", "en"], str] | None = Field(description="What holds without a licence")
    count: int | None


class ExportFeature(BaseModel):
    """One object with flat properties named as `hatang load` reads them."""

    type: Literal["Feature"]
    id: int
    geometry: Geometry | None
    properties: dict[str, str | float | bool | None]


class Export(BaseModel):
    """A whole layer."""

    type: Literal["FeatureCollection"]
    name: str
    metadata: ExportMetadata
    features: list[ExportFeature]


class ExportOrder(ExportQuestion):
    """An export to be made in the background."""

    layer: Name = Field(examples=["poles"])
    format: Annotated[str, Field(max_length=20, examples=["gpkg"])]


class Ordered(BaseModel):
    """The job that makes the file; its result has the address of the download."""

    job: int
    links: list[dict[str, Any]]
