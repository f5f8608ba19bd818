"""What each property of the collections means: type, Vietnamese title, English description, unit. A table of data.

A name means the same in every collection; where it does not, `SPECIAL` has the collection's own meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from app.publish.ogc.collections import COLLECTIONS

Kind = Literal["string", "integer", "number", "boolean", "date"]


@dataclass(frozen=True)
class Property:
    """A property of features; `unit` is a UCUM code, `values` all it can be."""

    kind: Kind
    title: str
    description: str
    unit: str | None = None
    values: tuple[str, ...] = ()

    def schema(self) -> dict[str, object]:
        """Return it as JSON schema."""
        found: dict[str, object] = {"type": "string" if self.kind == "date" else self.kind}
        if self.kind == "date":
            found["format"] = "date"
        found |= {"title": self.title, "description": self.description}
        if self.unit:
            found["x-ogc-unit"] = self.unit
        if self.values:
            found["enum"] = list(self.values)
        return found


P = Property
_VERDICTS = ("covered", "not_covered", "unknown")
_TECHNOLOGY_VERDICT = {
    f"verdict_{name}": P(
        "string", f"Kết luận {name.upper()}", f"Verdict of {name.upper()} alone; unknown never counts as covered",
        values=_VERDICTS,
    )
    for name in ("2g", "3g", "4g", "5g")
}  # fmt: skip

PROPERTIES: Final[Mapping[str, Property]] = {
    "address": P("string", "Địa chỉ", "Address of the site"),
    "bore_count": P("integer", "Số ống", "Bores of the duct"),
    "built_on": P("date", "Ngày xây dựng", "Day it was built"),
    "cable_capacity": P("integer", "Số cáp tối đa", "Cables the pole can carry"),
    "code": P("string", "Mã", "Code in its owner's numbering"),
    "commune": P("string", "Mã xã, phường", "Code of the commune in force on the date"),
    "commune_name": P("string", "Xã, phường", "Name of the commune in force on the date"),
    "connections": P("string", "Kết nối", "Its lines as operator:service:Mbit/s, separated by semicolons"),
    "count": P("integer", "Số vị trí trạm", "Sites in the cell of the grid"),
    "declared_length_m": P("number", "Chiều dài khai báo", "Length as its owner declared it", "m"),
    "disguised": P("boolean", "Nguỵ trang", "Whether the structure is disguised"),
    "evidence": P("string", "Căn cứ", "The evidence that decided the verdict: drive test, speed tests, model, claim"),
    "fibre": P("string", "Cáp quang", "Whether an order for fibre can be met in the village", values=_VERDICTS),
    "fibre_count": P("integer", "Số sợi quang", "Fibres of the cable"),
    "from_manhole": P("string", "Từ bể cáp", "Code of the manhole the duct begins at"),
    "grid_m": P("number", "Cạnh ô lưới", "Side of the grid's cells; the point is a cell's centre", "m"),
    "half_width_m": P("number", "Nửa bề rộng", "Half the width of the structure", "m"),
    "height_m": P("number", "Chiều cao", "Height above the ground, of a structure on a building above its foot", "m"),
    "host_height_m": P("number", "Chiều cao công trình mang", "Height of the building that carries it", "m"),
    "households": P("integer", "Số hộ", "Households of the village"),
    "households_reached": P("integer", "Số hộ có thể kết nối", "Households to which fibre can be connected on order"),
    "kind": P("string", "Loại", "Kind of object"),
    "laying": P("string", "Cách lắp đặt", "How the cable is laid: aerial, in duct, buried"),
    "length_m": P("number", "Chiều dài", "Geodesic length", "m"),
    "level": P("string", "Cấp hành chính", "Level of the unit: province, district, commune"),
    "load_capacity_kg": P("number", "Tải trọng", "Load the structure may carry", "kg"),
    "margin_db": P("number", "Dự trữ", "Median received power above the rule's threshold", "dB"),
    "material": P("string", "Vật liệu", "Material of the pole"),
    "medium": P("string", "Loại cáp", "Medium of the cable: fibre, copper, coaxial"),
    "mounting": P("string", "Nơi đặt", "On the ground, a building or a pole"),
    "name": P("string", "Tên", "Name"),
    "occupants": P("string", "Bên sử dụng", "Who uses it, as code or code:service, separated by semicolons; ? unknown"),
    "operator": P("string", "Nhà mạng", "Code of the operator"),
    "operators_covered": P(
        "string", "Nhà mạng phủ sóng", "Operators whose network alone covers it, semicolons between"
    ),
    "operators_not_covered": P("string", "Nhà mạng chưa phủ sóng", "Operators whose network alone does not cover it"),
    "owner": P("string", "Chủ sở hữu", "Code of the organisation that owns it"),
    "parent": P("string", "Đơn vị cấp trên", "Code of the unit above it"),
    "population": P("integer", "Dân số", "Inhabitants of the village"),
    "ports_total": P("integer", "Tổng số cổng", "Ports of the distribution point"),
    "ports_used": P("integer", "Số cổng đã dùng", "Ports in use"),
    "position_accuracy_m": P("number", "Độ chính xác vị trí", "Accuracy of the position as surveyed", "m"),
    "raw_crs": P("string", "Hệ toạ độ khai báo", "CRS in which the position was handed in"),
    "raw_x": P("number", "X khai báo", "Easting or longitude as handed in, in raw_crs"),
    "raw_y": P("number", "Y khai báo", "Northing or latitude as handed in, in raw_crs"),
    "route": P("string", "Tuyến", "Route the duct belongs to"),
    "rsrp_dbm": P("number", "Mức thu RSRP", "Received power the model gives the village's points", "dB[mW]"),
    "rule": P("string", "Quy tắc phủ sóng", "Coverage rule of the run"),
    "run": P("integer", "Lần tính", "Number of the coverage run"),
    "run_as_of": P("date", "Ngày của lần tính", "Day of the registry the run judged"),
    "serving_distance_m": P("number", "Bán kính phục vụ", "Distance within which it serves dwellings", "m"),
    "share": P("number", "Tỷ lệ đạt", "Share of people (or of the rule's unit) that pass, 0 to 1", "1"),
    "share_high": P("number", "Tỷ lệ đạt, cận trên", "Upper decile of the share", "1"),
    "share_low": P("number", "Tỷ lệ đạt, cận dưới", "Lower decile of the share", "1"),
    "sharing_offered": P("boolean", "Sẵn sàng dùng chung", "Whether the owner offers the position to others"),
    "site": P("string", "Vị trí trạm", "Code of the site it stands on"),
    "source": P("string", "Nguồn", "Where the record comes from"),
    "stations": P("string", "Trạm gốc", "Base stations as operator:technologies, separated by semicolons"),
    "street": P("string", "Đường phố", "Street"),
    "survey_method": P("string", "Phương pháp đo", "How the position was surveyed"),
    "surveyed_on": P("date", "Ngày khảo sát", "Last day its tenants or users were recorded"),
    "synthetic": P("boolean", "Dữ liệu mô phỏng", "Whether the record was made up, not surveyed"),
    "tenant_capacity": P("integer", "Số bên thuê tối đa", "Tenants the structure can take"),
    "tenants": P("string", "Bên thuê", "Codes of those who use a mast, separated by semicolons"),
    "to_manhole": P("string", "Đến bể cáp", "Code of the manhole the duct ends at"),
    "trench": P("string", "Hào cáp", "Code of the trench the duct lies in"),
    "type_code": P("string", "Mã loại", "Code of passive infrastructure (A1a…A2c, C1, C2, N1…N3)"),
    "urban": P("boolean", "Đô thị", "Whether it lies in an urban area"),
    "valid_from": P("date", "Hiệu lực từ", "First day it is in force"),
    "valid_to": P("date", "Hiệu lực đến", "Day from which it is no longer in force; null while it is"),
    "verdict": P("string", "Kết luận phủ sóng", "Verdict under the rule; unknown is not covered", values=_VERDICTS),
    **_TECHNOLOGY_VERDICT,
}

SPECIAL: Final[Mapping[str, Mapping[str, Property]]] = {
    "coverage": {"households": P("integer", "Số hộ", "Households the run knew in the village")},
}


def properties_of(collection: str) -> dict[str, Property]:
    """Return name → meaning of the properties of a collection, in their order."""
    own = SPECIAL.get(collection, {})
    return {name: own.get(name) or PROPERTIES[name] for name in COLLECTIONS[collection].properties}
