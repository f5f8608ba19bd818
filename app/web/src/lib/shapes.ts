/** GeoJSON the map draws on top of its tiles. */
import type { Feature, FeatureCollection, Geometry, Position as Coordinate } from "geojson";
import type { Position } from "./coordinates";
import type { Candidate } from "./types";

export const collection = (features: Feature[]): FeatureCollection => ({ type: "FeatureCollection", features });

const METRES_PER_DEGREE = 111_320;

/** A circle of `radius_m` for the eye; distances themselves come from the server, geodesic. */
export function circle({ lon, lat }: Position, radius_m: number, corners = 72): Feature {
  const ring = Array.from({ length: corners + 1 }, (_, i) => {
    const turn = (2 * Math.PI * i) / corners;
    const east = radius_m / METRES_PER_DEGREE / Math.cos((lat * Math.PI) / 180);
    return [lon + east * Math.sin(turn), lat + (radius_m / METRES_PER_DEGREE) * Math.cos(turn)];
  });
  return { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [ring] } };
}

/** The grid cell of side `grid_m` around its centre, for the eye. */
export function square([lon, lat]: [number, number], grid_m: number): Feature {
  const north = grid_m / 2 / METRES_PER_DEGREE;
  const east = north / Math.cos((lat * Math.PI) / 180);
  const ring = [[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]].map(([x = 0, y = 0]) => [lon + x * east, lat + y * north]);
  return { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [ring] } };
}

const point = (lon: number, lat: number, properties: Record<string, string>): Feature => ({
  type: "Feature",
  properties,
  geometry: { type: "Point", coordinates: [lon, lat] },
});

/** The proposed tower, its search radius, and the numbered candidates. */
export function marks(aim: Position | null, radius_m: number, candidates: Candidate[]): FeatureCollection {
  if (!aim) return collection([]);
  return collection([
    circle(aim, radius_m),
    ...candidates.map((found, i) => point(found.lon, found.lat, { role: found.spare_state, number: String(i + 1) })),
    point(aim.lon, aim.lat, { role: "aim" }),
  ]);
}

function* coordinates(geometry: Geometry): Generator<Coordinate> {
  if (geometry.type === "GeometryCollection") {
    for (const part of geometry.geometries) yield* coordinates(part);
    return;
  }
  const stack: unknown[] = [geometry.coordinates];
  while (stack.length) {
    const next = stack.pop() as unknown[];
    if (typeof next[0] === "number") yield next as Coordinate;
    else stack.push(...next);
  }
}

/** West, south, east, north of everything in `data`; null when it is empty. */
export function boundsOf(data: FeatureCollection): [number, number, number, number] | null {
  let box: [number, number, number, number] | null = null;
  for (const feature of data.features)
    for (const [x = 0, y = 0] of feature.geometry ? coordinates(feature.geometry) : [])
      box = box
        ? [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)]
        : [x, y, x, y];
  return box;
}

/** Middle of a feature's bounding box; null without a geometry. */
export function centreOf(feature: Feature): [number, number] | null {
  const box = boundsOf(collection([feature]));
  return box && [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
}
