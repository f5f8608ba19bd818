/** Colours safe for colour-blind readers (blue against orange; unknown is hatched as well as grey). */
export const VERDICT = { covered: "#2b7fb8", not_covered: "#e2641f", unknown: "#8b929c" } as const;
export const STATE = { shared: "#5b3a96", single: "#c3a4e6", unknown: "#ffffff", empty: "#b9bec6" } as const;
export const STATE_EDGE = { shared: "#ffffff", single: "#5b3a96", unknown: "#6d7480", empty: "#6d7480" } as const;
export const ACCENT = "#f2a541";
export const INK = "#12344d";
export const PORT = "#0f8a78";
export const MANHOLE = "#3d4753";

/** Draw the diagonal hatch of an unknown village as an image MapLibre can tile. */
export function hatch(colour: string, size = 16): ImageData | null {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const pen = canvas.getContext("2d");
  if (!pen) return null;
  pen.strokeStyle = colour;
  pen.lineWidth = size / 6;
  pen.beginPath();
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift - 1, size + 1);
    pen.lineTo(shift + size + 1, -1);
  }
  pen.stroke();
  return pen.getImageData(0, 0, size, size);
}
