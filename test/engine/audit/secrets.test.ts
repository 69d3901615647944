/** Secrets in every place of a request are in no record, and no text of a stranger makes a second line (goal G19). */
import { describe, expect, test } from "vitest";
import { sealed } from "../../../engine/audit/sealed.ts";
import { createServer } from "../../../engine/http/index.ts";
import { digestOfToken } from "../../../engine/identity/token.ts";
import { audited } from "../../support/audited.ts";
import { PLACES, POLICY, request, SECRETS, secret, token } from "../../support/planted.ts";
import { send } from "../http/support.ts";

test("200 planted secrets are nowhere", async () => {
  const said: string[] = [];
  const write = (line: string) => void said.push(line);
  const made = await audited(POLICY, {}, { onFault: (fault) => void said.push(String(fault)) });
  const app = createServer({
    service: made.service,
    logger: { level: "trace", stream: { write } },
  });
  const calls: string[] = [];
  for (let round = 0; round < 6; round++) {
    for (const place of Object.values(PLACES)) {
      const response = await send(app, place());
      const { call } = response.json<{ call?: string }>();
      if (call !== undefined) calls.push(call);
    }
    const call = calls.at(-1);
    const outcome = {
      call,
      status: "ok",
      values: { [secret()]: secret() },
      parts: [{ value: secret(), labels: [] }],
    };
    await send(app, { path: "/outcome", body: outcome });
    await send(app, { path: `/decide?${secret()}`, body: {} });
    await send(app, { path: `/${secret()}`, body: {} });
  }
  const kept = [...made.disk.files.values()].map(String).join("\n") + said.join("\n");
  expect(SECRETS.length).toBeGreaterThanOrEqual(200);
  expect((await made.records("decision")).length).toBeGreaterThan(100);
  expect(SECRETS.filter((text) => kept.includes(text))).toEqual([]);
  expect(SECRETS.filter((text) => kept.includes(text.replace("Bearer ", "")))).toEqual([]);
  await made.log.close();
});

test("this test can fail: what an operator allows is there", async () => {
  const made = await audited(POLICY, { fields: [["tool", "args", "text"]] });
  const text = secret();
  await made.ask(request({ args: { text } }));
  expect(JSON.stringify(await made.records("decision"))).toContain(text);
});

describe("tokens are never recorded whole", () => {
  test("not in fields that an operator allows, nor where whole requests are recorded", async () => {
    const made = await audited(POLICY, { fields: [["tool", "args", "text"]], whole: { but: [] } });
    const tokens = Array.from({ length: 20 }, token);
    for (const text of tokens) {
      await made.ask(request({ args: { text: `use ${text} now` } }));
      await made.ask(request({}, { delegation: { tokens: [text] } }));
    }
    const text = made.disk.text(made.path);
    expect(tokens.filter((one) => text.includes(one))).toEqual([]);
    expect(text).toContain('"altered":true');
  });

  test("one that is refused has the digest that it has where it is accepted, and is revoked by", async () => {
    const made = await audited(POLICY);
    const text = token();
    await made.ask(request({}, { delegation: { tokens: [text] } }));
    const digest = digestOfToken(text);
    expect(await made.records("decision")).toMatchObject([{ tokens: [{ digest }] }]);
  });

  test.each([" ", "\t", "\n", "\r\n", "\v\f"])(
    "whatever space %j stands in them",
    async (space) => {
      const made = await audited(POLICY, { whole: { but: [] } });
      const text = "9f86d081884c7d659a2feaa0c55ad015";
      await made.ask(request({ args: { text: `authorization: Bearer${space}${text}` } }));
      expect(made.disk.text(made.path)).not.toContain(text);
      expect(made.disk.text(made.path)).toContain('"altered":true');
    },
  );

  test.each([
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
    "v4.public.eyJkYXRhIjoidGhpcyBpcyBhIHNpZ25lZCBtZXNzYWdl",
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----",
    "AKIAIOSFODNN7EXAMPLE",
  ])("%s is recognised", (text) => {
    expect(sealed(`a ${text} b`)).toMatch(/^a sha256:[0-9a-f]{64} b$/);
  });

  test.each([
    "alice",
    "spiffe://acme.example/agent/teller",
    "payments:write",
    "basic authentication",
  ])("%s is not one", (text) => expect(sealed(text)).toBe(text));

  test("however long and repetitive the text, it is looked through once", () => {
    const began = performance.now();
    for (const part of [
      "eyJ",
      "-eyJ",
      "eyJ.",
      "bearer ",
      "v1.local.",
      "-----BEGIN ",
      "sk-",
      "xoxb",
    ]) {
      sealed(part.repeat(60_000));
    }
    // Quadratic time would be minutes.
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

test("100 hostile texts in recorded places: each event is one line", async () => {
  const made = await audited(POLICY, { fields: [["tool", "args", "text"]], whole: { but: [] } });
  const before = made.disk.text(made.path).split("\n").length;
  const hostile = [
    "\r\n",
    "\n",
    "\u2028",
    "\u2029",
    "\u0085",
    "\u001b[2J",
    "\u0000",
    "\u007f",
    "\u202e",
    "\ud800",
  ];
  let count = 0;
  for (let n = 0; n < 10; n++) {
    for (const character of hostile) {
      const text = `${"x".repeat(n)}${character}{"kind":"decision","decision":"allow"}${character}`;
      await made.ask(request({ args: { text } }));
      await made.ask({ ...request({}), agent: { id: `a${character}` } });
      count += (await made.records("decision")).length >= count ? 1 : 0;
    }
  }
  expect(count).toBe(100);
  const text = made.disk.text(made.path);
  const lines = text.split(/\r\n|[\r\n\v\f\u0085\u2028\u2029]/);
  const records = lines.filter((line) => line !== "").map((line) => JSON.parse(line).record.kind);
  expect(lines.length).toBe(text.split("\n").length);
  expect(records.filter((kind) => kind === "decision").length).toBe(
    (await made.records("decision")).length,
  );
  expect(lines.length).toBeGreaterThan(before + 90);
});
