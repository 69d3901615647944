/**
 * Sets that are equal and come again and again — the groups of an agent, the scope of a hop — are one set. Nobody
 * changes a value once it is made (SPEC §4.3).
 */
import type { Scalar, Value } from "./value.ts";

interface Shared {
  readonly items: readonly Scalar[];
  readonly set: ReadonlySet<Scalar>;
}

/** Strangers choose what is in them: so many are kept, of so few and short items, and each until another takes its slot. */
const SLOTS = 1_024;
const ITEMS_MOST = 8;
const ITEM_LENGTH_MOST = 64;

const NOTHING: ReadonlySet<Scalar> = new Set();

const slots: (Shared | undefined)[] = new Array(SLOTS).fill(undefined);

/** Of scalars. */
export function sharedSet(values: readonly Value[]): ReadonlySet<Scalar> {
  const items = values as readonly Scalar[];
  if (items.length === 0) return NOTHING;
  if (items.length > ITEMS_MOST) return new Set(items);
  const slot = slotOf(items);
  if (slot === undefined) return new Set(items);
  const known = slots[slot];
  if (known !== undefined && isSame(known.items, items)) return known.set;
  const set = new Set(items);
  slots[slot] = { items, set };
  return set;
}

/** `undefined` where an item is long. */
function slotOf(items: readonly Scalar[]): number | undefined {
  let sum = 0;
  for (const item of items) {
    const text = typeof item === "string" ? item : String(item);
    const { length } = text;
    if (length > ITEM_LENGTH_MOST) return undefined;
    // A few characters tell most apart, and are quicker to look at than all.
    const some = length === 0 ? 0 : text.charCodeAt(length >> 1) * 7 + text.charCodeAt(length - 1);
    sum = (Math.imul(sum, 31) + length * 61 + some) | 0;
  }
  return sum & (SLOTS - 1);
}

function isSame(some: readonly Scalar[], others: readonly Scalar[]): boolean {
  if (some.length !== others.length) return false;
  for (let at = 0; at < some.length; at += 1) if (some[at] !== others[at]) return false;
  return true;
}
