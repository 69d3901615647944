/** What operators can do, and what is told of what they did. */
import type { Approvals } from "../../approvals/approvals.ts";
import type { OperatorAction } from "../../audit/record.ts";
import type { Inspection } from "../../inspect/inspection.ts";
import type { Revocations } from "../../revocations/revocations.ts";
import type { Awaitable, Interruption } from "../../state/report.ts";
import type { TaskService } from "../../tasks/service.ts";
import type { Tasks } from "../../tasks/tasks.ts";
import type { Measures } from "../measured.ts";
import type { DecisionService } from "../service.ts";
import type { Credential } from "./credential.ts";
import type { Vitals } from "./vitals.ts";

/** As much of an engine as is operated; `Engine` is one, and so may be what swaps engines. */
export interface OperatedEngine {
  readonly inspection: Inspection;
  readonly sessions: {
    interrupt(id: string, why: Interruption): Awaitable<void>;
    reinstate(id: string): Awaitable<boolean>;
    declassify(id: string, label: string): Awaitable<boolean>;
  };
}

export interface AdminParts {
  /** Asked anew each time: where policies are swapped, it is another one. */
  readonly engine: () => OperatedEngine;
  readonly service: Pick<DecisionService, "readiness">;
  readonly measures: Measures;
  /** For `GET /metrics`. */
  readonly vitals?: Vitals;
  readonly approvals: Approvals;
  readonly revocations: Revocations;
  readonly tasks: Tasks;
  /** What is told of an agent; missing where no tasks are granted. */
  readonly signal?: TaskService["signal"] | undefined;
  /** What keeps others out: permissions of the socket's file, or a credential. */
  readonly guard: Guard;
  /**
   * Records what is ordered. What loosens is done only once this has resolved; an interruption is done first,
   * since a record that fails must not keep a session alive.
   */
  readonly onAdmin?: (event: AdminEvent) => Awaitable<void>;
  /** Resolves once what approvers do is recorded; missing = nothing is recorded. */
  readonly record?: ((action: OperatorAction) => Promise<void>) | undefined;
  /** Awaited before an order is answered: whatever makes what was done last. */
  readonly settled?: () => Awaitable<void>;
  /** Milliseconds since the Unix epoch. */
  readonly clock?: () => number;
}

export type Guard =
  | { readonly kind: "socket" }
  | { readonly kind: "credential"; readonly credential: Credential };

export interface AdminEvent {
  readonly action: Action;
  readonly atMs: number;
  readonly session: string;
  /** Of `declassify`. */
  readonly label?: string | undefined;
  /** Who they say they are: what is known is that they passed the guard. */
  readonly operator: string;
  readonly because: string;
  readonly via: Guard["kind"];
}

export const ACTIONS = ["interrupt", "reinstate", "declassify"] as const;
export type Action = (typeof ACTIONS)[number];
