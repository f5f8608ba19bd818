"""Loads units, villages and their demand points."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import shapely
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    cast,
    exists,
    func,
    insert,
    literal,
    null,
    select,
    type_coerce,
    update,
)

from app.areas.models import WHOLE_VILLAGE, DemandPoint, Unit, UnitPart, Village, VillageUnit
from app.intake import parsing, references
from app.intake.job import Job, Loader
from app.intake.registry import Staged, add, match, overlaps, renew, table_of
from app.kit.table import Notice, Values, objects

REFORM = "2025-07-01"
"""Units in force now came with the reform of this day; files of units that give no date mean these."""
_KINDS = ("đặc khu", "thành phố", "thị trấn", "thị xã", "phường", "quận", "huyện", "tỉnh", "xã")
_LEVELS = {(2, k): "province" for k in ("tỉnh", "thành phố")} | {
    (3, k): "district" for k in ("quận", "huyện", "thị xã", "thành phố")
}
"""Digits of the GSO code and kind → level; communes have five digits."""
_PREFIX = re.compile(rf"^({'|'.join(_KINDS)})\s+(?=\S)", re.IGNORECASE)


def split_kind(name: str | None) -> tuple[str | None, str | None]:
    """Return ("phường", "Phú Xuân") of "Phường Phú Xuân"; kind None when the name does not say.

    A name that is only a number keeps its kind in front ("Phường 5").
    """
    found = _PREFIX.match(name or "")
    if name is None or found is None:
        return None, name
    rest = name[found.end() :]
    return found[1].lower(), name if rest.isdigit() else rest


def prepare_areas(job: Job) -> None:
    """Level, validity, kind and parent."""
    columns = job.columns
    n = len(job)
    full = columns.pop("full_name", None)
    start = job.get("valid_from")
    missing = np.array([v is None for v in start], bool)
    if missing.any():
        columns["valid_from"] = objects([REFORM if v is None else v for v in start])
        columns["valid_from"] = parsing.column("valid_from", columns["valid_from"], parsing.date, job.findings)
        job.notices.append(
            Notice("valid_from_assumed", f"{missing.sum()} đơn vị không ghi ngày: lấy {REFORM}",
                   f"{missing.sum()} units give no date: taken as {REFORM}")
        )  # fmt: skip
    if "name" in columns:
        split = [split_kind(v) for v in columns["name"]]
        kinds = [split_kind(v)[0] for v in full] if full is not None else [None] * n
        given = job.get("kind")
        columns["kind"] = objects([g or k or s[0] for g, k, s in zip(given, kinds, split, strict=True)])
        columns["name"] = objects([s[1] for s in split])
    _levels(job)
    if "parent" in columns:
        columns["parent_id"] = _parents(job, columns.pop("parent"))


def _parents(job: Job, codes: Values) -> Values:
    """Return the ids of the parents: of each code the unit in force on the day its child begins."""
    known, label = references.units(job.session), job.sheet.label("parent")
    found = np.full(len(job), None, object)
    begins = job.columns["valid_from"]
    for day in sorted({d for d in begins if d is not None}):
        then = begins == day
        cells = objects([code if here else None for code, here in zip(codes, then, strict=True)])
        found[then] = parsing.column("parent", cells, known.parents(day), job.findings, label=label)[then]
    return found


def _levels(job: Job) -> None:
    """Take the level of units that give none from GSO code and kind, which must agree; else commune. Say so."""
    given, kinds = job.get("level"), job.columns.get("kind", [None] * len(job))
    codes = job.columns.get("code", [None] * len(job))
    guessed = [_LEVELS.get((len(c or ""), k), "commune") for c, k in zip(codes, kinds, strict=True)]
    job.columns["level"] = objects([g or guess for g, guess in zip(given, guessed, strict=True)])
    open_ = [guess for g, guess in zip(given, guessed, strict=True) if g is None]
    if open_:
        counted = ", ".join(f"{level}: {open_.count(level)}" for level in dict.fromkeys(open_))
        job.notices.append(
            Notice(
                "level_assumed", f"Tệp không ghi cấp đơn vị, hiểu là {counted}", f"No level given, taken as {counted}"
            )
        )


def write_areas(job: Job, staged: Staged) -> tuple[int, int]:
    """Units of the same level, code and first day are updated, the others new; a code's former bearer ends."""
    unit = table_of(Unit)
    job.session.execute(update(unit).values(valid_to=staged.c.valid_from).where(unit.c.id == staged.c.ends_id))
    place = func.ST_Point(staged.c.lon, staged.c.lat, 4326)
    given: dict[str, Any] = {"centre": type_coerce(place, unit.c.centre.type), "geom": cast(null(), unit.c.geom.type)}
    if "shape" in staged.names:
        del given["geom"]
        given["centre"] = type_coerce(func.coalesce(_on_surface(staged), place), unit.c.centre.type)
    updated = renew(staged, Unit, given)
    return add(staged, Unit, given), updated


def match_areas(job: Job, staged: Staged) -> None:
    """Match units by level and code; one that is in force on the same days but began otherwise is a finding.

    With --update a unit still in force that began earlier ends on the day the one of the file begins: the code has
    got another meaning.
    """
    key = {"level": staged.c.level, "code": staged.c.code}
    match(staged, Unit, key)
    unit = table_of(Unit)
    itself = (*(unit.c[k] == v for k, v in key.items()), unit.c.valid_from == staged.c.valid_from)
    job.session.execute(update(staged.rows).values(existing_id=unit.c.id).where(*itself))
    if job.update:
        earlier = (unit.c.valid_from < staged.c.valid_from, unit.c.valid_to.is_(None))
        job.session.execute(
            update(staged.rows)
            .values(ends_id=unit.c.id, existing_id=None)
            .where(unit.c.id == staged.c.existing_id, *earlier)
        )
        ended = job.session.execute(
            select(staged.c.i, unit.c.name, staged.c.valid_from)
            .join(unit, unit.c.id == staged.c.ends_id)
            .order_by(staged.c.i)
        ).all()
        where = np.array([row.i for row in ended], np.int64)
        hints = [f"{row.name}, {row.valid_from}" for row in ended]
        job.findings.add("ends_earlier", job.sheet.label("code"), where, job.columns["code"], hints)
    other = (
        select(staged.c.i).join(unit, unit.c.id == staged.c.existing_id).where(unit.c.valid_from != staged.c.valid_from)
    )
    clashing = np.array(job.session.scalars(other).all(), np.int64)
    job.findings.add("duplicate_in_registry", job.sheet.label("code"), clashing, job.columns["code"])


def _on_surface(staged: Staged) -> ColumnElement[Any]:
    return func.ST_PointOnSurface(func.ST_GeomFromEWKB(func.decode(staged.c.shape, "hex")))


def prepare_villages(job: Job) -> None:
    """Point of polygons, urban from the kind, the commune named."""
    columns, position = job.columns, job.position
    if position is not None and position.geometry is not None:
        points = shapely.point_on_surface(position.geometry)
        lon, lat = shapely.get_x(points), shapely.get_y(points)
        if {"lon", "lat"} <= job.sheet.cells.keys():
            given = [
                parsing.numbers(n, job.sheet.cells[n], job.findings, label=job.sheet.label(n)) for n in ("lon", "lat")
            ]
            lon, lat = (np.where(np.isnan(g), p, g) for g, p in zip(given, (lon, lat), strict=True))
        columns |= {"lon": lon, "lat": lat}
    if "commune" in job.sheet.cells:
        known = references.communes(job.session, job.as_of)
        label = job.sheet.label("commune")
        columns["commune_id"] = parsing.column(
            "commune", job.sheet.cells["commune"], known.find, job.findings, label=label
        )
    else:
        columns["commune_id"] = np.full(len(job), None, object)


def match_villages(job: Job, staged: Staged) -> None:
    """Match by code; villages that name no commune get the one they lie in."""
    match(staged, Village, {"code": staged.c.code})
    unit, part = table_of(Unit), table_of(UnitPart)
    point = func.ST_Point(staged.c.lon, staged.c.lat, 4326)
    found = (
        select(unit.c.id)
        .join(part, part.c.unit_id == unit.c.id)
        .where(
            unit.c.level == "commune",
            func.ST_Intersects(part.c.geom, point),
            func.registry.in_force(unit.c.valid_from, unit.c.valid_to, job.as_of),
        )
        .limit(1)
        .scalar_subquery()
    )
    nameless = staged.c.commune_id.is_(None) & staged.c.lon.is_not(None)
    job.session.execute(update(staged.rows).values(commune_id=found).where(nameless))
    lost = job.session.scalars(select(staged.c.i).where(staged.c.commune_id.is_(None) & staged.c.lon.is_not(None)))
    job.findings.add("no_commune", job.sheet.label("commune"), np.array(lost.all(), np.int64), job.columns.get("code"))


def write_villages(job: Job, staged: Staged) -> tuple[int, int]:
    """Villages, their commune from–to, and one demand point for those that have none."""
    updated = renew(staged, Village)
    loaded = add(staged, Village)
    match(staged, Village, {"code": staged.c.code})
    village, belongs, unit, demand = map(table_of, (Village, VillageUnit, Unit, DemandPoint))
    job.session.execute(
        update(belongs)
        .values(unit_id=staged.c.commune_id)
        .where(
            belongs.c.village_id == staged.c.existing_id,
            belongs.c.unit_id != staged.c.commune_id,
            overlaps(belongs.c, staged.c, staged.names),
        )
    )
    # Membership can be no older than the commune itself.
    start = func.greatest(village.c.valid_from, unit.c.valid_from)
    end = func.least(village.c.valid_to, unit.c.valid_to)
    rows = (
        select(village.c.id, unit.c.id, start, end)
        .select_from(staged.rows)
        .join(village, village.c.id == staged.c.existing_id)
        .join(unit, unit.c.id == staged.c.commune_id)
        .where(~exists(select(literal(1)).where(belongs.c.village_id == village.c.id)))
    )
    job.session.execute(insert(belongs).from_select(["village_id", "unit_id", "valid_from", "valid_to"], rows, False))
    default = (
        select(village.c.id, village.c.point, func.coalesce(village.c.population, 0),
               func.coalesce(village.c.households, 0), village.c.source.op("||")(WHOLE_VILLAGE), village.c.synthetic)
        .select_from(staged.rows)
        .join(village, village.c.id == staged.c.existing_id)
        .where(~exists(select(literal(1)).where(demand.c.village_id == village.c.id)))
    )  # fmt: skip
    names = ["village_id", "point", "population", "dwellings", "source", "synthetic"]
    job.session.execute(insert(demand).from_select(names, default, False))
    job.session.execute(
        update(demand)
        .values(
            point=village.c.point,
            population=func.coalesce(village.c.population, 0),
            dwellings=func.coalesce(village.c.households, 0),
        )
        .where(
            demand.c.village_id == village.c.id,
            village.c.id == staged.c.existing_id,
            demand.c.source.endswith(WHOLE_VILLAGE),
        )
    )
    return loaded, updated


def prepare_demand_points(job: Job) -> None:
    """Village ids."""
    known = references.villages(job.session, job.as_of)
    if "village" in job.values:
        cells = job.columns.pop("village")
        label = job.sheet.label("village")
        job.columns["village_id"] = parsing.column("village", cells, known.find, job.findings, label=label)


def match_demand_points(job: Job, staged: Staged) -> None:
    """Pair each row with a point its village has; without --update only the village's default point may be taken."""
    demand = table_of(DemandPoint)
    order = func.row_number().over(partition_by=staged.c.village_id, order_by=staged.c.i)
    mine = select(staged.c.i, staged.c.village_id, order.label("k")).subquery()
    rank = func.row_number().over(partition_by=demand.c.village_id, order_by=demand.c.id)
    theirs = select(demand.c.id, demand.c.village_id, rank.label("k"), demand.c.source).subquery()
    pairs = mine.join(theirs, (mine.c.village_id == theirs.c.village_id) & (mine.c.k == theirs.c.k))
    paired = select(mine.c.i, theirs.c.id, theirs.c.source).select_from(pairs).subquery()
    job.session.execute(update(staged.rows).values(existing_id=paired.c.id).where(staged.c.i == paired.c.i))
    if not job.update:
        taken = select(paired.c.i).where(~paired.c.source.endswith(WHOLE_VILLAGE))
        where = np.array(job.session.scalars(taken).all(), np.int64)
        job.findings.add("duplicate_in_registry", job.sheet.label("village"), where, job.values.get("village"))


def write_demand_points(job: Job, staged: Staged) -> tuple[int, int]:
    """Put the file's points in the place of the village's; points left over keep no people."""
    demand = table_of(DemandPoint)
    updated = renew(staged, DemandPoint)
    villages = select(staged.c.village_id)
    kept = select(staged.c.existing_id).where(staged.c.existing_id.is_not(None))
    job.session.execute(
        update(demand)
        .values(population=0, dwellings=0)
        .where(demand.c.village_id.in_(villages), demand.c.id.not_in(kept))
    )
    return add(staged, DemandPoint), updated


LOADERS = {
    "areas": Loader(prepare_areas, match_areas, write_areas, {"ends_id": BigInteger()}),
    "villages": Loader(prepare_villages, match_villages, write_villages, {"commune_id": BigInteger()}),
    "demand_points": Loader(prepare_demand_points, match_demand_points, write_demand_points),
}
