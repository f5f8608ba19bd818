"""Land-cover tiles; what a defaulted attribute of a cell adds to the model's error."""

import geoalchemy2
import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLE = "land_cover_tile"
NEWER = """
UPDATE policy.parameter SET value = value || '{"sigma_default_db": {"antenna_height_m": 2, "azimuth_deg": 6,
    "tilt_deg": 3, "beamwidth_deg": 2, "vertical_beamwidth_deg": 1, "frequency_mhz": 3, "eirp_dbm": 4}}'
WHERE kind = 'coverage_evidence' AND name = 'error' AND NOT value ? 'sigma_default_db'
"""
OLDER = """
UPDATE policy.parameter SET value = value - 'sigma_default_db' WHERE kind = 'coverage_evidence' AND name = 'error'
"""


def upgrade() -> None:
    op.create_table(
        TABLE,
        *(sa.Column(name, sa.String(), nullable=False) for name in ("name", "sha256", "path", "scheme")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("width", "height")),
        *(
            sa.Column(name, sa.Double(), nullable=False)
            for name in ("west", "north", "step_lon_deg", "step_lat_deg", "void_share")
        ),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("extent", geoalchemy2.Geometry("POLYGON", srid=4326), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("width > 1 AND height > 1", name=op.f(f"ck_{TABLE}_size")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.UniqueConstraint("name", name=op.f(f"uq_{TABLE}_name")),
        sa.UniqueConstraint("sha256", name=op.f(f"uq_{TABLE}_sha256")),
        schema="registry",
    )
    op.execute(f"ALTER TABLE registry.{TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"SELECT audit.watch('registry.{TABLE}')")
    op.execute(NEWER)


def downgrade() -> None:
    op.execute(OLDER)
    op.drop_table(TABLE, schema="registry")
