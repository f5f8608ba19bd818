"""Repeatable, refused where something is registered already, and the command that runs it all."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.demo import communes
from app.demo.console import STEPS as SHOWN
from app.demo.service import STEPS, build_demo
from app.errors import Conflict, Invalid, Unavailable

TABLES = (
    "unit", "village", "demand_point", "site", "structure", "base_station", "cell", "pole", "manhole", "duct", "cable",
    "distribution_point", "facility", "pole_occupancy", "duct_occupancy", "structure_occupancy",
)  # fmt: skip


def content(session: Session) -> str:
    """Return the hash of all rows without their keys, plus that of the terrain."""
    digest = hashlib.sha256()
    for table in TABLES:
        rows = f"""
            SELECT to_jsonb(t) - ARRAY(SELECT jsonb_object_keys(to_jsonb(t)) INTERSECT
                SELECT column_name::text FROM information_schema.columns
                WHERE table_schema = 'registry' AND table_name = '{table}'
                    AND (column_name = 'id' OR column_name LIKE '%\\_id'))
            FROM registry.{table} t"""
        for row in sorted(json.dumps(r, sort_keys=True) for r in session.scalars(text(rows))):
            digest.update(row.encode())
    digest.update(str(session.scalar(text("SELECT sha256 FROM registry.terrain_tile"))).encode())
    return digest.hexdigest()


def test_the_same_seed_builds_the_same_province(session: Session) -> None:
    hashes = []
    for seed in (7, 7, 8):
        with session.begin_nested() as savepoint:
            build_demo(session, seed, 0.005)
            hashes.append(content(session))
            savepoint.rollback()
    assert hashes[0] == hashes[1]
    assert hashes[0] != hashes[2]


def test_a_second_demo_is_refused(session: Session) -> None:
    told: list[tuple[int, int, str]] = []
    build_demo(session, 3, 0.005, lambda done, total, what: told.append((done, total, what)))
    assert told == [*((i, len(STEPS), s) for i, s in enumerate(STEPS)), (len(STEPS), len(STEPS), "done")]
    assert set(SHOWN) == set(STEPS)
    with pytest.raises(Conflict) as refused:
        build_demo(session, 4, 0.005)
    assert refused.value.code == "demo_exists"


def test_a_registry_in_use_is_refused(session: Session) -> None:
    session.execute(text("INSERT INTO registry.site (code, geom) VALUES ('REAL1', ST_Point(107.6, 16.4, 4326))"))
    with pytest.raises(Conflict) as refused:
        build_demo(session, 254, 0.005)
    assert refused.value.code == "registry_in_use"
    assert session.scalar(text("SELECT count(*) FROM registry.village")) == 0


@pytest.mark.parametrize(("seed", "scale"), [(254, 0.0), (254, -1.0), (254, float("nan")), (254, 5.0), (-1, 0.01)])
def test_numbers_that_make_no_province_are_refused(session: Session, seed: int, scale: float) -> None:
    with pytest.raises(Invalid) as refused:
        build_demo(session, seed, scale)
    assert refused.value.field in {"seed", "scale"}


def test_without_the_names_package_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as refused:
        communes.load("99")
    assert refused.value.code == "demo_names_missing"


def test_the_command_builds_and_computes(own_database: str) -> None:
    # A process of its own: it imports what the command imports, not what other tests did.
    def hatang(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = Path(sys.executable).with_name("hatang")
        return subprocess.run([command, "demo", *arguments], capture_output=True, text=True, check=False)

    result = hatang("--seed", "5", "--scale", "0.01", "--json")
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["source"] == "SYNTHETIC demo, seed 5"
    assert summary["rows"]["pole"] >= 600
    assert set(summary["sharing"]) == {"S1", "P1", "D1"}
    assert summary["coverage"]
    assert {"draft", "sharing", "mediation"} <= set(summary["applications"])
    assert len({account["password"] for account in summary["accounts"]}) == 6
    again = hatang("--scale", "0.01")
    assert again.returncode == 1
    assert "Đã có tỉnh mẫu" in again.stderr
    assert "Traceback" not in again.stderr
