/** The example of docs/embedding.md runs as it stands there, but for where `writ` is. */
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { directoryWith, writ } from "./support/cli.ts";

const ROOT = new URL("..", import.meta.url).pathname;

async function prepared(): Promise<string> {
  const document = readFileSync(join(ROOT, "docs/embedding.md"), "utf8");
  const [, example = ""] = /^```ts\n(.*?)^```/ms.exec(document) ?? [];
  const source = example.replace(
    '"writ"',
    JSON.stringify(pathToFileURL(join(ROOT, "engine/index.ts")).href),
  );
  const cwd = directoryWith({ "example.ts": source });
  const built = await writ(["build", join(ROOT, "policies/payments"), "-o", "payments.json"], {
    cwd,
  });
  expect(built.code, built.err).toBe(0);
  const request = "transactions.json";
  copyFileSync(join(ROOT, "policies/payments/examples", request), join(cwd, request));
  return cwd;
}

const run = (cwd: string) => {
  return execFileSync(process.execPath, ["example.ts"], { cwd, encoding: "utf8", stdio: "pipe" });
};

test("an allowed call is made, its outcome reported, and what it returned redacted", async () => {
  expect(run(await prepared())).toBe('{"transactions":[{"amount":9.5}]}\n');
});

test("a denied one is not, and a bundle that was touched is not loaded", async () => {
  const cwd = await prepared();
  const request = JSON.parse(readFileSync(join(cwd, "transactions.json"), "utf8"));
  writeFileSync(join(cwd, "transactions.json"), JSON.stringify({ ...request, agent: { id: "x" } }));
  expect(() => run(cwd)).toThrow(/deny: /);
  const bundle = readFileSync(join(cwd, "payments.json"), "utf8");
  writeFileSync(join(cwd, "payments.json"), bundle.replace("5000000", "9000000"));
  expect(() => run(cwd)).toThrow(/digest/);
});
