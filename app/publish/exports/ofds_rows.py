"""The rows of one owner's network."""

from __future__ import annotations

from psycopg import sql

from app.publish.exports.selection import GEOMETRY, Selection, layer
from app.publish.exports.statements import rows, told_columns, told_geometry


def members(name: str, selection: dict[str, Selection], owner: str | None) -> sql.Composed:
    """Return the rows of one network: its owner's, and the manholes of others where its ducts end."""
    found = {n: selected(n, selection[n]) for n in {name, "manholes", "ducts"}}
    mine = sql.SQL("owner IS NOT DISTINCT FROM {}").format(sql.Literal(owner))
    if name == "manholes":
        return sql.SQL(
            "SELECT q.* FROM ({manholes}) q WHERE q.{mine} OR q.id IN"
            " (SELECT unnest(ARRAY[d.start_id, d.end_id]) FROM ({ducts}) d WHERE d.{mine})"
        ).format(**found, mine=mine)
    if name == "ducts":  # an end that is not selected, or not for the caller, is not named
        return sql.SQL(
            "SELECT q.*, a.id AS start_node, b.id AS end_node FROM ({ducts}) q LEFT JOIN ({manholes}) a"
            " ON a.id = q.start_id LEFT JOIN ({manholes}) b ON b.id = q.end_id WHERE q.{mine}"
        ).format(**found, mine=mine)
    return sql.SQL("SELECT q.* FROM ({}) q WHERE q.{}").format(found[name], mine)


def selected(name: str, selection: Selection) -> sql.Composed:
    """Return the rows with the columns `ITEMS` knows: told properties, `owner`, `geometry` as it may be told."""
    chosen = layer(name)
    columns = [
        sql.SQL("{} AS {}").format(expression, sql.Identifier("owner" if key == "operator" else key))
        for key, expression in told_columns(chosen, selection)
    ]
    if name == "ducts":  # its manholes are told with their codes
        told = dict(told_columns(chosen, selection))
        columns += [
            sql.SQL("CASE WHEN {} IS NOT NULL THEN o.{} END AS {}").format(told[end], sql.Identifier(f"{end}_id"), key)
            for end, key in (("from_manhole", sql.SQL("start_id")), ("to_manhole", sql.SQL("end_id")))
        ]
    found = sql.SQL("SELECT o.id, {}, {} AS {} {}").format(
        sql.SQL(", ").join(columns), told_geometry(chosen, selection), sql.Identifier(GEOMETRY), rows(chosen, selection)
    )
    return _pieces(found) if name == "cables" else found


def _pieces(cables: sql.Composed) -> sql.Composed:
    """Return a row for each piece: a span is one line, so a cable of several pieces is several spans."""
    return sql.SQL(
        "SELECT c.id, c.code, c.owner, c.medium, c.laying, c.fibre_count, c.valid_from, c.synthetic, d.part,"
        " d.piece AS geometry, ST_NumGeometries(c.geometry) AS parts FROM ({}) c LEFT JOIN LATERAL"
        " (SELECT g.path[1] AS part, g.geom AS piece FROM ST_Dump(c.geometry) g) d ON true"
    ).format(cables)
