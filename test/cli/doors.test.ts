/** `writ serve` with what stands in front of it. */
import { existsSync, statSync } from "node:fs";
import { request } from "node:http";
import { describe, expect, test } from "vitest";
import { MAPPING, RECORDS } from "../engine/http/authzen/records.ts";
import { PAGES, SITE } from "../engine/http/forward-auth/site.ts";
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
  const running = writ(["serve", "--json", ...words, "p"], {
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

test("--forward-auth and --opa answer on a Unix socket, which is gone afterwards", async () => {
  const files = { "p/site.writ": SITE, "pages.json": JSON.stringify(PAGES) };
  const words = ["--listen", "unix:decide.sock", "--forward-auth", "pages.json", "--opa"];
  let place = "";
  const { code } = await serving(words, files, async (url) => {
    place = url.replace(/^unix:/, "");
    expect(statSync(place).mode & 0o777).toBe(0o600);
    const asked = { "x-original-method": "GET", "x-original-uri": "/pages/a" };
    const crew = { "x-agent": "bot", "x-agent-group": "crew" };
    const page = await overSocket(place, "GET", "/forward-auth", { ...asked, ...crew });
    expect(page).toMatchObject({ status: 200 });
    expect(await overSocket(place, "GET", "/forward-auth", asked)).toMatchObject({ status: 403 });
    const input = {
      agent: { id: "bot", groups: ["crew"] },
      tool: { name: "read_page", args: { path: "/pages" } },
    };
    const type = { "content-type": "application/json" };
    const answer = await overSocket(place, "POST", "/v1/data/site/allow", type, { input });
    expect(JSON.parse(answer.text)).toMatchObject({ result: true });
  });
  expect(code).toBe(0);
  expect(existsSync(place)).toBe(false);
});

test.each([
  [["--listen", "decide.sock"], "is unix:PATH"],
  [["--listen", "unix:"], "is unix:PATH"],
  [["--listen", "unix:p"], "is no socket"],
  [["--listen", "unix:nowhere/s"], "ENOENT"],
  [["--listen", "unix:s", "--port", "1"], "stands for"],
  [["--forward-auth", "authzen.json"], "is no mapping"],
])("%j is misuse", async (words, said) => {
  const { code, err } = await writ(["serve", ...words, "p"], { cwd: directoryWith(FILES) });
  expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining(said) });
});

function overSocket(
  socketPath: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<{ status: number | undefined; text: string }> {
  return new Promise((done, failed) => {
    const sent = request({ socketPath, method, path, headers: { host: "localhost", ...headers } });
    sent.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => done({ status: response.statusCode, text }));
    });
    sent.on("error", failed);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

describe("--authzen", () => {
  test("answers in AuthZEN's words", async () => {
    const { code } = await serving(
      ["--port", "0", "--authzen", "authzen.json"],
      FILES,
      async (url) => {
        expect(await post(`${url}/access/v1/evaluation`, READ)).toMatchObject({
          status: 200,
          json: { decision: true },
        });
        const { subject: _, ...rest } = READ;
        const search = { ...rest, subject: { type: "user" } };
        expect(await post(`${url}/access/v1/search/subject`, search)).toMatchObject({
          json: { results: [{ id: "alice" }, { id: "bob" }] },
        });
      },
    );
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
