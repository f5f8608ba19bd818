"""Cells that hold a list: stations, tenants, occupants, azimuths, connections. One cell → tuple of entries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.intake.parsing import Bad, number, text
from app.intake.references import Organisations
from app.lines.models import SERVICES
from app.sites.models import TECHNOLOGIES

CONNECTIONS = ("state_network", "fibre", "mobile", "iot")


class Station(NamedTuple):
    """An operator's base station of one technology."""

    operator_id: int
    operator_code: str
    technology: str


class Occupant(NamedTuple):
    """A line on a pole or in a duct; tenant None is a cable nobody has claimed."""

    tenant_id: int | None
    service: str
    lines: int


class Connection(NamedTuple):
    """A line to a facility."""

    operator_id: int | None
    service: str
    bandwidth_mbps: float | None


def _parts(value: Any) -> list[str]:
    return [p.strip() for p in re.split(r"[;\n]", text(value)) if p.strip()]


def stations(known: Organisations) -> Callable[[Any], tuple[Station, ...]]:
    """Return the parser of "VIETTEL:2G+3G+4G;VNPT:4G"."""

    def parse(value: Any) -> tuple[Station, ...]:
        entries: dict[Station, None] = {}
        for part in _parts(value):
            name, _, list_of = part.partition(":")
            operator = known.find(name)
            if operator not in known.radio:
                raise Bad("no_radio", name.strip())
            technologies = [t.strip().upper() for t in re.split(r"[+,/]", list_of) if t.strip()]
            wrong = [t for t in technologies if t not in TECHNOLOGIES]
            if wrong or not technologies:
                raise Bad("bad_list", f"{part!r} → VIETTEL:2G+3G+4G;VNPT:4G")
            entries |= dict.fromkeys(Station(operator, known.labels[operator], t) for t in technologies)
        return tuple(entries)

    return parse


def tenants(known: Organisations) -> Callable[[Any], tuple[int, ...]]:
    """Return the parser of "MOBIFONE;FPT"."""
    return lambda value: tuple(
        dict.fromkeys(known.find(part) for part in re.split("[;,+]", text(value)) if part.strip())
    )


def occupants(known: Organisations) -> Callable[[Any], tuple[Occupant, ...]]:
    """Return the parser of "EVN:power;VIETTEL;VNPT;?"; "?" is a cable nobody has claimed."""

    def parse(value: Any) -> tuple[Occupant, ...]:
        entries: Counter[tuple[int | None, str]] = Counter()
        for part in _parts(value):
            name, colon, service = (p.strip() for p in part.partition(":"))
            tenant = None if name == "?" else known.find(name)
            default = "telecom" if tenant is None else known.service(tenant)
            service = service.lower() if colon else default
            if service not in SERVICES:
                raise Bad("bad_list", f"{part!r}: {', '.join(SERVICES)}")
            entries[tenant, service] += 1
        return tuple(Occupant(tenant, service, n) for (tenant, service), n in entries.items())

    return parse


def azimuths(value: Any) -> tuple[float, ...]:
    """Parse "0;120;240" (degrees clockwise from north; 360 is 0)."""
    entries = []
    for part in re.split(r"[;/|\s]+", text(value)):
        if part:
            degrees = number(part, comma_is_decimal=True)
            if not 0 <= degrees <= 360:
                raise Bad("out_of_range", "0…360")
            entries.append(degrees % 360)
    return tuple(dict.fromkeys(entries))


def connections(known: Organisations) -> Callable[[Any], tuple[Connection, ...]]:
    """Return the parser of "VNPT:state_network:100" (operator, service, Mb/s; both ends may be blank)."""

    def parse(value: Any) -> tuple[Connection, ...]:
        entries = []
        for part in _parts(value):
            fields = [f.strip() for f in part.split(":")]
            if not 2 <= len(fields) <= 3 or fields[1].lower() not in CONNECTIONS:
                raise Bad("bad_list", f"{part!r} → VNPT:state_network:100 ({', '.join(CONNECTIONS)})")
            speed = number(fields[2], comma_is_decimal=True) if len(fields) == 3 and fields[2] else None
            if speed is not None and speed <= 0:
                raise Bad("out_of_range", "> 0 Mb/s")
            operator = known.find(fields[0]) if fields[0] not in {"", "?"} else None
            entries.append(Connection(operator, fields[1].lower(), speed))
        return tuple(dict.fromkeys(entries))

    return parse


def unnest(cells: Sequence[Any] | NDArray[Any]) -> tuple[NDArray[np.int64], list[Any]]:
    """Return row index and entry of every entry of every cell; None cells have none."""
    sizes = np.fromiter((0 if c is None else len(c) for c in cells), np.int64, len(cells))
    return np.repeat(np.arange(len(cells)), sizes), [entry for c in cells if c is not None for entry in c]
