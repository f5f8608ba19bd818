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
from app.publish.exports.geojson import COPY_LINES, CRS
from app.publish.exports.ofds_items import ITEMS, NODES, SPANS
from app.publish.exports.ofds_rows import members, selected
from app.publish.exports.selection import Selection, select
from app.publish.exports.slots import export_slot

SCHEMA: Final = (
    "https://raw.githubusercontent.com/Open-Telecoms-Data/open-fibre-data-standard/0__3__0/schema/network-schema.json"
)
CRS84: Final = {"name": "urn:ogc:def:crs:OGC::CRS84", "uri": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}


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
        sql.SQL("SELECT q.owner FROM ({}) q").format(selected(name, chosen)) for name, chosen in selection.items()
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
            asked = query.format(sql.SQL(ITEMS[name]), members(name, selection, owner))
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


def _organisations(session: Session, selection: dict[str, Selection], owner: str | None) -> list[dict[str, Any]]:
    owning = sql.SQL(" UNION ").join(
        sql.SQL("SELECT q.owner FROM ({}) q").format(members(name, selection, owner)) for name in selection
    )
    query = sql.SQL(
        """WITH owners AS ({owning}), tenants AS (
               SELECT DISTINCT t.code
               FROM ({ducts}) q CROSS JOIN LATERAL unnest(string_to_array(q.occupants, ';')) t(code)
               WHERE t.code <> '?' AND strpos(t.code, ':') = 0)
           SELECT o.code, min(o.name), o.code IN (SELECT owner FROM owners), o.code IN (SELECT code FROM tenants)
           FROM organisation o WHERE o.code IN (SELECT owner FROM owners UNION SELECT code FROM tenants)
           GROUP BY o.code ORDER BY o.code"""
    ).format(owning=owning, ducts=members("ducts", selection, owner))
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
            members(name, selection, owner)
        )
        for name in selection
    )
    with outside(session):
        years = raw_connection(session).execute(sql.SQL("{} ORDER BY 1").format(parts)).fetchall()
    return [{"id": year, "name": f"Từ năm {year}"} for (year,) in years]
