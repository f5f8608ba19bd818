"""What serves a village, apart from its verdict: only those may read it who may read the server."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Until now one JSON told both. What is known to name nobody stays public; every other sentence goes with the server,
# also one that nobody thought of. The sentence with level, cell and distance becomes two.
SPLIT = """
CREATE FUNCTION pg_temp.picked(sentences jsonb, pattern text, keep boolean) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_agg(s ORDER BY n) FILTER (WHERE (s ~ pattern) = keep), '[]')
    FROM jsonb_array_elements_text(coalesce(sentences, '[]')) WITH ORDINALITY AS t(s, n)
$$;
CREATE FUNCTION pg_temp.served(why jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT why - '{vi,en,reasons,synthetic,points_unknown,threshold_dbm,server}'::text[] || jsonb_build_object(
        'vi', coalesce('[]' || to_jsonb('Trạm phục vụ: ' || w.name || ', cách ' || replace(w.km, '.', ',') || ' km'),
                       '[]') || pg_temp.picked(why->'vi', '^Điểm trung vị thu |' || w.public_vi, false),
        'en', coalesce('[]' || to_jsonb('Served by ' || w.name || ', ' || w.km || ' km away'), '[]')
              || pg_temp.picked(why->'en', '^The median point receives |' || w.public_en, false))
    FROM (SELECT format('%s (%s %s)', why#>>'{server,cell}', why#>>'{server,operator}', why#>>'{server,technology}')
                 AS name,
                 to_char((why->>'distance_m')::float / 1000, 'FM999990.0') AS km,
                 :public_vi AS public_vi, :public_en AS public_en) w
$$;
CREATE FUNCTION pg_temp.public(why jsonb, rsrp float) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT why - '{server,distance_m,diffraction_db,obstructed,defaulted}'::text[] || jsonb_build_object(
        'vi', pg_temp.picked(why->'vi', :public_vi, true) || coalesce(to_jsonb(format(
                  'Điểm trung vị thu %s dBm; ngưỡng %s dBm', w.level, w.threshold)), '[]'),
        'en', pg_temp.picked(why->'en', :public_en, true) || coalesce(to_jsonb(format(
                  'The median point receives %s dBm; the threshold is %s dBm', w.level, w.threshold)), '[]'))
    FROM (SELECT round(rsrp)::int AS level, round((why->>'threshold_dbm')::numeric)::int AS threshold) w
$$;
""".replace(":public_vi", r"'^\d+% |^Chưa rõ: |^Không trạm nào |^SYNTHETIC'").replace(
    ":public_en", r"'^\d+% |^Unknown: |^No station in reach |^SYNTHETIC'"
)
MOVE = """
INSERT INTO registry.served (verdict_id, cell_id, why)
    SELECT id, best_cell_id, pg_temp.served(why) FROM registry.verdict WHERE best_cell_id IS NOT NULL;
UPDATE registry.verdict SET why = pg_temp.public(why, rsrp_dbm) WHERE best_cell_id IS NOT NULL;
INSERT INTO registry.fibre_nearest (fibre_reach_id, point_id, distance_m)
    SELECT id, nearest_point_id, nearest_distance_m FROM registry.fibre_reach WHERE nearest_point_id IS NOT NULL;
-- These counted restricted cells too, and the history is as public as the run: it must not keep them.
ALTER TABLE registry.coverage_run DISABLE TRIGGER history_update;
UPDATE registry.coverage_run SET counts = counts - '{cells,paths,stations_without_cells}'::text[];
ALTER TABLE registry.coverage_run ENABLE TRIGGER history_update
"""
MOVE_BACK = """
UPDATE registry.verdict v SET best_cell_id = s.cell_id, why = v.why || s.why || jsonb_build_object(
        'vi', coalesce(v.why->'vi', '[]') || coalesce(s.why->'vi', '[]'),
        'en', coalesce(v.why->'en', '[]') || coalesce(s.why->'en', '[]'),
        'server', jsonb_build_object('cell', c.code, 'site', CASE WHEN NOT p.restricted THEN p.code END,
                                     'operator', o.code, 'technology', b.technology))
    FROM registry.served s
    JOIN registry.cell c ON c.id = s.cell_id JOIN registry.base_station b ON b.id = c.base_station_id
    JOIN registry.site p ON p.id = b.site_id JOIN registry.organisation o ON o.id = b.operator_id
    WHERE s.verdict_id = v.id;
UPDATE registry.fibre_reach f SET nearest_point_id = n.point_id, nearest_distance_m = n.distance_m
    FROM registry.fibre_nearest n WHERE n.fibre_reach_id = f.id
"""


def _beside(table: str, of: str, target: str, *columns: sa.Column) -> None:
    """Create `table` with at most one row for each row of `of`, naming one row of `target`."""
    key, named = f"{of}_id", f"{target.removeprefix('distribution_')}_id"
    op.create_table(
        table,
        sa.Column(key, sa.BigInteger(), nullable=False),
        sa.Column(named, sa.BigInteger(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint([key], [f"registry.{of}.id"], name=f"fk_{table}_{key}_{of}", ondelete="CASCADE"),
        sa.ForeignKeyConstraint([named], [f"registry.{target}.id"], name=f"fk_{table}_{named}_{target}"),
        sa.PrimaryKeyConstraint(key, name=f"pk_{table}"),
        schema="registry",
    )
    op.create_index(f"ix_{table}_{named}", table, [named], schema="registry")
    op.execute(f"ALTER TABLE registry.{table} ENABLE ROW LEVEL SECURITY")


def upgrade() -> None:
    why = sa.Column("why", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False)
    _beside("served", "verdict", "cell", why)
    _beside("fibre_nearest", "fibre_reach", "distribution_point", sa.Column("distance_m", sa.Double(), nullable=False))
    connection = op.get_bind()
    for statement in (SPLIT, MOVE):
        connection.exec_driver_sql(statement.replace("%", "%%"))
    op.drop_column("verdict", "best_cell_id", schema="registry")
    op.drop_column("fibre_reach", "nearest_point_id", schema="registry")
    op.drop_column("fibre_reach", "nearest_distance_m", schema="registry")


def downgrade() -> None:
    for table, column, target in (
        ("verdict", "best_cell_id", "cell"),
        ("fibre_reach", "nearest_point_id", "distribution_point"),
    ):
        op.add_column(table, sa.Column(column, sa.BigInteger(), nullable=True), schema="registry")
        op.create_foreign_key(
            f"fk_{table}_{column}_{target}", table, target, [column], ["id"],
            source_schema="registry", referent_schema="registry",
        )  # fmt: skip
        op.create_index(f"ix_{table}_{column}", table, [column], schema="registry")
    op.add_column("fibre_reach", sa.Column("nearest_distance_m", sa.Double(), nullable=True), schema="registry")
    op.get_bind().exec_driver_sql(MOVE_BACK)
    op.drop_table("fibre_nearest", schema="registry")
    op.drop_table("served", schema="registry")
