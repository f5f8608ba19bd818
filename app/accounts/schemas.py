"""What the routes of accounts take and give; a member nobody asked for is refused."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.accounts.identity import Identity
from app.accounts.roles import PUBLIC
from app.kit.page import MAX_ID, Day, Paged, refused

TokenScope = Literal["read", "write", "administer"]
HeldRole = Literal["operator", "commune_officer", "other_department", "planner", "administrator"]
Password = Annotated[str, Field(min_length=1, max_length=1000)]
AccountName = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[A-Za-z0-9._@-]{3,64}$"),
    Field(description="3 to 64 letters without accents, digits and . _ @ -; case does not matter"),
]  # fmt: skip
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Email = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$"),
]  # fmt: skip


class Given(BaseModel):
    """A request body."""

    model_config = ConfigDict(extra="forbid")


def json_links(asked: Paged, path: str, matched: int) -> list[dict[str, str]]:
    """Return the links of a page that is no GeoJSON."""
    return [link | {"type": "application/json"} for link in asked.links(path, matched)]


class SignIn(Given):
    """Name and password."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    password: Password


class NewPassword(Given):
    """The password that holds and the one that shall."""

    old: Password
    new: Password


class SessionState(BaseModel):
    """Who is signed in; `roles` is ["public"] when nobody is."""

    signed_in: bool
    account_id: int | None
    name: str
    display_name: str
    roles: list[str]
    organisations: list[str] = Field(description="Codes of the organisations the account acts for")
    communes: list[int] = Field(description="Ids of the communes it acts for")
    must_change_password: bool
    credential: Literal["session", "token"] | None
    scopes: list[str] = Field(description="Scopes of the token; empty for a session, which may do everything")
    csrf: str = Field(description="Value of the header X-CSRF-Token of every change")

    @classmethod
    def of(cls, identity: Identity) -> SessionState:
        """Show an identity."""
        signed_in = identity.account_id is not None
        return cls(
            signed_in=signed_in, account_id=identity.account_id, name=identity.name,
            display_name=identity.display_name, roles=list(identity.roles) if signed_in else [PUBLIC],
            organisations=list(identity.organisations), communes=list(identity.communes),
            must_change_password=identity.must_change_password, credential=identity.credential,
            scopes=list(identity.scopes), csrf=identity.csrf,
        )  # fmt: skip


class OpenSession(BaseModel):
    """A browser the account is signed in with."""

    id: int
    current: bool = Field(description="The one this request came with")
    created_at: dt.datetime
    last_seen_at: dt.datetime = Field(description="To the minute")
    expires_at: dt.datetime = Field(description="Sooner or later, as it is used")
    address: str = Field(description="From where it signed in")
    user_agent: str = Field(description="What the browser said of itself")


class EndedSessions(BaseModel):
    """How many sessions were ended."""

    ended: int


class NewToken(Given):
    """A token to make."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
    scopes: Annotated[set[TokenScope], Field(min_length=1)] = {"read"}
    days: Annotated[int, Field(ge=1, le=365, description="Days until it expires")] = 90


class TokenState(BaseModel):
    """A token, without its secret."""

    id: int
    name: str
    scopes: list[TokenScope]
    created_at: dt.datetime
    expires_at: dt.datetime
    revoked_at: dt.datetime | None
    last_used_at: dt.datetime | None = Field(description="To the minute")


class MadeToken(TokenState):
    """A new token with its secret, which is shown this once."""

    token: str


class RoleGiven(Given):
    """A role to give: an operator's with its organisation, a commune officer's with its commune."""

    role: HeldRole
    organisation: Annotated[str | None, Field(max_length=30, description="Code; for operator only")] = None
    unit_id: Annotated[int | None, Field(ge=1, le=MAX_ID, description="Commune; for commune_officer only")] = None
    valid_from: Annotated[Day | None, Field(description="First day; default today")] = None
    valid_to: Annotated[Day | None, Field(description="Day it no longer holds")] = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.role == "operator") != (self.organisation is not None):
            raise refused(
                "role_organisation", "vai trò operator, và chỉ vai trò đó, cần organisation",
                "the role operator, and no other, takes organisation",
            )  # fmt: skip
        if (self.role == "commune_officer") != (self.unit_id is not None):
            raise refused(
                "role_unit", "vai trò commune_officer, và chỉ vai trò đó, cần unit_id",
                "the role commune_officer, and no other, takes unit_id",
            )  # fmt: skip
        if self.valid_from and self.valid_to and self.valid_from > self.valid_to:
            raise refused("valid_order", "valid_to trước valid_from", "valid_to is before valid_from")
        return self


class NewUser(Given):
    """An account to make; its password is generated and shown once."""

    name: AccountName
    display_name: Label
    email: Email | None = None
    roles: Annotated[list[RoleGiven], Field(max_length=20)] = []


class UserPatch(Given):
    """What may change of an account; roles and passwords have routes of their own."""

    display_name: Label | None = None
    email: Email | None = None
    active: bool | None = None

    @model_validator(mode="after")
    def _kept(self) -> Self:
        for name in ("display_name", "active"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise refused("not_null", f"{name} không được để trống", f"{name} cannot be taken away")
        return self


class RoleState(BaseModel):
    """A role an account holds, held or will hold."""

    id: int
    role: HeldRole
    organisation: str | None
    unit_id: int | None
    unit: str | None = Field(description="Name of the commune")
    valid_from: dt.date
    valid_to: dt.date | None
    in_force: bool


class UserState(BaseModel):
    """An account with its roles."""

    id: int
    name: str
    display_name: str
    email: str | None
    active: bool
    must_change_password: bool
    single_sign_on: bool
    created_at: dt.datetime
    password_changed_at: dt.datetime | None
    roles: list[RoleState]


class UserPage(BaseModel):
    """A page of accounts."""

    users: list[UserState]
    matched: int
    links: list[dict[str, str]]


class OneTimePassword(BaseModel):
    """The password to hand over; it has to be changed at the first sign-in and is shown this once."""

    one_time_password: str


class MadeUser(UserState, OneTimePassword):
    """A new account with its one-time password."""


class ViewLogQuestion(Paged):
    """Which looks."""

    actor: Annotated[str | None, Field(max_length=100, description="As stored: user:7")] = None
    layer: Annotated[str | None, Field(max_length=100, description="What was looked at")] = None
    restricted: Annotated[bool | None, Field(description="Only looks at restricted objects, or only others")] = None


class Look(BaseModel):
    """One look at restricted objects or at another organisation's network."""

    id: int
    at: dt.datetime
    actor: str
    name: str | None = Field(description="Of the account; null for what is no account")
    action: str
    layer: str
    object_id: int | None
    restricted: bool


class Looks(BaseModel):
    """A page of the view log, newest first."""

    looks: list[Look]
    matched: int
    links: list[dict[str, str]]
