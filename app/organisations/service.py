"""Loads the known operators and pole owners."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.config import DATA
from app.organisations.models import Organisation
from app.policy.service import read_csv


def load_reference(session: Session, path: Path = DATA / "plan" / "organisations.csv") -> None:
    """Insert the organisations of `path` whose code is not there yet."""
    known = set(session.scalars(select(Organisation.code)))
    rows = [row | {"has_radio": row["has_radio"] == "true"} for row in read_csv(path)]
    session.add_all(Organisation(**row) for row in rows if row["code"] not in known)
    session.flush()
