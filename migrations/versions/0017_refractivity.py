"""The air by its refractivity: ITU-R P.1812 asks for ΔN and N0 where a factor of the Earth's radius was kept."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# A factor somebody changed keeps its meaning: k = 157 / (157 - ΔN). The default of before becomes that of now.
NEWER = """
UPDATE policy.parameter SET value = value - 'effective_earth_radius_factor' || jsonb_build_object(
    'n0', 370, 'delta_n', CASE WHEN (value->>'effective_earth_radius_factor')::float = 1.333 THEN 45
         ELSE 157 - 157 / (value->>'effective_earth_radius_factor')::float END)
WHERE kind = 'radio' AND name = 'receiver' AND value ? 'effective_earth_radius_factor'
"""
OLDER = """
UPDATE policy.parameter SET value = value - '{delta_n,n0}'::text[] || jsonb_build_object(
    'effective_earth_radius_factor',
    CASE WHEN (value->>'delta_n')::float = 45 THEN 1.333 ELSE 157 / (157 - (value->>'delta_n')::float) END)
WHERE kind = 'radio' AND name = 'receiver' AND value ? 'delta_n'
"""


def upgrade() -> None:
    op.execute(NEWER)


def downgrade() -> None:
    op.execute(OLDER)
