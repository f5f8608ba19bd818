"""Which objects of a layer an export holds, and what of them the caller is told.

A caller gets the objects
row-level security shows it, each with the attributes it may be told; restricted objects and whatever belongs to them
are in no export, not even the department's, nor in a count.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.areas import queries as areas
from app.errors import Conflict, NotFound
from app.kit.page import BBox, parse_bbox
from app.policy import disclosure
from app.policy.disclosure import Level
from app.publish.exports.more_layers import EXPORTED
from app.publish.layers import Layer

GEOMETRY = "geometry"


@dataclass(frozen=True)
class Selection:
    """Which objects of a layer: in force on `as_of`, touching `bbox` (degrees), belonging to commune `unit_id`.

    `withheld` names the attributes the caller is not told of objects that are not its own. The default tells
    everything, which is for the department alone: `select` fills it in.
    """

    as_of: dt.date
    bbox: BBox | None = None
    unit_id: int | None = None
    withheld: Mapping[str, Level] = field(default_factory=dict)


def layer(name: str) -> Layer:
    """Return the layer `name`.

    Raises
    ------
    NotFound
        No such layer; the message lists those there are.
    """
    if name not in EXPORTED:
        known = ", ".join(sorted(EXPORTED))
        raise NotFound(
            "unknown_layer",
            f"Không có lớp {name[:40]!r}; hiện có: {known}",
            f"There is no layer {name[:40]!r}; there are: {known}",
            field="layer",
            suggestions=areas.nearest(name, {n: EXPORTED[n].title_en for n in EXPORTED}),
        )
    return EXPORTED[name]


def select(
    session: Session, name: str, as_of: dt.date, bbox: str | None = None, commune: str | None = None
) -> Selection:
    """Return the selection, the commune looked up as it was on `as_of`.

    Raises
    ------
    NotFound
        Unknown layer or commune.
    Unauthorized
        Nobody is signed in, and the public is told nothing of the layer's objects.
    Conflict
        The objects can only be told by position and the commune has no boundary yet.
    """
    wanted = layer(name)
    attributes = (*wanted.properties, GEOMETRY)
    withheld = disclosure.withheld(session, name, attributes)
    if len(withheld) == len(attributes):
        disclosure.require_sign_in(
            session,
            f"Lớp {name!r} không công bố: hãy đăng nhập; lớp sites_blurred cho biết số vị trí trạm theo ô lưới",
            f"The layer {name!r} is not public: sign in; sites_blurred tells how many sites lie in each grid cell",
            field="layer",
        )
    box = parse_bbox(bbox) if bbox else None
    if commune is None:
        return Selection(as_of, box, None, withheld)
    unit = areas.commune(session, commune, as_of)
    if wanted.membership is None and unit.geom is None:
        raise Conflict(
            "commune_without_boundary",
            f"{unit.name} chưa có ranh giới: nạp bằng hatang load areas, hoặc dùng bbox",
            f"{unit.name} has no boundary yet: load it with hatang load areas, or use bbox",
            field="commune",
        )
    return Selection(as_of, box, unit.id, withheld)
