/** Words in Vietnamese and English; the chosen language is remembered. */
import en from "./en.json";
import vi from "./vi.json";

export type Language = "vi" | "en";
export type Key = keyof typeof vi;

const WORDS: Record<Language, Record<Key, string>> = { vi, en };
const STORED = "hatang.language";

function remembered(): Language {
  try {
    return localStorage.getItem(STORED) === "en" ? "en" : "vi";
  } catch {
    return "vi"; // storage may be switched off; Vietnamese is what the department speaks
  }
}

export const language = $state<{ current: Language }>({ current: remembered() });

export function speak(chosen: Language): void {
  language.current = chosen;
  document.documentElement.lang = chosen;
  try {
    localStorage.setItem(STORED, chosen);
  } catch {
    // not remembered, still spoken
  }
}

export function t(key: Key, values: Record<string, string | number> = {}): string {
  return WORDS[language.current][key].replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all));
}

/** A word when there is one for `key`, else `otherwise`: codes from the data that nobody has translated. */
export function word(key: string, otherwise: string): string {
  return key in WORDS.vi ? t(key as Key) : otherwise;
}

/** Short name of an organisation: the brand in brackets of its full name, a word of ours, or its code. */
export function brand(code: string, known: { code: string; name: string }[] | undefined): string {
  const name = known?.find((organisation) => organisation.code === code)?.name ?? "";
  const within = name.split(" ").find((part) => part.toUpperCase() === code);
  return within ?? /\(([^)]+)\)/.exec(name)?.[1] ?? word(`owner.${code}`, code);
}

export function number(value: number | null | undefined, digits = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return value.toLocaleString(language.current, { maximumFractionDigits: digits, minimumFractionDigits: 0 });
}

const DAY = { day: "2-digit", month: "2-digit", year: "numeric" } as const;

/** A day as people write it; `iso` may be an instant. */
export function day(iso: string): string {
  return new Date(iso).toLocaleDateString("en-GB", DAY);
}

export function moment(iso: string): string {
  return new Date(iso).toLocaleString("en-GB", { ...DAY, hour: "2-digit", minute: "2-digit" });
}

export function distance(metres: number | null | undefined): string {
  if (metres === null || metres === undefined) return "–";
  return metres < 1000 ? `${number(metres)} m` : `${number(metres / 1000, metres < 10_000 ? 1 : 0)} km`;
}

/** Đồng, whole ones: 1.500.000.000 ₫. */
export const money = (vnd: number | null | undefined): string => (vnd === null || vnd === undefined ? "–" : `${number(vnd)} ₫`);

export function percent(share: number | null | undefined, digits = 0): string {
  return share === null || share === undefined ? "–" : `${number(share * 100, digits)} %`;
}
