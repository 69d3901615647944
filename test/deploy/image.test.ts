/** Without docker: the files that the image would have are put together, and its command is run on them as its user. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const POLICY = join(ROOT, "policies/payments");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

const [, IMAGE = ""] = read("deploy/Dockerfile")
  .replace(/\\\n\s*/g, "")
  .split(/^FROM .* AS build$[\s\S]*^FROM /m);
const told = (word: string) =>
  [...IMAGE.matchAll(new RegExp(`^${word} (.*)$`, "gm"))].map(([, rest = ""]) => rest);
const only = (word: string) => {
  const [rest = "", ...more] = told(word);
  expect([word, rest === "", more]).toEqual([word, false, []]);
  return rest;
};
const words = (text: string): string[] => JSON.parse(text);
const WORKING = only("WORKDIR");
const [USER = 0, GROUP = 0] = only("USER").split(":").map(Number);
const isRoot = process.getuid?.() === 0;

/** What the build stage has where the image copies from. */
const BUILT: Readonly<Record<string, (to: string) => void>> = {
  "/build/package.json": (to) => cpSync(join(ROOT, "package.json"), to),
  "/build/bin": (to) => cpSync(join(ROOT, "bin"), to, { recursive: true }),
  "/build/policies": (to) => cpSync(join(ROOT, "policies"), to, { recursive: true }),
  "/build/dist": build,
  "/build/node_modules": copyDependencies,
  "/state": (to) => mkdirSync(to),
};

let root = "";
/** The image's `path`, on this machine. */
const inside = (path: string) => join(root, path);

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "writ-image-"));
  chmodSync(root, 0o755);
  for (const copied of told("COPY")) {
    const [, owner, from = "", to = ""] =
      /^--from=build (?:--chown=(\d+):\d+ )?(\S+) (\/\S+)$/.exec(copied) ?? [];
    const put = BUILT[from];
    if (put === undefined) throw new Error(`nothing is known of COPY ${copied}`);
    mkdirSync(dirname(inside(to)), { recursive: true });
    put(inside(to));
    if (owner === undefined) eachBelow(inside(to), lock);
    else if (isRoot) chownSync(inside(to), Number(owner), Number(owner));
  }
  putSettings(inside("/etc/writ"));
}, 240_000);

afterAll(() => {
  eachBelow(root, (path) => chmodSync(path, 0o755));
  rmSync(root, { recursive: true, force: true });
});

test("the image answers, is healthy, writes to its volume alone, and ends with 0 when it is told to", {
  timeout: 120_000,
}, async () => {
  const child = start({});
  const ended = new Promise((resolve) => child.once("exit", (code, by) => resolve(code ?? by)));
  try {
    const { url, metrics } = await listeningOf(child);
    for (const asked of [`${url}/health`, `${url}/ready`, `${metrics}/metrics`]) {
      expect([asked, (await fetch(asked)).status]).toEqual([asked, 200]);
    }
    const decided = await fetch(`${url}/decide`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: readFileSync(join(POLICY, "examples/transactions.json")),
    });
    expect(await decided.json()).toMatchObject({ decision: "allow" });
    expect(health(url)).toBe(0);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(health(url)).toBe(1);
  } finally {
    child.kill("SIGKILL");
  }
  const kept = join(inside(WORKING), ".writ");
  expect(readFileSync(join(kept, "audit.jsonl"), "utf8")).toContain('"kind":"closed"');
  expect(readdirSync(kept)).toContain("state.db");
  if (isRoot) expect(statSync(kept)).toMatchObject({ uid: USER, gid: GROUP });
});

test("the image does not start without settings that are yours", { timeout: 60_000 }, async () => {
  const child = start({ WRIT_CONFIG: inside("/etc/none/writ.yaml") });
  await expect(listeningOf(child)).rejects.toThrow(/it ended with 2: .*none\/writ\.yaml/s);
});

function start(env: Readonly<Record<string, string>>): ChildProcess {
  const [, ...args] = [...words(only("ENTRYPOINT")), ...words(only("CMD"))];
  const [settings = ""] = [/WRIT_CONFIG=(\S+)/.exec(only("ENV"))?.[1] ?? ""];
  return spawn(process.execPath, args.map(here), {
    cwd: inside(WORKING),
    // The image's own, below a directory of this machine, and what differs there.
    env: {
      NODE_ENV: "production",
      WRIT_CONFIG: inside(settings),
      WRIT_HOST: "127.0.0.1",
      WRIT_PORT: "0",
      WRIT_METRICS_PORT: "0",
      WRIT_BUNDLE: inside("/etc/writ/policy.writb"),
      WRIT_BUNDLE_KEY: inside("/etc/writ/release.pub"),
      ...env,
    },
    ...(isRoot ? { uid: USER, gid: GROUP } : {}),
  });
}

function here(word: string): string {
  return word.startsWith("/") ? inside(word) : word;
}

/** The image's own check, where the service really listens. */
function health(url: string): number | null {
  const [, line = ""] = /CMD (\[.*\])$/.exec(only("HEALTHCHECK")) ?? [];
  const [, ...args] = words(line);
  const env = { WRIT_PORT: new URL(url).port };
  return spawnSync(process.execPath, args, { env }).status;
}

/** As `npm run build`, but that nothing is written in the checkout. */
function build(to: string): void {
  const bin = join(ROOT, "node_modules/.bin");
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${bin}:${process.env.PATH}` };
  const script: string = JSON.parse(read("package.json")).scripts.build;
  const command = script
    .replace("tsconfig.build.json", `tsconfig.build.json --outDir ${to}`)
    .replaceAll(" dist/", ` ${to}/`);
  // The image runs the same words.
  for (const step of script.split(" && ")) expect(read("deploy/Dockerfile")).toContain(step);
  const ran = spawnSync(command, { cwd: ROOT, shell: true, env, encoding: "utf8" });
  expect([ran.status, ran.stdout, ran.stderr]).toEqual([0, "", ""]);
}

/** What `npm prune --omit=dev` leaves. */
function copyDependencies(to: string): void {
  const { packages } = JSON.parse(read("package-lock.json"));
  const kept = Object.entries<{ readonly dev?: boolean; readonly devOptional?: boolean }>(packages)
    .filter(([path, { dev, devOptional }]) => path !== "" && !dev && !devOptional)
    .map(([path]) => path)
    // Those inside others come with them.
    .filter((path) => path.lastIndexOf("node_modules/") === 0 && existsSync(join(ROOT, path)));
  expect(kept.length).toBeGreaterThan(10);
  for (const path of kept) {
    cpSync(join(ROOT, path), join(to, path.slice("node_modules/".length)), { recursive: true });
  }
}

/** The manifest's settings, and a bundle of one of the policies. */
function putSettings(directory: string): void {
  const run = (...args: string[]) => {
    const launcher = join(ROOT, "bin/writ.js");
    const ran = spawnSync(process.execPath, [launcher, ...args], {
      cwd: directory,
      encoding: "utf8",
    });
    expect([args[0], ran.status, ran.stderr]).toEqual([args[0], 0, ""]);
  };
  mkdirSync(directory, { recursive: true });
  const objects = parseAllDocuments(read("deploy/kubernetes.yaml")).map((one) => one.toJS());
  const settings = objects.find(({ kind }) => kind === "ConfigMap").data["writ.yaml"];
  writeFileSync(join(directory, "writ.yaml"), settings);
  run("keys", "new", "release");
  run("build", "--sign", "release.key", "-o", "policy.writb", POLICY);
  rmSync(join(directory, "release.key"));
  eachBelow(directory, lock);
}

function lock(path: string): void {
  chmodSync(path, statSync(path).isDirectory() ? 0o555 : 0o444);
}

function eachBelow(path: string, visit: (path: string) => void): void {
  if (statSync(path).isDirectory()) {
    for (const name of readdirSync(path)) eachBelow(join(path, name), visit);
  }
  visit(path);
}

interface Told {
  readonly url: string;
  readonly metrics: string;
}

/** What it says when it listens; why it did not, where it ended before. */
function listeningOf(child: ChildProcess): Promise<Told> {
  return new Promise((resolve, reject) => {
    let [out, err] = ["", ""];
    child.stderr?.on("data", (chunk) => {
      err += chunk;
    });
    child.stdout?.on("data", (chunk) => {
      out += chunk;
      const line = /^.*"event":"listening".*\n/m.exec(out)?.[0];
      if (line !== undefined) resolve(JSON.parse(line));
    });
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`it ended with ${code}: ${out}${err}`)));
  });
}
