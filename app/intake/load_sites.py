"""Loads sites: one row makes the site, its structure, base stations, cells and who is on the mast."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy import BigInteger, Double, Text, cast, func, literal, null, select, union_all

from app.intake import lists, references
from app.intake.job import Job, Loader
from app.intake.registry import Staged, add, add_unless_there, life, match, renew, table_of
from app.kit.table import objects
from app.policy import queries as policy
from app.sites.antenna_code import Limits, derive_antenna_codes
from app.sites.models import BaseStation, Cell, Site, Structure, StructureOccupancy

_OFFERS = (1, 3, 5, 7)
"""Sharing codes of the operators' sheet in which the owner lets house or mast (domain notes, section 4)."""
_CELL = ("tilt_deg", "eirp_dbm", "frequency_mhz", "antenna_height_m")


def prepare(job: Job) -> None:
    """Stations, azimuths, tenants, the sharing code, and the declared type against the measured attributes."""
    known = references.organisations(job.session, job.as_of)
    job.read_list("stations", lists.stations(known))
    job.read_list("tenants", lists.tenants(known))
    job.read_list("azimuths_deg", lists.azimuths)
    sharing = job.columns.pop("sharing_code", None)
    tenants = job.entries.get("tenants", np.full(len(job), None, object))
    if sharing is not None:
        if "sharing_offered" not in job.columns:
            offered = np.isin(sharing, _OFFERS)
            job.columns["sharing_offered"] = objects(
                [None if np.isnan(c) else bool(o) for c, o in zip(sharing, offered, strict=True)]
            )
        alone = np.array([not t for t in tenants], bool) & (sharing > 0)
        job.findings.add(
            "partner_unknown", job.sheet.label("sharing_code"), alone, objects([f"{c:g}" for c in sharing])
        )
    _capacity(job, tenants)
    _declared_type(job)


def _capacity(job: Job, tenants: Any) -> None:
    stations = job.entries.get("stations", np.full(len(job), None, object))
    on_mast = [len({s.operator_id for s in a or ()} | set(b or ())) for a, b in zip(stations, tenants, strict=True)]
    capacity = job.get("tenant_capacity")
    over = np.array(on_mast) > capacity
    hints = [f"{on_mast[i]} > {capacity[i]:g}" for i in np.flatnonzero(over)]
    job.findings.add("tenants_exceed_capacity", job.sheet.label("tenant_capacity"), over, capacity, hints)


def _declared_type(job: Job) -> None:
    declared = job.columns.get("type_code")
    if declared is None:
        return
    limits = Limits(**_limits(policy.parameter(job.session, "antenna_code", "non_bulky", job.as_of).value))
    derived = derive_antenna_codes(
        job.get("mounting"), job.get("height_m"), job.get("host_height_m"), job.get("half_width_m"),
        job.get("disguised"), limits,
    )  # fmt: skip
    wrong = np.flatnonzero(derived.contradicted(declared))
    hints = [" | ".join(derived.explain(int(i))) for i in wrong]
    job.findings.add("type_contradicts", job.sheet.label("type_code"), wrong, declared, hints)


def _limits(value: dict[str, Any]) -> dict[str, float]:
    return {k: float(value[k]) for k in ("max_height_m", "max_height_share", "max_half_width_m")}


def match_sites(job: Job, staged: Staged) -> None:
    """Match by code."""
    match(staged, Site, {"code": staged.c.code})


def write(job: Job, staged: Staged) -> tuple[int, int]:
    """Write site, structure, base stations, cells, occupancies; on update nothing that is there is ended."""
    updated = renew(staged, Site)
    loaded = add(staged, Site)
    match(staged, Site, {"code": staged.c.code})
    _structures(staged)
    given = life(staged)
    stations = job.stage_entries(
        "stations", {"operator_id": BigInteger(), "operator_code": Text(), "technology": Text()}
    )
    tenants = job.stage_entries("tenants", {"tenant_id": BigInteger()})
    users = []
    if stations is not None:
        s = stations.c
        source = staged.rows.join(stations, staged.c.i == s.i)
        code = func.concat_ws("-", staged.c.code, s.operator_code, s.technology)
        bts = {"site_id": staged.c.existing_id, "structure_id": staged.c.structure_id, "code": code,
               "operator_id": s.operator_id, "technology": s.technology} | given  # fmt: skip
        add_unless_there(staged, BaseStation, bts, source, ("code",))
        _cells(job, staged, source, code, given)
        users.append(select(s.i, s.operator_id.label("tenant_id")))
    if tenants is not None:
        users.append(select(tenants.c.i, tenants.c.tenant_id))
    if users:
        user = union_all(*users).subquery()
        occupancy = {"structure_id": staged.c.structure_id, "tenant_id": user.c.tenant_id, "component": literal("mast")}
        source = staged.rows.join(user, staged.c.i == user.c.i)
        add_unless_there(
            staged, StructureOccupancy, occupancy | given, source, ("structure_id", "tenant_id", "component")
        )
    return loaded, updated


def _structures(staged: Staged) -> None:
    """Update the structures that are there, add the others; leave every row its structure_id."""
    code = func.concat(staged.c.code, "-S")
    given = {"code": code, "site_id": staged.c.existing_id}
    match(staged, Structure, {"code": code}, into="structure_id")
    renew(staged, Structure, given, into="structure_id")
    add(staged, Structure, given, where=staged.c.structure_id.is_(None))
    match(staged, Structure, {"code": code}, into="structure_id")


def _cells(job: Job, staged: Staged, source: Any, code: Any, given: dict[str, Any]) -> None:
    station = table_of(BaseStation)
    azimuths = job.stage_entries("azimuths_deg", {"azimuth_deg": Double()})
    source = source.join(
        station,
        (station.c.code == code) & station.c.valid_from.is_not_distinct_from(given["valid_from"])
        & station.c.valid_to.is_not_distinct_from(given["valid_to"]),
    )  # fmt: skip
    azimuth: Any = cast(null(), Double)
    number: Any = literal(1)
    if azimuths is not None:
        order = func.row_number().over(partition_by=azimuths.c.i, order_by=azimuths.c.azimuth_deg)
        numbered = select(azimuths.c.i, azimuths.c.azimuth_deg, order.label("k")).subquery()
        source = source.outerjoin(numbered, numbered.c.i == staged.c.i)
        azimuth, number = numbered.c.azimuth_deg, func.coalesce(numbered.c.k, 1)
    cell = {
        "base_station_id": station.c.id,
        "code": func.concat_ws("-", station.c.code, number),
        "azimuth_deg": azimuth,
    }
    attributes = {name: staged.c[name] for name in _CELL if name in staged.names}
    # Only an omnidirectional cell has no azimuth; one with an azimuth takes the beamwidth of its technology.
    add_unless_there(staged, Cell, cell | attributes | given, source, ("code",))


LOADERS = {
    "sites": Loader(prepare, match_sites, write, {"structure_id": BigInteger(), **{name: Double() for name in _CELL}})
}
