/** On random programs and requests: explanations say what was decided, whatever it is made of. */
import { expect, test } from "vitest";
import { createInterpreter } from "../../engine/evaluate/interpret.ts";
import { unfold } from "../../engine/explain/explain.ts";
import { searchInvariants } from "../../engine/testing/invariants.ts";
import { programFrom, questionFrom } from "../differential/run.ts";

const NO_TEXTS = { at: () => undefined, wordBefore: () => undefined };
const PROGRAMS = 40;
const QUESTIONS = 4;

test("a rule is explained as applying where it applies, and else by what stopped it", () => {
  for (let seed = 0; seed < PROGRAMS; seed++) {
    const program = programFrom(seed);
    for (let asked = 0; asked < QUESTIONS; asked++) {
      const { request, facts } = questionFrom(program, seed, asked);
      const { applying, nearly } = unfold({ program, request, facts }, NO_TEXTS);
      const found = createInterpreter(program).rules(request, facts);
      const hits = [...found.permits, ...found.forbids, ...found.holds, ...found.obliges];
      const wanted = hits.map(({ rule }) => program.rules[rule]?.name).sort();
      const explained = applying.map(({ rule }) => rule.slice(rule.lastIndexOf("/") + 1)).sort();
      expect({ seed, asked, explained }).toEqual({ seed, asked, explained: wanted });
      for (const rule of [...nearly, ...applying]) {
        const isStopped = rule.stoppedBy.length > 0;
        expect({ seed, asked, rule: rule.rule, isStopped }).toEqual({
          seed,
          asked,
          rule: rule.rule,
          isStopped: rule.outcome !== "true",
        });
      }
    }
  }
});

test("searching any program for what breaks an invariant comes to an end", () => {
  for (let seed = 0; seed < PROGRAMS; seed++) {
    const program = programFrom(seed);
    const verdicts = searchInvariants({ program, budget: 60, seed });
    expect(verdicts).toHaveLength(program.nevers.length);
  }
});
