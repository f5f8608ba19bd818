"""Terrain tiles, and what a coverage run found: signals per demand point, verdicts per village."""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, CheckConstraint, Date, DateTime, ForeignKey, Index, String, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Keyed, Sourced, geometry, reference

VERDICTS = ("covered", "not_covered", "unknown")


class TerrainTile(Keyed, Sourced, Base):
    """A height raster kept memory-mapped under var/terrain; the file's own grid, EPSG:4326."""

    __tablename__ = "terrain_tile"
    __table_args__ = (CheckConstraint("width > 1 AND height > 1", name="size"),)

    name: Mapped[str] = mapped_column(String, unique=True)
    sha256: Mapped[str] = mapped_column(String, unique=True)
    path: Mapped[str]
    """Relative to var/terrain."""
    width: Mapped[int]
    height: Mapped[int]
    west: Mapped[float]
    north: Mapped[float]
    step_lon_deg: Mapped[float]
    step_lat_deg: Mapped[float]
    void_share: Mapped[float]
    added_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    extent: Mapped[WKBElement] = geometry("POLYGON")


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
        CheckConstraint("verdict IN ({})".format(", ".join(f"'{v}'" for v in VERDICTS)), name="verdict"),
        CheckConstraint("share >= 0 AND share <= 1", name="share"),
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
    share: Mapped[float | None]
    """Share of people (or of the rule's unit) that pass; null when unknown."""
    share_unknown: Mapped[float] = mapped_column(server_default="0")
    rsrp_dbm: Mapped[float | None]
    margin_db: Mapped[float | None]
    """Median received power of the village's points above the rule's threshold."""
    why: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    """What everybody may know; who serves stands in `Served`."""


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
        CheckConstraint("verdict IN ({})".format(", ".join(f"'{v}'" for v in VERDICTS)), name="verdict"),
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
