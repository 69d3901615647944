import { below, isObject, type Problem, report } from "../value-reader.ts";

/** Reports members that an operator's file does not have; of what is no object, others report. */
export function checkMembers(
  json: unknown,
  names: readonly string[],
  at: string,
  problems: Problem[],
): void {
  if (!isObject(json)) return;
  for (const name of Object.keys(json)) {
    if (!names.includes(name)) report(problems, below(at, name), "means nothing here");
  }
}
