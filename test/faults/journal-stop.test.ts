import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openSqliteJournal } from "../../engine/state/sqlite/journal.ts";
import { temporary } from "../engine/state/stores.ts";
import { programOf, START } from "../support/engine.ts";
import { JOURNALLED } from "../support/journalled.ts";

const LAUNCHER = fileURLToPath(new URL("../../bin/writ.js", import.meta.url));

/** `writ serve` as people start it, in a directory of its own; twice in a row it is the same state. */
async function serve(directory: string) {
  const child = spawn(
    process.execPath,
    [LAUNCHER, "serve", "--json", "--port", "0", "policy.writ"],
    {
      cwd: directory,
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      const line = text.split("\n").find((one) => one.includes('"event":"listening"'));
      if (line !== undefined) resolve((JSON.parse(line) as { url: string }).url);
    });
    child.once("exit", () => reject(new Error("it ended before it listened")));
  });
  return { child, url };
}

/** The decision, or nothing where the connection ended without an answer. */
function ask(url: string, session: string, agent: Agent): Promise<string | undefined> {
  const body = JSON.stringify({
    agent: { id: "bot" },
    session: { id: session },
    tool: { name: "pay" },
  });
  return new Promise((resolve) => {
    const headers = { "content-type": "application/json" };
    const asking = request(`${url}/decide`, { method: "POST", agent, headers }, (response) => {
      let text = "";
      response.on("data", (part) => {
        text += part;
      });
      response.on("end", () => resolve((JSON.parse(text) as { decision: string }).decision));
      response.on("error", () => resolve(undefined));
    });
    asking.on("error", () => resolve(undefined));
    asking.end(body);
  });
}

test("a service that is told to stop under load loses nothing it has answered", {
  timeout: 120_000,
}, async () => {
  const directory = temporary();
  writeFileSync(join(directory, "policy.writ"), JOURNALLED);
  let acknowledged = 0;
  for (let run = 0; run < 3; run++) {
    const { child, url } = await serve(directory);
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    const before = acknowledged;
    const client = async (): Promise<void> => {
      for (;;) {
        const decision = await ask(url, "s", agent);
        if (decision === undefined) return;
        expect(decision).toBe("allow");
        acknowledged += 1;
        // Once: told again, it ends at once. What is asked until it closes is still answered.
        if (acknowledged === before + 200) child.kill("SIGTERM");
      }
    };
    const clients = Array.from({ length: 16 }, client);
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
    await Promise.all(clients);
    agent.destroy();
  }
  const journal = openSqliteJournal({ path: join(directory, ".writ", "state.db") });
  const view = journal.store.open(programOf(JOURNALLED)).begin({ nowMs: START });
  const kept = Number(view.counter(0, "s"));
  // A request may have been decided whose connection was closed before its answer: counted, and cautious.
  expect(kept).toBeGreaterThanOrEqual(acknowledged);
  expect(kept).toBeLessThanOrEqual(acknowledged + 3 * 16);
  expect(acknowledged).toBeGreaterThanOrEqual(600);
  journal.close();
  rmSync(directory, { recursive: true });
});
