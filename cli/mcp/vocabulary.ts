/** What MCP servers answer to `tools/list` → `tool` declarations. */
import { digestOf } from "../../engine/canonical-json.ts";
import { replaceHidden } from "../../lang/characters.ts";
import { compile } from "../../lang/compile.ts";
import { hasErrors } from "../../lang/diagnostic.ts";
import { SOURCE_CHARS_MAX } from "../../lang/limits.ts";
import { format } from "../../lang/print.ts";
import { quote } from "../../lang/print-expression.ts";
import type { Effect, Json } from "../../lang/type.ts";
import { Misuse } from "../command.ts";
import { isObject, type JsonObject } from "../json.ts";
import { recordOf, resolve, type SchemaContext, wordFor } from "./schema.ts";

export interface Imported {
  /** Of a package, laid out as `writ fmt` does. */
  readonly text: string;
  readonly tools: readonly ImportedTool[];
}

export interface ImportedTool {
  readonly name: string;
  readonly wire: string;
  readonly server?: string;
  readonly effect: Effect;
  /** What a person should look at. */
  readonly checks: readonly string[];
}

export interface ImportParts {
  readonly package: string;
  /** What all tools are declared for; of several servers in one file, the one that is wanted. */
  readonly server?: string;
  /** Refuse a tool whose published definition changes. */
  readonly pin: boolean;
}

interface Listed {
  readonly server?: string;
  readonly tools: readonly JsonObject[];
}

export function importTools(json: Json, parts: ImportParts): Imported {
  const listed = listsIn(json, parts.server);
  refuseRepeated(listed);
  const taken = new Set<string>();
  const several = listed.length > 1;
  const take = roomOf(SOURCE_CHARS_MAX);
  const made = listed.flatMap(({ server, tools }) =>
    tools.map((tool) => declare(tool, { server, several, taken, pin: parts.pin, take })),
  );
  return { text: layOut(made, parts.package), tools: made.map(({ tool }) => tool) };
}

/** Of a file, for what strangers' schemas unfold to. */
function roomOf(charCount: number): (charCount: number) => void {
  let left = charCount;
  return (taken) => {
    left -= taken;
    if (left >= 0) return;
    throw new Misuse(
      `its schemas unfold to more than the ${charCount} characters that a file may have`,
      "import fewer tools at once; one that is too large alone is declared by hand",
    );
  };
}

function refuseRepeated(listed: readonly Listed[]): void {
  const seen = new Set<string>();
  for (const { server, tools } of listed) {
    for (const { name } of tools) {
      const key = JSON.stringify([server, name]);
      if (seen.has(key)) throw new Misuse(`the tool ${JSON.stringify(name)} is listed twice`);
      seen.add(key);
    }
  }
}

/** An answer to `tools/list` (with or without its JSON-RPC envelope), its list alone, or a list of servers with theirs. */
function listsIn(json: Json, server: string | undefined): Listed[] {
  const named = server === undefined ? {} : { server };
  if (isObject(json) && isObject(json.result)) return listsIn(json.result, server);
  if (isObject(json) && Array.isArray(json.tools))
    return [{ ...named, tools: toolsIn(json.tools) }];
  if (!Array.isArray(json)) {
    throw new Misuse(
      "there are no tools in it",
      "an answer to `tools/list` is wanted, or its `tools`",
    );
  }
  if (json.length > 0 && json.every((item) => isObject(item) && Array.isArray(item.tools))) {
    return serversIn(json as unknown as JsonObject[], server);
  }
  return [{ ...named, tools: toolsIn(json) }];
}

function serversIn(servers: readonly JsonObject[], wanted: string | undefined): Listed[] {
  const listed = servers.map((item) => ({
    server: nameOfServer(item),
    tools: toolsIn(item.tools as readonly Json[]),
  }));
  if (wanted === undefined) return listed;
  const found = listed.filter(({ server }) => server === wanted);
  if (found.length > 0) return found;
  const names = listed.map(({ server }) => server).join(", ");
  throw new Misuse(`there is no server ${JSON.stringify(wanted)} in it`, `it lists ${names}`);
}

function nameOfServer(item: JsonObject): string {
  const info = isObject(item.serverInfo) ? item.serverInfo.name : undefined;
  const name = item.package ?? item.name ?? info;
  return typeof name === "string" ? name : "server";
}

function toolsIn(list: readonly Json[]): JsonObject[] {
  return list.map((tool, index) => {
    if (isObject(tool) && typeof tool.name === "string" && tool.name !== "") return tool;
    throw new Misuse(
      `tool ${index + 1} has no name`,
      "an answer to `tools/list` is wanted, or its `tools`",
    );
  });
}

interface Declared {
  readonly tool: ImportedTool;
  readonly declaration: string;
  readonly untrusted: boolean;
}

interface Declaring {
  readonly server: string | undefined;
  readonly several: boolean;
  readonly taken: Set<string>;
  readonly pin: boolean;
  readonly take: (charCount: number) => void;
}

function declare(tool: JsonObject, { server, several, taken, pin, take }: Declaring): Declared {
  const wire = String(tool.name);
  const checks: string[] = [];
  const clash =
    several && server !== undefined && taken.has(wire) ? `${shortName(server)}_${wire}` : wire;
  const name = wordFor(clash, taken);
  const { effect, why } = effectOf(wire, tool.annotations);
  if (why !== undefined) checks.push(`effect: ${why}`);
  const check = (where: string, reason: string) => {
    take(where.length);
    checks.push(`${where}: ${reason}`);
  };
  const args = argsOf(tool.inputSchema ?? {}, { check, take });
  const untrusted = !(isObject(tool.annotations) && tool.annotations.openWorldHint === false);
  if (!untrusted) checks.push("returns: only the server says that nobody else writes any of it");
  const items = [
    `effect ${effect}`,
    ...(args === "{}" ? [] : [`args ${args}`]),
    ...(untrusted ? ["yields untrusted"] : []),
    ...(server === undefined ? [] : [`server ${quote(server)}`]),
    ...(pin ? [`digest ${quote(digestOf(tool))}`] : []),
  ];
  const comments = [summaryOf(tool.description), ...checks.map((text) => `check: ${text}`)];
  const lines = comments.filter((line) => line !== "").map((line) => `// ${oneLine(line)}\n`);
  const head = `tool ${name}${name === wire ? "" : ` named ${quote(wire)}`}`;
  return {
    tool: { name, wire, ...(server === undefined ? {} : { server }), effect, checks },
    declaration: `${lines.join("")}${head} { ${items.join(", ")} }\n`,
    untrusted,
  };
}

/** Members that are listed nowhere else than in a part of a schema are told: calls that bring them are refused. */
function argsOf(root: Json, { check, take }: Omit<SchemaContext, "root">): string {
  const { schema, refused } = resolve(root, root);
  if (refused !== undefined) check("arguments", `${refused}: none is accepted`);
  for (const part of ["allOf", "anyOf", "oneOf"]) {
    if (part in schema) check("arguments", `\`${part}\`: what it alone lists is not accepted`);
  }
  return recordOf(schema, "", { root, check, take });
}

/** `@modelcontextprotocol/server-filesystem` is `filesystem`. */
function shortName(server: string): string {
  const last = server.slice(server.lastIndexOf("/") + 1);
  return last.replace(/^(?:mcp-)?server-|-?mcp-?server|-mcp$/g, "") || "server";
}

/** Verbs by what they do, the most harmful first. */
const VERBS: readonly (readonly [Effect, readonly string[]])[] = [
  [
    "execute",
    ["exec", "execute", "run", "shell", "eval", "bash", "terminal", "script", "invoke", "trigger"],
  ],
  [
    "delete",
    [
      "delete",
      "drop",
      "remove",
      "clear",
      "clean",
      "cleanup",
      "purge",
      "erase",
      "destroy",
      "truncate",
      "unlink",
      "uninstall",
      "kill",
      "reset",
    ],
  ],
  [
    "send",
    [
      "send",
      "push",
      "publish",
      "post",
      "email",
      "mail",
      "message",
      "share",
      "upload",
      "notify",
      "tweet",
      "submit",
      "forward",
      "reply",
      "invite",
    ],
  ],
  [
    "write",
    [
      "write",
      "create",
      "update",
      "edit",
      "add",
      "append",
      "insert",
      "set",
      "move",
      "rename",
      "copy",
      "save",
      "modify",
      "alter",
      "patch",
      "put",
      "merge",
      "commit",
      "checkout",
      "rebase",
      "stash",
      "tag",
      "init",
      "clone",
      "pull",
      "cherry",
      "restore",
      "import",
      "compress",
      "extract",
      "sync",
      "toggle",
      "schedule",
      "cancel",
      "open",
      "close",
      "start",
      "stop",
      "enable",
      "disable",
      "assign",
      "reassign",
      "link",
      "pay",
      "transfer",
      "book",
      "order",
    ],
  ],
  [
    "read",
    [
      "get",
      "read",
      "list",
      "search",
      "find",
      "show",
      "describe",
      "view",
      "fetch",
      "diff",
      "log",
      "reflog",
      "blame",
      "status",
      "tree",
      "info",
      "stats",
      "count",
      "compare",
      "check",
      "poll",
      "lookup",
      "browse",
      "preview",
      "summarize",
      "analyze",
      "timeline",
      "history",
      "echo",
      "inspect",
    ],
  ],
];

/**
 * Servers describe themselves, so what their hints say is believed only where the name does not say worse; and
 * where neither says anything it is the worst.
 */
function effectOf(wire: string, annotations: Json | undefined): { effect: Effect; why?: string } {
  const hints = isObject(annotations) ? annotations : {};
  const named = effectOfName(wire);
  if (hints.readOnlyHint === true) {
    if (named === undefined || named === "read") return { effect: "read" };
    return { effect: named, why: "the server says it only reads; its name says more" };
  }
  if (hints.destructiveHint === true && (named === undefined || named === "read")) {
    return { effect: "delete", why: "the server says it may destroy" };
  }
  if (hints.readOnlyHint === false && named === "read") {
    return { effect: "write", why: "the server says it does not only read" };
  }
  if (hints.destructiveHint === true && named === "write") {
    return { effect: named, why: "the server says it may destroy" };
  }
  if (hints.readOnlyHint === false && named !== undefined) return { effect: named };
  if (named === undefined) return { effect: "execute", why: "nothing says what it does" };
  return { effect: named, why: "told from the name" };
}

function effectOfName(wire: string): Effect | undefined {
  const words = wire
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  const said = words.map((word) => VERBS.find(([, verbs]) => verbs.includes(word))?.[0]);
  const found = said.filter((effect) => effect !== undefined);
  const [first] = found;
  if (first !== "read") {
    // The first word that says anything is the verb, but none after it may say worse in so many words.
    return found.find((effect) => effect === "delete" || effect === "execute") ?? first;
  }
  // What is read may be called like a verb (`get_run`); a second verb stands behind a conjunction.
  const seconds = said.filter((_, at) => CONJUNCTIONS.includes(words[at - 1] ?? ""));
  return seconds.find((effect) => effect !== undefined && effect !== "read") ?? first;
}

const CONJUNCTIONS = ["and", "or", "then"];

const SUMMARY_CHARS = 100;

/** Its first sentence. */
function summaryOf(description: Json | undefined): string {
  if (typeof description !== "string") return "";
  const plain = oneLine(description);
  const sentence = /^.*?[.!?](?= |$)/.exec(plain)?.[0] ?? plain;
  return sentence.length <= SUMMARY_CHARS
    ? sentence
    : `${sentence.slice(0, SUMMARY_CHARS - 1).trimEnd()}…`;
}

/** Comments end with their line; nothing hidden may stand in one. */
function oneLine(text: string): string {
  return replaceHidden(text, () => " ")
    .replace(/\s+/g, " ")
    .trim();
}

/** What the language does not take (names longer than it has room for, half of a surrogate pair) is told by its tool. */
function layOut(made: readonly Declared[], packageName: string): string {
  const laid = laidOut(made, packageName);
  if (laid.ok) return laid.text;
  const alone = made.find((one) => !laidOut([one], packageName).ok);
  const what = alone === undefined ? "together, the tools" : `the tool ${shorten(alone.tool.wire)}`;
  throw new Misuse(`${what} cannot be declared: ${laid.why}`, "leave it out of the list");
}

type LaidOut =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: string | undefined };

function laidOut(made: readonly Declared[], packageName: string): LaidOut {
  const written = [
    `package ${packageName}\n`,
    ...(made.some(({ untrusted }) => untrusted) ? ["\nlabel untrusted\n"] : []),
    ...made.map(({ declaration }) => `\n${declaration}`),
  ].join("");
  const laid = format({ path: "tools.writ", text: written });
  if (!("text" in laid)) return { ok: false, why: laid.diagnostics[0]?.message };
  const { text } = laid;
  const { diagnostics } = compile({ directory: ".", files: [{ path: "tools.writ", text }] });
  return hasErrors(diagnostics) ? { ok: false, why: diagnostics[0]?.message } : { ok: true, text };
}

const NAME_CHARS = 60;

function shorten(wire: string): string {
  return JSON.stringify(wire.length <= NAME_CHARS ? wire : `${wire.slice(0, NAME_CHARS)}…`);
}
