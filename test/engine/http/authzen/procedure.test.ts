/** What the certification scenario asks for in steps, and what it leaves to the service. */
import { describe, expect, test } from "vitest";
import type { Answer } from "../../../../engine/answer.ts";
import type { Decision, DenyCode } from "../../../../engine/decision.ts";
import { DENIAL, DENIER, outcomeOf, type Sent, send } from "../support.ts";
import { MAPPING, recordsEngine } from "./records.ts";
import { serveMapped } from "./support.ts";

const app = serveMapped();
const alice = { type: "user", id: "alice" };
const bob = { type: "user", id: "bob" };
const record = (id: string) => ({ type: "record", id });
const READ = { subject: alice, action: { name: "read" }, resource: record("record-1") };
const WRITE = { ...READ, action: { name: "write" } };

const evaluation = (sent: Sent = {}) =>
  send(app, { path: "/access/v1/evaluation", body: READ, ...sent });
const evaluations = (body: unknown) => send(app, { path: "/access/v1/evaluations", body });
const search = (what: string, body: unknown, to = app) =>
  send(to, { path: `/access/v1/search/${what}`, body });

describe("requests", () => {
  test.each<[string, Sent]>([
    ["another content type", { headers: { "content-type": "text/plain" } }],
    ["malformed JSON", { body: '{"subject":' }],
    ["an empty body", { body: "" }],
    ["a member twice", { body: JSON.stringify(READ).replace("{", '{"subject":{},') }],
    ["a list", { body: [READ] }],
    [
      "properties that are none",
      { body: { ...READ, resource: { ...READ.resource, properties: [] } } },
    ],
    ["a context that is none", { body: { ...READ, context: "x" } }],
    ["an empty id", { body: { ...READ, subject: { type: "user", id: "" } } }],
  ])("%s: 400", async (_name, sent) => {
    expect((await evaluation(sent)).statusCode).toBe(400);
  });

  test.each(["bfe9eb29-ab87-4ca3-be83-a1d5d8305716", "a+b/c=", "{1}"])(
    "the request id %s comes back as it was",
    async (id) => {
      const response = await evaluation({ headers: { "x-request-id": id } });
      expect(response.headers["x-request-id"]).toBe(id);
      const refused = await evaluation({ headers: { "x-request-id": id }, body: {} });
      expect(refused.headers["x-request-id"]).toBe(id);
    },
  );

  test("one of several has the limits of one alone, with the defaults that it takes", async () => {
    const context = { note: "x".repeat(70_000) };
    expect((await evaluation({ body: { ...READ, context } })).statusCode).toBe(400);
    expect((await evaluations({ ...READ, context })).statusCode).toBe(400);
    const each = [{}, { context: {} }];
    const response = await evaluations({ ...READ, context, evaluations: each });
    expect(response.json().evaluations).toMatchObject([
      { decision: false, context: { error: { status: 400 } } },
      { decision: true },
    ]);
  });

  test("the same is decided the same", async () => {
    for (let at = 0; at < 5; at += 1) expect((await evaluation()).json().decision).toBe(true);
  });

  test("what the operator says of an entity is so, whoever asks", async () => {
    const resource = { ...record("record-2"), properties: { status: "active" } };
    const response = await evaluation({ body: { ...WRITE, resource } });
    expect(response.json().decision).toBe(false);
  });

  test("what nothing is said of is denied", async () => {
    const body = { ...READ, subject: { type: "spaceship", id: "alice" } };
    expect((await evaluation({ body })).json()).toMatchObject({
      decision: false,
      context: { error: { status: 404 } },
    });
    const unknown = { ...READ, action: { name: "fly" } };
    expect((await evaluation({ body: unknown })).json()).toMatchObject({
      decision: false,
      context: { reason: "invalid_request" },
    });
  });

  test("what is mapped to no request is denied", async () => {
    const [row] = MAPPING.requests;
    const request = { ...row?.request, tool: { name: { $from: "action", path: "/properties/x" } } };
    const mapped = serveMapped({ ...MAPPING, requests: [{ request }] });
    const body = { ...READ, action: { name: "read", properties: { x: 7 } } };
    const response = await send(mapped, { path: "/access/v1/evaluation", body });
    expect(response.json()).toMatchObject({
      decision: false,
      context: { error: { status: 422, message: expect.stringContaining("/tool/name") } },
    });
  });

  test("an answer says what it rests on", async () => {
    expect((await evaluation()).json()).toEqual({
      decision: true,
      context: {
        evaluation_id: expect.any(String),
        evaluated_at: "2026-01-02T09:00:00.000Z",
        writ: {
          call: expect.any(String),
          reasons: [{ rule: "reading", effect: "permit", at: expect.any(String) }],
          policy: { package: "records", digest: "sha256:00" },
        },
      },
    });
  });
});

describe("evaluations", () => {
  const items = [{ resource: record("record-1") }, { resource: record("record-2") }];
  const decisions = async (semantic: string | undefined, body: object) => {
    const options = semantic === undefined ? {} : { options: { evaluations_semantic: semantic } };
    const response = await evaluations({ ...body, ...options });
    expect(response.statusCode).toBe(200);
    return response.json().evaluations.map(({ decision }: { decision: boolean }) => decision);
  };
  const { resource: _, ...writing } = WRITE;

  test.each([
    [undefined, [true, false, true]],
    ["execute_all", [true, false, true]],
    ["deny_on_first_deny", [true, false]],
    ["permit_on_first_permit", [true]],
  ])("%s", async (semantic, expected) => {
    const evaluations = [...items, ...items.slice(0, 1)];
    expect(await decisions(semantic, { ...writing, evaluations })).toEqual(expected);
  });

  test("an item that is none denies, and ends what ends at a denial", async () => {
    const evaluations = [{}, ...items, "x"];
    expect(await decisions("execute_all", { ...writing, evaluations })).toEqual([
      false,
      true,
      false,
      false,
    ]);
    expect(await decisions("deny_on_first_deny", { ...writing, evaluations })).toEqual([false]);
    expect(await decisions("permit_on_first_permit", { ...writing, evaluations })).toEqual([
      false,
      true,
    ]);
  });

  test("an item replaces a whole member", async () => {
    const subject = { type: "user", id: "carol", properties: { groups: ["staff"] } };
    const evaluations = [{}, { subject: { type: "user", id: "carol" } }];
    expect(await decisions(undefined, { ...READ, subject, evaluations })).toEqual([true, false]);
  });

  test.each([
    ["another semantic", { ...READ, evaluations: items, options: { evaluations_semantic: "any" } }],
    [
      "a semantic of objects",
      { ...READ, evaluations: items, options: { evaluations_semantic: ["toString"] } },
    ],
    ["options that are none", { ...READ, evaluations: items, options: [] }],
    ["items that are no list", { ...READ, evaluations: {} }],
    ["a default that is none", { ...READ, subject: "alice", evaluations: items }],
  ])("%s: 400", async (_name, body) => {
    expect(outcomeOf(await evaluations(body))).toBe("400 malformed_request");
  });

  test("beyond the budget nothing is asked", async () => {
    const many = Array.from({ length: 502 }, () => ({}));
    const response = await evaluations({ ...READ, evaluations: many });
    const answers = response.json().evaluations;
    expect(answers).toHaveLength(502);
    expect(answers[501]).toMatchObject({ decision: false, context: { error: { status: 503 } } });
  });
});

describe("searches", () => {
  const context = { time: "2025-06-27T18:03-07:00" };
  const subjects = {
    subject: { type: "user" },
    action: { name: "read" },
    resource: record("record-1"),
  };
  const resources = { subject: alice, action: { name: "read" }, resource: { type: "record" } };
  const actions = { subject: alice, resource: record("record-1") };

  test.each([
    ["subject", subjects, [alice, bob]],
    ["resource", resources, [record("record-1"), record("record-2")]],
    ["action", actions, [{ name: "read" }, { name: "write" }, { name: "delete" }]],
  ])("%s: an id, a context and an unknown member change nothing", async (what, body, results) => {
    expect((await search(what, body)).json()).toEqual({ results });
    const searched = {
      ...body,
      context,
      foo: 1,
      [what]: { ...(body as Record<string, object>)[what], id: "nobody" },
    };
    expect((await search(what, searched)).json()).toEqual({ results });
  });

  test.each([
    ["subject", { ...subjects, subject: { type: "spaceship" } }],
    ["subject", { ...subjects, resource: record("record-9") }],
    ["resource", { ...resources, subject: { type: "user", id: "nobody" } }],
    ["resource", { ...resources, resource: { type: "planet" } }],
    ["action", { ...actions, subject: { type: "user", id: "nobody" } }],
    ["action", { ...actions, resource: { type: "planet", id: "x" } }],
  ])("%s: what nobody knows has no results", async (what, body) => {
    const response = await search(what, body);
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ results: [] });
  });

  test.each([
    ["subject", { ...subjects, action: undefined }, "/action"],
    ["subject", { ...subjects, subject: {} }, "/subject/type"],
    ["subject", { ...subjects, resource: { type: "record" } }, "/resource/id"],
    ["resource", { ...resources, subject: undefined }, "/subject"],
    ["resource", { ...resources, subject: { type: "user" } }, "/subject/id"],
    ["action", { ...actions, resource: undefined }, "/resource"],
    ["action", { ...actions, subject: { type: "user" } }, "/subject/id"],
    ["action", { ...actions, page: { limit: 0 } }, "/page/limit"],
    ["action", { ...actions, page: { token: "1.0" } }, "/page/token"],
    ["action", { ...actions, page: { token: {} } }, "/page/token"],
    ["action", { ...actions, page: { token: [{}] } }, "/page/token"],
    ["action", { ...actions, page: [] }, "/page"],
  ])("%s %j: 400", async (what, body, pointer) => {
    const response = await search(what, body);
    expect(outcomeOf(response)).toBe("400 malformed_request");
    expect(response.json().pointer).toBe(pointer);
  });

  test("page by page", async () => {
    const first = (await search("subject", { ...subjects, page: { limit: 1 } })).json();
    expect(first).toEqual({ results: [alice], page: { next_token: expect.any(String), count: 1 } });
    const page = { limit: 1, token: first.page.next_token };
    const second = (await search("subject", { ...subjects, page })).json();
    expect(second).toEqual({ results: [bob], page: { next_token: "", count: 1 } });
    const other = { ...subjects, resource: record("record-2"), page };
    expect(outcomeOf(await search("subject", other))).toBe("400 malformed_request");
  });

  test("more candidates than one body may ask for go on behind a token", async () => {
    const many = Array.from({ length: 1_200 }, (_, index) => ({
      type: "user",
      id: `u${index}`,
      properties: { groups: index % 100 === 0 ? ["staff"] : [] },
    }));
    const large = serveMapped({ ...MAPPING, entities: { ...MAPPING.entities, subjects: many } });
    const found: string[] = [];
    let token = "";
    for (let pages = 0; pages < 50; pages += 1) {
      const page = token === "" ? {} : { page: { token } };
      const body = (await search("subject", { ...subjects, ...page }, large)).json();
      found.push(...body.results.map(({ id }: { id: string }) => id));
      token = body.page?.next_token ?? "";
      if (token === "") break;
    }
    expect(found).toEqual(Array.from({ length: 12 }, (_, index) => `u${index * 100}`));
  });

  test("searching counts nothing", async () => {
    const limited = recordsEngine(`
counter reads = count attempts read_record per principal within 24h
forbid too_often tool read_record when reads >= 2
`);
    const counted = serveMapped(MAPPING, limited);
    for (let at = 0; at < 5; at += 1) {
      expect((await search("subject", subjects, counted)).json().results).toHaveLength(2);
    }
    const ask = () => send(counted, { path: "/access/v1/evaluation", body: READ });
    const answers = [await ask(), await ask(), await ask()].map((one) => one.json().decision);
    expect(answers).toEqual([true, true, false]);
    expect((await search("subject", subjects, counted)).json().results).toEqual([bob]);
  });

  test("without entities there are no searches", async () => {
    const { entities: _entities, ...rest } = MAPPING;
    expect(outcomeOf(await search("subject", subjects, serveMapped(rest)))).toBe("404 not_found");
  });
});

test("what a mapping looks for by a text is not among what has none", async () => {
  const id = { $from: "subject", path: "/properties/roles/*[name=reader]/id", else: "nobody" };
  const mapping = { ...MAPPING, requests: [{ request: { agent: { id } } }] };
  const roles = [
    { name: {}, id: "one" },
    { name: [["reader"]], id: "other" },
  ];
  const subject = { ...alice, properties: { roles } };
  const sent = { path: "/access/v1/evaluation", body: { ...READ, subject } };
  let asked: unknown;
  const decide = (input: unknown) => {
    asked = input;
    return DENIER.decide(input);
  };
  expect((await send(serveMapped(mapping, { ...DENIER, decide }), sent)).statusCode).toBe(200);
  expect(asked).toEqual({ agent: { id: "nobody" } });
});

describe("a search of which nothing can be told", () => {
  const subjects = { subject: { type: "user" }, action: READ.action, resource: READ.resource };
  const denied = (code: DenyCode): Answer<Decision> => ({
    kind: "answer",
    value: { ...DENIAL, code, because: "Redis is away" },
  });
  const away: Answer<Decision> = { kind: "unavailable", because: "Redis is away" };
  const asked = (answer: Answer<Decision>) =>
    search("subject", subjects, serveMapped(MAPPING, { ...DENIER, preview: () => answer }));

  test.each([away, denied("state_unavailable"), denied("internal_error")])(
    "says so, and not that nobody may: %j",
    async (answer) => {
      const response = await asked(answer);
      expect(outcomeOf(response)).toBe("503 unavailable");
      expect(response.json().detail).toBe("Redis is away");
    },
  );

  test("is none where all are denied", async () => {
    expect((await asked(denied("forbidden"))).json()).toEqual({ results: [] });
  });
});

describe("obligations", () => {
  const obliged = recordsEngine(
    'oblige marked tool read_record with redact ["*.iban"], notify "sre"\n',
  );
  const ask = async (context?: object) => {
    const body = context === undefined ? READ : { ...READ, context };
    const response = await send(serveMapped(MAPPING, obliged), {
      path: "/access/v1/evaluation",
      body,
    });
    return response.json();
  };

  test.each([
    undefined,
    {},
    { supported_obligations: [] },
    { supported_obligations: "custom" },
    { supported_obligations: ["custom"] },
    { supported_obligations: ["notification", "step-up"] },
    { supported_obligations: [["custom", "notification"]] },
  ])("none is handed out with an allow to who declares %j", async (context) => {
    const { decision, context: said } = await ask(context);
    expect(decision).toBe(false);
    expect(said).toMatchObject({ reason: "unsupported_obligation" });
    expect(said.obligations).toBeUndefined();
  });

  test("who declares them is given them", async () => {
    const { decision, context } = await ask({ supported_obligations: ["custom", "notification"] });
    expect(decision).toBe(true);
    expect(context.obligations).toEqual([
      {
        id: "o1",
        type: "custom",
        properties: { vendor: "writ", action: "redact", paths: ["*.iban"] },
      },
      { id: "o2", type: "notification", properties: { to: "sre", body: expect.any(String) } },
    ]);
  });

  test.each(["notification", "session_termination"])(
    "a policy's own %s is a custom one to who declares AuthZEN's",
    async (name) => {
      const own = recordsEngine(`oblige own tool read_record with ${name} "now"\n`);
      const asking = async (declared: readonly string[]) => {
        const body = { ...READ, context: { supported_obligations: declared } };
        return (
          await send(serveMapped(MAPPING, own), { path: "/access/v1/evaluation", body })
        ).json();
      };
      expect((await asking([name])).context.reason).toBe("unsupported_obligation");
      const { decision, context } = await asking(["custom"]);
      expect(decision).toBe(true);
      expect(context.obligations).toMatchObject([{ type: "custom", properties: { action: name } }]);
    },
  );

  test("an operator may vouch for every enforcement point", async () => {
    const mapping = { ...MAPPING, supported_obligations: ["redact", "notification"] };
    const response = await send(serveMapped(mapping, obliged), {
      path: "/access/v1/evaluation",
      body: READ,
    });
    expect(response.json().decision).toBe(true);
  });

  test("what is not handed out is given back", async () => {
    const once = recordsEngine(`
counter reads = count allowed read_record per principal within 24h
forbid twice tool read_record when reads >= 1
oblige marked tool read_record with redact ["*"]
`);
    const counted = serveMapped(MAPPING, once);
    const asking = (context: object) =>
      send(counted, { path: "/access/v1/evaluation", body: { ...READ, context } });
    for (let at = 0; at < 3; at += 1) {
      expect((await asking({})).json().context.reason).toBe("unsupported_obligation");
    }
    expect((await asking({ supported_obligations: ["custom"] })).json().decision).toBe(true);
    expect((await asking({ supported_obligations: ["custom"] })).json().context.reason).toBe(
      "forbidden",
    );
  });

  test("a search finds only what can be carried out", async () => {
    const find = async (context: object) => {
      const body = {
        subject: { type: "user" },
        action: READ.action,
        resource: READ.resource,
        context,
      };
      return (await search("subject", body, serveMapped(MAPPING, obliged))).json().results;
    };
    expect(await find({})).toEqual([]);
    const found = await find({ supported_obligations: ["custom", "notification"] });
    expect(found).toMatchObject([
      { id: "alice", obligations: [{ id: "o1" }, { id: "o2" }] },
      { id: "bob" },
    ]);
  });
});

describe("holds", () => {
  const held = recordsEngine(
    'hold reviewed tool write_record until approved by group "editors-in-chief" within 10m\n',
  );
  const ask = async (mapping: object) =>
    (await send(serveMapped(mapping, held), { path: "/access/v1/evaluation", body: WRITE })).json();

  test("are denials that say whose approval is missing", async () => {
    const { decision, context } = await ask(MAPPING);
    expect(decision).toBe(false);
    expect(context).toMatchObject({
      reason: "approval_required",
      writ: { approval: { by: [{ group: "editors-in-chief" }], digest: expect.any(String) } },
    });
    expect(context.access_request).toBeUndefined();
  });
});

describe("metadata", () => {
  const get = (path: string, mapping: object = MAPPING) =>
    send(serveMapped(mapping), { path, method: "GET", headers: { host: "pdp.example" } });

  test("says what is served, and where", async () => {
    const response = await get("/.well-known/authzen-configuration");
    expect(response.headers["content-type"]).toMatch(/^application\/json/);
    expect(response.json()).toEqual({
      policy_decision_point: "https://pdp.example",
      access_evaluation_endpoint: "https://pdp.example/access/v1/evaluation",
      access_evaluations_endpoint: "https://pdp.example/access/v1/evaluations",
      search_subject_endpoint: "https://pdp.example/access/v1/search/subject",
      search_resource_endpoint: "https://pdp.example/access/v1/search/resource",
      search_action_endpoint: "https://pdp.example/access/v1/search/action",
      supported_obligations: ["notification", "custom"],
    });
  });

  test("of a tenant stand before its path, and its endpoints behind it", async () => {
    const mapping = { ...MAPPING, policy_decision_point: "https://pdp.example/tenant1" };
    const metadata = (await get("/.well-known/authzen-configuration/tenant1", mapping)).json();
    expect(metadata.policy_decision_point).toBe("https://pdp.example/tenant1");
    const { pathname } = new URL(metadata.access_evaluation_endpoint);
    const response = await send(serveMapped(mapping), { path: pathname, body: READ });
    expect(response.json().decision).toBe(true);
  });

  test("are missing where nobody says what the service is called", async () => {
    const { policy_decision_point: _, ...rest } = MAPPING;
    const local = await send(serveMapped(rest), {
      path: "/.well-known/authzen-configuration",
      method: "GET",
    });
    expect(outcomeOf(local)).toBe("404 not_found");
  });
});
