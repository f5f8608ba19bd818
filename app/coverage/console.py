"""Rows of the tables `hatang terrain` and `hatang land-cover` show to people."""

from __future__ import annotations

from typing import Any


def tile_rows(report: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one short row a tile; `report` as `raster_store.add_files` or `raster_store.status` returns it."""
    rows = []
    for tile in report:
        notes = []
        if tile.get("added") is False:
            notes.append("đã có · there already")
        if tile["notice"] == "no_overlap":
            notes.append("không phủ xã nào · overlaps no commune")
        if tile["synthetic"]:
            notes.append("SYNTHETIC")
        share = tile["overlap_share"]
        rows.append(
            {
                "tile": tile["name"],
                "lon": f"{tile['west']:.3f}–{tile['east']:.3f}",
                "lat": f"{tile['south']:.3f}–{tile['north']:.3f}",
                "posts": f"{tile['width']}×{tile['height']}, {tile['step_m']:g} m",
                "void": f"{tile['void_share']:.1%}",
                "overlap": None if share is None else f"{share:.1%}",
                "": "; ".join(notes),
            }
        )
    return rows
