/** An engine that is asked with tokens, around one that is told what they vouch for. */
import { isTokens } from "../delegation-reader.ts";
import type { Vouched } from "../engine.ts";
import { askedAhead, type DecisionService, leftTo } from "../http/service.ts";
import { isObject } from "../value-reader.ts";
import type { Identity } from "./identity.ts";
import type { VouchedDelegation } from "./vouched.ts";

export interface IdentifiedParts {
  readonly identity: Identity;
  /** Told of every fault that became a denial. */
  readonly onFault: (fault: unknown) => void;
}

/**
 * Verifies `delegation.tokens` before whatever is asked. Refused tokens are decided on too: the denial is the
 * engine's, and is counted and recorded as any other. A chain that was seen before is decided on without
 * waiting.
 */
export function identified(service: DecisionService, parts: IdentifiedParts): DecisionService {
  const ahead = askedAhead(service);
  return {
    ...ahead,
    decide: withTokens(service.decide.bind(service), parts),
    ...leftTo(service),
    ...(ahead.preview && { preview: withTokens(ahead.preview, parts) }),
    ...(ahead.foresee && { foresee: withTokens(ahead.foresee, parts) }),
  };
}

type Ask<Result> = (input: unknown, vouched?: Vouched) => Result | Promise<Result>;

function withTokens<Result>(ask: Ask<Result>, { identity, onFault }: IdentifiedParts): Ask<Result> {
  return (input, vouched) => {
    const tokens = tokensOf(input);
    if (tokens === undefined) return ask(input, vouched);
    const told = (delegation: VouchedDelegation) => ask(input, { ...vouched, delegation });
    const failed = (fault: unknown) => {
      onFault(fault);
      return FAILED;
    };
    let verified: ReturnType<Identity["verify"]>;
    try {
      verified = identity.verify(tokens);
    } catch (fault) {
      verified = failed(fault);
    }
    return verified instanceof Promise ? verified.catch(failed).then(told) : told(verified);
  };
}

const FAILED: VouchedDelegation = {
  ok: false,
  code: "internal_error",
  why: "the tokens could not be verified",
};

/** What is not in the form of §12.2 is left to the engine, which refuses it. */
function tokensOf(input: unknown): readonly string[] | undefined {
  if (!isObject(input) || !isObject(input.delegation)) return undefined;
  const { tokens } = input.delegation;
  return isTokens(tokens) ? tokens : undefined;
}
