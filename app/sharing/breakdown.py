"""Ratios broken down by commune, side, street, owner, operator or year, as far as the caller is told them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from sqlalchemy.orm import Session

from app.areas.geography import Kind
from app.database import reads_all, scope_of
from app.kit.page import today
from app.kit.text import fold
from app.policy.queries import parameters
from app.sharing import queries
from app.sharing.figures import Bools, Figure, Ints, Ratio
from app.sharing.geographies import Grounds, places
from app.sharing.kept import kept
from app.sharing.queries import Communes
from app.sharing.surveys import OPERATORS, Survey, survey
from app.sharing.withholding import NOT_YOURS, REASON, withheld

Label = tuple[str | None, str]
By = Literal["commune", "district", "operator", "owner_kind", "urban", "street", "year"]
OUTSIDE: Label = (None, "Ngoài ranh giới các xã, phường · outside every commune")
SIDES: tuple[Label, ...] = (
    ("urban", "Đô thị · urban"),
    ("rural", "Nông thôn · rural"),
    ("unknown", "Chưa rõ · unknown"),
)
UNNAMED: Label = (None, "Chưa ghi tên đường · no street on record")
_YEARS = 3
_MIN_OBJECTS = 3  # where no policy row says otherwise


@dataclass(frozen=True)
class Audience:
    """Who is told figures: those who read all are told all; others nothing of fewer than `min_objects` objects."""

    reads_all: bool
    min_objects: int = 0
    organisations: frozenset[int] = frozenset()


EVERYTHING = Audience(reads_all=True)


def audience(session: Session) -> Audience:
    """Return what the transaction's caller is told; the threshold is today's, whatever date is asked about."""
    if reads_all(session):
        return EVERYTHING
    policy = parameters(session, "disclosure", today()).get("small_counts", {})
    return Audience(False, int(policy.get("min_objects", _MIN_OBJECTS)), frozenset(scope_of(session).organisations))


def too_small(found: Survey, told: Audience) -> bool:
    """Say whether the figures of the whole province are withheld."""
    everywhere = np.zeros(found.ids.size, np.int64)
    return bool(_held(found, everywhere, 1, told, np.zeros(1, np.int64))[0])


def breakdown(
    session: Session, found: Survey, ratios: Iterable[Ratio], by: By, boundaries: dt.date, told: Audience
) -> Iterator[dict[str, Any]]:
    """Yield a row a definition and scope; communes, districts and sides are those in force on the day `boundaries`.

    Raises
    ------
    NotFound
        No district is in force on that day.
    """
    if by in ("commune", "district"):
        yield from _unit_rows(session, found, ratios, by, boundaries, told)
        return
    if by == "operator":
        for ratio in ratios:
            yield from _operator_rows(found, ratio, told)
        return
    if by == "year":
        yield from _year_rows(session, found, ratios, told)
        return
    group, labels = _groups(session, found, by, boundaries)
    held = _held(found, group, len(labels), told, np.zeros(len(labels), np.int64))
    for ratio in ratios:
        figures = found.by_row(ratio, group, len(labels))
        for (code, name), figure, hidden in zip(labels, figures, held.tolist(), strict=True):
            if figure.denominator or figure.unknown:
                yield _row(by, (code, name), ratio, Figure.withheld(REASON) if hidden else figure.as_dict())


def commune_groups(session: Session, found: Survey, boundaries: dt.date) -> tuple[Ints, list[Label]]:
    """Return each row's commune as an index into the labels; the last label is outside every commune."""
    communes = queries.communes(session, boundaries)
    return communes_of(session, found, communes, boundaries), _commune_labels(communes)


def communes_of(session: Session, found: Survey, communes: Communes, boundaries: dt.date) -> Ints:
    """Return each row's commune as an index into `communes`; past its end is outside every commune, or unknown."""
    placed = places(session, cast("Kind", found.kind), "commune", boundaries, empty=True)
    return np.minimum(placed.of(found.ids), len(communes.codes))


def by_commune(found: Survey, ratio: Ratio, group: Ints, communes: Communes) -> list[tuple[Label, Figure]]:
    """Return the figure of each commune and of what lies outside all."""
    labels = _commune_labels(communes)
    return list(zip(labels, found.by_row(ratio, group, len(labels)), strict=True))


def by_operator(found: Survey, ratio: Ratio) -> list[tuple[Label, Figure]]:
    """Return the figure of each organisation with any object: over the objects where it is present."""
    labels: list[Label] = list(zip(found.organisations.codes, found.organisations.names, strict=True))
    figures = found.by_operator(ratio)
    return [row for row in zip(labels, figures, strict=True) if row[1].denominator or row[1].unknown]


def _row(by: By, label: Label, ratio: Ratio, figure: dict[str, Any]) -> dict[str, Any]:
    scope = {"scope_kind": by, "scope_code": label[0], "scope_name": label[1]}
    return scope | {"definition": ratio.definition.code} | figure


def _operator_rows(found: Survey, ratio: Ratio, told: Audience) -> Iterator[dict[str, Any]]:
    """Yield an operator's own figure; of the others only their names, whether they have objects or not."""
    who = found.organisations
    own = {int(party) for key, party in zip(who.ids, who.party, strict=True) if int(key) in told.organisations}
    shown = {code: figure for (code, _), figure in by_operator(found, ratio)}
    others = {int(party) for party, kind in zip(who.party, who.kinds, strict=True) if kind in OPERATORS}
    for party, (code, name) in enumerate(zip(who.codes, who.names, strict=True)):
        if (told.reads_all or party in own) and code in shown:
            yield _row("operator", (code, name), ratio, shown[code].as_dict())
        elif not told.reads_all and party in others - own:
            yield _row("operator", (code, name), ratio, Figure.withheld(NOT_YOURS))


def _unit_rows(
    session: Session, found: Survey, ratios: Iterable[Ratio], by: By, boundaries: dt.date, told: Audience
) -> Iterator[dict[str, Any]]:
    """Yield a row for every unit, and for what lies outside all or in one without a boundary where there is any."""
    grounds = Grounds(session, found.kind, told)
    here = grounds.on(by, boundaries, empty=by == "commune")
    for ratio in ratios:
        for number, figure in enumerate(grounds.figures(found, ratio, here)):
            label = here.geography.label(number)
            if label["group"] == "unit" or figure["withheld"] or figure["denominator"] or figure["unknown"]:
                yield _row(by, (label["code"], label["name"]), ratio, figure)


def _groups(session: Session, found: Survey, by: By, boundaries: dt.date) -> tuple[Ints, list[Label]]:
    """Return each row's group and the groups' labels."""
    if by == "owner_kind":
        kinds, kind = np.unique(np.append(found.organisations.kinds, "unknown"), return_inverse=True)
        used, group = np.unique(kind[found.owner], return_inverse=True)
        return group.astype(np.int64), [(str(k), str(k)) for k in kinds[used]]
    if by == "street":
        ids, number, names = kept(
            session,
            ("streets", found.kind, found.as_of),
            ("registry.pole",) if found.kind == "pole" else ("registry.duct", "registry.trench"),
            lambda: _streets(session, found.kind, found.as_of),
        )
        group = number if np.array_equal(ids, found.ids) else number[np.searchsorted(ids, found.ids)]
        return group, [*names, UNNAMED]
    communes = queries.communes(session, boundaries)
    group = communes_of(session, found, communes, boundaries)
    side = np.append(np.where(communes.urban, 0, 1), 2).astype(np.int64)
    # A position says itself whether it is urban; else its commune does (phường, thị trấn).
    return np.where(found.urban >= 0, 1 - found.urban, side[group]).astype(np.int64), list(SIDES)


def _streets(session: Session, kind: str, as_of: dt.date) -> tuple[Ints, Ints, list[Label]]:
    """Return ids, the number of each one's street, and the streets; past their end is no street.

    Spellings that differ in marks, case or spaces are one street, named as most objects have it.
    """
    spellings = queries.spellings(session, kind, as_of)
    chosen: dict[str, str] = {}
    for name, _ in sorted(spellings, key=lambda s: (-s[1], s[0])):
        if fold(name):
            chosen.setdefault(fold(name), name)
    numbers = {key: number for number, key in enumerate(sorted(chosen))}
    known = {name: numbers[fold(name)] for name, _ in spellings if fold(name)}
    ids, number = queries.streets(session, kind, as_of, known, len(numbers))
    return ids, number, [(key, chosen[key]) for key in numbers]


def _year_rows(session: Session, found: Survey, ratios: Iterable[Ratio], told: Audience) -> Iterator[dict[str, Any]]:
    """Yield the province's figure at the ends of the last years and on the day itself."""
    years = (found.as_of.year - back for back in range(_YEARS, 0, -1))
    surveys = [survey(session, found.kind, dt.date(year, 12, 31)) for year in years if year > 0] + [found]
    hidden = [too_small(each, told) for each in surveys]
    for ratio in ratios:
        for each, held in zip(surveys, hidden, strict=True):
            figure = Figure.withheld(REASON) if held else each.ratios[ratio.definition.code].figure.as_dict()
            yield _row("year", (each.as_of.isoformat(), f"{each.as_of:%d/%m/%Y}"), ratio, figure)


def _held(found: Survey, group: Ints, size: int, told: Audience, block: Ints) -> Bools:
    if told.min_objects <= 0:
        return np.zeros(size, bool)
    return withheld(*found.objects(group, size), told.min_objects, block)


def _commune_labels(communes: Communes) -> list[Label]:
    return [*zip(communes.codes, communes.names, strict=True), OUTSIDE]
