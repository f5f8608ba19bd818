"""Question parameters every list shares: a page, a date, a box; and the links from page to page."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple, TypeVar
from urllib.parse import urlencode

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from app.config import settings
from app.errors import Invalid

T = TypeVar("T")
MAX_OFFSET = 10_000_000
MAX_ID = 2**63 - 1
LOCAL = dt.timezone(dt.timedelta(hours=7))  # Viet Nam has no summer time; the machine may have no tz database
_NUMBER = re.compile(r"[+-]?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})([eE][+-]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(
    r"(?P<local>\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}([.,]\d{1,6})?)?)(?P<zone>[Zz]|[+\- ]\d{2}:?\d{2})?", re.ASCII
)
_FIRST_YEAR = 2000


def today() -> dt.date:
    """Return today's date in Viet Nam."""
    return dt.datetime.now(LOCAL).date()


def refused(code: str, vi: str, en: str) -> PydanticCustomError:
    """Return the validation error `code` in two languages; the handler of the application shows both."""
    return PydanticCustomError("refused", "{en}", {"code": code, "vi": vi, "en": en})


def option(parse: Callable[[str], T], value: str | None, field: str) -> T | None:
    """Read an option of a command with the parser of the question parameter of the same name; None stays None.

    Raises
    ------
    Invalid
        What the parser refuses.
    """
    try:
        return parse(value) if value else None
    except PydanticCustomError as error:
        told = error.context or {}
        raise Invalid(told["code"], told["vi"], told["en"], field=field) from error


class BBox(NamedTuple):
    """A box in degrees, EPSG:4326; west < east, south < north."""

    west: float
    south: float
    east: float
    north: float


def parse_bbox(value: str) -> BBox:
    """Return the box of the text "west,south,east,north".

    Raises
    ------
    PydanticCustomError
        Not four finite numbers, outside the world, empty, or apparently latitude before longitude.
    """
    parts = [p.strip() for p in value.split(",")]
    if len(parts) != 4 or not all(_NUMBER.fullmatch(p) for p in parts):
        raise refused(
            "bbox_not_four_numbers",
            "bbox cần bốn số hữu hạn: tây,nam,đông,bắc, ví dụ 107.0,15.9,108.3,16.8",
            "bbox takes four finite numbers: west,south,east,north, e.g. 107.0,15.9,108.3,16.8",
        )
    box = BBox(*map(float, parts))
    in_world = all(math.isfinite(v) for v in box) and abs(box.west) <= 180 >= abs(box.east)
    if _looks_swapped(box):
        raise refused(
            "bbox_swapped",
            "bbox có vẻ bị đảo trục: cần kinh độ trước vĩ độ (tây,nam,đông,bắc)",
            "bbox looks swapped: longitude comes before latitude (west,south,east,north)",
        )
    if not in_world or not abs(box.south) <= 90 >= abs(box.north):
        raise refused(
            "bbox_outside_world",
            "bbox vượt ra ngoài thế giới: kinh độ -180…180, vĩ độ -90…90; đơn vị là độ, không phải mét",
            "bbox lies outside the world: longitude -180…180, latitude -90…90; degrees, not metres",
        )
    if not (box.west < box.east and box.south < box.north):
        raise refused(
            "bbox_empty",
            "bbox cần tây < đông và nam < bắc",
            "bbox needs west < east and south < north",
        )
    return box


def _looks_swapped(box: BBox) -> bool:
    """Say whether latitude seems to come first: no latitude reaches Viet Nam's longitudes of 102…118."""
    return all(6 <= v <= 25 for v in (box.west, box.east)) and all(100 <= v <= 120 for v in (box.south, box.north))


def parse_date(value: object) -> object:
    """Refuse everything but an ISO day; pydantic would read a bare number as seconds since 1970."""
    if isinstance(value, dt.date):
        return value
    try:
        if not _DATE.fullmatch(str(value)):
            raise ValueError
        return dt.date.fromisoformat(str(value))
    except ValueError:
        raise refused(
            "not_a_date",
            f"{str(value)[:40]!r} không phải ngày; viết năm-tháng-ngày, ví dụ 2025-12-31",
            f"{str(value)[:40]!r} is not a date; write year-month-day, e.g. 2025-12-31",
        ) from None


Day = Annotated[dt.date, BeforeValidator(parse_date)]


def parse_instant(value: object) -> dt.datetime:
    """Return the moment of an ISO 8601 text with its zone; a + of the zone may have become a space in an address.

    Raises
    ------
    PydanticCustomError
        No such moment, without a zone, in the future, or before the year 2000 (no registry is that old).
    """
    told = value.isoformat() if isinstance(value, dt.datetime) else str(value)
    found = _INSTANT.fullmatch(told)
    try:
        if found is None:
            raise ValueError
        moment = dt.datetime.fromisoformat(found["local"] + (found["zone"] or "").upper().replace(" ", "+"))
    except ValueError:
        raise refused(
            "not_an_instant",
            f"{told[:40]!r} không phải thời điểm; viết theo ISO 8601 kèm múi giờ, ví dụ 2026-01-31T08:30:00+07:00",
            f"{told[:40]!r} is not a moment; write ISO 8601 with its zone, e.g. 2026-01-31T08:30:00+07:00",
        ) from None
    if moment.tzinfo is None:
        raise refused(
            "instant_without_zone",
            "Thời điểm thiếu múi giờ; thêm +07:00 (giờ Việt Nam) hoặc Z (UTC)",
            "The moment lacks its zone; add +07:00 (Viet Nam) or Z (UTC)",
        )
    if moment.year < _FIRST_YEAR:
        raise refused(
            "instant_too_early",
            f"Thời điểm phải từ năm {_FIRST_YEAR}; ngày của hiện trạng hỏi bằng as_of",
            f"The moment is in {_FIRST_YEAR} at the earliest; ask for the state on a day with as_of",
        )
    if moment > dt.datetime.now(dt.UTC):
        raise refused(
            "instant_in_future",
            "Thời điểm nằm trong tương lai: chưa ai biết gì vào lúc đó",
            "The moment lies in the future: nothing was known then yet",
        )
    return moment


Instant = Annotated[dt.datetime, BeforeValidator(parse_instant)]


def _checked_bbox(value: str) -> str:
    parse_bbox(value)
    return value


# Text, because the framework would split a tuple over repeated parameters; `parse_bbox` reads it.
BoxText = Annotated[
    str,
    Field(
        max_length=200, description="west,south,east,north in degrees (EPSG:4326)", examples=["107.0,15.9,108.3,16.8"]
    ),
    AfterValidator(_checked_bbox),
]


class Question(BaseModel):
    """Query parameters: unknown names are refused (a typing error must not widen the answer), empty means not given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:
        return {k: v for k, v in values.items() if v != ""} if isinstance(values, Mapping) else values

    def query(self, **changes: object) -> str:
        """Return the query string that asks this question, with `changes`; what was not asked is left out."""
        asked = {**self.model_dump(mode="json", exclude_unset=True, by_alias=True), **changes}
        return urlencode({k: v for k, v in asked.items() if v is not None})


class Dated(Question):
    """A question about one date, as known now or at an earlier moment (`app.policy.past.in_time`)."""

    as_of: Day | None = Field(None, description="Date of the answer; default today in Viet Nam")
    known_at: Instant | None = Field(
        None,
        description="What the registry knew at this moment (ISO 8601 with zone); for signed-in callers; default now",
    )

    @property
    def on(self) -> dt.date:
        """The date asked about."""
        return self.as_of or today()


class Paged(Question):
    """A question whose answer comes in pages."""

    limit: Annotated[int, Field(ge=1, description="Features per page; at most the server's page limit")] = Field(
        default_factory=lambda: min(100, settings().page_limit)
    )
    offset: Annotated[int, Field(ge=0, le=MAX_OFFSET, description="Features to skip")] = 0

    @field_validator("limit")
    @classmethod
    def _within_page_limit(cls, value: int) -> int:
        if value > settings().page_limit:
            raise refused(
                "limit_too_large",
                f"limit tối đa {settings().page_limit}; lấy toàn bộ bằng /api/exports",
                f"limit is at most {settings().page_limit}; use /api/exports for everything",
            )
        return value

    def links(self, path: str, matched: int) -> list[dict[str, str]]:
        """Return self, next and prev as absolute paths.

        Parameters
        ----------
        matched : int
            How many features the question matches in all.
        """
        pages = [("self", self.offset)]
        if self.offset + self.limit < matched:
            pages.append(("next", self.offset + self.limit))
        if self.offset > 0:
            pages.append(("prev", max(0, self.offset - self.limit)))
        return [
            {
                "rel": rel,
                "href": f"{path}?{self.query(limit=self.limit, offset=offset)}",
                "type": "application/geo+json",
            }
            for rel, offset in pages
        ]
