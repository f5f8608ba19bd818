"""Row-level security decides by itself: the tables are asked directly, past every line of the application."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.database import PUBLIC, Scope, scope_of, statistics
from tests.registry.two_networks import TABLES, Networks, build, scope

NOBODY = ("site", "structure", "base_station", "cell", "structure_occupancy", "pole", "pole_occupancy", "manhole",
          "trench", "duct", "bore", "duct_occupancy", "cable", "distribution_point", "facility_connection",
          "demand_point", "signal")  # fmt: skip
"""Tables of which the public sees no row."""


@pytest.fixture
def networks(session: Session) -> Networks:
    return build(session)


def seen(session: Session, table: str) -> set[int]:
    return set(session.scalars(text(f"SELECT id FROM registry.{table}")))


def operator(networks: Networks, code: str) -> Scope:
    return Scope("user:1", ("operator",), (networks.organisations[code],))


def test_the_public_sees_areas_and_no_network(session: Session, networks: Networks) -> None:
    with scope(session, PUBLIC):
        assert seen(session, "village")
        assert seen(session, "unit")
        assert seen(session, "facility") == {networks.rows["facility"]["office"]}
        for table in NOBODY:
            assert session.execute(text(f"SELECT count(*) FROM registry.{table}")).scalar() == 0, table


def test_a_transaction_that_said_nothing_is_the_public(own_database: str) -> None:
    import psycopg

    with psycopg.connect(own_database) as connection:
        connection.execute("SELECT registry.enter('test', '{system}', '{}', '{}')")
        connection.execute(
            "INSERT INTO registry.pole (code, geom) VALUES ('P1', ST_SetSRID(ST_MakePoint(107.5, 16.4), 4326))"
        )
        assert connection.execute("SELECT count(*) FROM registry.pole").fetchone() == (1,)
        connection.commit()
        # The same connection, the next transaction: nothing of the scope is left.
        assert connection.execute("SELECT count(*) FROM registry.pole").fetchone() == (0,)


@pytest.mark.parametrize("table", TABLES)
def test_an_operator_sees_its_own_and_nothing_of_the_other(session: Session, networks: Networks, table: str) -> None:
    rows = networks.rows[table]
    with scope(session, operator(networks, "VIETTEL")):
        found = seen(session, table)
    assert found == {rows[name] for name in rows if name in networks.viettel_sees[table]}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("role", ["other_department", "statistics"])
def test_who_reads_all_sees_everything_but_the_restricted(
    session: Session, networks: Networks, table: str, role: str
) -> None:
    rows = networks.rows[table]
    with scope(session, Scope("user:1", (role,))):
        assert seen(session, table) == {key for name, key in rows.items() if "secret" not in name}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("role", ["planner", "administrator", "system"])
def test_the_department_sees_every_row(session: Session, networks: Networks, table: str, role: str) -> None:
    with scope(session, Scope("user:1", (role,))):
        assert seen(session, table) == set(networks.rows[table].values())


def test_an_officer_sees_what_lies_in_the_commune(session: Session, networks: Networks) -> None:
    here = Scope("user:2", ("commune_officer",), (), (networks.commune,))
    with scope(session, here):
        assert seen(session, "pole") == {networks.rows["pole"]["viettel"]}
        assert seen(session, "pole_occupancy") == {networks.rows["pole_occupancy"]["viettel"]}
        assert seen(session, "site") == {networks.rows["site"]["viettel"], networks.rows["site"]["shared"]}
        assert not seen(session, "cell")
        assert seen(session, "demand_point") == {networks.rows["demand_point"]["here"]}


WRITES = [
    ("site", "INSERT INTO registry.site (code, owner_id, geom) VALUES ('X', :vnpt, :here)"),
    ("site", "INSERT INTO registry.site (code, owner_id, restricted, geom) VALUES ('X', :viettel, true, :here)"),
    ("site", "INSERT INTO registry.site (code, geom) VALUES ('X', :here)"),
    ("site", "UPDATE registry.site SET owner_id = :vnpt WHERE id = :my_site"),
    ("site", "UPDATE registry.site SET restricted = true WHERE id = :my_site"),
    ("structure", "INSERT INTO registry.structure (site_id, code, owner_id, geom)"
     " VALUES (:their_site, 'X', :viettel, :here)"),
    ("structure", "UPDATE registry.structure SET site_id = :their_site WHERE id = :my_structure"),
    ("structure", "UPDATE registry.structure SET site_id = :secret_site WHERE id = :my_structure"),
    ("base_station", "INSERT INTO registry.base_station (site_id, code, operator_id, technology)"
     " VALUES (:their_site, 'X', :viettel, '4G')"),
    ("base_station", "UPDATE registry.base_station SET site_id = :their_site WHERE id = :my_station"),
    ("base_station", "UPDATE registry.base_station SET structure_id = :their_structure WHERE id = :my_station"),
    ("cell", "INSERT INTO registry.cell (base_station_id, code) VALUES (:their_station, 'X')"),
    ("structure_occupancy", "INSERT INTO registry.structure_occupancy (structure_id, tenant_id)"
     " VALUES (:their_structure, :viettel)"),
    ("pole_occupancy", "INSERT INTO registry.pole_occupancy (pole_id, tenant_id) VALUES (:their_pole, :viettel)"),
    ("pole_occupancy", "UPDATE registry.pole_occupancy SET pole_id = :their_pole WHERE id = :my_line"),
    ("duct_occupancy", "INSERT INTO registry.duct_occupancy (duct_id, tenant_id) VALUES (:their_duct, :viettel)"),
    ("village", "INSERT INTO registry.village (code, name, point) VALUES ('X', 'X', :here)"),
    ("organisation", "INSERT INTO registry.organisation (code, name, kind) VALUES ('XX', 'X', 'other')"),
    ("parameter", "INSERT INTO policy.parameter (kind, name, value, citation) VALUES ('x', 'x', '{}', 'x')"),
    ("sharing_snapshot", "INSERT INTO registry.sharing_snapshot (label, as_of, known_at, definitions, inputs, results,"
     " sha256) VALUES ('x', '2026-01-01', now(), '[]', '{}', '[]', repeat('0', 64))"),
]  # fmt: skip


@pytest.mark.parametrize("statement", [s for _, s in WRITES], ids=[f"{t}-{i}" for i, (t, _) in enumerate(WRITES)])
def test_an_operator_cannot_write_beyond_its_own(session: Session, networks: Networks, statement: str) -> None:
    with scope(session, operator(networks, "VIETTEL")):
        nested = session.begin_nested()
        with pytest.raises(DBAPIError) as caught:
            session.execute(text(statement), networks.values())
        nested.rollback()
    assert getattr(caught.value.orig, "sqlstate", "") == "42501"


@pytest.mark.parametrize("table", [t for t in TABLES if t not in {"demand_point", "signal"}])
def test_an_update_of_anothers_row_touches_nothing(session: Session, networks: Networks, table: str) -> None:
    others = [key for name, key in networks.rows[table].items() if "vnpt" in name or "secret" in name]
    with scope(session, operator(networks, "VIETTEL")):
        done: Any = session.execute(text(f"UPDATE registry.{table} SET id = id WHERE id = ANY (:ids)"), {"ids": others})
        assert done.rowcount == 0


def test_an_operator_writes_its_own(session: Session, networks: Networks) -> None:
    with scope(session, operator(networks, "VIETTEL")):
        for statement in (
            "INSERT INTO registry.site (code, owner_id, geom) VALUES ('MINE', :viettel, :here)",
            "INSERT INTO registry.structure (site_id, code, owner_id, geom) VALUES (:my_site, 'MINE', :viettel, :here)",
            "INSERT INTO registry.base_station (site_id, code, operator_id, technology)"
            " VALUES (:rented_site, 'MINE', :viettel, '5G')",
            "INSERT INTO registry.structure_occupancy (structure_id, tenant_id) VALUES (:my_structure, :vnpt)",
            "UPDATE registry.pole SET height_m = 9 WHERE id = :my_pole",
        ):
            done: Any = session.execute(text(statement), networks.values())
            assert done.rowcount == 1, statement


def test_codes_of_another_owner_are_free(session: Session, networks: Networks) -> None:
    # Were codes unique over all owners, a refusal would tell that VNPT, or the army, has an object of that code.
    with scope(session, operator(networks, "VIETTEL")):
        for code in ("VNPT-SITE", "SECRET-SITE"):
            added: Any = session.execute(
                text("INSERT INTO registry.site (code, owner_id, geom) VALUES (:code, :viettel, :here)"),
                networks.values() | {"code": code},
            )
            assert added.rowcount == 1, code


def test_figures_see_all_and_give_the_scope_back(session: Session, networks: Networks) -> None:
    mine = operator(networks, "VIETTEL")
    with scope(session, mine):
        with statistics(session):
            assert seen(session, "site") == {k for n, k in networks.rows["site"].items() if "secret" not in n}
        assert scope_of(session) == mine
        assert networks.rows["site"]["vnpt"] not in seen(session, "site")
    with scope(session, Scope("user:9", ("planner",))), statistics(session):
        assert seen(session, "site") == set(networks.rows["site"].values())


def test_every_table_is_secured_and_none_belongs_to_the_application(session: Session) -> None:
    open_tables = session.scalars(
        text("""
        SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('registry', 'policy', 'audit', 'accounts', 'jobs', 'licensing') AND c.relkind IN ('r', 'p')
          AND NOT c.relrowsecurity
    """)
    ).all()
    assert open_tables == []
    role = session.execute(
        text("""
        SELECT rolsuper, rolbypassrls, (SELECT count(*) FROM pg_class WHERE relowner = r.oid AND relpersistence <> 't')
        FROM pg_roles r WHERE rolname = current_user
    """)
    ).one()
    assert tuple(role) == (False, False, 0)


def test_every_view_runs_as_its_reader(session: Session) -> None:
    views = session.execute(
        text("""
        SELECT c.oid::regclass::text, coalesce('security_invoker=true' = ANY (c.reloptions), false)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('registry', 'policy', 'audit', 'accounts', 'publish', 'past') AND c.relkind IN ('v', 'm')
    """)
    ).all()
    assert views
    assert [name for name, invoker in views if not invoker] == []


def test_functions_of_the_owner_fix_their_search_path(session: Session) -> None:
    loose = session.scalars(
        text("""
        SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname IN ('registry', 'policy', 'audit', 'accounts', 'publish', 'licensing') AND p.prosecdef
          AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS c WHERE c LIKE 'search_path=%pg_temp')
    """)
    ).all()
    assert loose == []


@pytest.mark.parametrize(
    "attack",
    ["TRUNCATE registry.pole", "DELETE FROM registry.pole", "ALTER TABLE registry.pole DISABLE ROW LEVEL SECURITY",
     "ALTER TABLE registry.pole DISABLE TRIGGER ALL", "SET session_replication_role = replica",
     "CREATE POLICY x ON registry.pole USING (true)", "SET ROLE hatang_owner", "CREATE TABLE registry.x (a int)",
     "CREATE FUNCTION public.x() RETURNS int LANGUAGE sql AS 'SELECT 1'", "INSERT INTO audit.change DEFAULT VALUES",
     "UPDATE audit.change SET actor = 'nobody'", "DELETE FROM audit.change", "DELETE FROM audit.view_log",
     "COPY registry.pole FROM '/etc/passwd'", "DROP VIEW past.pole"],
)  # fmt: skip
def test_the_application_role_cannot_switch_it_off(session: Session, attack: str) -> None:
    nested = session.begin_nested()
    with pytest.raises(DBAPIError) as caught:
        session.execute(text(attack))
    nested.rollback()
    assert getattr(caught.value.orig, "sqlstate", "") in {"42501", "0A000"}
