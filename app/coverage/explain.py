"""Says why a village got its verdict, in Vietnamese and English, beside the same facts for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.coverage.engine import NO_TERRAIN, REASONS
from app.kit.text import decimal_vi

NO_POPULATION, NO_DWELLINGS, NO_POINTS = "no_population", "no_dwellings", "no_demand_points"
NO_NETWORK = "no_network"
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
    NO_POPULATION: ("chưa có dân số của các điểm dân cư", "the population of its points is not recorded"),
    NO_DWELLINGS: ("chưa có số nhà ở của các điểm dân cư", "the dwellings of its points are not recorded"),
    NO_POINTS: ("thôn chưa có điểm dân cư", "the village has no populated points"),
}
_UNIT = {
    "population": ("dân số", "of the population"),
    "dwellings": ("nhà ở", "of the dwellings"),
    "point": ("điểm sinh hoạt cộng đồng", "of the community-house point"),
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


def why(
    verdict: str,
    share: float | None,
    share_unknown: float,
    min_share: float,
    unit: str,
    unknown: dict[str, int],
    server: Server | None,
    *,
    synthetic: bool,
) -> dict[str, Any]:
    """Return the sentences and the facts of a verdict that everybody may know: levels, never who serves.

    Parameters
    ----------
    unknown : dict of reason → number of points
        What kept points from being decided; village-wide reasons count 0 points.
    """
    vi, en = [], []
    unit_vi, unit_en = _UNIT[unit]
    if share is not None:
        known_vi = f"{share:.0%} {unit_vi} được phủ sóng, quy tắc yêu cầu từ {min_share:.0%}"
        known_en = f"{share:.0%} {unit_en} is covered, the rule asks for {min_share:.0%}"
        vi.append(known_vi + (f"; {share_unknown:.0%} chưa rõ" if share_unknown > 0 else ""))
        en.append(known_en + (f"; {share_unknown:.0%} is unknown" if share_unknown > 0 else ""))
    for code, points in unknown.items():
        reason_vi, reason_en = _UNKNOWN[code]
        vi.append(f"Chưa rõ: {reason_vi}" + (f" ({points} điểm)" if points else ""))
        en.append(f"Unknown: {reason_en}" + (f" ({points} points)" if points else ""))
    if server is not None:
        level, threshold = f"{server.rsrp_dbm:.0f} dBm", f"{server.threshold_dbm:.0f} dBm"
        vi.append(f"Điểm trung vị thu {level}; ngưỡng {threshold}")
        en.append(f"The median point receives {level}; the threshold is {threshold}")
    elif not unknown:
        vi.append("Không trạm nào trong tầm có thể phủ quá nửa thôn")
        en.append("No station in reach can serve half of the village")
    if synthetic:
        vi.append("SYNTHETIC: dựa trên dữ liệu giả lập")
        en.append("SYNTHETIC: rests on made-up data")
    facts: dict[str, Any] = {"vi": vi, "en": en, "reasons": list(unknown) or [verdict], "synthetic": synthetic}
    if unknown:
        facts["points_unknown"] = unknown
    if server is not None:
        facts["threshold_dbm"] = round(server.threshold_dbm, 1)
    return facts


def served_by(server: Server, short_path_m: float) -> dict[str, Any]:
    """Return the sentences and facts about who serves, from which a site could be found.

    Parameters
    ----------
    short_path_m : float
        Under this distance free space is used.
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
        vi.append(f"Dưới {short_path_m:.0f} m: tính theo không gian tự do, không xét địa hình")
        en.append(f"Under {short_path_m:.0f} m: free space, terrain not considered")
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
