/**
 * A service's stores at work, each with limits so small that all it can do to a disk happens within a second: what
 * the kernel was asked for is told by whoever traces it. On standard output, what was acknowledged:
 *
 *   allowed SESSION ID  the answer would have left
 *   failing SESSION     its share is about to be given back
 *   latched SESSION     the outcome that sets the latch was taken
 *   ended SESSION       the session was interrupted
 *   ledger ID           the revocation was answered
 *   bundle SERIAL       it decides
 *   approval, token, task, task-end: see power-grants.ts
 *
 * Arguments: where to work, the compiled policy (`journalled.ts`), the number of this life, how many calls it makes,
 * `power` or `process`, and `killed` or `closed`.
 */
import { readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openHome } from "../../cli/serve/home.ts";
import { createAudit } from "../../engine/audit/audited.ts";
import { DISK } from "../../engine/audit/disk.ts";
import { openLog } from "../../engine/audit/log.ts";
import { openFloor } from "../../engine/bundles/floor.ts";
import { durable } from "../../engine/durable.ts";
import { createEngine } from "../../engine/engine.ts";
import { FOR_EVER } from "../../engine/ledger/ledger.ts";
import { openSqliteLedger } from "../../engine/ledger/sqlite.ts";
import { openSqliteJournal } from "../../engine/state/sqlite/journal.ts";
import type { Program } from "../../lang/ir.ts";
import { SIGNER } from "./audit.ts";
import { grantsAtWork } from "./power-grants.ts";

const [cwd = "", compiled = "", life = "", calls = "", durability = "", end = ""] =
  process.argv.slice(2);

const home = openHome(cwd);
const log = await openLog({
  disk: DISK,
  path: join(home, "audit.jsonl"),
  origin: SIGNER.name,
  signer: SIGNER,
  sync: durability === "power",
  clock: Date.now,
  limits: { rotateBytes: 6_000, checkpointCount: 7, checkpointMs: 20, publishMs: 10 },
  onTrouble: (message) => say("trouble", message),
});
const journal = openSqliteJournal({
  path: join(home, "state.db"),
  durability: durability === "power" ? "power" : "process",
  pace: { length: 1_500, rowCount: 4 },
});
const ledger = openSqliteLedger(join(home, "ledger.db"));
const floor = openFloor(home);
const program = JSON.parse(readFileSync(compiled, "utf8")) as Program;
const audit = createAudit({ log, options: { fields: [] }, clock: Date.now });
const { store } = journal;
const engine = createEngine({ program, digest: "sha256:test", store, evidence: audit.evidence });
const service = audit.around(durable(engine, journal));

const grant = grantsAtWork({ ledger, say, record: audit.operator });

let asked = 0;

async function work(): Promise<void> {
  while (asked < Number(calls)) {
    const turn = asked++;
    const session = `s${life}-${turn % 7}`;
    const call = await allowed("pay", session);
    if (turn % 10 === 0) await revoke(`r${life}-${turn}`);
    if (turn % 6 === 0) await grant(`g${life}-${turn}`);
    if (turn % 16 === 0) await swap(Number(life) * 1_000 + turn + 1);
    if (call === undefined) continue;
    if (turn % 3 === 0) await report(call, "ok");
    if (turn % 7 === 0) {
      say("failing", session);
      await report(call, "error");
    }
    if (turn % 11 === 0 && (await checked(session))) say("latched", session);
    if (turn % 29 === 0) await allowed("stop", session);
    // What nobody waits for, such as checkpoints, comes between.
    if (turn % 5 === 0) await pause(5);
  }
}

async function allowed(tool: string, session: string): Promise<string | undefined> {
  const request = { agent: { id: "bot" }, session: { id: session }, tool: { name: tool } };
  const answer = await service.decide(request);
  if (answer.kind !== "answer") return undefined;
  const { id, call, interrupt } = answer.value;
  if (interrupt) say("ended", session);
  else if (call !== undefined) say(tool === "pay" ? "allowed" : "asked", `${session} ${id}`);
  return call;
}

async function checked(session: string): Promise<boolean> {
  const call = await allowed("check", session);
  return call !== undefined && (await report(call, "ok"));
}

async function report(call: string, status: "ok" | "error"): Promise<boolean> {
  return (await service.outcome({ call, status })).kind === "answer";
}

async function revoke(id: string): Promise<void> {
  const next = { text: "{}", untilMs: FOR_EVER };
  await ledger.put({ kind: "revocation", id, was: undefined, next, nowMs: 0 });
  say("ledger", id);
}

/** One after the other, as a service does. */
let swapping = Promise.resolve();

function swap(serial: number): Promise<void> {
  swapping = swapping.then(() => swapTo(serial));
  return swapping;
}

async function swapTo(serial: number): Promise<void> {
  const bytes = Buffer.alloc(1_500, serial % 256);
  await floor.record({ package: "journalled", serial, manifest: `signed lines ${serial}` }, bytes);
  say("bundle", String(serial));
}

function say(what: string, whom: string): void {
  writeSync(1, `${what} ${whom}\n`);
}

await Promise.all([work(), work(), work()]);
if (end === "killed") process.kill(process.pid, "SIGKILL");
ledger.close();
journal.close();
await log.close();
