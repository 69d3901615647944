/** What an agent has when it asks to start a task: hops that tokens came to, or that are asserted, and what they rest on. */
import { hopsFrom, isTokens } from "../delegation-reader.ts";
import { type DelegationRefusal, refuseDelegation } from "../identity/cause.ts";
import type { Hop } from "../identity/chain.ts";
import type { RestingIdentity } from "../identity/identity.ts";
import type { Rest } from "../identity/rest.ts";
import type { AcceptedDelegation, VouchedHop } from "../identity/vouched.ts";
import { isObject, type Problem, report } from "../value-reader.ts";
import type { Members, TaskAsk } from "./asking.ts";

export interface Holding {
  /** Root first; the last hop is the agent's. */
  readonly through: readonly VouchedHop[];
  /** None where the request names a principal and says nothing of what was delegated. */
  readonly isDelegated: boolean;
  readonly vouched?: AcceptedDelegation;
  readonly rests: readonly Rest[];
  readonly refusal?: DelegationRefusal;
}

const NOTHING_HELD: Holding = { through: [], isDelegated: false, rests: [] };

/** A chain that is malformed or refused is left to the engine, which says what is wrong with it. */
export async function holdingOf(
  { request, agent }: TaskAsk,
  identity: Pick<RestingIdentity, "verify" | "restsOf">,
  problems: Problem[],
): Promise<Holding | undefined> {
  const { delegation, principal } = request;
  const { tokens, chain } = isObject(delegation) ? delegation : {};
  if (isTokens(tokens)) {
    const vouched = await identity.verify(tokens);
    if (!vouched.ok) return { ...NOTHING_HELD, refusal: vouched };
    if (vouched.task !== undefined) return { ...NOTHING_HELD, refusal: NO_TASK_IN_TASK };
    return vouched.self === undefined
      ? { through: vouched.chain, isDelegated: true, vouched, rests: identity.restsOf(vouched) }
      : report(problems, "/delegation", "hands nothing on: a task is somebody's who delegates it");
  }
  if (Array.isArray(chain)) {
    return { ...NOTHING_HELD, through: asserted(toldOf(chain, principal)), isDelegated: true };
  }
  const from = isObject(principal) ? partyOf(principal) : undefined;
  if (from !== undefined && from.id !== agent) {
    const hop = { from, to: partyOf(request.agent), scope: [] };
    return { ...NOTHING_HELD, through: asserted([hop]) };
  }
  return report(problems, "/principal", "is missing: a task is somebody's who delegates it");
}

const NO_TASK_IN_TASK = refuseDelegation("task_mismatch", "a task starts no task");

/** As they are asserted, which the engine reads before anything rests on them. */
function asserted(chain: readonly unknown[]): readonly VouchedHop[] {
  return chain as readonly VouchedHop[];
}

/** The root's kind may stand beside the chain, which is all that is kept of it. */
function toldOf(chain: readonly unknown[], principal: unknown): readonly unknown[] {
  const [first, ...more] = chain;
  if (!isObject(first) || !isObject(principal)) return chain;
  const isSame = partyId(first.from) === principal.id;
  const hasKind = isObject(first.from) && first.from.kind !== undefined;
  return isSame && !hasKind ? [{ ...first, from: partyOf(principal) }, ...more] : chain;
}

function partyOf(party: unknown): Members & { readonly id?: unknown } {
  const { id, kind } = isObject(party) ? party : {};
  return { id, ...(kind === undefined ? {} : { kind }) };
}

/** `undefined` where they are none. */
export function hopsOf({ through, isDelegated }: Holding): readonly Hop[] | undefined {
  if (!isDelegated) return [];
  try {
    return hopsFrom(through);
  } catch {
    return undefined;
  }
}

export function partyId(party: unknown): unknown {
  return isObject(party) ? party.id : party;
}
