/** Programmes: the cheapest path to a sharing target, computed by a background job. */
import type { Feature, FeatureCollection } from "geojson";
import { query, request, sent } from "./http";
import { collection } from "./shapes";
import type { Reason, Wording } from "./types";

export const KINDS = ["towers", "poles", "ducts", "new_sites"] as const;
export type Kind = (typeof KINDS)[number];

export interface ProgrammeAsk {
  kind: Kind;
  target?: number;
  radius_m?: number;
  operator?: string;
  gap?: number;
  time_limit_s?: number;
  each_operator?: boolean;
  allow_additions?: boolean;
  include_unknown?: boolean;
  as_of?: string;
}

interface Standing {
  numerator: number;
  denominator: number;
  unknown: number;
  ratio: number | null;
}

interface Place {
  layer: string;
  id: number | null;
  code: string | null;
  lon: number;
  lat: number;
}

export interface Act {
  rank: number;
  kind: string;
  source: Place | null;
  target: Place;
  organisations: string[];
  distance_m: number | null;
  cost_vnd: number;
  capacity_left: number | null;
  value_after: number | null;
  coverage: "kept" | "unknown" | "not_concerned";
  villages_checked: number;
  reasons: Reason[];
  street: string | null;
  length_m: number | null;
  synthetic: boolean;
}

export interface Summary {
  id: number;
  kind: Kind;
  definition: string;
  target: number | null;
  as_of: string;
  made_at: string;
  status: "optimal" | "time_limit" | "infeasible" | "no_solution" | "already_met";
  before: Standing | null;
  after: Standing | null;
  reachable: Standing | null;
  acts: number;
  cost_vnd: number;
  bound_vnd: number | null;
  gap: number | null;
  seconds: number;
  synthetic: boolean;
}

export interface Programme extends Omit<Summary, "acts"> {
  acts: Act[];
  counts: Record<string, unknown>;
  reasons: Reason[];
  streets: { street: string | null; acts: number; length_m: number; cost_vnd: number }[];
  villages: Record<string, unknown>;
}

export interface Job {
  id: number;
  kind: string;
  args: Record<string, unknown>;
  asked_by: string;
  status: "queued" | "running" | "done" | "failed" | "cancelled";
  done: number;
  total: number | null;
  stage: string;
  cancel_asked: boolean;
  message: Wording | null;
  result: Record<string, unknown> | null;
}

export const under_way = (job: Job): boolean => job.status === "queued" || job.status === "running";

export const postProgramme = (asked: ProgrammeAsk): Promise<{ job: number }> =>
  request("/api/programmes", sent("POST", asked));

export const getProgrammes = (limit: number): Promise<{ items: Summary[]; numberMatched: number }> =>
  request(`/api/programmes${query({ limit })}`);

export const getProgramme = (id: number): Promise<Programme> => request(`/api/programmes/${id}`);

export const getJob = (id: number): Promise<Job> => request(`/api/jobs/${id}`);

export const cancelJob = (id: number): Promise<Job> => request(`/api/jobs/${id}/cancel`, sent("POST"));

/** The newest programme of `account` that is still under way, after the panel was closed or the page loaded anew. */
export async function findJob(account: number | null): Promise<Job | null> {
  const { jobs } = await request<{ jobs: Job[] }>(`/api/jobs${query({ kind: "programme_run", limit: 20 })}`);
  return jobs.find((job) => under_way(job) && job.asked_by === `user:${account}`) ?? null;
}

/** The acts for the map: a line from what goes to what is shared and its two ends, else a point. */
export function drawn(acts: Act[]): FeatureCollection {
  return collection(
    acts.flatMap(({ rank, kind, source, target }) => {
      const end: [number, number] = [target.lon, target.lat];
      const made = (role: string, geometry: Feature["geometry"]): Feature => ({ type: "Feature", properties: { rank, kind, role }, geometry });
      const to = made("to", { type: "Point", coordinates: end });
      if (!source) return [to];
      const start: [number, number] = [source.lon, source.lat];
      return [made("way", { type: "LineString", coordinates: [start, end] }), made("from", { type: "Point", coordinates: start }), to];
    }),
  );
}
