"""Accounts nobody asked for by name: the first administrator, and those of the demo. There is no default password."""

from __future__ import annotations

from itertools import chain, count
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts import passwords, users
from app.accounts.roles import Role
from app.accounts.schemas import RoleGiven

FIRST_NAME = "quantri"
_DEMO: tuple[tuple[str, str, Role, str | None], ...] = (
    ("demo.viettel", "Viettel Huế (SYNTHETIC)", "operator", "VIETTEL"),
    ("demo.vnpt", "VNPT Huế (SYNTHETIC)", "operator", "VNPT"),
    ("demo.xa", "Cán bộ xã (SYNTHETIC)", "commune_officer", None),
    ("demo.so", "Sở, ngành khác (SYNTHETIC)", "other_department", None),
    ("demo.quyhoach", "Chuyên viên quy hoạch (SYNTHETIC)", "planner", None),
    ("demo.quantri", "Quản trị viên (SYNTHETIC)", "administrator", None),
)


class Handed(NamedTuple):
    """An account and the password to hand over."""

    name: str
    role: str
    password: str


def ensure_administrator(session: Session) -> Handed | None:
    """Make an administrator with a one-time password when none is active; two processes at once make one."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('accounts.administrator', 0))"))
    if session.scalar(text("SELECT accounts.administrators()")):
        return None
    taken = set(session.scalars(text("SELECT name FROM accounts.account WHERE name ~ '^quantri[0-9]*$'")))
    name = next(n for n in chain([FIRST_NAME], (f"{FIRST_NAME}{i}" for i in count(2))) if n not in taken)
    number = users.add(session, name, "Quản trị viên", roles=[RoleGiven(role="administrator")])
    return Handed(name, "administrator", users.reset_password(session, number))


def add_demo_accounts(session: Session) -> list[Handed]:
    """Make one SYNTHETIC account of each role with a random password; names that are taken stay as they are."""
    commune = session.scalar(
        text("""SELECT id FROM unit WHERE level = 'commune' AND synthetic
                AND registry.in_force(valid_from, valid_to, accounts.today()) ORDER BY code LIMIT 1""")
    )
    taken = set(session.scalars(text("SELECT name FROM accounts.account")))
    handed = []
    for name, shown, role, organisation in _DEMO:
        if name in taken or (role == "commune_officer" and commune is None):
            continue
        given = RoleGiven.model_validate(
            {"role": role, "organisation": organisation, "unit_id": commune if role == "commune_officer" else None}
        )
        number = users.add(session, name, shown, roles=[given])
        password = passwords.generated()
        users.set_password(session, number, password)
        handed.append(Handed(name, role if organisation is None else f"{role}:{organisation}", password))
    return handed
