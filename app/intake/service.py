"""Loads one file into one layer: read, check everything, then write all of it or nothing."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.config import settings
from app.database import say_why, translated
from app.errors import NotFound
from app.intake import (
    checks,
    columns,
    job,
    load_areas,
    load_constraints,
    load_evidence,
    load_lines,
    load_places,
    load_prices,
    load_reforms,
    load_sites,
    population,
    position,
    price_layers,
    references,
)
from app.intake.findings import Findings
from app.intake.layers import LAYERS as OBJECTS
from app.intake.layers import Layer
from app.intake.region import Region, province
from app.intake.registry import Staged, stage_rows
from app.intake.report import LoadReport
from app.kit.page import today
from app.kit.spatial_file import read_file
from app.kit.table import Table
from app.sites.models import Cell, Structure

Progress = Callable[[int, int, str], None]
LOADERS = {
    **load_areas.LOADERS,
    **load_reforms.LOADERS,
    **load_sites.LOADERS,
    **load_lines.LOADERS,
    **load_places.LOADERS,
    **load_evidence.LOADERS,
    **load_prices.LOADERS,
    **load_constraints.LOADERS,
}
LAYERS = {**OBJECTS, **price_layers.LAYERS}
_STEPS = ("read", "check", "stage", "match", "write")


def layer_named(name: str) -> Layer:
    """Return the layer called `name`.

    Raises
    ------
    NotFound
        There is no such layer.
    """
    if name not in LAYERS:
        listed = ", ".join(LAYERS)
        raise NotFound("unknown_layer", f"Không có lớp {name!r}; có: {listed}",
                       f"There is no layer {name!r}; there are: {listed}", field="layer")  # fmt: skip
    return LAYERS[name]


def load_file(
    session: Session,
    layer: str,
    path: Path,
    *,
    crs: str | None = None,
    mapping: Mapping[str, str] | None = None,
    constants: Mapping[str, str] | None = None,
    update: bool = False,
    sheet: str | None = None,
    accept_outside: bool = False,
    as_of: dt.date | None = None,
    progress: Progress | None = None,
) -> LoadReport:
    """Load `path` into `layer`; the caller commits.

    Parameters
    ----------
    crs : str or None
        CRS of the coordinates, where the file does not say ("EPSG:9214").
    mapping : mapping of str to str
        The file's header → our column.
    constants : mapping of str to str
        Our column → the value of every row.
    update : bool
        Rows whose code is in force on the same days change what is there; otherwise they are findings.
        Units are always updated by (level, code, valid_from).
    sheet : str or None
        Sheet, layer or shapefile, where the file holds several.
    accept_outside : bool
        Take points that look like the wrong zone as they are.
    as_of : date or None
        Day for "in force" (communes, organisations); default today.

    Returns
    -------
    LoadReport
        `accepted` False: errors were found and nothing was written.

    Raises
    ------
    AppError
        The file as a whole cannot be read, an option does not fit it, or the database refused a row.
    """
    spec, day = layer_named(layer), as_of or today()
    tell = _teller(progress)
    tell("read")
    raster = layer == "demand_points" and path.suffix.lower() in population.SUFFIXES and path.is_file()
    table = population.read_population(session, path, day) if raster else read_file(path, sheet)
    name = path.name.encode("utf-8", "replace").decode()  # a file name need not be text
    digest = _digest(path)
    tell("check")
    with translated(), session.begin_nested():
        # A statement over half a million rows may outlast the limit meant for requests.
        session.execute(text("SET LOCAL statement_timeout = '1h'"))
        say_why(session, f"load {layer}", f"{name} ({digest[:12]})")
        task, notices = _checked(session, spec, table, crs, mapping or {}, constants or {}, update, accept_outside, day)
        tell("stage")
        staged = _staged(task, f"{name} ({digest[:12]})")
        loaded = updated = 0
        if staged is not None:
            tell("match")
            LOADERS[layer].match(task, staged)
            _already_there(task, staged)
            if not task.findings.errors:
                tell("write")
                loaded, updated = LOADERS[layer].write(task, staged)
            for part in ("rows", *task.entries):
                session.execute(text(f"DROP TABLE IF EXISTS pg_temp.intake_{part}"))
    return LoadReport(layer, name, digest, table.format, len(table), loaded, updated, task.findings, notices)


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _teller(progress: Progress | None) -> Callable[[str], None]:
    def tell(step: str) -> None:
        if progress is not None:
            progress(_STEPS.index(step), len(_STEPS), step)

    return tell


def _checked(
    session: Session, layer: Layer, table: Table, crs: str | None, mapping: Mapping[str, str],
    constants: Mapping[str, str], update: bool, accept_outside: bool, day: dt.date,
) -> tuple[job.Job, list[Any]]:  # fmt: skip
    findings = Findings(table.rows)
    sheet = columns.match(layer, table, mapping, constants)
    where = {int(r): i for i, r in enumerate(table.rows)} if table.ragged else {}
    for row, cells in table.ragged.items():
        findings.add("ragged_row", None, [where[row]], hints=f"{cells} ≠ {len(table.columns)}")
    values = columns.parse(layer, sheet, len(table), findings)
    place = None
    if layer.geometry != "none":
        region = province(session, day) if layer.near_province else Region(None)
        place = position.locate(layer, table, sheet, crs, region, findings, metric_crs=settings().metric_crs,
                                accept_outside=accept_outside)  # fmt: skip
    task = job.Job(session, layer, table, sheet, values, place, findings, day, update)
    job.prepare(task, references.organisations(session, day))
    LOADERS[layer.name].prepare(task)
    if layer.key and layer.key[-1] in values:
        checks.duplicates(layer.key, task.columns, table.rows, sheet.label(layer.key[-1]), findings)
    assumed = position.assumed(table, sheet, crs) if layer.geometry != "none" else []
    return task, [*table.notices, *sheet.notices, *task.notices, *assumed]


def _staged(task: job.Job, source: str) -> Staged | None:
    """Stage what can be staged; None when a required column or the position is missing altogether."""
    needed = {c.name for c in task.layer.columns if c.required and c.kind != "organisation"}
    if not needed <= task.values.keys() or (task.layer.geometry != "none" and task.position is None):
        return None
    extra = LOADERS[task.layer.name].extra
    for name in extra:
        if name not in task.columns and name.endswith("_id"):
            task.columns[name] = np.full(len(task), None, object)
    models = (task.layer.model, *_MORE.get(task.layer.name, ()))
    raw_crs = task.position.raw_crs if task.position else None
    return stage_rows(task.session, models, task.columns, source, raw_crs, extra)


_MORE = {"sites": (Structure, Cell)}


def _already_there(task: job.Job, staged: Staged) -> None:
    """Report rows that match the registry without --update, and registry rows that several rows match."""
    # Always updated, or checked by their own rule.
    if task.layer.name in {"areas", "demand_points", "successions", "measurements", "prices", "contracts"}:
        return
    matched = select(staged.c.i).where(staged.c.existing_id.is_not(None)).order_by(staged.c.i)
    label, codes = task.sheet.label("code"), task.columns["code"]
    if task.update:
        count = func.count().over(partition_by=staged.c.existing_id).label("n")
        sub = select(staged.c.i, count).where(staged.c.existing_id.is_not(None)).subquery()
        several = np.array(task.session.scalars(select(sub.c.i).where(sub.c.n > 1)).all(), np.int64)
        task.findings.add("update_twice", label, several, codes)
    else:
        there = np.array(task.session.scalars(matched).all(), np.int64)
        task.findings.add("duplicate_in_registry", label, there, codes)
