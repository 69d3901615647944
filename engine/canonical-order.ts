/**
 * The order of an object's members in RFC 8785: by UTF-16 code units. Objects are made by a few programs, each with
 * its members in one order: what these came to be sorted is found again name by name. Pure but for what it remembers.
 */

export interface Member {
  readonly name: string;
  /** UTF-8 of what stands in front of its value, with a comma in front: `,"name":`. */
  readonly token: Uint8Array;
}

/** Behind some names. */
interface Place {
  readonly next: Map<string, Place>;
  order: readonly Member[] | undefined;
}

/** What strangers send must not fill the memory: then all is forgotten, and learnt anew. */
const PLACES_MOST = 2_000;
/** Longer names, and objects with more of them, do not come again and again. */
const NAME_LENGTH_MOST = 40;
const NAMES_MOST = 64;

const UTF8 = new TextEncoder();

let start = newPlace();
let count = 0;

/** Of the members that have these names. */
export function orderOf(names: readonly string[]): readonly Member[] {
  if (names.length > NAMES_MOST) return sorted(names);
  let place = start;
  for (let at = 0; at < names.length; at += 1) {
    const name = names[at] as string;
    const next = place.next.get(name) ?? learnt(name, place);
    if (next === undefined) return sorted(names);
    place = next;
  }
  place.order ??= sorted(names);
  return place.order;
}

function learnt(name: string, { next }: Place): Place | undefined {
  if (name.length > NAME_LENGTH_MOST) return undefined;
  if (count >= PLACES_MOST) {
    start = newPlace();
    count = 0;
  }
  count += 1;
  const place = newPlace();
  next.set(name, place);
  return place;
}

function newPlace(): Place {
  return { next: new Map(), order: undefined };
}

function sorted(names: readonly string[]): readonly Member[] {
  return names.toSorted().map((name) => ({
    name,
    token: UTF8.encode(`,${JSON.stringify(name)}:`),
  }));
}
