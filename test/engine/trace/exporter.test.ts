import { describe, expect, test } from "vitest";
import {
  BATCH_MOST,
  createExporter,
  GATHER_MS,
  RETRY_MS,
  WAITING_MOST,
} from "../../../engine/trace/exporter.ts";
import { spellSpans } from "../../../engine/trace/otlp.ts";
import type { Span } from "../../../engine/trace/span.ts";

const SPAN: Span = {
  name: "decide",
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  state: "",
  startMs: Date.UTC(2026, 0, 2),
  elapsedMs: 1.25,
  attributes: {},
};

type Sent = (spans: number) => Promise<Uint8Array>;

/** A collector and a clock that do what the test says. */
function world(sent: Sent = async () => new Uint8Array()) {
  const pauses: { readonly ms: number; readonly end: () => void }[] = [];
  const batches: number[] = [];
  const failures: string[] = [];
  const exporter = createExporter({
    send(body) {
      const { length } = JSON.parse(Buffer.from(body).toString()).resourceSpans[0].scopeSpans[0]
        .spans;
      batches.push(length);
      return sent(length);
    },
    after(ms, end) {
      const pause = { ms, end };
      pauses.push(pause);
      return () => {};
    },
    onFailure: (because) => failures.push(because),
  });
  const settle = async () => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  /** Ends the pause that is under way, and says how long it would have been. */
  const passPause = async () => {
    const pause = pauses.shift();
    pause?.end();
    await settle();
    return pause?.ms;
  };
  const take = (count: number) => {
    for (let at = 0; at < count; at += 1) exporter.take(SPAN);
  };
  return { exporter, batches, failures, take, passPause, settle };
}

const fail = async () => {
  throw new Error("refused");
};

describe("spans on their way", () => {
  test("are gathered, and sent in batches", async () => {
    const { exporter, batches, take, passPause } = world();
    take(BATCH_MOST + 3);
    expect(batches).toEqual([]);
    expect(await passPause()).toBe(GATHER_MS);
    expect(batches).toEqual([BATCH_MOST]);
    expect(await passPause()).toBe(GATHER_MS);
    expect(batches).toEqual([BATCH_MOST, 3]);
    expect(exporter.counts()).toEqual({ exported: BATCH_MOST + 3, dropped: 0, failed: 0 });
    take(1);
    await passPause();
    expect(batches).toEqual([BATCH_MOST, 3, 1]);
  });

  test("are dropped and counted beyond what may wait, however long the collector takes", async () => {
    const { exporter, batches, take, passPause } = world(() => new Promise(() => {}));
    take(WAITING_MOST + 5);
    expect(exporter.counts().dropped).toBe(5);
    await passPause();
    expect(batches).toEqual([BATCH_MOST]);
    take(BATCH_MOST + 7);
    expect(exporter.counts()).toEqual({ exported: 0, dropped: 12, failed: 0 });
  });

  test("are tried three times, and then given up; why is told once", async () => {
    const { exporter, batches, failures, take, passPause } = world(fail);
    take(2);
    expect(await passPause()).toBe(GATHER_MS);
    for (const ms of RETRY_MS) expect(await passPause()).toBe(ms);
    expect(batches).toEqual([2, 2, 2]);
    expect(exporter.counts()).toEqual({ exported: 0, dropped: 0, failed: 2 });
    expect(failures).toEqual(["refused"]);
  });

  test("arrive where the collector comes back", async () => {
    let isUp = false;
    const { exporter, take, passPause } = world(async () => (isUp ? new Uint8Array() : fail()));
    take(2);
    await passPause();
    isUp = true;
    await passPause();
    expect(exporter.counts()).toEqual({ exported: 2, dropped: 0, failed: 0 });
  });

  test.each([
    ['{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}', 2],
    ['{"partialSuccess":{"rejectedSpans":1}}', 1],
    ['{"partialSuccess":{"rejectedSpans":"99"}}', 3],
    ['{"partialSuccess":{}}', 0],
    ["{}", 0],
    ["no JSON", 0],
    ["null", 0],
    ['{"partialSuccess":{"rejectedSpans":-1}}', 0],
  ])("are failed where the collector says so: %s", async (answer, failed) => {
    const { exporter, take, passPause } = world(async () => Buffer.from(answer));
    take(3);
    await passPause();
    expect(exporter.counts()).toEqual({ exported: 3 - failed, dropped: 0, failed });
  });

  test("are sent once more at the end, without waiting, and no longer taken", async () => {
    const { exporter, batches, take } = world();
    take(2 * BATCH_MOST + 4);
    await exporter.close();
    expect(batches).toEqual([BATCH_MOST, BATCH_MOST]);
    take(1);
    expect(exporter.counts()).toEqual({ exported: 2 * BATCH_MOST, dropped: 5, failed: 0 });
  });

  test("are not tried again at the end", async () => {
    const { exporter, batches, take } = world(fail);
    take(3);
    await exporter.close();
    expect(batches).toEqual([3]);
    expect(exporter.counts()).toEqual({ exported: 0, dropped: 0, failed: 3 });
  });
});

test("times are exact to the nanosecond", () => {
  const text = Buffer.from(spellSpans([{ ...SPAN, startMs: 1_767_312_000_123.5 }])).toString();
  const [span] = JSON.parse(text).resourceSpans[0].scopeSpans[0].spans;
  expect(span.startTimeUnixNano).toBe("1767312000123500000");
  expect(span.endTimeUnixNano).toBe("1767312000124750000");
});
