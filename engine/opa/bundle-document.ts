/**
 * Documents in OPA's bundles: what is signed of them is their structure, and what a module reads is the same. Numbers
 * stay as they were written, since two ids beyond 2^53 are two; YAML is read as OPA reads it. Pure.
 */
import { parseJsonText } from "../json-text.ts";
import { parseYaml } from "./builtins/yaml.ts";
import { EVALUATION_LIMITS } from "./limits.ts";
import { spellRego } from "./rego.ts";

/** Why a bundle is refused, as what follows `the bundle`. */
export class BundleRefused extends Error {}

/** A number, by its digits. */
class Written {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** As JSON is read, but for numbers, which stay texts; `path` says of what format it is. */
export function readDocument(path: string, bytes: Uint8Array): unknown {
  const { dataBytes } = EVALUATION_LIMITS;
  if (bytes.length > dataBytes) {
    throw new BundleRefused(`has a \`${path}\` of more than ${dataBytes} bytes`);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const json = /\.ya?ml$/.test(path) ? spellRego(parseYaml(text)) : text;
    return parseJsonText(json, (number) => new Written(number));
  } catch {
    // What is nested deeper than the stack goes is no document either.
    throw new BundleRefused(`has a \`${path}\` that cannot be read`);
  }
}

export function isMembers(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isWritten(value);
}

function isWritten(value: object): value is Written {
  return value instanceof Written;
}

/** What is signed of it: members by name, without blanks, numbers as they were written. */
export function signedText(value: unknown): string {
  return spell(value, { number: (text) => text, members: (all) => all.sort(byName) }, 0);
}

function byName([a]: Member, [b]: Member): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** What a module reads: the same, but that it takes `1.0` for no place in a list. */
export function moduleText(value: unknown): string {
  const number = (text: string) => (isSmallWhole(text) ? String(Number(text)) : text);
  return spell(value, { number, members: (all) => all }, 0);
}

/** Of so few digits that a double holds all of them. */
function isSmallWhole(text: string): boolean {
  if (text.length > 20) return false;
  const [, whole = "", fraction = "", exponent = "0"] =
    /^-?([0-9]+)(?:\.([0-9]*?)0*)?(?:[eE]([-+]?[0-9]+))?$/.exec(text) ?? [];
  const shift = Number(exponent) - fraction.length;
  return whole !== "" && shift >= 0 && whole.length + fraction.length + shift <= 15;
}

/** Far deeper than data is, and not as deep as the stack. */
const DEPTH_MAX = 500;

type Member = readonly [name: string, value: unknown];

interface Spelling {
  readonly number: (text: string) => string;
  /** In which order. */
  readonly members: (all: Member[]) => readonly Member[];
}

function spell(value: unknown, by: Spelling, depth: number): string {
  if (depth > DEPTH_MAX) throw new BundleRefused(`has data nested deeper than ${DEPTH_MAX} levels`);
  if (typeof value === "string") return spellText(value);
  const inside = (one: unknown) => spell(one, by, depth + 1);
  if (Array.isArray(value)) return `[${value.map(inside).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isWritten(value)) return by.number(value.text);
  const members = by.members(Object.entries(value));
  return `{${members.map(([name, member]) => `${spellText(name)}:${inside(member)}`).join(",")}}`;
}

/** As Go's writer of JSON spells it: two line separators beside controls. */
function spellText(text: string): string {
  return JSON.stringify(text).replace(
    /[\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16)}`,
  );
}
