"""Fibre reach of every village (a2, b3): where an order can be met today, decided in one SQL statement."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

# A port is free when used < total; either number missing is unknown, never free.
# The index is used for `&&` with a column only: under row-level security an expression that is not leakproof, such as
# ST_Expand, has to wait for the policy. A degree is over 100 km in both directions here: `area` never cuts the reach.
_STORE = """
WITH box AS MATERIALIZED (
    SELECT d.geom, d.ports_total - d.ports_used AS ports_free,
           coalesce(d.serving_distance_m, :serving_m) AS serving_m,
           ST_Expand(d.geom, coalesce(d.serving_distance_m, :serving_m) / 100000.0) AS area
    FROM registry.distribution_point d
    WHERE registry.in_force(d.valid_from, d.valid_to, :as_of)
      AND (CAST(:operator AS bigint) IS NULL OR d.operator_id = :operator)
), recorded AS (
    SELECT d.id FROM registry.distribution_point d WHERE registry.in_force(d.valid_from, d.valid_to, :as_of) LIMIT 1
), place AS (
    SELECT p.id, p.village_id, p.point, p.dwellings
    FROM registry.demand_point p JOIN registry.village v ON v.id = p.village_id
    WHERE registry.in_force(v.valid_from, v.valid_to, :as_of)
), reach AS MATERIALIZED (
    SELECT p.id AS point_id, bool_or(b.ports_free > 0) IS TRUE AS served, bool_or(b.ports_free IS NULL) AS maybe
    FROM box b
    -- The table itself and not `place`: a materialised CTE has no index.
    JOIN registry.demand_point p ON p.point && b.area
                                AND ST_Distance(p.point::geography, b.geom::geography) <= b.serving_m
    GROUP BY p.id
), village AS (
    SELECT v.id, v.households, v.synthetic, v.point,
           count(p.id) AS points,
           count(p.id) FILTER (WHERE r.served) AS points_served,
           count(p.id) FILTER (WHERE NOT r.served AND r.maybe) AS points_unknown,
           sum(p.dwellings) AS dwellings,
           coalesce(sum(p.dwellings) FILTER (WHERE r.served), 0) AS dwellings_served,
           coalesce(sum(p.dwellings) FILTER (WHERE NOT r.served AND r.maybe), 0) AS dwellings_unknown
    FROM registry.village v LEFT JOIN place p ON p.village_id = v.id LEFT JOIN reach r ON r.point_id = p.id
    WHERE registry.in_force(v.valid_from, v.valid_to, :as_of)
    GROUP BY v.id
), judged AS (
    SELECT *,
        -- A registry without any box says nothing about the villages.
        CASE WHEN points = 0 OR NOT EXISTS (SELECT FROM recorded) THEN NULL
             -- Without dwellings only all or nothing can be told.
             WHEN coalesce(dwellings, 0) = 0 THEN CASE WHEN points_served = points THEN 1.0
                                                       WHEN points_served + points_unknown = 0 THEN 0.0 END
             ELSE dwellings_served::float / dwellings END AS share,
        CASE WHEN coalesce(dwellings, 0) = 0 THEN 0.0 ELSE dwellings_unknown::float / dwellings END AS share_unknown
    FROM village
), stored AS (
INSERT INTO registry.fibre_reach (run_id, village_id, verdict, households, households_reached, why)
SELECT :run, j.id,
    CASE WHEN share >= :min_share THEN 'covered'
         WHEN share + share_unknown < :min_share THEN 'not_covered' ELSE 'unknown' END,
    -- No dwellings recorded is nothing counted, not nobody there.
    coalesce(j.households, nullif(j.dwellings, 0)),
    round(share * coalesce(j.households, nullif(j.dwellings, 0))),
    jsonb_strip_nulls(jsonb_build_object(
        'share', share, 'share_unknown', share_unknown, 'min_share', CAST(:min_share AS float),
        'points', points, 'points_served', points_served, 'points_unknown', points_unknown,
        'synthetic', j.synthetic,
        'reasons', jsonb_build_array(CASE
            WHEN points = 0 THEN 'no_demand_points'
            WHEN NOT EXISTS (SELECT FROM recorded) THEN 'no_distribution_points'
            WHEN share IS NULL THEN 'no_dwellings'
            WHEN share >= :min_share THEN 'free_port_in_reach'
            WHEN share + share_unknown < :min_share THEN 'no_free_port_in_reach'
            ELSE 'ports_unknown' END)))
FROM judged j
RETURNING id, village_id
)
-- The free box nearest the village's own point: index order in degrees first, true distance among those.
INSERT INTO registry.fibre_nearest (fibre_reach_id, point_id, distance_m)
SELECT s.id, n.*
FROM stored s JOIN registry.village v ON v.id = s.village_id CROSS JOIN LATERAL (
    SELECT c.id, ST_Distance(c.geom::geography, v.point::geography) AS distance_m
    FROM (SELECT d.id, d.geom FROM registry.distribution_point d
          WHERE registry.in_force(d.valid_from, d.valid_to, :as_of) AND d.ports_used < d.ports_total
            AND (CAST(:operator AS bigint) IS NULL OR d.operator_id = :operator)
          ORDER BY d.geom <-> v.point LIMIT 16) c
    ORDER BY distance_m LIMIT 1) n
"""

NO_POINTS = "no_distribution_points"
SENTENCES = {
    "no_demand_points": ("Thôn chưa có điểm dân cư", "The village has no populated points"),
    NO_POINTS: ("Chưa nạp tủ/hộp cáp nào", "No distribution point has been loaded"),
    "no_dwellings": ("Chưa có số nhà ở của các điểm dân cư", "The dwellings of its points are not recorded"),
    "free_port_in_reach": ("Có tủ/hộp cáp còn cổng trong cự ly phục vụ", "A box with a free port is in reach"),
    "no_free_port_in_reach": (
        "Không đủ nhà ở trong cự ly phục vụ của tủ/hộp cáp còn cổng",
        "Too few dwellings are in reach of a box with a free port",
    ),
    "ports_unknown": ("Chưa rõ số cổng của tủ/hộp cáp trong cự ly", "The ports of the boxes in reach are not known"),
}


def store_fibre_reach(
    session: Session, run_id: int, as_of: dt.date, serving_m: float, min_share: float, operator: int | None = None
) -> dict[str, int]:
    """Judge and store every village's fibre reach; return the number of villages per verdict.

    Parameters
    ----------
    serving_m : float
        Serving distance of a distribution point that records none (policy fibre/serving), geodesic.
    min_share : float
        Share of dwellings that have to be in reach.
    operator : int or None
        Only this operator's distribution points.
    """
    session.execute(
        text(_STORE),
        {"run": run_id, "as_of": as_of, "serving_m": serving_m, "min_share": min_share, "operator": operator},
    )
    query = "SELECT verdict, count(*) FROM registry.fibre_reach WHERE run_id = :run GROUP BY verdict"
    return {verdict: count for verdict, count in session.execute(text(query), {"run": run_id})}
