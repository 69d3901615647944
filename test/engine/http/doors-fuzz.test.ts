/** Mutated requests to every way in: none is a server error, and no yes is given to what says nothing of the kind. */
import { Ajv2020 } from "ajv/dist/2020.js";
import type { LightMyRequestResponse } from "fastify";
import { expect, test } from "vitest";
import {
  readMapping,
  readProxyMapping,
  serveAuthzen,
  serveDataApi,
  serveForwardAuth,
} from "../../../engine/http/index.ts";
import { REQUEST_SCHEMA } from "../../../engine/http/schemas.ts";
import { MAPPING, recordsEngine } from "./authzen/records.ts";
import { damage } from "./mutate.ts";
import { type Random, randomFrom, seedOf } from "./random.ts";
import { type Sent, send, serve } from "./support.ts";

const RUNS = Number(process.env.WRIT_DOORS_RUNS ?? 20_000);
const SEED = seedOf(process.env.WRIT_DOORS_SEED);

const isRequest = new Ajv2020({ allowUnionTypes: true, strictTypes: false }).compile(
  REQUEST_SCHEMA,
);

/** What is asked, and what a yes to it has to rest on. */
interface Way {
  readonly path: string;
  readonly method?: string;
  readonly body?: () => unknown;
  /** Yeses in the answer. */
  yeses(answer: never): number;
  /** How many there may be, read anew by other means than ours. */
  most(sent: Sent): number;
}

type Json = Record<string, unknown>;

test(`every way in, seed ${SEED}`, { timeout: 60_000 + RUNS * 5 }, async () => {
  const random = randomFrom(SEED);
  let app = everything();
  const counts = new Map<string, { refused: number; yes: number; no: number }>();
  for (let run = 0; run < RUNS; run += 1) {
    // What was allowed is remembered, and there is an end to what can be.
    if (run % 3_000 === 0) app = everything();
    const way = random.pick(WAYS);
    const sent = sentTo(way, random);
    const response = await send(app, sent);
    const { statusCode, body } = response;
    const yes = statusCode < 300 ? yesesIn(way, response) : 0;
    if (statusCode >= 500 || yes > most(way, sent)) {
      expect.fail(`run ${run}: ${spell(sent)} → ${statusCode} ${yes} yes: ${body}`);
    }
    const count = counts.get(way.path) ?? { refused: 0, yes: 0, no: 0 };
    count[statusCode >= 300 ? "refused" : yes > 0 ? "yes" : "no"] += 1;
    counts.set(way.path, count);
  }
  // A generator that always breaks the request, or never does, tests nothing.
  for (const [path, { refused, yes }] of counts) {
    expect(refused, path).toBeGreaterThan(RUNS / WAYS.length / 50);
    expect(yes, path).toBeGreaterThan(RUNS / WAYS.length / 50);
  }
});

function everything() {
  const service = recordsEngine();
  const authzen = readMapping(JSON.parse(JSON.stringify(MAPPING)));
  const proxied = readProxyMapping(JSON.parse(JSON.stringify(PAGES)));
  if (!authzen.ok || !proxied.ok) throw new Error("a mapping is wrong");
  return serve(service, {
    extend: (app) => {
      serveAuthzen(app, { service, mapping: authzen.mapping });
      serveDataApi(app, { service, packageName: () => "records" });
      serveForwardAuth(app, { service, mapping: proxied.mapping });
    },
  });
}

const PAGES = {
  proxy: "nginx",
  request: {
    agent: { id: "proxy" },
    principal: { id: { $from: "http", path: "/headers/x-user" }, groups: ["staff"] },
    tool: { name: { $from: "http", path: "/method", map: { GET: "read" } } },
    resource: {
      type: { $from: "http", path: "/segments/0" },
      id: { $from: "http", path: "/segments/1" },
      status: "active",
    },
  },
};

function sentTo(way: Way, random: Random): Sent {
  const { path, method = "POST", body } = way;
  if (body === undefined) return { path, method, headers: proxied(random) };
  return { path, method, ...damage(body(), random) };
}

function yesesIn(way: Way, { body }: LightMyRequestResponse): number {
  return way.yeses((body === "" ? {} : JSON.parse(body)) as never);
}

function most(way: Way, sent: Sent): number {
  const { host = "localhost", origin } = (sent.headers ?? {}) as Json;
  if (host !== "localhost" || (origin !== undefined && way.body !== undefined)) return 0;
  try {
    return way.most(sent);
  } catch {
    return 0;
  }
}

function spell({ path, headers, body }: Sent): string {
  const text = body === undefined ? "" : (body as Buffer).toString("latin1");
  return `${path} ${JSON.stringify(headers)} ${JSON.stringify(text)}`;
}

function parsed({ body }: Sent): Json {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body as Buffer);
  return JSON.parse(text);
}

// ── What may be said yes to ────────────────────────────────────────────────────────────────────────────────

const KNOWN: Readonly<Record<string, Json>> = {
  alice: { groups: ["staff", "editors"] },
  bob: { groups: ["staff"], role: "admin" },
  "record-1": { status: "active" },
  "record-2": { status: "archived" },
};

/** The rules of the records policy, over what everybody says. */
function permits(name: unknown, user: Json, record: Json, args: Json): boolean {
  const groups = Array.isArray(user.groups) ? user.groups : [];
  switch (name) {
    case "read":
      return groups.includes("staff");
    case "write":
      return record.status === "active"
        ? groups.includes("editors")
        : record.status === "archived" && user.role === "admin";
    case "delete":
      return groups.includes("editors") && args.soft === true;
    default:
      return false;
  }
}

/** Text that is there, and no object that only looks so. */
function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** What cannot be read has no yes; its neighbours may. */
function mayPass(tuple: Json): boolean {
  try {
    return passes(tuple);
  } catch {
    return false;
  }
}

function passes({ subject, action, resource }: Json): boolean {
  const [user, verb, record] = [subject, action, resource] as [Json, Json, Json];
  if (!isText(user.id) || user.type !== "user" || !isText(record.id)) return false;
  if (record.type !== "record" || !isText(verb.name)) return false;
  const told = (of: Json, known: Json | undefined) => ({ ...(of.properties as Json), ...known });
  return permits(
    verb.name,
    told(user, KNOWN[user.id]),
    told(record, KNOWN[record.id]),
    (verb.properties as Json | undefined) ?? {},
  );
}

function mayBeAllowed(request: unknown): boolean {
  if (!isRequest(request)) return false;
  const { tool, principal = {}, resource } = request as unknown as Record<string, Json>;
  if (tool === undefined || resource?.type !== "record") return false;
  return permits(tool.name, principal, resource, (tool.args as Json | undefined) ?? {});
}

const count = (flags: readonly boolean[]) => flags.filter(Boolean).length;

// ── The ways in ────────────────────────────────────────────────────────────────────────────────────────────

const tuple = (user: string, name: string, id: string) => ({
  subject: { type: "user", id: user, properties: { groups: ["staff"], role: "admin" } },
  action: { name, properties: name === "delete" ? { soft: true } : {} },
  resource: { type: "record", id, properties: { status: "active" } },
  context: { supported_obligations: ["custom"] },
});
const request = (name: string, groups: readonly string[] = ["staff", "editors"]) => ({
  agent: { id: "app", kind: "workload" },
  principal: { id: "alice", kind: "human", groups },
  tool: { name, args: name === "delete" ? { soft: true } : {} },
  resource: { type: "record", id: "record-1", status: "active" },
});

const WAYS: readonly Way[] = [
  {
    path: "/access/v1/evaluation",
    body: () => tuple("carol", "read", "record-1"),
    yeses: ({ decision }: { decision: boolean }) => count([decision]),
    most: (sent) => count([mayPass(parsed(sent))]),
  },
  {
    path: "/access/v1/evaluations",
    body: () => {
      const { subject, action, ...rest } = tuple("alice", "write", "record-1");
      const evaluations = [{}, { resource: { type: "record", id: "record-2" } }, { action }];
      return { subject, action: { name: "read" }, ...rest, evaluations };
    },
    yeses: (answer: { decision?: boolean; evaluations?: { decision: boolean }[] }) =>
      count([answer, ...(answer.evaluations ?? [])].map(({ decision }) => decision === true)),
    most(sent) {
      const { evaluations, ...defaults } = parsed(sent);
      if (!Array.isArray(evaluations) || evaluations.length === 0)
        return count([mayPass(defaults)]);
      return count(evaluations.map((item) => mayPass({ ...defaults, ...(item as Json) })));
    },
  },
  {
    path: "/access/v1/search/resource",
    body: () => ({
      ...tuple("alice", "write", "x"),
      resource: { type: "record" },
      page: { limit: 5 },
    }),
    yeses: ({ results }: { results: unknown[] }) => results.length,
    most(sent) {
      const { resource, ...rest } = parsed(sent);
      if ((resource as Json).type !== "record") return 0;
      const records = ["record-1", "record-2"].map((id) => ({ type: "record", id }));
      return count(records.map((one) => mayPass({ ...rest, resource: one })));
    },
  },
  {
    path: "/v1/data/records/allow",
    body: () => ({ input: request("write") }),
    yeses: ({ result }: { result?: boolean }) => count([result === true]),
    most: (sent) => count([mayBeAllowed(parsed(sent).input)]),
  },
  {
    path: "/v1/batch/data/records",
    body: () => ({ inputs: { a: request("write", ["staff"]), b: request("delete") } }),
    yeses: ({ responses = {} }: { responses?: Record<string, { result?: { allow: boolean } }> }) =>
      count(Object.values(responses).map(({ result }) => result?.allow === true)),
    most: (sent) => count(Object.values(parsed(sent).inputs as Json).map(mayBeAllowed)),
  },
  {
    path: "/",
    body: () => request("read", ["staff"]),
    yeses: ({ allow }: { allow?: boolean }) => count([allow === true]),
    most: (sent) => count([mayBeAllowed(parsed(sent))]),
  },
  {
    path: "/decide/batch",
    body: () => ({ requests: [request("write"), request("delete", ["staff"]), request("read")] }),
    yeses: ({ decisions }: { decisions: { decision: string }[] }) =>
      count(decisions.map(({ decision }) => decision === "allow")),
    most: (sent) => count((parsed(sent).requests as unknown[]).map(mayBeAllowed)),
  },
  {
    path: "/tools",
    body: () => {
      const { tool: _, ...rest } = request("write");
      return { ...rest, tools: [{ name: "read" }, { name: "write" }, { name: "delete" }] };
    },
    yeses: ({ tools }: { tools: { standing: string }[] }) =>
      count(tools.map(({ standing }) => standing === "allowed")),
    most(sent) {
      const { tools, ...rest } = parsed(sent);
      const named = tools ?? [{ name: "read" }, { name: "write" }, { name: "delete" }];
      return count((named as Json[]).map((tool) => mayBeAllowed({ ...rest, tool })));
    },
  },
  {
    path: "/forward-auth",
    method: "GET",
    yeses: () => 1,
    most({ headers = {} }) {
      const isAsked = headers["x-original-method"] === "GET" && isText(headers["x-user"]);
      const [path = ""] = (headers["x-original-uri"] ?? "").split("?");
      return count([isAsked && isRecord(path)]);
    },
  },
];

/** To a reader that normalises, it is what it is to one that does not. */
function isRecord(path: string): boolean {
  const normalised = new URL(`http://site.example${path}`).pathname;
  const decoded = decodeURIComponent(normalised);
  const isSame = decoded === decodeURIComponent(path) && slashes(decoded) === slashes(path);
  return isSame && /^\/record\/[^/]+(\/[^/]+)*\/?$/.test(decoded);
}

function slashes(path: string): number {
  return path.split("/").length;
}

const URIS = [
  "/record/1",
  "/record/1",
  "/record/1",
  "/record/1?x=%20",
  "/record/%31",
  "/record/",
  "/record//1",
  "/record/../1",
  "/record%2f1",
  "/secret/1",
  "/record/1#",
  "//record/1",
  "/record/%e2%98%83",
  "",
];

function proxied(random: Random): Record<string, string | undefined> {
  let uri = random.pick(URIS);
  if (random.below(3) === 0) {
    const at = random.below(uri.length + 1);
    uri =
      uri.slice(0, at) +
      random.pick(["%", "%2", "..", "/", "\\", "\t", ";", "?", "é"]) +
      uri.slice(at);
  }
  return {
    "content-type": undefined,
    "x-original-method": random.pick(["GET", "GET", "GET", "get", "PUT", "GET, GET", ""]),
    "x-original-uri": uri,
    "x-user": random.pick(["alice", "alice", "alice", "", undefined]),
    ...(random.below(10) === 0 ? { host: "evil.example" } : {}),
  };
}
