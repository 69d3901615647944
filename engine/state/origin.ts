/**
 * Where a value comes from (SPEC §7.5): the labels of everything a session has seen that holds it verbatim.
 * Kept per session are the person's instructions and the values that calls returned, leaf by leaf.
 */
import type { Program, ToolDecl, Yield } from "../../lang/ir.ts";
import { bordersOf, extended, isLong } from "../../lang/scalar/search.ts";
import { NAMED_LABEL, UNTRUSTED_LABEL, USER_LABEL } from "../../lang/type.ts";
import type { Roots } from "../request.ts";
import {
  anyFromJson,
  isList,
  isMap,
  isSet,
  keyOfOne,
  NULL,
  type RecordValue,
  type Scalar,
  toWire,
  type Value,
} from "../value.ts";
import { sensitivityLevels } from "./sensitivity.ts";
import { WordIndex } from "./word-index.ts";

/** Characters and texts kept for one session. Beyond them nothing can be said of where values come from. */
const LONGEST = 1_048_576;
const MOST_LEAVES = 20_000;

/** Shorter values stand in any text by chance: in outputs they count only alone, or named as an id. */
const SHORT = 4;

/** Nobody names a source by more characters; and each leaf of its record keeps them. */
const LONGEST_SOURCE = 512;

/** What a session has seen, bit by bit. With `full` it has seen more than is kept. */
export type SeenEntry = Leaf | Instruction | Full;

interface Instruction {
  readonly kind: "instruction";
  /** Blanks single, with its capitals. */
  readonly text: string;
}

interface Full {
  readonly kind: "full";
}

interface Leaf {
  readonly kind: "leaf";
  readonly text: string;
  readonly labels: ReadonlySet<string>;
  /** What the record says it comes from, as written; empty where it should say and does not. */
  readonly source?: string;
}

/** A value that a call returned, with labels that the enforcement point adds. */
export interface ReturnedPart {
  readonly value: unknown;
  readonly labels: readonly string[];
}

/** What must be known of a call to label what it returns: plain data, kept until its outcome is reported. */
export interface Returning {
  readonly yields: readonly Yield[];
  /** Of the resource; they join the session's when the call succeeds. */
  readonly labels: readonly string[];
  /** Of the resource, the name of its level, as of these. */
  readonly sensitivity?: string;
  /** What a record of the output comes from: its own member `name`, or for all of it the text `name`. */
  readonly source?: { readonly of: "output" | "call"; readonly name: string };
  /**
   * What the call put in, which says nothing when it comes back out; long texts as their digests. Missing where no rule
   * asked for an origin when it was decided: then nothing is known of what comes back either.
   */
  readonly own?: readonly string[];
}

/** Where the policy reads no origin, nothing asks where texts came from, and none are kept (`UNKEPT`). */
export function returningOf(
  tool: ToolDecl,
  { args, resource }: Roots,
  program: Pick<Program, "levels" | "readsOrigin">,
): Returning {
  const labels = isSet(resource?.labels) ? [...resource.labels].map(String) : NO_TEXTS;
  const level = resource?.sensitivity;
  const name = typeof level === "number" ? sensitivityLevels(program)[level] : undefined;
  const sensitivity = name === undefined ? {} : { sensitivity: name };
  const returning = { yields: tool.yields, labels, ...sensitivity };
  if (!program.readsOrigin) return isPlain(tool) ? { ...returning, own: NO_TEXTS } : returning;
  const source = sourceOf(tool, args);
  return {
    ...returning,
    ...(source === undefined ? {} : { source }),
    own: tool.effect === "read" ? NO_TEXTS : ownTexts(tool, args),
  };
}

const NO_TEXTS: readonly string[] = [];

/** What it was given says nothing of what it returns. */
function isPlain({ effect, source }: ToolDecl): boolean {
  return effect === "read" && source === undefined;
}

function sourceOf({ source }: ToolDecl, args: RecordValue): Returning["source"] {
  if (source?.of !== "args")
    return source === undefined ? undefined : { of: "output", name: source.name };
  return { of: "call", name: sourceNamed(textsIn(args[source.name], spaced).join(" ")) };
}

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

/** What one session has seen. Grows only. */
export class Seen {
  readonly #instructions: string[] = [];
  /** The same with its capitals. */
  readonly #written: string[] = [];
  readonly #leaves: Leaf[] = [];
  /** Of `#instructions`, and of the texts of `#leaves`. */
  readonly #instructed = new WordIndex();
  readonly #returned = new WordIndex();
  readonly #known = new Set<string>();
  readonly #entries: SeenEntry[] = [];
  /** All that is looked into: this one, and what it was added to. */
  readonly #layers: readonly Seen[];
  #length = 0;
  #full = false;

  constructor(before: readonly Seen[] = []) {
    this.#layers = [...before, this];
  }

  /** What the person wrote. Whether it adds anything. */
  instruct(text: string): boolean {
    return this.add({ kind: "instruction", text: spaced(text) });
  }

  /** What was returned is not kept. Whether that was not known yet. */
  miss(): boolean {
    return this.add({ kind: "full" });
  }

  /** What a successful or failed call returned. Whether it adds anything. */
  observe(returning: Returning, parts: readonly ReturnedPart[]): boolean {
    if (parts.length === 0) return false;
    if (returning.own === undefined) return this.miss();
    const before = this.#entries.length;
    const own = new Set(returning.own);
    for (const part of parts) {
      const labelled = labeller(returning, part.labels);
      for (const leaf of leavesOf(part.value, labelled))
        if (!own.has(keyOfOne(leaf.text))) this.add(leaf);
    }
    return this.#entries.length > before;
  }

  /** Everything there is to know, from entry `start` on, in order: what `add` makes the same of again. */
  entriesFrom(start: number): readonly SeenEntry[] {
    return this.#entries.slice(start);
  }

  /** Whether `add` would change nothing. */
  has(entry: SeenEntry): boolean {
    return this.isFull() || this.#isKnown(identify(entry));
  }

  #isKnown(key: string): boolean {
    return this.#layers.some((seen) => seen.#known.has(key));
  }

  /** It has seen more than is kept: nothing can be said. */
  isFull(): boolean {
    return this.#layers.some((seen) => seen.#full);
  }

  /** Whether `instruct` would change nothing. */
  hasInstruction(text: string): boolean {
    const written = spaced(text);
    return written === "" || this.has({ kind: "instruction", text: written });
  }

  /** With an instruction that is not kept yet: nothing is copied, and this stays as it is. */
  withInstruction(text: string): Seen {
    const made = new Seen(this.#layers);
    made.instruct(text);
    return made;
  }

  /** Whether it was not known yet. */
  add(entry: SeenEntry): boolean {
    if (this.isFull() || (entry.kind !== "full" && entry.text === "")) return false;
    const key = identify(entry);
    if (this.#isKnown(key)) return false;
    this.#known.add(key);
    this.#entries.push(this.#fits(entry) ? this.#keep(entry) : this.#fill());
    return true;
  }

  #keep(entry: Exclude<SeenEntry, Full>): SeenEntry {
    this.#length += entry.text.length;
    if (entry.kind === "leaf") {
      this.#leaves.push(entry);
      this.#returned.add(entry.text);
      return entry;
    }
    this.#keepInstruction(entry.text.toLowerCase());
    this.#written.push(entry.text);
    const parted = withBlanks(entry.text);
    if (parted !== entry.text) this.#keepInstruction(parted.toLowerCase());
    return entry;
  }

  #keepInstruction(text: string): void {
    this.#instructions.push(text);
    this.#instructed.add(text);
  }

  #fill(): SeenEntry {
    this.#full = true;
    return { kind: "full" };
  }

  /**
   * Labels of all that holds the value, `user` where an instruction does, and `named` where all of it that
   * is `untrusted` names a source that an instruction names. Of a Set, List, Map or record: those
   * of any element, so rules about all of them ask element by element.
   */
  origin(value: Value, inquiry: Inquiry): ReadonlySet<Scalar> | "unavailable" {
    if (this.isFull()) return "unavailable";
    const labels = new Set<Scalar>();
    for (const text of textsIn(value)) {
      if (inquiry.stepsLeft < 0) break;
      for (const label of this.#originOf(text, inquiry)) labels.add(label);
    }
    return inquiry.stepsLeft < 0 ? "unavailable" : labels;
  }

  #originOf(value: string, inquiry: Inquiry): ReadonlySet<Scalar> {
    const known = inquiry.found.get(value);
    if (known !== undefined) return known;
    const labels = this.#labelsOf(value, inquiry);
    inquiry.found.set(value, labels);
    return labels;
  }

  #labelsOf(value: string, inquiry: Inquiry): ReadonlySet<Scalar> {
    const labels = new Set<Scalar>();
    if (value === "") return labels;
    const text = soughtFor(value);
    if (this.#isInstructed(text, inquiry)) labels.add(USER_LABEL);
    let outside = 0;
    let named = 0;
    for (const leaf of this.#leavesWith(text)) {
      if (inquiry.stepsLeft < 0) break;
      if (!leafHolds(leaf.text, text, inquiry)) continue;
      for (const label of leaf.labels) labels.add(label);
      if (!leaf.labels.has(UNTRUSTED_LABEL)) continue;
      outside += 1;
      if (leaf.source !== undefined && this.#isNamedOnce(leaf.source, inquiry)) named += 1;
    }
    if (outside > 0 && named === outside) labels.add(NAMED_LABEL);
    return labels;
  }

  /** Those that hold the text, and some that do not. */
  #leavesWith(text: Sought): readonly Leaf[] {
    const found = this.#layers.map((seen) =>
      picked(seen.#leaves, seen.#returned.candidates(text.part)),
    );
    return found.length === 1 ? (found[0] ?? []) : found.flat();
  }

  #isInstructed(text: Sought, inquiry: Inquiry): boolean {
    return this.#layers.some((seen) => {
      const among = picked(seen.#instructions, seen.#instructed.candidates(text.part));
      return among.some((instruction) => holds(instruction, text, inquiry));
    });
  }

  /** All of a record's leaves have one source. */
  #isNamedOnce(source: string, inquiry: Inquiry): boolean {
    const known = inquiry.named.get(source);
    if (known !== undefined) return known;
    const isNamed = this.#isNamed(source, inquiry);
    inquiry.named.set(source, isNamed);
    return isNamed;
  }

  /** A short one is a name where it has a capital, and the person gave it the same: `Bob`, but not `the`. */
  #isNamed(source: string, inquiry: Inquiry): boolean {
    if (source.length >= SHORT) return this.#isInstructed(soughtFor(source.toLowerCase()), inquiry);
    if (!/\p{Lu}/u.test(source)) return false;
    return this.#isWritten({ part: source, isUrl: false }, inquiry);
  }

  #isWritten(text: Sought, inquiry: Inquiry): boolean {
    return this.#layers.some((seen) =>
      seen.#written.some((instruction) => holds(instruction, text, inquiry)),
    );
  }

  #fits(entry: SeenEntry): entry is Exclude<SeenEntry, Full> {
    if (entry.kind === "full") return false;
    let [length, count] = [entry.text.length, 0];
    for (const seen of this.#layers) {
      length += seen.#length;
      count += seen.#known.size;
    }
    return length <= LONGEST && count <= MOST_LEAVES;
  }
}

/**
 * What a session has seen of which nothing was kept, since no rule asked where anything came from: a policy with one
 * may come. One for all of them, since nothing is ever added to it.
 */
export const UNKEPT = new Seen();
UNKEPT.miss();

/** No part of it holds a line break: whoever chooses a source or a text must not make one entry look like another. */
function identify(entry: SeenEntry): string {
  if (entry.kind === "full") return "full";
  if (entry.kind === "instruction") return `instruction\n${entry.text}`;
  return `leaf\n${[...entry.labels].join(" ")}\n${entry.source ?? ""}\n${entry.text}`;
}

function picked<Item>(
  items: readonly Item[],
  places: readonly number[] | undefined,
): readonly Item[] {
  return places === undefined ? items : places.flatMap((place) => items[place] ?? []);
}

/** One form for what looks alike: NFC, blanks single, case folded. */
function normalise(text: string): string {
  return spaced(text).toLowerCase();
}

function spaced(text: string): string {
  return text.normalize("NFC").replace(/\s+/g, " ").trim();
}

/** People forget the blank behind a full stop: `to ann@acme.example.Then call her`. */
function withBlanks(text: string): string {
  return text.replace(/(?<=[\p{Ll}\d][.!?])(?=\p{Lu}\p{Ll})/gu, " ");
}

/** The texts of all scalars in a value; of a list that stands in it many times, once. */
function textsIn(
  value: Value | undefined,
  form = normalise,
  visited = new Set<object>(),
): readonly string[] {
  if (value === undefined || value === NULL || typeof value === "boolean") return [];
  if (typeof value === "number") return [String(value)];
  if (typeof value === "string") return [form(value)];
  if (visited.has(value)) return [];
  visited.add(value);
  const inner: readonly (Value | undefined)[] = isList(value)
    ? value
    : [...(isSet(value) || isMap(value) ? value.values() : Object.values(value))];
  return inner.flatMap((item) => textsIn(item, form, visited));
}

/** Of what a call was given, as read and as it stands on the wire: an amount is not its ten-thousandths there. */
function ownTexts({ args: fields, open }: ToolDecl, args: RecordValue): readonly string[] {
  const wire = toWire(args, { kind: "Record", fields, open }, []);
  return [...new Set([...textsIn(args), ...textsIn(anyFromJson(wire))].map(keyOfOne))];
}

/** How a normalised text is looked for. */
interface Sought {
  readonly part: string;
  readonly isUrl: boolean;
}

/** `https://www.acme.example/`, `www.acme.example` and `acme.example` are one page to people, and to most models. */
function soughtFor(text: string): Sought {
  const url = /^(?:https?:\/\/(?:www\.)?|www\.)(\S*[^\s/])\/?$/.exec(text);
  const rest = url?.[1];
  return rest === undefined || rest.length < SHORT
    ? { part: text, isUrl: false }
    : { part: rest, isUrl: true };
}

/** What is found on the way down to a leaf. */
interface Place {
  readonly names: readonly string[];
  readonly source?: string;
  readonly inRecord: boolean;
}

type Labeller = {
  readonly labelsAt: (place: Place) => ReadonlySet<string>;
  readonly sourceOf: (record: Readonly<Record<string, unknown>>) => string | undefined;
  readonly source?: string;
};

function labeller({ yields, source }: Returning, added: readonly string[]): Labeller {
  const missing = source?.of === "output" ? "" : source?.name;
  return {
    labelsAt: (place) => new Set([...added, ...yielded(yields, place)]),
    sourceOf: (record) => {
      if (source?.of !== "output" || !Object.hasOwn(record, source.name)) return undefined;
      const named = record[source.name];
      return typeof named === "string" ? sourceNamed(spaced(named)) : "";
    },
    ...(missing === undefined ? {} : { source: missing }),
  };
}

function sourceNamed(text: string): string {
  return text.length <= LONGEST_SOURCE ? text : "";
}

/** Text that should be records and is not may hold any of their members: it gets every label. */
function yielded(yields: readonly Yield[], place: Place): readonly string[] {
  const covers = (one: Yield) => one.fields?.some((field) => place.names.includes(field)) ?? false;
  if (!place.inRecord) return yields.map(({ label }) => label);
  const covered = yields.some(covers);
  return yields
    .filter((one) => {
      if (one.fields !== undefined) return covers(one);
      return !one.elsewhere || !covered;
    })
    .map(({ label }) => label);
}

function leavesOf(value: unknown, { labelsAt, sourceOf, source }: Labeller): readonly Leaf[] {
  const leaves: Leaf[] = [];
  const visit = (inner: unknown, place: Place): void => {
    if (Array.isArray(inner)) {
      for (const item of inner) visit(item, place);
    } else if (typeof inner === "object" && inner !== null) {
      const own = sourceOf(inner as Readonly<Record<string, unknown>>) ?? place.source;
      for (const [name, item] of Object.entries(inner)) {
        const names = [...place.names, name];
        visit(item, { names, inRecord: true, ...(own === undefined ? {} : { source: own }) });
      }
    } else if (typeof inner === "string" || typeof inner === "number") {
      const text = normalise(String(inner));
      if (text === "") return;
      const from = place.source === undefined ? {} : { source: place.source };
      leaves.push({ kind: "leaf", text, labels: labelsAt(place), ...from });
    }
  };
  visit(value, { names: [], inRecord: false, ...(source === undefined ? {} : { source }) });
  return leaves;
}

/** A text looked into takes as long as so many steps, however short it is. */
const STEPS_A_TEXT = 4;

function leafHolds(leaf: string, text: Sought, inquiry: Inquiry): boolean {
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
function holds(text: string, { part, isUrl }: Sought, inquiry: Inquiry): boolean {
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
