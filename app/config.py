"""Settings of one Hatang process, read from `HATANG_*` environment variables."""

from functools import lru_cache
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"


class Settings(BaseSettings):
    """Everything an administrator may set; each field is the variable HATANG_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix="HATANG_", extra="ignore")

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

    statement_timeout_s: int = Field(default=60, ge=1, le=3600)
    province_code: str = "46"
    metric_crs: str = "EPSG:9214"
    """VN-2000 / TM-3 zone of the province; the default CRS of exchange in metres."""

    page_limit: int = Field(default=1000, ge=1, le=10_000)

    @field_validator("var_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()


@lru_cache
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings()
