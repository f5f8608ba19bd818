/** What follows from a proposal: the appraisal sheet, and the villages and ratios if it were licensed. */
import { request, sent } from "./http";
import type { ColocationAsk, Technology, Verdict } from "./types";

export interface License {
  operator: string;
  lon: number;
  lat: number;
  height_m: number;
  technologies: Technology[];
}

export interface ChangedVillage {
  code: string;
  name: string;
  commune: string | null;
  lon: number;
  lat: number;
  population: number | null;
  before: Verdict;
  after: Verdict;
  share_before: number | null;
  share_after: number | null;
  synthetic: boolean;
}

export interface WhatIf {
  villages: {
    looked_at: number;
    before: Record<Verdict, number>;
    after: Record<Verdict, number>;
    people_before: number;
    people_after: number;
    changed: ChangedVillage[];
  } | null;
  ratios: Record<string, { before: { ratio: number | null }; after: { ratio: number | null } }>;
  modelled: { reason: string | null };
  why: { vi: string[]; en: string[] };
  synthetic: boolean;
}

export const postWhatIf = (license: License, as_of: string | null): Promise<WhatIf> =>
  request("/api/what-if", sent("POST", { license: [license], ...(as_of ? { as_of } : {}) }));

export const postAppraisal = (asked: ColocationAsk): Promise<{ id: number; sha256: string }> =>
  request("/api/appraisals", sent("POST", asked));
