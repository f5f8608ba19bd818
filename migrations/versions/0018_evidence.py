"""Operators' claims and measurements, and beside every verdict what each kind of evidence says and which decided."""

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TECHNOLOGY = "technology IN ('2G', '3G', '4G', '5G')"
KINDS = "('drive_test', 'speed_test', 'model', 'polygon', 'claim')"
IN_COUNTRY = "NOT ST_IsEmpty({0}) AND {0} @ ST_MakeEnvelope(102, 7, 118, 24, 4326) AND ST_IsValid({0})"
INTERVAL = "share_low >= 0 AND share_low <= share_high AND share_high <= 1"


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _number(name: str) -> sa.Column:
    return sa.Column(name, sa.Double(), nullable=True)


def _level(table: str, name: str) -> sa.CheckConstraint:
    return _check(table, name, f"{name} >= -160 AND {name} <= -20")


def _rate(table: str, name: str) -> sa.CheckConstraint:
    return _check(table, name, f"{name} >= 0 AND {name} <= 100000")


def _operator(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_operator_id_organisation")
    return sa.ForeignKeyConstraint(["operator_id"], ["registry.organisation.id"], name=name)


def _sourced() -> tuple[sa.Column, ...]:
    return (
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
    )


def _claims() -> None:
    table = "coverage_claim"
    op.create_table(
        table,
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("technology", sa.String(), nullable=False),
        _number("rsrp_min_dbm"),
        _number("downlink_mbps"),
        sa.Column("geom", geoalchemy2.Geometry("MULTIPOLYGON", srid=4326), nullable=False),
        *_sourced(),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("operator_id"), "="),
            (sa.column("code"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_coverage_claim_validity",
        ),
        _check(table, "valid_order", "valid_from < valid_to"),
        _check(table, "geom_in_country", IN_COUNTRY.format("geom")),
        _check(table, "technology", TECHNOLOGY),
        _level(table, "rsrp_min_dbm"),
        _rate(table, "downlink_mbps"),
        _operator(table),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage_claim")),
        schema="registry",
    )
    for column in ("code", "operator_id"):
        op.create_index(f"ix_{table}_{column}", table, [column], schema="registry")


def _measurements() -> None:
    table = "signal_measurement"
    op.create_table(
        table,
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("technology", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("point", geoalchemy2.Geometry("POINT", srid=4326), nullable=False),
        *(_number(n) for n in ("frequency_mhz", "rsrp_dbm", "downlink_mbps", "uplink_mbps")),
        sa.Column("indoor", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("cell_code", sa.String(), nullable=True),
        *_sourced(),
        _check(table, "point_in_country", IN_COUNTRY.format("point")),
        _check(table, "technology", TECHNOLOGY),
        _check(table, "kind", "kind IN ('drive_test', 'speed_test')"),
        _level(table, "rsrp_dbm"),
        _rate(table, "downlink_mbps"),
        _rate(table, "uplink_mbps"),
        _check(table, "frequency_mhz", "frequency_mhz >= 30 AND frequency_mhz <= 100000"),
        _check(table, "measured", "num_nonnulls(rsrp_dbm, downlink_mbps) > 0"),
        _operator(table),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signal_measurement")),
        schema="registry",
    )
    op.create_index(
        "uq_signal_measurement_sample", table,
        ["operator_id", "measured_at", "technology", "kind", "point", "cell_code", "frequency_mhz", "rsrp_dbm",
         "downlink_mbps"],
        unique=True, postgresql_nulls_not_distinct=True, schema="registry",
    )  # fmt: skip


def _evidence() -> None:
    op.create_table(
        "evidence",
        sa.Column("verdict_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        *(_number(n) for n in ("share", "share_low", "share_high")),
        sa.Column("share_unknown", sa.Double(), server_default="0", nullable=False),
        sa.Column("points", sa.Integer(), nullable=True),
        sa.Column("samples", sa.Integer(), nullable=True),
        sa.Column("why", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        _check("evidence", "kind", f"kind IN {KINDS}"),
        _check("evidence", "verdict", "verdict IN ('covered', 'not_covered', 'unknown')"),
        _check("evidence", "share", "share >= 0 AND share <= 1"),
        _check("evidence", "share_interval", INTERVAL),
        sa.ForeignKeyConstraint(
            ["verdict_id"], ["registry.verdict.id"], name=op.f("fk_evidence_verdict_id_verdict"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("verdict_id", "kind", name=op.f("pk_evidence")),
        schema="registry",
    )


def upgrade() -> None:
    _claims()
    _measurements()
    _evidence()
    for table in ("coverage_claim", "signal_measurement", "evidence"):
        op.execute(f"ALTER TABLE registry.{table} ENABLE ROW LEVEL SECURITY")
    for table in ("coverage_claim", "signal_measurement"):
        op.execute(f"SELECT audit.watch('registry.{table}')")
    op.add_column("verdict", sa.Column("evidence", sa.String(), nullable=True), schema="registry")
    for name in ("share_low", "share_high"):
        op.add_column("verdict", _number(name), schema="registry")
    # Until now only the model could decide.
    op.execute("UPDATE registry.verdict SET evidence = 'model' WHERE verdict <> 'unknown'")
    op.create_check_constraint(op.f("ck_verdict_evidence"), "verdict", f"evidence IN {KINDS}", schema="registry")
    op.create_check_constraint(op.f("ck_verdict_share_interval"), "verdict", INTERVAL, schema="registry")


def downgrade() -> None:
    op.drop_constraint("ck_verdict_share_interval", "verdict", schema="registry")
    for name in ("evidence", "share_low", "share_high"):
        op.drop_column("verdict", name, schema="registry")
    for table in ("evidence", "signal_measurement", "coverage_claim"):
        op.drop_table(table, schema="registry")
