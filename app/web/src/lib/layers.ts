/** How each thing on the map is drawn, in the order of the groups from the ground up. */
import type { ExpressionSpecification, LayerSpecification } from "maplibre-gl";
import { ACCENT, ACT, COUNTED, INK, MANHOLE, PORT, STATE, STATE_EDGE, VERDICT } from "./palette";
import type { LayerName } from "./state.svelte";

export const PAPER = "#dfe7ec";
const FONT = ["sans-serif"];
const DETAIL_ZOOM = 13;
/** Below this zoom a layer is not asked for; below 13 poles, manholes and cabinets come as counts. */
export const MIN_ZOOM = { poles: 10, ducts: 9, manholes: 13, distribution_points: 11 } as const;

type Cases = Record<string, string | number>;
const match = (property: string, cases: Cases, otherwise: string | number): ExpressionSpecification =>
  ["match", ["get", property], ...Object.entries(cases).flat(), otherwise] as unknown as ExpressionSpecification;
const byZoom = (...stops: (number | ExpressionSpecification)[]): ExpressionSpecification =>
  ["interpolate", ["linear"], ["zoom"], ...stops] as unknown as ExpressionSpecification;

export const GROUND: LayerSpecification[] = [
  {
    id: "relief",
    type: "color-relief",
    source: "terrain",
    paint: {
      "color-relief-color": [
        "interpolate", ["linear"], ["elevation"],
        -1, "#c3dcea", 0.3, "#cfe3ee", 1, "#eef0e2", 20, "#ecefdc", 150, "#e4e8cf", 500, "#ddd9bd", 1000, "#d2c7a8", 1800, "#c4b596",
      ],
    },
  } as LayerSpecification,
];

/** Terrain tiles repeat their edge where nothing is known; this paper lies over it: unknown is not drawn. */
export const MASK: LayerSpecification = { id: "mask", type: "raster", source: "unknown", paint: { "raster-fade-duration": 0, "raster-resampling": "nearest" } };

export const SHADE: LayerSpecification = {
  id: "hillshade",
  type: "hillshade",
  source: "terrain",
  paint: {
    "hillshade-exaggeration": byZoom(7, 0.42, 11, 0.32, 14, 0.2),
    "hillshade-shadow-color": "#3a4652",
    "hillshade-highlight-color": "#ffffff",
    "hillshade-accent-color": "#5b6470",
  },
};

/** How villages are drawn: filled by verdict; under computed levels, whose colours a fill would change, by edge alone. */
const EDGE_COLOUR = match("verdict", { covered: "#1d5e8a", not_covered: "#a5420c" }, "#5b626c");
export const VILLAGES = {
  filled: { fill: match("verdict", { covered: 0.42, not_covered: 0.72 }, 0.22), hatch: 0.75, edge: EDGE_COLOUR,
    width: byZoom(8, 0.25, 11, 0.7, 14, 1.4), opacity: byZoom(8, 0.35, 12, 0.7) },
  edged: { fill: 0, hatch: 0, edge: match("verdict", { covered: "#0d4f7d", not_covered: "#ff5a00" }, "#ffffff"),
    width: match("verdict", { not_covered: 2.6, unknown: 1.6 }, 0.5), opacity: 0.95 },
} as const;

export const AREAS: LayerSpecification[] = [
  {
    id: "villages-fill", type: "fill", source: "villages", "source-layer": "villages",
    paint: { "fill-color": match("verdict", VERDICT, VERDICT.unknown), "fill-opacity": VILLAGES.filled.fill, "fill-antialias": false },
  },
  {
    id: "villages-hatch", type: "fill", source: "villages", "source-layer": "villages",
    filter: ["==", ["get", "verdict"], "unknown"],
    paint: { "fill-pattern": "hatch", "fill-opacity": VILLAGES.filled.hatch },
  },
];

/** Computed levels between the villages. */
export const LEVELS: LayerSpecification[] = [
  { id: "coverage-levels", type: "raster", source: "coverage", layout: { visibility: "none" }, paint: { "raster-fade-duration": 0, "raster-resampling": "nearest", "raster-opacity": 0.75 } },
];

export const OUTLINES: LayerSpecification[] = [
  {
    id: "villages-line", type: "line", source: "villages", "source-layer": "villages",
    // An edge is two villages': the worse verdict's is drawn over the other's.
    layout: { "line-sort-key": match("verdict", { covered: 0, unknown: 1 }, 2) },
    paint: { "line-color": VILLAGES.filled.edge, "line-width": VILLAGES.filled.width, "line-opacity": VILLAGES.filled.opacity },
  },
  {
    id: "communes-halo", type: "line", source: "communes", "source-layer": "communes",
    layout: { "line-join": "round" },
    paint: { "line-color": "#ffffff", "line-width": byZoom(7, 1.6, 12, 4.5), "line-opacity": 0.55 },
  },
  {
    id: "communes-line", type: "line", source: "communes", "source-layer": "communes",
    layout: { "line-join": "round" },
    paint: { "line-color": INK, "line-width": byZoom(7, 0.5, 12, 1.5), "line-opacity": 0.75 },
  },
  {
    id: "villages-point", type: "circle", source: "villages", "source-layer": "village_points",
    filter: ["!", ["get", "has_area"]],
    paint: { "circle-radius": byZoom(7, 2, 10, 4, 14, 9), "circle-color": match("verdict", VERDICT, "#ffffff"), "circle-stroke-color": match("verdict", { unknown: VERDICT.unknown }, "#ffffff"), "circle-stroke-width": match("verdict", { unknown: 2 }, 1) },
  },
];

const cells = (layer: "poles" | "distribution_points", colour: string): LayerSpecification[] => [
  {
    id: `${layer}-cells`, type: "circle", source: layer, "source-layer": layer,
    minzoom: MIN_ZOOM[layer], maxzoom: DETAIL_ZOOM,
    paint: { "circle-color": colour, "circle-opacity": 0.3, "circle-stroke-color": colour, "circle-stroke-width": 0.8, "circle-stroke-opacity": 0.7, "circle-radius": ["interpolate", ["linear"], ["sqrt", ["get", "count"]], 1, 2.5, 5, 6, 14, 12] },
  },
  {
    id: `${layer}-counts`, type: "symbol", source: layer, "source-layer": layer,
    minzoom: 11.5, maxzoom: DETAIL_ZOOM, filter: [">=", ["get", "count"], 12],
    layout: { "text-field": ["to-string", ["get", "count"]], "text-font": FONT, "text-size": 10 },
    paint: { "text-color": "#22262c", "text-halo-color": "#ffffff", "text-halo-width": 1.2 },
  },
];

export const LINES: LayerSpecification[] = [
  {
    id: "ducts-case", type: "line", source: "ducts", "source-layer": "ducts",
    layout: { "line-cap": "round", "line-join": "round" },
    paint: { "line-color": "#ffffff", "line-width": byZoom(9, 1.8, 13, 4.5, 16, 8), "line-opacity": 0.8 },
  },
  {
    id: "ducts-line", type: "line", source: "ducts", "source-layer": "ducts",
    layout: { "line-cap": "round", "line-join": "round" },
    paint: { "line-color": match("state", { shared: STATE.shared, single: "#a67bd6" }, "#7b828c"), "line-width": byZoom(9, 0.9, 13, 2.4, 16, 5) },
  },
  ...cells("poles", "#6b5a2e"),
  {
    id: "poles-point", type: "circle", source: "poles", "source-layer": "poles", minzoom: DETAIL_ZOOM,
    paint: { "circle-radius": byZoom(13, 2, 15, 4, 18, 8), "circle-color": match("state", STATE, STATE.unknown), "circle-stroke-color": match("state", STATE_EDGE, "#6d7480"), "circle-stroke-width": byZoom(13, 0.6, 16, 1.4) },
  },
  {
    id: "manholes-point", type: "circle", source: "manholes", "source-layer": "manholes", minzoom: DETAIL_ZOOM + 0.5,
    paint: { "circle-radius": byZoom(13, 1.6, 15, 3.2, 18, 7), "circle-color": "#ffffff", "circle-stroke-color": MANHOLE, "circle-stroke-width": byZoom(13, 1, 17, 2.5) },
  },
  ...cells("distribution_points", PORT),
  {
    id: "distribution_points-point", type: "circle", source: "distribution_points", "source-layer": "distribution_points", minzoom: DETAIL_ZOOM,
    paint: { "circle-radius": byZoom(13, 3, 16, 6, 18, 9), "circle-color": PORT, "circle-stroke-color": "#ffffff", "circle-stroke-width": 1.4 },
  },
];

/** Pixels of a metre on the ground at zoom 0, in the middle of the country. */
const PIXELS = 512 / 40_075_016.7 / Math.cos((16 * Math.PI) / 180);
/** Side in pixels of the image `cell`; it is drawn as large as the cell is on the ground, but never too small to see. */
export const CELL_PX = 128;
const cellSize = (zoom: number): ExpressionSpecification =>
  ["max", (zoom < 9 ? 5 : 7) / CELL_PX, ["*", ["get", "grid_m"], (PIXELS * 2 ** zoom) / CELL_PX]] as unknown as ExpressionSpecification;

export const SITES: LayerSpecification[] = [
  {
    // Where a site stands is not told, only in which cell; so the whole cell is drawn and no point.
    id: "sites-blurred", type: "symbol", source: "sites", "source-layer": "sites_blurred",
    layout: { "icon-image": "cell", "icon-size": ["interpolate", ["exponential", 2], ["zoom"], 6, cellSize(6), 9, cellSize(9), 10, cellSize(10), 18, cellSize(18)] as never, "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-rotation-alignment": "map" },
    paint: { "icon-opacity": byZoom(7, 0.75, 12, 0.9, 15, 0.55) },
  },
  {
    id: "sites-point", type: "circle", source: "sites", "source-layer": "sites",
    paint: {
      "circle-radius": byZoom(7, match("state", { shared: 1.6 }, 0.9), 10, match("state", { shared: 4.4 }, 2.6), 13, match("state", { shared: 8 }, 6), 16, match("state", { shared: 12 }, 10)),
      "circle-color": match("state", STATE, STATE.unknown),
      "circle-stroke-color": match("state", STATE_EDGE, "#6d7480"),
      "circle-stroke-width": byZoom(7, 0.4, 11, 1.1, 15, 2),
    },
  },
  {
    id: "sites-k", type: "symbol", source: "sites", "source-layer": "sites", minzoom: 11.5,
    filter: [">=", ["coalesce", ["get", "k"], 0], 1],
    layout: { "text-field": ["to-string", ["get", "k"]], "text-font": FONT, "text-size": byZoom(11.5, 8, 16, 13), "text-allow-overlap": true },
    paint: { "text-color": match("state", { shared: "#ffffff" }, INK) },
  },
];

/** What must not leave the department says so on the map; MapView writes the word in the chosen language. */
const RESTRICTABLE = ["sites", "poles", "ducts", "manholes", "distribution_points"] as const;
export const RESTRICTED: LayerSpecification[] = RESTRICTABLE.map((layer) => ({
  id: `${layer}-restricted`, type: "symbol", source: layer, "source-layer": layer,
  minzoom: layer === "sites" ? 5 : DETAIL_ZOOM, filter: ["==", ["get", "restricted"], true],
  layout: {
    "symbol-placement": layer === "ducts" ? "line-center" : "point",
    "icon-image": "lock", "icon-size": byZoom(8, 0.6, 13, 1), "icon-allow-overlap": true, "icon-ignore-placement": true,
    "icon-offset": [11, -11], "text-field": "", "text-font": FONT, "text-size": 11, "text-anchor": "left", "text-offset": [1.9, -1], "text-optional": true,
  },
  paint: { "text-color": INK, "text-halo-color": "#ffffff", "text-halo-width": 2 },
}));

export const NAMES: LayerSpecification[] = [
  {
    id: "villages-name", type: "symbol", source: "villages", "source-layer": "village_points", minzoom: 11.5,
    layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": byZoom(11.5, 10, 15, 13), "text-max-width": 7, "text-padding": 4, "text-variable-anchor": ["center", "top", "bottom"], "text-radial-offset": 0.6 },
    paint: { "text-color": "#28323d", "text-halo-color": "rgba(255,255,255,0.9)", "text-halo-width": 1.3 },
  },
  {
    id: "communes-name", type: "symbol", source: "communes", "source-layer": "commune_labels", minzoom: 8.2,
    layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": byZoom(8.2, 10.5, 11, 14, 14, 18), "text-max-width": 7, "text-padding": 6 },
    paint: { "text-color": INK, "text-halo-color": "rgba(255,255,255,0.92)", "text-halo-width": 1.8 },
  },
];

/** Drawn above the names, which make room for it. */
export const COUNTS: LayerSpecification[] = [
  {
    id: "sites-blurred-count", type: "symbol", source: "sites", "source-layer": "sites_blurred", minzoom: 10.5,
    layout: { "text-field": ["to-string", ["get", "count"]], "text-font": FONT, "text-size": byZoom(10.5, 9, 14, 16), "text-allow-overlap": true },
    paint: { "text-color": STATE.shared, "text-halo-color": "#ffffff", "text-halo-width": 1.4 },
  },
];

const COUNTED_COLOUR = match("as", { ...COUNTED, ...VERDICT }, ACCENT);

export const MARKS: LayerSpecification[] = [
  {
    id: "counted-line", type: "line", source: "counted", filter: ["!=", ["geometry-type"], "Point"], layout: { "line-cap": "round" },
    paint: { "line-color": COUNTED_COLOUR, "line-width": byZoom(8, 2, 14, 5) },
  },
  {
    id: "counted-point", type: "circle", source: "counted", filter: ["==", ["geometry-type"], "Point"],
    paint: { "circle-radius": byZoom(8, 2.6, 12, 5, 15, 9), "circle-color": COUNTED_COLOUR, "circle-stroke-color": "#7a4a00", "circle-stroke-width": byZoom(8, 0.6, 13, 1.2) },
  },
  {
    id: "counted-name", type: "symbol", source: "counted", filter: ["has", "label"], maxzoom: 11.5, // from there on villages have their own
    layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 12, "text-offset": [0, 1.1], "text-anchor": "top", "text-max-width": 9 },
    paint: { "text-color": INK, "text-halo-color": "#ffffff", "text-halo-width": 1.6 },
  },
  {
    id: "acts-way", type: "line", source: "acts", filter: ["==", ["get", "role"], "way"], layout: { "line-cap": "round" },
    paint: { "line-color": INK, "line-width": byZoom(8, 1.2, 14, 2.6) },
  },
  {
    id: "acts-from", type: "circle", source: "acts", filter: ["==", ["get", "role"], "from"],
    paint: { "circle-radius": byZoom(8, 2.5, 12, 4, 15, 7), "circle-color": ACT.from, "circle-stroke-color": INK, "circle-stroke-width": 1.6 },
  },
  {
    id: "acts-to", type: "circle", source: "acts", filter: ["==", ["get", "role"], "to"],
    paint: { "circle-radius": byZoom(8, 2.8, 12, 4.5, 15, 8), "circle-color": ACT.to, "circle-stroke-color": "#ffffff", "circle-stroke-width": 1.2 },
  },
  {
    id: "acts-chosen-way", type: "line", source: "acts", filter: ["==", ["get", "rank"], -1], layout: { "line-cap": "round" },
    paint: { "line-color": ACCENT, "line-width": byZoom(8, 4, 14, 7), "line-opacity": 0.85 },
  },
  {
    id: "acts-chosen", type: "circle", source: "acts", filter: ["==", ["get", "rank"], -1],
    paint: { "circle-radius": byZoom(8, 7, 15, 14), "circle-opacity": 0, "circle-stroke-color": ACCENT, "circle-stroke-width": 3.5 },
  },
  {
    id: "candidates-area", type: "fill", source: "candidates", filter: ["==", ["geometry-type"], "Polygon"],
    paint: { "fill-color": INK, "fill-opacity": 0.1 },
  },
  {
    id: "candidates-line", type: "line", source: "candidates", filter: ["!=", ["geometry-type"], "Point"],
    paint: { "line-color": INK, "line-width": 1.6, "line-dasharray": [3, 2] },
  },
  {
    id: "candidates-point", type: "circle", source: "candidates", filter: ["==", ["geometry-type"], "Point"],
    paint: { "circle-radius": match("role", { aim: 9 }, 10), "circle-color": match("role", { aim: ACCENT, free: "#138a4d", full: "#9aa1aa" }, "#ffffff"), "circle-stroke-color": match("role", { unknown: "#6d7480" }, "#ffffff"), "circle-stroke-width": 2.5 },
  },
  {
    id: "candidates-number", type: "symbol", source: "candidates", filter: ["has", "number"],
    layout: { "text-field": ["get", "number"], "text-font": FONT, "text-size": 11, "text-allow-overlap": true },
    paint: { "text-color": match("role", { unknown: "#22262c" }, "#ffffff") },
  },
  {
    id: "highlight-fill", type: "line", source: "highlight",
    paint: { "line-color": "#ffffff", "line-width": 7, "line-opacity": 0.9 },
  },
  {
    id: "highlight-line", type: "line", source: "highlight",
    paint: { "line-color": ACCENT, "line-width": 3.5 },
  },
  {
    id: "highlight-point", type: "circle", source: "highlight", filter: ["==", ["geometry-type"], "Point"],
    paint: { "circle-radius": 13, "circle-opacity": 0, "circle-stroke-color": ACCENT, "circle-stroke-width": 3.5 },
  },
];

/** The style layers each entry of the layer tree switches. */
export const STYLE_LAYERS: Record<LayerName, string[]> = {
  villages: ["villages-fill", "villages-hatch", "villages-line", "villages-point", "villages-name"],
  coverage: ["coverage-levels"],
  communes: ["communes-halo", "communes-line", "communes-name"],
  sites: ["sites-blurred", "sites-blurred-count", "sites-point", "sites-k", "sites-restricted"],
  poles: ["poles-cells", "poles-counts", "poles-point", "poles-restricted"],
  ducts: ["ducts-case", "ducts-line", "ducts-restricted"],
  manholes: ["manholes-point", "manholes-restricted"],
  distribution_points: ["distribution_points-cells", "distribution_points-counts", "distribution_points-point", "distribution_points-restricted"],
  terrain: ["relief", "hillshade", "mask"],
};

/** What a click looks for, topmost first. */
export const CLICKABLE = [
  "acts-to", "acts-from", "acts-way",
  "candidates-point", "sites-point", "distribution_points-point", "distribution_points-cells", "poles-point",
  "manholes-point", "ducts-line", "poles-cells", "sites-blurred-count", "villages-point",
];
