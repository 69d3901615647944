/**
 * Decides and reports on a journal until it is killed, and says on standard output what was acknowledged:
 *
 *   allowed SESSION     the answer would have left
 *   failing SESSION     its share is about to be given back
 *   latched SESSION     the outcome that sets the latch was taken
 *   ended SESSION       the session was interrupted
 *
 * Arguments: the file, the compiled policy (`journalled.ts`), and where the sessions that it uses begin to be counted.
 */
import { readFileSync, writeSync } from "node:fs";
import { durable } from "../../engine/durable.ts";
import { createEngine } from "../../engine/engine.ts";
import { PACE } from "../../engine/state/sqlite/backlog.ts";
import { openSqliteJournal } from "../../engine/state/sqlite/journal.ts";
import type { Program } from "../../lang/ir.ts";

const [path = "", compiled = "", first = "0"] = process.argv.slice(2);
// Every other life brings tables up to the journal all the time.
const pace = Number(first) % 20 === 0 ? PACE : { length: 2_000, rowCount: 4 };
const journal = openSqliteJournal({ path, pace });
// Compiled by whoever starts this: it takes longer than the life of this process.
const program = JSON.parse(readFileSync(compiled, "utf8")) as Program;
const engine = createEngine({ program, digest: "sha256:test", store: journal.store });
const service = durable(engine, journal);

let asked = 0;

async function work(): Promise<void> {
  for (;;) {
    const session = `s${Number(first) + (asked++ % 40)}`;
    const call = await allowed("pay", session);
    if (call === undefined) continue;
    say("allowed", session);
    if (asked % 3 === 0) await report(call, "ok");
    if (asked % 7 === 0) {
      say("failing", session);
      await report(call, "error");
    }
    if (asked % 11 === 0 && (await checked(session))) say("latched", session);
    if (asked % 97 === 0) {
      await allowed("stop", session);
      say("ended", session);
    }
  }
}

async function checked(session: string): Promise<boolean> {
  const call = await allowed("check", session);
  return call !== undefined && (await report(call, "ok"));
}

async function allowed(tool: string, session: string): Promise<string | undefined> {
  const request = { agent: { id: "bot" }, session: { id: session }, tool: { name: tool } };
  const answer = await service.decide(request);
  return answer.kind === "answer" ? answer.value.call : undefined;
}

async function report(call: string, status: "ok" | "error"): Promise<boolean> {
  return (await service.outcome({ call, status })).kind === "answer";
}

function say(what: string, session: string): void {
  writeSync(1, `${what} ${session}\n`);
}

for (let at = 0; at < 16; at++) void work();
