"""The views of schema `publish`: what each layer of app.publish.layers holds, as the caller of the transaction is told.

Run by migrations/env.py after the SQL files. Every layer has two views: in `publish` over the registry, and in `past`
over what was known at an earlier moment (app.database.look_back). They ask with the caller's own rights; date and
withheld attributes come from the transaction (app/publish/sql/in_time.sql, app.publish.ogc.reading).
"""

from __future__ import annotations

from collections.abc import Iterator

from app.publish.layers import Layer
from app.publish.ogc.collections import COLLECTIONS

GEOMETRY = "geom"
_SEARCH_PATH = "registry, policy, public"
_UNTIL = "(SELECT publish.as_of())"
# Of an interval, each object is shown as it was on the last day of it on which it was in force.
_ITS_DAY = f"least({_UNTIL}, o.valid_to - 1)"
_HIDDEN = "(SELECT publish.withheld())::text[]"


def statements() -> Iterator[str]:
    """Yield the statements that build every view; old ones are dropped before (migrations/env.py)."""
    for schema, path in (("publish", _SEARCH_PATH), ("past", f"past, {_SEARCH_PATH}")):
        yield f"SET LOCAL search_path = {path}"
        for name, layer in COLLECTIONS.items():
            yield f"CREATE VIEW {schema}.{name} WITH (security_invoker = true) AS\n{select(layer)}"
            yield f"COMMENT ON VIEW {schema}.{name} IS '{layer.title_vi} / {layer.title_en}'"
    yield "SET LOCAL search_path TO DEFAULT"


def select(layer: Layer) -> str:
    """Return the query of a layer's view: id, geometry, properties.

    An object whose position the caller is not told is no feature at all: a geometry behind a CASE could not be found
    by its index.
    """
    mine = "false" if layer.owner is None else f"coalesce({layer.owner} = ANY ({_MINE}), false)"
    day = _UNTIL if layer.source else _ITS_DAY
    # Read for each object alone: then only those of the page asked for are read.
    joins = layer.joins.replace("JOIN (", "JOIN LATERAL (").format(as_of=day, chosen="= o.id")
    columns = [
        f"publish.told({expression}, '{name}', {_HIDDEN}, {mine}) AS {name}"
        for name, expression in layer.properties.items()
    ]
    conditions = [layer.condition, f"('geometry' <> ALL ({_HIDDEN}) OR {mine})"]
    if layer.source is None:
        conditions.append(f"(o.valid_from IS NULL OR o.valid_from <= {_UNTIL})")
        conditions.append("(o.valid_to IS NULL OR (SELECT publish.since()) < o.valid_to)")
    source = layer.source.format(as_of=_UNTIL) if layer.source else layer.table
    listed = ",\n       ".join(["o.id", f"{layer.geometry} AS {GEOMETRY}", *columns])
    return f"SELECT {listed}\n  FROM {source} o\n{joins} WHERE " + "\n   AND ".join(conditions)  # noqa: S608


_MINE = "(SELECT registry.my_organisations())::bigint[]"
