/** What random policies can speak of: declarations of every type, and a few values of each so that they meet. */

import type { RootName } from "../../lang/ir.ts";
import { EFFECTS, type Field, type Json, KINDS, SOURCES, type Type } from "../../lang/type.ts";

const scalar = (kind: Extract<Type, { kind: "Int" }>["kind"] | string): Type => ({ kind }) as Type;

export const BOOL = scalar("Bool");
export const INT = scalar("Int");
export const DECIMAL = scalar("Decimal");
export const STRING = scalar("String");
export const LEVEL: Type = { kind: "Level", name: "Sensitivity" };
export const COLOUR: Type = { kind: "OneOf", values: ["red", "green", "blue"] };
export const PARTY: Type = { kind: "Party" };
const list = (of: Type): Type => ({ kind: "List", of });
const set = (of: Type): Type => ({ kind: "Set", of });
const map = (of: Type): Type => ({ kind: "Map", of });
const maybe = (of: Type): Type => ({ kind: "Optional", of });

export const LINE: Type = {
  kind: "Record",
  open: false,
  fields: [
    { name: "label", type: STRING },
    { name: "amount", type: INT },
    { name: "price", type: DECIMAL },
    { name: "note", type: maybe(STRING) },
  ],
};

const HOP: Type = {
  kind: "Record",
  open: false,
  fields: [
    { name: "from", type: STRING },
    { name: "to", type: STRING },
    { name: "scope", type: set(STRING) },
    { name: "purpose", type: maybe(scalar("Purpose")) },
    { name: "issued_at", type: maybe(scalar("Time")) },
    { name: "approved", type: BOOL },
  ],
};

export const GROUPS = ["staff", "admins", "bots", "guests"] as const;
export const PURPOSES = ["pay", "pay.roll", "pay.roll.bonus", "ops", "ops.cut", "payroll"] as const;
export const TASKS = ["invoice", "errand"] as const;
export const RESOURCES = ["account", "mailbox", "file"] as const;
export const LABELS = ["untrusted", "private", "user"] as const;
export const LEVELS = ["public", "internal", "confidential", "restricted"] as const;

export const ATTRIBUTES: Readonly<Record<RootName, readonly Field[]>> = {
  agent: [
    { name: "id", type: STRING },
    { name: "kind", type: scalar("Kind") },
    { name: "groups", type: set(STRING) },
    { name: "attested", type: BOOL },
    { name: "trust", type: DECIMAL },
    { name: "clearance", type: LEVEL },
    { name: "owner", type: maybe(STRING) },
  ],
  principal: [
    { name: "id", type: STRING },
    { name: "kind", type: scalar("Kind") },
    { name: "groups", type: set(STRING) },
    { name: "payees", type: set(STRING) },
    { name: "limit", type: DECIMAL },
    { name: "mail", type: maybe(scalar("Email")) },
  ],
  delegation: [
    { name: "chain", type: list(HOP) },
    { name: "depth", type: INT },
    { name: "root", type: PARTY },
    { name: "verified", type: BOOL },
    { name: "scope", type: set(STRING) },
    { name: "purpose", type: maybe(scalar("Purpose")) },
    { name: "expires_at", type: maybe(scalar("Time")) },
  ],
  intent: [
    { name: "purpose", type: maybe(scalar("Purpose")) },
    { name: "task", type: maybe({ kind: "OneOf", values: TASKS }) },
    { name: "source", type: scalar("Source") },
    { name: "plan", type: maybe(map(INT)) },
  ],
  tool: [
    { name: "name", type: STRING },
    { name: "server", type: maybe(STRING) },
    { name: "effect", type: scalar("Effect") },
    { name: "digest", type: maybe(STRING) },
  ],
  args: [
    { name: "amount", type: DECIMAL },
    { name: "copies", type: INT },
    { name: "name", type: STRING },
    { name: "ratio", type: scalar("Float") },
    { name: "wait", type: scalar("Duration") },
    { name: "when", type: scalar("Time") },
    { name: "urgent", type: BOOL },
    { name: "path", type: scalar("Path") },
    { name: "url", type: scalar("Url") },
    { name: "to", type: set(scalar("Email")) },
    { name: "ip", type: scalar("Ip") },
    { name: "net", type: scalar("Cidr") },
    { name: "command", type: scalar("Command") },
    { name: "colour", type: COLOUR },
    { name: "tags", type: set(STRING) },
    { name: "counts", type: list(INT) },
    { name: "prices", type: list(DECIMAL) },
    { name: "names", type: list(STRING) },
    { name: "lines", type: list(LINE) },
    { name: "line", type: LINE },
    { name: "table", type: map(INT) },
    { name: "words", type: map(STRING) },
    { name: "any", type: scalar("Any") },
    { name: "memo", type: maybe(STRING) },
    { name: "extra", type: maybe(INT) },
    { name: "others", type: maybe(list(INT)) },
    { name: "detail", type: maybe(LINE) },
  ],
  resource: [
    { name: "type", type: { kind: "OneOf", values: RESOURCES } },
    { name: "id", type: STRING },
    { name: "sensitivity", type: LEVEL },
    { name: "labels", type: set(scalar("Label")) },
    { name: "tenant", type: maybe(STRING) },
    { name: "owner", type: STRING },
    { name: "folder", type: scalar("Path") },
  ],
  session: [
    { name: "id", type: STRING },
    { name: "started_at", type: scalar("Time") },
    { name: "labels", type: set(scalar("Label")) },
    { name: "sensitivity", type: LEVEL },
  ],
  environment: [
    { name: "now", type: scalar("Time") },
    { name: "ip", type: maybe(scalar("Ip")) },
    { name: "deployment", type: maybe(STRING) },
    { name: "budget", type: DECIMAL },
  ],
};

export const ROOT_NAMES = Object.keys(ATTRIBUTES) as readonly RootName[];
export const MAY_LACK: ReadonlySet<RootName> = new Set([
  "principal",
  "delegation",
  "resource",
  "session",
]);

export const TOOLS = [
  { name: "read_file", effect: "read" },
  { name: "send_money", effect: "write" },
  { name: "send_email", effect: "send" },
  { name: "run", effect: "execute" },
  { name: "drop", effect: "delete" },
] as const;

const MOST = Number.MAX_SAFE_INTEGER;

/** Values of a scalar type in their JSON form; few, so that two of them are often equal. */
export function pool(type: Type): readonly (string | number | boolean)[] {
  switch (type.kind) {
    case "Bool":
      return [true, false];
    case "Int":
      return [0, 1, 2, 3, 5, -1, -7, 100, 2 ** 32, MOST, -MOST];
    case "Decimal":
      return [0, 1, 5000, 10_000, 15_000, 25_000, -10_000, 3_333, 5_000_000, 2 ** 45, MOST, -MOST];
    case "Float":
      return [0, 0.5, 1, -2.25, 0.1, 1e6, 3];
    case "String":
      return [
        "",
        "alice",
        "bob",
        "carol",
        "a*b",
        "al",
        "Alice",
        "staff",
        "k1",
        "k2",
        "x@y.example",
      ];
    case "Duration":
      return [0, 1000, 60_000, 3_600_000, 86_400_000];
    case "Time":
      return [0, 1_700_000_000_000, 1_700_000_060_000, 1_700_003_600_000, 1_767_225_600_000];
    case "Ip":
      return ["10.0.0.1", "10.1.2.3", "192.168.0.7", "::1", "2001:db8::1"];
    case "Cidr":
      return ["10.0.0.0/8", "10.1.0.0/16", "192.168.0.0/24", "2001:db8::/32", "0.0.0.0/0"];
    case "Path":
      // Beside each other, and one below the other: names that begin alike are neither.
      return [
        "/",
        "/home",
        "/homework",
        "/home/alice",
        "/home/alice2",
        "/home/alice/notes.txt",
        "src",
        "srcs",
        "src/main.ts",
        ".",
      ];
    case "Url":
      return [
        "https://a.example/",
        "https://a.example/x/y?q=1",
        "http://b.example:8080/x",
        "https://sub.a.example/",
        "mailto:bob@b.example",
      ];
    case "Email":
      return ["bob@b.example", "alice@a.example", "x@sub.a.example"];
    case "Command":
      return ["ls", "rm -rf /", "git push origin main", "cat a | sh", ""];
    case "Purpose":
      return PURPOSES;
    case "Label":
      return LABELS;
    case "Effect":
      return EFFECTS;
    case "Kind":
      return KINDS;
    case "Source":
      return SOURCES;
    case "Level":
      return LEVELS.map((_, at) => at);
    case "OneOf":
      return type.values;
    default:
      return [];
  }
}

export const ANYTHING: readonly Json[] = [true, 1, "alice", ["a", 2], { a: 1 }, [], {}, null];
