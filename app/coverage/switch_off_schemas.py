"""What the question about switching technologies off takes and answers."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from app.coverage.blackspots_schemas import RunId
from app.coverage.schemas import Code, Name, Run, VerdictName
from app.kit.page import Dated, Paged, refused
from app.sites.models import TECHNOLOGIES


def parse_technologies(value: str) -> str:
    """Return the technologies of a text "2G,3G", each once and in order.

    Raises
    ------
    PydanticCustomError
        One of them is none.
    """
    named = {part.strip().upper() for part in value.split(",")}
    if not named or named - set(TECHNOLOGIES):
        known = ", ".join(TECHNOLOGIES)
        raise refused(
            "unknown_technology",
            f"Công nghệ là một hoặc vài trong {known}, cách nhau bằng dấu phẩy",
            f"Technologies are one or some of {known}, separated by commas",
        )
    return ",".join(sorted(named))


class SwitchOffQuestion(Dated, Paged):
    """Which technologies go, of all operators or of one."""

    technologies: Annotated[
        str,
        Field(max_length=40, description="Technologies switched off, e.g. 2G,3G", examples=["2G,3G"]),
        AfterValidator(parse_technologies),
    ]
    operator: Code | None = Field(
        None, description="Only this operator's network is looked at; an operator may name its own only"
    )
    rule: Name | None = None
    run_id: RunId | None = Field(None, description="Number of a run; default the newest one of the rule")

    @property
    def off(self) -> tuple[str, ...]:
        """The technologies, in order."""
        return tuple(self.technologies.split(","))


class People(BaseModel):
    """People of a village, or of villages added up; null where no population is known."""

    people_lost: float | None = Field(description="At least so many lose what the rule asks for")
    people_lost_high: float | None = Field(description="At most")
    people_without_signal: float | None = Field(
        description="At least so many have no signal left: theirs was of what is switched off only; null under a rule "
        "that has no level for some technology"
    )
    people_without_signal_high: float | None = Field(description="At most")


class Figures(People):
    """Villages and people of an area."""

    villages: int
    without_population: int = Field(description="Villages whose people are in no sum: population or signals unknown")
    covered_before: int
    covered_after: int
    covered_to_not_covered: int
    covered_to_unknown: int
    unknown_to_not_covered: int


class CommuneFigures(Figures):
    """Of one commune; code null: villages not recorded in any."""

    commune_code: str | None
    commune_name: str | None


class LostVillage(People):
    """A village that is covered with the technologies and not, or not certainly, without them."""

    id: int
    code: str
    name: str
    commune_code: str | None
    commune_name: str | None
    lon: float
    lat: float
    population: int | None
    before: VerdictName
    after: VerdictName
    share_before: float | None = Field(description="Share of the rule's unit known to be served")
    share_after: float | None
    share_unknown_after: float
    synthetic: bool


class Words(BaseModel):
    """What the figures rest on."""

    vi: list[str]
    en: list[str]


class SwitchOff(BaseModel):
    """Villages and people that lose service; nothing is stored."""

    run: Run
    as_of: dt.date
    operator: str | None
    switched_off: list[str]
    technologies_before: list[str] = Field(description="Of the rule")
    technologies_after: list[str] = Field(description="Of the rule, still on")
    signals_after: list[str] = Field(description="Technologies a phone may still have a signal of")
    share_of: str = Field(description="Of what the shares are: population or dwellings")
    totals: Figures
    by_commune: list[CommuneFigures]
    items: list[LostVillage]
    number_matched: int = Field(serialization_alias="numberMatched")
    links: list[dict[str, str]]
    why: Words
    synthetic: bool
