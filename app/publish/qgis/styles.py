"""QML of QGIS 3.22 (and newer): the look of a layer as a file, for `layer_styles` of a GeoPackage, and in a project."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import reads_all, scope_of
from app.organisations.models import Organisation
from app.publish.ogc.collections import COLLECTIONS
from app.publish.qgis.looks import EXPORTED_AS, LOOKS, Label, Look
from app.publish.qgis.palette import WHITE
from app.publish.qgis.symbols import GEOMETRY_TYPE, rgba, symbol_xml
from app.publish.qgis.words import alias
from app.publish.queries import operators

VERSION = "3.22.0"
DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_PLACEMENT = {"marker": "6", "line": "2", "fill": "4"}
_OVER_POINT = "1"


@dataclass(frozen=True)
class Reader:
    """For whom a style is written.

    `own`: codes of the reader's organisations, when of others' objects it is not told every user: their state is
    unknown to it, as on the map. None: it is told of everybody.
    `radio`: codes of the operators of radio networks. Without them, only who transmits from a site counts there.
    """

    own: tuple[str, ...] | None = None
    radio: tuple[str, ...] = ()


ANYBODY: Final = Reader()


def reader(session: Session, as_of: dt.date) -> Reader:
    """Return for whom the styles of this transaction's caller are written."""
    radio = tuple(sorted(o.code for o in operators(session, as_of) if o.has_radio))
    scope = scope_of(session)
    if reads_all(session) or (scope.communes and not scope.organisations):
        return Reader(None, radio)
    mine = select(Organisation.code).where(Organisation.id.in_(scope.organisations)).distinct()
    return Reader(tuple(sorted(session.scalars(mine))), radio)


def qml(style: str, caller: Reader = ANYBODY) -> str | None:
    """Return the QML of a style, which bears the name of its layer or one of `LOOKS`; None when there is none."""
    look = LOOKS.get(style)
    if look is None:
        return None
    root = Element("qgis", version=VERSION, styleCategories="AllStyleCategories")
    write(root, look, caller)
    indent(root, " ")
    return DOCTYPE + tostring(root, encoding="unicode")


def write(root: Element, look: Look, caller: Reader = ANYBODY) -> None:
    """Write `look` into `root`: the root of a QML, or a maplayer of a project."""
    kind = look.categories[0].symbol.kind
    root.set("labelsEnabled", str(int(look.label is not None)))
    root.set("hasScaleBasedVisibilityFlag", str(int(look.from_scale is not None)))
    root.set("minScale", str(look.from_scale or 100_000_000))
    root.set("maxScale", "0")
    flags = SubElement(root, "flags")
    for flag in ("Identifiable", "Removable", "Searchable"):
        SubElement(flags, flag).text = "1"
    _renderer(root, look, caller)
    if look.label is not None:
        _labeling(root, look.label, kind, caller)
    aliases = SubElement(root, "aliases")
    for index, name in enumerate(properties(look)):
        SubElement(aliases, "alias", index=str(index), field=name, name=alias(name))
    SubElement(root, "previewExpression").text = f'"{look.tip[0]}"'
    SubElement(root, "mapTip").text = _tip(look)
    SubElement(root, "layerGeometryType").text = str(GEOMETRY_TYPE[kind])


def properties(look: Look) -> tuple[str, ...]:
    """Return the names of the properties a look may meet: those of its layer."""
    return tuple(COLLECTIONS[look.layer].properties)


def told(expression: str, caller: Reader) -> str:
    """Put into `expression` what the properties do not say: see `app.publish.qgis.looks`."""
    complete = "true" if caller.own is None else f'coalesce("owner" IN ({_listed(caller.own)}), false)'
    return expression.replace("{complete}", complete).replace("{radio}", f"@element IN ({_listed(caller.radio)})")


def _listed(codes: Sequence[str]) -> str:
    return ", ".join("'{}'".format(code.replace("'", "''")) for code in codes) or "NULL"


def _renderer(root: Element, look: Look, caller: Reader) -> None:
    if look.by is None:
        renderer = SubElement(root, "renderer-v2", type="singleSymbol")
        symbols = SubElement(renderer, "symbols")
    else:
        renderer = SubElement(root, "renderer-v2", type="categorizedSymbol", attr=told(look.by, caller))
        categories = SubElement(renderer, "categories")
        for number, category in enumerate(look.categories):
            SubElement(categories, "category", symbol=str(number), value=category.value, label=category.label,
                       render="true")  # fmt: skip
        symbols = SubElement(renderer, "symbols")
    for name, value in (("forceraster", "0"), ("symbollevels", "0"), ("enableorderby", "0")):
        renderer.set(name, value)
    for number, category in enumerate(look.categories):
        symbol_xml(symbols, category.symbol, str(number))


def _labeling(root: Element, label: Label, kind: str, caller: Reader) -> None:
    settings = SubElement(SubElement(root, "labeling", type="simple"), "settings", calloutType="simple")
    style = SubElement(
        settings, "text-style", fieldName=told(label.expression, caller), isExpression="1", fontFamily="Arial",
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
        shown = f"'<br>{escape(alias(name))}: ' || to_string(\"{name}\")"
        lines.append(f"[% coalesce({shown}, '') %]")
    return "".join(lines)


def of_layer(layer: str, caller: Reader = ANYBODY) -> Iterator[tuple[str, str, str, bool]]:
    """Yield name, title and QML of each style of a published or exported layer, and whether it is the default."""
    collection = next((ours for ours, exported in EXPORTED_AS.items() if exported == layer), layer)
    for name, look in LOOKS.items():
        if look.layer == collection:
            written = qml(name, caller)
            assert written is not None
            yield name, look.title, written, name == collection
