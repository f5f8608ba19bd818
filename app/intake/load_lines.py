"""Loads poles, ducts with their manholes and trenches, cables and distribution points."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Integer, Text, cast, func, null, select, type_coerce, union_all
from sqlalchemy.dialects.postgresql import distinct_on

from app.database import Base
from app.intake import checks, lists, references
from app.intake.job import Job, Loader
from app.intake.registry import Staged, add, add_unless_there, life, match, renew, table_of
from app.lines.models import Cable, DistributionPoint, Duct, DuctOccupancy, Manhole, Pole, PoleOccupancy, Trench

_OCCUPANT = {"tenant_id": BigInteger(), "service": Text(), "line_count": Integer()}


def prepare_poles(job: Job) -> None:
    """Occupants."""
    job.read_list("occupants", lists.occupants(references.organisations(job.session, job.as_of)))


def _match_code(model: type[Base]) -> Any:
    def match_code(job: Job, staged: Staged) -> None:
        match(staged, model, {"code": staged.c.code})

    return match_code


def _write(model: type[Base]) -> Any:
    def write(job: Job, staged: Staged) -> tuple[int, int]:
        updated = renew(staged, model) if job.update else 0
        return add(staged, model), updated

    return write


def write_poles(job: Job, staged: Staged) -> tuple[int, int]:
    """Poles and the lines on them; on update, lines that are there stay."""
    updated = renew(staged, Pole) if job.update else 0
    loaded = add(staged, Pole)
    occupants = job.stage_entries("occupants", _OCCUPANT)
    if occupants is not None:
        match(staged, Pole, {"code": staged.c.code})
        o = occupants.c
        lines = {"pole_id": staged.c.existing_id, "tenant_id": o.tenant_id, "service": o.service,
                 "line_count": o.line_count} | life(staged)  # fmt: skip
        source = staged.rows.join(occupants, staged.c.i == o.i)
        add_unless_there(staged, PoleOccupancy, lines, source, ("pole_id", "tenant_id", "service"))
    return loaded, updated


def prepare_ducts(job: Job) -> None:
    """Occupants, lengths, ends."""
    job.read_list("occupants", lists.occupants(references.organisations(job.session, job.as_of)))
    if job.position is not None and job.position.geometry is not None:
        checks.ducts(job.values, job.position.geometry, job.sheet.label("declared_length_m"), job.findings)


def write_ducts(job: Job, staged: Staged) -> tuple[int, int]:
    """Ducts; manholes and trenches they name that are not there; who is in them."""
    given = life(staged)
    _manholes(job, staged, given)
    if "trench" in staged.names:
        trench = {"code": staged.c.trench, "street": _or_null(staged, "street")} | given
        _first_of_each(
            staged, Trench, [select(*(v.label(k) for k, v in trench.items())).where(staged.c.trench.is_not(None))]
        )
        match(staged, Trench, {"code": staged.c.trench}, into="trench_id")
    updated = renew(staged, Duct) if job.update else 0
    loaded = add(staged, Duct)
    occupants = job.stage_entries("occupants", {**_OCCUPANT})
    if occupants is not None:
        match(staged, Duct, {"code": staged.c.code})
        o = occupants.c
        inside = {"duct_id": staged.c.existing_id, "tenant_id": o.tenant_id, "service": o.service} | given
        source = staged.rows.join(occupants, staged.c.i == o.i)
        add_unless_there(staged, DuctOccupancy, inside, source, ("duct_id", "tenant_id", "service"))
    return loaded, updated


def _or_null(staged: Staged, name: str) -> Any:
    return staged.c[name] if name in staged.names else cast(null(), Text)


def _manholes(job: Job, staged: Staged, given: dict[str, Any]) -> None:
    line = func.ST_GeomFromEWKB(func.decode(staged.c.shape, "hex"))
    owner = staged.c.owner_id if "owner_id" in staged.names else cast(null(), BigInteger)
    ends = []
    for name, end in (("from_manhole", func.ST_StartPoint(line)), ("to_manhole", func.ST_EndPoint(line))):
        if name in staged.names:
            manhole = {"code": staged.c[name], "owner_id": owner,
                       "geom": type_coerce(end, table_of(Manhole).c.geom.type)} | given  # fmt: skip
            ends.append(select(*(v.label(k) for k, v in manhole.items())).where(staged.c[name].is_not(None)))
    if not ends:
        return
    _first_of_each(staged, Manhole, ends)
    for name in ("from_manhole", "to_manhole"):
        if name in staged.names:
            match(staged, Manhole, {"code": staged.c[name]}, into=f"{name}_id")


def _first_of_each(staged: Staged, model: type[Base], selects: list[Any]) -> None:
    """Insert one row of `model` per code that is not there: in force as long as any of the rows that name it."""
    named = union_all(*selects).subquery()
    first = (
        select(named)
        .ext(distinct_on(named.c.code))
        .order_by(named.c.code, named.c.valid_from.asc().nulls_first())
        .subquery()
    )
    values = {c.name: c for c in first.c} | {"valid_to": cast(null(), first.c.valid_to.type)}
    add_unless_there(staged, model, values, first, ("code",))


def prepare_ports(job: Job) -> None:
    """Ports used against ports there are."""
    checks.ports(job.values, job.findings)


def prepare_nothing(job: Job) -> None:
    """Do nothing: the shared columns are all there is."""


_DUCT = {name: BigInteger() for name in ("from_manhole_id", "to_manhole_id", "trench_id")}
LOADERS = {
    "poles": Loader(prepare_poles, _match_code(Pole), write_poles),
    "ducts": Loader(
        prepare_ducts, _match_code(Duct), write_ducts,
        {**_DUCT, "from_manhole": Text(), "to_manhole": Text(), "trench": Text()},
    ),
    "cables": Loader(prepare_nothing, _match_code(Cable), _write(Cable)),
    "distribution_points": Loader(prepare_ports, _match_code(DistributionPoint), _write(DistributionPoint)),
}  # fmt: skip
