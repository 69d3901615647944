/** A service that is killed can end nobody: a process of its in which a module loops has to see that itself. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const LOOPING = fileURLToPath(new URL("../support/looping-pool.ts", import.meta.url));
const WITHIN_MS = 30_000;

/** Processes that run, by number and parent: what is dead and not yet fetched is none. */
function running(): readonly { readonly pid: number; readonly parent: number }[] {
  const text = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat="], { encoding: "utf8" });
  return text.split("\n").flatMap((line) => {
    const [pid, parent, state = "Z"] = line.trim().split(/\s+/);
    return state.startsWith("Z") ? [] : [{ pid: Number(pid), parent: Number(parent) }];
  });
}

test("a process whose module loops ends once the service was killed", async () => {
  const service = spawn(process.execPath, [LOOPING], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void service.kill("SIGKILL"));
  await once(service.stdout, "data");
  const children = running().filter(({ parent }) => parent === service.pid);
  expect(children).toHaveLength(1);
  const [child] = children;
  const isThere = () => running().some(({ pid }) => pid === child?.pid);
  // While the service is there, nobody ends it.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(isThere()).toBe(true);
  service.kill("SIGKILL");
  await once(service, "exit");
  await expect.poll(isThere, { timeout: WITHIN_MS, interval: 200 }).toBe(false);
}, 90_000);
