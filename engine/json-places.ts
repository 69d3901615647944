/**
 * Where members stood in the documents that came before. Most are spelled by a few programs, each in its own order:
 * which key comes next is then known before it is read, and that it is another than those before it in its object.
 */

/** Of one member: the members before it in its object, and around these the same, are part of where it stands. */
export interface Place {
  readonly key: string;
  /** How it is spelled without white space: `"key":`. No other text is read as this key and its colon. */
  readonly token: string;
  /** Of the member that came behind it last. */
  next: Place | undefined;
  /** Others that came there. */
  others: Map<string, Place> | undefined;
  /** In front of the first member of what objects are in it. */
  inside: Place | undefined;
}

/** What strangers send must not fill the memory: then all is forgotten, and learnt anew. */
const PLACES_MOST = 2_000;

let start = placeOf("");
let count = 0;

/** Where a document begins. */
export function beginning(): Place {
  if (count >= PLACES_MOST) {
    start = placeOf("");
    count = 0;
  }
  return start;
}

/** In front of the first member of an object that stands at `place`. */
export function within(place: Place): Place {
  place.inside ??= placeOf("");
  return place.inside;
}

/** Of the member `key` behind `place`, in an object that has no other of that name. */
export function follow(place: Place, key: string): Place {
  const { next, others } = place;
  if (next?.key === key) return next;
  const known = others?.get(key);
  const found = known ?? placeOf(key);
  if (known === undefined) {
    if (count >= PLACES_MOST || !PLAIN.test(key)) return found;
    count += 1;
    place.others = (others ?? new Map()).set(key, found);
  }
  place.next = found;
  return found;
}

/** What is spelled in one way alone without escapes, one byte for each character. */
const PLAIN = /^[ !#-[\]-~]{0,40}$/;

function placeOf(key: string): Place {
  return { key, token: `"${key}":`, next: undefined, others: undefined, inside: undefined };
}
