"""Accounts, roles, sessions, tokens and attempts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SCHEMA = "accounts"
TABLES = ("account", "account_role", "session", "token", "seen", "attempt", "oidc_login")
WATCHED = {
    "account": ("password_hash",),
    "account_role": (),
    "session": ("secret_sha256", "csrf"),
    "token": ("secret_sha256",),
}
"""Tables with a history, and their columns that stay out of it."""
TODAY = """
CREATE FUNCTION accounts.today() RETURNS date LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date
$$
"""
# Two administrators who end each other at once must not both succeed, hence the lock; what they read after it is
# what the other committed.
KEEP_ONE = """
CREATE FUNCTION accounts.administrators() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = accounts, pg_temp AS $$
    SELECT count(DISTINCT a.id) FROM accounts.account a JOIN accounts.account_role r ON r.account_id = a.id
    WHERE a.active AND r.role = 'administrator' AND r.valid_from <= accounts.today()
      AND (r.valid_to IS NULL OR r.valid_to > accounts.today())
$$;
CREATE FUNCTION accounts.keep_administrator() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounts, pg_temp AS $$
DECLARE
    held bigint := CASE TG_TABLE_NAME WHEN 'account' THEN OLD.id ELSE (to_jsonb(OLD) ->> 'account_id')::bigint END;
BEGIN
    IF TG_TABLE_NAME = 'account' AND NOT EXISTS (
        SELECT FROM accounts.account_role WHERE account_id = held AND role = 'administrator') THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('accounts.administrator', 0));
    IF accounts.administrators() = 0 THEN
        RAISE EXCEPTION 'the last administrator stays' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'ck_account_last_administrator';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_administrator AFTER UPDATE ON accounts.account FOR EACH ROW
    WHEN (OLD.active AND NOT NEW.active) EXECUTE FUNCTION accounts.keep_administrator();
CREATE TRIGGER keep_administrator AFTER UPDATE ON accounts.account_role FOR EACH ROW
    WHEN (OLD.role = 'administrator' AND OLD IS DISTINCT FROM NEW) EXECUTE FUNCTION accounts.keep_administrator();
CREATE TRIGGER keep_administrator_deleted AFTER DELETE ON accounts.account_role FOR EACH ROW
    WHEN (OLD.role = 'administrator') EXECUTE FUNCTION accounts.keep_administrator();
"""


def _moment(name: str, nullable: bool = False, default: str | None = None) -> sa.Column:
    return sa.Column(
        name, sa.DateTime(timezone=True), nullable=nullable, server_default=sa.text(default) if default else None
    )


def _text(name: str, nullable: bool = False, default: str | None = None) -> sa.Column:
    return sa.Column(name, sa.String(), nullable=nullable, server_default=default)


def _key() -> tuple[sa.Column, sa.PrimaryKeyConstraint]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False), sa.PrimaryKeyConstraint("id")


def _account_id() -> tuple[sa.Column, sa.ForeignKeyConstraint]:
    column = sa.Column("account_id", sa.BigInteger(), nullable=False)
    return column, sa.ForeignKeyConstraint(["account_id"], ["accounts.account.id"])


def _secret() -> tuple[sa.Column, sa.UniqueConstraint, sa.CheckConstraint]:
    return (
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("secret_sha256"),
        sa.CheckConstraint("octet_length(secret_sha256) = 32", name="secret_length"),
    )


def _people() -> None:
    op.create_table(
        "account",
        _text("name"),
        _text("display_name"),
        _text("email", nullable=True),
        _text("password_hash", nullable=True),
        _moment("password_changed_at", nullable=True),
        sa.Column("must_change_password", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        _text("oidc_issuer", nullable=True),
        _text("oidc_subject", nullable=True),
        _moment("created_at", default="now()"),
        *_key(),
        sa.CheckConstraint("name ~ '^[a-z0-9._@-]{3,64}$'", name="name_format"),
        sa.CheckConstraint("char_length(btrim(display_name)) BETWEEN 1 AND 200", name="display_name"),
        sa.CheckConstraint("char_length(email) <= 254 AND email ~ '^[^@[:space:]]+@[^@[:space:]]+$'", name="email"),
        sa.CheckConstraint("num_nonnulls(oidc_issuer, oidc_subject) IN (0, 2)", name="oidc_whole"),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("oidc_issuer", "oidc_subject"),
        schema=SCHEMA,
    )
    op.create_table(
        "account_role",
        *_account_id(),
        _text("role"),
        _text("organisation_code", nullable=True),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.Date(), server_default=sa.text("accounts.today()"), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        *_key(),
        sa.ForeignKeyConstraint(["unit_id"], ["registry.unit.id"]),
        sa.CheckConstraint(
            "role IN ('operator', 'commune_officer', 'other_department', 'planner', 'administrator')", name="role"
        ),
        sa.CheckConstraint("(role = 'operator') = (organisation_code IS NOT NULL)", name="organisation"),
        sa.CheckConstraint("(role = 'commune_officer') = (unit_id IS NOT NULL)", name="unit"),
        sa.CheckConstraint("valid_from <= valid_to", name="valid_order"),
        postgresql.ExcludeConstraint(
            ("account_id", "="),
            ("role", "="),
            (sa.text("coalesce(organisation_code, '')"), "="),
            (sa.text("coalesce(unit_id, 0)"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_account_role_validity",
        ),
        schema=SCHEMA,
    )


def _credentials() -> None:
    op.create_table(
        "session",
        *_account_id(),
        *_secret(),
        _text("csrf"),
        _moment("created_at", default="now()"),
        _moment("expires_at"),
        sa.Column("idle_s", sa.Integer(), nullable=False),
        _moment("revoked_at", nullable=True),
        _text("user_agent", default=""),
        _text("address", default=""),
        *_key(),
        sa.CheckConstraint("expires_at > created_at AND idle_s > 0", name="lifetime"),
        schema=SCHEMA,
    )
    op.create_table(
        "token",
        *_account_id(),
        _text("name"),
        *_secret(),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        _moment("created_at", default="now()"),
        _moment("expires_at"),
        _moment("revoked_at", nullable=True),
        *_key(),
        sa.CheckConstraint("char_length(btrim(name)) BETWEEN 1 AND 64", name="name"),
        sa.CheckConstraint(
            "scopes <@ '{read,write,administer}' AND cardinality(scopes) BETWEEN 1 AND 3", name="scopes"
        ),
        sa.CheckConstraint("expires_at - created_at <= interval '366 days'", name="expiry"),
        schema=SCHEMA,
    )
    op.create_table(
        "seen",
        sa.Column("session_id", sa.BigInteger(), nullable=True),
        sa.Column("token_id", sa.BigInteger(), nullable=True),
        _moment("at", default="now()"),
        *_key(),
        sa.ForeignKeyConstraint(["session_id"], ["accounts.session.id"]),
        sa.ForeignKeyConstraint(["token_id"], ["accounts.token.id"]),
        sa.UniqueConstraint("session_id"),
        sa.UniqueConstraint("token_id"),
        sa.CheckConstraint("num_nonnulls(session_id, token_id) = 1", name="one_credential"),
        schema=SCHEMA,
    )


def _log_ins() -> None:
    op.create_table(
        "attempt",
        _moment("at", default="clock_timestamp()"),
        _text("kind"),
        _text("name_key"),
        _text("address"),
        sa.Column("ok", sa.Boolean(), server_default="false", nullable=False),
        *_key(),
        schema=SCHEMA,
    )
    op.create_table(
        "oidc_login",
        sa.Column("state_sha256", sa.LargeBinary(), nullable=False),
        _text("nonce"),
        _text("code_verifier"),
        _text("return_to"),
        _moment("created_at", default="now()"),
        *_key(),
        sa.UniqueConstraint("state_sha256"),
        schema=SCHEMA,
    )


def upgrade() -> None:
    op.execute("CREATE SCHEMA accounts")
    op.execute(TODAY)
    _people()
    _credentials()
    _log_ins()
    for table in ("account_role", "session", "token"):
        op.create_index(f"ix_{table}_account_id", table, ["account_id"], schema=SCHEMA)
    op.create_index("ix_account_role_unit_id", "account_role", ["unit_id"], schema=SCHEMA)
    for columns in (["name_key", "at"], ["address", "at"], ["at"]):
        op.create_index(f"ix_attempt_{'_'.join(columns)}", "attempt", columns, schema=SCHEMA)
    op.create_index("ix_oidc_login_created_at", "oidc_login", ["created_at"], schema=SCHEMA)
    op.execute(KEEP_ONE)
    for table in TABLES:
        op.execute(f"ALTER TABLE accounts.{table} ENABLE ROW LEVEL SECURITY")
    for table, left_out in WATCHED.items():
        arguments = "".join(f", '{c}'" for c in left_out)
        op.execute(f"SELECT audit.watch('accounts.{table}'{arguments})")


def downgrade() -> None:
    op.execute("DROP SCHEMA accounts CASCADE")
