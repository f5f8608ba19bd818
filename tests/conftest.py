"""A real PostGIS for the tests: one throw-away cluster per run, one database per worker, built by the migrations."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import QueuePool
from sqlalchemy.orm import Session

from app import database
from app.accounts import access
from app.cluster import Cluster
from app.config import settings

TEMPLATE = "hatang_template"
_CLUSTER = "HATANG_TEST_CLUSTER"


def test_cluster() -> Cluster:
    """Return the cluster of this run, started by the controlling process."""
    return Cluster(Path(os.environ[_CLUSTER]), durable=False)


test_cluster.__test__ = False  # type: ignore[attr-defined]


def use_database(name: str) -> None:
    """Point this process's settings and engine at database `name` of the test cluster."""
    os.environ["HATANG_DATABASE_URL"] = test_cluster().url("hatang_app", name)
    os.environ["HATANG_OWNER_DATABASE_URL"] = test_cluster().url("hatang_owner", name)
    if database.engine.cache_info().currsize:
        _leave()
    database.engine.cache_clear()
    settings.cache_clear()


def _leave() -> None:
    """Close the engine's connections; one still lent would be closed by the garbage collector, in another test."""
    pool = database.engine().pool
    assert isinstance(pool, QueuePool)
    deadline = time.monotonic() + 10
    while pool.checkedout() and time.monotonic() < deadline:
        time.sleep(0.01)  # a request of a server that just stopped may still be giving its connection back
    lent = pool.checkedout()
    database.engine().dispose()
    assert not lent, f"{lent} connections were never given back"


def create_database(name: str, template: str | None = TEMPLATE) -> None:
    """Create database `name` as a copy of the migrated template."""
    with test_cluster().superuser("postgres") as connection:
        test_cluster().create_database(name, connection, template)


def pytest_configure(config: pytest.Config) -> None:
    """Start the cluster and migrate the template, once, before the workers start."""
    if hasattr(config, "workerinput") or config.option.collectonly or _CLUSTER in os.environ:
        return
    folder = Path(tempfile.mkdtemp(prefix="hatang-test-"))
    folder.chmod(0o755)  # the unprivileged server must be able to enter
    os.environ[_CLUSTER] = str(folder / "pg")
    os.environ["HATANG_VAR_DIR"] = str(folder / "var")
    config.stash[_FOLDER] = folder
    test_cluster().start()
    create_database(TEMPLATE, None)
    use_database(TEMPLATE)
    from app.cli import migrate

    migrate()
    database.engine().dispose()


_FOLDER = pytest.StashKey[Path]()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop and remove what pytest_configure made."""
    folder = config.stash.get(_FOLDER, None)
    if folder is not None:
        test_cluster().stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)
        del os.environ[_CLUSTER]


@pytest.fixture(scope="session", autouse=True)
def worker_database(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of this worker's database; tests that share it roll back."""
    name = f"hatang_{worker_id}"
    create_database(name)
    os.environ["HATANG_VAR_DIR"] = str(tmp_path_factory.mktemp("var"))
    use_database(name)
    return name


@pytest.fixture
def session() -> Iterator[Session]:
    """Return a session whose whole work is rolled back after the test."""
    with database.engine().connect() as connection:
        transaction = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as inner:
            database.enter(inner, database.system())
            yield inner
        transaction.rollback()


@pytest.fixture
def client(session: Session) -> Iterator[TestClient]:
    """Return an HTTP client of a planner, whose requests see `session`'s uncommitted rows."""
    with client_in(session, database.Scope("user:0", ("planner",))) as inner:
        yield inner


def department_app() -> FastAPI:
    """Return the application with every caller taken for a planner, for real servers over committed rows."""
    from app.main import create_app

    def entered() -> Iterator[Session]:
        with database.session_scope(database.Scope("user:0", ("planner",))) as session:
            yield session

    app = create_app()
    app.dependency_overrides[access.request_session] = entered
    app.dependency_overrides[access.writing_session] = entered
    return app


@contextmanager
def client_in(session: Session, scope: database.Scope) -> Iterator[TestClient]:
    """Yield an HTTP client whose requests run in `session`'s transaction and the given scope."""
    from app.main import create_app

    def entered() -> Iterator[Session]:
        database.enter(session, scope)
        try:
            yield session
        finally:
            database.look_back(session, None)
            database.enter(session, database.system())

    app = create_app()
    app.dependency_overrides[access.request_session] = entered
    app.dependency_overrides[access.writing_session] = entered
    with TestClient(app) as inner:
        app.state.kept_tiles = None  # these rows are not committed: nothing of them may be kept
        yield inner


@pytest.fixture
def own_database(worker_id: str, worker_database: str, tmp_path: Path) -> Iterator[str]:
    """Database of this test alone, for commands that commit; HATANG_VAR_DIR is the test's own too."""
    name = f"hatang_own_{worker_id}"
    create_database(name)
    var_dir = os.environ["HATANG_VAR_DIR"]
    os.environ["HATANG_VAR_DIR"] = str(tmp_path / "var")
    use_database(name)
    yield test_cluster().url("hatang_app", name)
    os.environ["HATANG_VAR_DIR"] = var_dir
    use_database(worker_database)
    test_cluster().drop_database(name)


Hatang = Callable[..., tuple[int, str, str]]


@pytest.fixture
def hatang(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Hatang:
    """Return a function that runs the command in this process: exit code, output, messages."""

    from app import cli

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hatang", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return run
