"""Symbols of QGIS: what a mark, a line or an area looks like, and its XML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from xml.etree.ElementTree import Element, SubElement

Kind = Literal["marker", "line", "fill"]
GEOMETRY_TYPE: Final[Mapping[Kind, int]] = {"marker": 0, "line": 1, "fill": 2}
"""Numbers of QgsWkbTypes.GeometryType."""
NEAR: Final = 5_000
FAR: Final = 500_000
"""Scale denominators between which marks and lines shrink."""
_SIZED: Final[Mapping[str, str]] = {"SimpleMarker": "size", "SimpleLine": "outlineWidth"}
"""QGIS' name of what makes up the size, by class."""


@dataclass(frozen=True)
class Part:
    """One symbol layer: QGIS' class, its options, and the expression of its size in mm when it follows the scale."""

    drawn_by: str
    options: Mapping[str, str]
    sized_by: str | None = None


@dataclass(frozen=True)
class Symbol:
    """What one category looks like; the parts are drawn in order."""

    kind: Kind
    parts: tuple[Part, ...]


def rgba(colour: str, opacity: float = 1) -> str:
    """Return "#rrggbb" as QGIS writes colours: "r,g,b,a", 0…255."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"{red},{green},{blue},{round(opacity * 255)}"


def marker(
    shape: str, colour: str, edge: str, near_mm: float, far_mm: float, *, edge_mm: float = 0.3, opacity: float = 1
) -> Symbol:
    """Return a mark of `shape` (a name of QGIS: circle, square, triangle, …), sizes in mm at `NEAR` and `FAR`."""
    options = {
        "name": shape, "color": rgba(colour, opacity), "outline_color": rgba(edge), "outline_style": "solid",
        "outline_width": f"{edge_mm}", "outline_width_unit": "MM", "size": f"{near_mm}", "size_unit": "MM",
        "scale_method": "diameter", "joinstyle": "miter",
    }  # fmt: skip
    return Symbol("marker", (Part("SimpleMarker", options, _shrinking(near_mm, far_mm)),))


def cell(colour: str, side_m: str, legend_mm: float, least_mm: float) -> Symbol:
    """Return a pale square as large as it is on the ground, `side_m` being the expression of its side in metres."""
    (mark,) = marker("square", colour, colour, legend_mm, legend_mm, opacity=0.22).parts
    return Symbol("marker", (Part(mark.drawn_by, mark.options, f"max({least_mm}, {side_m} * 1000 / @map_scale)"),))


def stroke(
    colour: str, near_mm: float, far_mm: float | None = None, *, opacity: float = 1, dash: str = "solid"
) -> Part:
    """Return a line; `dash` is a name of QGIS: solid, dash, dot."""
    options = {
        "line_color": rgba(colour, opacity), "line_width": f"{near_mm}", "line_width_unit": "MM", "line_style": dash,
        "capstyle": "round", "joinstyle": "round",
    }  # fmt: skip
    return Part("SimpleLine", options, None if far_mm is None else _shrinking(near_mm, far_mm))


def line(*strokes: Part) -> Symbol:
    """Return a line symbol: the case first, then what lies upon it."""
    return Symbol("line", strokes)


def area(colour: str, opacity: float, *edges: Part, hatch: str | None = None) -> Symbol:
    """Return an area filled with `colour`, hatched with colour `hatch` when given, its edges upon it."""
    plain = {"color": rgba(colour, opacity), "style": "solid" if opacity else "no", "outline_style": "no"}
    lines = {"color": rgba(hatch, 0.75), "style": "b_diagonal", "outline_style": "no"} if hatch else None
    fills = [Part("SimpleFill", o) for o in (plain, lines) if o]
    return Symbol("fill", (*fills, *edges))


def symbol_xml(parent: Element, symbol: Symbol, name: str) -> None:
    """Append `symbol` to `parent` under the name its category refers to."""
    root = SubElement(parent, "symbol", type=symbol.kind, name=name, alpha="1", clip_to_extent="1", force_rhr="0")
    for part in symbol.parts:
        drawn = SubElement(root, "layer", {"class": part.drawn_by, "pass": "0", "locked": "0", "enabled": "1"})
        options = SubElement(drawn, "Option", type="Map")
        for key, value in part.options.items():
            SubElement(options, "Option", name=key, value=value, type="QString")
        if part.sized_by is not None:
            _size(drawn, _SIZED[part.drawn_by], part.sized_by)


def _shrinking(near_mm: float, far_mm: float) -> str:
    return f"scale_linear(log10(@map_scale), log10({NEAR}), log10({FAR}), {near_mm}, {far_mm})"


def _size(drawn: Element, key: str, sized_by: str) -> None:
    """Make the size follow the scale; in legends, which have none, it stays that of the options."""
    properties = SubElement(SubElement(drawn, "data_defined_properties"), "Option", type="Map")
    SubElement(properties, "Option", name="name", value="", type="QString")
    defined = SubElement(
        SubElement(properties, "Option", name="properties", type="Map"), "Option", name=key, type="Map"
    )
    SubElement(defined, "Option", name="active", value="true", type="bool")
    expression = f"if(@map_scale > 0, {sized_by}, NULL)"
    SubElement(defined, "Option", name="expression", value=expression, type="QString")
    SubElement(defined, "Option", name="type", value="3", type="int")
    SubElement(properties, "Option", name="type", value="collection", type="QString")
