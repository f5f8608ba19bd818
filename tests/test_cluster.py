"""The private cluster: a life of its own, killed, restarted, and refused when it is another's."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.cluster import Cluster, ClusterError, find_bin
from app.errors import Unavailable
from app.kit.postgres import check_application_role, index_is_hidden, prepare_given

pytestmark = pytest.mark.xdist_group("cluster")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    import shutil
    import tempfile

    # Not tmp_path: pytest's folder is closed to the unprivileged user the server runs as.
    folder = Path(tempfile.mkdtemp(prefix="hatang-cluster-"))
    folder.chmod(0o755)
    made = Cluster(folder / "pg")
    yield made
    made.stop("immediate")
    shutil.rmtree(folder)


def one(cluster: Cluster, query: str, role: str = "hatang_app") -> object:
    with psycopg.connect(cluster.url(role), autocommit=True) as connection:
        row = connection.execute(query).fetchone()
        return row[0] if row else None


def test_start_twice_stop_and_restart(cluster: Cluster) -> None:
    assert cluster.start() is True
    assert cluster.start() is False
    assert cluster.stop() is True
    assert cluster.running() is False
    assert cluster.stop() is False
    assert cluster.start() is True
    assert str(one(cluster, "SELECT postgis_version()")).startswith("3.")


def test_accepted_rows_survive_kill_9(cluster: Cluster) -> None:
    cluster.start()
    with psycopg.connect(cluster.url("hatang_owner"), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA s; CREATE TABLE s.kept (n int)")
        connection.execute("INSERT INTO s.kept VALUES (42)")
    pid = int((cluster.directory / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.05)
    assert cluster.running() is False
    assert cluster.start() is True
    assert one(cluster, "SELECT n FROM s.kept", "hatang_owner") == 42


def test_pid_file_of_somebody_else_does_not_block(cluster: Cluster) -> None:
    cluster.start()
    cluster.stop()
    (cluster.directory / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster.directory}\n")
    assert cluster.start() is True


def test_half_made_directory_is_made_again(cluster: Cluster) -> None:
    cluster._make_parents()
    (cluster.directory / "base").mkdir()
    assert cluster.start() is True


def test_somebody_elses_folder_is_left_alone(cluster: Cluster) -> None:
    cluster._make_parents()
    (cluster.directory / "thesis.docx").write_text("years of work")
    with pytest.raises(ClusterError) as caught:
        cluster.start()
    assert caught.value.code == "not_a_cluster"
    assert (cluster.directory / "thesis.docx").exists()


def test_other_major_version_is_refused_with_the_mend(cluster: Cluster) -> None:
    cluster._make_parents()
    (cluster.directory / "PG_VERSION").write_text("12\n")
    with pytest.raises(ClusterError) as caught:
        cluster.start()
    assert caught.value.code == "cluster_version"
    assert "postgresql-12-postgis-3" in caught.value.en
    assert (cluster.directory / "PG_VERSION").read_text() == "12\n"


def test_server_is_not_root_and_listens_on_no_port(cluster: Cluster) -> None:
    cluster.start()
    pid = int((cluster.directory / "postmaster.pid").read_text().split()[0])
    assert Path(f"/proc/{pid}").stat().st_uid != 0
    assert one(cluster, "SHOW listen_addresses") == ""


def test_application_role_is_plain(cluster: Cluster) -> None:
    cluster.start()
    assert one(cluster, "SELECT rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole FROM pg_roles "
                        "WHERE rolname = current_user") is False  # fmt: skip
    for attack in ("CREATE SCHEMA x", "CREATE TABLE public.x ()", "SET ROLE hatang_owner", "SET ROLE postgres",
                   "COPY (SELECT 1) TO PROGRAM 'true'", "CREATE EXTENSION hstore"):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            one(cluster, attack)


def test_long_path_puts_the_socket_under_tmp(tmp_path: Path) -> None:
    deep = Cluster(tmp_path / ("x" * 120) / "pg")
    assert len(str(deep.socket_dir)) < 90
    assert str(deep.socket_dir).startswith("/tmp/")


def test_binaries_are_found() -> None:
    assert (find_bin() / "initdb").exists()


def test_given_database_gets_its_extensions_or_a_clear_word(cluster: Cluster) -> None:
    cluster.start()
    with cluster.superuser("postgres") as connection:
        connection.execute("CREATE DATABASE theirs OWNER hatang_owner")
    with pytest.raises(Unavailable, match="CREATE EXTENSION postgis"):
        prepare_given(cluster.url("hatang_owner", "theirs"))
    prepare_given(cluster.url("postgres", "theirs"))
    prepare_given(cluster.url("hatang_owner", "theirs"))  # now they are there


def test_given_database_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        prepare_given(f"postgresql://nobody@/none?host={tmp_path}")
    assert caught.value.code == "database_unreachable"


def test_a_role_that_row_level_security_does_not_bind_is_refused(cluster: Cluster) -> None:
    cluster.start()
    app, owner = cluster.url("hatang_app"), cluster.url("hatang_owner")
    assert check_application_role(app, owner) == "hatang_app"
    with cluster.superuser() as connection:  # as `hatang serve` asks, which knows no owner's address
        connection.execute("CREATE SCHEMA registry AUTHORIZATION hatang_owner CREATE TABLE site (id int)")
        connection.execute("ALTER TABLE registry.site OWNER TO hatang_owner")
    assert check_application_role(app) == "hatang_app"
    with pytest.raises(Unavailable):
        check_application_role(owner)
    for unsafe in (owner, cluster.url("postgres")):
        with pytest.raises(Unavailable) as caught:
            check_application_role(unsafe, owner)
        assert caught.value.code == "unsafe_role"
    for given in ("ALTER ROLE hatang_app BYPASSRLS", "GRANT hatang_owner TO hatang_app"):
        with cluster.superuser() as connection:
            connection.execute(given)
        with pytest.raises(Unavailable):
            check_application_role(app, owner)
        with cluster.superuser() as connection:
            connection.execute("ALTER ROLE hatang_app NOBYPASSRLS")
            connection.execute("REVOKE hatang_owner FROM hatang_app")
    assert index_is_hidden(app) is False
    with cluster.superuser() as connection:
        connection.execute("ALTER FUNCTION geometry_overlaps(geometry, geometry) NOT LEAKPROOF")
    assert index_is_hidden(app) is True
