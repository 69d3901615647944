/** Bytes that one key costs: in this process, in the file, and in Redis. Run with `--expose-gc`. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEngine } from "../../engine/engine.ts";
import { createSharedEngine } from "../../engine/shared-engine.ts";
import { createMemoryStore } from "../../engine/state/memory.ts";
import { openLink } from "../../engine/state/redis/link.ts";
import { connectRedis } from "../../engine/state/redis/store.ts";
import { openSqliteJournal } from "../../engine/state/sqlite/journal.ts";
import type { Program } from "../../lang/ir.ts";
import { redisAt } from "../../test/support/redis-address.ts";
import { programFrom } from "../stateful.ts";
import { tell } from "../told.ts";
import type { Footprint } from "./results.ts";

const KEYS = 50_000;
const AT_ONCE = 64;

/** All calls are denied, so that attempts are all that is left of them. */
const KINDS = [
  {
    kind: "counter within a window",
    declares: "counter tried = count attempts per agent within 1h",
  },
  { kind: "counter for ever", declares: "counter tried = count attempts per agent" },
  { kind: "latch", declares: "latch tried = attempts look per agent" },
  { kind: "session", declares: "", inSession: true },
] as const;

type Ask = (n: number) => unknown;

async function footprints(url: string): Promise<readonly Footprint[]> {
  const found: Footprint[] = [];
  for (const [index, { kind, declares, ...more }] of KINDS.entries()) {
    const program = programFrom(
      `package footprint\ntool look { effect read }\n${declares}\nforbid looking tool look\n`,
    );
    const request = (n: number) => ({
      agent: { id: `spiffe://bank.example/agent/${n}` },
      tool: { name: "look", args: {} },
      ...("inSession" in more ? { session: { id: `session-${n}` } } : {}),
    });
    const memory = await inMemory(program, request);
    const file = inFile(program, request);
    const redis = await inRedis(program, request, `${url}${index}`);
    found.push({ kind, memory, file, redis });
  }
  return found;
}

async function inMemory(program: Program, request: Ask): Promise<number> {
  const engine = createEngine({ program, digest: "sha256:scale", store: createMemoryStore() });
  engine.decide(request(-1));
  const before = await heap();
  for (let n = 0; n < KEYS; n++) engine.decide(request(n));
  const after = await heap();
  // Asked again, so that it is still there when the heap is measured.
  engine.decide(request(0));
  return (after - before) / KEYS;
}

async function heap(): Promise<number> {
  if (globalThis.gc === undefined) throw new Error("run with --expose-gc");
  await globalThis.gc({ type: "major", execution: "async" });
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function inFile(program: Program, request: Ask): number {
  const directory = mkdtempSync(join(tmpdir(), "writ-scale-"));
  const path = join(directory, "state.db");
  const journal = openSqliteJournal({ path });
  const engine = createEngine({ program, digest: "sha256:scale", store: journal.store });
  const empty = statSync(path).size;
  for (let n = 0; n < KEYS; n++) {
    engine.decide(request(n));
    if (n % 1_000 === 0) journal.flush();
  }
  journal.close();
  const { size } = statSync(path);
  rmSync(directory, { recursive: true });
  return (size - empty) / KEYS;
}

async function inRedis(program: Program, request: Ask, url: string): Promise<number> {
  const address = redisAt(url);
  const store = await connectRedis({ address, timeoutMs: 10_000 });
  const link = await openLink(address, 2_000);
  const used = async () => {
    const [, bytes] = /used_memory:(\d+)/.exec(String(await link.send(["INFO", "memory"]))) ?? [];
    return Number(bytes);
  };
  const engine = createSharedEngine({ program, digest: "sha256:scale", store });
  await engine.decide(request(-1));
  const before = await used();
  for (let n = 0; n < KEYS; n += AT_ONCE) {
    const most = Math.min(AT_ONCE, KEYS - n);
    await Promise.all(Array.from({ length: most }, (_, at) => engine.decide(request(n + at))));
  }
  const after = await used();
  link.end();
  store.close();
  return (after - before) / KEYS;
}

tell(footprints);
