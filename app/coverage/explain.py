"""Says why a village got its verdict, in Vietnamese and English, beside the same facts for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.coverage.engine import NO_TERRAIN, REASONS
from app.coverage.rules import CoverageRule
from app.coverage.weighing import Told
from app.kit.text import decimal_vi

NO_POPULATION, NO_DWELLINGS, NO_POINTS = "no_population", "no_dwellings", "no_demand_points"
NO_POLYGON = "no_polygon"
NO_NETWORK, NO_STATIONS = "no_network", "stations_not_registered"
OBSTRUCTED_DB = 6.0
"""More than an edge that just touches the line of sight takes."""
SERVER_UNDISCLOSED = (
    "Trạm phục vụ không được công bố ở mức truy cập này",
    "Which station serves is not disclosed at this level of access",
)
POINT_UNDISCLOSED = (
    "Tủ/hộp cáp gần nhất không được công bố ở mức truy cập này",
    "Which distribution point is nearest is not disclosed at this level of access",
)

_UNKNOWN = {
    NO_TERRAIN: ("chưa nạp địa hình", "no terrain has been loaded"),
    REASONS[1]: ("điểm dân cư nằm ngoài địa hình đã nạp", "the populated point lies outside the terrain loaded"),
    REASONS[2]: ("trạm nằm ngoài địa hình đã nạp", "the site lies outside the terrain loaded"),
    REASONS[3]: ("đường truyền đi qua vùng không có độ cao", "the path crosses terrain of unknown height"),
    NO_NETWORK: ("chưa nạp trạm phát sóng nào", "no base station has been loaded"),
    NO_STATIONS: (
        "có công bố hoặc số đo của mạng chưa nộp trạm nào",
        "a network none of whose stations is registered claims to serve or was measured here",
    ),
    NO_POPULATION: ("chưa có dân số của các điểm dân cư", "the population of its points is not recorded"),
    NO_DWELLINGS: ("chưa có số nhà ở của các điểm dân cư", "the dwellings of its points are not recorded"),
    NO_POINTS: ("thôn chưa có điểm dân cư", "the village has no populated points"),
    NO_POLYGON: ("thôn chưa có ranh giới", "the village has no polygon"),
}
BARE_GROUND, ONE_POINT = "bare_ground", "whole_village"
_ASSUMED = {
    BARE_GROUND: (
        "Chưa có lớp phủ mặt đất ở đây: tính như mặt đất trống, mức thu có thể thấp hơn",
        "No land cover is known here: the ground is taken as bare, the level may be lower",
    ),
    ONE_POINT: (
        "Chưa có điểm dân cư: coi cả thôn sống ở điểm của thôn",
        "No dwellings or population raster: all its people are taken to live at the village's point",
    ),
}
"""What stands in for an input that nobody gave."""
UNIT = {
    "population": ("dân số", "of the population"),
    "dwellings": ("nhà ở", "of the dwellings"),
    "point": ("điểm sinh hoạt cộng đồng", "of the community-house point"),
    "area": ("diện tích", "of the area"),
}
_FIELDS_VI = {
    "antenna_height_m": "chiều cao ăng-ten",
    "azimuth_deg": "hướng",
    "tilt_deg": "góc ngẩng",
    "beamwidth_deg": "độ rộng búp ngang",
    "vertical_beamwidth_deg": "độ rộng búp đứng",
    "frequency_mhz": "tần số",
    "eirp_dbm": "EIRP",
}


@dataclass(frozen=True)
class Server:
    """The cell that serves the village's median point, and how."""

    cell: str
    operator: str
    technology: str
    rsrp_dbm: float
    threshold_dbm: float
    distance_m: float
    diffraction_db: float
    defaulted: list[str]


def interval(low: float | None, high: float | None, language: str) -> str:
    """Return the words for the deciles of a share, to stand after it; nothing without them."""
    if low is None or high is None:
        return ""
    name = {"vi": "khoảng 10–90 %", "en": "10–90 % interval"}[language]
    return f" ({name}: {low:.0%}–{high:.0%})"


def why(
    model: Told,
    rule: CoverageRule,
    unknown: dict[str, int],
    server: Server | None,
    rate_mbps: float | None = None,
    assumed: Sequence[str] = (),
    *,
    synthetic: bool,
) -> dict[str, Any]:
    """Return the sentences and the facts of the model's verdict that everybody may know: levels, never who serves.

    Parameters
    ----------
    unknown : dict of reason → number of points
        What kept points from being decided; village-wide reasons count 0 points.
    rate_mbps : float, optional
        Estimated at the median point, where the rule asks for throughput.
    assumed : sequence of str
        BARE_GROUND, ONE_POINT: inputs nobody gave, and what stands in for them.
    """
    vi, en = [], []
    unit_vi, unit_en = UNIT[rule.unit]
    if model.share is not None:
        vi_range, en_range = (interval(model.low, model.high, language) for language in ("vi", "en"))
        known_vi = f"{model.share:.0%} {unit_vi} được phủ sóng{vi_range}, quy tắc yêu cầu từ {rule.min_share:.0%}"
        known_en = f"{model.share:.0%} {unit_en} is covered{en_range}, the rule asks for {rule.min_share:.0%}"
        vi.append(known_vi + (f"; {model.unknown:.0%} chưa rõ" if model.unknown > 0 else ""))
        en.append(known_en + (f"; {model.unknown:.0%} is unknown" if model.unknown > 0 else ""))
    for code, points in unknown.items():
        reason_vi, reason_en = _UNKNOWN[code]
        vi.append(f"Chưa rõ: {reason_vi}" + (f" ({points} điểm)" if points else ""))
        en.append(f"Unknown: {reason_en}" + (f" ({points} points)" if points else ""))
    if server is not None:
        level, threshold = f"{server.rsrp_dbm:.0f} dBm", f"{server.threshold_dbm:.0f} dBm"
        vi.append(f"Điểm trung vị thu {level}; ngưỡng {threshold}")
        en.append(f"The median point receives {level}; the threshold is {threshold}")
    if server is not None and rate_mbps is not None:
        vi.append(f"Tốc độ tải xuống ước lượng ở đó {rate_mbps:.0f} Mb/s, quy tắc yêu cầu {rule.downlink_mbps:g}; "
                  "ước lượng từ mức thu và băng thông, chưa xét tải")  # fmt: skip
        en.append(f"The downlink there is estimated at {rate_mbps:.0f} Mb/s, the rule asks for {rule.downlink_mbps:g}; "
                  "an estimate from level and bandwidth, load not considered")  # fmt: skip
    if server is not None and rule.uplink_mbps:
        vi.append(
            f"Ngưỡng gồm tải lên {rule.uplink_mbps:g} Mb/s: ước lượng theo công suất điện thoại trên cùng đường truyền"
        )
        en.append(
            f"The threshold holds {rule.uplink_mbps:g} Mb/s of uplink: an estimate from the phone's power on the path"
        )
    if server is None and not unknown:
        vi.append("Không trạm nào trong tầm có thể phủ quá nửa thôn")
        en.append("No station in reach can serve half of the village")
    vi += [_ASSUMED[code][0] for code in assumed]
    en += [_ASSUMED[code][1] for code in assumed]
    if synthetic:
        vi.append("SYNTHETIC: dựa trên dữ liệu giả lập")
        en.append("SYNTHETIC: rests on made-up data")
    facts: dict[str, Any] = {"vi": vi, "en": en, "reasons": list(unknown) or [model.verdict], "synthetic": synthetic}
    more = {
        "assumed": list(assumed) or None,
        "points_unknown": unknown or None,
        "threshold_dbm": round(server.threshold_dbm, 1) if server is not None else None,
        "downlink_mbps_estimate": round(rate_mbps, 1) if rate_mbps is not None else None,
    }
    return facts | {name: value for name, value in more.items() if value is not None}


def served_by(server: Server, short_path_m: float) -> dict[str, Any]:
    """Return the sentences and facts about who serves, from which a site could be found.

    Parameters
    ----------
    short_path_m : float
        Under this distance free space is used, with ever more of the terrain from 50 m on.
    """
    vi, en = [], []
    km = server.distance_m / 1000
    name = f"{server.cell} ({server.operator} {server.technology})"
    vi.append(f"Trạm phục vụ: {name}, cách {decimal_vi(km, 1)} km")
    en.append(f"Served by {name}, {km:.1f} km away")
    obstructed = server.diffraction_db > OBSTRUCTED_DB
    if obstructed:
        vi.append(f"Địa hình che chắn làm mất {server.diffraction_db:.0f} dB")
        en.append(f"Terrain in the way takes {server.diffraction_db:.0f} dB")
    if server.distance_m < short_path_m:
        vi.append(f"Dưới {short_path_m:.0f} m, ngoài phạm vi ITU-R P.1812: không gian tự do, địa hình xét dần từ 50 m")
        en.append(f"Under {short_path_m:.0f} m, outside ITU-R P.1812: free space, terrain comes in from 50 m on")
    if server.defaulted:
        vi.append("Lấy giá trị mặc định cho: " + ", ".join(_FIELDS_VI[name] for name in server.defaulted))
        en.append("Defaults stand in for: " + ", ".join(server.defaulted))
    return {
        "vi": vi,
        "en": en,
        "distance_m": round(server.distance_m),
        "diffraction_db": round(server.diffraction_db, 1),
        "obstructed": obstructed,
        "defaulted": server.defaulted,
    }


def joined(public: dict[str, Any], served: dict[str, Any]) -> dict[str, Any]:
    """Return the sentences and facts of both, for a caller who may read the server."""
    return public | served | {language: [*public[language], *served[language]] for language in ("vi", "en")}


def undisclosed(public: dict[str, Any], sentence: tuple[str, str]) -> dict[str, Any]:
    """Return the public facts with the sentence that says what is left out."""
    vi, en = sentence
    return public | {"vi": [*public["vi"], vi], "en": [*public["en"], en]}
