"""How each published layer looks in QGIS: one table, from which QML, SLD and the project are written.

A state of sharing is told as the web map tells it (sql/tile_sites.sql, tile_poles.sql, tile_ducts.sql), from the
published properties: `tenants` and `occupants` list who uses an object, "?" being a cable nobody claimed. What they do
not say is put in by `styles.told`: {complete}, whether the caller is told of every user of an object, and {radio},
whether an organisation runs a radio network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.publish.qgis.palette import (
    ACCENT,
    INK,
    LINE,
    MANHOLE,
    MORE,
    NAME,
    PORT,
    STATE,
    STATE_EDGE,
    STEPS,
    VERDICT,
    VERDICT_EDGE,
    WHITE,
)
from app.publish.qgis.symbols import Symbol, area, cell, line, marker, stroke


@dataclass(frozen=True)
class Category:
    """One line of the legend."""

    value: str
    label: str
    symbol: Symbol


@dataclass(frozen=True)
class Label:
    """Text beside the objects, from 1:`from_scale` on."""

    expression: str
    from_scale: int
    size_pt: float = 8
    colour: str = NAME
    bold: bool = False
    over: bool = False
    """In the mark rather than beside it."""


@dataclass(frozen=True)
class Look:
    """A style of a layer.

    `by` is what decides the category: a QGIS expression, or one of `STATES`; None draws all alike (one category).
    """

    layer: str
    title: str
    group: str
    categories: tuple[Category, ...]
    by: str | None = None
    label: Label | None = None
    tip: tuple[str, ...] = ("code", "owner")
    """Properties the map tip shows, the first one as its head."""
    from_scale: int | None = None
    """The layer is drawn from 1:`from_scale` on; None at every scale."""
    places: str | None = None
    """Where a layer's objects have areas or mere points: GDAL's name of the type this look draws, Polygon or Point."""
    shown: bool = True
    """Whether the project opens with it switched on."""


EXPORTED_AS: Final = {"coverage": "village_coverage"}
"""What the exports call a collection of the OGC API (app.publish.exports.more_layers); the others bear one name."""

AREAS: Final = "Hành chính"
COVERAGE: Final = "Phủ sóng"
SITES: Final = "Trạm"
LINES: Final = "Cột – cống bể – cáp"
PLACES: Final = "Cơ sở"
GROUPS: Final = (SITES, LINES, PLACES, AREAS, COVERAGE)
"""From the top of the map to the ground."""

STATE_WORDS: Final = {"shared": "Dùng chung", "single": "Một đơn vị", "unknown": "Chưa rõ", "empty": "Đang trống"}
VERDICT_WORDS: Final = {"covered": "Có sóng", "not_covered": "Không có sóng", "unknown": "Chưa rõ"}


def _codes(listed: str) -> str:
    """Return the expression of the organisations that a list as EVN:power;VIETTEL;? names."""
    plain = f"regexp_replace(coalesce({listed}, ''), ':[^;]*', '')"
    return f"array_filter(string_to_array({plain}, ';'), @element NOT IN ('', '?'))"


def _state(users: str, unclaimed: str = "false") -> str:
    """Return the expression of the state of sharing of an object with so many `users`."""
    return (
        f"CASE WHEN {users} >= 3 THEN 'many' WHEN {users} = 2 THEN 'shared'"
        f" WHEN {unclaimed} OR NOT ({{complete}}) THEN 'unknown' WHEN {users} = 1 THEN 'single'"
        " WHEN \"surveyed_on\" IS NULL THEN 'unknown' ELSE 'empty' END"
    )


_TENANTS: Final = "array_filter(" + _codes('"tenants"') + ", {radio})"
_ON_SITE: Final = "array_length(array_distinct(array_cat(" + _codes('"stations"') + f", {_TENANTS})))"
_ON_LINE: Final = "array_length(array_distinct(" + _codes('"occupants"') + "))"
_UNCLAIMED: Final = "coalesce(\"occupants\", '') LIKE '%?%'"
_NEWEST: Final = "CASE {} ELSE 'none' END".format(
    " ".join(f"WHEN \"stations\" LIKE '%{t}%' THEN '{t}'" for t in ("5G", "4G", "3G", "2G"))
)
_VERDICT: Final = "coalesce(\"verdict\", 'unknown')"
_NAME: Final = '"name"'
_HALO: Final = stroke(WHITE, 1.4, 0.9, opacity=0.6)


def _states(draw: Mapping[str, Symbol], organisations: str) -> tuple[Category, ...]:
    words = {"many": f"Dùng chung, từ 3 {organisations}", "shared": f"Dùng chung, 2 {organisations}"}
    return tuple(Category(s, words.get(s, STATE_WORDS.get(s, "")), symbol) for s, symbol in draw.items())


def _marks(shape: str, near_mm: float, far_mm: float) -> dict[str, Symbol]:
    """Return the mark of each state; what is shared is a little larger."""
    return {
        "many": marker(shape, MORE, WHITE, near_mm * 1.25, far_mm * 1.35),
        "shared": marker(shape, STATE["shared"], STATE_EDGE["shared"], near_mm * 1.15, far_mm * 1.35),
    } | {s: marker(shape, STATE[s], STATE_EDGE[s], near_mm, far_mm) for s in ("single", "unknown", "empty")}


def _kinds(draw: Mapping[str, tuple[str, Symbol]], other: Symbol) -> tuple[Category, ...]:
    return (*(Category(k, label, symbol) for k, (label, symbol) in draw.items()), Category("", "Loại khác", other))


LOOKS: Final[Mapping[str, Look]] = {
    "sites": Look(
        "sites", "Vị trí trạm theo mức dùng chung", SITES, _states(_marks("circle", 4.2, 1.9), "nhà mạng"),
        by=_state(_ON_SITE),
        label=Label(f"if({_ON_SITE} > 0 AND ({{complete}}), concat(\"code\", ' · ', {_ON_SITE}), \"code\")", 25_000),
        tip=("code", "name", "owner", "stations", "tenants", "surveyed_on"),
    ),
    "sites_technology": Look(
        "sites", "Vị trí trạm theo công nghệ mới nhất", SITES,
        tuple(
            Category(value, label, marker("diamond", colour, WHITE if at > 1 else INK, 4.2, 1.7))
            for at, (value, label, colour) in enumerate((
                ("none", "Chưa rõ công nghệ", WHITE), ("2G", "2G", STEPS[1]), ("3G", "3G", STEPS[2]),
                ("4G", "4G", STEPS[3]), ("5G", "5G", STEPS[4])))
        )[::-1],
        by=_NEWEST, label=Label('"stations"', 25_000),
        tip=("code", "name", "owner", "stations"), shown=False,
    ),
    "sites_blurred": Look(
        "sites_blurred", "Vị trí trạm làm mờ theo ô lưới", SITES,
        (Category("", "Số vị trí trạm trong ô", cell(STATE["shared"], '"grid_m"', 5, 2)),),
        label=Label('"count"', 150_000, 9, STATE["shared"], bold=True, over=True), tip=("count", "grid_m"),
    ),
    "structures": Look(
        "structures", "Cột ăng-ten, nhà trạm theo loại", SITES,
        _kinds({
            "mast": ("Cột ăng-ten", marker("triangle", ACCENT, INK, 4, 1.6)),
            "rooftop": ("Trên mái nhà", marker("pentagon", ACCENT, INK, 3.6, 1.5)),
            "pole": ("Cột", marker("diamond", ACCENT, INK, 3.4, 1.4)),
            "street_furniture": ("Tiện ích đường phố", marker("cross_fill", ACCENT, INK, 3.2, 1.4)),
            "indoor": ("Trong nhà", marker("circle", ACCENT, INK, 3, 1.3)),
            "house": ("Nhà trạm", marker("square", WHITE, INK, 3.4, 1.4)),
            "container": ("Container", marker("square", STATE["empty"], INK, 3, 1.3)),
        }, marker("circle", WHITE, INK, 3, 1.3)),
        by='"kind"', label=Label("concat(\"code\", '\\n' || \"height_m\" || ' m')", 10_000, 7),
        tip=("code", "owner", "kind", "type_code", "height_m", "tenants"), from_scale=50_000, shown=False,
    ),
    "distribution_points": Look(
        "distribution_points", "Tủ, hộp cáp", LINES,
        _kinds({
            "tủ": ("Tủ cáp", marker("square", PORT, WHITE, 3.2, 1.6)),
            "hộp": ("Hộp cáp", marker("triangle", PORT, WHITE, 3, 1.5)),
        }, marker("circle", PORT, WHITE, 2.8, 1.4)),
        by='"kind"', label=Label("concat(\"code\", '\\n' || \"ports_used\" || '/' || \"ports_total\")", 5_000, 7),
        tip=("code", "operator", "kind", "ports_total", "ports_used"), from_scale=50_000,
    ),
    "poles": Look(
        "poles", "Cột treo cáp theo số đơn vị", LINES, _states(_marks("circle", 2.6, 0.9), "đơn vị"),
        by=_state(_ON_LINE, _UNCLAIMED), label=Label('"code"', 2_500, 7),
        tip=("code", "owner", "occupants", "cable_capacity", "street", "surveyed_on"), from_scale=25_000,
    ),
    "manholes": Look(
        "manholes", "Bể cáp", LINES, (Category("", "Bể cáp", marker("square", WHITE, MANHOLE, 2.4, 1, edge_mm=0.5)),),
        label=Label('"code"', 2_500, 7), tip=("code", "owner", "kind"), from_scale=25_000,
    ),
    "cables": Look(
        "cables", "Cáp viễn thông theo cách đi cáp", LINES,
        _kinds({
            "aerial": ("Cáp treo", line(stroke(INK, 0.4, 0.25))),
            "duct": ("Cáp trong cống bể", line(stroke(INK, 0.4, 0.25, dash="dash"))),
            "buried": ("Cáp chôn trực tiếp", line(stroke(INK, 0.4, 0.25, dash="dot"))),
            "submarine": ("Cáp ngầm dưới nước", line(stroke(VERDICT["covered"], 0.5, 0.3, dash="dash dot"))),
            "mixed": ("Đi hỗn hợp", line(stroke(INK, 0.4, 0.25, dash="dash dot dot"))),
        }, line(stroke(LINE["unknown"], 0.4, 0.25))),
        by='"laying"', label=Label('"code"', 5_000, 7),
        tip=("code", "owner", "medium", "laying", "fibre_count", "length_m"), from_scale=50_000, shown=False,
    ),
    "ducts": Look(
        "ducts", "Tuyến cống bể theo mức dùng chung", LINES,
        _states(
            {s: line(stroke(WHITE, 2, 0.6, opacity=0.8), stroke(colour, 1.3, 0.5))
             for s, colour in ({"many": MORE} | LINE).items()}, "đơn vị"),
        by=_state(_ON_LINE, _UNCLAIMED), label=Label("concat(\"bore_count\", ' ống · ' || \"occupants\")", 5_000, 7),
        tip=("code", "owner", "bore_count", "occupants", "street", "length_m"), from_scale=500_000,
    ),
    "facilities": Look(
        "facilities", "Trụ sở, trường học, hạ tầng thiết yếu", PLACES,
        _kinds({
            "commune_office": ("Trụ sở UBND xã, phường", marker("star", "#b3261e", WHITE, 5, 2.6)),
            "agency": ("Cơ quan", marker("star", WHITE, "#b3261e", 4.4, 2.2)),
            "high_tech_park": ("Khu công nghệ cao", marker("hexagon", VERDICT["covered"], WHITE, 5, 2.8)),
            "it_park": ("Khu công nghệ thông tin", marker("hexagon", "#8fc1e3", INK, 5, 2.8)),
            "rd_centre": ("Trung tâm nghiên cứu, phát triển", marker("hexagon", WHITE, INK, 5, 2.8)),
            "industrial_zone": ("Khu công nghiệp", marker("pentagon", "#7a6a4f", WHITE, 5, 2.8)),
            "school": ("Trường học", marker("square", "#f6e27a", INK, 2.8, 1.1)),
            "clinic": ("Cơ sở y tế", marker("cross_fill", WHITE, "#b3261e", 3.2, 1.3)),
            "essential": ("Hạ tầng thiết yếu", marker("diamond", ACCENT, INK, 4, 2.2)),
        }, marker("circle", WHITE, INK, 2.6, 1.2)),
        by='"kind"', label=Label(_NAME, 15_000, 7), tip=("name", "kind", "connections"),
        from_scale=250_000, shown=False,
    ),
    "communes_points": Look(
        "communes", "Xã, phường chưa có ranh giới", AREAS,
        (Category("", "Trung tâm xã, phường", marker("circle", WHITE, INK, 3, 2)),),
        label=Label(_NAME, 600_000, 9, INK, bold=True), tip=("name", "code", "kind"), places="Point",
    ),
    "villages_points": Look(
        "villages", "Thôn, bản, tổ dân phố chỉ biết điểm", AREAS,
        (Category("", "Trung tâm thôn, bản, tổ dân phố", marker("circle", WHITE, VERDICT_EDGE["unknown"], 1.6, 0.8)),),
        label=Label(_NAME, 50_000), tip=("name", "code", "commune_name", "population", "households"),
        from_scale=250_000, places="Point",
    ),
    "communes": Look(
        "communes", "Xã, phường", AREAS,
        (Category("", "Ranh giới xã, phường", area(WHITE, 0, _HALO, stroke(INK, 0.5, 0.3))),),
        label=Label(_NAME, 600_000, 9, INK, bold=True), tip=("name", "code", "kind"), places="Polygon",
    ),
    "villages": Look(
        "villages", "Thôn, bản, tổ dân phố", AREAS,
        (Category("", "Ranh giới thôn, bản, tổ dân phố",
                  area(WHITE, 0, stroke(VERDICT_EDGE["unknown"], 0.3, 0.1, dash="dash"))),),
        label=Label(_NAME, 50_000), tip=("name", "code", "commune_name", "population", "households"),
        from_scale=250_000, places="Polygon",
    ),
    "coverage_points": Look(
        "coverage", "Thôn chỉ biết điểm theo kết luận phủ sóng", COVERAGE,
        tuple(
            Category(v, VERDICT_WORDS[v], marker("circle", WHITE if v == "unknown" else VERDICT[v],
                                                 VERDICT[v] if v == "unknown" else WHITE, 4, 1.8, edge_mm=0.4))
            for v in VERDICT
        ),
        by=_VERDICT, tip=("name", "verdict", "evidence", "share", "population"), places="Point",
    ),
    "coverage": Look(
        "coverage", "Thôn theo kết luận phủ sóng", COVERAGE,
        tuple(
            Category(v, VERDICT_WORDS[v], area(VERDICT[v], opacity, stroke(VERDICT_EDGE[v], 0.3, 0.1), hatch=hatch))
            for v, opacity, hatch in (
                ("covered", 0.42, None), ("not_covered", 0.72, None), ("unknown", 0.22, VERDICT["unknown"]))
        ),
        by=_VERDICT, tip=("name", "verdict", "evidence", "share", "population"), places="Polygon",
    ),
}  # fmt: skip
"""Style → look, from the top of the map to the ground; a layer's default style bears its name."""
