/**
 * With `--audit-sync`, every answer that leaves the process was preceded by a sync that began after its record had
 * been written (goal G16b). Killing cannot show it: the kernel keeps what a dead process wrote. Only what is asked of
 * the kernel shows it. `WRIT_ORDER=1000` asks more often.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { directoryWith, PAYMENT, SMALL } from "../../support/cli.ts";
import { straceIsThere } from "../../support/strace.ts";

const LAUNCHER = fileURLToPath(new URL("../../../bin/writ.js", import.meta.url));
const ASKED = Number(process.env.WRIT_ORDER ?? (process.env.CI === undefined ? 200 : 1_000));

async function serveTraced(cwd: string): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const words = [
    "serve",
    "--json",
    "--port",
    "0",
    "--admin",
    "off",
    "--state",
    "memory",
    "--audit-sync",
  ];
  const trace = [
    "-f",
    "-qq",
    "-s",
    "100000",
    "-o",
    "trace",
    "-e",
    "trace=write,writev,pwrite64,pwritev,fdatasync,sendto,sendmsg",
  ];
  const child: ChildProcess = spawn(
    "strace",
    [...trace, process.execPath, LAUNCHER, ...words, "small.writ"],
    { cwd },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  let err = "";
  child.stderr?.on("data", (text) => {
    err += text;
  });
  const url = await new Promise<string>((resolve, reject) => {
    let said = "";
    child.stdout?.on("data", (text) => {
      said += text;
      const found = /"url":"([^"]+)"/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.on("close", () => reject(new Error(err)));
  });
  const stop = () =>
    new Promise<void>((resolve) => {
      child.on("close", () => resolve());
      const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
      process.kill(Number(children), "SIGTERM");
    });
  return { url, stop };
}

interface Call {
  readonly name: string;
  readonly text: string;
  /** Lines of the trace. */
  readonly began: number;
  readonly ended: number;
}

/** A call that waits is told on two lines. */
function callsIn(trace: string): readonly Call[] {
  const calls: Call[] = [];
  const open = new Map<string, { name: string; text: string; began: number }>();
  for (const [at, line] of trace.split("\n").entries()) {
    const [, pid = "", resumed, begun, rest = ""] =
      /^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)$/s.exec(line) ?? [];
    if (resumed !== undefined) {
      const known = open.get(pid);
      if (known?.name === resumed) calls.push({ ...known, ended: at });
      open.delete(pid);
    } else if (begun !== undefined && rest.endsWith("<unfinished ...>")) {
      open.set(pid, { name: begun, text: rest, began: at });
    } else if (begun !== undefined) calls.push({ name: begun, text: rest, began: at, ended: at });
  }
  return calls;
}

function idsIn(text: string): readonly string[] {
  return [...text.matchAll(/\\"id\\":\\"(d-[\w-]+)\\"/g)].map(([, id = ""]) => id);
}

test.runIf(straceIsThere())(`${ASKED} answers`, { timeout: 60_000 + ASKED * 200 }, async () => {
  const cwd = directoryWith({ "small.writ": SMALL });
  const { url, stop } = await serveTraced(cwd);
  const ask = () =>
    fetch(`${url}/decide`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(PAYMENT),
    }).then((answer) => answer.json() as Promise<{ id: string }>);
  const answered: string[] = [];
  while (answered.length < ASKED) {
    const together = await Promise.all(Array.from({ length: 8 }, ask));
    answered.push(...together.map(({ id }) => id));
  }
  await stop();
  const calls = callsIn(readFileSync(join(cwd, "trace"), "utf8"));
  const syncs = calls.filter(({ name }) => name === "fdatasync");
  const recorded = new Map<string, Call>();
  const sent = new Map<string, Call>();
  for (const call of calls) {
    const ofLog = call.text.includes('\\"record\\":');
    for (const id of idsIn(call.text)) (ofLog ? recorded : sent).set(id, call);
  }
  const early = answered.filter((id) => {
    const [record, answer] = [recorded.get(id), sent.get(id)];
    if (record === undefined || answer === undefined) return true;
    return !syncs.some(({ began, ended }) => began > record.ended && ended < answer.began);
  });
  expect(early).toEqual([]);
  // Together, several are written and synced at once.
  expect(new Set(recorded.values()).size).toBeLessThan(answered.length);
});
