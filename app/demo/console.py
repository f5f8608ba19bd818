"""What `hatang demo` does: build, compute coverage and sharing, make accounts, each in its own transaction."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.first import add_demo_accounts
from app.coverage.queries import latest_run
from app.coverage.service import run_coverage
from app.database import session_scope
from app.demo import applications
from app.demo.parameters import label
from app.demo.service import Tell, build_demo, demo_exists
from app.kit.progress import bar
from app.sharing.definitions import DEFINITIONS
from app.sharing.snapshots import freeze

STEPS = {
    "communes": "xã, phường / communes",
    "terrain": "địa hình / terrain",
    "villages": "thôn, bản / villages",
    "store": "ghi / storing",
    "roads": "đường / roads",
    "sites": "vị trí trạm / sites",
    "radio": "trạm gốc / base stations",
    "poles": "cột / poles",
    "ducts": "cống bể / ducts",
    "facilities": "cơ sở / facilities",
    "prices": "giá thuê / prices",
    "constraints": "ràng buộc / constraints",
}


def run(seed: int, scale: float, as_of: dt.date, console: Console) -> dict[str, Any]:
    """Build the demo province, its coverage and sharing on `as_of`, and an account of each role; return the figures.

    Raises
    ------
    AppError
        As `app.demo.service.build_demo`; nothing is kept of a build that fails.
    """
    seconds: dict[str, float] = {}

    def part(name: str, work: Callable[[Session, Tell], Any]) -> Any:
        start = time.perf_counter()
        with bar(console, STEPS | {"signals": "tín hiệu / signals"}) as tell, session_scope() as session:
            result = work(session, tell)
        seconds[name] = round(time.perf_counter() - start, 1)
        return result

    rows = part("demo", lambda session, tell: build_demo(session, seed, scale, tell))
    coverage = part("coverage", lambda session, tell: run_coverage(session, as_of=as_of, progress=tell).counts)
    # Before the ratios are frozen: one of the applications ends in an occupancy.
    asked = part("applications", lambda session, _: applications.write(session))
    sharing = part("sharing", lambda session, _: _ratios(session, as_of))
    accounts = part("accounts", lambda session, _: add_demo_accounts(session))
    return {
        "source": label(seed),
        "scale": scale,
        "as_of": as_of,
        "rows": rows,
        "coverage": coverage,
        "applications": asked,
        "sharing": sharing,
        "accounts": [account._asdict() for account in accounts],
        "seconds": seconds,
    }


def empty() -> bool:
    """Say whether the registry holds neither units, villages nor sites."""
    query = "SELECT EXISTS (SELECT FROM registry.{0})"
    with session_scope() as session:
        return not any(session.scalar(text(query.format(t))) for t in ("unit", "village", "site", "pole"))


def finish(as_of: dt.date, console: Console) -> bool:
    """Complete a demo that was interrupted after its rows were kept; return False when it was complete."""
    with session_scope() as session:
        if latest_run(session, None, as_of) is not None or not demo_exists(session):
            return False
    with bar(console) as tell, session_scope() as session:
        run_coverage(session, as_of=as_of, progress=tell)
    with session_scope() as session:
        applications.write(session)
    with session_scope() as session:
        freeze(session, as_of, "SYNTHETIC demo")
    with session_scope() as session:
        for made in add_demo_accounts(session):
            console.print(f"mật khẩu · password: {made.name} ({made.role}): {made.password}", highlight=False)
    return True


def _ratios(session: Session, as_of: dt.date) -> dict[str, dict[str, float | None]]:
    """Freeze the ratios of the day and return the default definitions for the province."""
    found = freeze(session, as_of, "SYNTHETIC demo")
    default = {d.code for d in DEFINITIONS.values() if d.default}
    whole = [r for r in found.results if r["scope_kind"] == "province" and r["definition"] in default]
    return {
        r["definition"]: {name: r[name] for name in ("numerator", "denominator", "unknown", "ratio")}
        for r in sorted(whole, key=lambda r: str(r["definition"]), reverse=True)
    }


def rows(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the summary as lines of a table: every number beside what it counts."""
    lines = [(f"registry.{table}", count) for table, count in summary["rows"].items()]
    lines += [
        (f"coverage: {name}", value) for name, value in summary["coverage"].items() if not isinstance(value, dict)
    ]
    lines += [(f"applications: {state}", count) for state, count in summary["applications"].items()]
    for name, r in summary["sharing"].items():
        ratio = "—" if r["ratio"] is None else f"{r['ratio']:.2f} %"
        lines.append(
            (f"sharing: {name}", f"{ratio} = {r['numerator']:.0f}/{r['denominator']:.0f}, ? {r['unknown']:.0f}")
        )
    lines += [(f"seconds: {name}", value) for name, value in summary["seconds"].items()]
    lines += [(f"mật khẩu · password: {a['name']} ({a['role']})", a["password"]) for a in summary["accounts"]]
    return [{"": name, summary["source"]: value} for name, value in lines]
