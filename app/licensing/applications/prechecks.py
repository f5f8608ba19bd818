"""The pre-check of an application: made once when the department asks for it, kept whole with its hash."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.orm import Session

from app.kit.canonical import sha256_of
from app.kit.page import today
from app.licensing.applications import queries
from app.licensing.applications.models import Application, Check
from app.licensing.dossier.service import freeze
from app.licensing.lines.schemas import DuctsRequest, PolesRequest
from app.licensing.lines.service import check_ducts, check_poles
from app.licensing.service import gather

# What a check of poles or ducts advises, in the words of an application: share, build, refuse, or a person decides.
_ADVICE = {
    "use_existing": "share", "partly": "needs_a_person", "joint_trench": "needs_a_person", "bury": "refuse",
    "build_shared": "license_shared",
}  # fmt: skip


def make(session: Session, row: Application) -> dict[str, Any]:
    """Check what is asked for as things are today, and keep the answer; return what the applicant is told of it.

    Raises
    ------
    Invalid
        What `app.licensing.service.gather` refuses: height, operator or place.
    """
    on = today()
    answer = _tower(session, row) if row.kind == "tower" else _line(session, row)
    plain = json.loads(json.dumps(answer, default=str))
    advice = _ADVICE.get(plain["advice"]["code"], str(plain["advice"]["code"]))
    session.add(Check(application_id=row.id, as_of=on, answer=plain, sha256=sha256_of(plain), advice=advice))
    session.flush()
    # Neither names nor numbers: an application is no way around the private sharing question.
    return {"advice": advice, "as_of": on.isoformat()}


def _tower(session: Session, row: Application) -> dict[str, Any]:
    """Check at the point or in the search area, and freeze all of it for the appraisal sheet."""
    place = queries.shape(session, row.id)
    operator = queries.organisations(session, {row.operator_id})[row.operator_id]["code"]
    area = place.geometry if place.geometry["type"] == "Polygon" else None
    given = gather(
        session, lon=None if area else place.lon, lat=None if area else place.lat, area=area, operator=operator,
        height_m=row.height_m or 0.0, technologies=row.technologies, as_of=today(),
    )  # fmt: skip
    frozen = freeze(session, given, application_id=row.id)
    return frozen.answer | {"appraisal_id": frozen.id}


def _line(session: Session, row: Application) -> dict[str, Any]:
    """Check what stands or lies along a proposed pole or duct."""
    place = queries.shape(session, row.id)
    operator = queries.organisations(session, {row.operator_id})[row.operator_id]["code"]
    if row.kind == "pole":
        found = check_poles(session, PolesRequest(operator=operator, lon=place.lon, lat=place.lat, as_of=today()))
        candidates = [c | {"code": c["pole"]} for c in found["poles"]]
    else:
        found = check_ducts(session, DuctsRequest(operator=operator, geometry=place.geometry, as_of=today()))
        candidates = [c | {"code": c["duct"], "spare_state": c["state"]} for c in found["ducts"]]
    return found | {"kind": row.kind, "candidates": candidates}
