"""Which objects an export holds and what of them the caller is told, as SQL.

COPY takes no bind parameters, so values pass through `psycopg.sql.Literal` and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql
from sqlalchemy.orm import Session

from app.database import outside
from app.kit.bulk import raw_connection
from app.publish.exports.selection import GEOMETRY, Selection, layer
from app.publish.layers import Layer


def told_columns(chosen: Layer, selection: Selection) -> list[tuple[str, sql.Composable]]:
    """Return name and expression of each property, null where the caller is not told it."""
    return [(key, _told(chosen, selection, key, expression)) for key, expression in chosen.properties.items()]


def told_geometry(chosen: Layer, selection: Selection) -> sql.Composable:
    """Return the geometry as it is written, null where the caller is not told it."""
    return _told(chosen, selection, GEOMETRY, chosen.written or chosen.geometry)


def rows(chosen: Layer, selection: Selection) -> sql.Composed:
    """Return FROM, WHERE and ORDER BY: one row for each selected object, in the order of their ids."""
    values = _values(selection)
    bounded = selection.bbox is not None or selection.unit_id is not None
    ids = sql.SQL("IN (SELECT o.id {})").format(source(chosen, selection)) if bounded else sql.SQL("IS NOT NULL")
    return sql.SQL("FROM {} o {} WHERE {} ORDER BY o.id").format(
        _from(chosen, values), sql.SQL(chosen.joins).format(**values, chosen=ids), _where(chosen, selection)
    )


def _values(selection: Selection) -> dict[str, sql.Composable]:
    as_of = sql.SQL("{}::date").format(sql.Literal(selection.as_of.isoformat()))
    return {"as_of": as_of, "unit_id": sql.Literal(selection.unit_id)}


def _told(chosen: Layer, selection: Selection, name: str, expression: str) -> sql.Composable:
    """Return `expression`, or null where the caller is not told it."""
    if name not in selection.withheld:
        return sql.SQL(expression)
    if chosen.owner is None:
        return sql.SQL(f"CASE WHEN false THEN {expression} END")  # null, of the column's own type
    mine = "(SELECT registry.my_organisations())::bigint[]"
    return sql.SQL(f"CASE WHEN {chosen.owner} = ANY ({mine}) THEN {expression} END")


def _from(chosen: Layer, values: Mapping[str, sql.Composable]) -> sql.Composable:
    return sql.SQL(chosen.source).format(**values) if chosen.source else sql.Identifier(chosen.table)


def source(chosen: Layer, selection: Selection) -> sql.Composed:
    """Return FROM and WHERE of the selected objects alone, without what is joined to them."""
    return sql.SQL("FROM {} o WHERE {}").format(_from(chosen, _values(selection)), _where(chosen, selection))


def _where(chosen: Layer, selection: Selection) -> sql.Composed:
    values, geometry = _values(selection), sql.SQL(chosen.geometry)
    parts: list[sql.Composable] = [sql.SQL(chosen.condition)]
    if chosen.source is None:
        parts.append(sql.SQL("registry.in_force(o.valid_from, o.valid_to, {as_of})").format(**values))
    if selection.bbox is not None:
        corners = sql.SQL(", ").join(sql.Literal(v) for v in selection.bbox)
        # Row-level security lets the index serve `&&` alone: ST_Intersects is not leakproof.
        box = sql.SQL("ST_MakeEnvelope({}, 4326)").format(corners)
        parts.append(sql.SQL("{0} && {1} AND ST_Intersects({0}, {1})").format(geometry, box))
    if selection.unit_id is not None:
        # Read by its parts, so that the object's own index is used; IN makes an object on a seam count once.
        lies_in = (
            "o.id IN (SELECT i.id FROM unit_part p JOIN {table} i ON p.geom && i.geom AND ST_Intersects(p.geom, i.geom)"
            " WHERE p.unit_id = {unit_id})"
        )
        belongs = sql.SQL(chosen.membership or lies_in)
        parts.append(belongs.format(**values, table=sql.Identifier(chosen.table)))
    return sql.SQL(" AND ").join(parts)


def shapes(session: Session, name: str, selection: Selection) -> dict[str, int]:
    """Return how many objects of each geometry type are selected: {"POINT": 500000}."""
    chosen = layer(name)
    query = sql.SQL("SELECT coalesce(GeometryType({}), 'NONE'), count(*) {} GROUP BY 1").format(
        sql.SQL(chosen.geometry), source(chosen, selection)
    )
    with outside(session):
        return dict(raw_connection(session).execute(query).fetchall())
