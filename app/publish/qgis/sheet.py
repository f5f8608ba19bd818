"""A printed sheet (QGIS layout) of the project: A3, map, legend, scale bar, title, and what is said of the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import NAMESPACE_URL, uuid5
from xml.etree.ElementTree import Element, SubElement

from app.publish.qgis.palette import INK, WHITE
from app.publish.qgis.symbols import area, rgba, symbol_xml

PAGE_MM: Final = (420, 297)
MAP_MM: Final = (10, 24, 318, 255)
"""Left, top, width and height."""
_PAGE, _MAP, _LEGEND, _LABEL, _SCALE_BAR = "65638", "65639", "65642", "65641", "65646"
"""Numbers of QgsLayoutItemRegistry.ItemType."""


def write(layouts: Element, title: str, notes: Sequence[str], box: Sequence[float]) -> None:
    """Append the sheet to `layouts`; `box` is west, south, east, north of the province in the project's CRS."""
    layout = SubElement(layouts, "Layout", name="Bản đồ khổ A3", units="mm", printResolution="300")
    pages = SubElement(layout, "PageCollection")
    symbol_xml(pages, area(WHITE, 1), "")
    page = _item(pages, _PAGE, "page", (0, 0, *PAGE_MM))
    symbol_xml(page, area(WHITE, 1), "")
    drawn = _item(layout, _MAP, "map", MAP_MM, frame="true", keepLayerSet="false", followPreset="false",
                  mapRotation="0", drawCanvasItems="true", labelMargin="0,mm")  # fmt: skip
    extent = SubElement(drawn, "Extent")
    for key, value in zip(("xmin", "ymin", "xmax", "ymax"), _fitted(box), strict=True):
        extent.set(key, f"{value:.1f}")
    left, top, width, height = MAP_MM
    beside = left + width + 4
    legend = _item(
        layout, _LEGEND, "legend", (beside, top, PAGE_MM[0] - beside - 6, height), title="Chú giải",
        map_uuid=_uuid("map"), legendFilterByMap="1", columnCount="1", resizeToContents="1", symbolWidth="6",
        symbolHeight="3.5", boxSpace="1", columnSpace="3", lineSpacing="1", wrapChar="", titleAlignment="1",
        symbolAlignment="1",
    )  # fmt: skip
    styles = SubElement(legend, "styles")
    for name, size_pt, above_mm, bold in (("title", 12, 0, True), ("group", 9.5, 3, True), ("subgroup", 8, 2, False),
                                          ("symbol", 7, 1, False), ("symbolLabel", 7, 1, False)):  # fmt: skip
        style = SubElement(styles, "style", name=name, alignment="1", indent="0", marginTop=f"{above_mm}",
                           marginLeft="2" if name == "symbolLabel" else "0", marginBottom="1")  # fmt: skip
        SubElement(style, "styleFont", description=_font(size_pt, bold), style="")
    _label(layout, "title", title, (left, 8, PAGE_MM[0] - 2 * left, 12), 18, bold=True)
    below = top + height + 3
    _label(layout, "notes", "\n".join(notes), (left + 150, below, width - 150, 14), 8)
    bar = _item(
        layout, _SCALE_BAR, "scale", (left, below, 140, 13), mapUuid=_uuid("map"), style="Single Box", unitType="km",
        unitLabel="km", numMapUnitsPerScaleBarUnit="1", numUnitsPerSegment="10", numSegments="2", numSegmentsLeft="0",
        segmentSizeMode="1", minBarWidth="40", maxBarWidth="110", height="2.5", labelBarSpace="2", boxContentSpace="1",
        outlineWidth="0.3",
    )  # fmt: skip
    SubElement(bar, "text-style", fontFamily="Arial", fontSize="9", fontSizeUnit="Point", textColor=rgba(INK),
               textOpacity="1", namedStyle="Regular", fontWeight="50", multilineHeight="1")  # fmt: skip


def _fitted(box: Sequence[float]) -> tuple[float, float, float, float]:
    """Return the extent that shows the whole of `box` in the map's shape."""
    west, south, east, north = box
    _, _, width, height = MAP_MM
    wide = max(east - west, (north - south) * width / height)
    high = wide * height / width
    x, y = (west + east) / 2, (south + north) / 2
    return (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)


def _uuid(name: str) -> str:
    return "{" + str(uuid5(NAMESPACE_URL, f"hatang:{name}")) + "}"


def _item(parent: Element, kind: str, name: str, place_mm: Sequence[float], **more: str) -> Element:
    left, top, width, height = place_mm
    place = f"{left},{top},mm"
    common = {
        "uuid": _uuid(name), "templateUuid": _uuid(name), "id": name, "position": place, "positionOnPage": place,
        "size": f"{width},{height},mm", "referencePoint": "0", "visibility": "1", "opacity": "1", "frame": "false",
        "background": "true" if kind in (_PAGE, _MAP) else "false", "outlineWidthM": "0.3,mm", "itemRotation": "0",
    }  # fmt: skip
    return SubElement(parent, "LayoutItem", {"type": kind, **common, **more})


def _label(
    layout: Element, name: str, text: str, place_mm: Sequence[float], size_pt: float, bold: bool = False
) -> None:
    label = _item(layout, _LABEL, name, place_mm, labelText=text, halign="1", valign="32", marginX="0", marginY="0",
                  htmlState="0")  # fmt: skip
    SubElement(label, "LabelFont", description=_font(size_pt, bold), style="")
    red, green, blue, opacity = rgba(INK).split(",")
    SubElement(label, "FontColor", red=red, green=green, blue=blue, alpha=opacity)


def _font(size_pt: float, bold: bool) -> str:
    """Return a font as Qt writes it."""
    return f"Arial,{size_pt:g},-1,5,{75 if bold else 50},0,0,0,0,0"
