"""One load under way, and the columns every layer shares."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Integer, TableClause
from sqlalchemy.orm import Session

from app.intake import lists, parsing, references
from app.intake.columns import Sheet
from app.intake.findings import Findings
from app.intake.layers import Layer
from app.intake.position import Position
from app.intake.registry import Staged
from app.kit.bulk import stage_columns
from app.kit.table import Notice, Table, objects
from app.kit.text import fold


@dataclass
class Job:
    """What is known of one file while it is loaded.

    Attributes
    ----------
    columns : dict of str to ndarray, shape (n,)
        What will be staged.
    entries : dict of str to ndarray of object, shape (n,)
        Parsed list cells.
    """

    session: Session
    layer: Layer
    table: Table
    sheet: Sheet
    values: dict[str, NDArray[Any]]
    position: Position | None
    findings: Findings
    as_of: dt.date
    update: bool
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)
    entries: dict[str, NDArray[Any]] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.table)

    def get(self, name: str) -> NDArray[Any]:
        """Return a parsed column, all unknown when the file has none."""
        column = self.layer.column(name)
        blank: Any = np.nan if column.kind in {"number", "integer"} else None
        return self.values.get(name, np.full(len(self), blank, float if blank is not None else object))

    def read_list(self, name: str, parse: Callable[[Any], Any]) -> None:
        """Parse the list column `name` into `entries`."""
        if name in self.sheet.cells:
            cells = self.sheet.cells[name]
            self.entries[name] = parsing.column(name, cells, parse, self.findings, label=self.sheet.label(name))

    def stage_entries(self, name: str, kinds: dict[str, Any]) -> TableClause | None:
        """Stage the entries of list `name` as table intake_<name>: i, then their fields; None when there are none."""
        index, entries = lists.unnest(self.entries.get(name, ()))
        if not entries:
            return None
        columns: dict[str, Any] = {"i": (Integer(), index)}
        for j, (field_name, kind) in enumerate(kinds.items()):
            values = [e[j] if isinstance(e, tuple) else e for e in entries]
            columns[field_name] = (kind, objects(values))
        return stage_columns(self.session, f"intake_{name}", columns)


class Loader(NamedTuple):
    """What a layer does beyond the shared columns.

    prepare adds columns and findings; match finds the registry's rows of the same key (and what else needs the
    staged rows); write moves them and returns (loaded, updated).
    """

    prepare: Callable[[Job], None]
    match: Callable[[Job, Staged], None]
    write: Callable[[Job, Staged], tuple[int, int]]
    extra: dict[str, Any] = {}  # noqa: RUF012  # read only: types of staged columns that no table has


def prepare(job: Job, organisations: references.Organisations) -> None:
    """Fill `columns` with what every layer has: plain values, organisations, type code, position."""
    skipped = {c.name for c in job.layer.columns if c.kind in {"list", "organisation", "commune"}}
    job.columns |= {name: v for name, v in job.values.items() if name not in skipped}
    for column in job.layer.columns:
        if column.kind == "organisation" and column.name in job.sheet.cells:
            label = job.sheet.label(column.name)
            found = parsing.column(
                column.name, job.sheet.cells[column.name], organisations.find, job.findings, label=label
            )
            job.columns[f"{column.name}_id"] = found
    if job.layer.type_codes and "type_code" in job.values:
        known = references.type_codes(job.session, job.layer.type_codes)
        job.columns["type_code"] = _type_code(job, known)
    if "valid_from" in job.values and "valid_to" in job.values:  # ends before it starts: reported, must not reach SQL
        pairs = zip(job.values["valid_from"], job.values["valid_to"], strict=True)
        job.columns["valid_to"] = objects([None if a and b and a >= b else b for a, b in pairs])
    _place(job)


def _type_code(job: Job, known: dict[str, str]) -> NDArray[Any]:
    def find(value: Any) -> str:
        if fold(value) not in known:
            raise parsing.Bad("unknown_type_code", ", ".join(known.values()))
        return known[fold(value)]

    return parsing.column("type_code", job.values["type_code"], find, job.findings, label=job.sheet.label("type_code"))


def _place(job: Job) -> None:
    position = job.position
    if position is None:
        return
    if position.geometry is not None:
        geometry = position.geometry
        if job.layer.geometry in {"multiline", "polygon", "village", "area"}:
            geometry = multi(geometry)
        job.columns["shape"] = hex_ewkb(geometry)
    if job.layer.geometry in {"point", "village", "area"}:
        job.columns |= {"lon": position.lon, "lat": position.lat}
    if position.raw_x is not None and position.raw_y is not None and job.layer.located:
        job.columns |= {"raw_x": position.raw_x, "raw_y": position.raw_y}


def multi(geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return polygons and lines as multi-geometries, points as None."""
    kinds = shapely.get_type_id(geometry)
    result = geometry.copy()
    result[kinds == shapely.GeometryType.POINT] = None
    for single, make in (
        (shapely.GeometryType.POLYGON, shapely.multipolygons),
        (shapely.GeometryType.LINESTRING, shapely.multilinestrings),
    ):
        these = np.flatnonzero(kinds == single)
        if len(these):
            result[these] = make(geometry[these], indices=np.arange(len(these)))
    return result


def hex_ewkb(geometry: NDArray[np.object_]) -> NDArray[Any]:
    """Return hex EWKB in EPSG:4326, None where there is no geometry."""
    return objects(shapely.to_wkb(shapely.set_srid(geometry, 4326), hex=True, include_srid=True).tolist())


ID = BigInteger()
