"""Sharing on a date: the ratios with target and objects, broken down, and stored as runs to compare."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import numpy as np
from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.policy.models import Target
from app.policy.queries import targets
from app.sharing import queries
from app.sharing.definitions import DEFINITIONS, KIND_OF, Definition, definition
from app.sharing.figures import Figure, Ints, Ratio
from app.sharing.models import SharingRatio, SharingRun
from app.sharing.queries import Communes
from app.sharing.surveys import Survey, survey

Label = tuple[str | None, str]
By = Literal["commune", "operator", "owner_kind", "urban"]
OUTSIDE: Label = (None, "Ngoài ranh giới các xã, phường · outside every commune")
PROVINCE: Label = (None, "")
SIDES: tuple[Label, ...] = (
    ("urban", "Đô thị · urban"),
    ("rural", "Nông thôn · rural"),
    ("unknown", "Chưa rõ · unknown"),
)


def compute_sharing(session: Session, as_of: dt.date) -> SharingRun:
    """Compute every definition on `as_of` and store it for the province, its communes and the operators.

    `inputs_sha256` covers everything the ratios were computed from, so equal hashes mean equal ratios.
    """
    communes = queries.communes(session, as_of)
    digest = hashlib.sha256(repr([(d.code, d.version) for d in DEFINITIONS.values()]).encode())
    run = SharingRun(as_of=as_of, inputs_sha256="")
    session.add(run)
    session.flush()
    rows: list[dict[str, Any]] = []
    for kind in queries.KINDS:
        found = survey(session, kind, as_of)
        group = _communes_of(session, found, communes, as_of)
        for part in (found.digest().encode(), group.tobytes(), repr(communes.codes).encode()):
            digest.update(part)
        for ratio in found.ratios.values():
            scopes: list[tuple[str, Label, Figure]] = [("province", PROVINCE, ratio.figure)]
            scopes += [("commune", *row) for row in _by_commune(found, ratio, group, communes)]
            scopes += [("operator", *row) for row in _by_operator(found, ratio)]
            rows += [_stored(run.id, ratio.definition, *scope) for scope in scopes]
    session.execute(insert(SharingRatio), rows)
    run.inputs_sha256 = digest.hexdigest()
    session.flush()
    return run


def sharing_on(
    session: Session,
    as_of: dt.date,
    *,
    by: By | None = None,
    wanted: str | None = None,
    boundaries: dt.date | None = None,
) -> dict[str, Any]:
    """Return the ratios on `as_of`, each with its target, interval, reasons and the address of what it counted.

    Parameters
    ----------
    by : {"commune", "operator", "owner_kind", "urban"}, optional
        Break down; communes are those in force on `boundaries` (default `as_of`).
    wanted : str, optional
        Only this definition.

    Raises
    ------
    NotFound
        There is no such definition.
    """
    chosen = [definition(wanted)] if wanted else list(DEFINITIONS.values())
    ratios, breakdown = [], []
    for kind in dict.fromkeys(KIND_OF[d.indicator] for d in chosen):
        found = survey(session, kind, as_of)
        here = [found.ratios[d.code] for d in chosen if d.code in found.ratios]
        ratios += [_described(session, ratio, as_of) for ratio in here]
        if by:
            breakdown += list(_breakdown(session, found, here, by, boundaries or as_of))
    return {
        "as_of": as_of.isoformat(),
        "definitions": [d.as_dict() for d in chosen],
        "ratios": ratios,
        "breakdown": breakdown,
    }


def target_of(session: Session, indicator: str, year: int) -> Target | None:
    """Return the target of the latest year not after `year`; a later document of that year wins."""
    dated = [t for t in targets(session, indicator) if t.year <= year]
    return max(dated, key=lambda t: (t.year, t.id), default=None)


def commune_groups(session: Session, found: Survey, boundaries: dt.date) -> tuple[Ints, list[Label]]:
    """Return each row's commune as an index into the labels; the last label is outside every commune."""
    communes = queries.communes(session, boundaries)
    return _communes_of(session, found, communes, boundaries), _commune_labels(communes)


def _described(session: Session, ratio: Ratio, as_of: dt.date) -> dict[str, Any]:
    code, indicator = ratio.definition.code, ratio.definition.indicator
    target = target_of(session, indicator, as_of.year)
    met = None if target is None or ratio.ratio is None or ratio.definition.unit != "%" else ratio.ratio >= target.value
    comparable = target is not None and ratio.definition.unit == "%"
    href = f"/api/sharing/{indicator}/objects?definition={code}&as_of={as_of.isoformat()}"
    return {
        "definition": code,
        "version": ratio.definition.version,
        "indicator": indicator,
        **ratio.figure.as_dict(),
        "target": {"value": target.value, "year": target.year, "document": target.document, "citation": target.citation}
        if target is not None and comparable
        else None,
        "met": met,
        "reasons": [{"code": r.code, "vi": r.vi, "en": r.en, "count": r.count} for r in ratio.reasons],
        "objects": href,
    }


def _breakdown(
    session: Session, found: Survey, ratios: Iterable[Ratio], by: By, boundaries: dt.date
) -> Iterator[dict[str, Any]]:
    group, labels = _groups(session, found, by, boundaries) if by != "operator" else (None, [])
    for ratio in ratios:
        scopes: list[tuple[Label, Figure]]
        if group is None:
            scopes = _by_operator(found, ratio)
        else:
            scopes = list(zip(labels, found.by_row(ratio, group, len(labels)), strict=True))
        for (code, name), figure in scopes:
            if (by == "commune" and code is not None) or figure.denominator or figure.unknown:
                scope = {"scope_kind": by, "scope_code": code, "scope_name": name}
                yield scope | {"definition": ratio.definition.code} | figure.as_dict()


def _groups(session: Session, found: Survey, by: By, boundaries: dt.date) -> tuple[Ints, list[Label]]:
    if by == "owner_kind":
        kinds, group = np.unique(found.owner_kind, return_inverse=True)
        return group.astype(np.int64), [(str(k), str(k)) for k in kinds]
    communes = queries.communes(session, boundaries)
    group = _communes_of(session, found, communes, boundaries)
    if by == "commune":
        return group, _commune_labels(communes)
    # A position says itself whether it is urban; else its commune does (phường, thị trấn).
    side = np.append(np.where(communes.urban, 0, 1), 2)[group]
    return np.where(found.urban >= 0, 1 - found.urban, side).astype(np.int64), list(SIDES)


def _commune_labels(communes: Communes) -> list[Label]:
    return [*zip(communes.codes, communes.names, strict=True), OUTSIDE]


def _communes_of(session: Session, found: Survey, communes: Communes, boundaries: dt.date) -> Ints:
    return queries.commune_of(session, found.kind, found.ids, found.as_of, boundaries, len(communes.codes))


def _by_commune(found: Survey, ratio: Ratio, group: Ints, communes: Communes) -> list[tuple[Label, Figure]]:
    labels = _commune_labels(communes)
    return list(zip(labels, found.by_row(ratio, group, len(labels)), strict=True))


def _by_operator(found: Survey, ratio: Ratio) -> list[tuple[Label, Figure]]:
    labels: list[Label] = list(zip(found.organisations.codes, found.organisations.names, strict=True))
    figures = found.by_operator(ratio)
    return [row for row in zip(labels, figures, strict=True) if row[1].denominator or row[1].unknown]


def _stored(run_id: int, about: Definition, kind: str, label: Label, figure: Figure) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "definition": about.code,
        "version": about.version,
        "scope_kind": kind,
        "scope_code": label[0],
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "unknown": figure.unknown,
        "ratio": figure.ratio,
        "detail": {
            "unknown_in_denominator": figure.unknown_in_denominator,
            "ratio_low": figure.ratio_low,
            "ratio_high": figure.ratio_high,
        },
    }
