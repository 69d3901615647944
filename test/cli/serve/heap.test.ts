import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const HEAP = fileURLToPath(new URL("../../../cli/serve/heap.ts", import.meta.url));

/** Name and nice value of each thread (proc(5): the 19th of a thread's `stat`, of which the name may hold blanks). */
const SCRIPT = `
  import { readdirSync, readFileSync } from "node:fs";
  import { letHelpersWait } from ${JSON.stringify(HEAP)};
  letHelpersWait();
  const threads = readdirSync("/proc/self/task").map((thread) => {
    const stat = readFileSync("/proc/self/task/" + thread + "/stat", "utf8");
    const end = stat.lastIndexOf(")");
    const isMain = Number(thread) === process.pid;
    return [isMain ? "main" : stat.slice(stat.indexOf("(") + 1, end), stat.slice(end + 2).split(" ")[16]];
  });
  console.log(JSON.stringify(threads));`;

/** Elsewhere threads have no priority of their own, and nothing is changed. */
test.skipIf(process.platform !== "linux")(
  "V8's threads give way to the one that answers, which stays as it was",
  () => {
    const out = execFileSync(process.execPath, ["--input-type=module", "-e", SCRIPT], {
      encoding: "utf8",
    });
    const threads: [string, string][] = JSON.parse(out);
    const own = execFileSync("nice", { encoding: "utf8" }).trim();
    const helpers = threads.filter(([name]) => name === "V8Worker");
    expect(helpers.length).toBeGreaterThan(0);
    expect(new Set(helpers.map(([, nice]) => nice))).toEqual(new Set(["19"]));
    expect(threads.filter(([name]) => name === "main")).toEqual([["main", own]]);
  },
);
