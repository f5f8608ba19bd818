"""A QGIS project (.qgs of 3.22, zipped as .qgz) that opens with every layer styled, named and grouped."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal
from xml.etree.ElementTree import Element, SubElement, tostring

from pyproj import CRS

from app.kit.geo import WGS84, from_wgs84
from app.publish.qgis import sheet
from app.publish.qgis.looks import COVERAGE, EXPORTED_AS, GROUPS, LINES, LOOKS, SITES, Look
from app.publish.qgis.palette import PAPER
from app.publish.qgis.styles import ANYBODY, DOCTYPE, VERSION, Reader, write
from app.publish.qgis.symbols import rgba

AUTHCFG: Final = "hatang1"
"""Name of the authentication configuration in the user's own QGIS that holds account and token: seven letters and
digits, as QGIS wants it. The project names it and holds no secret."""
PAGE: Final = 1000
"""Features QGIS asks for in one request."""
_AREAS = ("communes", "communes_points", "villages", "villages_points")
THEMES: Final[Mapping[str, tuple[str, ...]]] = {
    "Phủ sóng": (*_AREAS, "coverage", "coverage_points", "sites", "sites_blurred"),
    "Công nghệ": (*_AREAS, "coverage", "coverage_points", "sites_technology", "sites_blurred"),
    "Dùng chung": (*_AREAS, "sites", "sites_blurred", "poles", "ducts"),
    "Cột, cống bể, cáp": (*_AREAS, "poles", "manholes", "cables", "ducts", "distribution_points"),
}
"""Map theme → the styles it switches on."""


@dataclass(frozen=True)
class Source:
    """Where QGIS reads the layers: a provider of QGIS and the data source of a layer, {layer} in it."""

    provider: Literal["ogr", "OAPIF"]
    template: str

    def uri(self, look: Look) -> str:
        """Return the data source of a look's layer; of an OGC API, which knows no types, each look draws its own."""
        kind = f"|geometrytype={look.places}" if self.provider == "ogr" and look.places else ""
        name = EXPORTED_AS.get(look.layer, look.layer) if self.provider == "ogr" else look.layer
        return self.template.format(layer=name) + kind


def geopackage(name: str) -> Source:
    """Return the source of a GeoPackage that lies beside the project."""
    return Source("ogr", f"./{name}|layername={{layer}}")


def ogc(url: str, signed_in: bool) -> Source:
    """Return the source of an OGC API at `url`; who is signed in is asked for `AUTHCFG`, the public for nothing."""
    who = f"authcfg={AUTHCFG} " if signed_in else ""
    return Source(
        "OAPIF",
        f" {who}pagingEnabled='true' pageSize='{PAGE}' restrictToRequestBBOX='1' srsname='OGC:CRS84'"
        f" typename='{{layer}}' url='{url}' version='OGC_API_FEATURES'",
    )


@dataclass(frozen=True)
class Project:
    """What a project says of itself and holds.

    Attributes
    ----------
    styles : frozenset of str
        Names of `LOOKS`: how the layers are shown that the caller is told of.
    bbox : sequence of float
        West, south, east, north of the province in degrees; None when nothing is known of it.
    rights : tuple of str
        Attribution and licence.
    """

    title: str
    abstract: str
    styles: frozenset[str]
    source: Source
    metric_crs: str
    bbox: Sequence[float] | None = None
    rights: tuple[str, ...] = ()
    caller: Reader = field(default=ANYBODY)


def qgz(project: Project, name: str = "hatang") -> bytes:
    """Return the project as a .qgz."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(f"{name}.qgs", qgs(project))
    return made.getvalue()


def qgs(project: Project) -> bytes:
    """Return the project as XML."""
    looks = {name: look for name, look in LOOKS.items() if name in project.styles}
    root = Element("qgis", version=VERSION, projectname=project.title)
    SubElement(root, "homePath", path="")
    SubElement(root, "title").text = project.title
    _crs(SubElement(root, "projectCrs"), project.metric_crs)
    _tree(root, looks, project.source)
    box = _box(project)
    canvas = SubElement(root, "mapcanvas", name="theMapCanvas", annotationsVisible="1")
    SubElement(canvas, "units").text = "meters"
    _extent(SubElement(canvas, "extent"), box)
    SubElement(canvas, "rotation").text = "0"
    _crs(SubElement(canvas, "destinationsrs"), project.metric_crs)
    layers = SubElement(root, "projectlayers")
    for name, look in looks.items():
        _layer(layers, name, look, project)
    order = SubElement(root, "layerorder")
    for name in looks:
        SubElement(order, "layer", id=_id(name))
    _properties(SubElement(root, "properties"), project)
    _themes(SubElement(root, "visibility-presets"), looks)
    _project_metadata(SubElement(root, "projectMetadata"), project)
    if box:
        view = SubElement(SubElement(root, "ProjectViewSettings", UseProjectScales="0"), "DefaultViewExtent")
        for key, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True):
            view.set(key, f"{value:.1f}")
        _crs(view, project.metric_crs)
        sheet.write(SubElement(root, "Layouts"), project.title, (project.abstract, *project.rights), box)
    return DOCTYPE.encode() + bytes(tostring(root, encoding="utf-8"))


def _id(name: str) -> str:
    return f"hatang_{name}"


def _tree(root: Element, looks: Mapping[str, Look], source: Source) -> None:
    tree = SubElement(root, "layer-tree-group")
    for group in GROUPS:
        inside = {name: look for name, look in looks.items() if look.group == group}
        if not inside:
            continue
        opened = str(int(group in (SITES, COVERAGE)))
        folder = SubElement(tree, "layer-tree-group", name=group, checked="Qt::Checked", expanded="1")
        for name, look in inside.items():
            SubElement(
                folder, "layer-tree-layer", id=_id(name), name=look.title, providerKey=source.provider,
                source=source.uri(look), expanded=opened,
                checked="Qt::Checked" if look.shown else "Qt::Unchecked",
            )  # fmt: skip


def _layer(layers: Element, name: str, look: Look, project: Project) -> None:
    kind = {"marker": "Point", "line": "Line", "fill": "Polygon"}[look.categories[0].symbol.kind]
    layer = SubElement(layers, "maplayer", type="vector", geometry=kind, styleCategories="AllStyleCategories",
                       simplifyDrawingHints="0" if kind == "Point" else "1", simplifyDrawingTol="1",
                       simplifyAlgorithm="0", simplifyLocal="1", simplifyMaxScale="1", readOnly="1")  # fmt: skip
    SubElement(layer, "id").text = _id(name)
    SubElement(layer, "datasource").text = project.source.uri(look)
    SubElement(layer, "layername").text = look.title
    _crs(SubElement(layer, "srs"), WGS84)
    about = SubElement(layer, "resourceMetadata")
    for key, value in (("identifier", look.layer), ("language", "vie"), ("type", "dataset"), ("title", look.title),
                       ("abstract", f"{look.title}. {project.abstract}")):  # fmt: skip
        SubElement(about, key).text = value
    for right in project.rights:
        SubElement(about, "rights").text = right
    _crs(SubElement(about, "crs"), WGS84)
    SubElement(layer, "provider", encoding="UTF-8").text = project.source.provider
    manager = SubElement(layer, "map-layer-style-manager", current="default")
    SubElement(manager, "map-layer-style", name="default")
    write(layer, look, project.caller)


def _box(project: Project) -> tuple[float, float, float, float] | None:
    """Return the extent in the project's CRS, a little wider than the province."""
    if project.bbox is None:
        return None
    west, south, east, north = project.bbox
    x, y = from_wgs84([west, west, east, east], [south, north, south, north], project.metric_crs)
    margin = 0.03 * max(x.max() - x.min(), y.max() - y.min(), 1000)
    return (float(x.min() - margin), float(y.min() - margin), float(x.max() + margin), float(y.max() + margin))


def _extent(parent: Element, box: Iterable[float] | None) -> None:
    for key, value in zip(("xmin", "ymin", "xmax", "ymax"), box or (), strict=False):
        SubElement(parent, key).text = f"{value:.1f}"


@lru_cache
def _wkt(crs: str) -> str:
    return CRS(crs).to_wkt("WKT2_2019")


def _crs(parent: Element, crs: str) -> None:
    system = SubElement(parent, "spatialrefsys")
    SubElement(system, "wkt").text = _wkt(crs)
    SubElement(system, "authid").text = crs


def _properties(properties: Element, project: Project) -> None:
    """Write the settings of the project: paper, units, relative paths, variables, and the note on the map's corner."""
    gui = SubElement(properties, "Gui")
    red, green, blue, _ = rgba(PAPER).split(",")
    for part, value in (("Red", red), ("Green", green), ("Blue", blue)):
        SubElement(gui, f"CanvasColor{part}Part", type="int").text = value
    # Without it QGIS takes the project for one without a CRS.
    SubElement(SubElement(properties, "SpatialRefSys"), "ProjectionsEnabled", type="int").text = "1"
    paths = SubElement(properties, "Paths")
    SubElement(paths, "Absolute", type="bool").text = "false"
    measure = SubElement(properties, "Measurement")
    SubElement(measure, "DistanceUnits", type="QString").text = "meters"
    SubElement(measure, "AreaUnits", type="QString").text = "km2"
    SubElement(SubElement(properties, "Measure"), "Ellipsoid", type="QString").text = "EPSG:7030"
    note = SubElement(properties, "CopyrightLabel")
    SubElement(note, "Enabled", type="bool").text = "true"
    SubElement(note, "Label", type="QString").text = "\n".join((project.title, *project.rights))


def _themes(presets: Element, looks: Mapping[str, Look]) -> None:
    for theme, styles in THEMES.items():
        shown = [name for name in looks if name in styles]
        if any(looks[name].group in (SITES, LINES, COVERAGE) for name in shown):
            preset = SubElement(presets, "visibility-preset", {"name": theme, "has-expanded-info": "0"})
            for name in shown:
                SubElement(preset, "layer", id=_id(name), visible="1", style="default")


def _project_metadata(about: Element, project: Project) -> None:
    told = "\n".join((project.abstract, *project.rights))  # a project, unlike a layer, has no place for rights
    for key, value in (("language", "vie"), ("type", "dataset"), ("title", project.title), ("abstract", told),
                       ("author", "Hatang")):  # fmt: skip
        SubElement(about, key).text = value
