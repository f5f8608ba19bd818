/** Files for the person at the screen: what the server wrote, or tables of what the map shows. */
import type { Feature, FeatureCollection } from "geojson";
import { answered } from "./http";
import { centreOf } from "./shapes";

export function keep(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser may still be reading it
}

/** Save what the server answers under the name it gives, else `name`. */
export async function save(url: string, name: string): Promise<void> {
  const response = await answered(url);
  const header = response.headers.get("Content-Disposition") ?? "";
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(header)?.[1];
  const given = encoded ? decodeURIComponent(encoded) : /filename="([^"]+)"/.exec(header)?.[1];
  keep(await response.blob(), given ?? name);
}

/** What a spreadsheet would take for a formula is told to it as text. */
const harmless = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);

function cell(value: unknown): string {
  if (typeof value === "number") return String(value);
  const text = Array.isArray(value) ? value.join("; ") : value === null || value === undefined ? "" : String(value);
  return `"${harmless(text).replaceAll('"', '""')}"`;
}

/** A table of features, one a row, with their middle; the mark lets Excel read Vietnamese. */
export function csv(features: Feature[], columns: Record<string, (feature: Feature) => unknown>): Blob {
  const head = [...Object.keys(columns), "lon", "lat"].map(cell).join(",");
  const rows = features.map((feature) => {
    const [lon, lat] = centreOf(feature) ?? [null, null];
    return [...Object.values(columns).map((column) => column(feature)), lon, lat].map(cell).join(",");
  });
  return new Blob(["\uFEFF", [head, ...rows].join("\r\n"), "\r\n"], { type: "text/csv;charset=utf-8" });
}

export const geojson = (data: FeatureCollection): Blob => new Blob([JSON.stringify(data)], { type: "application/geo+json" });
