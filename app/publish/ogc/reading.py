"""The features of a question, as its caller may see and is told them, read in a transaction that cannot write."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np
import shapely
from psycopg import sql
from sqlalchemy.orm import Session

from app.coverage.models import CoverageRun
from app.coverage.queries import latest_run
from app.database import Scope, is_department, scope_of, translated
from app.errors import NotFound
from app.kit.bulk import raw_connection
from app.kit.page import today
from app.policy import disclosure
from app.policy.past import in_time
from app.publish.exports.about import note
from app.publish.exports.geojson import DIGITS
from app.publish.exports.selection import GEOMETRY as GEOMETRY_NAME
from app.publish.ogc import systems
from app.publish.ogc.collections import COLLECTIONS, PUBLISHED
from app.publish.ogc.question import Question
from app.publish.ogc.views import GEOMETRY, select_of

TIMEOUT_S = 20
"""Of a statement; what takes longer belongs to the exports."""
# One round trip; all of it is taken back with the savepoint.
_PREPARE = """SAVEPOINT reading;
SELECT registry.enter({actor}, {roles}, {organisations}, {communes}),
       set_config('hatang.as_of', {last}, true), set_config('hatang.since', {first}, true),
       set_config('hatang.withheld', {withheld}::text, true), set_config('hatang.run', {run}, true),
       set_config('statement_timeout', {timeout}, true), set_config('transaction_read_only', 'on', true)"""
_END = "ROLLBACK TO SAVEPOINT reading; RELEASE SAVEPOINT reading"


@dataclass(frozen=True)
class Page:
    """Features as GeoJSON text, in order; `more` says that there are others after `last_id`."""

    features: Sequence[str]
    more: bool
    last_id: int


def withheld(session: Session, name: str) -> list[str]:
    """Return the attributes of a collection that the caller is not told of objects not its own."""
    if name in PUBLISHED:
        return []
    return list(disclosure.withheld(session, name, attributes(name)))


def attributes(name: str) -> tuple[str, ...]:
    """Return what disclosure knows of a collection."""
    return (*COLLECTIONS[name].properties, GEOMETRY_NAME)


def collection(name: str) -> str:
    """Return `name` when there is such a collection.

    Raises
    ------
    NotFound
        There is none.
    """
    if name not in COLLECTIONS:
        known = ", ".join(COLLECTIONS)
        raise NotFound(
            "unknown_collection",
            f"Không có bộ dữ liệu {name[:60]!r}; có: {known}",
            f"There is no collection {name[:60]!r}; there are: {known}",
            field="collectionId",
        )
    return name


def read(session: Session, question: Question) -> Page:
    """Return a page of features.

    Raises
    ------
    Unauthorized
        Nobody is signed in, and the public is told nothing of the collection.
    Unavailable
        It takes too long.
    """
    with translated(), _prepared(session, question) as (schema, hidden):
        connection = session.connection()
        query = _statement(question, schema, hidden).as_string(raw_connection(session))
        # Through SQLAlchemy, whose errors are translated once (app.database).
        rows = connection.exec_driver_sql(query.replace("%", "%%")).fetchall()
    more = len(rows) > question.limit
    rows = rows[: question.limit]
    features = [row[1] for row in rows]
    if question.crs != systems.CRS84:
        geometries = systems.write(shapely.from_wkb([row[2] for row in rows]), question.crs)
        written = np.where(shapely.is_missing(geometries), "null", shapely.to_geojson(geometries))
        features = [f[0] + str(g) + f[1] for f, g in zip((f.split(_HERE, 1) for f in features), written, strict=True)]
    return Page(features, more, rows[-1][0] if rows else 0)


@contextmanager
def _prepared(session: Session, question: Question) -> Iterator[tuple[str, list[str]]]:
    """Set the transaction up for the question; yields the schema of the views and what is withheld."""
    in_time(session, question)
    name = question.collection
    hidden = withheld(session, name)
    if len(hidden) == len(attributes(name)):
        disclosure.require_sign_in(
            session,
            f"Bộ dữ liệu {name!r} không công bố: hãy đăng nhập, hoặc dùng mã truy cập làm mật khẩu",
            f"The collection {name!r} is not public: sign in, or give an API token as the password",
            field="collectionId",
        )
    if name not in PUBLISHED:
        note(session, name)
    run = _run(session, question) if name == "coverage" else None
    connection = raw_connection(session)
    connection.execute(_preparation(session, question, hidden, run))
    try:
        yield ("past" if question.known_at else "publish"), hidden
    finally:
        connection.execute(_END)


def _preparation(session: Session, question: Question, hidden: list[str], run: CoverageRun | None) -> sql.Composed:
    scope = scope_of(session)
    if is_department(session):
        # As app.database.outside does: row-level security itself then leaves out what is restricted.
        scope = Scope(scope.actor, ("other_department",))
    first, last = question.days.first, question.days.last
    values = {
        **asdict(scope),
        "first": first.isoformat() if first else "-infinity",
        # After the last day of an open interval: objects as they are planned to be then.
        "last": last.isoformat() if last else "infinity",
        "withheld": hidden,
        "run": str(run.id) if run else "",
        "timeout": f"{TIMEOUT_S}s",
    }
    kinds = {"roles": "text", "organisations": "bigint", "communes": "bigint", "withheld": "text"}
    given = {
        key: sql.SQL("{}::" + kinds[key] + "[]").format(sql.Literal(list(value)))
        if key in kinds
        else sql.Literal(value)
        for key, value in values.items()
    }
    return sql.SQL(_PREPARE).format(**given)


def _run(session: Session, question: Question) -> CoverageRun | None:
    try:
        return latest_run(session, None, question.days.last or today(), question.known_at)
    except NotFound:
        return None  # no rule was the default on that day: nothing is known


_HERE = '"\x02"'
"""Where a geometry goes that is written here; a control character is always escaped in JSON text."""


_OF_PAGE = "IN (SELECT id FROM page)"


def _statement(question: Question, schema: str, hidden: Collection[str]) -> sql.Composed:
    layer = COLLECTIONS[question.collection]
    source: sql.Composable
    view = sql.Identifier(schema, question.collection)
    order = sql.SQL(", ").join(
        [*(sql.SQL("v.{}" + (" DESC" if down else "")).format(sql.Identifier(n)) for n, down in question.order),
         sql.SQL("v.id")]
    )  # fmt: skip
    geometry = sql.SQL("ST_ForcePolygonCCW(v.{})" if layer.written else "v.{}").format(sql.Identifier(GEOMETRY))
    written: sql.Composable
    apart: sql.Composable
    if question.crs == systems.CRS84:
        written = sql.SQL("coalesce(ST_AsGeoJSON({}, {}), 'null')").format(geometry, sql.Literal(DIGITS))
        apart = sql.SQL("NULL")
    else:
        written, apart = sql.Literal(_HERE), sql.SQL("ST_AsBinary({})").format(geometry)
    shown = sql.SQL(", ").join(sql.SQL("v.{}").format(sql.Identifier(n)) for n in question.shown)
    listed = sql.SQL("(SELECT row_to_json(r) FROM (SELECT {}) r)::text").format(shown)
    # Of a single day what hangs on the page's objects is read in one go, by the same query as the view's.
    single = question.days.first == question.days.last
    source = sql.SQL(f"({select_of(layer, _OF_PAGE, hidden)})") if single else view
    return sql.SQL(
        """WITH page AS MATERIALIZED (
    SELECT v.id FROM {view} v WHERE {where} ORDER BY {order} LIMIT {limit} OFFSET {offset})
SELECT v.id, '{{"type":"Feature","id":' || v.id || ',"geometry":' || {written}
       || ',"properties":' || {properties} || '}}', {apart}
  FROM {source} v WHERE v.id IN (SELECT id FROM page) ORDER BY {order}"""
    ).format(
        written=written,
        properties=listed if question.shown else sql.Literal("{}"),
        apart=apart,
        view=view,
        source=source,
        where=sql.SQL(" AND ").join(question.where or (sql.SQL("true"),)),
        order=order,
        limit=sql.Literal(question.limit + 1),
        offset=sql.Literal(question.offset),
    )
