"""Layers as files: which objects, what of them, in which format."""

from app.publish.exports.geojson import FEATURE, statement, stream
from app.publish.exports.selection import GEOMETRY, Selection, layer, select

__all__ = ["FEATURE", "GEOMETRY", "Selection", "layer", "select", "statement", "stream"]
