import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { document } from "../../bench/http/document.ts";
import type { HttpResult } from "../../bench/http/results.ts";
import { MACHINE } from "./machine.ts";

const RUN = fileURLToPath(new URL("../../bench/http/run.ts", import.meta.url));

test("a service is started, asked, and answers as the policy means it", {
  timeout: 120_000,
}, async () => {
  const words = ["--quick", "--servers", "writ,fastify", "--seconds", "1"];
  const { stdout } = await promisify(execFile)(process.execPath, [RUN, ...words]);
  expect(stdout).toMatch(/Writ +20 rules +[\d,]+\/s/);
  expect(stdout).toMatch(/the framework answering a constant: \d/);
});

function result(server: string, ruleCount: number, perSecond: number): HttpResult {
  const report = { perSecond, p50Ms: 1, p99Ms: 2, mostMs: 3, count: 10 };
  return { server, title: server, how: "so", ruleCount, full: report, half: report, cpuMicros: 40 };
}

test("an aim that is missed is called so, and one whose server was not there is left out", () => {
  const machine = { ...MACHINE, isPinned: true };
  const measured = [
    result("fastify", 20, 1_000),
    result("writ", 20, 650),
    result("writ", 10_000, 640),
    result("opa", 20, 100),
  ];
  const text = document({ machine, seconds: 1, measured });
  expect(text).toContain("| at least 0.7 × the framework answering a constant | 0.65 | missed |");
  expect(text).toContain("| at least 3 × an OPA server, which records nothing | 6.50 | met |");
  expect(text).toContain("| at 10,000 rules at least 0.8 × as fast as at 20 | 0.98 | met |");
  expect(text).not.toContain("Cerbos");
});
