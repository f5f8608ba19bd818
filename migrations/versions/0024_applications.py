"""Applications, sharing requests to owners, documents: the schema licensing."""

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
STATES = ("draft", "submitted", "returned", "prechecked", "sharing", "mediation", "route_exempt_notice",
          "permit_review", "licensed", "refused", "built", "closed", "withdrawn")  # fmt: skip
REQUEST_STATES = ("open", "answered", "refused", "expired", "mediation", "settled", "withdrawn")
REFUSALS = ("load", "height", "interference", "power", "landlord", "contract", "other")
IN_COUNTRY = "NOT ST_IsEmpty(geom) AND geom @ ST_MakeEnvelope(102, 7, 118, 24, 4326) AND ST_IsValid(geom)"
SHAPES = (
    "CASE kind WHEN 'duct' THEN GeometryType(geom) = 'LINESTRING' ELSE GeometryType(geom) IN ('POINT', 'POLYGON') END"
)


def _among(column: str, values: tuple[str, ...]) -> str:
    return "{} IN ({})".format(column, ", ".join(f"'{v}'" for v in values))


def _table(name: str, *parts: sa.schema.SchemaItem, checks: dict[str, str] | None = None, key: str = "id") -> None:
    identity = [sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)] if key == "id" else []
    rules = [sa.CheckConstraint(rule, name=op.f(f"ck_{name}_{what}")) for what, rule in (checks or {}).items()]
    primary = sa.PrimaryKeyConstraint(*key.split(), name=op.f(f"pk_{name}"))
    op.create_table(name, *parts, *identity, *rules, primary, schema="licensing")


def _text(name: str, nullable: bool = False, **more: object) -> sa.Column:
    return sa.Column(name, sa.String(), nullable=nullable, **more)


def _moment(name: str, nullable: bool = False) -> sa.Column:
    default = {} if nullable else {"server_default": sa.text("clock_timestamp()")}
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, **default)


def _key(table: str, column: str, target: str, nullable: bool = False, schema: str = "registry") -> tuple:
    name = op.f(f"fk_{table}_{column}_{target}")
    return (
        sa.Column(column, sa.BigInteger(), nullable=nullable),
        sa.ForeignKeyConstraint([column], [f"{schema}.{target}.id"], name=name),
    )


def _indexes(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column], schema="licensing")


def _ids(name: str) -> sa.Column:
    return sa.Column(name, sa.ARRAY(sa.BigInteger()), server_default="{}", nullable=False)


def _transitions() -> None:
    for name in ("application_transition", "sharing_request_transition"):
        _table(
            name, _text("from_state"), _text("action"), _text("to_state"),
            sa.Column("who", sa.ARRAY(sa.Text()), nullable=False), key="from_state action",
        )  # fmt: skip


def _application() -> None:
    table = "application"
    _table(
        table,
        _text("reference"),
        _text("kind"),
        *_key(table, "applicant_id", "organisation"),
        *_key(table, "operator_id", "organisation"),
        _text("title"),
        _text("purpose", server_default=""),
        sa.Column("geom", geoalchemy2.Geometry("GEOMETRY", srid=4326), nullable=False),
        sa.Column("height_m", sa.Double(), nullable=True),
        sa.Column("technologies", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("in_deployment_list", sa.Boolean(), nullable=True),
        _text("plan_entry", nullable=True),
        sa.Column("as_of", sa.Date(), nullable=False),
        _text("state", server_default="draft"),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        _text("action", server_default="create"),
        _text("note", nullable=True),
        sa.Column("details", JSON, nullable=True),
        _ids("document_ids"),
        _text("route", nullable=True),
        sa.Column("decision", JSON, nullable=True),
        sa.Column("as_built", JSON, nullable=True),
        *_key(table, "structure_occupancy_id", "structure_occupancy", True),
        *_key(table, "pole_occupancy_id", "pole_occupancy", True),
        *_key(table, "duct_occupancy_id", "duct_occupancy", True),
        _moment("created_at"),
        _moment("state_since"),
        _text("source", server_default=""),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        sa.UniqueConstraint("reference", name=op.f("uq_application_reference")),
        checks={
            "kind": _among("kind", ("tower", "pole", "duct")),
            "state": _among("state", STATES),
            "route": "route IN ('exempt', 'permit')",
            "version": "version > 0",
            "height_m": "height_m > 0 AND height_m <= 350",
            "technologies": "technologies <@ '{2G,3G,4G,5G}'",
            "texts": "char_length(title) <= 200 AND char_length(purpose) <= 4000",
            "note": "char_length(note) <= 4000",
            "geom_shape": SHAPES,
            "geom_in_country": IN_COUNTRY,
            "route_exempt": "state <> 'route_exempt_notice' OR route = 'exempt'",
            "route_permit": "state <> 'permit_review' OR route = 'permit'",
            "decided": "(state IN ('licensed', 'refused', 'built', 'closed')) <= (decision IS NOT NULL)",
            "as_built": "(state IN ('built', 'closed')) <= (as_built IS NOT NULL)",
            "recorded": "(state = 'closed') = (num_nonnulls(structure_occupancy_id, pole_occupancy_id,"
                        " duct_occupancy_id) = 1)",
        },
    )  # fmt: skip
    _indexes(table, "applicant_id", "operator_id", "structure_occupancy_id", "pole_occupancy_id", "duct_occupancy_id")
    op.create_index("ix_application_state", table, ["state", "id"], schema="licensing")


def _history() -> None:
    _table(
        "application_check",
        *_key("application_check", "application_id", "application", schema="licensing"),
        _moment("made_at"),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("answer", JSON, nullable=False),
        _text("sha256"),
        _text("advice"),
        checks={"sha256": "sha256 ~ '^[0-9a-f]{64}$'"},
    )
    _table(
        "application_event",
        *_key("application_event", "application_id", "application", schema="licensing"),
        _text("from_state", nullable=True),
        *(_text(name) for name in ("to_state", "action", "actor")),
        _moment("at"),
        _text("note", nullable=True),
        sa.Column("details", JSON, nullable=True),
        _ids("document_ids"),
    )
    for table in ("application_check", "application_event"):
        _indexes(table, "application_id")


def _requests() -> None:
    table = "sharing_request"
    _table(
        table,
        _text("reference"),
        *_key(table, "application_id", "application", schema="licensing"),
        *(part for what in ("structure", "pole", "duct") for part in _key(table, f"{what}_id", what, True)),
        *_key(table, "owner_id", "organisation"),
        sa.Column("asked", JSON, nullable=False),
        _moment("sent_at"),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("remind_on", sa.Date(), nullable=False),
        _moment("reminded_at", nullable=True),
        _text("state", server_default="open"),
        _text("action", server_default="ask"),
        sa.Column("slots", sa.Integer(), nullable=True),
        sa.Column("height_offered_m", sa.Double(), nullable=True),
        sa.Column("price_vnd_month", sa.Double(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        *(_text(name, nullable=True) for name in ("refusal_code", "refusal_text", "note", "answered_by")),
        _moment("answered_at", nullable=True),
        sa.UniqueConstraint("reference", name=op.f("uq_sharing_request_reference")),
        checks={
            "one_object": "num_nonnulls(structure_id, pole_id, duct_id) = 1",
            "state": _among("state", REQUEST_STATES),
            "refusal_code": _among("refusal_code", REFUSALS),
            "refused_why": "(state = 'refused') <= (refusal_code IS NOT NULL)",
            "refused_text": "refusal_code <> 'other' OR refusal_text <> ''",
            "offered": "(state IN ('answered', 'settled')) <= (slots IS NOT NULL)",
            "slots": "slots BETWEEN 1 AND 200",
            "height_offered_m": "height_offered_m > 0 AND height_offered_m <= 350",
            "price_vnd_month": "price_vnd_month >= 0 AND price_vnd_month <= 1e12",
            "texts": "char_length(refusal_text) <= 2000 AND char_length(note) <= 4000",
        },
    )
    _indexes(table, "application_id", "structure_id", "pole_id", "duct_id", "owner_id")
    op.create_index(
        "uq_sharing_request_object", table, ["application_id", "structure_id", "pole_id", "duct_id"], unique=True,
        schema="licensing", postgresql_nulls_not_distinct=True, postgresql_where=sa.text("state <> 'withdrawn'"),
    )  # fmt: skip
    op.create_index(
        "ix_sharing_request_due_on", table, ["due_on"], schema="licensing", postgresql_where=sa.text("state = 'open'")
    )


def _documents() -> None:
    table = "application_document"
    _table(
        table,
        *_key(table, "application_id", "application", schema="licensing"),
        _text("name"),
        _text("kind"),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        _text("step", server_default="draft"),
        _text("uploaded_by", server_default=""),
        _moment("at"),
        sa.UniqueConstraint("application_id", "sha256", name=op.f("uq_application_document_application_id_sha256")),
        checks={
            "kind": "kind IN ('pdf', 'jpg', 'dxf')",
            "name": "char_length(btrim(name)) BETWEEN 1 AND 200 AND name !~ '[[:cntrl:]/\\\\]'",
            "size_bytes": "size_bytes BETWEEN 1 AND 52428800",
            "sha256": "octet_length(sha256) = 32",
        },
    )
    _indexes(table, "application_id")
    _table(
        "document_content",
        *_key("document_content", "document_id", table, schema="licensing"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        key="document_id",
    )
    # What is handed in is compressed already; the attempt to do it again costs more than it saves.
    op.execute("ALTER TABLE licensing.document_content ALTER COLUMN content SET STORAGE EXTERNAL")


def upgrade() -> None:
    op.execute("CREATE SCHEMA licensing")
    _transitions()
    _application()
    _history()
    _requests()
    _documents()
    for table in ("application", "application_check", "application_event", "sharing_request", "application_document",
                  "document_content", "application_transition", "sharing_request_transition"):  # fmt: skip
        op.execute(f"ALTER TABLE licensing.{table} ENABLE ROW LEVEL SECURITY")


def downgrade() -> None:
    # Nothing else is in it, and its functions come from app/licensing/sql.
    op.execute("DROP SCHEMA licensing CASCADE")
