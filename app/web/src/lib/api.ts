/** Every request the map makes; a refusal becomes a Problem with the server's words in both languages. */
import type { FeatureCollection } from "geojson";
import type { Colocation, ColocationAsk, Coverage, Meta, Page, Sharing, VillageProperties, Wording } from "./types";

export class Problem extends Error {
  constructor(
    readonly code: string,
    readonly wording: Wording,
    readonly field: string | null = null,
  ) {
    super(wording.en);
  }
}

type Value = string | number | boolean | null | undefined;

export function query(values: Record<string, Value>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(values))
    if (value !== null && value !== undefined && value !== "") params.set(key, String(value));
  const text = params.toString();
  return text ? `?${text}` : "";
}

async function request<T>(url: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...init });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new Problem("unreachable", {
      vi: "Không kết nối được với máy chủ Hatang.",
      en: "The Hatang server cannot be reached.",
    });
  }
  if (response.ok) return (await response.json()) as T;
  const body = (await response.json().catch(() => ({}))) as Partial<{
    code: string;
    title: string;
    message: Wording;
    field: string;
  }>;
  const title = body.title ?? `${response.status} ${response.statusText}`;
  throw new Problem(body.code ?? String(response.status), body.message ?? { vi: title, en: title }, body.field ?? null);
}

export interface VillageQuery {
  [key: string]: Value;
  q?: string;
  rule?: string | null;
  operator?: string | null;
  technology?: string | null;
  verdict?: string;
  as_of?: string | null;
  limit?: number;
  offset?: number;
}

export const getMeta = (as_of: string | null): Promise<Meta> => request(`/api/meta${query({ as_of })}`);

export const getVillages = (asked: VillageQuery, signal?: AbortSignal): Promise<Page<VillageProperties>> =>
  request(`/api/villages${query(asked)}`, signal ? { signal } : {});

export const getVillage = (id: number): Promise<GeoJSON.Feature> => request(`/api/villages/${id}`);

export const getCoverage = (id: number, rule: string | null, as_of: string | null): Promise<Coverage> =>
  request(`/api/villages/${id}/coverage${query({ rule, as_of })}`);

export const getSharing = (as_of: string | null, by: string | null): Promise<Sharing> =>
  request(`/api/sharing${query({ as_of, by })}`);

export interface Counted extends FeatureCollection {
  numberMatched: number;
}

const PAGE = 1000;

/** The objects a ratio counted, page by page until all are there or `limit` is reached. */
export async function getCounted(
  href: string,
  counted: string,
  as_of: string | null,
  definition: string,
  limit: number,
): Promise<Counted> {
  const [path, given] = href.split("?");
  const asked = { as_of, definition, ...Object.fromEntries(new URLSearchParams(given ?? "")), counted, limit: PAGE };
  const first = await request<Counted>(`${path}${query(asked)}`);
  const offsets: number[] = [];
  for (let offset = PAGE; offset < Math.min(limit, first.numberMatched); offset += PAGE) offsets.push(offset);
  const rest = await Promise.all(offsets.map((offset) => request<Counted>(`${path}${query({ ...asked, offset })}`)));
  return { ...first, features: [first, ...rest].flatMap((page) => page.features) };
}

export const postColocation = (asked: ColocationAsk): Promise<Colocation> =>
  request("/api/colocation", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(asked),
  });
