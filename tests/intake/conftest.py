"""Files made by the tests, and short names for what every test of loading asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.areas.models import Unit
from app.intake.report import LoadReport
from app.intake.service import load_file

Load = Callable[..., LoadReport]
Ask = Callable[..., list[Any]]


@pytest.fixture
def load(session: Session, tmp_path: Path) -> Load:
    """Load CSV text (or the file of a path) into a layer."""

    def run(layer: str, content: str | Path, **options: Any) -> LoadReport:
        path = content if isinstance(content, Path) else tmp_path / f"{layer}.csv"
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        return load_file(session, layer, path, **options)

    return run


@pytest.fixture
def ask(session: Session) -> Ask:
    """Run a query; rows of one column come as plain values."""

    def run(query: str, **values: Any) -> list[Any]:
        rows = session.execute(text(query), values).all()
        return [row[0] if len(row) == 1 else tuple(row) for row in rows]

    return run


@pytest.fixture
def province(session: Session) -> None:
    """Two neighbouring communes around Huế: 107.4-107.6-107.8 E, 16.3-16.6 N."""
    for code, name, west in (("19001", "Tây Lộc", 107.4), ("19002", "Đông Ba", 107.6)):
        box = shapely.MultiPolygon([shapely.box(west, 16.3, west + 0.2, 16.6)])
        session.add(
            Unit(level="commune", code=code, name=name, kind="phường", valid_from="2025-07-01",
                 geom=f"SRID=4326;{box.wkt}")
        )  # fmt: skip
    session.flush()


def found(report: LoadReport) -> list[tuple[int | None, str | None, str]]:
    """Return (row, column, code) of every finding."""
    return [(f.row, f.column, f.code) for f in report.findings.items()]
