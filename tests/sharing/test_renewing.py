"""What is kept and renewed answers as a fresh read does, whatever was edited in between."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
from collections import Counter, OrderedDict
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import IntegrityError
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import Scope, engine, enter, session_scope, system
from app.kit.bulk import arrays
from app.sharing import all_days, kept, surveys
from app.sharing.figures import Ints
from app.sharing.geographies import places
from app.sharing.queries import Organisations
from app.sharing.service import sharing_on
from app.sharing.stored import Columns
from app.sharing.surveys import Survey, survey
from tests.sharing import registry

DAYS = (dt.date(2025, 3, 1), dt.date(2025, 12, 31))
READ = Scope("user:9", ("other_department",))
SOME = "(SELECT id FROM registry.{0} ORDER BY md5(id::text || '{1}') LIMIT 1)"
# How the rows of a day were read before they were kept for all days: hashes of snapshots are of these.
LINES = (("row", "i8"), ("tenant", "i8"), ("telecom", "b1"), ("lines", "i4"))
PLAIN = {
    "pole": (
        (
            """SELECT id, coalesce(owner_id, 0) AS owner, surveyed_on IS NOT NULL AS surveyed FROM pole
               WHERE registry.in_force(valid_from, valid_to, %(day)s) ORDER BY id""",
            (("id", "i8"), ("owner", "i8"), ("surveyed", "b1")),
        ),
        (
            """SELECT pole_id AS row, coalesce(tenant_id, 0) AS tenant, service = 'telecom' AS telecom,
                      coalesce(line_count, 1) AS lines
               FROM pole_occupancy WHERE registry.in_force(valid_from, valid_to, %(day)s)""",
            LINES,
        ),
    ),
    "duct": (
        (
            """SELECT d.id, coalesce(d.owner_id, 0) AS owner, coalesce(t.id, -1) AS trench,
                      CASE WHEN d.route IS NULL THEN -1 ELSE dense_rank() OVER (ORDER BY d.route) END AS route,
                      d.length_m, d.surveyed_on IS NOT NULL AS surveyed
               FROM duct d LEFT JOIN trench t
                   ON t.id = d.trench_id AND registry.in_force(t.valid_from, t.valid_to, %(day)s)
               WHERE registry.in_force(d.valid_from, d.valid_to, %(day)s) ORDER BY d.id""",
            (("id", "i8"), ("owner", "i8"), ("trench", "i8"), ("route", "i8"), ("length_m", "f8"), ("surveyed", "b1")),
        ),
        (
            """SELECT duct_id AS row, coalesce(tenant_id, 0) AS tenant, service = 'telecom' AS telecom, 1 AS lines
               FROM duct_occupancy WHERE registry.in_force(valid_from, valid_to, %(day)s)""",
            LINES,
        ),
    ),
}


def build(session: Session) -> None:
    add = registry
    for k in range(4):
        add.commune(session, f"9000{k}", 107.5 + 0.1 * k, 16.4, kind="phường" if k else "xã")
    for k in range(30):
        ended = {"valid_to": dt.date(2025, 6, 1)} if k % 7 == 0 else {}
        lines = "EVN:power;VIETTEL" if k % 3 else "VNPT;?"
        add.pole(session, f"P{k}", 107.5 + 0.013 * k, 16.42, lines, owner="EVN", restricted=k % 10 == 0, **ended)
    for k in range(20):
        line = f"{107.5 + 0.03 * k} 16.43, {107.51 + 0.03 * k} 16.43"
        add.duct(session, f"D{k}", line, "VNPT;VIETTEL" if k % 2 else "FPT", trench=f"T{k // 2}" if k % 3 else None,
                 route=f"R{k % 4}" if k % 5 else None, restricted=k == 6)  # fmt: skip
    for k in range(5):
        add.site(session, f"S{k}", 107.51 + 0.07 * k, 16.41, "VIETTEL VNPT" if k % 2 else "VNPT", owner="TOWERCO")
    session.execute(text("UPDATE registry.organisation SET has_radio = code IN ('VIETTEL', 'VNPT')"))


def edit(pick: random.Random) -> str:
    """Return one of many edits a registry sees, on rows drawn at random."""

    def some(table: str) -> str:
        return SOME.format(table, pick.random())

    x, n = 107.5 + pick.random() / 2, pick.randrange(10**9)
    day = dt.date(2024, 1, 1) + dt.timedelta(days=pick.randrange(900))
    carrier = pick.choice(("pole", "duct"))
    point = f"ST_SetSRID(ST_Point({x}, 16.45), 4326)"
    line = f"ST_SetSRID(ST_MakeLine(ST_Point({x}, 16.45), ST_Point({x} + 0.01, 16.45)), 4326)"
    who = pick.choice((some("organisation"), "NULL"))
    return pick.choice((
        f"INSERT INTO registry.pole (code, owner_id, valid_from, restricted, geom) "
        f"VALUES ('N{n}', {who}, '{day}', {n % 3 == 0}, {point})",
        f"INSERT INTO registry.pole_occupancy (pole_id, tenant_id, service, line_count, valid_from) "
        f"SELECT {some('pole')}, {who}, 'other', {n % 4 + 1}, '{day}' "
        f"ON CONFLICT DO NOTHING",
        f"UPDATE registry.pole SET owner_id = {who}, surveyed_on = '{day}' WHERE id = {some('pole')}",
        f"UPDATE registry.pole SET geom = {point} WHERE id = {some('pole')}",
        f"UPDATE registry.{carrier} SET restricted = NOT restricted WHERE id = {some(carrier)}",
        f"UPDATE registry.{carrier} SET valid_to = '{day}' WHERE id = {some(carrier)} "
        f"AND (valid_from IS NULL OR valid_from < '{day}')",
        f"UPDATE registry.{carrier}_occupancy SET valid_to = '{day}' WHERE id = {some(f'{carrier}_occupancy')} "
        f"AND (valid_from IS NULL OR valid_from < '{day}')",
        f"UPDATE registry.pole_occupancy SET line_count = {n % 9 + 1} WHERE id = {some('pole_occupancy')}",
        "UPDATE registry.pole_occupancy SET pole_id = (SELECT max(id) FROM registry.pole) "
        "WHERE id = (SELECT max(id) FROM registry.pole_occupancy)",
        f"DELETE FROM registry.{carrier}_occupancy WHERE id = {some(f'{carrier}_occupancy')}",
        "DELETE FROM registry.pole_occupancy WHERE pole_id = (SELECT min(id) FROM registry.pole); "
        "DELETE FROM registry.pole WHERE id = (SELECT min(id) FROM registry.pole)",
        f"INSERT INTO registry.duct (code, owner_id, route, geom) VALUES ('N{n}', {who}, 'Q{n}', {line})",
        f"UPDATE registry.duct SET route = '{chr(65 + n % 26)}', trench_id = {some('trench')} "
        f"WHERE id = {some('duct')}",
        f"UPDATE registry.trench SET valid_to = '{day}' WHERE id = {some('trench')}",
        f"UPDATE registry.organisation SET name = name || '.' WHERE id = {some('organisation')}",
        f"UPDATE registry.organisation SET kind = 'electricity' WHERE id = {some('organisation')}",
        f"UPDATE registry.unit SET name = name || '.' WHERE id = {some('unit')}",
        f"UPDATE registry.unit SET geom = ST_Multi(ST_SetSRID(ST_MakeEnvelope({x}, 16.4, {x} + 0.1, 16.5), 4326)) "
        f"WHERE id = {some('unit')}",
        f"UPDATE registry.unit SET geom = NULL WHERE id = {some('unit')}",
        f"UPDATE registry.site SET restricted = NOT restricted WHERE id = {some('site')}",
        f"DELETE FROM registry.structure_occupancy; "
        f"UPDATE registry.base_station SET valid_to = '{day}' WHERE id = {some('base_station')}",
    ))  # fmt: skip


def answers(scope: Scope) -> list[Any]:
    with session_scope(scope) as session:
        found: list[Any] = [
            sharing_on(session, day, by=by) for day in DAYS for by in ("commune", "street", "owner_kind")
        ]
        for kind in ("site", "pole", "duct"):
            for day in DAYS:
                each = survey(session, kind, day)
                placed = places(session, kind, "commune", day, empty=True)
                found.append((each.digest(), each.k.tolist(), placed.ids.tolist(), placed.group.tolist()))
        return found


def fresh(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    with monkeypatch.context() as patch:
        patch.setattr(kept, "_kept", OrderedDict())
        return answers(scope)


def plainly(session: Session, found: Survey) -> Survey:
    """Return a survey with its rows as they were read day by day."""
    first, second = (arrays(session, query, columns, day=found.as_of) for query, columns in PLAIN[found.kind])
    return replace(found, inputs=(first, second))


@pytest.mark.parametrize("seed", [1, 2])
def test_edits(own_database: str, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    pick = random.Random(seed)
    reads: Counter[str] = Counter()
    whole = all_days._read_poles

    def counted(session: Session, ids: Ints | None = None) -> Columns:
        reads["all" if ids is None else "changed"] += 1
        return whole(session, ids)

    with session_scope() as session:
        build(session)
    scopes = (system(), READ)
    for scope in scopes:
        answers(scope)
    for _ in range(20):
        statements = [edit(pick) for _ in range(pick.choice((1, 2, 4)))]
        with psycopg.connect(os.environ["HATANG_OWNER_DATABASE_URL"]) as owner, contextlib.suppress(IntegrityError):
            for statement in statements:  # what the constraints refuse is no edit
                owner.execute(sql.SQL(statement))
            if pick.random() < 0.1:
                owner.rollback()
        for scope in scopes:
            monkeypatch.setattr(all_days, "_read_poles", counted)
            found = answers(scope)
            monkeypatch.setattr(all_days, "_read_poles", whole)
            assert found == fresh(scope, monkeypatch), statements
            with session_scope(scope) as session:
                for each in (survey(session, kind, day) for kind in PLAIN for day in DAYS):
                    assert each.digest() == plainly(session, each).digest()
    assert reads["all"] == 0 < reads["changed"], "poles are renewed, never read anew"


def test_a_writer_at_work_is_renewed_when_it_commits(own_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writers: the later number commits first, is asked about, then the earlier."""
    with session_scope() as session:
        build(session)
    answers(READ)
    with engine().connect() as slow, slow.begin(), Session(slow) as first:
        enter(first, system())
        registry.pole(first, "EARLIER", 107.55, 16.42, "VNPT;FPT")
        with session_scope() as session:
            registry.pole(session, "LATER", 107.65, 16.42, "VNPT")
        before = answers(READ)
        assert before == fresh(READ, monkeypatch)
        slow.get_transaction().commit()  # type: ignore[union-attr]
    after = answers(READ)
    assert after == fresh(READ, monkeypatch) != before


def test_a_new_name_counts_nothing_again(own_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is told; a kind or a code decides what is counted."""
    counts: list[dt.date] = []
    count = surveys._READ["pole"]

    def counted(session: Session, as_of: dt.date, organisations: Organisations) -> Survey:
        counts.append(as_of)
        return count(session, as_of, organisations)

    def ask() -> tuple[list[str], float]:
        with session_scope() as session:
            found = survey(session, "pole", DAYS[1])
            return found.organisations.names, found.ratios["P3"].figure.numerator

    with session_scope() as session:
        build(session)
    monkeypatch.setitem(surveys._READ, "pole", counted)
    names, outside = ask()
    with session_scope() as session:
        session.execute(text("UPDATE registry.organisation SET name = 'Điện lực' WHERE code = 'EVN'"))
    renamed, same = ask()
    assert (set(renamed) - set(names), same) == ({"Điện lực"}, outside)
    assert len(counts) == 1
    with session_scope() as session:
        session.execute(text("UPDATE registry.organisation SET kind = 'operator' WHERE code = 'EVN'"))
    assert ask()[1] < outside
    with session_scope() as session:
        session.execute(text("UPDATE registry.organisation SET code = 'EVN_HUE' WHERE code = 'EVN'"))
    ask()
    assert len(counts) == 3
