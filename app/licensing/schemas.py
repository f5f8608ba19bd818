"""A proposed tower as it arrives."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.kit.page import Day


class ColocationRequest(BaseModel):
    """Where an operator wants to build, and how high. Ranges are checked against the dated policy."""

    model_config = ConfigDict(extra="forbid")

    lon: Annotated[float, Field(strict=True, description="Degrees east, WGS84", examples=[107.5776])]
    lat: Annotated[float, Field(strict=True, description="Degrees north, WGS84", examples=[16.4667])]
    operator: Annotated[str, Field(min_length=1, max_length=30, examples=["VIETTEL"])]
    height_m: Annotated[float, Field(strict=True, description="Height asked for, above ground", examples=[42])]
    technologies: Annotated[list[Annotated[str, Field(max_length=10)]], Field(max_length=10, examples=[["4G"]])] = []
    radius_m: Annotated[
        float | None, Field(strict=True, description="Search radius; the policy's default when left out")
    ] = None
    as_of: Day | None = None
