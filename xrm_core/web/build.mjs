// Bundles src/ into hashed files with a manifest, one icon sprite, licences and pre-compressed siblings.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const web = import.meta.dirname;
const modules = resolve(process.env.XRM_MODULES ?? join(web, "node_modules"));
const out = resolve(process.env.XRM_OUT ?? join(web, "static/dist"));
const { build } = createRequire(join(modules, "x.js"))("esbuild");

// What every page loads is one file: each later chunk is told that it needs all of it, which is there anyway.
// Otherwise every set of modules that two chunks share would become a file, and a request, of its own.
// The entry only names that file, so that nothing imports the entry.
const sources = join(web, "src");
const read = (name) => readFileSync(join(sources, name), "utf8");
const always = new Set();
const later = new Set();
const walk = (name, known) => {
  if (known.has(name)) return;
  known.add(name);
  const folder = name.includes("/") ? name.slice(0, name.lastIndexOf("/") + 1) : "";
  const plain = (path) => join(folder, path).replaceAll("\\", "/");
  for (const [, path] of read(name).matchAll(/^(?:import|export)\s(?!type\b)(?:[^;"'()]*?\sfrom\s)?["'](\.{1,2}\/[^"']+\.ts)["']/gm)) walk(plain(path), known);
  for (const [, path] of read(name).matchAll(/import\("(\.{1,2}\/[^"]+\.ts)"\)/g)) later.add(plain(path));
};
walk("app.ts", always);
const seen = new Set(always);
for (const name of later) walk(name, seen);
const together = {
  name: "together",
  setup(made) {
    made.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const name = path.slice(sources.length + 1).replaceAll("\\", "/");
      if (!later.has(name) || always.has(name)) return undefined;
      const needs = ["htmx.org", ...[...always].map((one) => join(sources, one))].map((one) => `import ${JSON.stringify(one)};`);
      return { contents: `${needs.join("")}${readFileSync(path, "utf8")}`, loader: "ts" };
    });
  },
};

const result = await build({
  absWorkingDir: web,
  plugins: [together],
  entryPoints: { app: "src/entry.ts", style: "src/styles/style.css", packs: "src/styles/packs.css", design: "src/styles/design.css", work: "src/styles/work.css", planning: "src/styles/planning.css", automation: "src/styles/automation.css", why: "src/styles/why.css", guest: "src/styles/guest.css" },
  nodePaths: [modules],
  outdir: out,
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["es2023"],
  minify: true,
  metafile: true,
  legalComments: "linked",
  loader: { ".woff2": "file" },
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  logLevel: "warning",
});

const files = {};
const preload = [];
const outputs = Object.entries(result.metafile.outputs);
const base = (path) => path.split("/").pop();
for (const [path, info] of outputs) {
  const name = base(path);
  if (name.endsWith(".js") && "src/app.ts" in info.inputs) {
    files["app.js"] = name;
    // What it imports is needed at once; what it loads later waits for its page.
    preload.push(...info.imports.filter((i) => i.kind === "import-statement").map((i) => base(i.path)));
  } else if (info.entryPoint === "src/styles/style.css") files["style.css"] = name;
  else if (info.entryPoint === "src/styles/packs.css") files["packs.css"] = name;
  else if (/^src\/styles\/\w+\.css$/.test(info.entryPoint ?? "")) files[base(info.entryPoint)] = name;
  else if (/^src\/elements\/\w+\.ts$/.test(info.entryPoint ?? "")) files[`${base(info.entryPoint).slice(0, -3)}.js`] = name;
  else if (/^inter-latin-wght.*\.woff2$/.test(name)) files["inter.woff2"] = name;
}

// Only the icons that the list names; `currentColor` and the stroke width come from CSS.
const icons = [...new Set(readFileSync(join(web, "src/icons.txt"), "utf8").split(/\s+/).filter(Boolean))].sort();
const symbols = icons.map((name) => {
  const svg = readFileSync(join(modules, "lucide-static/icons", `${name}.svg`), "utf8");
  const body = svg.replace(/<!--[\s\S]*?-->/g, "").match(/<svg[^>]*>([\s\S]*)<\/svg>/)[1];
  return `<symbol id="${name}" viewBox="0 0 24 24">${body.replace(/\s+/g, " ").trim()}</symbol>`;
});
const sprite = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`;
const hash = createHash("sha256").update(sprite).digest("hex").slice(0, 8).toUpperCase();
files["icons.svg"] = `icons-${hash}.svg`;
writeFileSync(join(out, files["icons.svg"]), sprite);

const favicon = readFileSync(join(web, "src/favicon.svg"));
files["favicon.svg"] = `favicon-${createHash("sha256").update(favicon).digest("hex").slice(0, 8).toUpperCase()}.svg`;
writeFileSync(join(out, files["favicon.svg"]), favicon);

const used = new Set(["lucide-static", "@fontsource-variable/inter"]);
for (const path of Object.keys(result.metafile.inputs)) {
  const found = path.match(/(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//g)?.pop();
  if (found) used.add(found.replace(/^.*node_modules\//, "").replace(/\/$/, ""));
}
const licences = [...used].sort().map((name) => {
  const folder = join(modules, name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version} (${license})\n\n${file ? readFileSync(join(folder, file), "utf8").trim() : ""}\n`;
});
writeFileSync(join(out, "LICENSES.txt"), licences.join(`\n${"-".repeat(72)}\n\n`));

for (const name of readdirSync(out)) {
  if (!/\.(js|css|svg|txt)$/.test(name)) continue;
  const raw = readFileSync(join(out, name));
  writeFileSync(join(out, `${name}.gz`), gzipSync(raw, { level: 9 }));
  writeFileSync(join(out, `${name}.br`), brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
}
writeFileSync(join(out, "manifest.json"), JSON.stringify({ stamp: process.env.XRM_STAMP ?? "", files, preload, icons }, null, 1) + "\n");
