/**
 * `regex.*`, in time linear in the text: RE2's engine, not JavaScript's, which can be made to look back for
 * hours. `regex.match` and `regex.is_valid` are in the modules themselves. Pure.
 */
import { RE2JS } from "re2js";
import type { Rego } from "../rego.ts";
import { type Builtin, bounded, fail, intOf, textOf } from "./builtin.ts";
import { globsMeet } from "./globs.ts";

export const REGEX: readonly (readonly [string, Builtin])[] = [
  ["regex.split", ([pattern, text]) => split(compiled(pattern), textOf(text))],
  ["regex.find_n", ([pattern, text, most]) => find(compiled(pattern), textOf(text), intOf(most))],
  ["regex.replace", ([text, pattern, by]) => replace(compiled(pattern), textOf(text), textOf(by))],
  ["regex.template_match", templateMatches],
  ["regex.globs_match", ([one, other]) => globsMeet(textOf(one), textOf(other))],
];

/** A longer one is made to be slow: RE2's automaton grows with its pattern. */
const PATTERN_MOST = 4_096;

function compiled(pattern: Rego | undefined): RE2JS {
  const text = textOf(pattern);
  if (text.length > PATTERN_MOST) fail("the pattern is too long");
  try {
    return RE2JS.compile(text);
  } catch {
    return fail("the pattern is malformed");
  }
}

interface Match {
  readonly start: number;
  readonly end: number;
  /** By number; the whole match is the first. */
  readonly groups: readonly (string | undefined)[];
}

/** Matches one behind the other, as Go finds them: an empty one right behind another is none. */
function* matches(pattern: RE2JS, text: string): Generator<Match> {
  const matcher = pattern.matcher(text);
  let behind = -1;
  while (matcher.find()) {
    const [start, end] = [matcher.start(), matcher.end()];
    if (start === end && start === behind) continue;
    behind = end;
    const groups = Array.from(
      { length: matcher.groupCount() + 1 },
      (_, group) => matcher.group(group) ?? undefined,
    );
    yield { start, end, groups };
  }
}

function find(pattern: RE2JS, text: string, most: number): Rego {
  const found: string[] = [];
  for (const { start, end } of matches(pattern, text)) {
    if (most >= 0 && found.length >= most) break;
    bounded(found.length);
    found.push(text.slice(start, end));
  }
  return found;
}

function split(pattern: RE2JS, text: string): Rego {
  const parts: string[] = [];
  let begin = 0;
  for (const { start, end } of matches(pattern, text)) {
    bounded(parts.length);
    if (end === 0 || (start === text.length && start === end)) continue;
    parts.push(text.slice(begin, start));
    begin = end;
  }
  parts.push(text.slice(begin));
  return parts;
}

function replace(pattern: RE2JS, text: string, by: string): string {
  let made = "";
  let begin = 0;
  for (const match of matches(pattern, text)) {
    made += text.slice(begin, match.start) + expand(by, match, pattern);
    begin = match.end;
    bounded(made.length);
  }
  return made + text.slice(begin);
}

/** `$1`, `${1}`, `$name`, `${name}`, `$$`; a group that is not there is nothing. */
function expand(by: string, { groups }: Match, pattern: RE2JS): string {
  return by.replace(
    /\$(?:(\$)|\{([\p{Nd}\p{L}_]+)\}|([\p{Nd}\p{L}_]+))/gu,
    (_, dollar, braced, bare) => {
      if (dollar !== undefined) return "$";
      const name = String(braced ?? bare);
      const index = /^[0-9]+$/.test(name) ? Number(name) : pattern.namedGroups()[name];
      return index === undefined ? "" : (groups[index] ?? "");
    },
  );
}

/** A text with regular expressions between delimiters: `urn:foo:{.*}`. */
function templateMatches([template, text, start, end]: readonly Rego[]): boolean {
  const [open, close] = [textOf(start), textOf(end)];
  if (open.length !== 1 || close.length !== 1) fail("delimiters are one character each");
  const pattern = patternOf(textOf(template), open, close);
  return compiled(pattern).matcher(textOf(text)).matches();
}

function patternOf(template: string, open: string, close: string): string {
  let pattern = "";
  let level = 0;
  let begin = 0;
  for (let at = 0; at < template.length; at += 1) {
    const sign = template[at];
    if (sign === open) {
      if (level === 0) {
        pattern += RE2JS.quote(template.slice(begin, at));
        begin = at + 1;
      }
      level += 1;
    } else if (sign === close) {
      level -= 1;
      if (level < 0) fail("delimiters do not match");
      if (level === 0) {
        pattern += `(${template.slice(begin, at)})`;
        begin = at + 1;
      }
    }
  }
  if (level !== 0) fail("delimiters do not match");
  return pattern + RE2JS.quote(template.slice(begin));
}
