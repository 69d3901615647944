/**
 * How long a reload keeps decisions waiting: `node bench/reload.ts [RULES…]`. A bundle is examined in its thread and
 * activated several times while this thread only asks how long each of its turns took; then every request is decided
 * for the first time. Rules are those of the comparison, and then as many of one tool, which nothing tells apart.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createActive } from "../engine/active.ts";
import { makeSignedBundle } from "../engine/bundles/contents.ts";
import { openFloor } from "../engine/bundles/floor.ts";
import { createReloader } from "../engine/bundles/reload.ts";
import { createExaminer } from "../engine/bundles/thread.ts";
import { createEngine } from "../engine/engine.ts";
import { createIds } from "../engine/ids.ts";
import { createMemoryStore } from "../engine/state/memory.ts";
import { compile } from "../lang/compile.ts";
import type { Program } from "../lang/ir.ts";
import { newKey } from "../test/support/bundles.ts";
import { compileWorkload, writRequest } from "./peers/writ.ts";
import { quantile } from "./quantile.ts";
import { makeWorkload } from "./workload.ts";

const RELOADS = 12;

interface Pause {
  readonly bytes: number;
  /** From the first look at the source to deciding by the new policy. */
  readonly wholeMs: readonly number[];
  /** The longest turn of this thread in each reload. */
  readonly turnMs: readonly number[];
  readonly swapMs: readonly number[];
  /** The slowest of the first decisions. */
  readonly firstMs: readonly number[];
}

interface Reloaded {
  readonly title: string;
  readonly program: Program;
  /** JSON values. */
  readonly requests: readonly unknown[];
}

function compared(ruleCount: number): Reloaded {
  const workload = makeWorkload(ruleCount);
  const requests = workload.requests.map(writRequest);
  return { title: "rules", program: compileWorkload(workload), requests };
}

const RULES_OF_FILE = 500;

/** No two of them alike enough to share what is made of them. */
function ofOneTool(ruleCount: number): Reloaded {
  const rules = Array.from({ length: ruleCount }, (_, at) => {
    const others = Array.from({ length: at % 9 }, (_, one) => `or args.amount == ${at + one} `);
    const condition = `args.to starts with "a${at}" ${others.join("")}or args.amount < ${at % 7}`;
    return `permit r${at}\n  tool pay\n  when args.amount > ${at} and (${condition})`;
  });
  const files = [];
  for (let from = 0; from < ruleCount; from += RULES_OF_FILE) {
    const text = rules.slice(from, from + RULES_OF_FILE).join("\n\n");
    files.push({ path: `r${from}.writ`, text: `package bench\n\n${text}\n` });
  }
  const vocabulary =
    "package bench\n\ntool pay { effect write, args { to: String, amount: Int } }\n";
  files.push({ path: "vocabulary.writ", text: vocabulary });
  const { program } = compile({ directory: "bench", files });
  if (program === undefined) throw new Error("the policy is wrong");
  const request = { agent: { id: "a" }, tool: { name: "pay", args: { to: "a7", amount: 9 } } };
  return { title: "rules of one tool", program, requests: [request] };
}

async function measure({ program, requests }: Reloaded): Promise<Pause> {
  const key = newKey();
  const bundleOf = (serial: number) =>
    makeSignedBundle({ program, tests: [], serial, createdMs: Date.now(), keys: [key] });
  const store = createMemoryStore();
  const ids = createIds();
  const active = createActive({ now: Date.now, ids });
  const swapMs: number[] = [];
  const swap: typeof active.swap = (next) => {
    const began = performance.now();
    active.swap(next);
    swapMs.push(performance.now() - began);
  };
  const directory = mkdtempSync(join(tmpdir(), "writ-bench-"));
  const examiner = createExaminer();
  let bytes = bundleOf(1);
  const reloader = createReloader({
    source: { shown: "bench", fetch: async () => ({ kind: "body", bytes, etag: undefined }) },
    keys: [key.verifying],
    examiner,
    floor: openFloor(directory),
    active: { ...active, swap },
    now: Date.now,
    graceMs: 0,
    runsTests: true,
    prepare: ({ program, manifest: { digest, serial } }) => {
      const named = { program, digest, revision: String(serial) };
      return { ...named, service: createEngine({ ...named, store, ids }) };
    },
    onEvent: () => {},
  });
  const wholeMs: number[] = [];
  const turnMs: number[] = [];
  const firstMs: number[] = [];
  for (let serial = 1; serial <= RELOADS; serial++) {
    bytes = bundleOf(serial);
    const stop = watchTurns();
    const began = performance.now();
    if (!(await reloader.check())) throw new Error(reloader.status().failing?.because);
    wholeMs.push(performance.now() - began);
    turnMs.push(stop());
    firstMs.push(Math.max(...requests.map((request) => timeOf(() => active.decide(request)))));
  }
  await examiner.close();
  rmSync(directory, { recursive: true });
  return { bytes: bytes.length, wholeMs, turnMs, swapMs, firstMs };
}

function timeOf(work: () => unknown): number {
  const began = performance.now();
  work();
  return performance.now() - began;
}

/** Gives the longest time between two turns until it was stopped. */
function watchTurns(): () => number {
  let longest = 0;
  let last = performance.now();
  let stopped = false;
  const turn = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!stopped) setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    stopped = true;
    turn();
    return longest;
  };
}

function spell(values: readonly number[]): string {
  const [median, most] = [0.5, 1].map((share) => quantile(values, share).toFixed(3));
  return `median ${median} ms, most ${most} ms`;
}

const asked = process.argv.slice(2).map(Number);
const sizes = asked.length === 0 ? [20, 1_000, 10_000] : asked;
for (const reloaded of [...sizes.map(compared), ...sizes.map(ofOneTool)]) {
  const { bytes, wholeMs, turnMs, swapMs, firstMs } = await measure(reloaded);
  const { program, title } = reloaded;
  console.log(`${program.rules.length} ${title}, ${bytes} bytes, ${RELOADS} reloads`);
  console.log(`  from source to decision   ${spell(wholeMs)}`);
  console.log(`  longest turn meanwhile    ${spell(turnMs)}`);
  console.log(`  swap                      ${spell(swapMs)}`);
  console.log(`  first decision            ${spell(firstMs)}`);
}
