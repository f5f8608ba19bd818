/** What the map asks the server. */
import type { Feature, FeatureCollection } from "geojson";
import { query, request, sent } from "./http";
import type {
  Colocation,
  ColocationAsk,
  Coverage,
  History,
  Meta,
  Page,
  Sharing,
  SharingAnswer,
  SharingOffer,
  SharingQuestion,
  VillageProperties,
} from "./types";

type Value = string | number | boolean | null | undefined;

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
  const as = (feature: Feature): Feature => ({ ...feature, properties: { ...feature.properties, as: counted } });
  return { ...first, features: [first, ...rest].flatMap((page) => page.features.map(as)) };
}

export const postColocation = (asked: ColocationAsk): Promise<Colocation> =>
  request("/api/colocation", sent("POST", asked));

export const getSharingOffer = (): Promise<SharingOffer> => request("/api/sharing-question");

export const postSharingQuestion = (asked: SharingQuestion): Promise<SharingAnswer> =>
  request("/api/sharing-question", sent("POST", asked));

export const getHistory = (layer: string, id: number): Promise<History> =>
  request(`/api/objects/${layer}/${id}/history${query({ limit: 50 })}`);
