/** SPEC §14: its tables name what records have, and its example is a log that verifies. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { LOG_LIMITS } from "../../engine/audit/log.ts";
import { readVerifier } from "../../engine/audit/note.ts";
import { verifyLog } from "../../engine/audit/verify.ts";
import { createMemoryStore } from "../../engine/state/memory.ts";
import { anyPath, logOf } from "../support/audit.ts";
import { audited, type Recorded, recordsIn } from "../support/audited.ts";
import { PAYMENT, SMALL } from "../support/cli.ts";
import { diskFault, memoryDisk } from "../support/disk.ts";

const SPEC = readFileSync(new URL("../../SPEC.md", import.meta.url), "utf8");
const AUDIT = SPEC.slice(SPEC.indexOf("\n## 14. Audit"), SPEC.indexOf("\n## 15."));

/** First cells of the rows of the table that begins with `head`. */
function named(head: string): readonly string[] {
  const [table = ""] = AUDIT.slice(AUDIT.indexOf(`| ${head} |`)).split("\n\n");
  const rows = table.split("\n").slice(2);
  return rows.flatMap((row) =>
    [...(row.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
  );
}

const POLICY = `${SMALL}
level Sensitivity = public < secret
resource box { }
tool open_box { effect execute, args { text: String } }
latch opened = completed open_box per session
permit opening tool open_box when not opened
forbid planted tool open_box when untrusted in origin(args.text)
forbid runaway tool open_box when args.text == "x" then interrupt session
import rego "x.wasm" entrypoint "a/allow" as legacy: Bool
forbid refused_there tool open_box when args.text == "x" and legacy(input)
`;

/** Decisions of every sort. */
async function everyRecord(): Promise<readonly Recorded[]> {
  const store = createMemoryStore();
  const made = await audited(
    `${POLICY}
    task round { sequence pay }
    counter late = count attempts per agent
    forbid often when late > 1000`,
    { fields: [["tool", "args", "amount"]], whole: { but: [] } },
    { revision: "r1", store },
    { limits: { retryMs: 1, checkpointCount: 5, rotateBytes: 2_000 } },
  );
  // A task that began under another policy, in which it has no sequence.
  const begun = await audited(`${POLICY}task round { }`, {}, { digest: "sha256:before", store });
  const round = { ...PAYMENT, session: { id: "r" }, intent: { task: "round" } };
  expect(await begun.ask(round)).toBe("allow");
  await begun.log.close();
  made.nowMs += 1_000;
  await made.ask(round);
  const paid = { ...PAYMENT, tool: { name: "pay", args: { to: "bob", amount: 200 } } };
  const open = {
    agent: { id: "a" },
    tool: { name: "open_box", args: { text: "y" } },
    session: { id: "t" },
  };
  await made.ask({ ...PAYMENT, intent: { task: "errand", purpose: "payments" } });
  await made.ask({ ...PAYMENT, intent: { task: "errand", task_id: "t-1" } });
  await made.ask(paid, { approvals: [{ by: "alice", groups: ["staff"] }] });
  await made.ask({ ...paid, delegation: { chain: [{ from: "alice", to: "robot", scope: [] }] } });
  await made.ask({ ...open, resource: { type: "box", id: "b" }, delegation: { tokens: ["t"] } });
  await made.ask(open);
  await made.ask({ ...open, tool: { name: "open_box", args: { text: 7 } } });
  await made.ask({ ...open, tool: { name: "open_box", args: { text: "x" } } });
  await made.ask({ ...open, agent: { id: "b" } }, { delegationVerified: true });
  await made.ask({
    agent: { id: "a" },
    principal: { id: "p" },
    tool: { name: "pay", args: { to: "b", amount: 1 } },
  });
  // Whatever is begun, such as the next file, is done first: there, a fault ends the log.
  for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next));
  made.disk.faults.before = (operation) => {
    if (operation === "write") throw diskFault("ENOSPC");
    return undefined;
  };
  await made.ask(open);
  made.disk.faults.before = () => undefined;
  await expect.poll(() => made.log.readiness().ready).toBe(true);
  await made.service.outcome({ call: "c2", status: "ok", sensitivity: "secret" });
  await made.log.close();
  const files = [...made.disk.files].filter(([name]) => name.endsWith(".jsonl"));
  return files.flatMap(([, bytes]) => recordsIn(bytes.toString()));
}

test("§14.1 names every kind of record, and every member of a decision", async () => {
  const records = await everyRecord();
  const kinds = new Set(records.map(({ kind }) => String(kind)));
  // These two take an operator and a crash; `audited.test.ts` and `log.test.ts` have them.
  expect([...kinds, "operator", "cut"].sort()).toEqual(named("kind").toSorted());
  const decisions = records.filter(({ kind }) => kind === "decision");
  const members = new Set(decisions.flatMap((record) => Object.keys(record)));
  expect([...members].sort()).toEqual(named("member").toSorted());
});

test("§14.2's example is a log, signed by the key of §14.3", async () => {
  const [, log = ""] = /```jsonl\n(.*?)```/s.exec(AUDIT) ?? [];
  const [, key = ""] = /verified by\n`([^`]+)`/.exec(AUDIT) ?? [];
  const verifier = readVerifier(key);
  if (verifier === undefined) throw new Error(`no key: ${key}`);
  const disk = memoryDisk();
  const path = anyPath();
  disk.files.set(path, Buffer.from(log));
  const parts = { disk, path, verifiers: [verifier], anchors: [], live: false };
  expect(await verifyLog(parts)).toMatchObject({ ok: true, records: 5, signed: 2, uncovered: 0 });
  disk.files.set(path, Buffer.from(log.replace('"ok"', '"error"')));
  expect((await verifyLog(parts)).findings[0]?.line).toBe(3);
});

test("§14.3's numbers are those of the log", async () => {
  expect(AUDIT).toContain(`after ${LOG_LIMITS.checkpointCount.toLocaleString("en")} records`);
  expect(AUDIT).toContain(`${LOG_LIMITS.checkpointMs / 1_000} seconds after a record`);
  expect(LOG_LIMITS.behindMs).toBe(1_000);
  const { disk, path } = await logOf(1);
  expect(disk.text(path).split("\n").length).toBe(6);
});
