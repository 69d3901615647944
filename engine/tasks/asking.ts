/** What `POST /tasks` takes (SPEC §16.1): a request of §12.2 without a tool, and what the grant should say. Pure. */
import { parseDuration } from "../../lang/scalar/duration.ts";
import { readToolBounds, type ToolBounds } from "../identity/bounds.ts";
import { HOPS_MOST } from "../identity/chain.ts";
import { readTexts } from "../identity/claims.ts";
import { readKey, type TrustedKey } from "../identity/jwk.ts";
import type { JsonValue } from "../json.ts";
import {
  isObject,
  onlyMembers,
  optionally,
  type Problem,
  readId,
  report,
  wrong,
} from "../value-reader.ts";

export type Members = Readonly<Record<string, unknown>>;

export interface TaskAsk {
  /** As it was sent, without `grant`: what is wrong with it besides is the engine's to say. */
  readonly request: Members;
  readonly agent: string;
  readonly task: string;
  readonly purpose: string | undefined;
  readonly session: string;
  readonly grant: GrantAsk;
}

export interface GrantAsk {
  /** Of whoever may hand it on. */
  readonly key: TrustedKey;
  readonly lastsMs: number;
  readonly depth: number;
  /** Missing = as much as the task's tools ask for. */
  readonly scope?: readonly string[];
  /** Missing = the tools of the task. */
  readonly tools?: ToolBounds;
}

/** A grant that lasts longer is no grant of one errand. */
export const LASTS_MOST_MS = 24 * 3_600_000;

const GRANT_MEMBERS = ["key", "lasts", "depth", "scope", "tools"] as const;

/** `undefined` where a problem was reported. */
export function readAsk(input: unknown, problems: Problem[]): TaskAsk | undefined {
  if (!isObject(input)) return wrong(problems, "", "an object", input);
  const { grant: asked, ...request } = input;
  if (request.tool !== undefined) report(problems, "/tool", "is the service's to say");
  const grant = readGrant(asked, problems);
  const agent = readMember(request.agent, "id", "/agent", problems);
  const session = readMember(request.session, "id", "/session", problems);
  const task = readMember(request.intent, "task", "/intent", problems);
  const { purpose } = isObject(request.intent) ? request.intent : {};
  if (isObject(request.intent) && request.intent.task_id !== undefined) {
    report(problems, "/intent/task_id", "is the service's to say");
  }
  if (grant === undefined || agent === undefined || session === undefined) return undefined;
  if (task === undefined) return undefined;
  return {
    request,
    agent,
    task,
    session,
    grant,
    purpose: typeof purpose === "string" ? purpose : undefined,
  };
}

function readMember(json: unknown, name: string, at: string, problems: Problem[]) {
  if (!isObject(json)) return wrong(problems, at, "an object", json);
  return readId(json[name], `${at}/${name}`, problems);
}

function readGrant(json: unknown, problems: Problem[]): GrantAsk | undefined {
  if (!isObject(json)) return wrong(problems, "/grant", "an object", json);
  const given: Members = onlyMembers(json, GRANT_MEMBERS, "/grant", problems);
  const key = readHolder(given.key, problems);
  const lastsMs = readLasts(given.lasts, problems);
  const depth = optionally(readDepth, given.depth, "/grant/depth", problems);
  const scope = optionally(readScope, given.scope, "/grant/scope", problems);
  const tools = optionally(readToolBounds, given.tools, "/grant/tools", problems);
  if (key === undefined || lastsMs === undefined) return undefined;
  return {
    key,
    lastsMs,
    depth: depth ?? 0,
    ...(scope === undefined ? {} : { scope }),
    ...(tools === undefined ? {} : { tools }),
  };
}

function readHolder(json: unknown, problems: Problem[]): TrustedKey | undefined {
  const read = readKey(json);
  return read.ok ? read.key : report(problems, "/grant/key", `is no key to grant to: ${read.why}`);
}

/** In whole seconds, as tokens have them. */
function readLasts(json: unknown, problems: Problem[]): number | undefined {
  const at = "/grant/lasts";
  if (typeof json !== "string") return wrong(problems, at, "a duration such as `15m`", json);
  const read = parseDuration(json);
  if (!read.ok) return report(problems, at, read.why);
  if (read.value >= 1_000 && read.value <= LASTS_MOST_MS && read.value % 1_000 === 0) {
    return read.value;
  }
  return report(problems, at, "is not from `1s` to `24h`, in whole seconds");
}

function readDepth(json: unknown, at: string, problems: Problem[]): number | undefined {
  const most = HOPS_MOST - 1;
  if (Number.isInteger(json) && Number(json) >= 0 && Number(json) <= most) return Number(json);
  return wrong(problems, at, `a whole number from 0 to ${most}`, json);
}

function readScope(json: unknown, at: string, problems: Problem[]) {
  const read = readTexts(json as JsonValue, at, problems);
  return read && [...new Set(read)];
}
