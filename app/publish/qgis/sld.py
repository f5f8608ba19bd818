"""SLD 1.0 of the styles whose categories are values of one property: for servers and programs other than QGIS."""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from app.publish.qgis.looks import LOOKS, Category, Label
from app.publish.qgis.palette import WHITE
from app.publish.qgis.symbols import Part, Symbol

PIXELS_PER_MM: Final = 1 / 0.28
"""A pixel of SLD is 0.28 mm (OGC 02-070, 10.2)."""
_PROPERTY: Final = re.compile(r'"(\w+)"|coalesce\("(\w+)", \'unknown\'\)')
_SHAPES: Final = {"square", "circle", "triangle", "star"}
"""Well-known names of SLD that QGIS has too; a cross is x there, everything else is drawn as a square."""
_DASHES: Final = {"dash": "5 3", "dot": "1 3", "dash dot": "5 3 1 3", "dash dot dot": "5 3 1 3 1 3"}


def sld(style: str) -> str | None:
    """Return the SLD of a style; None when there is no such style, or its categories come from an expression."""
    look = LOOKS.get(style)
    found = _PROPERTY.fullmatch(look.by) if look and look.by else None
    if look is None or (look.by and found is None):
        return None
    by = (found[1] or found[2]) if found else None
    root = Element("StyledLayerDescriptor", {
        "version": "1.0.0", "xmlns": "http://www.opengis.net/sld", "xmlns:ogc": "http://www.opengis.net/ogc",
    })  # fmt: skip
    named = SubElement(root, "NamedLayer")
    SubElement(named, "Name").text = look.layer
    drawn = SubElement(named, "UserStyle")
    SubElement(drawn, "Name").text = style
    SubElement(drawn, "Title").text = look.title
    rules = SubElement(drawn, "FeatureTypeStyle")
    known = [category.value for category in look.categories if category.value]
    for category in look.categories:
        rule = SubElement(rules, "Rule")
        SubElement(rule, "Name").text = category.value or "other"
        SubElement(rule, "Title").text = category.label
        if by:
            _filter(rule, by, category, known)
        if look.from_scale:
            SubElement(rule, "MaxScaleDenominator").text = str(look.from_scale)
        _symbolizers(rule, category.symbol)
    if look.label is not None:
        _text(rules, look.label, look.categories[0].symbol)
    indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode")


def _filter(rule: Element, by: str, category: Category, known: list[str]) -> None:
    if category.value == "":  # every other value, and none
        wanted = SubElement(rule, "ElseFilter")
        return
    wanted = SubElement(rule, "ogc:Filter")
    if category.value == "unknown":
        wanted = SubElement(wanted, "ogc:Or")
        SubElement(SubElement(wanted, "ogc:PropertyIsNull"), "ogc:PropertyName").text = by
    equal = SubElement(wanted, "ogc:PropertyIsEqualTo")
    SubElement(equal, "ogc:PropertyName").text = by
    SubElement(equal, "ogc:Literal").text = category.value


def _symbolizers(rule: Element, symbol: Symbol) -> None:
    for part in symbol.parts:
        if symbol.kind == "marker":
            graphic = SubElement(SubElement(rule, "PointSymbolizer"), "Graphic")
            mark = SubElement(graphic, "Mark")
            shape = part.options["name"]
            SubElement(mark, "WellKnownName").text = shape if shape in _SHAPES else "square"
            _fill(mark, part.options["color"])
            _stroke(mark, part.options["outline_color"], part.options["outline_width"])
            SubElement(graphic, "Size").text = _pixels(part.options["size"])
        elif part.drawn_by == "SimpleFill":
            if part.options["style"] == "solid":  # no hatch in SLD 1.0 without a picture
                _fill(SubElement(rule, "PolygonSymbolizer"), part.options["color"])
        else:
            _line(SubElement(rule, "LineSymbolizer"), part)


def _line(parent: Element, part: Part) -> None:
    stroke = _stroke(parent, part.options["line_color"], part.options["line_width"])
    dash = _DASHES.get(part.options["line_style"])
    if dash:
        SubElement(stroke, "CssParameter", name="stroke-dasharray").text = dash


def _fill(parent: Element, colour: str) -> None:
    fill = SubElement(parent, "Fill")
    SubElement(fill, "CssParameter", name="fill").text = _hex(colour)
    SubElement(fill, "CssParameter", name="fill-opacity").text = _opacity(colour)


def _stroke(parent: Element, colour: str, width_mm: str) -> Element:
    stroke = SubElement(parent, "Stroke")
    SubElement(stroke, "CssParameter", name="stroke").text = _hex(colour)
    SubElement(stroke, "CssParameter", name="stroke-width").text = _pixels(width_mm)
    SubElement(stroke, "CssParameter", name="stroke-opacity").text = _opacity(colour)
    return stroke


def _text(rules: Element, label: Label, symbol: Symbol) -> None:
    """Write the label when it is a plain property."""
    found = re.fullmatch(r'"(\w+)"', label.expression)
    if found is None:
        return
    rule = SubElement(rules, "Rule")
    SubElement(rule, "MaxScaleDenominator").text = str(label.from_scale)
    text = SubElement(rule, "TextSymbolizer")
    SubElement(SubElement(text, "Label"), "ogc:PropertyName").text = found[1]
    font = SubElement(text, "Font")
    SubElement(font, "CssParameter", name="font-size").text = f"{label.size_pt * 0.3528 * PIXELS_PER_MM:.0f}"
    SubElement(font, "CssParameter", name="font-weight").text = "bold" if label.bold else "normal"
    if symbol.kind != "line":
        place = SubElement(SubElement(text, "LabelPlacement"), "PointPlacement")
        anchor = SubElement(place, "AnchorPoint")
        middle = label.over or symbol.kind == "fill"
        SubElement(anchor, "AnchorPointX").text = "0.5" if middle else "-0.3"
        SubElement(anchor, "AnchorPointY").text = "0.5" if middle else "-0.3"
    halo = SubElement(text, "Halo")
    SubElement(halo, "Radius").text = "2"
    fill = SubElement(halo, "Fill")
    SubElement(fill, "CssParameter", name="fill").text = WHITE
    SubElement(SubElement(text, "Fill"), "CssParameter", name="fill").text = label.colour


def _hex(colour: str) -> str:
    return "#" + bytes(int(part) for part in colour.split(",")[:3]).hex()


def _opacity(colour: str) -> str:
    return f"{int(colour.split(',')[3]) / 255:.2f}"


def _pixels(millimetres: str) -> str:
    return f"{float(millimetres) * PIXELS_PER_MM:.1f}"
