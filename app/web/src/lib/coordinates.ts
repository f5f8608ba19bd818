/** Coordinates as people paste them: decimal degrees or degrees, minutes and seconds, in either order. */

const NUMBER = /[-+]?\d+(?:[.,]\d+)?/g;
const IN_COUNTRY = { lon: [102, 118], lat: [7, 24] } as const;

export interface Position {
  lon: number;
  lat: number;
}

function within(value: number, [low, high]: readonly [number, number]): boolean {
  return value >= low && value <= high;
}

/** "16,4667 107,5776" has decimal commas, "16.4667,107.5776" a separating one. */
function numbers(text: string): number[] {
  const plain = text.includes(".") ? text.replaceAll(",", " ") : text;
  return (plain.match(NUMBER) ?? []).map((found) => Number(found.replace(",", ".")));
}

function degrees(parts: number[]): number {
  const [whole = NaN, minutes = 0, seconds = 0] = parts;
  if (minutes < 0 || minutes >= 60 || seconds < 0 || seconds >= 60) return NaN;
  return Math.sign(whole || 1) * (Math.abs(whole) + minutes / 60 + seconds / 3600);
}

/** Return the position `text` names inside Viet Nam, or null. */
export function parsePosition(text: string): Position | null {
  const found = numbers(text.replace(/[NSEWBĐ]/gi, " "));
  if (found.length < 2 || found.length > 6 || found.length % 2 !== 0) return null;
  const half = found.length / 2;
  const pair = [degrees(found.slice(0, half)), degrees(found.slice(half))] as const;
  for (const [lat, lon] of [pair, [pair[1], pair[0]] as const])
    if (within(lat, IN_COUNTRY.lat) && within(lon, IN_COUNTRY.lon)) return { lon, lat };
  return null;
}
