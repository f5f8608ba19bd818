"""QML of QGIS 3.22 (and newer): the look of a layer as a file, for `layer_styles` of a GeoPackage, and in a project."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from app.publish.layers import LAYERS
from app.publish.qgis.looks import LOOKS, Label, Look
from app.publish.qgis.palette import WHITE
from app.publish.qgis.symbols import GEOMETRY_TYPE, rgba, symbol_xml
from app.publish.qgis.words import ALIASES

VERSION = "3.22.0"
_DOCTYPE = b"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_PLACEMENT = {"marker": "6", "line": "2", "fill": "4"}
_OVER_POINT = "1"


def qml(style: str, own: Sequence[str] | None = None) -> str | None:
    """Return the QML of a style, which bears the name of its layer or one of `LOOKS`; None when there is none.

    Parameters
    ----------
    own : sequence of str, optional
        Codes of the caller's organisations, when of others' objects it is not told every user: the state of those
        is unknown to it, as on the map. None: the caller is told of everybody.
    """
    look = LOOKS.get(style)
    if look is None:
        return None
    root = Element("qgis", version=VERSION, styleCategories="AllStyleCategories")
    write(root, look, own)
    indent(root, " ")
    return (_DOCTYPE + tostring(root, encoding="utf-8")).decode()


def write(root: Element, look: Look, own: Sequence[str] | None = None) -> None:
    """Write `look` into `root`: the root of a QML, or a maplayer of a project."""
    kind = look.categories[0].symbol.kind
    root.set("labelsEnabled", str(int(look.label is not None)))
    root.set("hasScaleBasedVisibilityFlag", str(int(look.from_scale is not None)))
    root.set("minScale", str(look.from_scale or 100_000_000))
    root.set("maxScale", "0")
    flags = SubElement(root, "flags")
    for flag in ("Identifiable", "Removable", "Searchable"):
        SubElement(flags, flag).text = "1"
    _renderer(root, look, own)
    if look.label is not None:
        _labeling(root, look.label, kind, own)
    aliases = SubElement(root, "aliases")
    for index, name in enumerate(properties(look)):
        if name in ALIASES:
            SubElement(aliases, "alias", index=str(index), field=name, name=ALIASES[name])
    SubElement(root, "previewExpression").text = f'"{look.tip[0]}"'
    SubElement(root, "mapTip").text = _tip(look)
    SubElement(root, "layerGeometryType").text = str(GEOMETRY_TYPE[kind])


def properties(look: Look) -> tuple[str, ...]:
    """Return the names of the properties a look may meet: those of its layer."""
    return tuple(LAYERS[look.layer].properties) if look.layer in LAYERS else tuple(ALIASES)


def told(expression: str, own: Sequence[str] | None) -> str:
    """Put into `expression` for which objects the caller is told of every user."""
    if own is None:
        return expression.replace("{complete}", "true")
    codes = ", ".join("'{}'".format(code.replace("'", "''")) for code in own)
    return expression.replace("{complete}", f'coalesce("owner" IN ({codes}), false)' if codes else "false")


def _renderer(root: Element, look: Look, own: Sequence[str] | None) -> None:
    if look.by is None:
        renderer = SubElement(root, "renderer-v2", type="singleSymbol")
        symbols = SubElement(renderer, "symbols")
    else:
        renderer = SubElement(root, "renderer-v2", type="categorizedSymbol", attr=told(look.by, own))
        categories = SubElement(renderer, "categories")
        for number, category in enumerate(look.categories):
            SubElement(categories, "category", symbol=str(number), value=category.value, label=category.label,
                       render="true")  # fmt: skip
        symbols = SubElement(renderer, "symbols")
    for name, value in (("forceraster", "0"), ("symbollevels", "0"), ("enableorderby", "0")):
        renderer.set(name, value)
    for number, category in enumerate(look.categories):
        symbol_xml(symbols, category.symbol, str(number))


def _labeling(root: Element, label: Label, kind: str, own: Sequence[str] | None) -> None:
    settings = SubElement(SubElement(root, "labeling", type="simple"), "settings", calloutType="simple")
    style = SubElement(
        settings, "text-style", fieldName=told(label.expression, own), isExpression="1", fontFamily="Arial",
        fontSize=f"{label.size_pt:g}", fontSizeUnit="Point", fontWeight="75" if label.bold else "50",
        namedStyle="Bold" if label.bold else "Regular", textColor=rgba(label.colour), textOpacity="1",
        multilineHeight="1",
    )  # fmt: skip
    families = SubElement(style, "families")
    for family in ("Noto Sans", "Open Sans", "Liberation Sans"):
        SubElement(families, "family", name=family)
    SubElement(style, "text-buffer", bufferDraw="1", bufferSize="0.8", bufferSizeUnits="MM", bufferNoFill="1",
               bufferColor=rgba(WHITE), bufferOpacity="0.9", bufferJoinStyle="128")  # fmt: skip
    SubElement(settings, "text-format", wrapChar="", autoWrapLength="18", useMaxLineLengthForAutoWrap="1",
               multilineAlign="1" if kind == "fill" else "3")  # fmt: skip
    SubElement(
        settings, "placement", placement=_OVER_POINT if label.over else _PLACEMENT[kind], quadOffset="4",
        dist="0" if label.over or kind == "fill" else "0.8", distUnits="MM", offsetType="1",
        predefinedPositionOrder="TR,TL,BR,BL,R,L,TSR,BSR", placementFlags="10", centroidInside="1", priority="5",
        rotationAngle="0", xOffset="0", yOffset="0", offsetUnits="MM",
    )  # fmt: skip
    SubElement(settings, "rendering", drawLabels="1", scaleVisibility="1", scaleMin="0",
               scaleMax=str(label.from_scale), obstacle="1", obstacleFactor="1", obstacleType="1",
               displayAll=str(int(label.over)), upsidedownLabels="0")  # fmt: skip


def _tip(look: Look) -> str:
    """Return the map tip: the first property as head, then name and value of the others that are known."""
    head, *others = look.tip
    lines = [f'<b>[% "{head}" %]</b>']
    for name in others:
        shown = f"'<br>{escape(ALIASES[name])}: ' || to_string(\"{name}\")"
        lines.append(f"[% coalesce({shown}, '') %]")
    return "".join(lines)
