"""`hatang user`: accounts, roles and tokens from the command line, in the name of the operating-system user."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.kit.console import AsJson, show

user = typer.Typer(no_args_is_help=True, help="Accounts, their roles and API tokens.")
Name = Annotated[str, typer.Argument(help="Name of the account.")]


@user.command("add")
def add(
    name: Name,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", help="operator:VIETTEL, commune_officer:CODE, other_department, planner…; repeat."),
    ] = None,
    display_name: Annotated[str | None, typer.Option("--display-name", help="As shown; default the name.")] = None,
    email: Annotated[str | None, typer.Option("--email")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an account and print its one-time password; it has to be changed at the first sign-in."""
    from app.accounts import service
    from app.database import session_scope

    with session_scope() as session:
        made = service.add_from_text(session, name, display_name or name, email, role or [])
    show(made, as_json, "Mật khẩu dùng một lần · one-time password")


@user.command("list")
def list_users(as_json: AsJson = False) -> None:
    """List the accounts and the roles they hold today."""
    from app.accounts import users
    from app.database import session_scope

    with session_scope() as session:
        found = users.users(session)
    show(found if as_json else [_row(account) for account in found], as_json, "Tài khoản · accounts")


@user.command("role")
def role(
    name: Name,
    give: Annotated[str | None, typer.Option("--give", help="As --role of `hatang user add`.")] = None,
    end: Annotated[
        int | None, typer.Option("--end", help="Number of the role, from `hatang user list --json`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give an account a role, or end one today."""
    from app.accounts import service
    from app.database import session_scope

    with session_scope() as session:
        changed = service.change_roles(session, name, give, end)
    show(changed if as_json else [_row(changed)], as_json)


@user.command("token")
def token(
    account: Name,
    name: Annotated[str, typer.Option("--name", help="What the token is for.")],
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="Days until it expires.")] = 90,
    scope: Annotated[list[str] | None, typer.Option("--scope", help="read, write, administer; default read.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API token and print it: it is shown this once."""
    from app.accounts import service
    from app.database import session_scope

    with session_scope() as session:
        made = service.make_token(session, account, name, scope or ["read"], days)
    show(made, as_json, "Mã truy cập · API token")


@user.command("tokens")
def list_tokens(account: Name, as_json: AsJson = False) -> None:
    """List the tokens of an account, without their secrets."""
    from app.accounts import tokens, users
    from app.database import session_scope

    with session_scope() as session:
        found = tokens.tokens(session, users.user_named(session, account)["id"])
    show(found, as_json, "Mã truy cập · API tokens")


@user.command("revoke-token")
def revoke_token(
    token_id: Annotated[int, typer.Argument(help="Number of the token.")], as_json: AsJson = False
) -> None:
    """End a token at once."""
    from app.accounts import tokens
    from app.database import session_scope

    with session_scope() as session:
        tokens.revoke(session, token_id)
    show({"id": token_id, "revoked": True}, as_json)


@user.command("sessions")
def list_sessions(account: Name, as_json: AsJson = False) -> None:
    """List where an account is signed in: since when, last seen, from which address and browser."""
    from app.accounts import sessions, users
    from app.database import session_scope

    with session_scope() as session:
        found = sessions.sessions(session, users.user_named(session, account)["id"])
    for row in found:
        del row["current"]  # a command has no session of its own
    show(found, as_json, "Phiên đăng nhập · sessions")


@user.command("end-sessions")
def end_sessions(account: Name, as_json: AsJson = False) -> None:
    """Sign an account out everywhere at once; its password and tokens stay."""
    from app.accounts import sessions, users
    from app.database import session_scope

    with session_scope() as session:
        found = users.user_named(session, account)
        ended = sessions.end_all(session, found["id"])
    show({"name": found["name"], "ended": ended}, as_json, "Phiên đã kết thúc · sessions ended")


@user.command("reset-password")
def reset_password(name: Name, as_json: AsJson = False) -> None:
    """Give an account a new one-time password and end its sessions."""
    from app.accounts import users
    from app.database import session_scope

    with session_scope() as session:
        number = users.user_named(session, name)["id"]
        made = {"name": name.lower(), "one_time_password": users.reset_password(session, number)}
    show(made, as_json, "Mật khẩu dùng một lần · one-time password")


@user.command("deactivate")
def deactivate(name: Name, as_json: AsJson = False) -> None:
    """Close an account; its sessions and tokens end at once."""
    from app.accounts import users
    from app.database import session_scope

    with session_scope() as session:
        number = users.user_named(session, name)["id"]
        users.change(session, number, {"active": False})
        changed = users.user(session, number)
    show(changed if as_json else [_row(changed)], as_json)


@user.command("link")
def link(
    name: Name,
    subject: Annotated[
        str | None, typer.Argument(help="The provider's identifier of the person; without it, the link is taken back.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let somebody of the provincial single sign-on sign in to an account."""
    from app.accounts import oidc, users
    from app.database import session_scope

    with session_scope() as session:
        number = users.user_named(session, name)["id"]
        oidc.link(session, number, subject)
        linked = {"name": name.lower()} | oidc.linked(session, number)
    show(linked, as_json)


def _row(account: dict[str, Any]) -> dict[str, Any]:
    """Return an account as a line of a table."""
    roles = (
        ":".join(part for part in (r["role"], r["organisation"], r["unit"]) if part)
        for r in account["roles"]
        if r["in_force"]
    )
    return {
        "id": account["id"],
        "tên · name": account["name"],
        "họ tên · display name": account["display_name"],
        "vai trò · roles": ", ".join(roles),
        "hoạt động · active": account["active"],
    }
