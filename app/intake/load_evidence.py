"""Loads operators' service-area polygons and what drive tests and speed tests measured."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, func, select, update

from app.coverage.models import CoverageClaim, SignalMeasurement
from app.intake import references
from app.intake.job import Job, Loader
from app.intake.registry import Staged, add, match, renew, table_of
from app.kit.table import objects

_SAME = ("operator_id", "measured_at", "technology", "kind", "cell_code", "frequency_mhz", "rsrp_dbm", "downlink_mbps")
"""With the position, what makes two samples one; as the table's unique index."""


def prepare_claims(job: Job) -> None:
    """Only who runs a radio network claims to serve."""
    job.columns.setdefault("operator_id", objects([None] * len(job)))
    _radio(job)


def match_claims(job: Job, staged: Staged) -> None:
    """Match by code within the operator."""
    match(staged, CoverageClaim, {"code": staged.c.code, "operator_id": staged.c.operator_id})


def write_claims(job: Job, staged: Staged) -> tuple[int, int]:
    """Polygons as they are: what overlaps adds up where it is used."""
    updated = renew(staged, CoverageClaim) if job.update else 0
    return add(staged, CoverageClaim), updated


def prepare_measurements(job: Job) -> None:
    """Nothing of the future, nothing empty."""
    _radio(job)
    now = dt.datetime.now(dt.UTC)
    moments = job.get("measured_at")
    late = np.array([m is not None and m > now for m in moments.tolist()], bool)
    shown = objects([None if m is None else m.isoformat(sep=" ") for m in moments.tolist()])
    swapped = [_swapped(m, now) for m in moments[late].tolist()]
    job.findings.add("in_future", job.sheet.label("measured_at"), late, shown, swapped)
    given = [name for name in ("rsrp_dbm", "downlink_mbps") if name in job.sheet.cells]
    # A cell that could not be read is a finding of its own, not an empty one.
    blank = [
        np.array([v is None or not str(v).strip() for v in job.sheet.cells[name].tolist()], bool) for name in given
    ]
    nothing = np.logical_and.reduce(blank) if blank else np.ones(len(job), bool)
    job.findings.add("nothing_measured", job.sheet.label("rsrp_dbm"), nothing)
    for name in _SAME:
        if name not in job.columns:
            job.columns[name] = objects([None] * len(job))


def _swapped(moment: dt.datetime, now: dt.datetime) -> str:
    """Return the same moment with day and month exchanged, when that lies in the past."""
    try:
        other = moment.replace(day=moment.month, month=moment.day)
    except ValueError:
        return " | "
    return f"Có thể là {other.date()}? | Perhaps {other.date()}?" if other <= now else " | "


def match_measurements(job: Job, staged: Staged) -> None:
    """Mark the samples that are in the registry, or earlier in the file, already."""
    table, row = table_of(SignalMeasurement), staged.c
    place = func.ST_Point(row.lon, row.lat, 4326)
    same = [
        table.c[name].is_not_distinct_from(row[name]) for name in _SAME if name not in ("operator_id", "measured_at")
    ]
    # The two that lead the index are never null in what is stored.
    same += [table.c.operator_id == row.operator_id, table.c.measured_at == row.measured_at, table.c.point == place]
    staged.session.execute(update(staged.rows).values(existing_id=table.c.id).where(*same))
    order = func.row_number().over(partition_by=[*(row[n] for n in _SAME), row.lon, row.lat], order_by=row.i)
    ranked = select(row.i, order.label("n")).where(row.lon.is_not(None)).subquery()
    again = select(ranked.c.i).where(ranked.c.n > 1)
    known = np.array(job.session.scalars(select(row.i).where(row.existing_id.is_not(None))).all(), np.int64)
    twice = np.setdiff1d(np.array(job.session.scalars(again).all(), np.int64), known)
    # Whatever is not null is left out by `add`.
    staged.session.execute(update(staged.rows).values(existing_id=0).where(row.i.in_(again), row.existing_id.is_(None)))
    label = job.sheet.label("measured_at")
    cells = job.sheet.cells.get("measured_at")
    job.findings.add("measured_before", label, known, cells, "trong sổ | in the registry")
    job.findings.add("measured_before", label, twice, cells, "trong chính tệp này | in this very file")


def write_measurements(job: Job, staged: Staged) -> tuple[int, int]:
    """Add the new samples; measured is measured, nothing is updated."""
    return add(staged, SignalMeasurement), 0


def _radio(job: Job) -> None:
    """Report organisations that run no radio network."""
    found = job.columns.get("operator_id")
    if found is None or "operator" not in job.sheet.cells:
        return
    known = references.organisations(job.session, job.as_of)
    wrong = np.array([o is not None and o not in known.radio for o in found.tolist()], bool)
    hints: Any = [known.labels[o] for o in found[wrong].tolist()]
    job.findings.add("no_radio", job.sheet.label("operator"), wrong, job.sheet.cells["operator"], hints)


LOADERS = {
    "claims": Loader(prepare_claims, match_claims, write_claims, {"operator_id": BigInteger()}),
    "measurements": Loader(prepare_measurements, match_measurements, write_measurements),
}
