/** What `process.nextTick` costs, which Node does six times for a request. */
import { createHook, type HookCallbacks } from "node:async_hooks";

let kept: object | undefined;

/**
 * Keeps one of the objects that Node makes for each tick. V8 forgets how they are laid out where all of the heap is gone
 * through at a moment without any; the next is laid out anew, and the code that makes them, which knows the first layout,
 * then asks the runtime each time: 90 ns a tick instead of 55. Whether that moment comes is chance, a few seconds after a start.
 */
export function keepTick(): object | undefined {
  if (kept !== undefined) return kept;
  const callbacks: HookCallbacks & { readonly trackPromises: boolean } = {
    // Else V8 would be told to look at every promise, though for a moment.
    trackPromises: false,
    init: (_id, type, _trigger, resource) => {
      if (type === "TickObject") kept ??= resource;
    },
  };
  const hook = createHook(callbacks);
  hook.enable();
  process.nextTick(() => {});
  hook.disable();
  return kept;
}
