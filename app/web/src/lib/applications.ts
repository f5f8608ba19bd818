/** Applications, their documents, and sharing requests to owners. */
import type { Geometry } from "geojson";
import { answered, query, request, sent } from "./http";
import type { Technology, Wording } from "./types";

export interface Organisation {
  code: string;
  name: string;
}

export interface Clock {
  stage: string;
  started_on: string;
  due_on: string | null;
  ended_on: string | null;
  working_days_allowed: number;
  working_days_left: number;
  overdue: boolean;
  paused: boolean;
}

export interface ApplicationLine {
  id: number;
  reference: string;
  kind: "tower" | "pole" | "duct";
  applicant: Organisation;
  operator: Organisation;
  title: string;
  state: string;
  state_name: Wording;
  route: string | null;
  decision: { outcome: string; number: string | null; on: string; why: string | null; request: string | null } | null;
  created_at: string;
  state_since: string;
  clock: Clock | null;
  synthetic: boolean;
}

export interface SharingRequest {
  id: number;
  reference: string;
  application_id: number | null;
  object: { kind: string; code: string | null; geometry?: Geometry; height_m?: number | null; synthetic?: boolean } | null;
  owner: Organisation;
  asked: Record<string, unknown>;
  sent_at: string;
  due_on: string;
  working_days_left: number;
  overdue: boolean;
  state: string;
  state_name: Wording;
  answer: { slots: number; height_m: number | null; price_vnd_month: number | null; valid_until: string | null } | null;
  refusal: ({ code: string; text: string | null } & Wording) | null;
  note: string | null;
  answered_at: string | null;
  allowed_actions: string[];
}

export interface DocumentLine {
  id: number;
  name: string;
  kind: string;
  size_bytes: number;
  at: string;
  href: string;
}

export interface Step {
  id: number;
  at: string;
  action: string;
  from_state: string | null;
  to_state: string;
  actor: { kind: string | null; name: string | null } | null;
  note: string | null;
}

export interface Application extends ApplicationLine {
  version: number | null;
  geometry: Geometry | null;
  height_m: number | null;
  technologies: Technology[] | null;
  purpose: string | null;
  in_deployment_list: boolean | null;
  plan_entry: string | null;
  as_of: string | null;
  check: { advice: string; made_at: string; as_of: string; answer: { advice?: Wording } } | null;
  clocks: Clock[];
  events: Step[];
  requests: SharingRequest[];
  documents: DocumentLine[];
  allowed_actions: string[];
}

export interface Draft {
  kind: "tower";
  title: string;
  purpose: string;
  geometry: { type: "Point"; coordinates: [number, number] };
  height_m: number | null;
  technologies: Technology[];
  applicant?: string;
}

export interface ActionGiven {
  note?: string;
  number?: string;
  requests?: number[];
  tenant_capacity?: number;
  as_built?: { lon: number; lat: number; height_m?: number; on: string };
}

/** An application with the version that was read, which a change has to name. */
export type Read = Application & { etag: string | null };

async function whole(url: string, init: RequestInit = {}): Promise<Read> {
  const response = await answered(url, init);
  return { ...((await response.json()) as Application), etag: response.headers.get("ETag") };
}

export interface Listed<T> {
  items: T[];
  numberMatched: number;
}

export const getApplications = (asked: Record<string, string | number | boolean | null>): Promise<Listed<ApplicationLine>> =>
  request(`/api/applications${query(asked)}`);

export const getApplication = (id: number): Promise<Read> => whole(`/api/applications/${id}`);

export const postDraft = (draft: Draft): Promise<Application> => request("/api/applications", sent("POST", draft));

export const patchDraft = (id: number, etag: string | null, change: Record<string, unknown>): Promise<Read> => {
  const { method, headers, body } = sent("PATCH", change);
  return whole(`/api/applications/${id}`, { method, body, headers: { ...headers, ...(etag ? { "If-Match": etag } : {}) } } as RequestInit);
};

export const postAction = (id: number, action: string, given: ActionGiven): Promise<Read> =>
  whole(`/api/applications/${id}/actions/${action}`, sent("POST", given));

/** The file itself is the body: nothing of it is unpacked on the way. */
export const postDocument = (id: number, file: File): Promise<DocumentLine> =>
  request(`/api/applications/${id}/documents${query({ name: file.name.normalize("NFC") })}`, {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body: file,
  });

export const getRequests = (asked: Record<string, string | number | null>): Promise<Listed<SharingRequest>> =>
  request(`/api/sharing-requests${query(asked)}`);

export const postRequest = (id: number, action: string, given: Record<string, unknown>): Promise<SharingRequest> =>
  request(`/api/sharing-requests/${id}/${action}`, sent("POST", given));
