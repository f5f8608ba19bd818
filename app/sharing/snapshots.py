"""Frozen ratios: kept with a hash, and computed again as the registry knew it then.

The hash covers the date, the definitions with their versions, a hash of everything that was read, and every figure.
Because the registry keeps its history, the same must come out whenever a snapshot is verified; where it does not, what
differs is named.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.database import is_department, look_back
from app.errors import Conflict, NotFound
from app.kit.canonical import sha256_of
from app.sharing import queries
from app.sharing.breakdown import Label, by_commune, by_operator, communes_of
from app.sharing.definitions import DEFINITIONS, Definition
from app.sharing.figures import Figure
from app.sharing.models import SharingSnapshot
from app.sharing.surveys import survey

PROVINCE: Label = (None, "")
_TOLD_ROWS = 100
# Writers that have not committed bear earlier moments than the snapshot's: it waits for them, and others wait for it.
_READ = """LOCK TABLE registry.organisation, registry.unit, registry.site, registry.structure, registry.base_station,
    registry.structure_occupancy, registry.pole, registry.pole_occupancy, registry.trench, registry.duct,
    registry.duct_occupancy IN SHARE MODE"""


def freeze(session: Session, as_of: dt.date, label: str) -> SharingSnapshot:
    """Compute every definition on `as_of` as known now and keep it, unchangeable, with its hash.

    For the department: restricted objects count, and nothing is withheld. The communes are those in force on `as_of`.
    """
    assert is_department(session), "what is frozen counts restricted objects"
    session.flush()
    session.execute(text(_READ))
    known_at: dt.datetime = session.scalars(select(func.clock_timestamp())).one()
    inputs, results = _computed(session, as_of)
    definitions = [{"code": d.code, "version": d.version} for d in DEFINITIONS.values()]
    made = SharingSnapshot(
        label=label, as_of=as_of, known_at=known_at, definitions=definitions, inputs=inputs, results=results,
        sha256=_hash(as_of, definitions, inputs, results),
    )  # fmt: skip
    session.add(made)
    session.flush()
    session.refresh(made)
    return made


def snapshots(session: Session, limit: int, offset: int) -> tuple[list[SharingSnapshot], int]:
    """Return a page of snapshots, newest first, and how many there are."""
    found = session.scalars(select(SharingSnapshot).order_by(SharingSnapshot.id.desc()).limit(limit).offset(offset))
    return list(found), session.scalars(select(func.count()).select_from(SharingSnapshot)).one()


def snapshot(session: Session, number: int) -> SharingSnapshot:
    """Return one snapshot.

    Raises
    ------
    NotFound
        There is none of that number, or not for the caller.
    """
    found = session.get(SharingSnapshot, number)
    if found is None:
        raise NotFound(
            "unknown_snapshot", f"Không có bản chốt số {number}", f"There is no snapshot {number}", field="snapshot"
        )
    return found


def moment_of(session: Session, number: int, about: Definition) -> tuple[dt.date, dt.datetime]:
    """Return date and moment of knowledge of a snapshot, from which its figures by `about` can be computed again.

    Raises
    ------
    NotFound
        There is no such snapshot.
    Conflict
        It was frozen under another version of the definition than the one there is now.
    """
    found = snapshot(session, number)
    version = next((d["version"] for d in found.definitions if d["code"] == about.code), None)
    if version != about.version:
        raise Conflict(
            "definition_changed_since",
            f"Bản chốt {number} dùng {about.code} phiên bản {version}, hiện là {about.version}",
            f"Snapshot {number} was frozen under version {version} of {about.code}; it is {about.version} now",
            field="definition",
        )
    return found.as_of, found.known_at


def verify(session: Session, number: int) -> dict[str, Any]:
    """Compute a snapshot again as known then, and say whether inputs and results still give its hash.

    `intact` is about the stored row alone, `reproduced` about today's computation; `differs` names definitions, kinds
    of input and figures, the first hundred of these.

    Raises
    ------
    NotFound
        There is no such snapshot.
    """
    kept = snapshot(session, number)
    look_back(session, kept.known_at)
    try:
        inputs, results = _computed(session, kept.as_of)
    finally:
        if session.is_active:
            look_back(session, None)
    definitions = [{"code": d.code, "version": d.version} for d in DEFINITIONS.values()]
    again = _hash(kept.as_of, definitions, inputs, results)
    before, after = _by_scope(kept.results), _by_scope(results)
    changed = [key for key in before | after if before.get(key) != after.get(key)]
    return {
        "id": kept.id,
        "label": kept.label,
        "as_of": kept.as_of,
        "known_at": kept.known_at,
        "sha256": kept.sha256,
        "recomputed_sha256": again,
        "intact": _hash(kept.as_of, kept.definitions, kept.inputs, kept.results) == kept.sha256,
        "reproduced": again == kept.sha256,
        "differs": {
            "definitions": [d for d in kept.definitions if d not in definitions]
            + [d for d in definitions if d not in kept.definitions],
            "inputs": [name for name in inputs | kept.inputs if inputs.get(name) != kept.inputs.get(name)],
            "results": len(changed),
            "figures": [
                dict(zip(_SCOPE, key, strict=True)) | {"kept": before.get(key), "recomputed": after.get(key)}
                for key in changed[:_TOLD_ROWS]
            ],
        },
    }


_SCOPE = ("definition", "scope_kind", "scope_code")
_FIGURES = ("numerator", "denominator", "unknown", "unknown_in_denominator", "ratio", "ratio_low", "ratio_high")


def _by_scope(results: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {tuple(row[k] for k in _SCOPE): {k: row[k] for k in _FIGURES} for row in results}


def _computed(session: Session, as_of: dt.date) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Return the hash of each kind of input, and the figures of the province, the communes and the operators."""
    communes = queries.communes(session, as_of)
    organisations = queries.organisations(session, as_of)
    known = zip(organisations.ids.tolist(), organisations.kinds.tolist(), organisations.party.tolist(), strict=True)
    inputs = {
        "organisations": sha256_of([organisations.codes, list(known), organisations.networks]),
        "communes": sha256_of([communes.codes, communes.urban.tolist()]),
    }
    results: list[dict[str, Any]] = []
    for kind in queries.KINDS:
        found = survey(session, kind, as_of)
        group = communes_of(session, found, communes, as_of)
        inputs[kind] = hashlib.sha256(found.digest().encode() + group.tobytes()).hexdigest()
        for ratio in found.ratios.values():
            scopes: list[tuple[str, Label, Figure]] = [("province", PROVINCE, ratio.figure)]
            scopes += [("commune", *row) for row in by_commune(found, ratio, group, communes)]
            scopes += [("operator", *row) for row in by_operator(found, ratio)]
            results += [_row(ratio.definition, *scope) for scope in scopes]
    return inputs, results


def _row(about: Definition, kind: str, label: Label, figure: Figure) -> dict[str, Any]:
    told = figure.as_dict()
    scope = {"definition": about.code, "scope_kind": kind, "scope_code": label[0], "scope_name": label[1]}
    return scope | {name: told[name] for name in _FIGURES}


def _hash(as_of: dt.date, definitions: Any, inputs: Any, results: Any) -> str:
    return sha256_of({"as_of": as_of.isoformat(), "definitions": definitions, "inputs": inputs, "results": results})


def summary(kept: SharingSnapshot) -> dict[str, Any]:
    """Return a snapshot as lists print it: without its results."""
    return {
        "id": kept.id,
        "label": kept.label,
        "as_of": kept.as_of,
        "known_at": kept.known_at,
        "frozen_by": kept.frozen_by,
        "definitions": kept.definitions,
        "sha256": kept.sha256,
    }
