/** What a call returned, leaf by leaf, with the labels of each (SPEC §7.5). Pure. */
import type { Program, ToolDecl, Yield } from "../../../lang/ir.ts";
import type { Roots } from "../../request.ts";
import { anyFromJson, isSet, keyOfOne, type RecordValue, toWire } from "../../value.ts";
import { sensitivityLevels } from "../sensitivity.ts";
import { normalise, spaced, textsIn } from "./texts.ts";

/** Nobody names a source by more characters; and each leaf of its record keeps them. */
const LONGEST_SOURCE = 512;

export interface Leaf {
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

/** Of what a call was given, as read and as it stands on the wire: an amount is not its ten-thousandths there. */
function ownTexts({ args: fields, open }: ToolDecl, args: RecordValue): readonly string[] {
  const wire = toWire(args, { kind: "Record", fields, open }, []);
  return [...new Set([...textsIn(args), ...textsIn(anyFromJson(wire))].map(keyOfOne))];
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

export function labeller({ yields, source }: Returning, added: readonly string[]): Labeller {
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

export function leavesOf(
  value: unknown,
  { labelsAt, sourceOf, source }: Labeller,
): readonly Leaf[] {
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
