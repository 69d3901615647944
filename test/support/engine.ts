import type { Decision } from "../../engine/decision.ts";
import { createEngine, type Engine, type EngineParts, type Vouched } from "../../engine/engine.ts";
import { compile } from "../../lang/compile.ts";
import type { Program } from "../../lang/ir.ts";

/** A program from text; throws with what is wrong with it. */
export function programOf(text: string): Program {
  const source = text.trimStart().startsWith("package") ? text : `package example\n${text}`;
  const compiled = compile({ directory: "test", files: [{ path: "policy.writ", text: source }] });
  if (compiled.program !== undefined) return compiled.program;
  throw new Error(compiled.diagnostics.map((found) => `${found.code} ${found.message}`).join("\n"));
}

export const START = Date.parse("2026-01-02T12:00:00Z");

type Json = Readonly<Record<string, unknown>>;

/** An engine whose clock and names are the test's, driven by requests with only what a test is about. */
export interface Driver {
  readonly engine: Engine;
  nowMs: number;
  /** One call of a tool by the agent `bot` in session `s`; `more` replaces members of the request. */
  call(tool: string, args?: Json, more?: Json, vouched?: Vouched): Decision;
  send(request: Json, vouched?: Vouched): Decision;
  ok(decision: Decision, values?: unknown, more?: Json): void;
  fail(decision: Decision): void;
}

export function drive(policy: string | Program, parts: Partial<EngineParts> = {}): Driver {
  const program = typeof policy === "string" ? programOf(policy) : policy;
  let count = 0;
  const engine = createEngine({
    program,
    digest: "sha256:test",
    clock: () => driver.nowMs,
    ids: { decision: () => `d${++count}`, call: () => `c${++count}` },
    ...parts,
  });
  const report = (decision: Decision, body: Json): void => {
    const answer = engine.outcome({ call: decision.call, ...body });
    if (answer.kind !== "answer") throw new Error(`the outcome was ${answer.kind}`);
  };
  const driver: Driver = {
    engine,
    nowMs: START,
    call: (tool, args = {}, more = {}, vouched = {}) =>
      driver.send(
        { agent: { id: "bot" }, session: { id: "s" }, tool: { name: tool, args }, ...more },
        vouched,
      ),
    send(request, vouched) {
      const answer = engine.decide(request, vouched);
      if (answer.kind !== "answer") throw new Error(`${answer.kind}: ${JSON.stringify(answer)}`);
      return answer.value;
    },
    ok: (decision, values, more = {}) =>
      report(decision, { status: "ok", ...(values === undefined ? {} : { values }), ...more }),
    fail: (decision) => report(decision, { status: "error" }),
  };
  return driver;
}

/** `allow`, `hold`, or the code of a denial: what most tests ask for. */
export function outcomeOf(decision: Decision): string {
  return decision.code ?? decision.decision;
}
