import { createHook } from "node:async_hooks";
import { setFlagsFromString } from "node:v8";
import { runInThisContext } from "node:vm";
import { expect, test } from "vitest";
import { keepTick } from "../../../cli/serve/ticks.ts";
import { heapBytes } from "../../support/heap.ts";

setFlagsFromString("--allow-natives-syntax");
const haveSameMap: (one: unknown, other: unknown) => boolean = runInThisContext(
  "(one, other) => %HaveSameMap(one, other)",
);

function tickMadeNow(): object | undefined {
  let made: object | undefined;
  const hook = createHook({
    init: (_id, type, _trigger, resource) => {
      if (type === "TickObject") made = resource;
    },
  });
  hook.enable();
  process.nextTick(() => {});
  hook.disable();
  return made;
}

test("what is kept is laid out as ticks are, also as those after all of the heap was gone through", async () => {
  const kept = keepTick();
  expect(kept).toBeDefined();
  await new Promise(setImmediate);
  heapBytes();
  expect(haveSameMap(kept, tickMadeNow())).toBe(true);
  expect(haveSameMap(kept, {})).toBe(false);
  expect(keepTick()).toBe(kept);
});
