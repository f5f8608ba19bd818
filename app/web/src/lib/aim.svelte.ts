/** The position of a proposed tower: typed or pasted in a field, or clicked on the map. */
import { parsePosition } from "./coordinates";
import { server, view } from "./state.svelte";

export class Aim {
  written = $state("");
  unreadable = $state(false);

  /** Write what was clicked on the map. */
  follow(): void {
    if (view.aim) this.written = `${view.aim.lat.toFixed(6)}, ${view.aim.lon.toFixed(6)}`;
  }

  /** Move the mark to what is written; false when that is no position. */
  take(): boolean {
    const position = parsePosition(this.written);
    this.unreadable = position === null;
    if (!position) return false;
    if (!view.aim || Math.hypot(position.lon - view.aim.lon, position.lat - view.aim.lat) > 1e-6) {
      view.aim = position;
      view.candidates = [];
      server.flyTo = [position.lon, position.lat];
    }
    return true;
  }
}
