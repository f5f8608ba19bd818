/// <reference types="svelte" />
/// <reference types="vite/client" />

interface Window {
  /** The MapLibre map, for tests that ask what is drawn. */
  __hatang?: import("maplibre-gl").Map;
}
