/** Unknown JSON → what became of a call, or what is wrong with it (SPEC §12.3). */
import type { Program } from "../lang/ir.ts";
import { NAMED_LABEL, USER_LABEL } from "../lang/type.ts";
import type { ReturnedPart } from "./state/origin/returned.ts";
import { sensitivityLevels } from "./state/sensitivity.ts";
import { below, isObject, type Problem, readId, report, wrong } from "./value-reader.ts";

export interface OutcomeReport {
  readonly call: string;
  readonly status: "ok" | "error";
  readonly labels: readonly string[];
  readonly sensitivity?: number;
  readonly parts: readonly ReturnedPart[];
}

export type OutcomeReading =
  | { readonly ok: true; readonly report: OutcomeReport }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const MEMBERS = ["call", "status", "labels", "sensitivity", "values", "parts"];

export function readOutcome(input: unknown, program: Program): OutcomeReading {
  const problems: Problem[] = [];
  const read = isObject(input)
    ? readMembers(input, program, problems)
    : wrong(problems, "", "an object", input);
  if (problems.length > 0 || read === undefined) return { ok: false, problems };
  return { ok: true, report: read };
}

function readMembers(
  input: Readonly<Record<string, unknown>>,
  program: Program,
  problems: Problem[],
): OutcomeReport | undefined {
  for (const name of Object.keys(input)) {
    if (!MEMBERS.includes(name))
      report(problems, below("", name), "is no member that an outcome has");
  }
  const call = readId(input.call, "/call", problems);
  const { status } = input;
  if (status !== "ok" && status !== "error") {
    return report(problems, "/status", "is neither `ok` nor `error`");
  }
  const labels = readLabels(input.labels, "/labels", program, problems);
  const sensitivity = readSensitivity(input.sensitivity, program, problems);
  const parts = readReturned(input, program, problems);
  if (call === undefined) return undefined;
  return {
    call,
    status,
    labels,
    ...(sensitivity === undefined ? {} : { sensitivity }),
    parts: parts.map((part) => ({ ...part, labels: [...labels, ...part.labels] })),
  };
}

/** Only declared ones; `user` and `named` are for the engine alone to give. */
function readLabels(
  json: unknown,
  at: string,
  program: Program,
  problems: Problem[],
): readonly string[] {
  if (json === undefined) return [];
  if (!Array.isArray(json)) return wrong(problems, at, "a list", json) ?? [];
  return json.flatMap((label: unknown, index) => {
    const known = typeof label === "string" && program.labels.includes(label);
    if (known && label !== USER_LABEL && label !== NAMED_LABEL) return [label];
    return report(problems, `${at}/${index}`, "is no label that the policy declares") ?? [];
  });
}

function readSensitivity(json: unknown, program: Program, problems: Problem[]): number | undefined {
  if (json === undefined) return undefined;
  const position = typeof json === "string" ? sensitivityLevels(program).indexOf(json) : -1;
  if (position >= 0) return position;
  return report(problems, "/sensitivity", "is none of the levels of Sensitivity");
}

/** `values` is what the tool returned, whatever it looks like; `parts` are values to which labels are added. */
function readReturned(
  { values, parts }: Readonly<Record<string, unknown>>,
  program: Program,
  problems: Problem[],
): readonly ReturnedPart[] {
  const returned = values === undefined ? [] : [{ value: values, labels: [] }];
  if (parts === undefined) return returned;
  if (!Array.isArray(parts)) return wrong(problems, "/parts", "a list", parts) ?? returned;
  const labelled = parts.map((part: unknown, index): ReturnedPart => {
    const at = `/parts/${index}`;
    if (isObject(part) && Object.keys(part).sort().join() === "labels,value") {
      return {
        value: part.value,
        labels: readLabels(part.labels, `${at}/labels`, program, problems),
      };
    }
    report(problems, at, "is not a `value` with its `labels`");
    return { value: null, labels: [] };
  });
  return [...returned, ...labelled];
}
