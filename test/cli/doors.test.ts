/** `writ serve` with what stands in front of it. */
import { describe, expect, test } from "vitest";
import { MAPPING, RECORDS } from "../engine/http/authzen/records.ts";
import { directoryWith, writ } from "../support/cli.ts";

const FILES = { "p/records.writ": RECORDS, "authzen.json": JSON.stringify(MAPPING) };

/** The service, while `use` runs; what it said when it is over. */
async function serving(
  words: readonly string[],
  files: Readonly<Record<string, string>>,
  use: (url: string) => Promise<void>,
) {
  const cwd = directoryWith(files);
  const stop = Promise.withResolvers<void>();
  const listening = Promise.withResolvers<string>();
  let printed = "";
  const running = writ(["serve", "--port", "0", "--json", ...words, "p"], {
    cwd,
    stopped: stop.promise,
    onOut(text) {
      printed += text;
      const [, url] = /"event":"listening","url":"([^"]+)"/.exec(printed) ?? [];
      if (url !== undefined) listening.resolve(url);
    },
  });
  const ended = running.then(({ err }) => Promise.reject(new Error(err)));
  try {
    await use(await Promise.race([listening.promise, ended]));
  } finally {
    stop.resolve();
    ended.catch(() => {});
  }
  return await running;
}

async function post(url: string, body: unknown): Promise<{ status: number; json: never }> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, json: (await response.json()) as never };
}

const READ = {
  subject: { type: "user", id: "alice" },
  action: { name: "read" },
  resource: { type: "record", id: "record-1" },
};

describe("--authzen", () => {
  test("answers in AuthZEN's words", async () => {
    const { code } = await serving(["--authzen", "authzen.json"], FILES, async (url) => {
      expect(await post(`${url}/access/v1/evaluation`, READ)).toMatchObject({
        status: 200,
        json: { decision: true },
      });
      const { subject: _, ...rest } = READ;
      const search = { ...rest, subject: { type: "user" } };
      expect(await post(`${url}/access/v1/search/subject`, search)).toMatchObject({
        json: { results: [{ id: "alice" }, { id: "bob" }] },
      });
    });
    expect(code).toBe(0);
  });

  test.each([
    ["nowhere.json", "cannot read"],
    ["text.json", "is not JSON"],
    ["twice.json", "is not JSON"],
    ["bad.json", "is no mapping: /requests/0/request is missing"],
  ])("%s is misuse", async (name, said) => {
    const cwd = directoryWith({
      ...FILES,
      "text.json": "{",
      "twice.json": '{"requests":[],"requests":[]}',
      "bad.json": '{"requests":[{}]}',
    });
    const { code, err } = await writ(["serve", "--port", "0", "--authzen", name, "p"], { cwd });
    expect(code).toBe(2);
    expect(err).toContain(said);
  });
});
