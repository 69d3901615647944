import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createInterpreter } from "../../../engine/evaluate/interpret.ts";
import { NO_FACTS } from "../../../engine/facts.ts";
import type { DecisionRequest } from "../../../engine/request.ts";
import {
  judge,
  type Match,
  NOT_BEGUN,
  type Progress,
  settle,
  take,
} from "../../../engine/state/sequence.ts";
import { drive, outcomeOf, programOf } from "../../support/engine.ts";

const TOOLS = `
tool a, b, c { effect read, args { path: String? } }
permit anything
`;

function errand(sequence: string, limits = "") {
  const driver = drive(`${TOOLS}\ntask errand { sequence ${sequence} ${limits} }`);
  const intent = { task: "errand" };
  return {
    ...driver,
    driver,
    step: (tool: string, args: object = {}) => driver.call(tool, { ...args }, { intent }),
  };
}

test.each([
  ["a, b, c", "abc", true],
  ["a, b, c", "acb", false],
  ["a, b, c", "aa", false],
  ["a* , b", "aaab", true],
  ["a* , b", "b", true],
  ["a* , b", "ba", false],
  ["(a | b)+, c{2}", "abbcc", true],
  ["(a | b)+, c{2}", "c", false],
  ["(a | b)+, c{2}", "accc", false],
  ["a?, b{1,2}", "bb", true],
  ["a?, b{1,2}", "abbb", false],
])("sequence %s takes %s: %j", (sequence, calls, fits) => {
  const { step, ok } = errand(sequence);
  const answers = [...calls].map((tool) => {
    const decision = step(tool);
    if (decision.decision === "allow") ok(decision);
    return outcomeOf(decision);
  });
  expect(answers.every((answer) => answer === "allow")).toBe(fits);
  if (!fits) expect(answers).toContain("out_of_sequence");
});

test("a refusal names the steps that would follow", () => {
  const { step, ok } = errand("a, (b | c), a");
  expect(step("b").next).toEqual(["a"]);
  ok(step("a"));
  expect(step("a").next).toEqual(["b", "c"]);
});

describe("calls that have not reported", () => {
  test("their followers wait, and are allowed once they have succeeded", () => {
    const { step, ok } = errand("a, b");
    const first = step("a");
    expect(outcomeOf(step("b"))).toBe("prerequisite_pending");
    ok(first);
    expect(outcomeOf(step("b"))).toBe("allow");
  });

  test("a step that failed was not taken", () => {
    const { step, ok, fail } = errand("a, b");
    fail(step("a"));
    expect(outcomeOf(step("b"))).toBe("out_of_sequence");
    ok(step("a"));
    expect(outcomeOf(step("b"))).toBe("allow");
  });

  test("one that may happen once does not happen twice, whatever becomes of the first", () => {
    const { step, fail } = errand("a{0,1}, b");
    const first = step("a");
    expect(outcomeOf(step("a"))).toBe("out_of_sequence");
    fail(first);
    expect(outcomeOf(step("a"))).toBe("allow");
  });

  test("what follows if all of them succeed or none, but not if one does, waits", () => {
    const { step, ok, fail } = errand("c | (a, b, c) | b");
    const [first, second] = [step("a"), step("b")];
    expect([outcomeOf(first), outcomeOf(second)]).toEqual(["allow", "allow"]);
    expect(outcomeOf(step("c"))).toBe("prerequisite_pending");
    ok(first);
    expect(outcomeOf(step("c"))).toBe("prerequisite_pending");
    fail(second);
    expect(outcomeOf(step("c"))).toBe("out_of_sequence");
  });

  test("steps that do not depend on each other run side by side", () => {
    const { step, ok } = errand("a*, b");
    const [first, second] = [step("a"), step("a")];
    expect([outcomeOf(first), outcomeOf(second)]).toEqual(["allow", "allow"]);
    ok(second);
    const last = step("b");
    expect(outcomeOf(last)).toBe("allow");
    expect(outcomeOf(step("b"))).toBe("out_of_sequence");
    ok(last);
    ok(first);
    expect(outcomeOf(step("a"))).toBe("out_of_sequence");
  });
});

test("what a step binds, later steps must equal", () => {
  const { step, ok } = errand("a(path as p)+, b(path as p)");
  ok(step("a", { path: "x" }));
  expect(outcomeOf(step("a", { path: "y" }))).toBe("out_of_sequence");
  expect(outcomeOf(step("b", { path: "y" }))).toBe("out_of_sequence");
  expect(outcomeOf(step("b", {}))).toBe("indeterminate");
  expect(outcomeOf(step("b", { path: "x" }))).toBe("allow");
});

describe("limits", () => {
  test("calls count when they are allowed, whatever became of them", () => {
    const { step, fail } = errand("a*", "limit calls <= 2");
    fail(step("a"));
    fail(step("a"));
    expect(outcomeOf(step("a"))).toBe("limit_reached");
  });

  test("time runs from the first allowed call", () => {
    const { step, ok, driver } = errand("a*", "limit duration <= 10s");
    step("b");
    driver.nowMs += 60_000;
    ok(step("a"));
    driver.nowMs += 10_000;
    ok(step("a"));
    driver.nowMs += 1;
    expect(outcomeOf(step("a"))).toBe("limit_reached");
  });

  test("a counter counts this task's calls alone, this one included", () => {
    const driver = drive(`
      tool pay { effect write, args { amount: Decimal } }
      permit anything
      counter spend = sum args.amount of allowed pay per agent within 1m
      task errand { sequence pay*  limit spend <= 10.00 }
    `);
    const pay = (amount: number, task?: string) =>
      driver.call("pay", { amount }, task === undefined ? {} : { intent: { task } });
    expect(outcomeOf(pay(100))).toBe("allow");
    const first = pay(6, "errand");
    expect(outcomeOf(first)).toBe("allow");
    expect(outcomeOf(pay(4.01, "errand"))).toBe("limit_reached");
    expect(outcomeOf(pay(4, "errand"))).toBe("allow");
    driver.nowMs += 3_600_000;
    expect(outcomeOf(pay(0.01, "errand"))).toBe("limit_reached");
    driver.fail(first);
    expect(outcomeOf(pay(6, "errand"))).toBe("allow");
  });
});

test("a task is kept in a session", () => {
  const { driver } = errand("a");
  const answer = driver.send({
    agent: { id: "bot" },
    tool: { name: "a" },
    intent: { task: "errand" },
  });
  expect(outcomeOf(answer)).toBe("invalid_request");
});

test("whatever order outcomes come in, what succeeded is a beginning of the sequence", () => {
  // The sequence over one-letter tools, as a regular expression of what may have been done so far.
  const beginnings = /^(?:a*|a*b|a*bc?)$/;
  const anyEvent = fc.oneof(
    fc
      .constantFrom("a", "b", "c")
      .map((tool) => ({ kind: "call", tool, good: true, which: 0 }) as const),
    fc
      .record({ good: fc.boolean(), which: fc.nat(5) })
      .map(({ good, which }) => ({ kind: "outcome", tool: "", good, which }) as const),
  );
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 25 }), (events) => {
      const { step, ok, fail } = errand("a*, b, c?");
      const open: {
        readonly order: number;
        readonly decision: ReturnType<typeof step>;
        readonly tool: string;
      }[] = [];
      const done: { readonly order: number; readonly tool: string }[] = [];
      for (const [order, event] of events.entries()) {
        if (event.kind === "call") {
          const decision = step(event.tool);
          if (decision.decision === "allow") open.push({ order, decision, tool: event.tool });
          continue;
        }
        const [reported] = open.splice(event.which % Math.max(1, open.length), 1);
        if (reported === undefined) continue;
        if (event.good) done.push(reported);
        (event.good ? ok : fail)(reported.decision);
        const text = [...done]
          .sort((x, y) => x.order - y.order)
          .map(({ tool }) => tool)
          .join("");
        expect(text).toMatch(beginnings);
      }
    }),
    { numRuns: 500 },
  );
});

test("where a task stands is where its calls lead that have not failed, in the order they were allowed", () => {
  const program = programOf(
    `${TOOLS}\ntask errand { sequence (a | (a, b))+, c(path as p)*, b(path as p){0,1} }`,
  );
  const sequence = program.tasks[0]?.sequence;
  if (sequence === undefined) throw new Error("no sequence");
  const { step } = createInterpreter(program);
  const match: Match = (position, bound, request) => step(0, position, bound, request, NO_FACTS);
  const anyRequest = fc
    .record({ tool: fc.nat(2), path: fc.constantFrom("x", "y") })
    .map(({ tool, path }) => ({ tool, roots: { args: { path } } }) as unknown as DecisionRequest);
  const anyEvent = fc.record({ request: anyRequest, which: fc.nat(9), good: fc.boolean() });
  const along = (requests: readonly DecisionRequest[]): Progress["all"] =>
    requests.reduce((progress, request) => {
      const found = judge(sequence, progress, request, match);
      if (found.kind !== "follows") return { base: [], steps: [], all: [] };
      return { base: found.all, steps: [], all: found.all };
    }, NOT_BEGUN).all;
  let settledCount = 0;
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 12 }), (events) => {
      let progress = NOT_BEGUN;
      let calls: { readonly call: string; readonly request: DecisionRequest; done: boolean }[] = [];
      for (const [order, { request, which, good }] of events.entries()) {
        const found = judge(sequence, progress, request, match);
        if (found.kind === "follows") {
          progress = take(progress, `c${order}`, request, found.all);
          calls.push({ call: `c${order}`, request, done: false });
        }
        const waiting = calls.filter(({ done }) => !done);
        const reported = waiting[which % waiting.length];
        if (reported === undefined) continue;
        progress = settle(sequence, progress, reported.call, good, match);
        settledCount += 1;
        reported.done = true;
        if (!good) calls = calls.filter((one) => one !== reported);
        const open = calls.findIndex(({ done }) => !done);
        const before = open < 0 ? calls : calls.slice(0, open);
        expect(progress.base).toEqual(along(before.map((one) => one.request)));
        expect(progress.all).toEqual(along(calls.map((one) => one.request)));
      }
    }),
    { numRuns: 500 },
  );
  expect(settledCount).toBeGreaterThan(100);
});
