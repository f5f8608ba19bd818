"""Declared rental prices, sharing contracts and what they cover."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

MAX_VND = 1000000000000
KINDS = "('mast', 'rooftop', 'pole', 'street_furniture', 'indoor', 'house', 'container', 'other')"
PER = (
    "CASE component WHEN 'duct_bore' THEN per IN ('slot', 'metre') WHEN 'duct_metre' THEN per = 'metre' "
    "WHEN 'pole' THEN per IN ('pole', 'slot') ELSE per = 'slot' END"
)
OBJECT = (
    "CASE WHEN structure_id IS NOT NULL THEN component IN ('house', 'mast', 'power') "
    "WHEN duct_id IS NOT NULL THEN component IN ('duct_bore', 'duct_metre') ELSE component = 'pole' END"
)
# A trigger and not the service: files, HTTP and psql write these rows, and the rule needs owners the writer may not
# see, so it is checked as the tables' owner. After the row, so that row-level security speaks first and a refusal
# here tells nobody of another's objects.
OF_LESSOR = """
CREATE FUNCTION registry.refuse_anothers_item() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
-- An item has to be its lessor's on the day the contract begins, whatever row of its name the lessor has.
DECLARE
    day date;
    whose text;
BEGIN
    SELECT coalesce(c.valid_from, c.signed_on), o.code INTO day, whose
    FROM registry.sharing_contract c JOIN registry.organisation o ON o.id = c.lessor_id WHERE c.id = NEW.contract_id;
    IF NOT EXISTS (
        SELECT FROM registry.structure t JOIN registry.site s ON s.id = t.site_id
        JOIN registry.organisation o ON o.id = coalesce(t.owner_id, s.owner_id)
        WHERE t.id = NEW.structure_id AND o.code = whose AND registry.in_force(t.valid_from, t.valid_to, day)
        UNION ALL
        SELECT FROM registry.pole p JOIN registry.organisation o ON o.id = p.owner_id
        WHERE p.id = NEW.pole_id AND o.code = whose AND registry.in_force(p.valid_from, p.valid_to, day)
        UNION ALL
        SELECT FROM registry.duct d JOIN registry.organisation o ON o.id = d.owner_id
        WHERE d.id = NEW.duct_id AND o.code = whose AND registry.in_force(d.valid_from, d.valid_to, day)
        UNION ALL
        SELECT FROM registry.pole p JOIN registry.organisation o ON o.id = p.owner_id
        WHERE NEW.street IS NOT NULL AND registry.fold(p.street) = registry.fold(NEW.street) AND o.code = whose
          AND registry.in_force(p.valid_from, p.valid_to, day)) THEN
        RAISE EXCEPTION 'not the lessor''s' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'ck_sharing_contract_item_of_lessor';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER of_lessor AFTER INSERT OR UPDATE ON registry.sharing_contract_item
    FOR EACH ROW EXECUTE FUNCTION registry.refuse_anothers_item();
CREATE FUNCTION registry.keep_parties() RETURNS trigger
LANGUAGE plpgsql SET search_path = registry, public, pg_temp AS $$
-- What the items were checked against stays: another party or another beginning is another contract. Two rows of one
-- organisation's names are one party.
BEGIN
    IF 1 = (SELECT count(DISTINCT o.code) FROM registry.organisation o
            WHERE o.id IN (NEW.lessor_id, NEW.lessee_id)) THEN
        RAISE EXCEPTION 'one party' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'ck_sharing_contract_two_parties';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.number, NEW.lessor_id, NEW.lessee_id, NEW.valid_from, NEW.signed_on)
       IS DISTINCT FROM (OLD.number, OLD.lessor_id, OLD.lessee_id, OLD.valid_from, OLD.signed_on) THEN
        RAISE EXCEPTION 'parties are kept' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'ck_sharing_contract_parties_kept';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_parties BEFORE INSERT OR UPDATE ON registry.sharing_contract
    FOR EACH ROW EXECUTE FUNCTION registry.keep_parties();
"""


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _text(name: str, nullable: bool = False, **more: object) -> sa.Column:
    return sa.Column(name, sa.String(), nullable=nullable, **more)


def _day(name: str, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.Date(), nullable=nullable)


def _key(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"registry.{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))


def _sourced() -> tuple[sa.Column, ...]:
    return (
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        _text("source", server_default=""),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
    )


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column], schema="registry")


def _prices() -> None:
    table = "rental_price"
    op.create_table(
        table,
        _key("owner_id"),
        _text("component"),
        _text("kind", True),
        _text("type_code", True),
        _text("per"),
        _text("period", server_default="month"),
        sa.Column("amount_vnd", sa.Double(), nullable=False),
        sa.Column("urban", sa.Boolean(), nullable=True),
        _key("unit_id", True),
        _day("declared_on", False),
        _text("document"),
        *_sourced(),
        _day("valid_from"),
        _day("valid_to"),
        postgresql.ExcludeConstraint(
            (sa.column("owner_id"), "="),
            (sa.column("component"), "="),
            (sa.column("per"), "="),
            (sa.text("coalesce(kind, '')"), "="),
            (sa.text("coalesce(type_code, '')"), "="),
            (sa.text("coalesce(urban::integer, -1)"), "="),
            (sa.text("coalesce(unit_id, 0)"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_rental_price_validity",
        ),
        _check(table, "valid_order", "valid_from < valid_to"),
        _check(table, "component", "component IN ('house', 'mast', 'power', 'duct_bore', 'duct_metre', 'pole')"),
        _check(table, "per", "per IN ('slot', 'metre', 'pole')"),
        _check(table, "per_of_component", PER),
        _check(table, "period", "period IN ('month', 'quarter', 'year')"),
        _check(table, "kind", f"kind IN {KINDS}"),
        _check(table, "kind_of_structure", "kind IS NULL OR component IN ('house', 'mast', 'power')"),
        _check(table, "amount_vnd", f"amount_vnd >= 0 AND amount_vnd <= {MAX_VND}"),
        _check(table, "one_place", "num_nonnulls(urban, unit_id) <= 1"),
        _check(table, "document", "btrim(document) <> ''"),
        _foreign(table, "owner_id", "organisation"),
        _foreign(table, "unit_id", "unit"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rental_price")),
        schema="registry",
    )
    _index(table, "owner_id", "unit_id")


def _contracts() -> None:
    table = "sharing_contract"
    op.create_table(
        table,
        _text("number"),
        _key("lessor_id"),
        _key("lessee_id"),
        _day("signed_on", False),
        _text("document", True),
        *_sourced(),
        _day("valid_from"),
        _day("valid_to"),
        postgresql.ExcludeConstraint(
            (sa.column("number"), "="),
            (sa.text("coalesce(lessor_id, 0)"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_sharing_contract_validity",
        ),
        _check(table, "valid_order", "valid_from < valid_to"),
        _check(table, "two_parties", "lessor_id <> lessee_id"),
        _check(table, "number", "btrim(number) <> ''"),
        _foreign(table, "lessor_id", "organisation"),
        _foreign(table, "lessee_id", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_contract")),
        schema="registry",
    )
    _index(table, "number", "lessor_id", "lessee_id")


def _items() -> None:
    table = "sharing_contract_item"
    objects = ("structure_id", "pole_id", "duct_id")
    op.create_table(
        table,
        _key("contract_id"),
        *(_key(name, True) for name in objects),
        _text("street", True),
        _text("component"),
        sa.Column("slots", sa.Integer(), nullable=True),
        sa.Column("price_vnd_month", sa.Double(), nullable=True),
        *_sourced(),
        _check(table, "one_object", "num_nonnulls(structure_id, pole_id, duct_id, street) = 1"),
        _check(table, "component_of_object", OBJECT),
        _check(table, "slots", "slots > 0 AND slots <= 100000"),
        _check(table, "price_vnd_month", f"price_vnd_month >= 0 AND price_vnd_month <= {MAX_VND}"),
        _check(table, "street", "btrim(street) <> ''"),
        _foreign(table, "contract_id", "sharing_contract"),
        *(_foreign(table, name, name.removesuffix("_id")) for name in objects),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_contract_item")),
        schema="registry",
    )
    _index(table, "contract_id", *objects)
    op.create_index(
        "uq_sharing_contract_item_object", table, ["contract_id", "component", *objects, "street"], unique=True,
        postgresql_nulls_not_distinct=True, schema="registry",
    )  # fmt: skip


def upgrade() -> None:
    _prices()
    _contracts()
    _items()
    for table in ("rental_price", "sharing_contract", "sharing_contract_item"):
        op.execute(f"ALTER TABLE registry.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"SELECT audit.watch('registry.{table}')")
    op.execute(OF_LESSOR)


def downgrade() -> None:
    op.execute("DROP FUNCTION IF EXISTS registry.prices_are_told, registry.restricted_items, registry.hidden_contracts,"
               " registry.lets_out")  # fmt: skip
    for table in ("sharing_contract_item", "sharing_contract", "rental_price"):
        op.drop_table(table, schema="registry")
    op.execute("DROP FUNCTION registry.refuse_anothers_item, registry.keep_parties")
