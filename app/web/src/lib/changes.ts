/** Why a sharing ratio changed between two dates. */
import type { FeatureCollection } from "geojson";
import { query, request } from "./http";
import type { Wording } from "./types";

interface Sums {
  numerator: number;
  denominator: number;
  unknown: number;
}

export interface Side extends Sums {
  as_of: string;
  ratio: number | null;
}

export interface Part extends Sums {
  part: string;
  title: Wording;
  /** Percentage points; null of all parts alike where they cannot be told. */
  points: number | null;
  objects: number;
}

export interface Change {
  from: Side;
  to: Side;
  unit: string;
  counted_in: string;
  points: number | null;
  parts: Part[];
  points_reason: Wording | null;
}

export interface ChangeAsk {
  definition: string;
  from: string;
  to: string | null;
}

export const getChange = (asked: ChangeAsk): Promise<Change> => request(`/api/sharing/change${query({ ...asked })}`);

const PAGE = 1000;
type Found = FeatureCollection & { numberMatched: number };

/** The objects of a part, page by page until all are there or `limit` is reached. */
export async function getChangeObjects(asked: ChangeAsk, part: string, limit: number): Promise<Found> {
  const page = (offset: number): Promise<Found> =>
    request(`/api/sharing/change/objects${query({ ...asked, part, limit: PAGE, offset })}`);
  const found = await page(0);
  while (found.features.length < Math.min(limit, found.numberMatched)) {
    const next = await page(found.features.length);
    if (next.features.length === 0) break; // fewer by now
    found.features.push(...next.features);
  }
  return found;
}
