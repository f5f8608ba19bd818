"""Accounts, their roles and tokens, and the view log over HTTP; for administrators."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response

from app.accounts import tokens, users, view_log
from app.accounts.access import DbSession, WritingSession
from app.accounts.roles import ADMINISTRATOR, allow
from app.accounts.schemas import (
    Looks,
    MadeUser,
    NewUser,
    OneTimePassword,
    RoleGiven,
    TokenState,
    UserPage,
    UserPatch,
    UserState,
    ViewLogQuestion,
    json_links,
)
from app.kit.etag import check_match, etag_of
from app.kit.page import MAX_ID, Paged

router = APIRouter()
ONLY = allow(ADMINISTRATOR)
UserId = Annotated[int, Path(ge=1, le=MAX_ID, description="Number of the account")]
RoleId = Annotated[int, Path(ge=1, le=MAX_ID, description="Number of the role")]
TokenId = Annotated[int, Path(ge=1, le=MAX_ID, description="Number of the token")]
TAKEN: dict[int | str, dict[str, Any]] = {409: {"description": "It contradicts what is on record"}}
CONDITION: dict[int | str, dict[str, Any]] = TAKEN | {
    412: {"description": "The account changed meanwhile; both versions are in the body"},
    428: {"description": "If-Match is missing"},
}


@router.get("/api/users", summary="Accounts", openapi_extra=ONLY)
def get_users(session: DbSession, asked: Annotated[Paged, Query()]) -> UserPage:
    """One page of the accounts by name, with the roles each holds, held or will hold."""
    found = users.users(session, asked.limit, asked.offset)
    matched = users.count(session)
    return UserPage(
        users=[UserState(**row) for row in found], matched=matched, links=json_links(asked, "/api/users", matched)
    )


@router.post("/api/users", summary="Make an account", status_code=201, openapi_extra=ONLY, responses=TAKEN)
def add_user(session: WritingSession, response: Response, given: NewUser) -> MadeUser:
    """Make an account with a one-time password, which is in this answer and nowhere else."""
    number = users.add(session, given.name, given.display_name, email=given.email, roles=given.roles)
    password = users.reset_password(session, number)
    made = users.user(session, number)
    response.headers["ETag"] = etag_of(made)
    return MadeUser(**made, one_time_password=password)


@router.get("/api/users/{user_id}", summary="One account", openapi_extra=ONLY)
def get_user(session: DbSession, response: Response, user_id: UserId) -> UserState:
    """Give the account with its ETag, which a change has to name."""
    found = users.user(session, user_id)
    response.headers["ETag"] = etag_of(found)
    return UserState(**found)


@router.patch("/api/users/{user_id}", summary="Change an account", openapi_extra=ONLY, responses=CONDITION)
def change_user(
    session: WritingSession, response: Response, user_id: UserId, given: UserPatch,
    if_match: Annotated[str | None, Header(max_length=1000, description="ETag of the version that was read")] = None,
) -> UserState:  # fmt: skip
    """Change display name, email or whether it is active; deactivated, it loses its sessions and tokens at once."""
    users.lock(session, user_id)
    current, changes = users.user(session, user_id), given.model_dump(exclude_unset=True)
    check_match(if_match, current, current | changes)
    users.change(session, user_id, changes)
    changed = users.user(session, user_id)
    response.headers["ETag"] = etag_of(changed)
    return UserState(**changed)


@router.post("/api/users/{user_id}/roles", summary="Give a role", status_code=201, openapi_extra=ONLY, responses=TAKEN)
def add_role(session: WritingSession, user_id: UserId, given: RoleGiven) -> UserState:
    """Give the account one more role; it counts from the account's next request."""
    users.user(session, user_id)
    users.add_role(session, user_id, given)
    return UserState(**users.user(session, user_id))


@router.delete("/api/users/{user_id}/roles/{role_id}", summary="End a role", openapi_extra=ONLY, responses=TAKEN)
def end_role(session: WritingSession, user_id: UserId, role_id: RoleId) -> UserState:
    """End the role today; it stays on record."""
    users.end_role(session, user_id, role_id)
    return UserState(**users.user(session, user_id))


@router.post("/api/users/{user_id}/reset-password", summary="Give a one-time password", openapi_extra=ONLY)
def reset_password(session: WritingSession, user_id: UserId) -> OneTimePassword:
    """Replace the password by a generated one, which is in this answer and nowhere else; its sessions end."""
    users.user(session, user_id)
    return OneTimePassword(one_time_password=users.reset_password(session, user_id))


@router.get("/api/users/{user_id}/tokens", summary="Tokens of an account", openapi_extra=ONLY)
def get_user_tokens(session: DbSession, user_id: UserId) -> list[TokenState]:
    """List its tokens, without their secrets."""
    users.user(session, user_id)
    return [TokenState(**row) for row in tokens.tokens(session, user_id)]


@router.delete("/api/users/{user_id}/tokens/{token_id}", summary="Revoke a token", status_code=204, openapi_extra=ONLY)
def revoke_user_token(session: WritingSession, user_id: UserId, token_id: TokenId) -> None:
    """End somebody's token at once."""
    tokens.revoke(session, token_id, user_id)


@router.get("/api/view-log", summary="Who looked at others' data", openapi_extra=ONLY)
def get_view_log(session: DbSession, asked: Annotated[ViewLogQuestion, Query()]) -> Looks:
    """One page of looks at restricted objects and at other organisations' networks, newest first."""
    found, matched = view_log.looks(session, asked)
    return Looks(looks=found, matched=matched, links=json_links(asked, "/api/view-log", matched))
