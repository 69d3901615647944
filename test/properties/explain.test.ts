/** On random programs and requests: explanations say what was decided, whatever it is made of. */
import { expect, test } from "vitest";
import { createInterpreter } from "../../engine/evaluate/interpret.ts";
import { type Unfolded, unfold } from "../../engine/explain/explain.ts";
import { textsOf } from "../../engine/explain/texts.ts";
import type { Situation } from "../../engine/explain/trace.ts";
import { searchInvariants } from "../../engine/testing/invariants.ts";
import { createWatchedEngine } from "../../engine/testing/watched.ts";
import { compile } from "../../lang/compile.ts";
import { randomFrom } from "../differential/random.ts";
import { programFrom, questionFrom } from "../differential/run.ts";
import { randomPackage, textOf } from "../support/random-policy.ts";
import { randomRequest } from "../support/random-request.ts";

const NO_TEXTS = { at: () => undefined, isUnless: () => false, isByEffect: () => false };
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

/** Of a random package: what the author wrote is what is told, and is asked again. */
interface Written {
  readonly items: readonly string[];
  readonly asked: readonly { readonly situation: Situation; readonly unfolded: Unfolded }[];
}

function writtenFrom(seed: number): Written | undefined {
  const { items } = randomPackage(seed);
  const text = textOf(items);
  const { program } = compile({ directory: "", files: [{ path: "random.writ", text }] });
  if (program === undefined) return undefined;
  const asked: { situation: Situation; unfolded: Unfolded }[] = [];
  const random = randomFrom(seed);
  const engine = createWatchedEngine({
    program,
    digest: "sha256:test",
    clock: () => Date.parse("2026-01-02T12:00:00Z"),
    onFault: (fault) => expect.fail(`seed ${seed}: ${fault}`),
    watchers: {
      // State stays as it is: nothing here is allowed.
      situation: (situation) => {
        asked.push({ situation, unfolded: unfold(situation, textsOf(program, [{ text }])) });
      },
      disagreement: (what) => expect.fail(`seed ${seed}: ${what}`),
    },
  });
  for (let at = 0; at < QUESTIONS; at++) engine.preview(randomRequest(program, random));
  return { items, asked };
}

/** `undefined` where it does not stand by itself: it may read what another one says is there. */
function outcomeAlone(
  told: string,
  rule: string,
  items: readonly string[],
  { request, facts }: Situation,
): string | undefined {
  const written = items.find((item) => new RegExp(`^\\w+ ${rule}\\b`).test(item)) ?? "";
  const around = written
    .split("\n")
    .filter((line) => /^ {2}(tool|resource|purpose|task|let) /.test(line));
  const others = items.filter((item) => !/^(permit|forbid|hold|oblige|never) /.test(item));
  const text = textOf([...others, ["permit alone", ...around, `  ${told}`].join("\n")]);
  const { program } = compile({ directory: "", files: [{ path: "alone.writ", text }] });
  const alone = program?.rules[0];
  if (program === undefined || alone === undefined) return undefined;
  const asked = { ...program, rules: [{ ...alone, guard: {} }] };
  const [hit] = createInterpreter(asked).rules(request, facts).permits;
  if (hit === undefined) return "false";
  return hit.unknown === undefined ? "true" : "unknown";
}

test("a condition, asked by itself as it is told, comes to what it is told to have come to", () => {
  const counts = { true: 0, false: 0, unknown: 0 };
  for (let seed = 100; seed < 100 + PROGRAMS; seed++) {
    const { items, asked } = writtenFrom(seed) ?? { items: [], asked: [] };
    for (const { situation, unfolded } of asked) {
      const { applying, nearly, nearestPermit } = unfolded;
      const rules = [
        ...applying,
        ...nearly,
        ...(nearestPermit === undefined ? [] : [nearestPermit]),
      ];
      for (const { rule, conditions } of rules) {
        for (const { text, outcome } of conditions) {
          const found = outcomeAlone(text, rule, items, situation);
          if (found === undefined) continue;
          expect({ seed, rule, text, outcome }).toEqual({ seed, rule, text, outcome: found });
          counts[outcome] += 1;
        }
      }
    }
  }
  expect(Math.min(counts.true, counts.false, counts.unknown)).toBeGreaterThan(10);
}, 120_000);

test("searching any program for what breaks an invariant comes to an end", () => {
  for (let seed = 0; seed < PROGRAMS; seed++) {
    const program = programFrom(seed);
    const verdicts = searchInvariants({ program, budget: 60, seed });
    expect(verdicts).toHaveLength(program.nevers.length);
  }
});
