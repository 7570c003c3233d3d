import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const TARGET = "../src/codenex/control/static";

/** Keeps each text file compressed besides, so that the server only picks one. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    async closeBundle() {
      const folder = join(import.meta.dirname, TARGET, "assets");
      for (const name of await readdir(folder)) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const text = await readFile(join(folder, name));
        await writeFile(join(folder, `${name}.gz`), gzipSync(text, { level: 9 }));
        const params = { [constants.BROTLI_PARAM_SIZE_HINT]: text.length };
        await writeFile(join(folder, `${name}.br`), brotliCompressSync(text, { params }));
      }
    },
  };
}

const gateway = process.env.CODENEX_URL ?? "http://127.0.0.1:3000";
const relayed = Object.fromEntries(
  ["/api", "/v1", "/v1beta", "/health", "/provider_health"].map((path) => [path, { target: gateway }]),
);

export default defineConfig({
  // Addresses are relative, so that the pages work below any path of a reverse proxy.
  base: "./",
  plugins: [react(), compressed()],
  build: {
    outDir: TARGET,
    emptyOutDir: true,
    // What people have that is kept up to date; all of them know light-dark().
    target: ["chrome123", "edge123", "firefox120", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
    manifest: "manifest.json",
    // What the pages contain of others, with their licences: for whoever gets a copy, and for the bill of materials.
    license: { fileName: "licenses.json" },
  },
  server: { port: 5173, proxy: relayed },
});
