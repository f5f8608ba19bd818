/** What the user is looking at: filters, layers, the open panel. Kept in the URL so that a link restores it. */
import type { Feature, FeatureCollection } from "geojson";
import type { Candidate, Meta, Picked, Verdict } from "./types";
import type { Position } from "./coordinates";

export const LAYERS = ["villages", "coverage", "communes", "sites", "ducts", "poles", "manholes", "distribution_points", "terrain"] as const;
export type LayerName = (typeof LAYERS)[number];
/** Shown only when asked for. */
const OFF: readonly LayerName[] = ["coverage"];
export type PanelName = "village" | "object" | "sharing" | "colocation" | "uncovered" | "programmes" | "applications";

export type Box = [number, number, number, number];

export interface View {
  rule: string | null;
  operator: string | null;
  technology: string | null;
  as_of: string | null;
  hidden: LayerName[];
  /** How much the coverage map hides of what lies under it, 0 to 1. */
  opacity: number;
  verdicts: Verdict[];
  panel: PanelName | null;
  village: number | null;
  picked: Picked | null;
  /** Outline of the open village, drawn as highlight. */
  outline: Feature | null;
  aim: Position | null;
  radius_m: number;
  candidates: Candidate[];
  counted: FeatureCollection | null;
  /** The programme that is open, its acts on the map, and the rank of the one that stands out. */
  programme: number | null;
  acts: FeatureCollection | null;
  act: number | null;
  application: number | null;
}

export const view = $state<View>({
  rule: null,
  operator: null,
  technology: null,
  as_of: null,
  hidden: ["coverage"],
  opacity: 0.75,
  verdicts: ["covered", "not_covered", "unknown"],
  panel: null,
  village: null,
  picked: null,
  outline: null,
  aim: null,
  radius_m: 500,
  candidates: [],
  counted: null,
  programme: null,
  acts: null,
  act: null,
  application: null,
});

interface Shown {
  meta: Meta | null;
  zoom: number;
  /** Side of the cells sites are blurred to, as the tiles tell it. */
  grid_m: number;
  /** Middle of the map, for the one that takes its place when somebody signs in or out. */
  centre: [number, number] | null;
  flyTo: [number, number] | null;
  fit: Box | null;
}

export const server = $state<Shown>({
  meta: null,
  zoom: 9,
  grid_m: 1000,
  centre: null,
  flyTo: null,
  fit: null,
});

export function open(panel: PanelName | null): void {
  view.outline = null;
  if (panel !== "village") view.village = null;
  if (panel !== "object") view.picked = null;
  if (panel !== "colocation") {
    view.aim = null;
    view.candidates = [];
  }
  if (panel !== "programmes") view.acts = view.act = null;
  if (panel !== view.panel) view.counted = null;
  view.panel = panel;
}

/** Drop what the server told one person before another looks at the screen; filters and the open village stay. */
export function forget(): void {
  if (view.panel === "object") open(null);
  view.outline = null;
  view.candidates = [];
  view.counted = null;
  view.programme = view.acts = view.act = view.application = null;
}

export function openVillage(id: number, at: [number, number] | null = null): void {
  open("village");
  view.village = id;
  if (at) server.flyTo = at;
}

const PANELS: readonly string[] = ["sharing", "colocation", "uncovered", "programmes", "applications"];
const TEXTS = ["rule", "operator", "technology"] as const;

/** Read filters, hidden layers and the panel from the hash; MapLibre reads `map=zoom/lat/lon` itself. */
export function readHash(hash: string): void {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  for (const name of TEXTS) view[name] = params.get(name);
  const date = params.get("as_of");
  view.as_of = date && /^\d{4}-\d{2}-\d{2}$/.test(date) ? date : null;
  const off = (params.get("off") ?? "").split(",");
  const on = (params.get("on") ?? "").split(",");
  view.hidden = LAYERS.filter((name) => off.includes(name) || (OFF.includes(name) && !on.includes(name)));
  const village = Number(params.get("village"));
  const panel = params.get("panel") ?? "";
  if (Number.isInteger(village) && village > 0) openVillage(village);
  else if (PANELS.includes(panel)) open(panel as PanelName);
}

/** Return the hash of the present view, with the map position of `hash` kept. */
export function writeHash(hash: string): string {
  const map = /(?:^|[#&])map=([^&]*)/.exec(hash)?.[1];
  const parts = map ? [`map=${map}`] : [];
  for (const name of [...TEXTS, "as_of"] as const) {
    const value = view[name];
    if (value) parts.push(`${name}=${encodeURIComponent(value)}`);
  }
  const off = view.hidden.filter((name) => !OFF.includes(name));
  const on = OFF.filter((name) => !view.hidden.includes(name));
  if (off.length) parts.push(`off=${off.join(",")}`);
  if (on.length) parts.push(`on=${on.join(",")}`);
  if (view.village !== null) parts.push(`village=${view.village}`);
  else if (view.panel && PANELS.includes(view.panel)) parts.push(`panel=${view.panel}`);
  return parts.length ? `#${parts.join("&")}` : "";
}
