import { expect, test } from "vitest";
import { checkPep } from "../../lang/pep.ts";
import { compileBeside } from "../support/compile.ts";

/** Each thing that is read and lacking, with the text that is underlined. */
function lacking(lacks: string, text: string): readonly string[] {
  const { program, peps, sources } = compileBeside(`pep door { lacks ${lacks} }\n${text}`);
  const [pep] = peps;
  if (program === undefined || pep === undefined) throw new Error("it does not compile");
  return checkPep(program, pep).flatMap(({ message, span }) => {
    const found = sources[span.file];
    // What most test policies speak of has counters and latches of its own.
    if (found?.path !== "policy.writ") return [];
    return [`${found.text.slice(span.start, span.end)}: ${message.split("`")[3]}`];
  });
}

test.each([
  ["args", "permit p tool edit_file when args.size < 3", ["args.size: args.size"]],
  ["args.path", "permit p tool edit_file when args.size < 3", []],
  ["principal", 'forbid p principal in group "x"', ["p: principal.groups"]],
  ["principal.kind", "permit p principal is human", ["p: principal.kind"]],
  ["agent.groups", 'permit p agent in group "x"', ["p: agent.groups"]],
  ["resource", "permit p resource account", ["p: resource.type"]],
  ["intent", "permit p purpose within payments", ["p: intent.purpose"]],
  ["intent.task", "task t { limit calls <= 3 } permit p task t", ["p: intent.task"]],
  ["args", "task t { sequence read_file(path as x) }", ["read_file(path as x): args.path"]],
  ["outcome", "counter c = count completed per session", ["c: outcome"]],
  ["outcome", "latch l = attempts run_tests per session reset by completed", ["l: outcome"]],
  ["outcome", "permit p tool run_tests when tested", ["tested: outcome"]],
  [
    "outcome",
    "permit p tool send_email when user in origin(args.body)",
    ["origin(args.body): outcome"],
  ],
  ["session", 'fn f(): Bool = session.id == "" permit p when f()', ["session.id: session.id"]],
  ["tenant", "permit p", []],
])("where %s is lacking: %s", (lacks, text, expected) => {
  expect(lacking(lacks, text)).toEqual(expected);
});
