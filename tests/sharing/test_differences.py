"""An attack: everything the public is told, on every geography, put together as equations for what it is not told."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.areas.models import Unit
from app.database import PUBLIC, enter, system
from app.sharing.breakdown import By, audience
from app.sharing.series import series, side_by_side
from app.sharing.service import sharing_on
from tests.areas.province import WEST, build

FORMER, TODAY = dt.date(2025, 6, 30), dt.date(2026, 1, 1)
ATOMS = {**WEST, "outside": 107.9}
# Which former communes each figure is about: by (kind of breakdown, code).
PARTS = {
    ("former", "19A"): "A", ("former", "19B"): "B", ("former", "19C"): "C", ("former", "19D"): "D",
    ("today", "19A"): "AB", ("today", "19N"): "C", ("today", "19D"): "D",
    ("district", "90W"): "AB", ("district", "90E"): "CD",
}  # fmt: skip
_POLES = """
    WITH made AS (
        INSERT INTO registry.pole (code, geom) SELECT 'P' || :name || i, ST_Point(:lon + 0.001 * i, 16.05, 4326)
        FROM generate_series(1, :number) i RETURNING id, code)
    INSERT INTO registry.pole_occupancy (pole_id, tenant_id, service)
    SELECT m.id, o.id, 'telecom' FROM made m JOIN registry.organisation o ON o.code = 'VNPT'
"""


def atoms(kind: str, code: str | None) -> list[int]:
    names = list(ATOMS)
    letters = PARTS[kind, code] if code else ["outside"]
    return [names.index(letter) for letter in letters]


def equations(session: Session) -> list[tuple[list[int], float]]:
    """Return (atoms, told number) of every figure the public is told, by every route that tells one."""
    asked: list[tuple[By, str, dt.date]] = [
        ("commune", "former", FORMER), ("commune", "today", TODAY), ("district", "district", FORMER),
    ]  # fmt: skip
    found: list[tuple[list[int], float]] = []

    def take(kind: str, rows: list[dict[str, Any]]) -> None:
        found.extend((atoms(kind, row["code"]), row["denominator"]) for row in rows if not row["withheld"])

    for by, kind, boundaries in asked:
        rows = sharing_on(session, FORMER, by=by, wanted="P1", boundaries=boundaries)["breakdown"]
        take(kind, [row | {"code": row["scope_code"]} for row in rows])
        told = series(session, "P1", [FORMER], boundaries=boundaries, level=by)
        take(kind, [row | row["figures"][0] for row in told["series"]])
    both = side_by_side(session, "P1", FORMER, ("commune", TODAY), ("commune", FORMER))
    take("today", both["a"]["rows"])
    take("former", both["b"]["rows"])
    everything = [i for i, _ in enumerate(ATOMS)]
    if not both["total"]["withheld"]:
        found.append((everything, both["total"]["denominator"]))
    for boundaries in (FORMER, TODAY):
        for row in sharing_on(session, FORMER, by="urban", wanted="P1", boundaries=boundaries)["breakdown"]:
            inside = everything[:-1] if row["scope_code"] in {"urban", "rural"} else everything[-1:]
            if not row["withheld"]:
                found.append((inside, row["denominator"]))
    return found


def matrix(rows: list[list[int]]) -> Any:
    made = np.zeros((len(rows), len(ATOMS)))
    for k, row in enumerate(rows):
        made[k, row] = 1
    return made


@pytest.mark.parametrize("seed", range(40))
def test_no_small_figure_follows_from_all_that_is_told(session: Session, seed: int) -> None:
    units: dict[str, Unit] = build(session)
    assert units
    rng = np.random.default_rng(seed)
    counts = {name: int(n) for name, n in zip(ATOMS, rng.choice([0, 1, 2, 3, 4, 9], len(ATOMS)), strict=True)}
    for name, number in counts.items():
        session.execute(text(_POLES), {"name": name, "lon": ATOMS[name] + 0.05, "number": number})
    enter(session, PUBLIC)
    few = audience(session).min_objects
    told = equations(session)
    enter(session, system())
    values = list(counts.values())
    for rows, figure in told:
        assert sum(values[i] for i in rows) == figure, "what is told is true"
    known = matrix([rows for rows, _ in told])
    rank = np.linalg.matrix_rank(known) if len(told) else 0
    secrets = [(key, atoms(*key)) for key in PARTS] + [(("outside", ""), [len(ATOMS) - 1])]
    for key, rows in secrets:
        number = sum(values[i] for i in rows)
        if 0 < number < few:
            with_it = np.vstack([known, matrix([rows])])
            assert np.linalg.matrix_rank(with_it) > rank, (key, counts, "comes out as a difference of told figures")
