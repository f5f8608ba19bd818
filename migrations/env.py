"""Runs migrations as the owner of the tables, then rebuilds policies, views and grants."""

import importlib
import re
from pathlib import Path
from typing import Any

from alembic import context
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

from app import cluster
from app.config import ROOT, settings
from app.database import Base
from app.publish.ogc import views

for models in sorted([*ROOT.glob("app/*/models.py"), *ROOT.glob("app/*/*/models.py")]):
    importlib.import_module(".".join(models.relative_to(ROOT).with_suffix("").parts))

SCHEMAS = ("registry", "policy", "audit", "jobs", "publish", "accounts", "licensing")


def owner_url() -> str:
    """Return the URL of the role that owns the tables."""
    given = context.config.get_main_option("sqlalchemy.url")
    configured = settings().owner_database_url or settings().database_url
    url = given or configured or cluster.private().url("hatang_owner")
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def include_name(name: str | None, type_: str, parent: Any) -> bool:
    """Compare our schemas only; PostGIS's own tables are not ours."""
    return name in SCHEMAS if type_ == "schema" else True


def include_object(item: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
    """Leave out what reflection cannot see the way it was declared."""
    if type_ == "table" and (item.schema not in SCHEMAS or (name or "").startswith("procrastinate_")):
        return False  # the queue's tables are its package's, not our models
    # Reflected as plain GiST indexes of geometry columns and of exclusion constraints.
    return not (type_ == "index" and name is not None and name.startswith(("idx_", "ex_")))


DROP_DERIVED = """
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN SELECT policyname, schemaname, tablename FROM pg_policies
                 WHERE schemaname IN ('registry', 'policy', 'audit', 'accounts', 'jobs', 'licensing')
    LOOP
        EXECUTE format('DROP POLICY %I ON %I.%I', found.policyname, found.schemaname, found.tablename);
    END LOOP;
    FOR found IN SELECT schemaname, viewname FROM pg_views WHERE schemaname IN ('past', 'publish')
    LOOP
        EXECUTE format('DROP VIEW IF EXISTS %I.%I CASCADE', found.schemaname, found.viewname);
    END LOOP;
END
$$
"""
"""Policies and views hold on to columns and functions: they go before a migration and come back from their files."""


def rebuild(connection: Connection) -> None:
    """Run every package's sql/*.sql in name order, then the grants: views and policies are code, not history."""
    scripts = sorted((ROOT / "app").glob("*/sql/*.sql"), key=lambda p: p.name)
    for script in scripts:
        connection.exec_driver_sql(script.read_text(encoding="utf-8").replace("%", "%%"))
    for statement in views.statements():
        connection.exec_driver_sql(statement.replace("%", "%%"))
    given = settings().database_url
    role = (given and make_url(given).username) or "hatang_app"
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", role), "a role whose name needs no quotes"
    grants = (Path(__file__).parent / "grants.sql").read_text(encoding="utf-8")
    connection.exec_driver_sql(grants.replace("hatang_app", role).replace("%", "%%"))


def run() -> None:
    """Migrate in one transaction: nobody sees a table without its policies."""
    engine = create_engine(owner_url(), poolclass=NullPool)  # nothing stays open, whatever fails
    newest = ScriptDirectory.from_config(context.config).get_current_head()
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(254)"))  # two processes may start at once
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_schemas=True,
            include_name=include_name,
            include_object=include_object,
            version_table_schema="public",
        )
        with context.begin_transaction():
            connection.exec_driver_sql(DROP_DERIVED.replace("%", "%%"))
            context.run_migrations()
            if context.get_context().get_current_revision() == newest:
                rebuild(connection)


run()
