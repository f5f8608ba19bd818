"""What is said of a property agrees with the database."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.publish.ogc.collections import COLLECTIONS
from app.publish.ogc.properties import PROPERTIES, properties_of

KINDS = {
    "text": "string", "character varying": "string", "bigint": "integer", "integer": "integer", "smallint": "integer",
    "double precision": "number", "numeric": "number", "real": "number", "boolean": "boolean", "date": "date",
}  # fmt: skip


@pytest.mark.parametrize("schema", ["publish", "past"])
@pytest.mark.parametrize("name", COLLECTIONS)
def test_kinds_are_those_of_the_view(session: Session, name: str, schema: str) -> None:
    rows = session.execute(
        text("SELECT column_name, data_type FROM information_schema.columns"
             " WHERE table_schema = :schema AND table_name = :name ORDER BY ordinal_position"),
        {"schema": schema, "name": name},
    )  # fmt: skip
    found = {column: KINDS.get(kind, kind) for column, kind in rows}
    assert found.pop("id") == "integer"
    assert found.pop("geom") == "USER-DEFINED"
    assert found == {key: p.kind for key, p in properties_of(name).items()}


def test_every_meaning_is_used_and_told_in_both_languages() -> None:
    used = {key for name in COLLECTIONS for key in properties_of(name)}
    assert used == set(PROPERTIES)
    for key, told in PROPERTIES.items():
        assert told.title != told.description, key
        assert key.endswith(("_m", "_kg", "_db", "_dbm")) <= (told.unit is not None), key


def test_views_ask_with_the_callers_rights(session: Session) -> None:
    query = text("SELECT c.relname FROM pg_class c WHERE c.relkind = 'v' AND c.relnamespace = 'publish'::regnamespace"
                 " AND NOT 'security_invoker=true' = ANY (coalesce(c.reloptions, '{}'))")  # fmt: skip
    assert session.scalars(query).all() == []
