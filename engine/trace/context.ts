/** Whose trace a request belongs to, as its headers say (W3C Trace Context, level 2). Pure. */

export interface TraceContext {
  /** 32 lower-case hexadecimal digits, not all 0. */
  readonly traceId: string;
  /** The caller's span: 16 of them. */
  readonly parentId: string;
  /** The caller records what happens. */
  readonly isSampled: boolean;
  /** What other tracing systems noted, as it came; `""` where there is nothing that can be kept. */
  readonly state: string;
}

/** `undefined` where there is no `traceparent` that can be read: then a trace begins here, and `tracestate` is nobody's. */
export function readTraceContext(headers: TraceHeaders): TraceContext | undefined {
  const { traceparent, tracestate } = headers;
  // Two headers are no header: which of them is the caller's is not ours to guess.
  const found = typeof traceparent === "string" ? PARENT.exec(traceparent) : null;
  const [, version = "ff", traceId = "", parentId = "", flags = "", more] = found ?? [];
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (ZEROS.test(traceId) || ZEROS.test(parentId)) return undefined;
  const isSampled = (Number.parseInt(flags, 16) & SAMPLED) !== 0;
  return { traceId, parentId, isSampled, state: readState(tracestate) };
}

/** By their names in lower case. */
export type TraceHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Later versions may say more, behind another `-`. */
const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;
const SAMPLED = 1;

/** As much as everybody who hands it on must keep; more would be a caller's way into our memory. */
const STATE_LENGTH_MOST = 512;
const STATE_MEMBERS_MOST = 32;
const STATE_MEMBER =
  /^(?:[a-z0-9][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

function readState(given: string | readonly string[] | undefined): string {
  const text = typeof given === "string" ? given : (given ?? []).join(",");
  const members = text
    .split(",")
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ""))
    .filter((member) => member !== "");
  const keys = new Set(members.map((member) => member.slice(0, member.indexOf("="))));
  const isValid =
    keys.size === members.length &&
    members.length <= STATE_MEMBERS_MOST &&
    members.every((member) => STATE_MEMBER.test(member));
  const state = members.join(",");
  return isValid && state.length <= STATE_LENGTH_MOST ? state : "";
}
