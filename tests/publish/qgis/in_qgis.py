"""Run by the system's Python, which has PyQGIS: opens what a job (JSON on standard input) names, and tells what it saw.

A job is {"styles": [{"qml", "data", "sld"?}], "project"?, "png"?, "size"?, "scale"?, "centre"?, "point"?,
"account"?,
"stored"?}; the answer, JSON on the last line of standard output, is {"styles": […], "project": {…}}.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

core: Any = import_module("qgis.core")
qt: Any = import_module("qgis.PyQt.QtCore")
xml: Any = import_module("qgis.PyQt.QtXml")


def styled(job: dict[str, Any]) -> dict[str, Any]:
    """Load a style onto a layer; tell what QGIS made of it."""
    layer = core.QgsVectorLayer(job["data"], "layer", "ogr")
    document = xml.QDomDocument()
    with open(job["qml"], encoding="utf-8") as file:
        assert document.setContent(file.read())[0]
    # Not loadNamedStyle: of a GeoPackage it takes the style stored in there, whatever file is named.
    loaded, message = layer.importNamedStyle(document)
    return {"loaded": bool(loaded), "message": message, **seen(layer)}


def stored(file: str, names: list[str]) -> dict[str, Any]:
    """Tell of layers of a GeoPackage whether they open in a style of its own, and which it holds for each."""
    found = {}
    for name in names:
        layer = core.QgsVectorLayer(f"{file}|layername={name}", name, "ogr")
        _, loaded = layer.loadDefaultStyle()
        related, _, _, descriptions, _ = layer.listStylesInDatabase()
        found[name] = [bool(loaded), descriptions[:related]]
    return found


def seen(layer: Any) -> dict[str, Any]:
    """Tell of a layer its renderer, how many objects fall into each category, aliases, labels and map tip."""
    renderer = layer.renderer()
    found: dict[str, Any] = {
        "valid": layer.isValid(), "name": layer.name(), "renderer": renderer.type(), "count": layer.featureCount(),
        "crs": layer.crs().authid(), "aliases": {f.name(): f.alias() for f in layer.fields()},
        "min_scale": layer.minimumScale() if layer.hasScaleBasedVisibility() else None,
        "provider": layer.providerType(), "source": layer.source(),
        "metadata": [layer.metadata().title(), layer.metadata().abstract(), layer.metadata().licenses()],
    }  # fmt: skip
    if renderer.type() == "categorizedSymbol":
        categories = [[c.value(), c.label()] for c in renderer.categories()]
        expression = core.QgsExpression(renderer.classAttribute())
        found["categories"] = categories
        found["expression_error"] = expression.parserErrorString()
        found["counts"] = counted(layer, expression)
    settings = layer.labeling().settings() if layer.labeling() else None
    if settings is not None:
        found["label_scale"] = settings.minimumScale
        found["label"] = shown(layer, settings.fieldName)
    found["tip"] = core.QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context(layer))
    return found


def context(layer: Any) -> Any:
    """Return the expression context of the layer's first object."""
    made = core.QgsExpressionContext(core.QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    made.setFeature(next(layer.getFeatures(), core.QgsFeature(layer.fields())))
    return made


def shown(layer: Any, text: str) -> list[Any]:
    """Return the value of an expression for the first object, and its error."""
    expression = core.QgsExpression(text)
    return [str(expression.evaluate(context(layer))), expression.parserErrorString() + expression.evalErrorString()]


def counted(layer: Any, expression: Any) -> dict[str, int]:
    """Return how many objects have each value of an expression."""
    counts: dict[str, int] = {}
    here = context(layer)
    for feature in layer.getFeatures():
        here.setFeature(feature)
        value = str(expression.evaluate(here))
        counts[value] = counts.get(value, 0) + 1
    return counts


def opened(job: dict[str, Any]) -> dict[str, Any]:
    """Open a project; tell its layers and groups; draw it."""
    project = core.QgsProject.instance()
    read = project.read(job["project"])
    tree = project.layerTreeRoot()
    view = project.viewSettings().defaultViewExtent()
    told = {
        "read": bool(read), "error": project.error(), "title": project.title(), "crs": project.crs().authid(),
        "groups": {g.name(): [c.name() for c in g.children()] for g in tree.children()},
        "layers": [seen(node.layer()) for node in tree.findLayers() if node.layer()],
        "checked": [node.name() for node in tree.findLayers() if node.isVisible()],
        "extent": [view.xMinimum(), view.yMinimum(), view.xMaximum(), view.yMaximum()],
        "abstract": project.metadata().abstract(), "themes": project.mapThemeCollection().mapThemes(),
        "layouts": [layout.name() for layout in project.layoutManager().layouts()],
    }  # fmt: skip
    if "point" in job:
        to = core.QgsCoordinateTransform(core.QgsCoordinateReferenceSystem("EPSG:4326"), project.crs(), project)
        at = to.transform(*job["point"])
        told["point"] = [at.x(), at.y()]
    if "png" in job:
        told["colours"] = drawn(project, job, view)
    return told


def drawn(project: Any, job: dict[str, Any], view: Any) -> int:
    """Draw the layers switched on into a PNG; return how many colours it has."""
    settings = core.QgsMapSettings()
    settings.setDestinationCrs(project.crs())
    settings.setTransformContext(project.transformContext())
    settings.setLayers([n.layer() for n in project.layerTreeRoot().findLayers() if n.isVisible() and n.layer()])
    settings.setBackgroundColor(project.backgroundColor())
    settings.setOutputSize(qt.QSize(*job.get("size", (1400, 1000))))
    settings.setOutputDpi(96)
    settings.setExtent(view)
    if "centre" in job:
        box = core.QgsRectangle()
        half = job["scale"] * job.get("size", (1400, 1000))[0] / 96 * 0.0254 / 2
        x, y = job["centre"]
        box.set(x - half, y - half * 0.7, x + half, y + half * 0.7)
        settings.setExtent(box)
    here = core.QgsExpressionContext(core.QgsExpressionContextUtils.globalProjectLayerScopes(None))
    here.appendScope(core.QgsExpressionContextUtils.mapSettingsScope(settings))
    settings.setExpressionContext(here)
    work = core.QgsMapRendererParallelJob(settings)
    work.start()
    work.waitForFinished()
    image = work.renderedImage()
    image.save(job["png"])
    small = image.scaled(200, 200)
    return len({small.pixel(x, y) for x in range(200) for y in range(200)})


def signed_in(identifier: str, name: str, token: str) -> None:
    """Make the authentication configuration a user makes once: Basic, account and token."""
    manager = core.QgsApplication.authManager()
    manager.setMasterPassword("test", True)
    config = core.QgsAuthMethodConfig("Basic")
    config.setId(identifier)
    config.setName("Hatang")
    config.setConfig("username", name)
    config.setConfig("password", token)
    assert manager.storeAuthenticationConfig(config)


def main() -> None:
    """Answer the job."""
    job = json.load(sys.stdin)
    core.QgsApplication.setPrefixPath("/usr", True)
    running = core.QgsApplication([], False)
    running.initQgis()
    if "account" in job:
        signed_in(*job["account"])
    answer: dict[str, Any] = {"version": core.Qgis.QGIS_VERSION, "styles": [styled(s) for s in job.get("styles", [])]}
    if "stored" in job:
        answer["stored"] = stored(*job["stored"])
    if "project" in job:
        answer["project"] = opened(job)
    print(json.dumps(answer, default=str), flush=True)
    os._exit(0)  # QGIS takes seconds to leave, and has nothing to save


if __name__ == "__main__":
    main()
