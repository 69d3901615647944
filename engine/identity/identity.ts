/**
 * Tokens of a request → what they vouch for. What was verified before is not verified again; whether it still
 * counts is asked at every use.
 */
import { LRUCache } from "lru-cache";
import { type Clock, type ClockReading, clockReader, earliestIn } from "../clock.ts";
import { createStatuses, firstRefusal, type Statuses } from "../status/statuses.ts";
import { type DelegationRefusal, refuseDelegation } from "./cause.ts";
import { HOPS_MOST, LEEWAY_MS } from "./chain.ts";
import type { Issuer } from "./issuer.ts";
import { joinTokens, type Sorted, sortTokens } from "./join.ts";
import { type Rest, restRefusal, restsOf } from "./rest.ts";
import { NOTHING_REVOKED, type Revocations, type TokenUse } from "./revocation.ts";
import { digestOfToken, handedOn, type Token, verifyToken } from "./token.ts";
import type { VouchedDelegation } from "./vouched.ts";

export interface IdentityParts {
  readonly issuers: readonly Issuer[];
  /** Where its two readings differ, tokens have ended by the later, and begun by the earlier. */
  readonly clock: Clock | (() => number);
  /** Missing = nothing was revoked. */
  readonly revocations?: Revocations;
  /** Missing = lists are read from where tokens and the configuration say. */
  readonly statuses?: Statuses;
  /** Somebody behind this keeps tasks, and is asked whether a grant still counts. Missing = grants of tasks are refused. */
  readonly tasks?: boolean;
}

export interface Identity {
  /** A promise only where a token was not seen before, or its issuer's keys must be read. */
  verify(tokens: readonly string[]): VouchedDelegation | Promise<VouchedDelegation>;
}

/** One that is asked again of what it has verified, without the tokens. */
export interface RestingIdentity extends Identity {
  /** Of what it has verified; nothing of anything else. */
  restsOf(delegation: VouchedDelegation): readonly Rest[];
  /** Why what was granted on them does not count now. */
  restRefusal(
    rests: readonly Rest[],
  ): DelegationRefusal | undefined | Promise<DelegationRefusal | undefined>;
}

/** A grant, as many links as a chain has hops, and a token of the agent's own. */
const TOKENS_MOST = HOPS_MOST + 2;

/**
 * Verified tokens kept, and what they made together: some 2 KiB each. Whoever holds a key can make as many links as they
 * like, with as much in each as fits, and a token may take fifteen times its text: so there is a bound on texts too.
 */
const SEEN_MOST = 5_000;
const SEEN_CHARS_MOST = 8 * 1024 * 1024;
const JOINED_CHARS_MOST = 2 * SEEN_CHARS_MOST;

export function createIdentity(parts: IdentityParts): RestingIdentity {
  /**
   * By digest of the whole token; each names the key that verified it, and counts only while that key does: one
   * that its issuer has withdrawn takes its tokens with it.
   */
  const seen = new LRUCache<string, Token>({ max: SEEN_MOST, maxSize: SEEN_CHARS_MOST });
  /** What tokens make together never changes; by their digests in order. */
  const joined = new LRUCache<string, VouchedDelegation>({
    max: SEEN_MOST,
    maxSize: JOINED_CHARS_MOST,
  });
  const rested = new WeakMap<VouchedDelegation, readonly Rest[]>();
  const join = (sorted: Sorted, tokens: readonly Token[]): VouchedDelegation => {
    const key = tokens.map(({ digest }) => digest).join(".");
    const known = joined.get(key);
    if (known !== undefined) return known;
    const made = joinTokens(sorted);
    // No tokens are something to keep as well.
    joined.set(key, made, { size: tokens.reduce((sum, { length }) => sum + length, 1) });
    rested.set(made, restsOf(tokens));
    return made;
  };
  const { statuses = createStatuses({ elapsedMs: () => performance.now() }) } = parts;
  const shell: Shell = { ...parts, statuses, time: clockReader(parts.clock) };
  const recall = (token: string, before: Token | undefined): Token | undefined => {
    const known = seen.get(digestOfToken(token));
    return known !== undefined && stillCounts(known, before) ? known : undefined;
  };
  return {
    verify(tokens) {
      if (tokens.length > TOKENS_MOST) {
        return refuseDelegation("chain_too_long", `there are more than ${TOKENS_MOST} tokens`);
      }
      const recalled = recallAll(tokens, recall);
      if (recalled !== undefined) return concludeInTime(recalled, join, shell);
      return verifyAll(tokens, recall, parts.issuers).then((verified) => {
        if ("ok" in verified) return verified;
        for (const token of verified) seen.set(token.digest, token, { size: token.length });
        return concludeInTime(verified, join, shell);
      });
    },
    restsOf: (delegation) => rested.get(delegation) ?? [],
    restRefusal: (rests) =>
      restRefusal(rests, { issuers: parts.issuers, statuses, now: laterOf(shell) }),
  };
}

function laterOf({ time }: Pick<Shell, "time">): () => number {
  return () => {
    const { nowMs, doubt } = time();
    return doubt?.laterMs ?? nowMs;
  };
}

interface Shell extends IdentityParts {
  readonly statuses: Statuses;
  readonly time: () => ClockReading;
}

type Recall = (token: string, before: Token | undefined) => Token | undefined;

function stillCounts({ thumbprint, issuer, content }: Token, before: Token | undefined): boolean {
  if (issuer !== undefined) return issuer.keys.current()?.has(thumbprint) === true;
  if (before === undefined || content.kind !== "link") return false;
  return handedOn(before)?.thumbprint === thumbprint && content.parent === before.digest;
}

function recallAll(tokens: readonly string[], recall: Recall): readonly Token[] | undefined {
  const found: Token[] = [];
  let before: Token | undefined;
  for (const token of tokens) {
    const known = recall(token, before);
    if (known === undefined) return undefined;
    found.push(known);
    if (known.content.kind !== "identity") before = known;
  }
  return found;
}

async function verifyAll(
  tokens: readonly string[],
  recall: Recall,
  issuers: readonly Issuer[],
): Promise<readonly Token[] | DelegationRefusal> {
  const verified: Token[] = [];
  let before: Token | undefined;
  for (const [index, text] of tokens.entries()) {
    const token = recall(text, before) ?? (await verifyToken(text, before, issuers));
    if (!token.ok) return { ...token, why: `token ${index + 1}: ${token.why}` };
    verified.push(token);
    if (token.content.kind !== "identity") before = token;
  }
  return verified;
}

type Join = (sorted: Sorted, tokens: readonly Token[]) => VouchedDelegation;

/** Where a status must be read first, what may have changed meanwhile is asked again. */
function concludeInTime(
  tokens: readonly Token[],
  join: Join,
  shell: Shell,
): VouchedDelegation | Promise<VouchedDelegation> {
  const concluded = conclude(tokens, join, shell);
  if (!concluded.ok) return concluded;
  const refusal = statusRefusal(tokens, shell);
  if (!(refusal instanceof Promise)) return refusal ?? concluded;
  return refusal.then((late) => late ?? conclude(tokens, join, shell));
}

/** Of the first token whose status speaks against it; they are read together. */
function statusRefusal(
  tokens: readonly Token[],
  { statuses, ...shell }: Shell,
): DelegationRefusal | undefined | Promise<DelegationRefusal | undefined> {
  const now = laterOf(shell);
  const pending: Promise<DelegationRefusal | undefined>[] = [];
  for (const { common, issuer } of tokens) {
    if (common.status === undefined || issuer?.status === "ignore") continue;
    if (common.status === "other" || issuer === undefined) return STATUS_UNKNOWN;
    const refusal = statuses.refusal(common.status, issuer, now);
    if (refusal instanceof Promise) pending.push(refusal);
    else if (refusal !== undefined) return refusal;
  }
  return firstRefusal(pending);
}

const STATUS_UNKNOWN = refuseDelegation(
  "status_not_accepted",
  "its status is told in another way than by a list",
);

function conclude(
  tokens: readonly Token[],
  join: Join,
  { time, revocations = NOTHING_REVOKED, tasks = false }: Shell,
): VouchedDelegation {
  const sorted = sortTokens(tokens);
  if (!sorted.ok) return sorted;
  if (!tasks && sorted.chain.some(isGrantOfTask)) return NO_TASKS;
  const reading = time();
  const audiences = sorted.chain[0]?.issuer?.audiences;
  for (const [index, token] of tokens.entries()) {
    const refusal = useRefusal(token, token.issuer?.audiences ?? audiences, reading);
    if (refusal !== undefined) return { ...refusal, why: `token ${index + 1}: ${refusal.why}` };
  }
  const delegation = join(sorted, tokens);
  return delegation.ok ? (revokedOf(sorted, revocations) ?? delegation) : delegation;
}

function isGrantOfTask({ content }: Token): boolean {
  return content.kind === "link" && content.task !== undefined;
}

const NO_TASKS = refuseDelegation("task_unknown", "this engine keeps no tasks");

/** What can change from one use to the next, or from one engine to another. */
function useRefusal(
  { common }: Token,
  audiences: ReadonlySet<string> | undefined,
  reading: ClockReading,
): DelegationRefusal | undefined {
  const { nowMs, doubt } = reading;
  const { audience, expiresAtMs, issuedAtMs = 0, notBeforeMs = 0 } = common;
  if (expiresAtMs <= (doubt?.laterMs ?? nowMs))
    return refuseDelegation("token_expired", "it has ended");
  if (Math.max(issuedAtMs, notBeforeMs) > earliestIn(reading) + LEEWAY_MS) {
    return refuseDelegation("token_not_yet_valid", "it begins in the future");
  }
  if (audience.some((one) => audiences?.has(one))) return undefined;
  return refuseDelegation("audience_mismatch", "it is not meant for this engine");
}

function revokedOf(
  { chain, identity }: Sorted,
  revocations: Revocations,
): DelegationRefusal | undefined {
  for (const token of identity === undefined ? chain : [...chain, identity]) {
    const why = revocations.revoked(useOf(token, chain[0]?.issuer));
    if (why !== undefined) return { ok: false, code: "revoked", why };
  }
  return undefined;
}

function useOf(
  { digest, twin, common, issuer, content }: Token,
  first: Issuer | undefined,
): TokenUse {
  const { id, issuedAtMs } = common;
  return {
    issuer: (issuer ?? first)?.name ?? "",
    digest,
    parties: partiesOf(content),
    ...(twin === undefined ? {} : { twin }),
    ...(id === undefined ? {} : { id }),
    ...(issuedAtMs === undefined ? {} : { issuedAtMs }),
  };
}

function partiesOf(content: Token["content"]): readonly string[] {
  if (content.kind === "identity") return [content.id];
  if (content.kind === "link") return [content.from, content.to];
  return [content.root.id, ...content.actors.map(({ id }) => id)];
}
