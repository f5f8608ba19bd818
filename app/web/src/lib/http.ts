/** One request to our own server: the session's key goes along, a refusal becomes a Problem in both languages. */
import type { Wording } from "./types";

export class Problem extends Error {
  constructor(
    readonly code: string,
    readonly wording: Wording,
    readonly field: string | null = null,
    readonly status = 0,
    /** Seconds after which the server takes the next attempt. */
    readonly retryAfter: number | null = null,
    /** What else the refusal tells programs. */
    readonly told: Readonly<Record<string, unknown>> = {},
  ) {
    super(wording.en);
  }
}

/** Whether a refusal is about one of the fields, which tells it itself. */
export const about = (failure: unknown, ...fields: string[]): boolean =>
  failure instanceof Problem && failure.field !== null && fields.includes(failure.field);

/** What the session lends to every request; session.svelte.ts fills it in. */
export const keys: {
  csrf: string;
  /** Called when the server no longer knows the session; true once the same person is signed in again. */
  lost: () => Promise<boolean>;
} = { csrf: "", lost: () => Promise.resolve(false) };

const LOST: ReadonlySet<string> = new Set(["session_expired", "session_revoked", "session_invalid", "sign_in_required"]);

type Value = string | number | boolean | null | undefined;

export function query(values: Record<string, Value>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(values))
    if (value !== null && value !== undefined && value !== "") params.set(key, String(value));
  const text = params.toString();
  return text ? `?${text}` : "";
}

async function send(url: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  if ((init.method ?? "GET") !== "GET" && keys.csrf) headers.set("X-CSRF-Token", keys.csrf);
  try {
    return await fetch(url, { credentials: "same-origin", ...init, headers });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new Problem("unreachable", {
      vi: "Không kết nối được với máy chủ Hatang.",
      en: "The Hatang server cannot be reached.",
    });
  }
}

async function refusal(response: Response): Promise<Problem> {
  const body = (await response.json().catch(() => ({}))) as Partial<{
    code: string;
    title: string;
    message: Wording;
    field: string;
    retry_after_s: number;
  }>;
  const title = body.title ?? `${response.status} ${response.statusText}`;
  const wait = body.retry_after_s ?? Number(response.headers.get("Retry-After") ?? NaN);
  return new Problem(
    body.code ?? String(response.status),
    body.message ?? { vi: title, en: title },
    body.field ?? null,
    response.status,
    Number.isFinite(wait) ? wait : null,
    body,
  );
}

async function content<T>(response: Response): Promise<T> {
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

/** Ask, and after a sign-in in between ask once more. */
export async function answered(url: string, init: RequestInit = {}): Promise<Response> {
  const response = await send(url, init);
  if (response.ok) return response;
  const problem = await refusal(response);
  if (response.status !== 401 || !LOST.has(problem.code) || !(await keys.lost())) throw problem;
  const again = await send(url, init);
  if (again.ok) return again;
  throw await refusal(again);
}

export const request = async <T>(url: string, init: RequestInit = {}): Promise<T> => content(await answered(url, init));

export const sent = (method: "POST" | "PATCH" | "DELETE", body?: unknown): RequestInit =>
  body === undefined
    ? { method }
    : { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
