"""Synthetic applications, one for each state a department meets, made by the services that make real ones.

They bear the day they are made: the database writes the times of their history, and nobody writes them for it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.demo.parameters import read
from app.kit.page import today
from app.licensing.applications import acting, asking, queries, service
from app.licensing.applications.schemas import ActionIn, AnswerIn, ApplicationIn, AsBuilt, Place, RefusalIn

# Masts of others with room known, one for each application, so that there is somebody to ask.
_HOSTS = text("""
    SELECT ST_X(t.geom) AS lon, ST_Y(t.geom) AS lat, t.height_m
    FROM registry.structure t JOIN registry.site s ON s.id = t.site_id
    JOIN registry.organisation o ON o.id = coalesce(t.owner_id, s.owner_id)
    WHERE o.code <> :applicant AND t.kind = 'mast' AND t.height_m >= 20 AND t.valid_to IS NULL AND s.valid_to IS NULL
      AND NOT t.restricted AND NOT s.restricted
      AND NOT EXISTS (SELECT FROM registry.base_station b JOIN registry.organisation n ON n.id = b.operator_id
                      WHERE b.site_id = s.id AND n.code = :applicant)
      AND t.tenant_capacity > (SELECT count(DISTINCT x.tenant_id) FROM registry.structure_occupancy x
                               WHERE x.structure_id = t.id AND x.valid_to IS NULL)
    ORDER BY t.code OFFSET :skip LIMIT 1
""")


def write(session: Session) -> dict[str, int]:
    """Make the applications, as many as there are masts to ask for; return state → how many there are in it."""
    drawn = read("applications")
    applied: Counter[str] = Counter()
    for case in drawn["cases"]:
        host = session.execute(
            _HOSTS, {"applicant": case["applicant"], "skip": applied[case["applicant"]]}
        ).one_or_none()
        if host is None:  # a small province has few
            continue
        applied[case["applicant"]] += 1
        place = Place(type="Point", coordinates=[round(host.lon, 6), round(host.lat + drawn["north_deg"], 6)])
        asked = ApplicationIn(
            kind="tower", title=f"{case['title']} (SYNTHETIC)", purpose="SYNTHETIC demo", applicant=case["applicant"],
            height_m=host.height_m, technologies=["4G"], geometry=place, in_deployment_list=True,
        )  # fmt: skip
        _, made = service.create(session, asked, synthetic=True)
        for step in case.get("steps", ()):
            _do(session, int(made["id"]), dict(step), host)
    states = session.execute(text("SELECT state, count(*) FROM licensing.application GROUP BY state ORDER BY min(id)"))
    return {state: number for state, number in states}


def _do(session: Session, number: int, step: dict[str, Any], host: Any) -> None:
    action = step.pop("action")
    requests = [r.id for r in queries.requests_of(session, [number]).get(number, []) if r.state in ("open", "answered")]
    if action == "owners_refuse":
        for request in requests:
            asking.refuse(session, request, RefusalIn(**step))
    elif action == "owner_answers":
        asking.answer(session, requests[0], AnswerIn(**step))
    else:
        more: dict[str, Any] = {}
        if action == "decide_share":
            more["requests"] = requests[:1]
        if action == "report_built":
            more["as_built"] = AsBuilt(lon=host.lon, lat=host.lat, on=today())
        acting.act(session, number, action, ActionIn(**step, **more))
