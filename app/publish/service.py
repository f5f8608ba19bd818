"""Answers of the published endpoints, put together from the queries."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.areas import queries as areas
from app.config import ROOT
from app.coverage.inputs import read_receiver
from app.coverage.models import CoverageRun
from app.coverage.queries import latest_run
from app.coverage.surface import latest_maps
from app.database import statistics
from app.errors import NotFound, Unavailable
from app.kit.page import Dated, parse_bbox
from app.policy import queries as policy
from app.policy.past import in_time
from app.publish import queries
from app.publish.openapi import version
from app.publish.schemas import CommuneQuestion, Meta, Run, VillageFilter, VillageQuestion
from app.sites.models import TECHNOLOGIES

TITLE = "Hatang — hạ tầng viễn thông trên bản đồ số"
LOW_DETAIL_DEG = 0.001  # about 100 m


def villages(session: Session, asked: VillageFilter, path: str) -> bytes:
    """Return one page of villages as a GeoJSON document."""
    wanted, run = wanted_villages(session, asked)
    matched, features = queries.villages(session, wanted)
    return collection(features, matched=matched, links=asked.links(path, matched), run=run_json(run))


def wanted_villages(session: Session, asked: VillageFilter) -> tuple[queries.Wanted, CoverageRun | None]:
    """Look up everything `asked` names.

    Raises
    ------
    NotFound
        Unknown commune, rule or operator on that date, with the nearest names.
    """
    in_time(session, asked)
    as_of = asked.on
    rule = queries.rule(session, asked.rule, as_of).name
    run = latest_run(session, rule, as_of, asked.known_at)
    wanted = queries.Wanted(
        as_of=as_of,
        rule=rule,
        run_id=run.id if run else None,
        bbox=parse_bbox(asked.bbox) if asked.bbox else None,
        unit_id=areas.commune(session, asked.commune, as_of).id if asked.commune else None,
        operator_id=queries.operator(session, asked.operator, as_of).id if asked.operator else None,
        technology=asked.technology,
        verdict=asked.verdict,
        q=asked.q,
        limit=asked.limit,
        offset=asked.offset,
    )
    return wanted, run


def village(session: Session, village_id: int, asked: VillageQuestion, path: str) -> bytes:
    """Return one village as a GeoJSON feature with the run its verdict rests on.

    Raises
    ------
    NotFound
        No such village on that date.
    """
    in_time(session, asked)
    as_of = asked.on
    rule = queries.rule(session, asked.rule, as_of).name
    run = latest_run(session, rule, as_of, asked.known_at)
    wanted = queries.Wanted(as_of=as_of, rule=rule, run_id=run.id if run else None, village_id=village_id)
    _, features = queries.villages(session, wanted)
    if not features:
        raise NotFound(
            "unknown_village",
            f"Không có thôn, bản số {village_id} vào ngày {as_of}",
            f"There is no village {village_id} on {as_of}",
            field="village_id",
        )
    query = f"?{asked.query()}" if asked.query() else ""
    links = [{"rel": "self", "href": path + query}, {"rel": "coverage", "href": f"{path}/coverage{query}"}]
    members = orjson.dumps({"links": links, "run": run_json(run)})
    return features[0][:-1].encode() + b"," + members[1:]


def communes(session: Session, asked: CommuneQuestion, path: str) -> bytes:
    """Return all communes in force on the date as a GeoJSON document."""
    in_time(session, asked)
    simplify = LOW_DETAIL_DEG if asked.detail == "low" else 0.0
    features = queries.communes(session, asked.on, simplify)
    query = f"?{asked.query()}" if asked.query() else ""
    return collection(features, matched=len(features), links=[{"rel": "self", "href": path + query}])


def collection(features: Iterable[str], *, matched: int, **members: Any) -> bytes:
    """Wrap features (GeoJSON text each) into a FeatureCollection without parsing them again."""
    joined = list(features)
    counts = {"type": "FeatureCollection", "numberMatched": matched, "numberReturned": len(joined)}
    head = orjson.dumps(counts | members)
    return head[:-1] + b',"features":[' + ",\n".join(joined).encode() + b"]}"


def run_json(run: CoverageRun | None) -> dict[str, Any] | None:
    """Return the run as answers show it."""
    return Run.model_validate(run).model_dump(mode="json") if run else None


def meta(session: Session, asked: Dated) -> Meta:
    """Return what a client needs before it asks: rules, operators, extent, newest run, targets.

    Whether anything is synthetic is said of every object that is not restricted, whoever asks: figures rest on them.
    """
    in_time(session, asked)
    as_of = asked.on
    with statistics(session):
        synthetic = queries.any_synthetic(session, as_of)
    rules = queries.rules(session, as_of)
    default = next((p.name for p in rules if p.value.get("default")), None)
    tiles, bounds = queries.terrain(session)
    maps = latest_maps(session, as_of, asked.known_at)
    run = latest_run(session, default, as_of, asked.known_at) if default else None
    shown = maps or run
    calibration = shown.calibration if shown else None
    return Meta.model_validate(
        {
            "version": version(),
            "title": TITLE,
            "synthetic": synthetic,
            "bbox": queries.extent(session, as_of),
            "as_of": as_of,
            "run": run_json(run),
            "rules": [
                {
                    "name": p.name,
                    "version": p.version,
                    "default": bool(p.value.get("default")),
                    "citation": p.citation,
                    "value": {k: v for k, v in p.value.items() if k != "default"},
                }
                for p in rules
            ],
            "operators": [
                {"code": o.code, "name": o.name, "has_radio": o.has_radio} for o in queries.operators(session, as_of)
            ],
            "technologies": list(TECHNOLOGIES),
            "terrain": {"tiles": tiles, "bounds": bounds},
            "coverage_maps": sorted(maps.counts["raster"]["maps"]) if maps else [],
            "model_error_db": (calibration or vars(read_receiver(session, as_of)))["sigma_model_db"],
            "calibration": calibration,
            "targets": [
                {"indicator": t.indicator, "year": t.year, "value": t.value, "unit": t.unit, "document": t.document}
                for t in policy.targets(session)
            ],
        }
    )


@lru_cache
def newest_revision() -> str | None:
    """Return the revision this program was written for."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(Config(str(ROOT / "alembic.ini"))).get_current_head()


def require_schema(session: Session) -> str:
    """Return the database's revision when it is the newest one.

    Raises
    ------
    Unavailable
        The tables are missing or of another revision; the message says how to mend it.
    """
    known = session.scalar(text("SELECT to_regclass('public.alembic_version') IS NOT NULL"))
    current = session.scalar(text("SELECT version_num FROM public.alembic_version")) if known else None
    if current != newest_revision():
        raise Unavailable(
            "schema_not_migrated",
            f"Cơ sở dữ liệu ở phiên bản {current or 'trống'}, chương trình cần {newest_revision()}: "
            "chạy hatang db migrate",
            f"The database is at revision {current or 'empty'}, the program needs {newest_revision()}: "
            "run hatang db migrate",
            current=current,
            needed=newest_revision(),
        )
    return str(current)
