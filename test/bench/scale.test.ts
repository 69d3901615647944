import { expect, test } from "vitest";
import { document } from "../../bench/scale/document.ts";
import type { ScaleResults } from "../../bench/scale/results.ts";
import { MACHINE } from "./machine.ts";

const speed = { perSecond: 1_000, p50Us: 10, p99Us: 20 };
const RESULTS: ScaleResults = {
  machine: { ...MACHINE, redis: "7.0.15" },
  seconds: 1,
  inProcess: [{ title: "in memory", cpuUs: 5, ...speed }],
  served: [
    { title: "state kept in a file, decisions recorded", cpuUs: 200, ...speed },
    { title: "state in Redis, decisions recorded", cpuUs: 250, ...speed },
  ],
  shared: [
    { processCount: 1, cpuUs: 150, redisCpuUs: 125, ...speed },
    { processCount: 2, cpuUs: 150, redisCpuUs: 100, ...speed },
  ],
  bareScript: speed,
  footprints: [{ kind: "counter within a window", memory: 600, file: 70, redis: 110 }],
};

test("what a core, a Redis and three of them carry is calculated from processor time", () => {
  const text = document(RESULTS);
  expect(text).toContain("at about 5,000 decisions/s");
  expect(text).toContain("make a call every five seconds: 25,000 of them");
  expect(text).toContain("100 µs each are 10,000 calls/s");
  expect(text).toContain("30,000 calls/s on three");
  expect(text).toContain("so 2 to 4 of them reach");
  expect(text).toContain("is 60 MB in memory");
  expect(text).toContain("6.0 GB in memory, 0.7 GB in the file, 1.1 GB in Redis");
  expect(text).not.toContain("The machine was busy");
});

test("a busy machine is told", () => {
  const machine = { ...RESULTS.machine, load: 9 };
  expect(document({ ...RESULTS, machine })).toContain("9 processes wanted to run");
});
