"""Which project of QGIS a caller gets: the layers it is told of, where they are read, and what is said of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from app.areas import queries as areas
from app.areas.models import Unit, Village
from app.config import settings
from app.database import reads_all, statistics
from app.errors import NotFound
from app.policy import disclosure
from app.publish import queries
from app.publish.exports import about
from app.publish.layers import LAYERS
from app.publish.qgis import sld, styles
from app.publish.qgis.looks import LOOKS
from app.publish.qgis.project import Project, Source

SYNTHETIC = "SYNTHETIC: dữ liệu mô phỏng, không phải số liệu thật"
VERDICTS = "coverage"
"""The collection of villages with their verdict; everybody is told it, as on the map."""


def layers(session: Session) -> frozenset[str]:
    """Return the layers of which the caller is told anything.

    Sites as counts of grid cells are for who does not see every site.
    """
    told = {
        name
        for name, layer in LAYERS.items()
        if len(disclosure.withheld(session, name, (*layer.properties, "geometry"))) <= len(layer.properties)
    }
    return frozenset((told | {VERDICTS}) - ({"sites_blurred"} if reads_all(session) else set()))


def looks(session: Session, as_of: dt.date) -> frozenset[str]:
    """Return the styles of those layers; villages and communes by area, by point, or both, as they are known."""
    told = layers(session)
    villages: tuple[type[Unit | Village], ColumnElement[bool]] = (Village, true())
    known = {"communes": (Unit, Unit.level == "commune"), "villages": villages, VERDICTS: villages}
    kinds: dict[str, set[str]] = {}
    for name, (model, wanted) in known.items():
        here = select(model.geom.is_(None)).where(
            wanted, func.registry.in_force(model.valid_from, model.valid_to, as_of)
        )
        kinds[name] = {"Point" if bare else "Polygon" for bare in session.scalars(here.distinct())} or {"Polygon"}
    return frozenset(
        name for name, look in LOOKS.items()
        if look.layer in told and (look.places is None or look.places in kinds[look.layer])
    )  # fmt: skip


def project(session: Session, source: Source, as_of: dt.date, commune: str | None = None) -> Project:
    """Return the caller's project of the state on `as_of`; it opens on the commune, when one is named.

    Raises
    ------
    NotFound
        No such commune on that date.
    """
    box: Sequence[float] | None = queries.extent(session, as_of)
    where = "toàn tỉnh"
    if commune is not None:
        unit = areas.commune(session, commune, as_of)
        where = unit.name
        box = _extent(session, unit.id) or box
    with statistics(session):
        synthetic = queries.any_synthetic(session, as_of)
    day = f"{as_of:%d/%m/%Y}"
    return Project(
        title=f"Hatang – hạ tầng viễn thông, {where}, ngày {day}" + (" – SYNTHETIC" if synthetic else ""),
        abstract=f"Hiện trạng ngày {day}, {where}. / State on {as_of.isoformat()}.",
        styles=looks(session, as_of),
        source=source,
        metric_crs=settings().metric_crs,
        bbox=box,
        rights=((SYNTHETIC,) if synthetic else ()) + (_licence(session),),
        caller=styles.reader(session, as_of),
    )


def _licence(session: Session) -> str:
    """Return the terms under which the caller may use what it is told, or that none are stated."""
    allowed = about.licence(session)
    return f"Giấy phép: {allowed['title']}, {allowed['url']}" if allowed else about.NO_LICENCE["vi"]


def style(session: Session, name: str, form: str, as_of: dt.date) -> str:
    """Return a style as `form`: qml or sld.

    Raises
    ------
    NotFound
        There is no such style, or none that SLD can say; the message lists those there are.
    """
    caller = styles.reader(session, as_of)
    found = styles.qml(name, caller) if form == "qml" else sld.sld(name)
    if found is None:
        known = [n for n in LOOKS if form == "qml" or sld.sld(n)]
        raise NotFound(
            "unknown_style",
            f"Không có kiểu {form.upper()} {name[:40]!r}; hiện có: {', '.join(known)}",
            f"There is no {form.upper()} style {name[:40]!r}; there are: {', '.join(known)}",
            field="style",
            suggestions=areas.nearest(name, {n: LOOKS[n].title for n in known}),
        )
    return found


def _extent(session: Session, unit_id: int) -> Sequence[float] | None:
    box = select(func.ST_Extent(Unit.geom).label("b")).where(Unit.id == unit_id).subquery().c.b
    row = session.execute(select(func.ST_XMin(box), func.ST_YMin(box), func.ST_XMax(box), func.ST_YMax(box))).one()
    return None if row[0] is None else tuple(row)
