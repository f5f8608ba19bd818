"""Loads documents, targets, type codes, rules and disclosure levels from data/plan into the policy tables."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.config import DATA
from app.policy.models import Disclosure, Parameter, PlanDocument, Target, TypeCode


def read_csv(path: Path) -> list[dict[str, Any]]:
    """Return the rows of one of our own CSV files, empty cells as None."""
    with path.open(encoding="utf-8", newline="") as handle:
        return [{k: v or None for k, v in row.items()} for row in csv.DictReader(handle)]


def load_reference(session: Session, folder: Path = DATA / "plan") -> None:
    """Insert what is missing; rows an officer has corrected stay as they are."""
    for model, name in ((PlanDocument, "plan_documents"), (Target, "targets")):
        for row in read_csv(folder / f"{name}.csv"):
            session.execute(insert(model).values(**_typed(row)).on_conflict_do_nothing())
    known = set(session.scalars(select(TypeCode.code)))
    session.add_all(TypeCode(**_typed(r)) for r in read_csv(folder / "type_codes.csv") if r["code"] not in known)
    known_rules = {(kind, name) for kind, name in session.execute(select(Parameter.kind, Parameter.name))}
    for kind, rows in yaml.safe_load((folder / "parameters.yaml").read_text(encoding="utf-8")).items():
        for name, row in rows.items():
            if (kind, name) not in known_rules:
                value = row["value"] | ({"default": True} if row.get("default") else {})
                session.add(Parameter(kind=kind, name=name, value=value, citation=row["citation"]))
    told = {(layer, name) for layer, name in session.execute(select(Disclosure.layer, Disclosure.attribute))}
    rows = read_csv(folder / "disclosure.csv")
    session.add_all(Disclosure(**_typed(r)) for r in rows if (r["layer"], r["attribute"]) not in told)
    session.flush()


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    dates = {k: dt.date.fromisoformat(v) for k, v in row.items() if v and k in {"issued_on", "valid_from", "valid_to"}}
    numbers = {k: int(v) if k == "year" else float(v) for k, v in row.items() if v and k in {"year", "value", "grid_m"}}
    return row | dates | numbers
