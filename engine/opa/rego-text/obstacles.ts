/** What stands in the way of a policy as Rego, and what is narrower in Rego than in Writ. */
import type { Program } from "../../../lang/ir.ts";
import { spellPlace } from "../../policy.ts";
import { unreadable } from "./readers.ts";

/** Why there is no text: `at` is a place as decisions spell it. */
export interface Obstacle {
  /** What the author named: a rule, a tool, a counter. */
  readonly name: string;
  readonly at: string;
  readonly because: string;
  readonly help: string;
}

/** What the text denies though Writ might not. */
export function limitsOfText(program: Program): readonly string[] {
  const declared = JSON.stringify([
    program.tools,
    program.resources,
    program.principal,
    program.agent,
  ]);
  return [
    "a request with a delegation is denied: what verifies it is not in the text",
    "ids of other than Latin letters are denied: Rego cannot tell whether they are in normal form C",
    ...(declared.includes('"kind":"Path"')
      ? ["paths that would have to be resolved, or are not of plain ASCII letters, are denied"]
      : []),
    "what ends sessions and revokes is asked elsewhere: the text knows of neither",
  ];
}

const ELSEWHERE = "leave it to Writ, or build with `--target opa-wasm`";

/** What no rule has to read to be in the way. */
export function declaredObstacles(program: Program): readonly Obstacle[] {
  const at = (place: number) => spellPlace(program, place);
  const remembered = [...program.counters, ...program.latches, ...program.tasks].map((one) => ({
    name: one.name,
    at: at(one.at),
    because: "Rego remembers nothing from one call to the next",
    help: ELSEWHERE,
  }));
  const interrupting = program.rules
    .filter(({ interrupt }) => interrupt)
    .map((rule) => ({
      name: rule.name,
      at: at(rule.at),
      because: "Rego cannot end a session, nor know that one was ended",
      help: `leave \`interrupt\` out, or ${ELSEWHERE}`,
    }));
  const fields = [
    ...program.tools.map(({ name, args }) => [`tool ${name}`, args] as const),
    ...program.resources.map(({ name, attributes }) => [`resource ${name}`, attributes] as const),
    ...(["principal", "agent", "session", "environment"] as const).map(
      (root) => [root, program[root]] as const,
    ),
  ];
  const typed = fields.flatMap(([name, declared]) =>
    declared.flatMap((field) => {
      const type = unreadable(field.type);
      if (type === undefined) return [];
      return [
        {
          name,
          at: program.sources[0] ?? "policy",
          because: `\`${field.name}\` is a ${type.kind}, which Rego does not read as Writ does`,
          help: `declare it as String, or ${ELSEWHERE}`,
        },
      ];
    }),
  );
  return [...remembered, ...interrupting, ...typed];
}
