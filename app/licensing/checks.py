"""What is refused of a proposal before anybody looks around it."""

from __future__ import annotations

import datetime as dt
import difflib
import math
from collections.abc import Iterable, Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.organisations.models import Organisation
from app.sites.models import TECHNOLOGIES


def check_point(lon: float, lat: float) -> None:
    """Refuse what cannot be degrees of longitude and latitude.

    Raises
    ------
    Invalid
        `not_finite`, `swapped_axes` or `outside_world`.
    """
    for field, value in (("lon", lon), ("lat", lat)):
        if not math.isfinite(value):
            raise _not_finite(field)
    # Longitudes of Viet Nam are no latitudes at all, so a swap shows itself.
    if 102 <= lat <= 118 and 7 <= lon <= 24:
        raise Invalid(
            "swapped_axes",
            f"Kinh độ và vĩ độ bị đảo: lon={lon}, lat={lat}",
            f"Longitude and latitude are swapped: lon={lon}, lat={lat}",
            field="lon",
        )
    for field, value, most in (("lon", lon, 180.0), ("lat", lat, 90.0)):
        if abs(value) > most:
            raise Invalid(
                "outside_world",
                f"{field}={value} không phải toạ độ theo độ (WGS84); toạ độ mét phải được chuyển trước",
                f"{field}={value} is not in degrees (WGS84); coordinates in metres have to be transformed first",
                field=field,
            )


def check_between(field: str, value: float, most: float) -> None:
    """Refuse a length in metres that is not above 0 and at most `most`.

    Raises
    ------
    Invalid
        `not_finite` or `out_of_range`, at `field`.
    """
    if not math.isfinite(value):
        raise _not_finite(field)
    if not 0 < value <= most:
        raise Invalid(
            "out_of_range",
            f"{field} phải lớn hơn 0 và không quá {most:g} m, nhận được {value:g}",
            f"{field} has to be above 0 and at most {most:g} m, not {value:g}",
            field=field,
        )


def _not_finite(field: str) -> Invalid:
    return Invalid("not_finite", f"{field} không phải là số hữu hạn", f"{field} is not a finite number", field=field)


def outside_province(lon: float, lat: float, tolerance_m: float) -> Invalid:
    """Return the refusal of a point in no commune."""
    return Invalid(
        "outside_province",
        f"Điểm ({lon}, {lat}) nằm ngoài tỉnh: không xã, phường nào chứa nó hoặc cách nó dưới {tolerance_m:g} m",
        f"The point ({lon}, {lat}) is outside the province: no commune holds it or lies within {tolerance_m:g} m",
        field="lon",
        fields=["lon", "lat"],
    )


def organisation_code(session: Session, wanted: str, as_of: dt.date, *, radio: bool) -> str:
    """Return the code of an organisation in force, whatever its case.

    Parameters
    ----------
    radio : bool
        Only those that run a radio network.

    Raises
    ------
    Invalid
        `unknown_operator`, with codes alike, or `operator_without_radio`.
    """
    rows = session.execute(
        select(Organisation.code, Organisation.has_radio).where(
            func.registry.in_force(Organisation.valid_from, Organisation.valid_to, as_of)
        )
    )
    return organisation_among({row[0]: row[1] for row in rows}, wanted, radio=radio)


def organisation_among(known: Mapping[str, bool], wanted: str, *, radio: bool) -> str:
    """Return the code of an organisation, as `organisation_code`, among those `known` with whether they run a radio."""
    code = wanted.strip().upper()
    if code not in known:
        networks = sorted(c for c, has in known.items() if has)
        near = difflib.get_close_matches(code[:60], networks, n=3, cutoff=0.4) or networks
        raise Invalid(
            "unknown_operator",
            f"Không có doanh nghiệp {wanted[:40]!r}; có thể là: {', '.join(near)}",
            f"There is no operator {wanted[:40]!r}; perhaps: {', '.join(near)}",
            field="operator",
            suggestions=near,
        )
    if radio and not known[code]:
        raise Invalid(
            "operator_without_radio",
            f"{code} không có mạng vô tuyến nên không xin đặt trạm BTS",
            f"{code} runs no radio network, so it cannot ask for a BTS position",
            field="operator",
        )
    return code


def technologies_of(wanted: Iterable[str]) -> tuple[str, ...]:
    """Return technologies in upper case, each once.

    Raises
    ------
    Invalid
        `unknown_technology`.
    """
    asked = tuple(dict.fromkeys(t.strip().upper() for t in wanted))
    for technology in asked:
        if technology not in TECHNOLOGIES:
            raise Invalid(
                "unknown_technology",
                f"Không có công nghệ {technology!r}; chọn trong {', '.join(TECHNOLOGIES)}",
                f"There is no technology {technology!r}; choose from {', '.join(TECHNOLOGIES)}",
                field="technologies",
            )
    return asked
