"""The objects a ratio counted, page by page: every number leads to what it counted.

The ratio is counted over every object that is not restricted; listed are those of them the caller may see. Of an
object that is not its own, nor in its commune, an operator sees only itself among the users: it learns that the object
counted as shared, not with whom.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from app.areas.queries import commune as find_commune
from app.database import reads_all, statistics
from app.errors import Invalid
from app.kit.bulk import arrays
from app.policy.disclosure import withheld
from app.sharing.breakdown import commune_groups
from app.sharing.definitions import KIND_OF, Definition, default_of, definition
from app.sharing.figures import Bools, Ints, Ratio
from app.sharing.surveys import Survey, survey

Counted = Literal["numerator", "denominator", "unknown"]

# Who is recorded at each member, and whether the definitions count that party as an operator.
_TENANTS = {
    "site": """
        SELECT b.site_id AS member, o.code, o.has_radio AS operator FROM base_station b
        JOIN organisation o ON o.id = b.operator_id
        WHERE b.site_id = ANY(:members) AND registry.in_force(b.valid_from, b.valid_to, :as_of)
        UNION SELECT st.site_id, o.code, o.has_radio FROM structure_occupancy so
        JOIN structure st ON st.id = so.structure_id JOIN organisation o ON o.id = so.tenant_id
        WHERE st.site_id = ANY(:members) AND so.component = 'mast'
          AND registry.in_force(so.valid_from, so.valid_to, :as_of)
          AND registry.in_force(st.valid_from, st.valid_to, :as_of)
    """,
}
for _kind in ("pole", "duct"):
    _TENANTS[_kind] = f"""
        SELECT x.{_kind}_id AS member, coalesce(o.code, '?') AS code,
               x.service = 'telecom' AND coalesce(o.kind IN ('operator', 'mvno'), false) AS operator
        FROM {_kind}_occupancy x LEFT JOIN organisation o ON o.id = x.tenant_id
        WHERE x.{_kind}_id = ANY(:members) AND registry.in_force(x.valid_from, x.valid_to, :as_of)
    """  # noqa: S608 - our own two table names
NAME_OF = {"site": "name", "pole": "street", "duct": "route"}
_USERS = {"site": "tenants", "pole": "occupants", "duct": "occupants"}
"""The attribute of the published layer (policy.disclosure) whose level counts for name and tenants."""
_PAGE = """
    WITH asked AS (SELECT * FROM unnest(CAST(:units AS bigint[]), CAST(:members AS bigint[])) AS a(unit, member)),
    tenant AS ({tenants}),
    party AS (
        SELECT a.unit, array_agg(DISTINCT n.code ORDER BY n.code) AS codes,
               array_agg(DISTINCT n.code ORDER BY n.code) FILTER (WHERE n.operator) AS operators
        FROM asked a JOIN tenant n ON n.member = a.member GROUP BY a.unit
    ),
    member AS (
        SELECT a.unit, array_agg(t.code ORDER BY t.code) AS codes, bool_or(t.synthetic) AS synthetic,
               ST_Collect(t.geom) AS geom, bool_or(t.restricted) AND registry.is_department() AS restricted
        FROM asked a JOIN {kind} t ON t.id = a.member GROUP BY a.unit
    ),
    -- Whose every user the caller sees.
    whole AS (
        SELECT a.unit, bool_and(:reads_all OR registry.mine_{kind}(a.member)) AS complete FROM asked a GROUP BY a.unit
    )
    SELECT t.id, t.code, t.{name} AS name, m.codes AS members, m.synthetic, m.restricted,
           coalesce(p.codes, '{{}}') AS tenants, coalesce(p.operators, '{{}}') AS operators, w.complete,
           coalesce(t.owner_id = ANY (registry.my_organisations()), false) AS own,
           ST_AsGeoJSON(CASE WHEN :drawn_whole THEN m.geom ELSE t.geom END, 7)::json AS geometry
    FROM unnest(CAST(:stands AS bigint[])) WITH ORDINALITY AS s(id, place)
    JOIN {kind} t ON t.id = s.id
    JOIN member m ON m.unit = s.place - 1
    JOIN whole w ON w.unit = s.place - 1
    LEFT JOIN party p ON p.unit = s.place - 1
    ORDER BY s.place
"""


def chosen(indicator: str, wanted: str | None) -> Definition:
    """Return the definition asked for, or the indicator's default.

    Raises
    ------
    Invalid
        It belongs to another indicator.
    """
    found = definition(wanted) if wanted else default_of(indicator)
    if found.indicator != indicator:
        raise Invalid(
            "definition_of_another_indicator",
            f"Cách tính {found.code} thuộc chỉ tiêu {found.indicator}, không thuộc {indicator}",
            f"Definition {found.code} belongs to indicator {found.indicator}, not to {indicator}",
            field="definition",
        )
    return found


def counted_objects(
    session: Session,
    indicator: str,
    as_of: dt.date,
    *,
    wanted: str | None = None,
    counted: Counted = "numerator",
    commune: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> tuple[list[dict[str, Any]], int]:
    """Return a page of GeoJSON features of exactly the objects counted, and how many there are in all.

    Both as far as the caller may see the objects. A trench (D1) is drawn by its longest duct, a route (D3) by all its
    ducts.

    Raises
    ------
    Invalid, NotFound
        Unknown definition or one of another indicator; unknown commune.
    """
    counted_by = selected(session, indicator, as_of, wanted, counted, commune)
    return page(session, counted_by, offset, limit), int(counted_by.units.size)


@dataclass(frozen=True)
class Selected:
    """What a ratio counted, as far as the caller may see it: `units` in the order of the rows that stand for them."""

    survey: Survey
    ratio: Ratio
    units: Ints


def selected(
    session: Session, indicator: str, as_of: dt.date, wanted: str | None, counted: Counted, commune: str | None
) -> Selected:
    """Return the units a ratio counted; parameters and errors as `counted_objects`."""
    about = chosen(indicator, wanted)
    with statistics(session):
        found = survey(session, KIND_OF[indicator], as_of)
    ratio = found.ratios[about.code]
    mask: Bools = {
        "numerator": ratio.numerator_mask,
        "denominator": ratio.denominator_mask,
        "unknown": ratio.unknown_mask,
    }[counted]
    if commune is not None:
        code = find_commune(session, commune, as_of).code
        with statistics(session):
            group, labels = commune_groups(session, found, as_of)
        mask = mask & (group[ratio.row_of_unit] == [c for c, _ in labels].index(code))
    units = np.flatnonzero(mask & _visible(session, found)[ratio.row_of_unit])
    units = units[np.argsort(found.ids[ratio.row_of_unit[units]], kind="stable")]
    return Selected(found, ratio, units)


def page(session: Session, counted: Selected, offset: int, limit: int) -> list[dict[str, Any]]:
    """Return GeoJSON features of some of the units."""
    found, units = counted.survey, counted.units[offset : offset + limit].tolist()
    return _page(session, found, counted.ratio, units, found.as_of)


def _visible(session: Session, found: Survey) -> Bools:
    """Return which rows of `found` the caller sees under its own scope, shape (rows,)."""
    if reads_all(session):
        return np.ones(found.ids.size, bool)
    query = f"SELECT t.id FROM {found.kind} t WHERE registry.in_force(t.valid_from, t.valid_to, %(as_of)s)"  # noqa: S608
    mine = arrays(session, query, (("id", "i8"),), as_of=found.as_of)
    return np.isin(found.ids, mine["id"])


def _page(session: Session, found: Survey, ratio: Ratio, units: list[int], as_of: dt.date) -> list[dict[str, Any]]:
    if not units:
        return []
    place = np.full(ratio.row_of_unit.size, -1, np.int64)
    place[units] = np.arange(len(units))
    rows = np.flatnonzero(place[ratio.unit_of_row] >= 0)
    # Kinds come from our own list, values are bound.
    query = _PAGE.format(kind=found.kind, name=NAME_OF[found.kind], tenants=_TENANTS[found.kind])
    values = {
        "units": place[ratio.unit_of_row[rows]].tolist(),
        "members": found.ids[rows].tolist(),
        "stands": found.ids[ratio.row_of_unit[units]].tolist(),
        "drawn_whole": ratio.definition.code == "D3",
        "reads_all": reads_all(session),
        "as_of": as_of,
    }
    rows_found = session.execute(text(query), values).all()
    if any(row.restricted for row in rows_found):
        session.execute(select(func.audit.saw("list", f"{found.kind}s", None, True)))
    known = ("code", NAME_OF[found.kind], _USERS[found.kind], "geometry")
    hidden = set(withheld(session, f"{found.kind}s", known))
    places = zip(units, rows_found, strict=True)
    return [_feature(found.kind, ratio, unit, row, set() if row.own else hidden) for unit, row in places]


def _feature(kind: str, ratio: Ratio, unit: int, row: Row[Any], hidden: set[str]) -> dict[str, Any]:
    """Return the object as GeoJSON without what is `hidden`; figures only where its every user is seen."""
    known = [t for t in row.tenants if t != "?"] if ratio.definition.code == "P1" else row.operators
    complete = row.complete and _USERS[kind] not in hidden
    properties = {
        "code": None if "code" in hidden else row.code,
        "name": None if NAME_OF[kind] in hidden else row.name,
        "tenants": None if _USERS[kind] in hidden else row.tenants,
        "k": len(known) if complete else None,
        "definition": ratio.definition.code,
        "counted": _marks(ratio, unit),
        "numerator": float(ratio.numerator_weight[unit]) if complete else None,
        "denominator": float(ratio.denominator_weight[unit]) if complete else None,
        "unknown": float(ratio.unknown_weight[unit]) if complete else None,
        "why": _why(ratio, unit, known) if complete else _PARTLY,
        "synthetic": row.synthetic,
    }
    if row.restricted:
        properties["restricted"] = True
    if len(row.members) > 1 and "code" not in hidden:
        properties["members"] = row.members
    geometry = None if "geometry" in hidden else row.geometry
    return {"type": "Feature", "id": row.id, "properties": properties, "geometry": geometry}


def _marks(ratio: Ratio, unit: int) -> list[str]:
    masks = {
        "numerator": ratio.numerator_mask,
        "denominator": ratio.denominator_mask,
        "unknown": ratio.unknown_mask,
    }
    return [name for name, mask in masks.items() if mask[unit]]


def _why(ratio: Ratio, unit: int, counted: list[str]) -> dict[str, str]:
    marks, code = _marks(ratio, unit), ratio.definition.code
    number, who = len(counted), ", ".join(counted) or "—"
    if marks == ["unknown"]:
        return {
            "vi": "Chưa rõ: chưa khảo sát, không tính vào tử số và mẫu số",
            "en": "Unknown: never surveyed, in neither numerator nor denominator",
        }
    if "unknown" in marks:
        return {
            "vi": f"Chưa rõ có dùng chung hay không ({_MISSING[code][0]}); đã biết: {who}; chỉ tính vào mẫu số",
            "en": f"Unknown whether shared ({_MISSING[code][1]}); known: {who}; in the denominator only",
        }
    if "numerator" in marks and code == "P3":
        return {
            "vi": f"Chủ cột ngoài ngành viễn thông, có cáp viễn thông ({who})",
            "en": f"Owned outside telecom, carries telecom cables ({who})",
        }
    if "numerator" in marks and code == "S4" and number < 2:
        return {
            "vi": f"Hạ tầng trung lập sẵn sàng cho thuê chung, đã có {who}",
            "en": f"A neutral host that offers sharing, already with {who}",
        }
    verdict = ("Dùng chung", "Shared") if "numerator" in marks else ("Không dùng chung", "Not shared")
    if code == "S3":
        verdict = ("Tính số nhà mạng", "Operators counted")
    return {"vi": f"{verdict[0]}: {number} tổ chức ({who})", "en": f"{verdict[1]}: {number} organisation(s) ({who})"}


_PARTLY = {
    "vi": "Được tính theo mọi đơn vị sử dụng; tài khoản này chỉ xem được phần của mình",
    "en": "Counted by all who use it; this account sees only its own part",
}
_CABLE = ("có cáp chưa rõ chủ hoặc phần chưa khảo sát", "an unclaimed cable or an unsurveyed part")
_MISSING = {code: _CABLE for code in ("P1", "P2", "D1", "D2", "D3")} | {
    "S4": ("chưa rõ có cho thuê chung hay không", "whether sharing is offered is not known"),
    "P3": ("chưa rõ chủ cột", "the pole's owner is not known"),
}
