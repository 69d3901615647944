/** What is shown of a decision and its rules, whatever names a bundle of somebody else's has. */
import { expect, test } from "vitest";
import { showDecision, showUnfolded } from "../../cli/explanation.ts";
import { painter } from "../../cli/terminal.ts";
import type { Decision } from "../../engine/decision.ts";
import { type Unfolded, unfold } from "../../engine/explain/explain.ts";
import { textsOf } from "../../engine/explain/texts.ts";
import { createWatchedEngine } from "../../engine/testing/watched.ts";
import type { Program } from "../../lang/ir.ts";
import { programOf, START } from "../support/engine.ts";

const PLAIN = painter({ color: false });

function shownOf(program: Program, request: object): string {
  let unfolded: Unfolded | undefined;
  const answer = createWatchedEngine({
    program,
    digest: "sha256:test",
    clock: () => START,
    onFault: (fault) => expect.fail(String(fault)),
    watchers: {
      situation: (situation) => {
        unfolded = unfold(situation, textsOf(program, []));
      },
      disagreement: (what) => expect.fail(what),
    },
  }).decide({ agent: { id: "bot" }, ...request });
  if (answer.kind !== "answer" || unfolded === undefined) throw new Error("nothing was decided");
  return `${showDecision(answer.value, PLAIN)}${showUnfolded(answer.value, unfolded, PLAIN)}`;
}

const POLICY = `tool go { effect read, args { n: Int? } }
principal { name: String }
permit going tool go when principal.name == "alice"
permit other tool go when has args.n`;

test("a permit that could not be decided is not told of as one that applies", () => {
  const shown = shownOf(programOf(POLICY), { tool: { name: "go", args: { n: 1 } } });
  expect(shown).toContain("\nApplies\n  permit other");
  expect(shown).toContain("\nCould not be decided\n  permit going");
});

test("an invariant that could not be decided is not told of as one that is broken", () => {
  const policy = `${POLICY}\nnever named allow when principal.name == "bob"
never read allow when tool.effect == read`;
  const shown = shownOf(programOf(policy), { tool: { name: "go", args: { n: 1 } } });
  expect(shown).toContain("\n  never named (policy.writ:6:7)\n    ? when");
  expect(shown.indexOf("never named")).toBeLessThan(shown.indexOf("Would break an invariant\n"));
  expect(shown).toContain("\nWould break an invariant\n  never read");
});

test("where no rule was asked, that is said before what they would say", () => {
  const chain = [{ from: "alice", to: "eve", scope: [] }];
  const request = { delegation: { chain }, tool: { name: "go", args: { n: 1 } } };
  expect(shownOf(programOf(POLICY), request)).toMatch(
    /^deny delegation_invalid [\s\S]*\n\nno rule was asked; this is what they would say\n\nApplies\n/,
  );
});

test("names and files are shown on the line they are on, and move no cursor", () => {
  const hostile = "x\n\u001b[2J\u009b2J\u202e\r";
  const named = <Named extends { readonly name: string }>(one: Named) => ({
    ...one,
    name: `${hostile}${one.name}`,
  });
  const program = programOf(`${POLICY}\nhold late tool go until approved by "carol"`);
  const renamed = { ...program, sources: [hostile], rules: program.rules.map(named) };
  const request = { tool: { name: "go", args: { n: 1 } } };
  const [lines, wanted] = [shownOf(renamed, request), shownOf(program, request)].map((text) =>
    text.split("\n"),
  );
  expect(lines).toHaveLength(wanted?.length ?? 0);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
  expect(lines?.join("")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
});

test("nor do steps, obligations and approvers", () => {
  const hostile = "x\n\u001b[2J";
  const decision = {
    decision: "hold",
    id: "d1",
    reasons: [{ rule: hostile, effect: "hold", at: hostile }],
    obligations: [{ id: "o1", type: hostile, value: hostile }],
    errors: [{ rule: hostile, cause: "absent", at: hostile }],
    next: [hostile],
    approval: {
      by: [{ party: hostile, count: 1, rule: hostile }],
      except: [],
      digest: "",
      until: "",
    },
    policy: { package: "", digest: "" },
  } as unknown as Decision;
  const lines = showDecision(decision, PLAIN).trimEnd().split("\n");
  expect(lines).toHaveLength(5);
  expect(lines.join("")).not.toContain("\u001b");
});
