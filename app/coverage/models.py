"""Terrain tiles, claims and measurements, and what a coverage run found: signals per point, verdicts per village."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, CheckConstraint, Date, DateTime, ForeignKey, Index, String, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from app.coverage.rules import EVIDENCE
from app.database import Base, Keyed, Lived, Sourced, geometry, lived_checks, no_overlap, on_land, reference
from app.sites.models import TECHNOLOGIES

VERDICTS = ("covered", "not_covered", "unknown")
MEASUREMENTS = ("drive_test", "speed_test")
CALIBRATIONS = ("trial", "in_use", "retired")
LEVELS_DBM = (-160, -20)
"""Least and greatest level of a reference signal anybody measures or claims (2G RxLev to 5G SS-RSRP)."""
MAX_MBPS = 100_000


def _among(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint("{} IN ({})".format(column, ", ".join(f"'{v}'" for v in values)), name=column)


def _level(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} >= {LEVELS_DBM[0]} AND {column} <= {LEVELS_DBM[1]}", name=column)


def _rate(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} >= 0 AND {column} <= {MAX_MBPS}", name=column)


def _shares() -> CheckConstraint:
    return CheckConstraint("share_low >= 0 AND share_low <= share_high AND share_high <= 1", name="share_interval")


class Tiled(Keyed, Sourced):
    """A raster kept memory-mapped under var/; the file's own grid, EPSG:4326."""

    folder: ClassVar[str]
    """Under var/."""
    name_vi: ClassVar[str]
    name_en: ClassVar[str]
    command: ClassVar[str]
    """Which command adds files of the kind."""
    __tablename__: str

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[CheckConstraint, ...]:
        """Two posts at least in either direction."""
        return (CheckConstraint("width > 1 AND height > 1", name="size"),)

    name: Mapped[str] = mapped_column(String, unique=True)
    sha256: Mapped[str] = mapped_column(String, unique=True)
    path: Mapped[str]
    """Relative to the folder."""
    width: Mapped[int]
    height: Mapped[int]
    west: Mapped[float]
    north: Mapped[float]
    step_lon_deg: Mapped[float]
    step_lat_deg: Mapped[float]
    void_share: Mapped[float]
    added_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    extent: Mapped[WKBElement] = geometry("POLYGON")


class TerrainTile(Tiled, Base):
    """Heights of the ground in metres, float32."""

    __tablename__ = "terrain_tile"
    folder = "terrain"
    name_vi, name_en = "địa hình", "terrain"
    command = "hatang terrain add"


class LandCoverTile(Tiled, Base):
    """What stands on the ground: index of a class of `app.coverage.land_cover`, uint8, 0 unknown."""

    __tablename__ = "land_cover_tile"
    folder = "land_cover"
    name_vi, name_en = "lớp phủ mặt đất", "land cover"
    command = "hatang land-cover add"

    scheme: Mapped[str]
    """Name of the policy row land_cover_scheme by which the file's values became classes."""


class CoverageClaim(Keyed, Lived, Sourced, Base):
    """A polygon in which an operator says it serves a technology (QCVN 81:2019, QCVN 126:2021); public."""

    __tablename__ = "coverage_claim"
    __table_args__ = (
        *lived_checks(),
        no_overlap("coverage_claim", "operator_id", "code"),
        on_land(),
        _among("technology", TECHNOLOGIES),
        _level("rsrp_min_dbm"),
        _rate("downlink_mbps"),
    )

    code: Mapped[str] = mapped_column(String, index=True)
    operator_id: Mapped[int] = reference("organisation")
    technology: Mapped[str]
    rsrp_min_dbm: Mapped[float | None]
    """Level outdoors the operator promises inside; null when it promises none."""
    downlink_mbps: Mapped[float | None]
    geom: Mapped[WKBElement] = geometry("MULTIPOLYGON")
    """Polygons of one operator and technology may overlap: together they are what is claimed."""


class SignalMeasurement(Keyed, Sourced, Base):
    """One sample of a drive test or one speed test; levels as for rules: RxLev, RSCP, RSRP, SS-RSRP."""

    __tablename__ = "signal_measurement"
    __table_args__ = (
        on_land("point"),
        _among("technology", TECHNOLOGIES),
        _among("kind", MEASUREMENTS),
        _level("rsrp_dbm"),
        _rate("downlink_mbps"),
        _rate("uplink_mbps"),
        CheckConstraint("frequency_mhz >= 30 AND frequency_mhz <= 100000", name="frequency_mhz"),
        CheckConstraint("num_nonnulls(rsrp_dbm, downlink_mbps) > 0", name="measured"),
        # A log loaded twice must not count twice; two samples of one second differ in what they measured.
        Index(
            "uq_signal_measurement_sample", "operator_id", "measured_at", "technology", "kind", "point", "cell_code",
            "frequency_mhz", "rsrp_dbm", "downlink_mbps", unique=True, postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip

    operator_id: Mapped[int] = mapped_column(ForeignKey("registry.organisation.id"))
    technology: Mapped[str]
    kind: Mapped[str]
    measured_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    point: Mapped[WKBElement] = geometry("POINT")
    frequency_mhz: Mapped[float | None]
    rsrp_dbm: Mapped[float | None]
    downlink_mbps: Mapped[float | None]
    uplink_mbps: Mapped[float | None]
    indoor: Mapped[bool] = mapped_column(server_default="false", default=False)
    cell_code: Mapped[str | None]
    """As the instrument reported it; need not be a code of the registry."""


class CoverageRun(Keyed, Base):
    """One computation: its inputs, rule, model and terrain, so that two runs can be compared."""

    __tablename__ = "coverage_run"
    __table_args__ = (CheckConstraint("status IN ('running', 'done', 'failed')", name="status"),)

    started_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    finished_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    status: Mapped[str] = mapped_column(server_default="running")
    as_of: Mapped[dt.date] = mapped_column(Date)
    rule: Mapped[str]
    rule_version: Mapped[int]
    rule_value: Mapped[dict[str, Any]] = mapped_column(JSONB)
    model: Mapped[str]
    model_version: Mapped[str]
    terrain_version: Mapped[str]
    inputs_sha256: Mapped[str]
    filters: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    calibration: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What everybody may know of the calibration it used (`app.coverage.calibrations.stated`); null without any."""


class Calibration(Keyed, Base):
    """What measurements said the model is off by, and how wrong it still is; the department's."""

    __tablename__ = "calibration"
    __table_args__ = (
        _among("status", CALIBRATIONS),
        CheckConstraint("sigma_model_db >= 0", name="sigma_model_db"),
        Index("uq_calibration_in_use", "status", unique=True, postgresql_where=text("status = 'in_use'")),
    )

    made_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    as_of: Mapped[dt.date] = mapped_column(Date)
    model: Mapped[str]
    model_version: Mapped[str]
    terrain_version: Mapped[str]
    cover_version: Mapped[str] = mapped_column(server_default="none")
    """`app.coverage.land_cover.LandCover.state`: what stood in the way when it was fitted."""
    coefficients: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """`overall` and `corrections`: each a `app.coverage.calibration.Correction`."""
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sigma_model_db: Mapped[float]
    """The model's own error on held-out sites, that of the place taken out."""
    inputs_sha256: Mapped[str]
    synthetic: Mapped[bool] = mapped_column(server_default="false", default=False)
    status: Mapped[str] = mapped_column(server_default="trial", default="trial")
    """Nothing is used but the one in use; a command puts it there."""


class Signal(Base):
    """Best signal of one operator and technology at one demand point; rsrp null when unknown."""

    __tablename__ = "signal"
    __table_args__ = (Index("ix_signal_demand_point_id", "demand_point_id"),)

    run_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("registry.coverage_run.id", ondelete="CASCADE"), primary_key=True
    )
    demand_point_id: Mapped[int] = mapped_column(ForeignKey("registry.demand_point.id"), primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("registry.organisation.id"), primary_key=True, index=True)
    technology: Mapped[str] = mapped_column(primary_key=True)
    cell_id: Mapped[int | None] = reference("cell", nullable=True)
    rsrp_dbm: Mapped[float | None]
    loss_db: Mapped[float | None]
    diffraction_db: Mapped[float | None]
    distance_m: Mapped[float | None]
    unknown_reason: Mapped[str | None]


class Verdict(Keyed, Base):
    """Covered, not covered or unknown for a village; operator and technology null mean the rule over all."""

    __tablename__ = "verdict"
    __table_args__ = (
        _among("verdict", VERDICTS),
        _among("evidence", EVIDENCE),
        CheckConstraint("share >= 0 AND share <= 1", name="share"),
        _shares(),
        Index(
            "uq_verdict_scope",
            "run_id",
            "village_id",
            "operator_id",
            "technology",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_verdict_village_id", "village_id"),
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("registry.coverage_run.id", ondelete="CASCADE"))
    village_id: Mapped[int] = mapped_column(ForeignKey("registry.village.id"))
    operator_id: Mapped[int | None] = reference("organisation", nullable=True)
    technology: Mapped[str | None]
    verdict: Mapped[str]
    evidence: Mapped[str | None]
    """What decided; null when nothing could. Verdict and shares are that evidence's, else the model's."""
    share: Mapped[float | None]
    """Share of people (or of the rule's unit) that pass; null when unknown."""
    share_low: Mapped[float | None]
    share_high: Mapped[float | None]
    """Between these the share lies with 80 %: its deciles (10-90 %)."""
    share_unknown: Mapped[float] = mapped_column(server_default="0")
    rsrp_dbm: Mapped[float | None]
    margin_db: Mapped[float | None]
    """Median received power of the village's points above the rule's threshold."""
    why: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    """What everybody may know; who serves stands in `Served`."""


class Evidence(Base):
    """What one kind of evidence says of a village, beside the verdict; none of it means the model alone spoke."""

    __tablename__ = "evidence"
    __table_args__ = (
        _among("kind", EVIDENCE),
        _among("verdict", VERDICTS),
        CheckConstraint("share >= 0 AND share <= 1", name="share"),
        _shares(),
    )

    verdict_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("registry.verdict.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    share: Mapped[float | None]
    share_low: Mapped[float | None]
    share_high: Mapped[float | None]
    share_unknown: Mapped[float] = mapped_column(server_default="0")
    points: Mapped[int | None]
    """Demand points it knows something of; null for speed tests, which are counted by the village."""
    samples: Mapped[int | None]
    why: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


class Served(Base):
    """Who serves a verdict's median point, from where: only for those who may read the cell.

    From the distances to several villages a competitor's site could be found, so they are rows of their own under
    row-level security (app/coverage/sql/served.sql).
    """

    __tablename__ = "served"

    verdict_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("registry.verdict.id", ondelete="CASCADE"), primary_key=True
    )
    cell_id: Mapped[int] = reference("cell")
    why: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


class FibreReach(Keyed, Base):
    """Whether an order for fibre can be met in a village (a2) and for how many households (b3)."""

    __tablename__ = "fibre_reach"
    __table_args__ = (
        _among("verdict", VERDICTS),
        Index("uq_fibre_reach_run_id_village_id", "run_id", "village_id", unique=True),
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("registry.coverage_run.id", ondelete="CASCADE"))
    village_id: Mapped[int] = reference("village")
    verdict: Mapped[str]
    households: Mapped[int | None]
    households_reached: Mapped[int | None]
    why: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


class NearestPoint(Base):
    """The distribution point with a free port nearest to a village: only for those who may read that point."""

    __tablename__ = "fibre_nearest"

    fibre_reach_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("registry.fibre_reach.id", ondelete="CASCADE"), primary_key=True
    )
    point_id: Mapped[int] = reference("distribution_point")
    distance_m: Mapped[float]
