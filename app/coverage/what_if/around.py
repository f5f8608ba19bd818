"""The villages about some places, and what a stored run says of them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage.models import CoverageRun
from app.coverage.queries import chosen_run
from app.coverage.rules import CoverageRule, parse_rule
from app.coverage.switch_off_answers import refuse_without_levels
from app.coverage.switch_off_inputs import Stored, read_stored

_NEAR = """
    SELECT DISTINCT d.village_id
    FROM unnest(CAST(:lon AS float8[]), CAST(:lat AS float8[]), CAST(:dx AS float8[])) AS p (lon, lat, dx)
    JOIN demand_point d ON d.point && ST_Expand(ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326), p.dx, :dy)
    JOIN village v ON v.id = d.village_id WHERE registry.in_force(v.valid_from, v.valid_to, :as_of) ORDER BY 1
"""
_METRES_PER_DEGREE = 110_500.0


def run_with_levels(session: Session, rule: str | None, as_of: dt.date) -> tuple[CoverageRun, CoverageRule] | None:
    """Return the newest run of a rule (None: the default) up to a date, None when there is none.

    Raises
    ------
    Invalid
        The rule's runs keep no levels.
    NotFound
        No such rule.
    """
    run = chosen_run(session, rule, None, as_of)
    if run is None:
        return None
    parsed = parse_rule(run.rule, run.rule_value)
    refuse_without_levels(parsed)
    return run, parsed


def villages_near(
    session: Session, places: Iterable[tuple[float, float]], reach_km: float, as_of: dt.date
) -> list[int]:
    """Return the ids of the villages with people within a box of `reach_km` about any of the places (lon, lat)."""
    rows = list(places)
    dy = reach_km * 1000 / _METRES_PER_DEGREE
    dx = [dy / math.cos(math.radians(min(89.0, abs(lat) + dy))) for _, lat in rows]
    bind = {"lon": [p[0] for p in rows], "lat": [p[1] for p in rows], "dx": dx, "dy": dy, "as_of": as_of}
    return list(session.scalars(text(_NEAR), bind))


def stored_near(
    session: Session, run: CoverageRun, rule: CoverageRule, places: Iterable[tuple[float, float]], reach_km: float,
    as_of: dt.date,
) -> Stored:  # fmt: skip
    """Return what a run stored of the villages about some places; each village whole, so that it can be judged."""
    return read_stored(session, run, rule, None, as_of, villages_near(session, places, reach_km, as_of))
