"""Migrations go up, down and up again, and say exactly what the models say."""

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.config import ROOT
from tests.conftest import test_cluster as cluster_of_run


def test_up_down_up(own_database: str) -> None:
    config = Config(str(ROOT / "alembic.ini"))
    command.downgrade(config, "base")
    with cluster_of_run().superuser(own_database.split("/")[3].split("?")[0]) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname IN ('registry', 'policy')").fetchone()
        assert row == (0,)
    command.upgrade(config, "head")
    command.check(config)


def test_fold_is_the_same_in_sql_and_python(session: Session) -> None:
    from app.kit.text import fold

    for name in ("Thuỷ Xuân", "Thủy Xuân", "Đông Ba", "A Lưới", "PHÚ LỘC", "Hương Thuỷ"):
        assert session.execute(text("SELECT registry.fold(:n)"), {"n": name}).scalar() == fold(name)
