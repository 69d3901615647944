import { readFileSync } from "node:fs";

const manifest = findManifest();
const [command] = process.argv.slice(2);

if (command === "--version") {
  process.stdout.write(`writ ${manifest.version}\n`);
} else if (command === undefined || command === "--help") {
  process.stdout.write("usage: writ --help | --version\n");
} else {
  process.stderr.write(`writ: unknown command ${command}; see writ --help\n`);
  process.exitCode = 2;
}

/** The package's own manifest: one folder up from the sources, two from the build. */
function findManifest(): { version: string } {
  const up = import.meta.url.endsWith(".ts") ? "../package.json" : "../../package.json";
  return JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8"));
}
