"""The demo province the browser tests look at, one restricted site in it, and people of each role."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from app.accounts import users
from app.coverage.service import run_coverage
from app.database import say_why, session_scope
from app.demo.service import build_demo
from app.kit.page import today
from tests.accounts.people import make_person, number_of

RESTRICTED = "S-BROWSER"


@dataclass(frozen=True)
class Person:
    """Name and password of an account."""

    name: str
    password: str

    def credentials(self) -> dict[str, str]:
        return {"name": self.name, "password": self.password}


def populate(scale: float) -> dict[str, Person]:
    """Fill the empty database in use; return who may sign in, by what they are."""
    with session_scope() as session:
        build_demo(session, scale=scale)
        say_why(session, "SYNTHETIC")
        # One site becomes a national-security work; the demo has such at its full size only.
        session.execute(
            text("""
                UPDATE registry.site SET restricted = true, code = :code WHERE id = (
                    SELECT id FROM registry.site WHERE valid_to IS NULL AND NOT restricted ORDER BY id LIMIT 1)
            """),
            {"code": RESTRICTED},
        )
    with session_scope() as session:
        run_coverage(session, as_of=today())
        people = {
            "planner": make_person(session, "planner"),
            "administrator": make_person(session, "administrator"),
            "viettel": make_person(session, "operator", "VIETTEL"),
            "mobifone": make_person(session, "operator", "MOBIFONE"),
            "other_department": make_person(session, "other_department"),
            "newcomer": make_person(session, "planner"),
            "changer": make_person(session, "planner"),
        }
        users.set_password(session, number_of(session, people["newcomer"][0]), people["newcomer"][1], must_change=True)
    return {what: Person(*known) for what, known in people.items()}
