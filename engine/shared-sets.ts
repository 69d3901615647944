/**
 * Sets that are equal and come again and again — the groups of an agent, the scope of a hop — are one set. Nobody
 * changes a value once it is made (SPEC §4.3).
 */
import type { Scalar, Value } from "./value.ts";

interface Shared {
  readonly items: readonly Scalar[];
  readonly set: ReadonlySet<Scalar>;
}

/** Strangers choose what is in them: so many are kept, of so few and short items. */
const KEPT_MOST = 500;
const ITEMS_MOST = 8;
const ITEM_LENGTH_MOST = 64;

const NOTHING: ReadonlySet<Scalar> = new Set();

/** By their first item. */
const kept = new Map<Scalar, Shared>();

/** Of scalars. */
export function sharedSet(values: readonly Value[]): ReadonlySet<Scalar> {
  const items = values as readonly Scalar[];
  const first = items[0];
  if (first === undefined) return NOTHING;
  const known = kept.get(first);
  if (known !== undefined && isSame(known.items, items)) return known.set;
  const set = new Set(items);
  if (!isSmall(items)) return set;
  if (kept.size >= KEPT_MOST) kept.clear();
  kept.set(first, { items, set });
  return set;
}

function isSame(some: readonly Scalar[], others: readonly Scalar[]): boolean {
  if (some.length !== others.length) return false;
  for (let at = 0; at < some.length; at += 1) if (some[at] !== others[at]) return false;
  return true;
}

function isSmall(items: readonly Scalar[]): boolean {
  if (items.length > ITEMS_MOST) return false;
  return items.every((item) => typeof item !== "string" || item.length <= ITEM_LENGTH_MOST);
}
