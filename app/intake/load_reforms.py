"""Loads successions: which unit a former one went into at a reform; ends the former, and the villages follow."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import BigInteger, Boolean, select, update

from app.areas.crosswalk import ROUNDING
from app.areas.models import Unit, UnitSuccession
from app.areas.reforms import follow
from app.intake import references
from app.intake.job import Job, Loader
from app.intake.load_areas import split_kind
from app.intake.references import Life, Units
from app.intake.registry import Staged, add, renew, table_of
from app.kit.table import Notice, objects
from app.kit.text import fold

_DAY = dt.timedelta(days=1)


class Row(NamedTuple):
    """A row of the file whose two units are known."""

    i: int
    old: Life
    new: Life
    on: dt.date
    share: float


class Going(NamedTuple):
    """All that leaves one unit on one day, in the file and on record."""

    old: Life
    on: dt.date
    rows: list[Row]
    away: float
    """What goes into others."""
    total: float
    """The same with what the file says stays."""

    @property
    def whole(self) -> bool:
        """Say whether nothing is left: the unit ends."""
        return self.away >= 1 - ROUNDING


def prepare_successions(job: Job) -> None:
    """Find both units of every row and check what the rows say together."""
    known = references.units(job.session)
    rows = _rows(job, known)
    columns: dict[str, list[Any]] = {name: [None] * len(job) for name in ("old_unit_id", "new_unit_id")}
    whole = np.zeros(len(job), bool)
    goings = _goings(job, rows, known)
    _check_shares(job, goings)
    _check_ends(job, goings)
    _check_names(job, rows)
    for row in rows:
        columns["old_unit_id"][row.i], columns["new_unit_id"][row.i] = row.old.id, row.new.id
    for going in goings:
        whole[[row.i for row in going.rows]] = going.whole
    if not job.findings.errors:
        _check_left_over(job, goings, rows, known)
    stays = sum(row.old.id == row.new.id for row in rows)
    if stays:
        job.notices.append(
            Notice(
                "continues", f"{stays} dòng là đơn vị giữ nguyên: không cần ghi", f"{stays} rows are units that stay"
            )
        )
    cited = job.get("citation")
    if any(v is None for v in cited):
        job.notices.append(Notice("no_citation", "Có dòng không ghi căn cứ pháp lý", "Some rows give no citation"))
    job.columns = {
        **{name: objects(values) for name, values in columns.items()},
        "on_date": job.get("on_date"),
        "share": np.where(np.isnan(job.get("share")), 1.0, job.get("share")),
        "citation": cited,
        "whole": whole,
    }


def _rows(job: Job, known: Units) -> list[Row]:
    """Return the rows whose two units are known; the others are findings."""
    unknown: dict[str, list[tuple[int, str]]] = {"old_code": [], "new_code": []}
    rows = []
    names = ("level", "old_code", "new_code", "on_date", "old_valid", "share", "old_name", "new_name")
    for i, cells in enumerate(zip(*(job.get(name) for name in names), strict=True)):
        level, old_code, new_code, on, old_valid, share, old_name, new_name = cells
        if None in (old_code, new_code, on):
            continue  # reported as an empty or bad cell
        level, before = level or "commune", old_valid or on - _DAY
        old, new = known.find(old_code, before, level), known.find(new_code, on, level)
        if old is None:
            unknown["old_code"].append((i, known.mend(old_code, before, level, old_name)))
        if new is None:
            unknown["new_code"].append((i, known.mend(new_code, on, level, new_name)))
        if old is not None and new is not None:
            rows.append(Row(i, old, new, on, 1.0 if np.isnan(share) else share))
    for name, where in unknown.items():
        indices, hints = [i for i, _ in where], [hint for _, hint in where]
        job.findings.add("unknown_unit", job.sheet.label(name), indices, job.get(name), hints)
    return rows


def _goings(job: Job, rows: list[Row], known: Units) -> list[Going]:
    """Gather the rows of one unit and day, with what is on record and not in the file; find repeated rows."""
    pairs = Counter((row.old.id, row.new.id, row.on) for row in rows)
    first: dict[Any, int] = {}
    again = []
    for row in rows:
        earlier = first.setdefault((row.old.id, row.new.id, row.on), row.i)
        if earlier != row.i:
            again.append((row.i, f"xem dòng {job.table.rows[earlier]} | see row {job.table.rows[earlier]}"))
    job.findings.add("duplicate_in_file", job.sheet.label("old_code"), [i for i, _ in again], job.get("old_code"),
                     [hint for _, hint in again])  # fmt: skip
    recorded: dict[tuple[int, dt.date], float] = defaultdict(float)
    model = UnitSuccession
    stored = select(model.old_unit_id, model.new_unit_id, model.on_date, model.share).where(
        model.old_unit_id.in_({row.old.id for row in rows})
    )
    for old, new, on, share in job.session.execute(stored):
        if (old, new, on) not in pairs:
            recorded[old, on] += share
    grouped: dict[tuple[int, dt.date], list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.old.id, row.on].append(row)
    return [
        Going(
            group[0].old,
            key[1],
            group,
            sum(row.share for row in group if row.old.id != row.new.id) + recorded[key],
            sum(row.share for row in group) + recorded[key],
        )
        for key, group in grouped.items()
    ]


def _report(job: Job, code: str, goings: list[Going], hint: Callable[[Going], str]) -> None:
    """Report `code` on every row of `goings`."""
    where = [(row.i, hint(going)) for going in goings for row in going.rows]
    job.findings.add(code, job.sheet.label("old_code"), [i for i, _ in where], job.get("old_code"),
                     [told for _, told in where])  # fmt: skip


def _check_shares(job: Job, goings: list[Going]) -> None:
    """Shares of a unit may not exceed 1; less than 1 is the part that stays, unless the unit ends that day."""
    short = [g for g in goings if g.total < 1 - ROUNDING]
    ends = [g for g in short if g.old.valid_to == g.on]

    def told(going: Going) -> str:
        return f"Σ = {going.total:.4g}"

    _report(job, "share_over", [g for g in goings if g.total > 1 + ROUNDING], told)
    _report(job, "share_short", ends, told)
    _report(job, "share_rest", [g for g in short if g not in ends], told)


def _check_ends(job: Job, goings: list[Going]) -> None:
    """Report units that end twice, and units that take something when they have ended."""
    ends: dict[int, dt.date] = {}
    for going in sorted(goings, key=lambda g: g.on):
        if going.whole:
            ends.setdefault(going.old.id, going.on)
    twice = [g for g in goings if (g.whole and g.old.valid_to not in {None, g.on}) or ends.get(g.old.id, g.on) < g.on]
    _report(job, "ended_twice", twice, lambda g: str(min(filter(None, (g.old.valid_to, ends.get(g.old.id))))))
    taking = [row for g in goings for row in g.rows if row.new.id in ends and ends[row.new.id] <= row.on]
    job.findings.add("succession_loop", job.sheet.label("new_code"), [r.i for r in taking], job.get("new_code"),
                     [str(ends[r.new.id]) for r in taking])  # fmt: skip


def _check_names(job: Job, rows: list[Row]) -> None:
    """Where the file names the units, the names tell a code of another year from the right one."""
    for name in ("old_name", "new_name"):
        cells = job.get(name)
        units = [(row.i, row.old if name == "old_name" else row.new) for row in rows]
        wrong = [(i, unit.told()) for i, unit in units if cells[i] is not None and not _named(cells[i], unit)]
        job.findings.add("name_differs", job.sheet.label(name), [i for i, _ in wrong], cells, [h for _, h in wrong])


def _named(name: str, unit: Life) -> bool:
    return bool({fold(name), fold(split_kind(name)[1] or "")} & {unit.key, fold(split_kind(unit.name)[1] or "")})


def _check_left_over(job: Job, goings: list[Going], rows: list[Row], known: Units) -> None:
    """Report units that end at a reform and go nowhere, or live on alone where most of their level is replaced."""
    for level, on in sorted({(g.old.level, g.on) for g in goings}):
        then = [u for u in known.all if u.level == level and u.on(on - _DAY)]
        taken = {g.old.id for g in goings if g.on == on} | {r.new.id for r in rows if r.on == on}
        left = [u for u in then if u.id not in taken]
        most = sum(u.id in taken for u in then) > len(left)
        stored = select(UnitSuccession.old_unit_id).where(UnitSuccession.on_date == on)
        recorded = set(job.session.scalars(stored))
        for unit in left:
            if unit.id not in recorded and (unit.valid_to == on or (unit.valid_to is None and most)):
                job.findings.add_file("no_successor", job.sheet.label("old_code"), unit.code, f"{unit.told()}, {on}")


def match_successions(job: Job, staged: Staged) -> None:
    """Match by both units and the day."""
    model = table_of(UnitSuccession)
    same = [model.c[name] == staged.c[name] for name in ("old_unit_id", "new_unit_id", "on_date")]
    job.session.execute(update(staged.rows).values(existing_id=model.c.id).where(*same))


def write_successions(job: Job, staged: Staged) -> tuple[int, int]:
    """Write the successions, end the units nothing is left of, and let their villages follow."""
    updated = renew(staged, UnitSuccession)
    two = staged.c.old_unit_id != staged.c.new_unit_id
    loaded = add(staged, UnitSuccession, where=staged.c.existing_id.is_(None) & two)
    unit = table_of(Unit)
    ended = (unit.c.id == staged.c.old_unit_id, staged.c.whole, unit.c.valid_to.is_(None))
    job.session.execute(update(unit).values(valid_to=staged.c.on_date).where(*ended))
    days = [day for day in job.columns["on_date"] if day is not None]
    if days:
        for code in follow(job.session, min(days)).unknown:
            job.findings.add_file("village_unit_unknown", "new_code", code)
    return loaded, updated


LOADERS = {
    "successions": Loader(
        prepare_successions,
        match_successions,
        write_successions,
        {"old_unit_id": BigInteger(), "new_unit_id": BigInteger(), "whole": Boolean()},
    ),
}
