/** What the API answers, as far as the map uses it. */
import type { Feature, FeatureCollection, Geometry } from "geojson";

export type Verdict = "covered" | "not_covered" | "unknown";
export type Technology = "2G" | "3G" | "4G" | "5G";
export type Wording = { vi: string; en: string };

export interface Meta {
  version: string;
  title: string;
  synthetic: boolean;
  bbox: [number, number, number, number] | null;
  as_of: string;
  run: Run | null;
  rules: { name: string; version: number; default: boolean; citation: string }[];
  operators: { code: string; name: string; has_radio: boolean }[];
  technologies: Technology[];
  terrain: { tiles: number; bounds: [number, number, number, number] | null };
  /** Of these technologies there is a map between the villages. */
  coverage_maps: Technology[];
  model_error_db: number;
  /** Null: not calibrated, the error is an assumption. */
  calibration: { rmse_db: number; sites: number; synthetic: boolean } | null;
}

export interface Run {
  id: number;
  rule: string;
  rule_version: number;
  as_of: string;
  model: string;
  model_version: string;
  finished_at: string | null;
}

export interface VillageProperties {
  id: number;
  code: string;
  name: string;
  kind: string;
  urban: boolean | null;
  commune_code: string | null;
  commune_name: string | null;
  population: number | null;
  households: number | null;
  verdict: Verdict;
  share: number | null;
  synthetic: boolean;
}

export interface Page<P> extends FeatureCollection<Geometry, P> {
  features: Feature<Geometry, P>[];
  numberMatched: number;
  numberReturned: number;
}

export interface Server {
  cell: string | null;
  site: string | null;
  operator?: string | null;
  technology?: string | null;
}

export interface Estimate {
  operator?: string | null;
  technology?: string | null;
  verdict: Verdict;
  share: number | null;
  share_unknown: number | null;
  rsrp_dbm: number | null;
  margin_db: number | null;
  server: Server | null;
  distance_m: number | null;
  diffraction_db: number | null;
  /** Something serves, and this caller may not know what. */
  undisclosed: boolean;
}

export interface Coverage {
  village: Partial<VillageProperties> & { id: number; code: string; name: string };
  run: Run | null;
  verdict: Verdict;
  estimate: Estimate | null;
  /** What decided; everything but the estimate with its own answer stands in `evidence`. */
  decided_by: "drive_test" | "speed_test" | "model" | "polygon" | "claim" | null;
  evidence: { kind: string; verdict: Verdict; share: number | null }[];
  why: { vi: string[]; en: string[] };
  by: Estimate[];
  fibre: {
    verdict: Verdict;
    households: number | null;
    households_reached: number | null;
    undisclosed: boolean;
    nearest: { code: string; operator: string; distance_m: number; ports_free: number | null } | null;
    why?: { vi: string[]; en: string[] } | Wording | null;
  } | null;
}

export interface Definition {
  code: string;
  version: number;
  indicator: string;
  default: boolean;
  title: Wording;
  formula: string;
  citation: string;
  unit: string;
  counted_in: string;
}

export interface Ratio {
  definition: string;
  numerator: number | null;
  denominator: number | null;
  unknown: number | null;
  ratio: number | null;
  /** Too few objects, or another's own figure: this caller is told no number, but why. */
  withheld: boolean;
  reason: Wording | null;
  /** What the ratio would be if every unknown fell on the one side or the other. */
  ratio_low: number | null;
  ratio_high: number | null;
  target: { value: number; year: number; document: string } | null;
  objects: string;
}

export interface Breakdown extends Omit<Ratio, "target" | "objects"> {
  scope_kind: string;
  scope_code: string | null;
  scope_name: string;
}

export interface Sharing {
  as_of: string;
  definitions: Definition[];
  ratios: Ratio[];
  breakdown: Breakdown[];
}

export interface Candidate {
  site: string;
  structure: string | null;
  owner: { code: string; name: string } | null;
  distance_m: number;
  height_m: number | null;
  kind: string;
  type_code: string | null;
  tenants: string[];
  tenant_capacity: number | null;
  spare: number | null;
  spare_state: "free" | "full" | "unknown";
  spare_load_kg: number | null;
  lon: number;
  lat: number;
  synthetic: boolean;
}

export type Reason = { code: string } & Wording;

/** Whom antennas would reach, by the coverage model. */
export interface Reach {
  antenna_height_m: number;
  /** Those that count for the purpose. */
  people: number;
  people_served: number;
  people_gained: number;
  people_gained_at_most: number;
  people_first: number;
  villages_gained: string[];
  villages_perhaps: string[];
  /** Of the people of the proposal; null where that is not known. */
  share_of_proposal: number | null;
}

export interface Judged extends Candidate {
  free_height_m: number | null;
  contact: { name: string | null; contact: string | null; desk: Wording };
  coverage: Reach | null;
  serves_purpose: boolean | null;
  fails: Reason[];
}

export interface Constraint extends Wording {
  kind: string;
  code: string;
  name: string;
  status: "ok" | "warning" | "needs_approval" | "refuse" | "unknown";
  value: number | string | null;
  limit: number | string | null;
  distance_m: number | null;
  citation: string;
}

export interface Colocation {
  candidates: Judged[];
  near_duplicates: Candidate[];
  /** Of restricted sites; the department's only, and of no weight in the advice. */
  restricted: Candidate[];
  constraints: Constraint[];
  /** Of the proposal; null where no coverage run keeps levels. */
  coverage: Reach | null;
  modelled: { reason: string | null; rule: string | null; run_as_of: string | null; reach_km: number | null };
  poles_nearby: number;
  poles_nearby_at_least: boolean;
  commune: { code: string; name: string } | null;
  province: boolean | null;
  effect: Record<string, { before: number | null; after_new: number | null; after_shared: number | null; after: number | null }>;
  advice: { code: "share" | "license_shared" | "needs_a_person" | "refuse" } & Wording;
  reasons: Reason[];
  synthetic: boolean;
  as_of: string;
  citation: string;
}

export const PURPOSES = ["coverage", "capacity", "new_technology"] as const;

export interface ColocationAsk {
  lon: number;
  lat: number;
  operator: string;
  technologies: Technology[];
  height_m: number;
  purpose: (typeof PURPOSES)[number];
  radius_m?: number;
  as_of?: string;
}

/** What may be asked, by the policy in force today. */
export interface SharingOffer {
  radii_m: number[];
  max_height_m: number;
  per_hour: number;
  per_day: number;
}

export interface SharingQuestion {
  lon: number;
  lat: number;
  radius_m: number;
  height_m?: number;
  technologies: Technology[];
  /** For which of several organisations the account asks. */
  operator?: string;
}

interface Counted {
  count: number;
  at_least: boolean;
}

export interface SharingAnswer {
  reference: string;
  may_share: "yes" | "no" | "unknown";
  with_room: Counted;
  unknown: Counted;
  message: Wording;
  own: Candidate[];
  contact: Wording;
  searched: { lon: number; lat: number; radius_m: number; grid_m: number; height_m: number | null };
  left: { hour: number | null; day: number | null };
  synthetic: boolean;
}

export interface FieldChange {
  field: string;
  before: unknown;
  after: unknown;
  moved_m: number | null;
}

export interface History {
  numberMatched: number;
  history: {
    id: number;
    at: string;
    operation: "insert" | "update" | "remove";
    actor: { kind: "department" | "own_organisation" | "commune_officer" | "other"; name: string | null };
    reason: string | null;
    changes: FieldChange[];
  }[];
}

/** A pole, duct, site … clicked on the map: the properties of its tile feature. */
export interface Picked {
  layer: string;
  /** Number of the object; null of a group. */
  id: number | null;
  properties: Record<string, string | number | boolean | null>;
  at: [number, number];
}
