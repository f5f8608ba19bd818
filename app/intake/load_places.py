"""Loads organisations and facilities."""

from __future__ import annotations

from sqlalchemy import BigInteger, Double, Text, func, select, update

from app.areas.models import Unit, UnitPart
from app.facilities.models import Facility, FacilityConnection
from app.intake import checks, lists, references
from app.intake.job import Job, Loader
from app.intake.registry import Staged, add, add_unless_there, life, match, renew, table_of
from app.organisations.models import Organisation


def prepare_organisations(job: Job) -> None:
    """Radio only for operators."""
    checks.radio(job.values, job.findings)


def match_organisations(job: Job, staged: Staged) -> None:
    """Match by code."""
    match(staged, Organisation, {"code": staged.c.code})


def write_organisations(job: Job, staged: Staged) -> tuple[int, int]:
    """Organisations."""
    updated = renew(staged, Organisation)
    return add(staged, Organisation), updated


def prepare_facilities(job: Job) -> None:
    """Read the connections."""
    job.read_list("connections", lists.connections(references.organisations(job.session, job.as_of)))


def match_facilities(job: Job, staged: Staged) -> None:
    """Match by code; the commune is the one the facility stands in."""
    match(staged, Facility, {"code": staged.c.code})
    unit, part = table_of(Unit), table_of(UnitPart)
    found = (
        select(unit.c.id)
        .join(part, part.c.unit_id == unit.c.id)
        .where(
            unit.c.level == "commune",
            func.ST_Intersects(part.c.geom, func.ST_Point(staged.c.lon, staged.c.lat, 4326)),
            func.registry.in_force(unit.c.valid_from, unit.c.valid_to, job.as_of),
        )
        .limit(1)
        .scalar_subquery()
    )
    job.session.execute(update(staged.rows).values(unit_id=found).where(staged.c.lon.is_not(None)))


def write_facilities(job: Job, staged: Staged) -> tuple[int, int]:
    """Facilities and their lines; on update, lines of the file that are not there yet are added."""
    updated = renew(staged, Facility)
    loaded = add(staged, Facility)
    lines = job.stage_entries(
        "connections", {"operator_id": BigInteger(), "service": Text(), "bandwidth_mbps": Double()}
    )
    if lines is not None:
        match(staged, Facility, {"code": staged.c.code})
        values = {"facility_id": staged.c.existing_id, "operator_id": lines.c.operator_id, "service": lines.c.service,
                  "bandwidth_mbps": lines.c.bandwidth_mbps} | life(staged)  # fmt: skip
        source = staged.rows.join(lines, staged.c.i == lines.c.i)
        key = ("facility_id", "operator_id", "service", "bandwidth_mbps")
        add_unless_there(staged, FacilityConnection, values, source, key)
    return loaded, updated


LOADERS = {
    "organisations": Loader(prepare_organisations, match_organisations, write_organisations),
    "facilities": Loader(prepare_facilities, match_facilities, write_facilities, {"unit_id": BigInteger()}),
}
