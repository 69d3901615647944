/**
 * The policy that is decided by at present, and its swap for another. A request is answered by one engine from
 * beginning to end; engines share what is remembered (SPEC §7), so that a call allowed under one policy settles
 * under the next. Without a policy, and after its time, everything is denied.
 */
import type { Program } from "../lang/ir.ts";
import { spellTime } from "../lang/scalar/time.ts";
import { type Answer, bothReady, type OutcomeReceipt, type Readiness } from "./answer.ts";
import { type Decision, denied } from "./decision.ts";
import type { Vouched } from "./engine.ts";
import type { OperatedEngine } from "./http/admin/admin.ts";
import type { DecisionService } from "./http/service.ts";
import type { Ids } from "./ids.ts";
import type { Backfill } from "./state/past-uses.ts";

export interface ActivePolicy {
  readonly program: Program;
  readonly digest: string;
  /** What its maker calls it, or the serial of its bundle. */
  readonly revision?: string | undefined;
  /** Rego alone decides, by this document of it. */
  readonly entrypoint?: string;
  /** Milliseconds since the Unix epoch; from then on nothing is decided by it. Missing = for ever. */
  readonly untilMs?: number | undefined;
  /** Decides by this policy and no other. */
  readonly service: OperatedService;
}

export type OperatedService = DecisionService &
  OperatedEngine & {
    /** Missing where state cannot be counted after the fact. */
    readonly backfill?: Backfill;
    /** Before it decides: what its first requests would wait for. Missing = there is nothing. */
    readonly warmUp?: () => Promise<void>;
    /** Ends what it holds beside this thread, once it decides nothing any more. */
    readonly close?: () => void;
  };

export interface Active extends DecisionService {
  /** What decides now, even if its time is over; `undefined` before the first. */
  present(): ActivePolicy | undefined;
  /** From the next request on. What decided before the present one is closed: requests under way may still ask that. */
  swap(next: ActivePolicy): void;
  /** Nothing decides from now on that was not there before. */
  close(): void;
}

export interface ActiveParts {
  /** Milliseconds since the Unix epoch, never backwards: a clock that is set back revives no policy. */
  readonly now: () => number;
  readonly ids: Ids;
  /** Told of each policy that decides from now on. */
  readonly onSwap?: (next: ActivePolicy) => void;
  /** What operators should know while decisions are made all the same. */
  readonly warnings?: () => readonly string[];
}

export function createActive(parts: ActiveParts): Active {
  const { now, ids, onSwap = () => {}, warnings = () => [] } = parts;
  let present: ActivePolicy | undefined;
  let before: ActivePolicy | undefined;
  let isClosed = false;
  /** What decides now, or why nothing does. */
  const deciding = (): OperatedService | string => {
    if (present === undefined) return NOT_LOADED;
    const { untilMs, service } = present;
    if (untilMs === undefined || now() < untilMs) return service;
    return `the policy has expired, and its grace was over at ${spellTime(untilMs)}`;
  };
  const denied = (because: string): Answer<Decision> => ({
    kind: "answer",
    value: denyWithout(present, ids, because),
  });
  return {
    present: () => present,
    swap: (next) => {
      if (isClosed) {
        next.service.close?.();
        return;
      }
      if (before !== next) before?.service.close?.();
      before = present;
      present = next;
      onSwap(next);
    },
    close: () => {
      isClosed = true;
      before?.service.close?.();
      present?.service.close?.();
    },
    decide(input: unknown, vouched?: Vouched): ReturnType<DecisionService["decide"]> {
      const service = deciding();
      return typeof service === "string" ? denied(service) : service.decide(input, vouched);
    },
    // What was allowed is settled even when nothing more is.
    outcome(input: unknown): Answer<OutcomeReceipt> | Promise<Answer<OutcomeReceipt>> {
      if (present === undefined) return { kind: "unavailable", because: NOT_LOADED };
      return present.service.outcome(input);
    },
    preview(input: unknown, vouched?: Vouched) {
      const service = deciding();
      if (typeof service === "string") return denied(service);
      return service.preview?.(input, vouched) ?? NOT_ASKED;
    },
    foresee(input: unknown, vouched?: Vouched) {
      const service = deciding();
      if (typeof service === "string") return { kind: "unavailable", because: service };
      return service.foresee?.(input, vouched) ?? NOT_ASKED;
    },
    tools: () => present?.service.tools?.() ?? [],
    readiness(): Readiness {
      const service = deciding();
      if (typeof service === "string") {
        return { ready: false, because: [service, ...warnings()].join("; ") };
      }
      return bothReady(service.readiness(), { ready: true, warnings: warnings() });
    },
  };
}

const NOT_ASKED = {
  kind: "unavailable",
  because: "this service cannot be asked ahead of a call",
} as const;
const NOT_LOADED = "no policy has been loaded yet";

function denyWithout(present: ActivePolicy | undefined, ids: Ids, because: string): Decision {
  const { program, digest = "", revision } = present ?? {};
  const policy = {
    package: program?.package ?? "",
    digest,
    ...(revision === undefined ? {} : { revision }),
  };
  return denied(ids.decision(), { code: "no_policy", because }, policy);
}
