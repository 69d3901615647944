/** A span of each decision and outcome, in the caller's trace where its request names one. */
import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type { Answer } from "../answer.ts";
import { readTraceContext, type TraceContext } from "../trace/context.ts";
import { type Attributes, type Span, told, toldOfDecision } from "../trace/span.ts";
import { askedAhead, type DecisionService } from "./service.ts";

export interface Traced {
  readonly service: DecisionService;
  /** Lets the requests of a server be told apart; before it is ready. */
  readonly join: (app: FastifyInstance) => void;
}

export interface TracedParts {
  /** Must neither wait nor throw; where it throws all the same, the span is lost and the answer is not. */
  readonly take: (span: Span) => void;
  /** Since the Unix epoch. */
  readonly wallMs: () => number;
  /** Milliseconds that only go forward, from wherever. */
  readonly clock?: () => number;
  readonly randomHex?: (byteCount: number) => string;
}

/** A trace that begins here is recorded; of a caller's, the caller says whether it is. */
export function traced(service: DecisionService, parts: TracedParts): Traced {
  const { take, wallMs, clock = () => performance.now(), randomHex = randomId } = parts;
  const joined = new AsyncLocalStorage<TraceContext | undefined>();

  const finish = (begun: Begun, told: Pick<Span, "attributes" | "failure">): void => {
    const { name, startMs, beganMs, context } = begun;
    take({
      name,
      traceId: context?.traceId ?? randomHex(16),
      spanId: randomHex(8),
      parentId: context?.parentId,
      state: context?.state ?? "",
      startMs,
      elapsedMs: clock() - beganMs,
      ...told,
    });
  };

  const around = async <Value>(
    name: Span["name"],
    ask: () => Answer<Value> | Promise<Answer<Value>>,
    tell: (value: Value) => Attributes,
  ): Promise<Answer<Value>> => {
    const context = joined.getStore();
    if (context?.isSampled === false) return ask();
    const begun = { name, context, startMs: wallMs(), beganMs: clock() };
    let answer: Answer<Value> | undefined;
    try {
      answer = await ask();
      return answer;
    } finally {
      try {
        finish(begun, told(answer, tell));
      } catch {
        // A decision must not fail because it cannot be told of.
      }
    }
  };

  return {
    service: {
      ...askedAhead(service),
      decide: (input, vouched) =>
        around("decide", () => service.decide(input, vouched), toldOfDecision),
      outcome: (input) =>
        around(
          "outcome",
          () => service.outcome(input),
          ({ status }) => ({ "writ.outcome": status }),
        ),
      readiness: () => service.readiness(),
    },
    join(app) {
      // After the body was read: what reading it waits for would leave the trace again.
      app.addHook("preHandler", (request, _reply, done) => {
        joined.run(readTraceContext(request.headers), done);
      });
    },
  };
}

interface Begun extends Pick<Span, "name" | "startMs"> {
  readonly beganMs: number;
  readonly context: TraceContext | undefined;
}

function randomId(byteCount: number): string {
  return randomBytes(byteCount).toString("hex");
}
