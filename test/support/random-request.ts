/** Requests and outcomes that a program accepts, as they stand on the wire. */
import type { Program } from "../../lang/ir.ts";
import { EFFECTS, type Field, KINDS, SOURCES, type Type } from "../../lang/type.ts";
import type { Random } from "../differential/random.ts";

type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

/** Few of each, so that two of them are often equal; most are such as random policies compare with. */
const VALUES: Readonly<Record<string, readonly Json[]>> = {
  Bool: [true, false],
  Int: [0, 1, 2, -7, 100, Number.MAX_SAFE_INTEGER],
  Decimal: [0, 1.5, 0.0001, -2.25, 500, "900719925474.0991"],
  Float: [0, 0.5, 1, -2.25],
  String: ["", "alice", "bob", "k1", "k2", "a*b", "https://a.example/x"],
  Duration: ["0s", "1s", "15m", "24h", "7d"],
  Time: ["2026-01-02", "2026-01-02T12:00:00Z", "2025-06-01T00:00:00+02:00"],
  Ip: ["10.0.0.1", "10.1.2.3", "::1"],
  Cidr: ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"],
  // Beside each other, and one below the other: names that begin alike are neither.
  Path: [
    "/home",
    "/home/alice",
    "/home/alice2",
    "/homework",
    "/home/bob/n.txt",
    "src/main.ts",
    "srcs",
    "/",
  ],
  Url: ["https://a.example/", "https://a.example/x?q=1", "mailto:bob@b.example"],
  Email: ["bob@b.example", "alice@a.example"],
  Command: ["ls", "rm -rf /", "git push origin main"],
  Any: [true, 1, "alice", ["a", 2], { a: 1 }, [], {}, null],
  Effect: EFFECTS,
  Kind: KINDS,
  Source: SOURCES,
};

/** A value of the type, or undefined where it is left out. */
export function jsonOf(type: Type, program: Program, random: Random): Json {
  const inner = (of: Type) => jsonOf(of, program, random);
  const many = (of: Type) => Array.from({ length: random.below(3) }, () => inner(of));
  switch (type.kind) {
    case "Optional":
      return random.chance(0.4) ? undefined : inner(type.of);
    case "Set":
    case "List":
      return many(type.of);
    case "Map":
      return Object.fromEntries(
        random.some(["k1", "k2", "alice"], 0.6).map((key) => [key, inner(type.of)]),
      );
    case "Record":
      return members(type.fields, program, random);
    case "OneOf":
      return random.pick(type.values);
    case "Level":
      return random.pick(program.levels.find(({ name }) => name === type.name)?.values ?? []);
    case "Purpose":
      return random.pick(program.purposes);
    case "Label":
      return random.pick(program.labels);
    case "Party":
      return { id: random.pick(["alice", "bob"]), kind: "human" };
    default:
      return random.pick(VALUES[type.kind] ?? []);
  }
}

function members(fields: readonly Field[], program: Program, random: Random): JsonObject {
  const given = fields.flatMap((field) => {
    const isNull = field.type.kind === "Optional" && random.chance(0.1);
    const value = isNull ? null : jsonOf(field.type, program, random);
    const left = value === undefined || (field.default !== undefined && random.chance(0.3));
    return left ? [] : [[field.wire ?? field.name, value]];
  });
  return Object.fromEntries(given);
}

export function randomRequest(program: Program, random: Random): JsonObject {
  const tool = random.pick(program.tools);
  const resource = program.resources.length > 0 && random.pick(program.resources);
  const maybe = (probability: number, of: JsonObject) => (random.chance(probability) ? of : {});
  const levels = program.levels.find(({ name }) => name === "Sensitivity")?.values ?? [];
  const delegated = random.chance(0.5);
  const principal = delegated ? "carol" : random.pick(["alice", "bob"]);
  const agent = random.pick(["bot", "alice"]);
  const server = tool.server ?? (random.chance(0.2) ? "mcp://elsewhere" : undefined);
  return {
    agent: {
      id: agent,
      ...maybe(0.5, { groups: ["staff"], attested: true, trust: 0.5 }),
      ...maybe(0.3, { kind: random.pick(KINDS) }),
      ...members(program.agent, program, random),
    },
    tool: {
      name: tool.wire,
      ...(server === undefined ? {} : { server }),
      args: {
        ...members(tool.args, program, random),
        ...(tool.open ? maybe(0.2, { undeclared: 1 }) : {}),
      },
    },
    ...maybe(0.8, {
      principal: {
        id: principal,
        ...maybe(0.5, { kind: "human" }),
        ...maybe(0.5, { groups: ["staff", "k1"] }),
        ...members(program.principal, program, random),
      },
    }),
    ...(resource === false
      ? {}
      : maybe(0.7, {
          resource: {
            type: resource.name,
            id: random.pick(["a", "b"]),
            ...maybe(0.5, {
              labels: random
                .some(["untrusted", "private"], 0.5)
                .filter((label) => program.labels.includes(label)),
            }),
            ...maybe(0.5, { tenant: "alice" }),
            ...maybe(
              0.7,
              known("sensitivity", random.pick(["public", "internal", "restricted"]), levels),
            ),
            ...members(resource.attributes, program, random),
          },
        })),
    ...maybe(0.85, {
      session: {
        id: random.pick(["s1", "s2"]),
        ...members(program.session, program, random),
      },
    }),
    context: {
      ...maybe(0.5, { ip: "10.1.2.3" }),
      ...members(program.environment, program, random),
    },
    ...(delegated ? { delegation: { chain: chainOf(program, principal, agent, random) } } : {}),
    ...maybe(0.8, { intent: intentOf(program, random) }),
  };
}

/** A member with a word that the program declares: changed programs may have another in its place. */
function known(name: string, word: string, declared: readonly string[]): JsonObject {
  return declared.includes(word) ? { [name]: word } : {};
}

/** From hand to hand, each hop within the one before. */
function chainOf(program: Program, from: string, to: string, random: Random): Json {
  if (random.chance(0.03)) return [];
  const hop = (start: Json, end: Json, more: JsonObject): JsonObject => ({
    from: start,
    to: end,
    scope: ["k1", "alice"],
    ...more,
  });
  const purpose = random.chance(0.5) ? known("purpose", "payments", program.purposes) : {};
  const until = random.chance(0.5) ? { expires_at: "2030-01-01" } : {};
  const tools = random.chance(0.3) ? { tools: { k1: {}, alice: { amount: { max: 5 } } } } : {};
  if (random.chance(0.5)) return [hop(from, to, { ...purpose, ...tools, approved: true })];
  const middle = { id: "planner", kind: "workload" };
  return [
    hop(from, middle, { ...until, ...tools }),
    hop(middle, to, { ...purpose, issued_at: "2026-01-01" }),
  ];
}

function intentOf(program: Program, random: Random): JsonObject {
  const [task] = random.some(program.tasks, 0.4);
  return {
    ...(random.chance(0.6)
      ? known("purpose", random.pick(["payments", "payments.payroll"]), program.purposes)
      : {}),
    ...(random.chance(0.5) ? { source: random.pick(SOURCES) } : {}),
    ...(random.chance(0.4) ? { plan: { k1: 1, alice: 2 } } : {}),
    ...(random.chance(0.4) ? { instruction: "ask alice about k1 and bob@b.example" } : {}),
    ...(task === undefined ? {} : { task: task.name }),
  };
}

export function randomOutcome(call: string, random: Random): JsonObject {
  return {
    call,
    status: random.chance(0.8) ? "ok" : "error",
    ...(random.chance(0.5)
      ? { values: { subject: random.pick(["alice", "k2 for bob"]), body: ["k1", 100, 1.5] } }
      : {}),
    ...(random.chance(0.2) ? { labels: ["private"] } : {}),
  };
}
