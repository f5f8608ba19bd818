"""`bbox` and `datetime` of a question, and what is wrong with them."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass

import numpy as np
import shapely
from pydantic_core import PydanticCustomError

from app.errors import BadRequest
from app.kit.page import LOCAL, parse_bbox, today
from app.publish.ogc import systems
from app.publish.ogc.refusing import bad, told
from app.publish.ogc.systems import CRS84

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+\- ]\d{2}:\d{2})", re.ASCII)
_OPEN = ("", "..")
_EDGE_PARTS = 16
"""A box of another system has curved edges in degrees: each is drawn by that many lines."""


@dataclass(frozen=True)
class Days:
    """The days asked about, both included; None before the first and after the last there are."""

    first: dt.date | None
    last: dt.date | None


def days(value: str | None) -> Days:
    """Return the days of `datetime`: one of them, or an interval; today by default.

    An instant is the day it falls on in Viet Nam. What is answered is in force on at least one of the days.

    Raises
    ------
    BadRequest
        Not a date, instant or interval of RFC 3339, or an interval that ends before it begins.
    """
    if not value:
        return Days(today(), today())
    parts = value.split("/")
    if len(parts) == 1:
        day = _day(value)
        return Days(day, day)
    if len(parts) > 2 or all(p in _OPEN for p in parts):
        raise _not_a_time(value)
    first, last = (None if p in _OPEN else _day(p) for p in parts)
    if first and last and last < first:
        raise bad(
            "datetime", "datetime_order", "Khoảng thời gian kết thúc trước khi bắt đầu",
            "The interval ends before it begins",
        )  # fmt: skip
    return Days(first, last)


def _day(value: str) -> dt.date:
    try:
        if _DAY.fullmatch(value):
            return dt.date.fromisoformat(value)
        if not _INSTANT.fullmatch(value):
            raise ValueError
        # More than microseconds is no other day; the + of a zone may have become a space in the address.
        moment = re.sub(r"(\.\d{6})\d+", r"\1", value.upper().replace(" ", "+"))
        return dt.datetime.fromisoformat(moment).astimezone(LOCAL).date()
    except (ValueError, OverflowError):
        raise _not_a_time(value) from None


def _not_a_time(value: str) -> Exception:
    return bad(
        "datetime",
        "not_a_datetime",
        f"{value[:60]!r} không phải ngày, thời điểm hay khoảng; ví dụ 2025-12-31, 2025-12-31T08:00:00+07:00,"
        " 2025-01-01/2025-12-31, 2025-01-01/..",
        f"{value[:60]!r} is no date, instant or interval; e.g. 2025-12-31, 2025-12-31T08:00:00+07:00,"
        " 2025-01-01/2025-12-31, 2025-01-01/..",
    )


def area(bbox: str | None, uri: str) -> shapely.Geometry | None:
    """Return the area of `bbox` in degrees, longitude first; of six numbers the heights are left out.

    A box whose west lies east of its east spans the antimeridian (OGC 17-069r4, 7.15.3) and becomes two.

    Raises
    ------
    BadRequest
        Not four or six finite numbers, in the wrong order, outside the world, or with its axes swapped.
    """
    if bbox is None:
        return None
    parts = [p.strip() for p in bbox.split(",")]
    if len(parts) == 6:
        parts = [*parts[0:2], *parts[3:5]]
    if uri != CRS84:
        return _projected(parts, uri)
    try:
        values = [float(p) for p in parts]
        if len(values) == 4 and 180 >= values[0] > values[2] >= -180 and not _narrow(values):
            east = parse_bbox(",".join([parts[0], parts[1], "180", parts[3]]))
            west = parse_bbox(",".join(["-180", parts[1], parts[2], parts[3]]))
            return shapely.MultiPolygon([shapely.box(*east), shapely.box(*west)])
    except ValueError:
        pass  # parse_bbox says what is wrong
    except PydanticCustomError as error:
        raise told("bbox", error) from None
    return _degrees(parts)


def _narrow(values: list[float]) -> bool:
    """Say whether west and east were rather exchanged: both in the longitudes of Viet Nam."""
    return all(100 <= v <= 120 for v in (values[0], values[2]))


def _degrees(parts: list[str]) -> shapely.Geometry:
    widened = list(parts)
    try:
        # A box may be a line or a point: the standard knows no least size.
        values = [float(p) for p in parts]
        for low, high in ((0, 2), (1, 3)):
            if len(values) == 4 and values[low] == values[high] and math.isfinite(values[low]):
                widened[high] = f"{values[high] + 1e-9:.12f}"
    except ValueError:
        pass
    try:
        return shapely.box(*parse_bbox(",".join(widened)))
    except PydanticCustomError as error:
        raise told("bbox", error) from None


def _projected(parts: list[str], uri: str) -> shapely.Geometry:
    try:
        values = [float(p) for p in parts]
        if len(values) != 4 or not all(math.isfinite(v) and abs(v) < 1e8 for v in values):
            raise ValueError
    except ValueError:
        raise bad(
            "bbox", "bbox_not_four_numbers", "bbox cần bốn số hữu hạn theo thứ tự trục của bbox-crs",
            "bbox takes four finite numbers in the order of the axes of bbox-crs",
        ) from None  # fmt: skip
    if values[0] > values[2] or values[1] > values[3]:
        raise bad("bbox", "bbox_empty", "bbox cần góc dưới trước góc trên", "bbox names its lower corner first")
    box = shapely.segmentize(shapely.box(*values), max(values[2] - values[0], values[3] - values[1]) / _EDGE_PARTS or 1)
    found: shapely.Geometry = systems.read(box, uri).item()
    lon_lat = shapely.get_coordinates(found)
    if not np.isfinite(lon_lat).all() or (abs(lon_lat) > (180, 90)).any():
        raise bad(
            "bbox",
            "bbox_outside_world",
            "bbox nằm ngoài vùng của bbox-crs; kiểm tra thứ tự trục (EPSG:4326 là vĩ độ trước)",
            "bbox lies outside the area of bbox-crs; look at the order of its axes (EPSG:4326 takes latitude first)",
        )
    return found


def no_interval() -> BadRequest:
    """Return the 400 for an interval where a single day is wanted."""
    return bad("datetime", "datetime_interval", "Ô bản đồ cần một ngày, không phải khoảng thời gian",
               "A tile takes one day, not an interval")  # fmt: skip
