/**
 * Reads bundles of OPA's in a thread of its own: inflating one that nobody signed takes a second, and data whose
 * signature holds several, for which nobody would be answered.
 */
import { type AsideLimits, createAside } from "../bundles/aside.ts";
import type { Refusal } from "../bundles/refusal.ts";
import { EXAMINER_LIMITS } from "../bundles/thread.ts";
import type { ChoosingParts, ChosenRego } from "./opened.ts";

export interface RegoChooser {
  /** As `chooseRego`; refused as well where it takes too long, or too much memory. */
  choose(bytes: Uint8Array, parts: ChoosingParts): Promise<ChosenRego | Refusal>;
  close(): Promise<void>;
}

/** What goes to the thread. */
export interface ChooserRequest extends ChoosingParts {
  readonly bytes: Uint8Array;
}

/** This file's own ending: sources run unbuilt in development. */
const WORKER = new URL(
  `./chooser-thread${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`,
  import.meta.url,
);

export function createRegoChooser(limits: AsideLimits = EXAMINER_LIMITS): RegoChooser {
  const { ask, close } = createAside<ChooserRequest, ChosenRego | Refusal>(WORKER, limits);
  return {
    choose: (bytes, { key, entrypoint }) => ask({ bytes, key, entrypoint }),
    close,
  };
}
