"""Reads of stored runs: the newest one, a village's verdict, what changed."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.coverage.models import VERDICTS, CoverageRun
from app.errors import Invalid, NotFound
from app.policy.models import Parameter
from app.policy.queries import parameter

_VILLAGE = """
    SELECT v.id, v.code, v.name, v.kind, v.urban, v.population, v.households, v.synthetic,
           u.code AS commune_code, u.name AS commune_name
    FROM village v
    LEFT JOIN village_unit m ON m.village_id = v.id AND registry.in_force(m.valid_from, m.valid_to, :as_of)
    LEFT JOIN unit u ON u.id = m.unit_id
    WHERE v.id = :id AND registry.in_force(v.valid_from, v.valid_to, :as_of)
"""
# The tables beside it show nothing of a server the caller may not read; `restricted` is only ever true for the
# department, which is shown such a one.
_VERDICTS = """
    SELECT o.code AS operator, r.technology, r.verdict, r.evidence AS decided_by, r.share, r.share_low, r.share_high,
           r.share_unknown, r.rsrp_dbm, r.margin_db, r.why,
           coalesce((SELECT jsonb_agg(to_jsonb(e) - 'verdict_id') FROM evidence e WHERE e.verdict_id = r.id), '[]')
               AS said,
           w.why AS served, (w.why->>'distance_m')::float AS distance_m,
           (w.why->>'diffraction_db')::float AS diffraction_db, w.cell_id,
           w.cell_id = ANY ((SELECT registry.restricted_ids('cell'))::bigint[]) AS restricted,
           CASE WHEN c.id IS NOT NULL THEN jsonb_build_object(
               'cell', c.code, 'site', s.code, 'operator', p.code, 'technology', b.technology) END AS server
    FROM verdict r
    LEFT JOIN organisation o ON o.id = r.operator_id
    LEFT JOIN served w ON w.verdict_id = r.id
    LEFT JOIN cell c ON c.id = w.cell_id
    LEFT JOIN base_station b ON b.id = c.base_station_id
    LEFT JOIN organisation p ON p.id = b.operator_id
    LEFT JOIN site s ON s.id = b.site_id
    WHERE r.run_id = :run AND r.village_id = :id
    ORDER BY o.code NULLS FIRST, r.technology NULLS FIRST
"""
_FIBRE = """
    SELECT f.verdict, f.households, f.households_reached, f.why, d.id AS point_id, d.restricted,
           CASE WHEN d.id IS NOT NULL THEN jsonb_build_object(
               'code', d.code, 'operator', o.code, 'distance_m', round(n.distance_m::numeric, 1),
               'ports_free', d.ports_total - d.ports_used) END AS nearest
    FROM fibre_reach f
    LEFT JOIN fibre_nearest n ON n.fibre_reach_id = f.id
    LEFT JOIN distribution_point d ON d.id = n.point_id
    LEFT JOIN organisation o ON o.id = d.operator_id
    WHERE f.run_id = :run AND f.village_id = :id
"""
_CHANGED = """
    SELECT v.id, v.code, v.name, v.population, a.verdict AS before, b.verdict AS after, a.share AS share_before,
           b.share AS share_after, a.why->'reasons' AS reasons_before, b.why->'reasons' AS reasons_after
    FROM (SELECT * FROM verdict WHERE run_id = :a AND operator_id IS NULL AND technology IS NULL) a
    FULL JOIN (SELECT * FROM verdict WHERE run_id = :b AND operator_id IS NULL AND technology IS NULL) b
           USING (village_id)
    JOIN village v ON v.id = village_id
    WHERE a.verdict IS DISTINCT FROM b.verdict ORDER BY v.code
"""


def default_rule(session: Session, as_of: dt.date) -> str:
    """Return the name of the rule marked default on `as_of`.

    Raises
    ------
    NotFound
        No rule is.
    """
    name = session.scalar(
        select(Parameter.name).where(
            Parameter.kind == "coverage_rule",
            Parameter.value["default"].as_boolean(),
            func.registry.in_force(Parameter.valid_from, Parameter.valid_to, as_of),
        )
    )
    if name is None:
        raise NotFound(
            "unknown_rule", f"Không có quy tắc mặc định vào {as_of}", f"No rule is the default on {as_of}", field="rule"
        )
    return name


def latest_run(
    session: Session, rule: str | None, as_of: dt.date, known_at: dt.datetime | None = None
) -> CoverageRun | None:
    """Return the newest finished run over all operators and technologies of `rule` (None: the default rule).

    Its date is the newest up to `as_of`; of two for one date the later one.

    Parameters
    ----------
    known_at : datetime, optional
        Only runs finished by then; default the moment to which `app.database.look_back` took the transaction.

    Raises
    ------
    NotFound
        No rule of that name on `as_of`.
    """
    name = parameter(session, "coverage_rule", rule, as_of).name if rule else default_rule(session, as_of)
    found = select(CoverageRun).where(
        CoverageRun.rule == name,
        CoverageRun.status == "done",
        CoverageRun.as_of <= as_of,
        CoverageRun.filters == {},
    )
    moment = known_at or session.info.get("known_at")
    if moment is not None:
        found = found.where(CoverageRun.finished_at <= moment)
    return session.scalar(found.order_by(CoverageRun.as_of.desc(), CoverageRun.id.desc()).limit(1))


def runs(session: Session, limit: int, offset: int) -> list[CoverageRun]:
    """Return stored runs, newest first."""
    return list(session.scalars(select(CoverageRun).order_by(CoverageRun.id.desc()).limit(limit).offset(offset)))


def run_by_id(session: Session, key: int, field: str = "run") -> CoverageRun:
    """Return one run; `field` is the question's parameter that names it.

    Raises
    ------
    NotFound
        No such run.
    """
    run = session.get(CoverageRun, key)
    if run is None:
        raise NotFound("unknown_run", f"Không có lượt tính {key}", f"There is no run {key}", field=field)
    return run


def chosen_run(session: Session, rule: str | None, run_id: int | None, as_of: dt.date) -> CoverageRun | None:
    """Return the run a question names, else the newest one as `latest_run` finds it.

    Raises
    ------
    NotFound
        No such rule; no such run, or it had not finished at the moment `app.database.look_back` went to.
    Invalid
        The run is of another rule than the one asked for.
    """
    if run_id is None:
        return latest_run(session, rule, as_of)
    run = run_by_id(session, run_id, "run_id")
    moment = session.info.get("known_at")
    if run.status != "done" or run.finished_at is None or (moment is not None and run.finished_at > moment):
        raise NotFound(
            "unknown_run", f"Lượt tính {run_id} chưa xong", f"The run {run_id} has not finished", field="run_id"
        )
    if rule is not None and run.rule != rule:
        raise Invalid(
            "run_of_another_rule",
            f"Lượt tính {run_id} theo quy tắc {run.rule!r}, không phải {rule!r}",
            f"The run {run_id} is of the rule {run.rule!r}, not of {rule!r}",
            field="run_id",
        )
    return run


def village(session: Session, key: int, as_of: dt.date) -> dict[str, Any]:
    """Return a village in force on `as_of` with its commune.

    Raises
    ------
    NotFound
        No such village on that date.
    """
    row = session.execute(text(_VILLAGE), {"id": key, "as_of": as_of}).mappings().one_or_none()
    if row is None:
        raise NotFound(
            "unknown_village",
            f"Không có thôn, bản số {key} vào ngày {as_of}",
            f"There is no village {key} on {as_of}",
            field="village_id",
        )
    return dict(row)


def village_verdicts(session: Session, run_id: int, village_id: int) -> list[dict[str, Any]]:
    """Return every verdict of a run on a village; the rule over all comes first.

    `server`, `served` and the distances are null where the caller may not read the server.
    """
    rows = session.execute(text(_VERDICTS), {"run": run_id, "id": village_id}).mappings()
    found = [dict(row) for row in rows]
    _log_restricted(session, "cells", {row["cell_id"] for row in found if row["restricted"]})
    return found


def village_fibre(session: Session, run_id: int, village_id: int) -> dict[str, Any] | None:
    """Return a run's fibre reach of a village; None when the run did not look at fibre."""
    row = session.execute(text(_FIBRE), {"run": run_id, "id": village_id}).mappings().one_or_none()
    if row is not None and row["restricted"]:
        _log_restricted(session, "distribution_points", {row["point_id"]})
    return None if row is None else dict(row)


def readable_cells(session: Session, ids: list[int]) -> dict[int, bool]:
    """Return which of the cells `ids` the caller may read, and whether each is restricted."""
    query = """
        SELECT id, id = ANY ((SELECT registry.restricted_ids('cell'))::bigint[])
        FROM cell WHERE id = ANY (CAST(:ids AS bigint[]))
    """
    found = {key: restricted for key, restricted in session.execute(text(query), {"ids": ids})}
    _log_restricted(session, "cells", {key for key, restricted in found.items() if restricted})
    return found


def _log_restricted(session: Session, layer: str, ids: set[int]) -> None:
    """Note in the view log which restricted objects the department was shown."""
    if ids:
        query = "SELECT audit.saw('coverage', :layer, i, true) FROM unnest(CAST(:ids AS bigint[])) AS i"
        session.execute(text(query), {"layer": layer, "ids": sorted(ids)})


def compare_runs(session: Session, a: int, b: int) -> dict[str, Any]:
    """Return which villages changed verdict from run `a` to run `b`, and the counts of both.

    A village only one of them knows has null in the other. `same_inputs` says whether anything but the
    clock differs; `differs` names what of rule, date, model, terrain, filters and calibration does.

    Raises
    ------
    NotFound
        One of the runs does not exist.
    """
    before, after = run_by_id(session, a), run_by_id(session, b)
    changed = [dict(row) for row in session.execute(text(_CHANGED), {"a": a, "b": b}).mappings()]
    moves: dict[str, int] = {}
    for row in changed:
        move = f"{row['before'] or 'absent'} → {row['after'] or 'absent'}"
        moves[move] = moves.get(move, 0) + 1
    traits = ("rule", "rule_version", "as_of", "model", "model_version", "terrain_version", "filters", "calibration")
    return {
        "before": before,
        "after": after,
        "counts_before": {name: before.counts.get(name, 0) for name in VERDICTS},
        "counts_after": {name: after.counts.get(name, 0) for name in VERDICTS},
        "same_inputs": before.inputs_sha256 == after.inputs_sha256,
        "differs": [name for name in traits if getattr(before, name) != getattr(after, name)],
        "moves": moves,
        "changed": changed,
    }
