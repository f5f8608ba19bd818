"""The views of schema `publish`: what each layer of app.publish.layers holds, as the caller of the transaction is told.

Run by migrations/env.py after the SQL files. Every layer has two views: in `publish` over the registry, and in `past`
over what was known at an earlier moment (app.database.look_back). They ask with the caller's own rights; date and
withheld attributes come from the transaction (app/publish/sql/in_time.sql, app.publish.ogc.reading).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

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
    mine = _mine(layer)
    # What hangs on an object is read for it alone, so that a filter that does not name it reads none.
    joins = layer.joins.replace("JOIN (", "JOIN LATERAL (")
    joins = joins.format(as_of=_UNTIL if layer.source else _ITS_DAY, chosen="= o.id")
    conditions = [layer.condition, f"('geometry' <> ALL ({_HIDDEN}) OR {mine})"]
    if layer.source is None:
        conditions.append(f"(o.valid_from IS NULL OR o.valid_from <= {_UNTIL})")
        conditions.append("(o.valid_to IS NULL OR (SELECT publish.since()) < o.valid_to)")
    return _query(layer, layer.properties, joins) + "\n   AND ".join(conditions)


def select_of(layer: Layer, chosen: str, withheld: Collection[str]) -> str:
    """Return the same of objects a view gave, for a question of a single day: half the time.

    Parameters
    ----------
    chosen : str
        "IN (…)", their identifiers; what hangs on them is read in one go.
    withheld : collection of str
        Attributes that are told of the caller's own objects only, as in the setting the views read.
    """
    joins = layer.joins.format(as_of=_UNTIL, chosen=chosen)
    return _query(layer, withheld, joins) + f"o.id {chosen}"


def _query(layer: Layer, judged: Collection[str], joins: str) -> str:
    """Return the query up to its conditions; the properties of `judged` go through `publish.told`."""
    columns = [
        f"publish.told({expression}, '{name}', {_HIDDEN}, {_mine(layer)}) AS {name}"
        if name in judged
        else f"{expression} AS {name}"
        for name, expression in layer.properties.items()
    ]
    source = layer.source.format(as_of=_UNTIL) if layer.source else layer.table
    listed = ",\n       ".join(["o.id", f"{layer.geometry} AS {GEOMETRY}", *columns])
    return f"SELECT {listed}\n  FROM {source} o\n{joins} WHERE "  # noqa: S608  the words are ours


def _mine(layer: Layer) -> str:
    return "false" if layer.owner is None else f"coalesce({layer.owner} = ANY ({_MINE}), false)"


_MINE = "(SELECT registry.my_organisations())::bigint[]"
