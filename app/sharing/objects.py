"""The objects a ratio counted, page by page: every number leads to what it counted."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.areas.queries import commune as find_commune
from app.errors import Invalid
from app.sharing.definitions import KIND_OF, Definition, default_of, definition
from app.sharing.figures import Bools, Ratio
from app.sharing.service import commune_groups
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
_NAME = {"site": "t.name", "pole": "t.street", "duct": "t.route"}
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
               ST_Collect(t.geom) AS geom
        FROM asked a JOIN {kind} t ON t.id = a.member GROUP BY a.unit
    )
    SELECT t.id, t.code, {name}, m.codes, m.synthetic, coalesce(p.codes, '{{}}'), coalesce(p.operators, '{{}}'),
           ST_AsGeoJSON(CASE WHEN :whole THEN m.geom ELSE t.geom END, 7)::json
    FROM unnest(CAST(:stands AS bigint[])) WITH ORDINALITY AS s(id, place)
    JOIN {kind} t ON t.id = s.id
    JOIN member m ON m.unit = s.place - 1
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

    A trench (D1) is drawn by its longest duct, a route (D3) by all its ducts.

    Raises
    ------
    Invalid, NotFound
        Unknown definition or one of another indicator; unknown commune.
    """
    about = chosen(indicator, wanted)
    found = survey(session, KIND_OF[indicator], as_of)
    ratio = found.ratios[about.code]
    mask: Bools = {
        "numerator": ratio.numerator_mask,
        "denominator": ratio.denominator_mask,
        "unknown": ratio.unknown_mask,
    }[counted]
    if commune is not None:
        code = find_commune(session, commune, as_of).code
        group, labels = commune_groups(session, found, as_of)
        mask = mask & (group[ratio.row_of_unit] == [c for c, _ in labels].index(code))
    units = np.flatnonzero(mask)
    units = units[np.argsort(found.ids[ratio.row_of_unit[units]], kind="stable")]
    return _page(session, found, ratio, units[offset : offset + limit].tolist(), as_of), int(units.size)


def _page(session: Session, found: Survey, ratio: Ratio, units: list[int], as_of: dt.date) -> list[dict[str, Any]]:
    if not units:
        return []
    place = np.full(ratio.row_of_unit.size, -1, np.int64)
    place[units] = np.arange(len(units))
    rows = np.flatnonzero(place[ratio.unit_of_row] >= 0)
    # Kinds come from our own list, values are bound.
    query = _PAGE.format(kind=found.kind, name=_NAME[found.kind], tenants=_TENANTS[found.kind])
    values = {
        "units": place[ratio.unit_of_row[rows]].tolist(),
        "members": found.ids[rows].tolist(),
        "stands": found.ids[ratio.row_of_unit[units]].tolist(),
        "whole": ratio.definition.code == "D3",
        "as_of": as_of,
    }
    found_rows = session.execute(text(query), values).all()
    return [_feature(ratio, unit, *row) for unit, row in zip(units, found_rows, strict=True)]


def _feature(
    ratio: Ratio, unit: int, row_id: int, code: str, name: str | None, members: list[str], synthetic: bool,
    tenants: list[str], operators: list[str], geometry: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    counted = [t for t in tenants if t != "?"] if ratio.definition.code == "P1" else operators
    properties = {
        "code": code,
        "name": name,
        "tenants": tenants,
        "k": len(counted),
        "definition": ratio.definition.code,
        "counted": _marks(ratio, unit),
        "numerator": float(ratio.numerator_weight[unit]),
        "denominator": float(ratio.denominator_weight[unit]),
        "unknown": float(ratio.unknown_weight[unit]),
        "why": _why(ratio, unit, counted),
        "synthetic": synthetic,
    }
    if len(members) > 1:
        properties["members"] = members
    return {"type": "Feature", "id": row_id, "properties": properties, "geometry": geometry}


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


_CABLE = ("có cáp chưa rõ chủ hoặc phần chưa khảo sát", "an unclaimed cable or an unsurveyed part")
_MISSING = {code: _CABLE for code in ("P1", "P2", "D1", "D2", "D3")} | {
    "S4": ("chưa rõ có cho thuê chung hay không", "whether sharing is offered is not known"),
    "P3": ("chưa rõ chủ cột", "the pole's owner is not known"),
}
