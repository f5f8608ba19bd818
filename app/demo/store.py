"""Writes columns of arrays into a registry table: one COPY, one INSERT … SELECT, codes turned into keys by joins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import shapely
from geoalchemy2 import Geometry
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from app.areas.models import DemandPoint, Unit, UnitSuccession, Village, VillageUnit
from app.demo.communes import degrees
from app.demo.noise import Floats
from app.errors import Invalid
from app.facilities.models import Facility, FacilityConnection
from app.kit.bulk import raw_connection, stage
from app.licensing.constraints.models import ConstraintArea
from app.licensing.prices.models import RentalPrice, SharingContract, SharingContractItem
from app.lines.models import (
    Bore,
    Cable,
    DistributionPoint,
    Duct,
    DuctOccupancy,
    Manhole,
    Pole,
    PoleOccupancy,
    Trench,
)
from app.organisations.models import Organisation
from app.sites.models import BaseStation, Cell, Site, Structure, StructureOccupancy

MODELS = (
    Unit, UnitSuccession, Village, VillageUnit, DemandPoint, Organisation, Site, Structure, StructureOccupancy,
    BaseStation, Cell, Pole, PoleOccupancy, Manhole, Trench, Duct, Bore, Cable, DuctOccupancy, DistributionPoint,
    Facility, FacilityConnection, RentalPrice, SharingContract, SharingContractItem, ConstraintArea,
)  # fmt: skip
_TABLES = {model.__tablename__: cast("Table", model.__table__) for model in MODELS}
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
Reference = tuple[str, str]
"""(table, column) a code is looked up in; units among those still in force: their codes come back."""


def points(xy: Floats) -> list[str]:
    """Return EPSG:9214 points (n, 2) as hex EWKB in EPSG:4326."""
    return shapes(np.asarray(shapely.points(xy)))


def shapes(geometries: NDArray[np.object_]) -> list[str]:
    """Return EPSG:9214 geometries as hex EWKB in EPSG:4326."""
    located = shapely.set_srid(degrees(geometries), 4326)
    found: list[str] = shapely.to_wkb(located, hex=True, include_srid=True).tolist()
    return found


def put(
    session: Session,
    table: str,
    columns: Mapping[str, Any],
    references: Mapping[str, Reference] | None = None,
    *,
    source: str,
) -> int:
    """Insert synthetic rows and return their number.

    Parameters
    ----------
    columns : mapping of column to sequence, array or scalar
        At least one is a sequence; a scalar is repeated. NaN and NaT are null.
    references : mapping of column to (table, column)
        These columns hold codes; the key of the row with that code is written. A code that is null stays null.
    source : str
        Where the rows come from; written with synthetic = true when the table has these columns.

    Raises
    ------
    Invalid
        A code is not in its table: nothing is written as null silently.
    """
    references = references or {}
    model = _TABLES[table]
    filled = dict(columns)
    if "synthetic" in model.c:
        filled |= {"synthetic": True, "source": source}
    count = next(len(v) for v in filled.values() if _many(v))
    types = [(c, "text" if c in references else _type(model.c[c].type)) for c in filled]
    staged = f"demo_{table}"
    stage(session, staged, types, zip(*(_values(v, count) for v in filled.values()), strict=True))
    connection = raw_connection(session)
    own, joins = [], []
    for c in filled:
        if c in references:
            target, key = references[c]
            own.append(sql.SQL("{}.id").format(sql.Identifier(c)))
            joins.append(
                sql.SQL(" LEFT JOIN registry.{} AS {} ON {}.{} = staged.{}").format(
                    sql.Identifier(target), sql.Identifier(c), sql.Identifier(c), sql.Identifier(key), sql.Identifier(c)
                )
            )
            if target == "unit":
                joins.append(sql.SQL(" AND {}.valid_to IS NULL").format(sql.Identifier(c)))
        else:
            own.append(sql.SQL("staged.{}").format(sql.Identifier(c)))
    tables = sql.SQL("FROM {} AS staged").format(sql.Identifier(staged)) + sql.Composed(joins)
    with connection.cursor() as cursor:
        for c in references:
            cursor.execute(
                sql.SQL("SELECT staged.{} ").format(sql.Identifier(c))
                + tables
                + sql.SQL(" WHERE staged.{} IS NOT NULL AND {}.id IS NULL LIMIT 1").format(
                    sql.Identifier(c), sql.Identifier(c)
                )
            )
            missing = cursor.fetchone()
            if missing:
                raise Invalid(
                    "unknown_reference",
                    f"Không có {references[c][0]} {missing[0]!r}; hãy chạy `hatang db migrate` trước",
                    f"There is no {references[c][0]} {missing[0]!r}; run `hatang db migrate` first",
                    field=c,
                )
        names = sql.SQL(", ").join(sql.Identifier(c) for c in filled)
        cursor.execute(
            sql.SQL("INSERT INTO registry.{} ({}) SELECT ").format(sql.Identifier(table), names)
            + sql.SQL(", ").join(own)
            + sql.SQL(" ")
            + tables
        )
        inserted = cursor.rowcount
        cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(staged)))
    return inserted


def _type(column_type: Any) -> str:
    return "geometry" if isinstance(column_type, Geometry) else str(column_type.compile(_DIALECT))


def _many(value: Any) -> bool:
    return isinstance(value, (list, tuple, np.ndarray))


def _values(value: Any, count: int) -> Iterable[Any]:
    if not _many(value):
        return [value.item() if isinstance(value, np.generic) else value] * count
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f":
            found: Sequence[Any] = np.where(np.isnan(value), None, value.astype(object)).tolist()  # type: ignore[call-overload]
            return found
        return list(value.tolist())  # numpy dates become datetime.date, NaT None
    return list(value)
