/** Mutated requests to every way in: none is a server error, and no yes is given to what says nothing of the kind. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import type { Decision } from "../../../engine/decision.ts";
import {
  type DecisionService,
  readMapping,
  readProxyMapping,
  serveAuthzen,
  serveDataApi,
  serveForwardAuth,
} from "../../../engine/http/index.ts";
import { REQUEST_SCHEMA } from "../../../engine/http/schemas.ts";
import { seedFrom } from "../../support/seed.ts";
import { MAPPING, recordsEngine } from "./authzen/records.ts";
import { damage } from "./mutate.ts";
import { type Answered, openPipeline, type Pipeline } from "./pipeline.ts";
import { type Random, randomFrom } from "./random.ts";
import { DENIER, type Sent, serve } from "./support.ts";

const RUNS = Number(
  process.env.WRIT_DOORS_RUNS ?? (process.env.CI === undefined ? 20_000 : 300_000),
);
const SEED = seedFrom("WRIT_DOORS_SEED");

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

/** Sent at once; and to one server, since what it allowed is remembered, and there is an end to what can be. */
const BATCH = 100;
const BATCHES_EACH = 30;

test(`every way in, seed ${SEED}`, { timeout: 60_000 + RUNS * 5 }, async () => {
  const { fault, counts } = await fuzz(RUNS, recordsEngine);
  expect(fault).toBeUndefined();
  // A generator that always breaks the request, or never does, tests nothing.
  for (const { path } of WAYS) {
    const { refused = 0, yes = 0 } = counts.get(path) ?? {};
    expect(refused, path).toBeGreaterThan(RUNS / WAYS.length / 50);
    expect(yes, path).toBeGreaterThan(RUNS / WAYS.length / 50);
  }
});

test.each<[string, (service: DecisionService) => DecisionService]>([
  [
    "allows what it cannot read",
    (service) => ({ ...service, decide: allowing(service, "malformed") }),
  ],
  ["allows what it denies", (service) => ({ ...service, decide: allowing(service, "answer") })],
  [
    "throws at times",
    (service) => {
      let count = 0;
      const decide: DecisionService["decide"] = (input) => {
        if (count++ % 50 === 49) throw new Error("planted");
        return service.decide(input);
      };
      return { ...service, decide };
    },
  ],
])("a service that %s is found out", { timeout: 60_000 }, async (_, broken) => {
  const { fault } = await fuzz(3_000, () => broken(recordsEngine()));
  expect(fault).toBeDefined();
});

/** Now and then, as faults are. */
function allowing(
  service: DecisionService,
  kind: "malformed" | "answer",
): DecisionService["decide"] {
  let count = 0;
  return async (input) => {
    const answer = await service.decide(input);
    if (answer.kind !== kind || count++ % 20 !== 19) return answer;
    const { value } = DENIER.decide(input) as { value: Decision };
    return { kind: "answer", value: { ...value, decision: "allow", call: "c-1" } };
  };
}

type Count = { refused: number; yes: number; no: number };

async function fuzz(runs: number, make: () => DecisionService) {
  const random = randomFrom(SEED);
  const counts = new Map<string, Count>();
  let pipeline: Pipeline | undefined;
  let fault: string | undefined;
  for (let batch = 0; batch * BATCH < runs && fault === undefined; batch += 1) {
    if (batch % BATCHES_EACH === 0) {
      await pipeline?.close();
      pipeline = await openPipeline(everything(make()));
    }
    const asked = Array.from({ length: BATCH }, () => {
      const way = random.pick(WAYS);
      return { way, sent: sentTo(way, random) };
    });
    const answers = await pipeline?.send(asked.map(({ sent }) => sent));
    for (const [at, { way, sent }] of asked.entries()) {
      fault ??= faultIn(way, sent, answers?.[at], counts);
    }
  }
  await pipeline?.close();
  return { fault, counts };
}

/** And counts it. */
function faultIn(way: Way, sent: Sent, answer: Answered | undefined, counts: Map<string, Count>) {
  const { statusCode, body } = answer ?? { statusCode: 0, body: "" };
  const yes = statusCode < 300 ? yesesIn(way, body) : 0;
  const count = counts.get(way.path) ?? { refused: 0, yes: 0, no: 0 };
  count[statusCode >= 300 ? "refused" : yes > 0 ? "yes" : "no"] += 1;
  counts.set(way.path, count);
  const isRight = statusCode >= 200 && statusCode < 500 && (yes === 0 || yes <= most(way, sent));
  return isRight ? undefined : `${spell(sent)} → ${statusCode} ${yes} yes: ${body}`;
}

function everything(service: DecisionService) {
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
  const { headers = {}, ...rest } = damage(body(), random);
  // On a connection with others behind it, a wrong length says where the next request begins.
  const { "content-length": _, ...other } = headers;
  return { path, method, ...rest, headers: other };
}

function yesesIn(way: Way, body: string): number {
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
  // As HTTP has it: a header neither begins nor ends with a space.
  uri = uri.replace(/^[ \t]+|[ \t]+$/g, "");
  return {
    "content-type": undefined,
    "x-original-method": random.pick(["GET", "GET", "GET", "get", "PUT", "GET, GET", ""]),
    "x-original-uri": uri,
    "x-user": random.pick(["alice", "alice", "alice", "", undefined]),
    ...(random.below(10) === 0 ? { host: "evil.example" } : {}),
  };
}
