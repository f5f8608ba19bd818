"""Black spots: villages a run leaves without coverage, ranked by the people in them who have none.

Of a village's people, `share` is known to be served and `share_unknown` may be: between population · (1 - share -
share_unknown) and population · (1 - share) people have no service. Shares are those of the evidence that decided the
verdict, of the rule's unit: under a rule of dwellings the people are spread over the dwellings alike.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.areas.queries import commune
from app.coverage.blackspots_schemas import BlackspotQuestion
from app.coverage.inputs import operator_id
from app.coverage.models import VERDICTS, CoverageRun
from app.coverage.queries import chosen_run
from app.database import statistics

PATH = "/api/blackspots"
# A village the run does not know, or whose operator or technology it never judged, is unknown: nobody has looked.
_SPOTS = """
    WITH judged AS (
        SELECT v.id, v.code, v.name, u.code AS commune_code, u.name AS commune_name, ST_X(v.point) AS lon,
               ST_Y(v.point) AS lat, v.households, v.synthetic,
               coalesce(v.population, (SELECT round(sum(d.population))::int FROM demand_point d
                                       WHERE d.village_id = v.id)) AS population,
               coalesce(r.verdict, 'unknown') AS verdict, r.evidence AS decided_by, r.share, r.share_low, r.share_high,
               CASE WHEN r.share IS NULL THEN 1 ELSE r.share_unknown END AS share_unknown, r.rsrp_dbm, r.margin_db,
               r.why
        FROM village v
        LEFT JOIN verdict r ON r.run_id = :run AND r.village_id = v.id
             AND r.operator_id IS NOT DISTINCT FROM CAST(:operator AS bigint)
             AND r.technology IS NOT DISTINCT FROM CAST(:technology AS text)
        LEFT JOIN village_unit m ON m.village_id = v.id AND registry.in_force(m.valid_from, m.valid_to, :as_of)
        LEFT JOIN unit u ON u.id = m.unit_id
        WHERE registry.in_force(v.valid_from, v.valid_to, :as_of)
          AND (CAST(:commune AS bigint) IS NULL OR m.unit_id = :commune)
    ), spot AS (
        SELECT *, population * greatest(1 - coalesce(share, 0) - share_unknown, 0) AS uncovered,
               population * share_unknown AS unknown
        FROM judged)
"""
# ruff: noqa: S608  the words are ours
_PAGE = f"""{_SPOTS}
    SELECT s.*, s.uncovered AS people_uncovered, s.uncovered + s.unknown AS people_uncovered_high,
           ARRAY(SELECT o.code FROM verdict c JOIN organisation o ON o.id = c.operator_id
                 WHERE c.run_id = :run AND c.village_id = s.id AND c.technology IS NULL AND c.verdict = 'covered'
                 ORDER BY o.code) AS covered_by
    FROM spot s WHERE s.verdict = :verdict
    ORDER BY s.uncovered DESC NULLS LAST, s.unknown DESC NULLS LAST, s.code, s.id LIMIT :limit OFFSET :offset
"""
_TOTALS = f"""{_SPOTS}
    SELECT verdict, count(*) AS villages, count(*) FILTER (WHERE population IS NULL) AS without_population,
           coalesce(sum(population), 0) AS population, coalesce(sum(uncovered), 0) AS people_uncovered,
           coalesce(sum(unknown), 0) AS people_unknown
    FROM spot GROUP BY verdict
"""
_NOBODY_LOOKED = {
    "vi": ["Lượt tính chưa xét thôn này với nhà mạng và công nghệ đã chọn"],
    "en": ["The run did not judge this village for the operator and technology asked for"],
    "reasons": ["not_in_run"],
}


def blackspots(session: Session, asked: BlackspotQuestion) -> dict[str, Any]:
    """Return a page of the villages with the verdict asked for, most people uncovered first, and totals of all.

    Villages and communes are those in force on the date asked about; of a run named without a date, on the run's.
    Verdicts are public, so everybody gets the same answer; who serves, and from where, is no part of it.

    Raises
    ------
    NotFound
        No such rule, run or commune.
    Invalid
        No such operator, or a run of another rule.
    """
    run = chosen_run(session, asked.rule, asked.run_id, asked.on)
    as_of = run.as_of if run and asked.run_id and not asked.as_of else asked.on
    operator = operator_id(session, asked.operator, as_of) if asked.operator else None
    unit = commune(session, asked.commune, as_of).id if asked.commune else None
    items: list[dict[str, Any]] = []
    totals = {name: _none() for name in VERDICTS}
    if run is not None:
        bind = {"run": run.id, "as_of": as_of, "operator": operator, "technology": asked.technology, "commune": unit}
        page = bind | {"verdict": asked.verdict, "limit": asked.limit, "offset": asked.offset}
        # The points that stand in for a population not recorded are not for everybody; their sum is.
        with statistics(session):
            items = [_spot(dict(row)) for row in session.execute(text(_PAGE), page).mappings()]
            for row in session.execute(text(_TOTALS), bind).mappings():
                totals[row["verdict"]] = {name: round(float(row[name]), 1) for name in _none()}
    matched = int(totals[asked.verdict]["villages"])
    return {"run": run, "as_of": as_of, "share_of": _unit(run), "items": items, "totals": totals,
            "number_matched": matched, "links": asked.links(PATH, matched)}  # fmt: skip


def feature_collection(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the same answer as GeoJSON (RFC 7946); run and totals are foreign members of the collection.

    Parameters
    ----------
    answer : dict
        Of `blackspots`, as JSON.
    """
    features = [
        {"type": "Feature", "id": spot["id"], "geometry": {"type": "Point", "coordinates": [spot["lon"], spot["lat"]]},
         "properties": {name: value for name, value in spot.items() if name not in ("id", "lon", "lat")}}
        for spot in answer["items"]
    ]  # fmt: skip
    rest = {name: value for name, value in answer.items() if name != "items"}
    return {"type": "FeatureCollection", "features": features, "numberReturned": len(features)} | rest


def _unit(run: CoverageRun | None) -> str | None:
    return run.rule_value.get("unit") if run else None


def _none() -> dict[str, float]:
    return dict.fromkeys(("villages", "without_population", "population", "people_uncovered", "people_unknown"), 0)


def _spot(row: dict[str, Any]) -> dict[str, Any]:
    row["people_uncovered"] = _rounded(row["people_uncovered"])
    row["people_uncovered_high"] = _rounded(row["people_uncovered_high"])
    row["why"] = row["why"] or _NOBODY_LOOKED
    return row


def _rounded(people: float | None) -> float | None:
    """Return people to a tenth: shares of a village are no whole persons."""
    return None if people is None else round(float(people), 1)
