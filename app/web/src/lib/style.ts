/** The map's style: our own tiles only, labels in the system's fonts (no `glyphs`, nothing from outside). */
import type { LayerSpecification, SourceSpecification, StyleSpecification } from "maplibre-gl";
import { query } from "./http";
import { AREAS, COUNTS, GROUND, LEVELS, LINES, MARKS, MASK, MIN_ZOOM, NAMES, OUTLINES, PAPER, RESTRICTED, SHADE, SITES } from "./layers";
import type { LayerName } from "./state.svelte";
import type { Meta } from "./types";

export interface Asked {
  rule: string | null;
  operator: string | null;
  technology: string | null;
  as_of: string | null;
}

const EMPTY = { type: "FeatureCollection", features: [] } as const;

/** Address of one tile layer under the present filters. */
export function tileUrl(layer: string, asked: Asked): string {
  const filters = layer === "villages" ? { ...asked } : { as_of: asked.as_of };
  return `${location.origin}/tiles/${layer}/{z}/{x}/{y}.mvt${query(filters)}`;
}

/** The technology whose map is shown: the one filtered for, else 4G, else what there is; null without any map. */
export function mapped(meta: Meta, technology: string | null): string | null {
  const maps: string[] = meta.coverage_maps;
  if (technology) return maps.includes(technology) ? technology : null;
  return maps.includes("4G") ? "4G" : (maps.at(-1) ?? null);
}

/** Address of the coverage map under the present filters; of a technology without one the tiles are empty. */
export function coverageUrl(meta: Meta, asked: Asked): string {
  const technology = mapped(meta, asked.technology) ?? meta.coverage_maps[0];
  const { operator, as_of } = asked;
  return `${location.origin}/tiles/coverage/${technology}/{z}/{x}/{y}.png${query({ operator, as_of })}`;
}

const TILED = ["villages", "communes", "sites", "poles", "ducts", "manholes", "distribution_points"] as const;

function sources(meta: Meta, asked: Asked, offered: (layer: LayerName) => boolean): Record<string, SourceSpecification> {
  const made: Record<string, SourceSpecification> = {};
  for (const layer of TILED.filter(offered))
    made[layer] = {
      type: "vector",
      tiles: [tileUrl(layer, asked)],
      minzoom: layer in MIN_ZOOM ? MIN_ZOOM[layer as keyof typeof MIN_ZOOM] : 5,
      maxzoom: 15,
    };
  if (meta.coverage_maps.length)
    made["coverage"] = { type: "raster", tiles: [coverageUrl(meta, asked)], tileSize: 256, minzoom: 6, maxzoom: 14 };
  for (const name of ["highlight", "counted", "candidates", "acts"]) made[name] = { type: "geojson", data: EMPTY as never };
  if (meta.terrain.tiles > 0 && meta.terrain.bounds) {
    const extent = { tileSize: 256, minzoom: 5, maxzoom: 12, bounds: meta.terrain.bounds };
    made["terrain"] = { type: "raster-dem", encoding: "terrarium", tiles: [`${location.origin}/tiles/terrain/{z}/{x}/{y}.png`], ...extent };
    made["unknown"] = { type: "raster", tiles: [`${location.origin}/tiles/terrain-unknown/{z}/{x}/{y}.png`], ...extent };
  }
  return made;
}

/** The style for somebody who is told of the layers that are `offered`; of others nothing is asked for. */
export function mapStyle(meta: Meta, asked: Asked, offered: (layer: LayerName) => boolean): StyleSpecification {
  const made = sources(meta, asked, offered);
  const background: LayerSpecification = { id: "background", type: "background", paint: { "background-color": PAPER } };
  const layers = [background, ...GROUND, SHADE, MASK, ...AREAS, ...LEVELS, ...OUTLINES, ...LINES, ...SITES, ...RESTRICTED, ...NAMES, ...COUNTS, ...MARKS];
  return { version: 8, sources: made, layers: layers.filter((layer) => !("source" in layer) || layer.source in made) };
}
