"""The layers one can load: columns, the headers people give them, types, ranges. One place per layer; only data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app import database
from app.areas.models import DemandPoint, Unit, UnitSuccession, Village
from app.coverage.models import LEVELS_DBM, MAX_MBPS, CoverageClaim, SignalMeasurement
from app.facilities import models as facilities
from app.licensing.constraints.models import KINDS as CONSTRAINTS
from app.licensing.constraints.models import ConstraintArea
from app.lines.models import Cable, DistributionPoint, Duct, Pole
from app.organisations import models as organisations
from app.sites.models import STRUCTURE_KINDS, Site


@dataclass(frozen=True)
class Column:
    """One canonical column.

    Attributes
    ----------
    kind : str
        text, code, number, integer, boolean, date, moment, choice, organisation, commune, or list (parsed by its
        layer).
    aliases : tuple of str
        Other headers, in any case, with or without marks.
    low, high : float
        Allowed range, both ends included.
    words : dict
        Of a choice: word → value; of a boolean: further words.
    """

    name: str
    kind: str = "text"
    aliases: tuple[str, ...] = ()
    required: bool = False
    low: float | None = None
    high: float | None = None
    words: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Layer:
    """One kind of file."""

    name: str
    model: type[database.Base]
    geometry: str
    """point, line, multiline, polygon, village (polygon or point), area (polygon, point or nothing), shape (any kind),
    none."""
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("code",)
    located: bool = True
    """Keeps raw coordinates, survey method and accuracy."""
    type_codes: str | None = None
    """Layer of policy.type_code its type_code comes from."""
    near_province: bool = True
    """Points outside the province are findings; boundaries differ by kilometres and are exempt."""

    def column(self, name: str) -> Column:
        """Return the column called `name`."""
        return next(c for c in self.columns if c.name == name)


def _same(*values: str) -> dict[str, str]:
    return {v.lower().replace("_", " "): v for v in values} | {v.lower(): v for v in values}


_CODE = ("mã", "ma so", "id", "ref", "code id")
_NAME = ("tên", "ten goi", "ho ten")
_OWNER = ("chủ sở hữu", "don vi so huu", "don vi chu quan", "chu quan", "don vi quan ly", "doanh nghiep")
_ADDRESS = ("địa chỉ", "dia diem", "vi tri lap dat")
_STREET = ("đường", "tuyen duong", "ten duong", "duong pho", "pho")
_SURVEYED = ("ngày khảo sát", "ngay kiem ke", "survey date", "surveyed")
_HEIGHT = ("chiều cao", "do cao", "cao", "height", "chieu cao cot", "cao do cot")
_TYPE = ("mã loại", "loai cong trinh", "loai cot", "type", "ma loai cong trinh")
_URBAN = {"do thi": True, "thanh thi": True, "urban": True, "nong thon": False, "rural": False}

LIFE = (
    Column("valid_from", "date", ("từ ngày", "hieu luc tu", "ngay dua vao su dung", "ngay phat song", "ngay hoat dong",
                                  "in service date", "in service", "start date", "ngay van hanh")),
    Column("valid_to", "date", ("đến ngày", "hieu luc den", "ngay thao do", "ngay ngung hoat dong", "end date")),
    Column("synthetic", "boolean", ("tong hop", "gia lap")),
)  # fmt: skip
SURVEY = (
    Column("survey_method", "choice", ("phương pháp đo", "method"), words=_same(*database.SURVEY_METHODS)),
    Column("position_accuracy_m", "number", ("độ chính xác", "accuracy", "sai so vi tri"), low=0, high=99_999),
)
POSITION = (
    Column("lon", aliases=("kinh độ", "longitude", "long", "lng", "kinh do wgs84", "lon wgs84", "toa do kinh do")),
    Column("lat", aliases=("vĩ độ", "latitude", "vi do wgs84", "lat wgs84", "toa do vi do")),
    Column("x", aliases=("easting", "toạ độ đông", "dong", "e", "east", "x vn2000", "toa do x", "y dong")),
    Column("y", aliases=("northing", "toạ độ bắc", "bac", "n", "north", "y vn2000", "toa do y", "x bac")),
    Column("wkt", aliases=("geometry", "geom", "the geom", "hinh hoc", "shape wkt")),
)

ORGANISATIONS = Layer(
    "organisations", organisations.Organisation, "none",
    (
        Column("code", "code", (*_CODE, "ma don vi", "ma to chuc"), required=True),
        Column("name", "text", (*_NAME, "ten don vi", "ten to chuc"), required=True),
        Column("kind", "choice", ("loại", "loai hinh"), required=True, words=_same(*organisations.KINDS) | {
            "nha mang": "operator", "doanh nghiep vien thong": "operator", "dien luc": "electricity",
            "chieu sang": "lighting", "co quan": "agency", "khac": "other", "cong ty cot": "tower_company"}),
        Column("has_radio", "boolean", ("có mạng vô tuyến", "radio")),
        Column("mnc", "text", ("ma mang",)),
        Column("contact", "text", ("liên hệ", "lien lac", "dien thoai", "email")),
        *LIFE,
    ),
    located=False, near_province=False,
)  # fmt: skip
_LEVEL = Column("level", "choice", ("cấp", "cap hanh chinh"), words={
    "province": "province", "tinh": "province", "district": "district", "huyen": "district",
    "commune": "commune", "xa": "commune", "phuong": "commune", "ward": "commune"})  # fmt: skip
AREAS = Layer(
    "areas", Unit, "area",
    (
        _LEVEL,
        Column("code", "code", (*_CODE, "ma xa", "ma phuong", "ma dvhc", "gso code", "ma don vi"), required=True),
        Column("name", "text", (*_NAME, "ten xa", "ten phuong", "ten dvhc"), required=True),
        Column("full_name", "text", ("fullname", "ten day du", "full name vi")),
        Column("kind", "text", ("loại", "loai dvhc")),
        Column("parent", "code", ("đơn vị cha", "parent code", "ma cha", "ma tinh", "ma huyen")),
        *LIFE,
    ),
    key=("level", "code"), located=False, near_province=False,
)  # fmt: skip
SUCCESSIONS = Layer(
    "successions", UnitSuccession, "none",
    (
        _LEVEL,
        Column("old_code", "code", ("mã cũ", "ma don vi cu", "ma xa cu", "former code"), required=True),
        Column("new_code", "code", ("mã mới", "ma don vi moi", "ma xa moi"), required=True),
        Column("on_date", "date", ("ngày sáp nhập", "ngay hieu luc", "tu ngay", "ngay", "date"), required=True),
        Column("old_valid", "date", ("mã cũ vào ngày", "ngay cua ma cu")),
        Column("share", "number", ("tỷ lệ", "ty trong", "phan"), low=1e-6, high=1),
        Column("citation", "text", ("căn cứ", "trich dan", "nghi quyet", "van ban")),
        Column("old_name", "text", ("tên cũ", "ten xa cu", "old commune", "old ward")),
        Column("new_name", "text", ("tên mới", "ten xa moi", "new commune", "new ward")),
    ),
    key=(), located=False, near_province=False,
)  # fmt: skip
VILLAGES = Layer(
    "villages", Village, "village",
    (
        Column("code", "code", (*_CODE, "ma thon", "ma to"), required=True),
        Column("name", "text", (*_NAME, "ten thon", "thon", "ten to dan pho"), required=True),
        Column("kind", "choice", ("loại", "loai hinh"), words={
            "thon": "thon", "ban": "ban", "to dan pho": "to_dan_pho", "to_dan_pho": "to_dan_pho", "tdp": "to_dan_pho",
            "lang": "thon", "ap": "thon", "buon": "ban"}),
        Column("commune", "commune", ("xã", "phuong", "xa phuong", "ma xa", "ten xa", "phuong xa")),
        Column("population", "integer", ("dân số", "so dan", "nhan khau", "so nhan khau"), low=0, high=999_999),
        Column("households", "integer", ("số hộ", "ho", "ho gia dinh", "so ho dan"), low=0, high=299_999),
        Column("urban", "boolean", ("đô thị", "khu vuc"), words=_URBAN),
        *LIFE,
    ),
    located=False,
)  # fmt: skip
DEMAND_POINTS = Layer(
    "demand_points", DemandPoint, "point",
    (
        Column("village", "text", ("thôn", "ma thon", "village code"), required=True),
        Column("population", "number", ("dân số", "so dan"), low=0, high=999_999),
        Column("dwellings", "integer", ("số nhà", "so ho", "households"), low=0, high=299_999),
        Column("synthetic", "boolean"),
    ),
    key=(), located=False,
)  # fmt: skip
SITES = Layer(
    "sites", Site, "point",
    (
        Column("code", "code", (*_CODE, "mã trạm", "ma vi tri", "site id", "site code", "ma tram bts"), required=True),
        Column("name", "text", (*_NAME, "tên trạm", "site name", "ten vi tri")),
        Column("owner", "organisation", (*_OWNER, "chu tram")),
        Column("address", "text", _ADDRESS),
        Column("urban", "boolean", ("đô thị", "khu vuc"), words=_URBAN),
        Column("sharing_offered", "boolean", ("cho dùng chung", "san sang chia se")),
        Column("sharing_code", "integer", ("mã dùng chung", "hinh thuc dung chung", "dung chung"), low=0, high=7),
        Column("surveyed_on", "date", _SURVEYED),
        Column("kind", "choice", ("loại cột", "structure kind", "kieu cot"), words=_same(*STRUCTURE_KINDS) | {
            "cot": "mast", "cot tu dung": "mast", "cot day co": "mast", "mai nha": "rooftop", "tren mai": "rooftop",
            "trong nha": "indoor", "nha tram": "house", "khac": "other"}),
        Column("mounting", "choice", ("vị trí lắp", "lap dat tren"), words={
            "ground": "ground", "mat dat": "ground", "duoi dat": "ground", "building": "building",
            "cong trinh": "building", "mai nha": "building", "nha": "building", "post": "post", "cot dien": "post",
            "cot den": "post"}),
        Column("height_m", "number", _HEIGHT, low=0.01, high=350),
        Column("host_height_m", "number", ("chiều cao công trình", "chieu cao nha", "host height"), low=0, high=500),
        Column("half_width_m", "number", ("nửa bề rộng", "ban kinh", "half width"), low=0.001, high=50),
        Column("disguised", "boolean", ("ngụy trang", "camouflaged")),
        Column("tenant_capacity", "integer", ("sức chứa", "so don vi toi da"), low=0, high=50),
        Column("type_code", "text", _TYPE),
        Column("stations", "list", ("trạm gốc", "bts", "tram bts", "cong nghe")),
        Column("azimuths_deg", "list", ("góc phương vị", "azimuth", "azimuths", "phuong vi")),
        Column("tilt_deg", "number", ("góc nghiêng", "tilt", "downtilt"), low=-30, high=60),
        Column("eirp_dbm", "number", ("công suất", "eirp"), low=-10, high=90),
        Column("frequency_mhz", "number", ("tần số", "bang tan", "frequency"), low=30, high=6000),
        Column("antenna_height_m", "number", ("độ cao ăng ten", "chieu cao ang ten", "antenna height"),
               low=0.01, high=400),
        Column("tenants", "list", ("đơn vị thuê", "don vi dung chung", "khach thue")),
        *LIFE, *SURVEY,
    ),
    type_codes="structure",
)  # fmt: skip
POLES = Layer(
    "poles", Pole, "point",
    (
        Column("code", "code", (*_CODE, "mã cột", "so hieu cot", "pole id"), required=True),
        Column("owner", "organisation", (*_OWNER, "chu cot")),
        Column("height_m", "number", _HEIGHT, low=0.01, high=60),
        Column("material", "text", ("vật liệu", "chat lieu")),
        Column("cable_capacity", "integer", ("sức chứa cáp", "so cap toi da"), low=0, high=200),
        Column("type_code", "text", _TYPE),
        Column("street", "text", _STREET),
        Column("surveyed_on", "date", _SURVEYED),
        Column("occupants", "list", ("đơn vị treo cáp", "don vi su dung", "tenants")),
        *LIFE, *SURVEY,
    ),
    type_codes="pole",
)  # fmt: skip
DUCTS = Layer(
    "ducts", Duct, "line",
    (
        Column("code", "code", (*_CODE, "mã cống", "ma tuyen cong", "ma doan"), required=True),
        Column("owner", "organisation", _OWNER),
        Column("from_manhole", "code", ("từ bể", "be dau", "be cap dau")),
        Column("to_manhole", "code", ("đến bể", "be cuoi", "be cap cuoi")),
        Column("bore_count", "integer", ("số ống", "so ong cong", "bores"), low=0, high=200),
        Column("trench", "code", ("hào", "ranh", "hao ky thuat")),
        Column("route", "text", ("tuyến", "ten tuyen")),
        Column("street", "text", _STREET),
        Column("type_code", "text", _TYPE),
        Column("declared_length_m", "number", ("chiều dài", "length", "dai", "cu ly"), low=0.01, high=100_000),
        Column("surveyed_on", "date", _SURVEYED),
        Column("occupants", "list", ("đơn vị sử dụng", "don vi di cap", "tenants")),
        *LIFE, *SURVEY,
    ),
    type_codes="duct",
)  # fmt: skip
CABLES = Layer(
    "cables", Cable, "multiline",
    (
        Column("code", "code", (*_CODE, "mã cáp", "ma tuyen cap"), required=True),
        Column("owner", "organisation", _OWNER),
        Column("medium", "choice", ("loại cáp",), words=_same("fibre", "copper", "coaxial") | {
            "quang": "fibre", "cap quang": "fibre", "fiber": "fibre", "dong": "copper", "cap dong": "copper",
            "dong truc": "coaxial", "cap dong truc": "coaxial"}),
        Column("laying", "choice", ("cách đi", "hinh thuc di cap"), words=_same(
            "aerial", "duct", "buried", "submarine", "mixed") | {
            "treo": "aerial", "ngam": "duct", "cong be": "duct", "chon": "buried", "chon truc tiep": "buried",
            "duoi nuoc": "submarine", "hon hop": "mixed"}),
        Column("fibre_count", "integer", ("số sợi", "so fo", "dung luong"), low=0, high=10_000),
        *LIFE,
    ),
    located=False,
)  # fmt: skip
DISTRIBUTION_POINTS = Layer(
    "distribution_points", DistributionPoint, "point",
    (
        Column("code", "code", (*_CODE, "mã tủ", "ma hop cap", "ma tu cap"), required=True),
        Column("operator", "organisation", ("nhà mạng", *_OWNER), required=True),
        Column("kind", "text", ("loại",)),
        Column("ports_total", "integer", ("tổng số cổng", "so cong", "dung luong"), low=0, high=100_000),
        Column("ports_used", "integer", ("số cổng đã dùng", "cong da dung"), low=0, high=100_000),
        Column("serving_distance_m", "number", ("bán kính phục vụ", "cu ly phuc vu"), low=0.01, high=20_000),
        *LIFE, *SURVEY,
    ),
)  # fmt: skip
FACILITIES = Layer(
    "facilities", facilities.Facility, "point",
    (
        Column("code", "code", _CODE, required=True),
        Column("name", "text", _NAME, required=True),
        Column("kind", "choice", ("loại",), required=True, words=_same(*facilities.KINDS) | {
            "ubnd xa": "commune_office", "ubnd phuong": "commune_office", "tru so ubnd": "commune_office",
            "co quan": "agency", "khu cong nghe cao": "high_tech_park", "khu cntt tap trung": "it_park",
            "khu cong nghiep": "industrial_zone", "truong hoc": "school", "truong": "school", "tram y te": "clinic",
            "ha tang thiet yeu": "essential", "khac": "other"}),
        Column("connections", "list", ("kết nối", "duong truyen")),
        *LIFE, *SURVEY,
    ),
)  # fmt: skip

_NETWORK = Column("operator", "organisation", ("nhà mạng", "doanh nghiep", "mang", "network", "carrier", "isp"),
                  required=True)  # fmt: skip
_TECHNOLOGY = Column("technology", "choice", ("công nghệ", "loai mang", "rat", "tech", "network type"), required=True,
                     words=_same("2G", "3G", "4G", "5G") | {
    "gsm": "2G", "umts": "3G", "wcdma": "3G", "hspa": "3G", "lte": "4G", "4g lte": "4G", "nr": "5G", "5g nr": "5G",
    "nr sa": "5G", "nr nsa": "5G"})  # fmt: skip
CLAIMS = Layer(
    "claims", CoverageClaim, "polygon",
    (
        Column("code", "code", (*_CODE, "mã vùng", "ma vung phu", "fid"), required=True),
        _NETWORK,
        _TECHNOLOGY,
        Column("rsrp_min_dbm", "number", ("mức thu", "nguong", "muc thu toi thieu", "rsrp", "threshold"),
               low=LEVELS_DBM[0], high=LEVELS_DBM[1]),
        Column("downlink_mbps", "number", ("tốc độ", "toc do tai xuong", "download", "speed"), low=0, high=MAX_MBPS),
        *LIFE,
    ),
    key=("operator_id", "code"), located=False,
)  # fmt: skip
MEASUREMENTS = Layer(
    "measurements", SignalMeasurement, "point",
    (
        _NETWORK,
        _TECHNOLOGY,
        Column("kind", "choice", ("loại", "loai do", "hinh thuc", "phuong phap", "type", "test type"), required=True,
               words=_same("drive_test", "speed_test") | {
            "do kiem": "drive_test", "do kiem tren duong": "drive_test", "do song": "drive_test",
            "walk test": "drive_test", "scanner": "drive_test", "do toc do": "speed_test", "i-speed": "speed_test",
            "ispeed": "speed_test", "speedtest": "speed_test", "kiem tra toc do": "speed_test"}),
        Column("measured_at", "moment", ("thời điểm", "thoi gian", "thoi diem do", "thoi gian do", "ngay do",
                                         "ngay gio", "timestamp", "datetime", "date time", "time", "date"),
               required=True),
        Column("frequency_mhz", "number", ("tần số", "bang tan", "frequency", "freq"), low=30, high=100_000),
        Column("rsrp_dbm", "number", ("mức thu", "cuong do tin hieu", "muc tin hieu", "rsrp", "ss rsrp", "rscp",
                                      "rxlev", "signal", "level"), low=LEVELS_DBM[0], high=LEVELS_DBM[1]),
        Column("downlink_mbps", "number", ("tải xuống", "toc do tai xuong", "toc do download", "download", "dl"),
               low=0, high=MAX_MBPS),
        Column("uplink_mbps", "number", ("tải lên", "toc do tai len", "toc do upload", "upload", "ul"),
               low=0, high=MAX_MBPS),
        Column("indoor", "boolean", ("trong nhà", "moi truong", "vi tri do", "environment"), words={
            "trong nha": True, "indoor": True, "ngoai troi": False, "outdoor": False}),
        Column("cell_code", "text", ("mã cell", "cell", "cell id", "ci", "eci", "nci", "cgi")),
        Column("synthetic", "boolean", ("tong hop", "gia lap")),
    ),
    key=(), located=False,
)  # fmt: skip
CONSTRAINT_AREAS = Layer(
    "constraints", ConstraintArea, "shape",
    (
        Column("code", "code", (*_CODE, "mã ràng buộc", "ma khu vuc", "ma tuyen"), required=True),
        Column("name", "text", (*_NAME, "ten khu vuc", "ten di tich", "ten duong", "ten tuyen"), required=True),
        Column("kind", "choice", ("loại", "loai rang buoc"), required=True, words=_same(*CONSTRAINTS) | {
            "khu quy hoach": "planned_zone", "vung quy hoach": "planned_zone", "di tich": "heritage",
            "di san": "heritage", "san bay": "airport", "cang hang khong": "airport",
            "tuyen ngam hoa": "underground_street", "ngam hoa": "underground_street", "khac": "other"}),
        Column("citation", "text", ("căn cứ", "trich dan", "van ban", "quyet dinh"), required=True),
        Column("rule", "list", ("quy tắc",)),
        Column("allowed_codes", "list", ("loại cho phép", "loai cot cho phep")),
        Column("max_height_m", "number", ("chiều cao tối đa", "cao toi da"), low=0.01, high=1000),
        Column("buffer_m", "number", ("vùng đệm", "ban kinh bao ve"), low=0, high=50_000),
        Column("elevation_m", "number", ("cao độ sân bay", "cao do"), low=-100, high=5000),
        Column("within_m", "number", ("hành lang", "pham vi"), low=0.01, high=500),
        Column("underground_from", "date", ("ngày ngầm hoá", "ngam hoa tu")),
        Column("restricted", "boolean", ("hạn chế", "mat")),
        *LIFE,
    ),
    key=("kind", "code"), located=False,
)  # fmt: skip

LAYERS = {
    layer.name: layer
    for layer in (ORGANISATIONS, AREAS, SUCCESSIONS, VILLAGES, DEMAND_POINTS, SITES, POLES, DUCTS, CABLES,
                  DISTRIBUTION_POINTS, FACILITIES, CLAIMS, MEASUREMENTS,
                  CONSTRAINT_AREAS)
}  # fmt: skip
