"""Loads what constrains building: a rule of its kind for every row, as JSON or in columns of its own."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely

from app.errors import Invalid
from app.intake.job import Job, Loader
from app.intake.registry import Staged, add, match, renew
from app.kit.table import objects
from app.licensing.constraints.models import SHAPES, ConstraintArea
from app.licensing.constraints.service import complete_rule

_MEMBERS: Mapping[str, tuple[str, str]] = {
    "max_height_m": ("planned_zone", "max_height_m"),
    "buffer_m": ("heritage", "buffer_m"),
    "elevation_m": ("airport", "elevation_m"),
    "within_m": ("underground_street", "within_m"),
    "underground_from": ("underground_street", "from"),
}
"""Column → kind and member of its rule; allowed_codes serves two kinds."""


def prepare_constraints(job: Job) -> None:
    """Make the rule of each row and hold its geometry against its kind."""
    kinds = job.get("kind").tolist()
    rules: list[str | None] = []
    bad: list[int] = []
    hints: list[str] = []
    for row, kind in enumerate(kinds):
        rules.append(None)
        if kind is None:
            continue
        try:
            day = job.get("valid_from")[row] or job.as_of
            rules[row] = json.dumps(complete_rule(job.session, kind, _rule(job, row, kind), day), ensure_ascii=False)
        except Invalid as refused:
            bad.append(row)
            hints.append(f"{refused.vi} | {refused.en}")
    column = "rule" if "rule" in job.sheet.cells else "kind"
    job.findings.add("bad_rule", job.sheet.label(column), np.array(bad, np.int64), job.sheet.cells.get(column), hints)
    job.columns["rule"] = objects(rules)
    for name in ("allowed_codes", *_MEMBERS):
        job.columns.pop(name, None)
    if job.position is not None and job.position.geometry is not None:
        _shapes(job, kinds, job.position.geometry)


def _rule(job: Job, row: int, kind: str) -> dict[str, Any]:
    rule: dict[str, Any] = {}
    told = job.sheet.cells["rule"][row] if "rule" in job.sheet.cells else None
    if told is not None and str(told).strip():
        try:
            rule = json.loads(str(told))
        except ValueError as error:
            raise _not_json() from error
        if not isinstance(rule, dict):
            raise _not_json()
    codes = job.sheet.cells["allowed_codes"][row] if "allowed_codes" in job.sheet.cells else None
    if codes is not None and kind in ("planned_zone", "heritage"):
        rule["allowed_codes"] = [c.strip() for c in str(codes).replace(",", ";").split(";") if c.strip()]
    for column, (of_kind, member) in _MEMBERS.items():
        value = job.get(column)[row]
        if of_kind == kind and value is not None and not (isinstance(value, float) and math.isnan(value)):
            rule[member] = value
    return rule


def _not_json() -> Invalid:
    return Invalid(
        "constraint_rule",
        'Cột quy tắc cần một đối tượng JSON, ví dụ {"buffer_m": 500}',
        'The rule has to be a JSON object, e.g. {"buffer_m": 500}',
        field="rule",
    )


def _shapes(job: Job, kinds: list[str | None], geometry: Any) -> None:
    """Report geometries that a kind does not have, and lines that cross themselves."""
    missing = shapely.is_missing(geometry)
    names = ["" if g is None else g.geom_type for g in geometry.tolist()]
    wrong = [i for i, k in enumerate(kinds) if k is not None and not missing[i] and names[i] not in SHAPES[k]]
    hints = [f"{names[i]} ≠ {'/'.join(SHAPES[kinds[i] or ''])}" for i in wrong]
    job.findings.add("shape_of_kind", "geometry", np.array(wrong, np.int64), None, hints)


def match_constraints(job: Job, staged: Staged) -> None:
    """Match by kind and code."""
    match(staged, ConstraintArea, {"kind": staged.c.kind, "code": staged.c.code})


def write_constraints(job: Job, staged: Staged) -> tuple[int, int]:
    """Constraints as they are; with --update those that are there are written anew."""
    updated = renew(staged, ConstraintArea) if job.update else 0
    return add(staged, ConstraintArea), updated


LOADERS = {"constraints": Loader(prepare_constraints, match_constraints, write_constraints)}
