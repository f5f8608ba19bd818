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


def test_citations_learn_vietnamese_unless_an_officer_wrote_them(own_database: str) -> None:
    config = Config(str(ROOT / "alembic.ini"))
    query = """SELECT name, citation FROM policy.parameter WHERE kind IN ('colocation', 'constraints') ORDER BY name"""
    with cluster_of_run().superuser(own_database.split("/")[3].split("?")[0]) as connection:
        told = connection.execute(query).fetchall()
        assert all(" · " in citation for _, citation in told)
        command.downgrade(config, "0028")
        assert not any(" · " in citation for _, citation in connection.execute(query))
        connection.execute("UPDATE policy.parameter SET citation = 'QĐ 87/2025' WHERE name = 'room'")
        connection.commit()
        command.upgrade(config, "head")
        again = connection.execute(query).fetchall()
    assert [row for row in again if row[0] != "room"] == [row for row in told if row[0] != "room"]
    assert ("room", "QĐ 87/2025") in again


def test_fold_is_the_same_in_sql_and_python(session: Session) -> None:
    from app.kit.text import fold

    for name in ("Thuỷ Xuân", "Thủy Xuân", "Đông Ba", "A Lưới", "PHÚ LỘC", "Hương Thuỷ"):
        assert session.execute(text("SELECT registry.fold(:n)"), {"n": name}).scalar() == fold(name)
