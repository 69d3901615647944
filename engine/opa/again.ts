/** Recorded decisions of Rego alone (SPEC §5.9.2), made again by asking the module again (SPEC §14.4). */
import { type Again, held, type RecordedDecision, type Skip } from "../audit/again.ts";
import type { Whole } from "../audit/whole.ts";
import { requestDigest } from "../canonical-json.ts";
import { denied } from "../decision.ts";
import { refusedBy } from "./alone.ts";
import type { ModuleAnswer } from "./answer.ts";
import { decisionOf } from "./said.ts";

export interface RegoAgainParts {
  readonly entrypoint: string;
  readonly digest: string;
  /** That the module asks its host for. */
  readonly builtins: readonly string[];
  /** `nowMs`: the clock that was decided by. */
  ask(input: unknown, nowMs: number): ModuleAnswer;
}

/** Made once for a bundle. */
export function openRegoAgain({ entrypoint, digest, builtins, ask }: RegoAgainParts) {
  const isRandom = builtins.some((name) => LOTS.has(name));
  return (record: RecordedDecision): Again => {
    const { id, call = "", policy: identity, whole } = record;
    const early = earlySkipOf(record, digest);
    if (early !== undefined || whole === undefined) return skipped(early ?? "not_whole");
    const refused = refusedBy(whole);
    if (refused !== undefined) return held(record, denied(id, refused, identity));
    const late = isRandom ? "random" : lateSkipOf(record, whole);
    if (late !== undefined) return skipped(late);
    const ids = { decision: () => id, call: () => call };
    const answer = ask(whole.request, whole.now ?? 0);
    return held(record, decisionOf(answer, { entrypoint, ids, identity }));
  };
}

/** Builtins that give something else each time. */
const LOTS: ReadonlySet<string> = new Set(["rand.intn", "uuid.rfc4122"]);

function skipped(why: Skip): Again {
  return { kind: "skipped", why };
}

function earlySkipOf({ whole, policy, code }: RecordedDecision, digest: string): Skip | undefined {
  if (policy.digest !== digest) return policy.digest === "" ? "not_decided" : "other_policy";
  if (whole === undefined) return "not_whole";
  if (code === "session_interrupted") return "session_ended";
  return code !== undefined && NOT_REGOS.has(code) ? "not_decided" : undefined;
}

const NOT_REGOS: ReadonlySet<string> = new Set([
  "state_unavailable",
  "internal_error",
  "unsupported_obligation",
]);

/** Rego may read anything of a request: what was left out of it, an instruction or a token, may have decided. */
function lateSkipOf(record: RecordedDecision, whole: Whole): Skip | undefined {
  if (whole.altered === true) return "left_out";
  if (requestDigest(whole.request, record.policy.digest) !== record.request) return "left_out";
  const isUnanswered = (record.modules ?? []).some(({ answer }) => answer === "unavailable");
  return isUnanswered ? "no_answer" : undefined;
}
