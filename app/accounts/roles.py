"""The roles an account may hold, and what a route says of who may call it."""

from __future__ import annotations

from typing import Any, Final, Literal

Role = Literal["public", "operator", "commune_officer", "other_department", "planner", "administrator"]

PUBLIC: Final = "public"
OPERATOR: Final = "operator"
COMMUNE_OFFICER: Final = "commune_officer"
OTHER_DEPARTMENT: Final = "other_department"
PLANNER: Final = "planner"
ADMINISTRATOR: Final = "administrator"

ROLES: tuple[Role, ...] = (PUBLIC, OPERATOR, COMMUNE_OFFICER, OTHER_DEPARTMENT, PLANNER, ADMINISTRATOR)
DEPARTMENT: tuple[Role, ...] = (PLANNER, ADMINISTRATOR)
SIGNED_IN: tuple[Role, ...] = ROLES[1:]

EXTENSION = "x-hatang-roles"
"""Member of an operation in the OpenAPI document: who may call it. `app.accounts.access` goes by it, and a route
without it is refused to everybody."""


def allow(*roles: Role) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that `roles` may call; PUBLIC is everybody.

    Row-level security decides what such a caller then finds.
    """
    assert roles, "a route names its roles"
    return {EXTENSION: [role for role in ROLES if role in roles]}
