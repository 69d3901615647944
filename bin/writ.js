#!/usr/bin/env node
// Plain JavaScript that old Nodes can read: it must run far enough to find a newer Node, or to say
// that one is needed.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MIN = "22.18";

if (isEnough(process.versions.node)) {
  await runHere();
} else {
  const newer = findNewerNode();
  if (newer) runWith(newer);
  else
    fail(
      `needs Node ${NODE_MIN} or later, and this is ${process.versions.node}: ` +
        "install a newer Node, or run `npm ci` in a checkout, which brings one",
    );
}

/** A checkout runs its sources; an installed package runs its build, since Node strips no types under node_modules. */
async function runHere() {
  const sources = new URL("../cli/main.ts", import.meta.url);
  const build = new URL("../dist/cli/main.js", import.meta.url);
  if (existsSync(sources)) await import(sources.href);
  else if (existsSync(build)) await import(build.href);
  else fail("neither sources nor a build found beside the launcher: reinstall the package");
}

/** The binary of the `node` npm package, if it is installed and new enough: so a re-execution happens once. */
function findNewerNode() {
  let manifest;
  try {
    manifest = createRequire(import.meta.url).resolve("node/package.json");
  } catch {
    return undefined;
  }
  const binary = join(dirname(manifest), "bin", process.platform === "win32" ? "node.exe" : "node");
  const { version } = JSON.parse(readFileSync(manifest, "utf8"));
  return isEnough(version) && existsSync(binary) ? binary : undefined;
}

/** Runs this launcher again under `node`, and ends as that process ends. */
function runWith(node) {
  const launcher = fileURLToPath(import.meta.url);
  const child = spawn(node, [...process.execArgv, launcher, ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]) {
    process.on(signal, () => {
      // A terminal signals the whole process group; passed on too, one Ctrl-C would count as two.
      if (signal === "SIGTERM" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on("error", (error) => fail(`could not start ${node}: ${error.message}`));
  child.on("exit", (code, signal) => {
    // 128 + n is how a shell reports a process that ended by signal n.
    process.exit(signal ? 128 + constants.signals[signal] : code);
  });
}

function isEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  const [majorMin, minorMin] = NODE_MIN.split(".").map(Number);
  return major > majorMin || (major === majorMin && minor >= minorMin);
}

function fail(message) {
  console.error(`writ: ${message}`);
  process.exit(2);
}
