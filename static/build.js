// Bundles static/src into static/dist: app.js, app.css, upload.js.
import { build } from "esbuild";

await build({
  entryPoints: ["app.js", "app.css", "upload.js"].map((name) => `static/src/${name}`),
  outdir: "static/dist",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "linked",
  logLevel: "info",
});
