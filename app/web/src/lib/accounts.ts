/** Who is signed in, passwords and personal API tokens, as the server tells them. */
import { request, sent } from "./http";
import type { Wording } from "./types";

export type Role = "public" | "operator" | "commune_officer" | "other_department" | "planner" | "administrator";
export type TokenScope = "read" | "write" | "administer";

export interface Identity {
  account_id: number | null;
  name: string;
  display_name: string;
  roles: Role[];
  /** Codes of the organisations the account acts for. */
  organisations: string[];
  communes: number[];
  must_change_password: boolean;
  csrf: string;
}

export const NOBODY: Identity = {
  account_id: null,
  name: "",
  display_name: "",
  roles: ["public"],
  organisations: [],
  communes: [],
  must_change_password: false,
  csrf: "",
};

export interface Token {
  id: number;
  name: string;
  scopes: TokenScope[];
  created_at: string;
  expires_at: string;
  revoked_at: string | null;
  last_used_at: string | null;
}

/** A browser that is signed in. */
export interface OpenSession {
  id: number;
  current: boolean;
  created_at: string;
  last_seen_at: string;
  address: string;
  user_agent: string;
}

export interface SingleSignOn {
  configured: boolean;
  label: Wording;
  /** Address that begins it; takes `return_to`. */
  start: string;
}

export const getSession = (): Promise<Identity> => request("/api/session");

export const postSession = (name: string, password: string): Promise<Identity> =>
  request("/api/session", sent("POST", { name, password }));

export const deleteSession = (): Promise<void> => request("/api/session", sent("DELETE"));

export const getSessions = (): Promise<OpenSession[]> => request("/api/sessions");

export const deleteOwnSession = (id: number): Promise<void> => request(`/api/sessions/${id}`, sent("DELETE"));

export const deleteOtherSessions = (): Promise<{ ended: number }> => request("/api/sessions", sent("DELETE"));

// The first that fits: Edge calls itself Chrome too, Chrome calls itself Safari, Android Linux.
const BROWSERS = { Edge: /Edg/, "Cốc Cốc": /coc_coc/i, Firefox: /Firefox|FxiOS/, Chrome: /Chrom|CriOS/, Safari: /Safari/ };
const SYSTEMS = { Android: /Android/, iPhone: /iPhone/, iPad: /iPad/, Windows: /Windows/, macOS: /Mac OS/, Linux: /Linux/ };

/** Browser and system of a user agent in two words, empty when it is neither known. */
export function device(agent: string): string {
  const found = [BROWSERS, SYSTEMS].map((known) => Object.entries(known).find(([, mark]) => mark.test(agent))?.[0]);
  return found.filter(Boolean).join(" · ");
}

export const postPassword = (old: string, changed: string): Promise<void> =>
  request("/api/session/password", sent("POST", { old, new: changed }));

export const getSingleSignOn = (): Promise<SingleSignOn> => request("/api/session/oidc");

export const getTokens = (): Promise<Token[]> => request("/api/tokens");

export const postToken = (name: string, scopes: TokenScope[], days: number): Promise<Token & { token: string }> =>
  request("/api/tokens", sent("POST", { name, scopes, days }));

export const deleteToken = (id: number): Promise<void> => request(`/api/tokens/${id}`, sent("DELETE"));
