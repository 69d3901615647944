/** Tokens of single use (SPEC §15.6): of all the calls that one is sent with, one is allowed. */
import type { Answer } from "../answer.ts";
import type { Decision } from "../decision.ts";
import type { Vouched } from "../engine.ts";
import { askedAhead, type DecisionService, leftTo } from "../http/service.ts";
import type { Ledger, LedgerEntry } from "../ledger/ledger.ts";
import { type DelegationRefusal, refuseDelegation } from "./cause.ts";
import type { TokenRecord } from "./vouched.ts";

export interface OnceParts {
  readonly ledger: Ledger;
  /** Milliseconds since the Unix epoch, by the later of the clocks there are. */
  readonly now: () => number;
  readonly onFault: (fault: unknown) => void;
}

/** Marks them used before the decision, and gives them back where it is no allow. */
export function usedOnce(service: DecisionService, parts: OnceParts): DecisionService {
  const { preview, foresee, ...ahead } = askedAhead(service);
  return {
    ...ahead,
    ...(preview && { preview: (input, vouched) => preview(input, toldAhead(vouched, parts)) }),
    ...(foresee && { foresee: (input, vouched) => foresee(input, toldAhead(vouched, parts)) }),
    decide(input, vouched) {
      const tokens = onceIn(vouched);
      if (tokens.length === 0) return service.decide(input, vouched);
      return decideOnce(tokens, input, vouched, service, parts);
    },
    ...leftTo(service),
  };
}

interface OnceToken {
  readonly key: string;
  readonly untilMs: number;
}

function onceIn(vouched: Vouched | undefined): readonly OnceToken[] {
  const { delegation } = vouched ?? {};
  return delegation?.ok === true ? delegation.tokens.flatMap(onceOf) : [];
}

/** By issuer and `jti`: a signature may have several spellings, so a digest is not enough. */
function onceOf({ issuer, id, once_until: until }: TokenRecord): readonly OnceToken[] {
  if (until === undefined) return [];
  return [{ key: JSON.stringify([issuer, id]), untilMs: Date.parse(until) }];
}

async function decideOnce(
  tokens: readonly OnceToken[],
  input: unknown,
  vouched: Vouched | undefined,
  service: DecisionService,
  parts: OnceParts,
): Promise<Answer<Decision>> {
  const used: OnceToken[] = [];
  let refused: DelegationRefusal | undefined;
  for (const token of tokens) {
    refused = await use(token, parts);
    if (refused !== undefined) break;
    used.push(token);
  }
  const told = refused === undefined ? vouched : { ...vouched, refused };
  // What throws here leaves them used.
  const answer = await service.decide(input, told);
  if (answer.kind === "answer" && answer.value.decision === "allow") return answer;
  for (const token of used) await giveBack(token, parts);
  return answer;
}

/** A question asked ahead uses none. */
function toldAhead(vouched: Vouched | undefined, { ledger }: OnceParts): Vouched | undefined {
  const isUsed = onceIn(vouched).some(({ key }) => ledger.get("use", key)?.text === USED);
  return isUsed ? { ...vouched, refused: ALREADY } : vouched;
}

const USED = "used";
const FREE = "free";

/** Times that a change is tried again which another process was faster with. */
const TRIES = 5;

/** Another process may have used it and given it back: then it is not used, though this one did not know of either. */
async function use(token: OnceToken, parts: OnceParts): Promise<DelegationRefusal | undefined> {
  const { ledger, now, onFault } = parts;
  try {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const was = ledger.get("use", token.key);
      if (was?.text === USED) return ALREADY;
      const kept = await ledger.put({ ...changeOf(token, was, USED), nowMs: now() });
      if (kept === "kept") return undefined;
      if (kept === "full") return NO_ROOM;
    }
    return UNKNOWN;
  } catch (fault) {
    onFault(fault);
    return UNKNOWN;
  }
}

/** What cannot be given back stays used. */
async function giveBack(token: OnceToken, { ledger, now, onFault }: OnceParts): Promise<void> {
  try {
    const was = ledger.get("use", token.key);
    await ledger.put({ ...changeOf(token, was, FREE), nowMs: now() });
  } catch (fault) {
    onFault(fault);
  }
}

function changeOf({ key, untilMs }: OnceToken, was: LedgerEntry | undefined, text: string) {
  return { kind: "use", id: key, was, next: { text, untilMs } } as const;
}

const ALREADY = refuseDelegation("token_used", "a token of single use was used before");
const NO_ROOM: DelegationRefusal = {
  ok: false,
  code: "state_unavailable",
  why: "there is no room to remember that a token was used",
};
const UNKNOWN: DelegationRefusal = {
  ok: false,
  code: "state_unavailable",
  why: "whether a token was used cannot be kept",
};
