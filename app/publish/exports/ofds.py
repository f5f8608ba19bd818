"""Ducts, cables and their nodes as the Open Fibre Data Standard 0.3: one network for each owner.

Who owns a node or span (physicalInfrastructureProvider) stands apart from who uses it (networkProviders). What the
caller is not told is left out, as everywhere. Beside the standard's fields each node and span keeps how its position
was found, as OGC MUDDI asks: `positionAccuracy`. The documents are built by the database and streamed.

Source: https://standard.ofds.info, network-schema.json of 0.3.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Generator
from contextlib import closing
from typing import Any, Final

import orjson
from psycopg import sql
from sqlalchemy.orm import Session

from app.config import settings
from app.database import outside
from app.kit.bulk import raw_connection
from app.publish.exports.about import metadata, note
from app.publish.exports.copying import Advance, blocks, silent
from app.publish.exports.geojson import COPY_LINES, CRS, DIGITS
from app.publish.exports.selection import GEOMETRY, Selection, layer, rows, select, told_columns, told_geometry
from app.publish.exports.slots import export_slot

SCHEMA: Final = (
    "https://raw.githubusercontent.com/Open-Telecoms-Data/open-fibre-data-standard/0__3__0/schema/network-schema.json"
)
CRS84: Final = {"name": "urn:ogc:def:crs:OGC::CRS84", "uri": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
NODES: Final = ("manholes", "distribution_points")
SPANS: Final = ("ducts", "cables")
_NAMED = "json_build_object('id', {0}, 'name', (SELECT o.name FROM organisation o WHERE o.code = {0} LIMIT 1))"
_OWNER = f"CASE WHEN q.owner IS NOT NULL THEN {_NAMED.format('q.owner')} END"
_PHASE = (
    "CASE WHEN q.valid_from IS NOT NULL THEN json_build_object('id', to_char(q.valid_from, 'YYYY'),"
    " 'name', 'Từ năm ' || to_char(q.valid_from, 'YYYY')) END"
)
_ACCURACY = (
    "CASE WHEN num_nonnulls(q.position_accuracy_m, q.survey_method) > 0 THEN json_build_object("
    "'horizontalUncertaintyMetres', q.position_accuracy_m, 'method', q.survey_method) END"
)
# "VIETTEL;EVN:power;?": a label of another service, or of a line nobody claimed, is no network provider.
_TENANTS = (
    "(SELECT json_agg(" + _NAMED.format("t") + " ORDER BY t)"  # noqa: S608  the words are ours
    " FROM unnest(string_to_array(q.occupants, ';')) t WHERE t <> '?' AND t NOT LIKE '%:%')"
)
_SHAPE = f"ST_AsGeoJSON({{geometry}}, {DIGITS})::json"
_NODE = (
    "json_build_object('id', '{kind}-' || q.id, 'name', q.code, 'phase', " + _PHASE + ", 'status', 'operational',"
    " 'location', " + _SHAPE.format(geometry="q.geometry") + ", 'physicalInfrastructureProvider', " + _OWNER + ","
)
_SPAN = (
    "json_build_object('id', '{kind}-' || q.id || {part}, 'name', q.code, 'phase', " + _PHASE + ","
    " 'status', 'operational', 'readyForServiceDate', q.valid_from, 'physicalInfrastructureProvider', " + _OWNER + ","
)
_BUILT: Final = {
    "manholes": _NODE.format(kind="manhole") + "'accessPoint', false, 'kind', q.kind, 'positionAccuracy', "
    + _ACCURACY + ", 'synthetic', q.synthetic)",
    "distribution_points": _NODE.format(kind="distribution_point")
    + "'type', json_build_array('aggregationPoint'), 'accessPoint', true, 'networkProviders',"
    " CASE WHEN q.owner IS NOT NULL THEN json_build_array(" + _OWNER + ") END, 'portsTotal', q.ports_total,"
    " 'portsUsed', q.ports_used, 'positionAccuracy', " + _ACCURACY + ", 'synthetic', q.synthetic)",
    "ducts": _SPAN.format(kind="duct", part="''")
    + "'start', CASE WHEN q.start_node IS NOT NULL THEN 'manhole-' || q.start_node END,"
    " 'end', CASE WHEN q.end_node IS NOT NULL THEN 'manhole-' || q.end_node END, 'route', "
    + _SHAPE.format(geometry="q.geometry") + ", 'networkProviders', " + _TENANTS + ","
    " 'deployment', json_build_array('belowGround'), 'lengthMetres', q.length_m, 'boreCount', q.bore_count,"
    " 'positionAccuracy', " + _ACCURACY + ", 'synthetic', q.synthetic)",
    "cables": _SPAN.format(kind="cable", part="CASE WHEN q.parts > 1 THEN '-' || q.part ELSE '' END")
    + "'route', " + _SHAPE.format(geometry="q.geometry") + ", 'networkProviders',"
    " CASE WHEN q.owner IS NOT NULL THEN json_build_array(" + _OWNER + ") END,"
    " 'transmissionMedium', json_build_array(q.medium), 'fibreCount', q.fibre_count, 'deployment', CASE q.laying"
    " WHEN 'aerial' THEN json_build_array('aboveGround')"
    " WHEN 'mixed' THEN json_build_array('aboveGround', 'belowGround')"
    " WHEN 'duct' THEN json_build_array('belowGround') WHEN 'buried' THEN json_build_array('belowGround')"
    " WHEN 'submarine' THEN json_build_array('belowGround') END, 'synthetic', q.synthetic)",
}  # fmt: skip
"""What a node or span says, of the told columns of its layer as `q`; nulls are left out."""


def select_all(session: Session, as_of: dt.date, bbox: str | None, commune: str | None) -> dict[str, Selection]:
    """Return what is selected of each layer of nodes and spans; see `selection.select`."""
    return {name: select(session, name, as_of, bbox, commune) for name in (*NODES, *SPANS)}


def streamed(session: Session, selection: dict[str, Selection]) -> Generator[bytes, None, None]:
    """Yield a network package; holds one of the places for exports."""
    with export_slot(session):
        yield from package(session, selection)


def package(
    session: Session, selection: dict[str, Selection], advance: Advance = silent
) -> Generator[bytes, None, None]:
    """Yield a network package.

    Parameters
    ----------
    selection : dict
        Of each layer in `NODES` and `SPANS`.
    """
    for name in selection:
        note(session, name)
    yield b'{"networks":['
    for i, owner in enumerate(owners(session, selection)):
        yield b",\n" if i else b"\n"
        yield from _network(session, selection, owner, advance)
    about = {name: metadata(session, name, chosen, CRS) for name, chosen in selection.items()}
    yield b'],"metadata":' + orjson.dumps(about) + b"}\n"


def owners(session: Session, selection: dict[str, Selection]) -> list[str | None]:
    """Return the codes of whose networks there are; None last, for those of nobody known."""
    parts = sql.SQL(" UNION ").join(
        sql.SQL("SELECT q.owner FROM ({}) q").format(_selected(name, chosen)) for name, chosen in selection.items()
    )
    with outside(session):
        found = raw_connection(session).execute(sql.SQL("{} ORDER BY 1 NULLS LAST").format(parts)).fetchall()
    return [row[0] for row in found]


def _network(
    session: Session, selection: dict[str, Selection], owner: str | None, advance: Advance
) -> Generator[bytes, None, None]:  # fmt: skip
    number = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:hatang:{settings().province_code}:fibre:{owner or ''}")
    as_of = next(iter(selection.values())).as_of.isoformat()
    head: dict[str, Any] = {
        "id": str(number), "name": f"Hạ tầng {owner or 'chưa rõ chủ sở hữu'}", "publisher": {"name": "Hatang"},
        "publicationDate": as_of, "crs": CRS84, "language": "vi", "links": [{"href": SCHEMA, "rel": "describedby"}],
    }  # fmt: skip
    yield orjson.dumps(head)[:-1]
    for member, names in (("nodes", NODES), ("spans", SPANS)):
        begun = False  # the standard wants no empty list
        for name in names:
            query = sql.SQL("SELECT ',' || json_strip_nulls({}) FROM ({}) q")
            asked = query.format(sql.SQL(_BUILT[name]), _members(name, selection, owner))
            with outside(session), closing(blocks(raw_connection(session), COPY_LINES, asked)) as found:
                for block in found:
                    if block:
                        yield block if begun else f',"{member}":['.encode() + block[1:]
                        begun = True
                        advance(block.count(b"\n"))
        if begun:
            yield b"]"
    for member, listed in (("organisations", _organisations), ("phases", _phases)):
        if told := listed(session, selection, owner):
            yield f',"{member}":'.encode() + orjson.dumps(told)
    yield b"}"


def _members(name: str, selection: dict[str, Selection], owner: str | None) -> sql.Composed:
    """Return the rows of one network: its owner's, and the manholes of others where its ducts end."""
    found = {n: _selected(n, selection[n]) for n in {name, "manholes", "ducts"}}
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


def _selected(name: str, selection: Selection) -> sql.Composed:
    """Return the rows with the columns `_BUILT` knows: told properties, `owner`, `geometry` as it may be told."""
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


def _organisations(session: Session, selection: dict[str, Selection], owner: str | None) -> list[dict[str, Any]]:
    owning = sql.SQL(" UNION ").join(
        sql.SQL("SELECT q.owner FROM ({}) q").format(_members(name, selection, owner)) for name in selection
    )
    query = sql.SQL(
        """WITH owners AS ({owning}), tenants AS (
               SELECT DISTINCT t.code
               FROM ({ducts}) q CROSS JOIN LATERAL unnest(string_to_array(q.occupants, ';')) t(code)
               WHERE t.code <> '?' AND strpos(t.code, ':') = 0)
           SELECT o.code, min(o.name), o.code IN (SELECT owner FROM owners), o.code IN (SELECT code FROM tenants)
           FROM organisation o WHERE o.code IN (SELECT owner FROM owners UNION SELECT code FROM tenants)
           GROUP BY o.code ORDER BY o.code"""
    ).format(owning=owning, ducts=_members("ducts", selection, owner))
    with outside(session):
        found = raw_connection(session).execute(query).fetchall()
    return [
        {"id": code, "name": name, "country": "VN",
         "roles": [role for role, has in (("supportingInfrastructureOwner", owns), ("networkProvider", uses)) if has]}
        for code, name, owns, uses in found
    ]  # fmt: skip


def _phases(session: Session, selection: dict[str, Selection], owner: str | None) -> list[dict[str, Any]]:
    parts = sql.SQL(" UNION ").join(
        sql.SQL("SELECT to_char(q.valid_from, 'YYYY') FROM ({}) q WHERE q.valid_from IS NOT NULL").format(
            _members(name, selection, owner)
        )
        for name in selection
    )
    with outside(session):
        years = raw_connection(session).execute(sql.SQL("{} ORDER BY 1").format(parts)).fetchall()
    return [{"id": year, "name": f"Từ năm {year}"} for (year,) in years]
