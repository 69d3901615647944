/** Servers that are compared, each with the files it is started on and the requests it is asked. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { regoOf } from "../peers/opa/rego.ts";
import { opaInput } from "../peers/opa.ts";
import { writRequest } from "../peers/writ.ts";
import { writSources } from "../peers/writ-text.ts";
import type { BenchRequest, Workload } from "../workload.ts";
import { cerbosBinary, cerbosFiles, cerbosRequest } from "./cerbos.ts";

export interface Server {
  readonly name: string;
  readonly title: string;
  readonly how: string;
  /** Words of the process, run in `folder`; `undefined` where it is not installed. */
  command(port: number): readonly string[] | undefined;
  /** By path below `folder`. */
  files(workload: Workload, port: number): ReadonlyMap<string, string>;
  readonly path: string;
  body(request: BenchRequest): object;
  /** What stands in the answer to an allowed call; missing = it decides nothing. */
  readonly marker?: string;
  /** Measured with the fewest rules alone. */
  readonly isOnce?: boolean;
}

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CACHE = join(ROOT, "node_modules/.cache/writ-bench");

const WRIT: Server = {
  name: "writ",
  title: "Writ",
  how: "`writ serve` as it comes: strict JSON, counters kept in a file, each decision recorded before its answer (room for 10,000,000 open calls, since no outcome is reported)",
  command: (port) => writCommand(port),
  files: writFiles,
  path: "/decide",
  body: writRequest,
  marker: '"decision":"allow"',
};

export const SERVERS: readonly Server[] = [
  constant("node", {
    title: "`node:http`, constant",
    how: "reads the body, and answers a constant",
  }),
  constant("fastify", {
    title: "fastify, constant",
    how: "the framework that Writ uses: parses the body, checks that it is an object, and answers a constant by a schema",
  }),
  WRIT,
  {
    ...WRIT,
    name: "writ-bare",
    title: "Writ, nothing kept",
    how: "the same with `--audit off --state memory`",
    command: (port) => writCommand(port, "--audit", "off", "--state", "memory"),
  },
  {
    ...WRIT,
    name: "writ-recorded",
    title: "Writ, records alone",
    how: "the same with `--state memory`",
    command: (port) => writCommand(port, "--state", "memory"),
    isOnce: true,
  },
  opa("opa", "OPA server", "no decision log"),
  {
    ...opa("opa-logged", "OPA server, decision log", "decisions logged to its console, a file", [
      "--set",
      "decision_logs.console=true",
    ]),
    isOnce: true,
  },
  cerbos("cerbos", "Cerbos", "no audit log", false),
  {
    ...cerbos("cerbos-logged", "Cerbos, audit log", "decisions logged to a file", true),
    isOnce: true,
  },
];

/** What it logs goes to a file, as its console would. */
function opa(name: string, title: string, log: string, more: readonly string[] = []): Server {
  return {
    name,
    title,
    how: `\`opa run --server\`, a Rego rule for each rule and tool, so that its index finds them; ${log}`,
    command: (port) => {
      const binary = found("opa", ["version"]);
      if (binary === undefined) return undefined;
      const address = `127.0.0.1:${port}`;
      const words = ["run", "--server", "--addr", address, "--log-level", "error", ...more];
      return ["sh", "-c", 'exec "$@" 2>opa.log', "sh", binary, ...words, "policy.rego"];
    },
    files: ({ rules }) => new Map([["policy.rego", regoOf(rules)]]),
    path: "/v1/data/bench/decision",
    body: (request) => ({ input: opaInput(request) }),
    marker: '"allow":true',
  };
}

function cerbos(name: string, title: string, log: string, isLogged: boolean): Server {
  return {
    name,
    title,
    how: `resource policies with groups as roles and conditions in CEL; ${log}`,
    command: () => {
      const binary = cerbosBinary(CACHE);
      return binary === undefined
        ? undefined
        : [binary, "server", "--config", "config.yaml", "--log-level", "error"];
    },
    files: (workload, port) => cerbosFiles(workload, port, isLogged),
    path: "/api/check/resources",
    body: cerbosRequest,
    marker: "EFFECT_ALLOW",
  };
}

/** Decides nothing, and is asked what Writ is. */
function constant(name: string, said: Pick<Server, "title" | "how">): Server {
  return {
    name,
    ...said,
    command: (port) => [process.execPath, join(HERE, "constant.ts"), name, String(port)],
    files: () => new Map(),
    path: WRIT.path,
    body: WRIT.body,
    isOnce: true,
  };
}

/** Nobody reports outcomes here, so that all allowed calls stay open: a full table would deny. */
const OPEN_CALLS = "10000000";

function writCommand(port: number, ...more: readonly string[]): readonly string[] {
  const command = [process.execPath, join(ROOT, "bin/writ.js"), "serve", "--port", String(port)];
  return [...command, "--no-test", "--state-keys", OPEN_CALLS, ...more, "policy"];
}

function writFiles(workload: Workload): ReadonlyMap<string, string> {
  return new Map(writSources(workload).map(({ path, text }) => [`policy/${path}`, text]));
}

function found(binary: string, words: readonly string[]): string | undefined {
  for (const place of [binary, join(process.env.HOME ?? "", "go/bin", binary)]) {
    try {
      execFileSync(place, [...words], { stdio: "ignore" });
      return place;
    } catch {
      // Perhaps elsewhere.
    }
  }
  console.error(`${binary} is not installed, and not measured`);
  return undefined;
}
