import { randomBytes } from "node:crypto";

/** Names for decisions and calls: unique among all engines, and not to be guessed from outside. */
export interface Ids {
  decision(): string;
  call(): string;
}

/** A random part for each process, and a count: cheaper than randomness for each id, and sortable. */
export function createIds(): Ids {
  const prefix = randomBytes(12).toString("base64url");
  let count = 0;
  return {
    decision: () => `d-${prefix}-${(count++).toString(36)}`,
    call: () => `c-${prefix}-${(count++).toString(36)}`,
  };
}
