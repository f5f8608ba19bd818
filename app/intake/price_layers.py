"""The layers of declared prices and sharing contracts; only data, as `app.intake.layers`.

Amounts are whole đồng: "120.000" is a hundred and twenty thousand, never 120.
"""

from __future__ import annotations

from app.intake.layers import LIFE, Column, Layer
from app.licensing.prices.models import MAX_VND, PER, PERIOD_MONTHS, RentalPrice, SharingContractItem
from app.sites.models import STRUCTURE_KINDS

_COMPONENT = Column(
    "component", "choice", ("hạng mục", "thanh phan", "dich vu", "noi dung thue"), required=True,
    words={
        "house": "house", "nha tram": "house", "nha": "house", "mast": "mast", "cot": "mast", "cot ang ten": "mast",
        "cot anten": "mast", "power": "power", "nguon": "power", "nguon dien": "power", "duct_bore": "duct_bore",
        "duct bore": "duct_bore", "ong": "duct_bore", "ong cong": "duct_bore", "duct_metre": "duct_metre",
        "duct metre": "duct_metre", "met cong": "duct_metre", "cong be": "duct_metre", "pole": "pole",
        "cot treo cap": "pole", "cot dien": "pole",
    },
)  # fmt: skip
PRICES = Layer(
    "prices", RentalPrice, "none",
    (
        Column("owner", "organisation", ("chủ sở hữu", "don vi so huu", "don vi khai gia", "doanh nghiep"),
               required=True),
        _COMPONENT,
        Column("kind", "choice", ("loại cột", "kieu cot", "structure kind"),
               words={k.replace("_", " "): k for k in STRUCTURE_KINDS} | {k: k for k in STRUCTURE_KINDS} | {
                   "cot tu dung": "mast", "mai nha": "rooftop", "trong nha": "indoor", "nha tram": "house"}),
        Column("type_code", "text", ("mã loại", "ma loai cong trinh", "type")),
        Column("per", "choice", ("đơn vị tính", "don vi", "unit", "moi"), required=True, words={p: p for p in PER} | {
            "cho": "slot", "vi tri": "slot", "ong": "slot", "m": "metre", "met": "metre", "cot": "pole"}),
        Column("period", "choice", ("kỳ", "chu ky", "ky tinh"), words={p: p for p in PERIOD_MONTHS} | {
            "thang": "month", "quy": "quarter", "nam": "year"}),
        Column("amount_vnd", "integer", ("đơn giá", "gia", "muc gia", "don gia dong", "gia thue", "price"),
               required=True, low=0, high=MAX_VND),
        Column("urban", "boolean", ("đô thị", "khu vuc"), words={
            "do thi": True, "thanh thi": True, "urban": True, "nong thon": False, "rural": False}),
        Column("commune", "commune", ("xã", "phuong", "xa phuong", "ma xa")),
        Column("declared_on", "date", ("ngày khai", "ngay ke khai", "ngay cong bo", "ngay van ban"), required=True),
        Column("document", "text", ("văn bản", "so van ban", "can cu", "trich dan", "citation"), required=True),
        *LIFE,
    ),
    key=(), located=False, near_province=False,
)  # fmt: skip
CONTRACTS = Layer(
    "contracts", SharingContractItem, "none",
    (
        Column("number", "code", ("số hợp đồng", "hop dong", "so hd", "contract"), required=True),
        Column("lessor", "organisation", ("bên cho thuê", "ben a", "chu so huu", "owner"), required=True),
        Column("lessee", "organisation", ("bên thuê", "ben b", "don vi thue", "tenant"), required=True),
        Column("signed_on", "date", ("ngày ký", "ngay hop dong"), required=True),
        Column("document", "text", ("văn bản", "phu luc", "ghi chu")),
        Column("structure", "text", ("mã cột ăng ten", "cot ang ten", "ma cong trinh", "cong trinh", "tram")),
        Column("pole", "text", ("mã cột treo cáp", "cot treo cap", "ma cot")),
        Column("duct", "text", ("mã cống", "tuyen cong", "cong be")),
        Column("street", "text", ("đường", "tuyen duong", "duong pho")),
        _COMPONENT,
        Column("slots", "integer", ("số lượng", "so cho", "so ong", "so cot", "quantity"), low=1, high=100_000),
        Column("price_vnd_month", "integer", ("giá thuê tháng", "gia thue", "tien thue", "thanh tien", "price"), low=0,
               high=MAX_VND),
        *LIFE,
    ),
    key=(), located=False, near_province=False,
)  # fmt: skip

LAYERS = {layer.name: layer for layer in (PRICES, CONTRACTS)}
