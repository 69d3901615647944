/**
 * Where members stood in the documents that came before. Most are spelled by a few programs, each in its own order:
 * which key comes next is then known before it is read, and that it is another than those before it in its object.
 */

/** Of one member: the members before it in its object, and around these the same, are part of where it stands. */
export interface Place {
  readonly key: string;
  /** How it is spelled without white space: the bytes of `"key":`. No others are read as this key and its colon. */
  readonly token: Uint8Array;
  /** Of the member that came behind it last. */
  next: Place | undefined;
  /** Others that came there. */
  others: Map<string, Place> | undefined;
  /** In front of the first member of what objects are in it. */
  inside: Place | undefined;
}

/** What strangers send must not fill the memory: then all is forgotten, and learnt anew. */
const PLACES_MOST = 2_000;

/** To learn takes longer than to read: a document of thousands of new keys teaches no more than these. */
const LEARNT_AT_ONCE_MOST = 100;

const NO_TOKEN = Buffer.alloc(0);

let start = placeOf("");
let count = 0;
let learnable = LEARNT_AT_ONCE_MOST;

/** Where a document begins. */
export function beginning(): Place {
  learnable = LEARNT_AT_ONCE_MOST;
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
  const found = others?.get(key) ?? learnt(place, key);
  if (found === undefined) return placeOf(key);
  place.next = found;
  return found;
}

/** `undefined` where there is no room, or more than one way to spell the key. */
function learnt(place: Place, key: string): Place | undefined {
  if (learnable === 0 || count >= PLACES_MOST || !PLAIN.test(key)) return undefined;
  learnable -= 1;
  count += 1;
  const made = placeOf(key, Buffer.from(`"${key}":`, "latin1"));
  place.others ??= new Map();
  place.others.set(key, made);
  return made;
}

/** What is spelled in one way alone without escapes, one byte for each character. */
const PLAIN = /^[ !#-[\]-~]{0,40}$/;

function placeOf(key: string, token = NO_TOKEN): Place {
  return { key, token, next: undefined, others: undefined, inside: undefined };
}
