"""Settings of one Hatang process, read from `HATANG_*` environment variables."""

from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.errors import Invalid

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"


def is_loopback(url: str) -> bool:
    """Say whether `url` names this machine, where plain HTTP crosses no network."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def is_safe_url(url: str) -> bool:
    """Say whether secrets may travel to `url`: HTTPS, or plain HTTP on this machine; no user, no fragment."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 — reading it refuses a port that is no number
    except ValueError:
        return False
    known = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))
    return known and bool(parts.hostname) and "@" not in parts.netloc and not parts.fragment


class RoleRule(BaseModel):
    """A role for whoever the OpenID provider says `claim` contains `value` of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claim: str = Field(min_length=1)
    """Name of a claim; dots lead into objects: realm_access.roles."""
    value: str = Field(min_length=1)
    role: Literal["operator", "commune_officer", "other_department", "planner", "administrator"]
    organisation: str | None = None
    """Code of the operator's own organisation; for the role operator, and only for it."""
    commune: str | None = None
    """Code of the officer's commune in force; for the role commune_officer, and only for it."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.role == "operator") != bool(self.organisation):
            raise ValueError("organisation goes with the role operator, and operator needs one")
        if (self.role == "commune_officer") != bool(self.commune):
            raise ValueError("commune goes with the role commune_officer, and commune_officer needs one")
        return self


class SignOn(BaseModel):
    """Single sign-on at the province's OpenID provider; off while `oidc_issuer` is unset."""

    model_config = ConfigDict(frozen=True)

    oidc_issuer: str | None = None
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_redirect_url: str = ""
    """…/api/session/oidc/callback as browsers reach it, the address registered with the provider."""

    oidc_scopes: str = "openid profile email"
    oidc_label_vi: str = Field(default="Đăng nhập một lần của tỉnh", min_length=1)
    oidc_label_en: str = Field(default="Provincial single sign-on", min_length=1)
    oidc_create: bool = False
    """Create an account at the first log-in of somebody the provider knows and Hatang does not."""

    oidc_roles: tuple[RoleRule, ...] = ()
    """JSON list of rules; with any, the provider decides the roles, anew at each log-in."""

    oidc_contact: str = ""
    """Whom to ask for an account: an address or telephone number, shown to those without one."""

    oidc_timeout_s: float = Field(default=5, gt=0, le=60)
    """For each step of a request to the provider."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.oidc_issuer is None:
            return self
        if not self.oidc_client_id or not self.oidc_client_secret.get_secret_value():
            raise ValueError("HATANG_OIDC_ISSUER needs HATANG_OIDC_CLIENT_ID and HATANG_OIDC_CLIENT_SECRET")
        for name, url in (("ISSUER", self.oidc_issuer), ("REDIRECT_URL", self.oidc_redirect_url)):
            if not is_safe_url(url) or urlsplit(url).query:
                raise ValueError(f"HATANG_OIDC_{name} needs an https address; http only on this machine")
        if not self.oidc_redirect_url.endswith("/api/session/oidc/callback"):
            raise ValueError("HATANG_OIDC_REDIRECT_URL ends with /api/session/oidc/callback")
        if "openid" not in self.oidc_scopes.split():
            raise ValueError("HATANG_OIDC_SCOPES needs openid among them")
        return self


class Settings(SignOn, BaseSettings):
    """Everything an administrator may set; each field is the variable HATANG_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix="HATANG_", extra="ignore", hide_input_in_errors=True)

    database_url: str | None = None
    """PostGIS to use instead of the private cluster: postgresql://role@host/name."""

    owner_database_url: str | None = None
    """The same database as the role that owns the tables; migrations use it. Default: database_url."""

    var_dir: Path = ROOT / "var"
    """Where the private cluster, terrain and exports live."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    workers: int = Field(default=2, ge=1, le=64)
    """Threads for numeric work."""

    serve_worker: bool = True
    """Do background jobs within `hatang serve` too; false where `hatang worker` runs, here or on other machines."""

    dask_scheduler: str | None = None
    """Address of a Dask scheduler, tcp://host:8786, whose workers do the numeric work instead."""

    statement_timeout_s: int = Field(default=60, ge=1, le=3600)
    province_code: str = "46"
    metric_crs: str = "EPSG:9214"
    """VN-2000 / TM-3 zone of the province; the default CRS of exchange in metres."""

    page_limit: int = Field(default=1000, ge=1, le=10_000)

    session_idle_hours: int = Field(default=12, ge=1, le=24 * 30)
    """Hours without a request after which a browser has to sign in again."""

    session_days: int = Field(default=7, ge=1, le=90)
    """Days after which it has to in any case."""

    log_in_window_minutes: int = Field(default=15, ge=1, le=24 * 60)
    log_in_failures_per_name: int = Field(default=5, ge=1, le=1000)
    log_in_failures_per_address: int = Field(default=20, ge=1, le=100_000)
    """Failed attempts to sign in within the window, after which further ones are refused (429)."""

    trusted_proxies: str = ""
    """Addresses of reverse proxies, comma-separated, whose X-Forwarded-For and -Proto are believed; else nobody's."""

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, value: str) -> str:
        for part in filter(None, (p.strip() for p in value.split(","))):
            if part != "*":
                ip_network(part, strict=False)  # refused with its own words
        return value

    @field_validator("var_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()


@lru_cache
def settings() -> Settings:
    """Return the settings of this process, read once.

    Raises
    ------
    Invalid
        `settings`: a variable has a value it cannot have; the message names it and never shows a value.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "HATANG_" + str(first["loc"][0]).upper() if first["loc"] else "HATANG_*"
        raise Invalid("settings", f"Thiết lập {name} không hợp lệ: {first['msg']}",
                      f"The setting {name} is not valid: {first['msg']}", field=name) from None  # fmt: skip
