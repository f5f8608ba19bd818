"""Runs migrations as the owner of the tables, then rebuilds the views and grants."""

import importlib
from pathlib import Path
from typing import Any

from alembic import context
from sqlalchemy import Connection, create_engine, text

from app import cluster
from app.config import ROOT, settings
from app.database import Base

for models in sorted(ROOT.glob("app/*/models.py")):
    importlib.import_module(f"app.{models.parent.name}.models")

SCHEMAS = ("registry", "policy", "audit", "jobs", "publish")


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
    if type_ == "table" and item.schema not in SCHEMAS:
        return False
    # Reflected as plain GiST indexes of geometry columns and of exclusion constraints.
    return not (type_ == "index" and name is not None and name.startswith(("idx_", "ex_")))


def rebuild_views(connection: Connection) -> None:
    """Run every package's sql/*.sql in name order; views are code, not history."""
    for script in sorted((ROOT / "app").glob("*/sql/*.sql"), key=lambda p: p.name):
        connection.exec_driver_sql(script.read_text(encoding="utf-8").replace("%", "%%"))
    connection.exec_driver_sql((Path(__file__).parent / "grants.sql").read_text(encoding="utf-8").replace("%", "%%"))


def run() -> None:
    """Migrate in one transaction."""
    engine = create_engine(owner_url())
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
            context.run_migrations()
            if connection.execute(text("SELECT to_regnamespace('publish')")).scalar() is not None:
                rebuild_views(connection)
    engine.dispose()


run()
