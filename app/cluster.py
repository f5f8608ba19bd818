"""The private PostgreSQL/PostGIS cluster used when HATANG_DATABASE_URL is unset.

It lives under `var/postgres`, listens on a Unix socket only and lets in exactly the operating-system
user that made it (peer authentication), so there is no password to lose. Three roles: `postgres` sets
up, `hatang_owner` owns tables and migrates, `hatang_app` is what the application logs in as: no
superuser, owner of nothing.
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from app.config import settings
from app.errors import Unavailable
from app.kit.postgres import LEAKPROOF

MIN_MAJOR = 15
DATABASE = "hatang"
_SOCKET_LIMIT = 90  # sockaddr_un holds 107 bytes, PostgreSQL adds "/.s.PGSQL.5432"
_ROLES = ("postgres", "hatang_owner", "hatang_app")
_SETUP = """
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS btree_gist;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
"""


class ClusterError(Unavailable):
    """The private cluster cannot be used; the message says how to mend it."""


def _runner() -> str | None:
    """Return the unprivileged user to become when we are root, else None."""
    if os.geteuid() != 0:
        return None
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def find_bin(major: int | None = None) -> Path:
    """Return the directory of initdb and pg_ctl of `major`, or of the highest version installed."""
    root = Path("/usr/lib/postgresql")
    found = {int(p.name): p / "bin" for p in root.glob("[0-9]*") if (p / "bin" / "initdb").exists()}
    on_path = shutil.which("pg_ctl")
    if not found and on_path:
        version = subprocess.run([on_path, "--version"], capture_output=True, text=True, check=True).stdout
        found[int(version.split()[-1].split(".")[0])] = Path(on_path).resolve().parent
    usable = {v: p for v, p in found.items() if v >= MIN_MAJOR}
    if not usable:
        raise ClusterError(
            "postgresql_missing",
            f"Chưa có PostgreSQL ≥ {MIN_MAJOR} với PostGIS: sudo apt-get install postgresql-15-postgis-3",
            f"PostgreSQL ≥ {MIN_MAJOR} with PostGIS is not installed: sudo apt-get install postgresql-15-postgis-3",
        )
    if major is None:
        with_postgis = [v for v in usable if (Path(f"/usr/share/postgresql/{v}/extension/postgis.control")).exists()]
        return usable[max(with_postgis or usable)]
    if major not in usable:
        have = ", ".join(map(str, sorted(usable)))
        raise ClusterError(
            "cluster_version",
            f"Dữ liệu thuộc PostgreSQL {major}, máy chỉ có {have}. Cài postgresql-{major}-postgis-3, "
            "hoặc sao lưu bằng phiên bản cũ rồi khôi phục.",
            f"The data directory belongs to PostgreSQL {major}; installed: {have}. Install "
            f"postgresql-{major}-postgis-3, or back up with the old version and restore here.",
        )
    return usable[major]


@dataclass(frozen=True)
class Cluster:
    """One data directory and the server that runs on it.

    Parameters
    ----------
    directory : Path
        Data directory; made by `start` when it does not exist.
    durable : bool
        False only for throw-away test clusters: no fsync.
    """

    directory: Path
    durable: bool = True
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def socket_dir(self) -> Path:
        """Directory of the Unix socket: beside the data, or under /tmp when that path is too long."""
        beside = self.directory.parent / f"{self.directory.name}.run"
        if len(str(beside)) <= _SOCKET_LIMIT:
            return beside
        return Path("/tmp") / f"hatang-{hashlib.sha256(str(self.directory).encode()).hexdigest()[:12]}"  # noqa: S108

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.directory.parent / f"{self.directory.name}.log"

    def url(self, role: str = "hatang_app", database: str = DATABASE) -> str:
        """Return the connection URL of `role` over the socket."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket_dir), safe='')}"

    def running(self) -> bool:
        """Say whether a server answers on the socket."""
        if not (self.directory / "postmaster.pid").exists():
            return False
        try:
            psycopg.connect(self.url("postgres", "postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def start(self) -> bool:
        """Start the server, making cluster, roles and database on the first run.

        Returns
        -------
        bool
            True when this call started it, False when it was running.

        Raises
        ------
        ClusterError
            PostgreSQL is missing, of another major version than the data, or does not come up.
        """
        self._make_parents()
        with self._locked():
            if self.running():
                return False
            fresh = not (self.directory / "PG_VERSION").exists()
            bin_dir = find_bin(None if fresh else self._data_major())
            if fresh:
                self._initdb(bin_dir)
            self._configure()
            self._drop_stale_pid()
            self._pg_ctl_start(bin_dir)
            self._create_roles_and_database()
        return True

    def stop(self, mode: str = "fast") -> bool:
        """Stop the server; return False when none ran."""
        if not (self.directory / "postmaster.pid").exists():
            return False
        done = self._run(find_bin(self._data_major()) / "pg_ctl", "-D", self.directory, "-m", mode, "-w", "stop")
        return done.returncode == 0

    def superuser(self, database: str = DATABASE) -> psycopg.Connection:
        """Connect as the set-up superuser; only set-up and tests may."""
        return psycopg.connect(self.url("postgres", database), autocommit=True)

    # -- the steps of start ---------------------------------------------------------------------

    def _run(self, program: Path, *args: object) -> subprocess.CompletedProcess[str]:
        command = [str(program), *map(str, args)]
        user = _runner()
        if user:
            command = ["runuser", "-u", user, "--", *command]
        # LC_ALL: initdb refuses unknown locales; cwd: the unprivileged user may not enter ours.
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd="/", check=False)

    def _make_parents(self) -> None:
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        user = _runner()
        for path in (self.directory, self.socket_dir):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if user:
                shutil.chown(path, user, user if user == "postgres" else None)
        if not self.log.exists():
            self.log.touch(mode=0o600)
            if user:
                shutil.chown(self.log, user)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.directory.parent / f"{self.directory.name}.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _data_major(self) -> int:
        return int((self.directory / "PG_VERSION").read_text().strip().split(".")[0])

    def _initdb(self, bin_dir: Path) -> None:
        # An initdb killed half-way leaves files and no PG_VERSION; nothing accepted can be in there yet.
        leftovers = list(self.directory.iterdir())
        foreign = [p.name for p in leftovers if not p.name.startswith(("pg_", "base", "global", "postgresql."))]
        if foreign:
            raise ClusterError(
                "not_a_cluster",
                f"{self.directory} chứa tệp lạ ({foreign[0]}); hãy dọn hoặc đặt HATANG_VAR_DIR khác",
                f"{self.directory} holds something else ({foreign[0]}); move it or set HATANG_VAR_DIR elsewhere",
            )
        for leftover in leftovers:
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        done = self._run(
            bin_dir / "initdb", "-D", self.directory, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
            "--auth=peer", *([] if self.durable else ["--no-sync"]),
        )  # fmt: skip
        if done.returncode:
            raise ClusterError(
                "initdb_failed",
                f"Không tạo được cụm dữ liệu: {done.stderr.strip()}",
                f"initdb failed: {done.stderr.strip()}",
            )

    def _configure(self) -> None:
        users = {getpass.getuser(), "root" if os.geteuid() == 0 else getpass.getuser()}
        runner = _runner() or getpass.getuser()
        ident = [f"hatang {user} {role}" for user in sorted(users) for role in _ROLES]
        if runner not in users:
            ident.append(f"hatang {runner} postgres")
        values = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_dir),
            "unix_socket_permissions": "0700",
            "max_connections": "100",
            "shared_buffers": "256MB",
            "work_mem": "32MB",
            "maintenance_work_mem": "256MB",
            "max_wal_size": "2GB",
            "random_page_cost": "1.1",
            "jit": "off",
            "timezone": "UTC",
            "log_line_prefix": "%m [%p] ",
            **({} if self.durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}),
            **self.extra,
        }
        self._write("hatang.conf", "".join(f"{k} = '{v}'\n" for k, v in values.items()))
        self._write("pg_hba.conf", "local all all peer map=hatang\n")
        self._write("pg_ident.conf", "\n".join(ident) + "\n")
        main = self.directory / "postgresql.conf"
        if "include 'hatang.conf'" not in main.read_text():
            with main.open("a") as handle:
                handle.write("include 'hatang.conf'\n")

    def _write(self, name: str, content: str) -> None:
        path = self.directory / name
        path.write_text(content)
        user = _runner()
        if user:
            shutil.chown(path, user)

    def _drop_stale_pid(self) -> None:
        """Remove postmaster.pid when its process is gone or, after a reboot, is somebody else."""
        pid_file = self.directory / "postmaster.pid"
        if not pid_file.exists():
            return
        first = pid_file.read_text().split("\n", 1)[0].strip()
        comm = Path(f"/proc/{first}/comm")
        if not first.isdigit() or not comm.exists() or "postgres" not in comm.read_text():
            pid_file.unlink()

    def _pg_ctl_start(self, bin_dir: Path) -> None:
        # After kill -9 of the postmaster its children hold the shared memory for a moment: try again.
        for _ in range(20):
            done = self._run(bin_dir / "pg_ctl", "-D", self.directory, "-l", self.log, "-w", "-t", "120", "-s", "start")
            if done.returncode == 0:
                return
            tail = self.log.read_text(errors="replace")[-2000:]
            if "still in use" not in tail and "lock file" not in tail:
                break
            time.sleep(0.5)
        raise ClusterError(
            "cluster_start",
            f"Cụm PostgreSQL không khởi động, xem {self.log}",
            f"The PostgreSQL cluster does not start, see {self.log}",
            log=tail.strip().splitlines()[-5:],
        )

    def _create_roles_and_database(self) -> None:
        with self.superuser("postgres") as connection:
            for role in ("hatang_owner", "hatang_app"):
                if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                    connection.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                self.create_database(DATABASE, connection)

    def create_database(self, name: str, connection: psycopg.Connection, template: str | None = None) -> None:
        """Create database `name` owned by `hatang_owner`, with PostGIS; or as a copy of `template`."""
        source = f" TEMPLATE {template}" if template else ""
        connection.execute(f'CREATE DATABASE "{name}" OWNER hatang_owner{source}')
        if template is None:
            with self.superuser(name) as inside:
                inside.execute(_SETUP + LEAKPROOF)

    def drop_database(self, name: str) -> None:
        """Drop database `name`, ending its connections."""
        with self.superuser("postgres") as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _reachable(path: Path) -> bool:
    """Say whether the unprivileged user can enter every parent of `path`."""
    existing = next(p for p in [path, *path.parents] if p.exists())
    return all(parent.stat().st_mode & 0o001 for parent in [existing, *existing.parents])


def private() -> Cluster:
    """Return the cluster of this checkout: under var/, or under /var/tmp when root's home hides it."""
    directory = settings().var_dir / "postgres"
    if os.geteuid() == 0 and not _reachable(directory.parent):
        name = hashlib.sha256(str(directory).encode()).hexdigest()[:12]
        directory = Path("/var/tmp") / f"hatang-{name}" / "postgres"  # noqa: S108
    return Cluster(directory)


__all__ = ["DATABASE", "Cluster", "ClusterError", "find_bin", "private"]
