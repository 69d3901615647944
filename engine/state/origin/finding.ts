/** Whether what a session has seen holds a text, in bounded time (SPEC §7.5). Pure. */
import { bordersOf, extended, isLong } from "../../../lang/scalar/search.ts";
import type { Scalar } from "../../value.ts";

/** Shorter values stand in any text by chance: in outputs they count only alone, or named as an id. */
export const SHORT = 4;

/**
 * Looking into all that a session has seen takes some milliseconds, and a request may ask it of thousands of values:
 * a step is some 20 ns of that.
 */
const STEPS_MOST = 10_000_000;

/** What one decision asks of what a session has seen: each text once, and all of them in bounded time. */
export class Inquiry {
  readonly found = new Map<string, ReadonlySet<Scalar>>();
  readonly named = new Map<string, boolean>();
  /** Below 0 nothing more is looked for, and nothing said of what was. */
  stepsLeft = STEPS_MOST;
}

/** How a normalised text is looked for. */
export interface Sought {
  readonly part: string;
  readonly isUrl: boolean;
}

/** `https://www.acme.example/`, `www.acme.example` and `acme.example` are one page to people, and to most models. */
export function soughtFor(text: string): Sought {
  const url = /^(?:https?:\/\/(?:www\.)?|www\.)(\S*[^\s/])\/?$/.exec(text);
  const rest = url?.[1];
  return rest === undefined || rest.length < SHORT
    ? { part: text, isUrl: false }
    : { part: rest, isUrl: true };
}

/** A text looked into takes as long as so many steps, however short it is. */
const STEPS_A_TEXT = 4;

export function leafHolds(leaf: string, text: Sought, inquiry: Inquiry): boolean {
  const { part } = text;
  inquiry.stepsLeft -= STEPS_A_TEXT;
  if (leaf === part) return true;
  if (part.length >= leaf.length) return false;
  return part.length >= SHORT || isShortName(part)
    ? holds(leaf, text, inquiry)
    : mentions(leaf, part, inquiry);
}

/** `bob` or `sol`: a word of its own in any text, where `13` and `rw` stand by chance. */
function isShortName(part: string): boolean {
  return /^\p{L}{3}$/u.test(part);
}

/** Where `part` stands next. A step is so many characters that are gone by, at worst. */
const CHARACTERS_A_STEP = 8;

function placeOf(part: string, text: string, from: number, inquiry: Inquiry): number {
  const at = text.indexOf(part, from);
  const seen = (at < 0 ? text.length : at + part.length) - from;
  inquiry.stepsLeft -= 1 + seen / CHARACTERS_A_STEP;
  return at;
}

/** Contained between boundaries: `100` is not in `2100`, nor `11` in `11:30`, nor `a@b.c` in `aa@b.c`. */
export function holds(text: string, { part, isUrl }: Sought, inquiry: Inquiry): boolean {
  const fits = (at: number): boolean => {
    const end = at + part.length;
    return isBounded(text, at, end) && !(isUrl && isInsideHost(text, at, end));
  };
  if (isLong(part)) return fitsFrom(0, text, part, fits, inquiry);
  let at = placeOf(part, text, 0, inquiry);
  for (let tried = 0; at >= 0 && tried < PLAIN_TRIES; tried++) {
    if (fits(at)) return true;
    at = placeOf(part, text, at + 1, inquiry);
  }
  return at >= 0 && fitsFrom(at, text, part, fits, inquiry);
}

/** After so many places that do not fit, the text repeats itself. */
const PLAIN_TRIES = 64;

/** Knuth–Morris–Pratt: `aaa…` in `aaaa…` would be compared anew, from its start, at every place. */
function fitsFrom(
  start: number,
  text: string,
  part: string,
  fits: (at: number) => boolean,
  inquiry: Inquiry,
): boolean {
  inquiry.stepsLeft -= (text.length - start + part.length) / 2;
  const borders = bordersOf(part);
  let matched = 0;
  for (let at = start; at < text.length; at++) {
    matched = extended(matched, text.charCodeAt(at), part, borders);
    if (matched < part.length) continue;
    if (fits(at + 1 - matched)) return true;
    matched = borders[matched - 1] ?? 0;
  }
  return false;
}

const STEPS_A_MENTION = 8;

/** A short value counts where the text calls it an id: `"13"`, `#13`, `id 13`, `no. 13`. */
function mentions(text: string, part: string, inquiry: Inquiry): boolean {
  let at = placeOf(part, text, 0, inquiry);
  for (; at >= 0 && inquiry.stepsLeft >= 0; at = placeOf(part, text, at + 1, inquiry)) {
    inquiry.stepsLeft -= STEPS_A_MENTION;
    const [before, after] = [text.slice(Math.max(0, at - 12), at), text.charAt(at + part.length)];
    if (!isBounded(text, at, at + part.length)) continue;
    const quoted = /["'`]$/.test(before) && /["'`]/.test(after);
    const called = /(?:#|\b(?:id|number|no)\b[^a-z0-9]{0,3})$/.test(before);
    if (quoted || called) return true;
  }
  return false;
}

function isBounded(text: string, start: number, end: number): boolean {
  const first = text.charAt(start);
  const last = text.charAt(end - 1);
  return (
    !(isWord(first) && isWord(text.charAt(start - 1))) &&
    !(isWord(last) && isWord(text.charAt(end))) &&
    !(isDigit(first) && isJoint(text.charAt(start - 1)) && isDigit(text.charAt(start - 2))) &&
    !(isDigit(last) && isJoint(text.charAt(end)) && isDigit(text.charAt(end + 1))) &&
    !(text.slice(start, end).includes("@") && isInsideAddress(text, start, end))
  );
}

/** `ann@b.c` is not in `joann@b.c`, `jo.ann@b.c` or `ann@b.c.evil`. */
function isInsideAddress(text: string, start: number, end: number): boolean {
  const [before, after] = [text.charAt(start - 1), text.charAt(end)];
  if (before !== "" && "._%+-".includes(before)) return true;
  return (after === "." || after === "-") && isWord(text.charAt(end + 1));
}

/** `b.c/d` is not in `a-b.c/d`, `a.b.c/d`, `a@b.c/d` or `b.c/d.evil`, but in `www.b.c/d`. */
function isInsideHost(text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(0, start - 5), start);
  if (/[-@]$/.test(before)) return true;
  if (before.endsWith(".") && !/(?:^|[^\p{L}\p{N}_.-])www\.$/u.test(before)) return true;
  const after = text.charAt(end);
  return after === "@" || ((after === "." || after === "-") && isWord(text.charAt(end + 1)));
}

function isWord(character: string): boolean {
  if (character >= "a" && character <= "z") return true;
  return character !== "" && /[\p{L}\p{N}_]/u.test(character);
}

function isDigit(character: string): boolean {
  return character >= "0" && character <= "9" && character.length === 1;
}

function isJoint(character: string): boolean {
  return character !== "" && ".:-/,".includes(character);
}
