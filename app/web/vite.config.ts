import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// During development the API runs beside Vite: `uvicorn --factory app.main:create_app`.
const api = "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the Content-Security-Policy lets no data: scripts or fonts in
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200, // MapLibre
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: "maplibre", test: /node_modules[\\/]maplibre-gl/ }] } },
    },
  },
  worker: { format: "es" },
  server: { proxy: { "/api": api, "/tiles": api } },
});
