"""The map extract as SVG: boundaries, villages, poles, the proposal, its circle, candidates by number. Pure.

Drawn in metres around the proposal (equirectangular: true to 0.1 % within 20 km). Text is escaped, so a name draws as
it is written whatever it holds; the font is one that Typst brings along, which sets Vietnamese.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from app.kit.text import fold

SIZE = 620.0
"""Side of the drawing, in its own units."""
_LEGEND = 46.0
_FONT = "Libertinus Serif"
_METRES_PER_DEGREE = 111_320.0
# XML has no word for these, whatever one writes.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STATE = {"free": "#2e7d32", "full": "#c62828", "unknown": "#ef6c00"}
_LABELS_APART = 15.0
_MAX_NAMES = 40


def half_width_m(radius_m: float) -> float:
    """Return half the side of the ground shown for a search radius, in metres: the circle with a margin."""
    return max(150.0, 1.2 * radius_m)


def unit_name(unit: Mapping[str, Any]) -> str:
    """Return kind and name of a unit; a name that begins with its kind has it already."""
    kind, name = unit["kind"] or "", unit["name"]
    return name if fold(name).startswith(f"{fold(kind)} ") else f"{kind} {name}".strip()


def draw(ground: Mapping[str, Any], proposal: Mapping[str, Any], candidates: Sequence[Mapping[str, Any]]) -> str:
    """Return the extract.

    Parameters
    ----------
    ground : mapping
        As `app.licensing.dossier.queries.surroundings` returns it; degrees in EPSG:4326.
    proposal : mapping
        lon, lat, radius_m, operator.
    candidates : sequence of mappings
        lon, lat, spare_state; numbered from 1 in this order, as in the table of alternatives.
    """
    pen = _Pen(ground["centre"], ground["half_m"])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE:g} {SIZE + _LEGEND:g}" width="{SIZE:g}" '
        f'height="{SIZE + _LEGEND:g}" font-family={quoteattr(_FONT)}>',
        f'<defs><clipPath id="frame"><rect width="{SIZE:g}" height="{SIZE:g}"/></clipPath></defs>',
        f'<rect width="{SIZE:g}" height="{SIZE + _LEGEND:g}" fill="#ffffff"/>',
        f'<g clip-path="url(#frame)"><rect width="{SIZE:g}" height="{SIZE:g}" fill="#f7f5ef"/>',
    ]
    for commune in ground["communes"]:
        parts.append(f'<path d="{_path(pen, commune["geometry"])}" fill="none" stroke="#8d6e63" stroke-width="1.4" '
                     'stroke-dasharray="7 3 1.5 3"/>')  # fmt: skip
    parts += [_dot(*pen.at(lon, lat), 1.3, "#78909c") for lon, lat in ground["poles"]]
    x, y = pen.at(proposal["lon"], proposal["lat"])
    parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{proposal["radius_m"] * pen.scale:.1f}" fill="#1565c0" '
                 'fill-opacity="0.06" stroke="#1565c0" stroke-width="1.2" stroke-dasharray="5 4"/>')  # fmt: skip
    parts += _names(pen, ground)
    parts += _numbers(pen, candidates, (x, y))
    parts.append(
        f'<path d="M{x:.1f} {y - 11:.1f} l9.5 16.5 h-19 z" fill="#1565c0" stroke="#ffffff" stroke-width="1.5"/>'
    )
    parts += [_scale_bar(pen), _north(), "</g>"]
    parts.append(f'<rect x="0.5" y="0.5" width="{SIZE - 1:g}" height="{SIZE - 1:g}" fill="none" stroke="#37474f"/>')
    parts += [_legend(), "</svg>"]
    return "".join(parts)


class _Pen:
    """From degrees to the drawing's units."""

    def __init__(self, centre: Sequence[float], half_m: float) -> None:
        self.lon, self.lat = centre
        self.scale = SIZE / (2 * half_m)
        self.east = _METRES_PER_DEGREE * math.cos(math.radians(self.lat))

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        east, north = (lon - self.lon) * self.east, (lat - self.lat) * _METRES_PER_DEGREE
        return SIZE / 2 + east * self.scale, SIZE / 2 - north * self.scale


def _path(pen: _Pen, geometry: Mapping[str, Any]) -> str:
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    rings = (ring for polygon in polygons for ring in polygon)
    return "".join("M" + "L".join("{:.1f} {:.1f}".format(*pen.at(*p[:2])) for p in ring) + "Z" for ring in rings)


def _dot(x: float, y: float, radius: float, fill: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{fill}"/>'


def _text(x: float, y: float, told: str, size: float, more: str = "") -> str:
    plain = escape(_FORBIDDEN.sub("\ufffd", told))
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" {more}>{plain}</text>'


def _haloed(x: float, y: float, told: str, size: float, fill: str, more: str = "") -> str:
    halo = 'fill="#ffffff" stroke="#ffffff" stroke-width="3" stroke-linejoin="round" '
    return _text(x, y, told, size, halo + more) + _text(x, y, told, size, f'fill="{fill}" {more}')


def _names(pen: _Pen, ground: Mapping[str, Any]) -> Iterable[str]:
    """Names that do not lie on one another, communes first; a village without room keeps its dot."""
    taken: list[tuple[float, float]] = []
    for commune in ground["communes"]:
        if commune["lon"] is None:  # only the margin beyond the frame lies in it
            continue
        x, y = pen.at(commune["lon"], commune["lat"])
        if abs(x - SIZE / 2) < 70 and abs(y - SIZE / 2) < 24:  # the proposal stands in the middle
            y = SIZE / 2 + 40
        taken.append((x, y))
        name = unit_name(commune).upper()
        x = min(max(x, 4 + 4.2 * len(name)), SIZE - 4 - 4.2 * len(name))
        yield _haloed(x, y, name, 12, "#5d4037", 'text-anchor="middle" letter-spacing="1"')
    shown = 0
    for village in ground["villages"]:
        x, y = pen.at(village["lon"], village["lat"])
        yield _dot(x, y, 3, "#455a64")
        clear = all(abs(x - a) > 70 or abs(y - b) > _LABELS_APART for a, b in taken)
        if clear and shown < _MAX_NAMES:
            shown += 1
            taken.append((x, y))
            left = x > SIZE - 6.2 * len(village["name"]) - 12
            yield _haloed(x - 6 if left else x + 6, y + 4, village["name"], 11, "#37474f",
                          'text-anchor="end"' if left else "")  # fmt: skip


def _numbers(pen: _Pen, candidates: Sequence[Mapping[str, Any]], proposal: tuple[float, float]) -> Iterable[str]:
    """Numbered marks; where two would lie on one another the later one moves aside and points back."""
    taken = [proposal]
    for number, candidate in enumerate(candidates, 1):
        x, y = pen.at(candidate["lon"], candidate["lat"])
        u, v = _aside(x, y, taken)
        taken.append((u, v))
        if (u, v) != (x, y):
            yield f'<path d="M{x:.1f} {y:.1f}L{u:.1f} {v:.1f}" stroke="#263238" stroke-width="0.8"/>' + _dot(
                x, y, 2, "#263238"
            )
        fill = _STATE[candidate["spare_state"]]
        yield f'<circle cx="{u:.1f}" cy="{v:.1f}" r="9" fill="{fill}" stroke="#ffffff" stroke-width="1.5"/>'
        yield _text(u, v + 4, str(number), 11.5, 'fill="#ffffff" text-anchor="middle" font-weight="bold"')


def _aside(x: float, y: float, taken: Sequence[tuple[float, float]]) -> tuple[float, float]:
    for ring in range(12):
        for step in range(8 if ring else 1):
            angle = math.pi * (step / 4 + 1 / 8)
            u, v = x + 21 * ring * math.cos(angle), y + 21 * ring * math.sin(angle)
            inside = 10 <= u <= SIZE - 10 and 10 <= v <= SIZE - 10
            if (inside or not ring) and all(math.hypot(u - a, v - b) >= 20 for a, b in taken):
                return u, v
    return x, y


def _scale_bar(pen: _Pen) -> str:
    wanted = SIZE / 4 / pen.scale
    power = 10 ** math.floor(math.log10(wanted))
    length_m = next(m * power for m in (5, 2, 1) if m * power <= wanted)
    told = f"{length_m / 1000:g} km".replace(".", ",") if length_m >= 1000 else f"{length_m:g} m"
    x, y, width = 16.0, SIZE - 18, length_m * pen.scale
    bar = f'<path d="M{x} {y - 5}v5h{width:.1f}v-5" fill="none" stroke="#ffffff" stroke-width="5"/>'
    bar += f'<path d="M{x} {y - 5}v5h{width:.1f}v-5" fill="none" stroke="#212121" stroke-width="1.6"/>'
    return bar + _haloed(x + width / 2, y - 8, told, 12, "#212121", 'text-anchor="middle"')


def _north() -> str:
    x, y = SIZE - 26, 18.0
    arrow = f'<path d="M{x} {y}l8 24l-8 -6l-8 6z" fill="#212121" stroke="#ffffff" stroke-width="1.5"/>'
    return arrow + _haloed(x, y + 40, "B", 14, "#212121", 'text-anchor="middle" font-weight="bold"')


def _legend() -> str:
    """Two lines of marks with their meaning."""
    entries = (
        ("▲", "#1565c0", "Vị trí đề xuất"), ("○", "#1565c0", "Bán kính xét"), ("●", _STATE["free"], "Còn chỗ"),
        ("●", _STATE["unknown"], "Chưa rõ sức chứa"), ("●", _STATE["full"], "Đã đầy"),
        ("•", "#455a64", "Thôn, tổ dân phố"), ("·", "#78909c", "Cột treo cáp"),
        ("– ·", "#8d6e63", "Ranh giới xã, phường"),
    )  # fmt: skip
    parts = []
    for i, (mark, fill, told) in enumerate(entries):
        x, y = 6 + (i % 4) * SIZE / 4, SIZE + 18 + (i // 4) * 20
        parts.append(_sample(mark, fill, x, y) + _text(x + 22, y, told, 12, 'fill="#212121"'))
    return "".join(parts)


def _sample(mark: str, fill: str, x: float, y: float) -> str:
    """Return the mark itself, drawn: fonts differ in which signs they have."""
    u, v = x + 9, y - 4
    shapes = {
        "▲": f'<path d="M{u:.1f} {v - 7:.1f}l6.5 11.5h-13z" fill="{fill}"/>',
        "○": f'<circle cx="{u:.1f}" cy="{v:.1f}" r="6" fill="none" stroke="{fill}" stroke-dasharray="3 2"/>',
        "●": _dot(u, v, 6, fill),
        "•": _dot(u, v, 3, fill),
        "·": _dot(u, v, 1.5, fill),
        "– ·": f'<path d="M{u - 9:.1f} {v:.1f}h18" stroke="{fill}" stroke-width="1.4" stroke-dasharray="7 3 1.5 3"/>',
    }
    return shapes[mark]
