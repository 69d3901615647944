/** What a tool returned, recorded as the text a model was shown: read back into values, so that labels can be told apart. */
import { parse } from "yaml";
import type { Json } from "../../lang/type.ts";
import { isObject } from "../json.ts";
import { parsePython } from "./python.ts";

export interface RecordedOutput {
  readonly text: string;
  /** The recording stops before the text did. */
  readonly cut: boolean;
  /** The type the tool says it returns, where it says so: a `str` is never taken for anything else. */
  readonly returns?: string | undefined;
}

/**
 * The value; a list whose rest is torn off keeps its whole items, and what is torn follows as plain texts, which
 * the engine gives every label the tool yields. `undefined` where nothing was returned.
 */
export function readOutput({ text: shown, cut, returns }: RecordedOutput): Json | undefined {
  const text = withoutMarks(shown, cut);
  if (text === "" || (text === "None" && returns !== "str")) return undefined;
  if (returns === "str") return text;
  const value = cut ? readTorn(text) : readWhole(text);
  return value === undefined ? text : withoutDataNames(value);
}

/** Some agents mark what tools return for the model to see: `<<…>>`. */
function withoutMarks(text: string, cut: boolean): string {
  if (!text.startsWith("<<")) return text;
  if (text.endsWith(">>")) return text.slice(2, -2);
  return cut ? text.slice(2) : text;
}

function readWhole(text: string): Json | undefined {
  if (/^[{[]/.test(text)) return parsePython(text);
  return looksLikeYaml(text) ? readYaml(text) : undefined;
}

/** A list of records, or a record whose members are words: a letter that begins `Dear Anna:` is neither. */
function looksLikeYaml(text: string): boolean {
  return /^- /.test(text) || /^[a-z_][a-z0-9_]*:(?: |\n|$)/.test(text);
}

function readYaml(text: string): Json | undefined {
  try {
    const value: unknown = parse(text, { schema: "core", logLevel: "error", prettyErrors: false });
    return typeof value === "object" && value !== null ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

function readTorn(text: string): Json | undefined {
  if (!looksLikeYaml(text)) return undefined;
  const starts = [...text.matchAll(/^- /gm)].map((match) => match.index);
  const last = starts.at(-1);
  if (last === undefined) return tornTexts(text);
  const whole = last === 0 ? [] : readYaml(text.slice(0, last));
  if (!Array.isArray(whole)) return tornTexts(text);
  return [...whole, ...tornTexts(text.slice(last))];
}

/** As much of the text as can be made sense of, and the text itself with its folded lines joined. */
function tornTexts(text: string): Json[] {
  const closed = ["", '"', "'"]
    .map((end) => readYaml(text + end))
    .find((value) => value !== undefined);
  const joined = text.replace(/\\\n[ \t]*(?:\\(?= ))?/g, "").replace(/\n\s*/g, " ");
  return [...(closed === undefined ? [] : textsIn(closed)), joined];
}

function textsIn(value: Json): string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number") return [String(value)];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isObject(value)
    ? Object.entries(value).flatMap(([name, inner]) => [name, ...textsIn(inner)])
    : [];
}

/** Names of members are no values to the engine: a table whose names are data becomes a list of `key` and `value`. */
function withoutDataNames(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutDataNames);
  if (!isObject(value)) return value;
  const members = Object.entries(value).map(
    ([name, inner]) => [name, withoutDataNames(inner)] as const,
  );
  const areWords = members.every(([name]) => /^[a-z_][A-Za-z0-9_]*$/.test(name));
  if (areWords) return Object.fromEntries(members);
  return members.map(([key, inner]) => ({ key, value: inner }));
}

/**
 * A message that the tool's runtime wrote about a failed call: what of it the call itself put in says nothing of
 * where it comes from.
 */
export function withoutArguments(message: string, args: Json): string {
  const own = textsIn(args).filter((text) => text.length > 1);
  return own
    .sort((a, b) => b.length - a.length)
    .reduce((rest, text) => rest.replaceAll(text, " "), message);
}
