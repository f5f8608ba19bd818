"""Builds the synthetic demo province in one transaction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.config import settings
from app.coverage import terrain
from app.database import say_why
from app.demo import (
    communes,
    constraints,
    ducts,
    facilities,
    ground,
    poles,
    prices,
    radio,
    roads,
    settlements,
    sites,
    villages,
)
from app.demo.parameters import label
from app.errors import Conflict, Invalid
from app.sites.models import Site

Tell = Callable[[int, int, str], None]
VOIDS = 3
STEPS = ("communes", "terrain", "villages", "store", "roads", "sites", "radio", "poles", "ducts", "facilities",
         "prices", "constraints")  # fmt: skip
_HELD = text("""
    SELECT name FROM (VALUES
        ('unit', EXISTS (SELECT FROM registry.unit)), ('village', EXISTS (SELECT FROM registry.village)),
        ('site', EXISTS (SELECT FROM registry.site)), ('pole', EXISTS (SELECT FROM registry.pole)),
        ('duct', EXISTS (SELECT FROM registry.duct)), ('manhole', EXISTS (SELECT FROM registry.manhole)),
        ('facility', EXISTS (SELECT FROM registry.facility)),
        ('distribution_point', EXISTS (SELECT FROM registry.distribution_point))
    ) AS held (name, there) WHERE there
""")


def build_demo(session: Session, seed: int = 254, scale: float = 1.0, progress: Tell | None = None) -> dict[str, int]:
    """Fill an empty registry with the synthetic province; the same seed and scale give the same rows.

    Parameters
    ----------
    scale : float
        Share of villages, people, sites, poles, ducts and distribution points, (0, 4]. The 40 communes are
        always whole, each with at least one village. Terrain: 30 m from scale 0.5, 90 m from 0.1, else 300 m.
    progress : callable (done, total, what), optional

    Returns
    -------
    dict
        Rows written per table.

    Raises
    ------
    Conflict
        `demo_exists`: there is a demo already; `registry_in_use`: there are real objects.
    Invalid
        Seed or scale out of range.
    Unavailable
        The package with the communes' names is missing.
    """
    check(session, seed, scale)
    say_why(session, "SYNTHETIC demo", label(seed))

    def step(name: str) -> None:
        if progress is not None:
            progress(STEPS.index(name), len(STEPS), name)

    code = settings().province_code
    step("communes")
    named, form = communes.load(code), communes.shape(seed)
    step("terrain")
    raster = ground.build(seed, scale, form)
    step("villages")
    settled = villages.build(seed, scale, named, form, raster)
    # The survey has gaps where nobody would look twice; what depends on them must come out as unknown.
    remote = settled.xy[villages.most_remote(settled, VOIDS)]
    for lon, lat in shapely.get_coordinates(communes.degrees(shapely.points(remote))):
        raster = ground.with_void(raster, lon, lat)
    step("store")
    terrain.add_array(
        session, "SYNTHETIC terrain", raster.heights, raster.west, raster.north, raster.step, raster.step,
        source=label(seed), synthetic=True,
    )  # fmt: skip
    written = settlements.write(session, seed, named, settled, code)
    step("roads")
    network = roads.build(seed, settled, form, raster)
    step("sites")
    counts, placed, masts = sites.write(session, seed, scale, settled, form, remote)
    written |= counts
    step("radio")
    written |= radio.write(session, seed, placed, masts)
    step("poles")
    written |= poles.write(session, seed, scale, network, _dry_inside(network.sample_xy, settled, form))
    step("ducts")
    written |= ducts.write(session, seed, scale, network)
    step("facilities")
    written |= facilities.write(session, seed, named, settled, form)
    written |= facilities.write_distribution_points(session, seed, scale, settled, form)
    step("prices")
    written |= prices.write(session, seed)
    step("constraints")
    written |= constraints.write(session, seed, named, settled, network)
    if progress is not None:
        progress(len(STEPS), len(STEPS), "done")
    return written


def check(session: Session, seed: int, scale: float) -> None:
    """Refuse a demo where something is registered already, and parameters that make no province."""
    if not 0 < scale <= 4:
        raise Invalid(
            "scale", "Tỷ lệ phải lớn hơn 0 và không quá 4", "The scale must be above 0 and at most 4", field="scale"
        )
    if not 0 <= seed < 2**63:
        raise Invalid(
            "seed", "Hạt giống phải là số nguyên không âm", "The seed must be a whole number from 0", field="seed"
        )
    if session.scalar(select(func.count()).select_from(Site).where(~Site.synthetic)):
        raise _in_use("site")
    held = list(session.scalars(_HELD))
    if held and demo_exists(session):
        raise Conflict(
            "demo_exists",
            "Đã có tỉnh mẫu trong sổ đăng ký; `hatang db reset` xoá tất cả để làm lại",
            "The registry already holds the demo province; `hatang db reset` empties it to start again",
        )
    if held:
        raise _in_use(", ".join(held))


def demo_exists(session: Session) -> bool:
    """Say whether the registry holds the demo's villages."""
    query = text("SELECT EXISTS (SELECT FROM registry.village WHERE source LIKE 'SYNTHETIC demo%')")
    return bool(session.scalar(query))


def _in_use(what: str) -> Conflict:
    return Conflict(
        "registry_in_use",
        f"Sổ đăng ký đã có dữ liệu khác ({what}); tỉnh mẫu chỉ nạp vào sổ trống",
        f"The registry already holds other data ({what}); the demo goes into an empty registry only",
    )


def _dry_inside(xy: np.ndarray, settled: villages.Villages, form: communes.Shape) -> np.ndarray:
    """Return which points lie in the province, a few metres off its edge, and not in water."""
    province = shapely.buffer(shapely.union_all(settled.polygons), -8.0)
    shapely.prepare(province)
    return np.asarray(shapely.contains_xy(province, xy[:, 0], xy[:, 1]) & ~form.wet(xy))
