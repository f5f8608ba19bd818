/** Who is at the screen, and what follows when that changes: nothing of the previous person stays on it. */
import { tick } from "svelte";
import { deleteSession, getSession, NOBODY, postPassword, postSession, type Identity, type Role } from "./accounts";
import { keys, Problem } from "./http";
import { forget, type LayerName } from "./state.svelte";

export type DialogName = "sign-in" | "password" | "tokens" | "sessions";

interface Session {
  who: Identity;
  /** The server has said who it is. */
  known: boolean;
  /** The server no longer knows this person's session; the screen waits behind the sign-in dialog. */
  lost: boolean;
  dialog: DialogName | null;
  /** This person is signing out: nothing more is asked for. */
  leaving: boolean;
  /** Counts persons: panels of the one before are built anew. */
  person: number;
  /** Counts sign-ins: tiles refused in between are asked for again. */
  entry: number;
}

export const session = $state<Session>({
  who: NOBODY,
  known: false,
  lost: false,
  dialog: null,
  leaving: false,
  person: 0,
  entry: 0,
});

let waiting: ((again: boolean) => void)[] = [];
// Another window of this browser that signs in or out changes the cookie of all of them.
const windows = new BroadcastChannel("hatang.session");
windows.onmessage = () => void load().catch(() => undefined);

export const signedIn = (): boolean => session.who.account_id !== null;

export const holds = (...roles: Role[]): boolean => roles.some((role) => session.who.roles.includes(role));

const SIGN_IN_FOR: readonly LayerName[] = ["ducts", "poles", "manholes", "distribution_points"];

/** Whether this person is told anything of a layer: networks are not shown to the public. */
export const offered = (layer: LayerName): boolean =>
  !SIGN_IN_FOR.includes(layer) || session.who.roles.some((role) => role !== "public");

function enter(who: Identity): void {
  const same = session.known && who.account_id === session.who.account_id;
  if (!same || session.lost) session.entry += 1;
  if (!same) {
    session.person += 1;
    forget();
  }
  if (!same || session.dialog === "sign-in") session.dialog = null;
  if (who.must_change_password) session.dialog = "password";
  keys.csrf = who.csrf;
  Object.assign(session, { who, known: true, lost: false });
  const again = same && who.account_id !== null && !who.must_change_password;
  for (const go of waiting.splice(0)) go(again);
}

// One after another in all windows: an answer that takes a stale cookie back must not come after a newer one is set.
// Without HTTPS browsers have no such lock, and the cookie may have to be given once more.
const inTurn = <T,>(work: () => Promise<T>): Promise<T> =>
  "locks" in navigator ? (navigator.locks.request("hatang.session", work) as Promise<T>) : work();

export async function load(): Promise<void> {
  enter(await inTurn(getSession));
}

export async function signIn(name: string, password: string): Promise<void> {
  enter(await inTurn(() => postSession(name, password)));
  windows.postMessage(null);
}

export async function changePassword(old: string, changed: string): Promise<void> {
  const forced = session.who.must_change_password;
  await postPassword(old, changed);
  await load();
  if (forced) session.dialog = null;
}

export async function signOut(): Promise<void> {
  session.leaving = true;
  await tick(); // the map is gone, and with it its requests: the server would refuse those still on the way
  try {
    await inTurn(deleteSession).catch((cause: unknown) => {
      if (!(cause instanceof Problem && cause.status === 401)) throw cause; // over already
    });
    enter(NOBODY);
  } finally {
    session.leaving = false;
  }
  windows.postMessage(null);
}

/** The sign-in dialog is closed without one; whose session is over goes on as the public. */
export async function goOn(): Promise<void> {
  if (session.lost) await signOut();
  else session.dialog = null;
}

keys.lost = () => {
  if (!signedIn() || session.leaving) return Promise.resolve(false);
  session.lost = true;
  return new Promise((go) => waiting.push(go));
};
