/** Builds the page into `fastdiar/page/site`, and with `--mode view` the file that `fastdiar view` fills in. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

import { defineConfig, type Plugin } from "vite";

const HERE = import.meta.dirname;
const PAGE = join(HERE, "..", "fastdiar", "page");
const GENERATED = new Set(["node_modules"]);

export default defineConfig(({ mode }) => ({
  build: {
    outDir: mode === "view" ? join(PAGE, "built-view") : join(PAGE, "site"),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    rolldownOptions: { input: join(HERE, mode === "view" ? "view.html" : "index.html") },
  },
  publicDir: mode === "view" ? false : "public",
  plugins: [mode === "view" ? oneFile() : notes()],
}));

/** Beside the page: what it may do, and what it was built from. */
function notes(): Plugin {
  return {
    name: "notes",
    closeBundle() {
      const policy = [
        "default-src 'none'",
        "script-src 'self'",
        `style-src 'self' ${allowed(wavesurferStyle())}`,
        "img-src 'self'",
        "media-src blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ];
      writeFileSync(join(PAGE, "build.json"), JSON.stringify({ policy: policy.join("; "), sources: sources() }, null, 2) + "\n");
    },
  };
}

/** Script and style inside one HTML file, which may do nothing else. */
function oneFile(): Plugin {
  return {
    name: "one-file",
    closeBundle() {
      const built = join(PAGE, "built-view");
      const asset = (ending: string) => {
        const name = readdirSync(join(built, "assets")).find((each) => each.endsWith(ending));
        if (!name) throw new Error(`the view has no ${ending}`);
        return readFileSync(join(built, "assets", name), "utf8").trim();
      };
      const script = asset(".js").replaceAll("</script", "<\\/script");
      const style = asset(".css");
      const policy = `default-src 'none'; script-src ${allowed(script)}; style-src ${allowed(style)} ${allowed(wavesurferStyle())}; media-src blob:`;
      const html = readFileSync(join(built, "view.html"), "utf8")
        .replace(/\s*<script type="module".*?<\/script>/s, "")
        .replace(/<link rel="stylesheet".*?>/, () => `<style>${style}</style>`)
        .replace("<head>", () => `<head>\n    <meta http-equiv="Content-Security-Policy" content="${policy}" />`)
        .replace("</body>", () => `  <!-- content -->\n    <script type="module">${script}</script>\n  </body>`);
      writeFileSync(join(PAGE, "view.html"), html);
      rmSync(built, { recursive: true });
    },
  };
}

/** The styles that wavesurfer puts into its own corner of the page, as it does for a waveform of our height. */
function wavesurferStyle(): string {
  const library = readFileSync(join(HERE, "node_modules", "wavesurfer.js", "dist", "wavesurfer.esm.js"), "utf8");
  const height = /const WAVE = (\d+);/.exec(readFileSync(join(HERE, "src", "timeline.ts"), "utf8"))?.[1];
  const style = /<style\$\{.*?\}>(.*?)<\/style>/s.exec(library)?.[1];
  if (!style || !height) throw new Error("wavesurfer's styles are not where they were");
  return style.replaceAll("\\n", "\n").replace(/\$\{this\.getHeight\(.*?\)\}/, height);
}

/** A script or style as a policy allows it. */
function allowed(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/** The checksum of every source here; `tests/page/test_build.py` holds the page to it. */
function sources(): string {
  const hash = createHash("sha256");
  for (const path of files(HERE).sort()) hash.update(`${path}\0`).update(readFileSync(join(HERE, path))).update("\0");
  return hash.digest("hex");
}

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (GENERATED.has(name)) return [];
    return statSync(path).isDirectory() ? files(path) : [relative(HERE, path)];
  });
}
