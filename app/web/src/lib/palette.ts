/** Colours safe for colour-blind readers (blue against orange; unknown is hatched as well as grey). */
export const VERDICT = { covered: "#2b7fb8", not_covered: "#e2641f", unknown: "#8b929c" } as const;
export const STATE = { shared: "#5b3a96", single: "#c3a4e6", unknown: "#ffffff", empty: "#b9bec6" } as const;
export const STATE_EDGE = { shared: "#ffffff", single: "#5b3a96", unknown: "#6d7480", empty: "#6d7480" } as const;
/** How the objects of a figure are marked; of a village that changes, its verdict afterwards. */
export const COUNTED = { numerator: "#f2a541", denominator: "#c3a4e6", unknown: "#ffffff", part: "#f2a541" } as const;
/** Ends of an act of a programme: what goes, what is shared or built. */
export const ACT = { from: "#ffffff", to: "#2b7fb8" } as const;
export const ACCENT = "#f2a541";
export const INK = "#12344d";
export const PORT = "#0f8a78";
export const MANHOLE = "#3d4753";

function drawn(size: number, draw: (pen: CanvasRenderingContext2D) => void): ImageData | null {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const pen = canvas.getContext("2d");
  if (!pen) return null;
  draw(pen);
  return pen.getImageData(0, 0, size, size);
}

/** A cell of the grid to which positions are blurred: a pale square with a broken edge, unlike any mark of an object. */
export const cell = (size: number): ImageData | null =>
  drawn(size, (pen) => {
    pen.fillStyle = `${STATE.shared}38`;
    pen.fillRect(0, 0, size, size);
    pen.strokeStyle = STATE.shared;
    pen.lineWidth = size / 20;
    pen.setLineDash([size / 14, size / 14]);
    pen.strokeRect(size / 40, size / 40, (size * 19) / 20, (size * 19) / 20);
  });

/** The mark of a restricted object: a lock on ink. */
export const lock = (size = 36): ImageData | null =>
  drawn(size, (pen) => {
    const unit = size / 18;
    pen.fillStyle = "#ffffff";
    pen.beginPath();
    pen.arc(9 * unit, 9 * unit, 9 * unit, 0, 2 * Math.PI);
    pen.fill();
    pen.fillStyle = INK;
    pen.beginPath();
    pen.arc(9 * unit, 9 * unit, 7.6 * unit, 0, 2 * Math.PI);
    pen.fill();
    pen.fillStyle = pen.strokeStyle = "#ffffff";
    pen.fillRect(5.6 * unit, 8.4 * unit, 6.8 * unit, 4.8 * unit);
    pen.lineWidth = 1.4 * unit;
    pen.beginPath();
    pen.arc(9 * unit, 7.6 * unit, 2.2 * unit, Math.PI, 0);
    pen.stroke();
  });

/** Draw the diagonal hatch of an unknown village as an image MapLibre can tile. */
export const hatch = (colour: string, size = 16): ImageData | null =>
  drawn(size, (pen) => {
    pen.strokeStyle = colour;
    pen.lineWidth = size / 6;
    pen.beginPath();
    for (const shift of [-size, 0, size]) {
      pen.moveTo(shift - 1, size + 1);
      pen.lineTo(shift + size + 1, -1);
    }
    pen.stroke();
  });

/** Levels of the coverage map in dBm and the colour from each of them on; the server draws with the same. */
export const STEPS: readonly (readonly [number, string])[] = [
  [-120, "#fde7af"], [-110, "#fab777"], [-100, "#e87775"], [-90, "#a9407a"], [-80, "#541e63"],
];
