/** What the operators' files of several ways in have in common. */
import type { Json } from "../../lang/type.ts";
import { checkTemplate, TemplateFault } from "../template.ts";
import { below, isObject, type Problem, report, wrong } from "../value-reader.ts";

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

export function readWords(
  json: unknown,
  at: string,
  problems: Problem[],
): readonly string[] | undefined {
  if (json === undefined) return undefined;
  const isWords = Array.isArray(json) && json.every((word) => typeof word === "string");
  return isWords ? json : report(problems, at, "must be a list of texts");
}

/** What requests are made from, of these documents. */
export function readTemplate(
  json: unknown,
  documents: readonly string[],
  at: string,
  problems: Problem[],
): Json | undefined {
  if (!isObject(json)) return wrong(problems, at, "an object", json);
  const template = json as Json;
  try {
    checkTemplate(template, documents);
    return template;
  } catch (fault) {
    if (!(fault instanceof TemplateFault)) throw fault;
    return report(problems, at, `is no template: ${fault.message}`);
  }
}
