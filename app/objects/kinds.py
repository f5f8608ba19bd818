"""Which kinds of objects there are to read and change, and what is written of each by whom: one declarative table.

Which rows a caller sees or may change is the database's decision (app/accounts/sql/row_scope.sql), which of their
attributes it is told that of policy.disclosure. SQL fragments know the object as `o`.
"""

# ruff: noqa: S608  the words are ours
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from sqlalchemy import Column, Table

from app.areas.models import Unit, Village
from app.areas.reforms import unit_on
from app.database import Base
from app.errors import NotFound
from app.facilities.models import Facility, FacilityConnection
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

MINE = "= ANY ((SELECT registry.my_organisations())::bigint[])"
RAW = ("raw_x", "raw_y", "raw_crs")
"""Written with a position only, so that they never contradict the geometry."""
DEPARTMENT_ONLY = frozenset({"restricted", "synthetic", "source"})
_OFFICES = frozenset({"code", "name", "kind", "unit_id", "geom", "position_accuracy_m", "survey_method", "valid_from"})


@dataclass(frozen=True)
class Kind:
    """One kind of object.

    Attributes
    ----------
    organisation : str or None
        Column of the organisation it belongs to; an operator's new object gets its own, only the department chooses.
    tenant : bool
        That organisation uses another's object: whoever owns that object names it.
    mine : str
        Condition that the object is one of the caller's organisations'.
    parent : tuple or None
        Column and layer of the object it is part of; where it stands, when it has no position of its own.
    secret : tuple or None
        Column and kind of `registry.restricted_ids` that say it is, or belongs to, a restricted object.
    together : mapping
        Reference → column: what is referred to has to have the same value there (a bore of that very duct).
    written, operated : bool
        Changed here at all; by operators.
    officer : frozenset of str
        Columns the officer of the commune writes.
    added : bool
        New ones are made here.
    everybody : bool
        Everybody sees the objects, so that to see one says nothing of who one is (areas, public offices).
    drifting : mapping
        Column → SQL of what is told instead on :as_of, since the world changes around the object: its commune's end.
    """

    layer: str
    model: type[Base]
    vi: str
    en: str
    organisation: str | None = None
    tenant: bool = False
    mine: str = "FALSE"
    parent: tuple[str, str] | None = None
    secret: tuple[str, str] | None = None
    together: Mapping[str, str] | None = None
    search: tuple[str, ...] = ("code",)
    condition: str = "TRUE"
    membership: str | None = None
    written: bool = True
    operated: bool = True
    officer: frozenset[str] = frozenset()
    added: bool = True
    drifting: Mapping[str, str] = field(default_factory=dict)
    everybody: bool = False
    disclosed_as: str | None = None
    unlisted: frozenset[str] = frozenset()
    """Columns too heavy for a list."""

    @cached_property
    def table(self) -> Table:
        """Its table; statements name it without the schema."""
        table = self.model.__table__
        assert isinstance(table, Table)
        return table

    @cached_property
    def columns(self) -> Mapping[str, Column[object]]:
        """Every column but the search keys."""
        return {c.name: c for c in self.table.columns if c.name != "name_key"}

    @cached_property
    def geometries(self) -> tuple[str, ...]:
        """Geometry columns, the preferred one first."""
        return tuple(sorted((n for n, c in self.columns.items() if hasattr(c.type, "geometry_type")),
                            key=lambda n: n != "geom"))  # fmt: skip

    @cached_property
    def references(self) -> Mapping[str, str]:
        """Column → table it refers to."""
        keys = {n: next(iter(c.foreign_keys), None) for n, c in self.columns.items()}
        return {n: k.column.table.name for n, k in keys.items() if k is not None and n.endswith("_id")}

    @cached_property
    def settable(self) -> frozenset[str]:
        """Columns somebody may write: neither the key nor what the database computes."""
        return frozenset(n for n, c in self.columns.items() if n != "id" and c.computed is None and n not in RAW)

    @cached_property
    def located(self) -> bool:
        """Keeps surveyed coordinates beside the geometry."""
        return "raw_x" in self.columns

    def attribute(self, column: str) -> str:
        """Return the name under which policy.disclosure knows `column`: an owner_id is the "owner"."""
        return "geometry" if column in self.geometries else column.removesuffix("_id")


def _own(layer: str, model: type[Base], vi: str, en: str, column: str = "owner_id", *search: str) -> Kind:
    """Return a kind whose objects belong to one organisation and may be restricted themselves."""
    return Kind(layer, model, vi, en, organisation=column, mine=f"o.{column} {MINE}",
                secret=("id", model.__tablename__), search=("code", *search))  # fmt: skip


def _occupancy(kind: str, model: type[Base], vi: str, en: str) -> Kind:
    column = f"{kind}_id"
    return Kind(f"{kind}_occupancies", model, vi, en, organisation="tenant_id", tenant=True,
                parent=(column, f"{kind}s"), mine=f"(o.tenant_id {MINE} OR registry.owns_{kind}(o.{column}))",
                secret=(column, kind), search=())  # fmt: skip


_STRUCTURE = f"coalesce(o.owner_id, (SELECT s.owner_id FROM site s WHERE s.id = o.site_id)) {MINE}"
_CELL = f"(SELECT b.operator_id FROM base_station b WHERE b.id = o.base_station_id) {MINE}"
_MEMBER = (
    "o.id IN (SELECT m.village_id FROM village_unit m"
    " WHERE m.unit_id = :unit_id AND registry.in_force(m.valid_from, m.valid_to, :as_of))"
)
_UNITS = Kind("units", Unit, "Đơn vị hành chính", "Administrative units", search=("code", "name"),
              written=False, everybody=True, membership="o.id = :unit_id", disclosed_as="communes",
              unlisted=frozenset({"geom"}))  # fmt: skip

KINDS: Mapping[str, Kind] = {
    kind.layer: kind
    for kind in (
        _own("sites", Site, "Vị trí trạm", "Sites", "owner_id", "name", "address"),
        replace(_own("structures", Structure, "Cột ăng-ten, nhà trạm", "Masts and housings"),
                parent=("site_id", "sites"), mine=_STRUCTURE),
        replace(_own("base_stations", BaseStation, "Trạm BTS", "Base stations", "operator_id"),
                parent=("site_id", "sites"), together={"structure_id": "site_id"}),
        Kind("cells", Cell, "Cell", "Cells", parent=("base_station_id", "base_stations"), secret=("id", "cell"),
             mine=_CELL),
        _occupancy("structure", StructureOccupancy, "Đơn vị dùng cột, nhà trạm", "Occupancies of structures"),
        _own("poles", Pole, "Cột treo cáp", "Poles", "owner_id", "street"),
        _occupancy("pole", PoleOccupancy, "Đơn vị treo cáp trên cột", "Occupancies of poles"),
        _own("manholes", Manhole, "Bể cáp", "Manholes"),
        Kind("trenches", Trench, "Hào", "Trenches", search=("code", "street"), operated=False),
        _own("ducts", Duct, "Tuyến cống bể", "Ducts", "owner_id", "street", "route"),
        replace(_occupancy("duct", DuctOccupancy, "Đơn vị dùng cống bể", "Occupancies of ducts"),
                together={"bore_id": "duct_id"}),
        Kind("bores", Bore, "Ống", "Bores", parent=("duct_id", "ducts"), secret=("duct_id", "duct"),
             mine="registry.owns_duct(o.duct_id)", search=()),
        _own("cables", Cable, "Cáp viễn thông", "Cables"),
        _own("distribution_points", DistributionPoint, "Tủ, hộp cáp", "Distribution points", "operator_id"),
        Kind("villages", Village, "Thôn, bản, tổ dân phố", "Villages", search=("code", "name"),
             operated=False, everybody=True, officer=frozenset({"name", "kind", "population", "households"}),
             added=False, membership=_MEMBER),
        Kind("facilities", Facility, "Trụ sở, trường học, hạ tầng thiết yếu", "Facilities", secret=("id", "facility"),
             search=("code", "name"), operated=False, everybody=True, officer=_OFFICES,
             drifting={"unit_id": unit_on("o.unit_id", "o.geom")}),
        Kind("facility_connections", FacilityConnection, "Đường truyền tới trụ sở", "Connections of facilities",
             organisation="operator_id", mine=f"o.operator_id {MINE}", parent=("facility_id", "facilities"),
             secret=("facility_id", "facility"), search=(), operated=False),
        _UNITS,
        replace(_UNITS, layer="communes", vi="Xã, phường", en="Communes and wards", condition="o.level = 'commune'"),
        Kind("organisations", Organisation, "Tổ chức", "Organisations", search=("code", "name"), written=False,
             everybody=True),
    )
}  # fmt: skip
LAYERS = tuple(sorted(KINDS))


def kind_named(layer: str) -> Kind:
    """Return the kind of `layer`.

    Raises
    ------
    NotFound
        No such layer; the message lists those there are.
    """
    if layer not in KINDS:
        known = ", ".join(LAYERS)
        raise NotFound(
            "unknown_layer",
            f"Không có lớp {layer[:40]!r}; hiện có: {known}",
            f"There is no layer {layer[:40]!r}; there are: {known}",
            field="layer",
        )
    return KINDS[layer]
