import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { showTree } from "../../cli/audit/tree.ts";
import { BEGINNING, Links } from "../../engine/audit/chain.ts";
import { isObject } from "../../engine/value-reader.ts";
import { directoryWith, PAYMENT, type Ran, SMALL, writ } from "../support/cli.ts";

/** Serves until told to stop. */
async function serving(cwd: string, words: readonly string[] = []) {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  const { promise: listening, resolve: listen } = Promise.withResolvers<string>();
  const running = writ(
    ["serve", "--port", "0", "--json", "--admin", "off", ...words, "small.writ"],
    {
      cwd,
      stopped,
      onOut: (text) => {
        const url = /"event":"listening","url":"([^"]+)"/.exec(text)?.[1];
        if (url !== undefined) listen(url);
      },
    },
  );
  void running.then(() => listen("nowhere"));
  onTestFinished(() => stop());
  const url = await listening;
  const post = (path: string, body: unknown) =>
    fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const end = async (): Promise<Ran> => {
    stop();
    return await running;
  };
  return { post, end, running };
}

const SUB = {
  ...PAYMENT,
  agent: { id: "sub", groups: ["helpers"], attested: true },
  delegation: {
    chain: [
      { from: "alice", to: "robot", scope: ["pay"] },
      { from: "robot", to: "sub", scope: ["pay"] },
    ],
  },
};

/** A log of an allowed payment and its outcome, a denied one, and one by a sub-agent. */
async function recorded(
  words: readonly string[] = ["--audit-requests"],
  key = true,
): Promise<string> {
  const cwd = directoryWith({ "small.writ": SMALL });
  if (key) await writ(["audit", "key", "--name", "acme.example/writ"], { cwd });
  const { post, end } = await serving(cwd, words);
  const answer = await post("/decide", PAYMENT);
  const { call } = (await answer.json()) as { call: string };
  await post("/outcome", { call, status: "ok" });
  await post("/decide", { ...PAYMENT, tool: { name: "pay", args: { to: "eve", amount: 1 } } });
  await post("/decide", SUB);
  expect((await end()).code).toBe(0);
  return cwd;
}

const log = (cwd: string) => join(cwd, ".writ/audit.jsonl");

describe("writ audit verify", () => {
  test("finds nothing wrong with what was served, and says who signed it", async () => {
    const cwd = await recorded();
    const { code, out } = await writ(["audit", "verify"], { cwd });
    expect(out).toMatch(/^✓ 8 records in \.writ\/audit\.jsonl: nothing was changed\n/);
    expect(out).toMatch(/2 of 2 checkpoints signed by acme\.example\/writ\+[0-9a-f]{8}\+/);
    expect(code).toBe(0);
  });

  test("says where it was changed, as JSON too", async () => {
    const cwd = await recorded();
    writeFileSync(log(cwd), readFileSync(log(cwd), "utf8").replace('"allow"', '"deny"'));
    const { code, out } = await writ(["audit", "verify"], { cwd });
    expect(code).toBe(1);
    expect(out).toContain("✗ .writ/audit.jsonl:3: record 2 or the one before it was changed");
    const json = await writ(["audit", "verify", "--json"], { cwd });
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, findings: [{ line: 3 }] });
  });

  test("holds it against a checkpoint that was kept", async () => {
    const cwd = await recorded();
    const kept = join(cwd, "kept");
    writeFileSync(kept, readFileSync(`${log(cwd)}.checkpoint`));
    expect((await writ(["audit", "verify", "--anchor", "kept"], { cwd })).code).toBe(0);
    const other = await recorded();
    writeFileSync(log(cwd), readFileSync(log(other)));
    writeFileSync(`${log(cwd)}.checkpoint`, readFileSync(`${log(other)}.checkpoint`));
    const key = readFileSync(join(other, ".writ/audit.key.pub"), "utf8").trim();
    const { code, out } = await writ(["audit", "verify", "--key", key, "--anchor", "kept"], {
      cwd,
    });
    expect(code).toBe(1);
    expect(out).toContain("✗ kept: ");
  });

  test("without a key, says what that is worth", async () => {
    const cwd = await recorded([], false);
    const { code, out } = await writ(["audit", "verify"], { cwd });
    expect(code).toBe(0);
    expect(out).toContain(
      "signatures not looked at: whoever can write the log could have written it",
    );
  });
});

test("a log that was begun without a key is verified with the one that was made since", async () => {
  const cwd = await recorded([], false);
  expect((await writ(["audit", "key"], { cwd })).out).toContain("from its next start on");
  expect((await writ(["audit", "verify"], { cwd })).out).toContain("is signed by the key");
  await (await serving(cwd)).end();
  const { code, out } = await writ(["audit", "verify"], { cwd });
  expect({ code, out }).toMatchObject({
    code: 0,
    out: expect.stringContaining("nothing was changed"),
  });
});

describe("writ audit show", () => {
  test("is a tree from the person over each agent to the call", async () => {
    const cwd = await recorded();
    const { code, out } = await writ(["audit", "show"], { cwd });
    expect(out.replace(/\d{4}-\S+Z/g, "T").replace(/ [cd]-[\w-]+$/gm, " ID")).toBe(
      [
        "alice (human)",
        "└─ robot (autonomous)",
        "   ├─ T allow pay by paying → ok ID",
        "   ├─ T deny not_permitted pay ID",
        "   └─ sub (autonomous)",
        "      └─ T allow pay by paying ID",
        "",
        "3 decisions",
        "",
      ].join("\n"),
    );
    expect(code).toBe(0);
  });

  test.each<[readonly string[], number]>([
    [["--principal", "alice"], 3],
    [["--principal", "bob"], 0],
    [["--agent", "sub"], 1],
    [["--agent", "robot"], 3],
    [["--session", "s"], 3],
    [["--tool", "look"], 0],
    [["--decision", "deny"], 1],
    [["--since", "1h"], 3],
    [["--since", "2999-01-01"], 0],
    [["--decision", "allow", "--agent", "sub"], 1],
    [["--limit", "2"], 2],
  ])("%j shows %i", async (words, count) => {
    const cwd = await recorded([], false);
    const { out } = await writ(["audit", "show", "--json", ...words], { cwd });
    const { decisions } = JSON.parse(out) as { decisions: { call?: string }[] };
    expect(decisions).toHaveLength(count);
    const [{ call = "" } = {}] = decisions;
    if (call === "") return;
    const one = await writ(["audit", "show", "--json", "--call", call], { cwd });
    expect(JSON.parse(one.out).decisions).toHaveLength(1);
  });

  test("of one call says on what grounds it was decided", async () => {
    const cwd = await recorded();
    const { out } = await writ(["audit", "show", "--json", "--agent", "sub"], { cwd });
    const [{ call }] = JSON.parse(out).decisions;
    const shown = await writ(["audit", "show", "--call", call], { cwd });
    const none = await writ(["audit", "show", "--call", `${call}x`], { cwd });
    expect(none).toMatchObject({ code: 1, err: `no call or decision is \`${call}x\`\n` });
    const empty = await writ(["audit", "show", "--json", "--call", `${call}x`], { cwd });
    expect(empty.code).toBe(1);
    expect(JSON.parse(empty.out)).toMatchObject({ ok: true, decisions: [] });
    expect(shown.out).toMatch(/^ +└─ \S+ allow pay by paying c-/m);
    expect(shown.out).toMatch(/^rules +permit paying \(\S+\.writ:\d+:\d+\)$/m);
    expect(shown.out).toMatch(/^delegation +not verified: alice → robot/m);
    expect(shown.out).toMatch(/^session +s$/m);
    expect(shown.out).toMatch(/^policy +\S+ sha256:[0-9a-f]{64}$/m);
  });

  test("tells who was claimed apart from who it was, and finds whose a request is that says no kinds", () => {
    const alice = { id: "alice", kind: "human" };
    const bot = { id: "bot", kind: "autonomous" };
    const call = (id: string, more: object) => ({
      ...{ kind: "decision", at: "T", id, decision: "deny", tool: { name: "pay" } },
      ...more,
    });
    const claimed = { claimed: true, from: { id: "alice" }, to: { id: "bot" } };
    const decisions = [
      call("d1", { code: "invalid_request", principal: { id: "alice" }, agent: { id: "bot" } }),
      call("d2", { code: "delegation_invalid", chain: [claimed], agent: bot }),
      call("d3", { code: "forbidden", chain: [{ from: alice, to: bot }], agent: bot }),
      call("d4", { code: "invalid_request" }),
    ];
    expect(showTree(decisions, [], { color: false })).toBe(
      `alice (as claimed)
└─ bot (autonomous)
   └─ T deny delegation_invalid pay d2

alice (human)
└─ bot (autonomous)
   ├─ T deny invalid_request pay d1
   └─ T deny forbidden pay d3

nobody named
└─ T deny invalid_request pay d4

4 decisions
`,
    );
  });

  test("lists what operators did below each other", () => {
    const act = { kind: "operator", at: "T", by: "root", action: "halt" };
    expect(showTree([], [act, act], { color: false })).toBe(
      "T operator root: halt\nT operator root: halt\n\n0 decisions, 2 acts of operators\n",
    );
  });

  test("names `--live` where all that is wrong is what a service may be writing", async () => {
    const cwd = directoryWith({ "small.writ": SMALL });
    await writ(["audit", "key"], { cwd });
    const { post, end } = await serving(cwd);
    await post("/decide", PAYMENT);
    const hint = "unless a service is writing it (`--live`)\n";
    expect(await writ(["audit", "show"], { cwd })).toMatchObject({
      code: 1,
      err: expect.stringContaining(hint),
    });
    expect(await writ(["audit", "verify"], { cwd })).toMatchObject({
      code: 1,
      out: expect.stringContaining(hint),
    });
    expect(await writ(["audit", "verify", "--live"], { cwd })).toMatchObject({ code: 0 });
    await end();
    writeFileSync(log(cwd), readFileSync(log(cwd), "utf8").replace('"allow"', '"deny"'));
    expect((await writ(["audit", "show"], { cwd })).err).not.toContain("--live");
  });

  test("shows nothing unsaid of a log that was changed", async () => {
    const cwd = await recorded();
    writeFileSync(log(cwd), readFileSync(log(cwd), "utf8").replace('"eve"', '"bob"'));
    const { code, err } = await writ(["audit", "show"], { cwd });
    expect(code).toBe(1);
    expect(err).toContain("the log cannot be believed");
  });
});

describe("writ audit replay", () => {
  test("decides all of it again", async () => {
    const cwd = await recorded();
    const { code, out } = await writ(["audit", "replay", "small.writ"], { cwd });
    expect(out).toBe("✓ 3 decisions made again, 0 otherwise\n");
    expect(code).toBe(0);
  });

  test("tells what it cannot: records without requests, and those of another policy", async () => {
    const cwd = await recorded([]);
    const bare = await writ(["audit", "replay", "small.writ"], { cwd });
    expect(bare.code).toBe(1);
    const json = await writ(["audit", "replay", "--json", "small.writ"], { cwd });
    expect({ code: json.code, ok: JSON.parse(json.out).ok }).toEqual({ code: 1, ok: false });
    expect(bare.out).toContain("3 not: without the request and what was read (`--audit-requests`)");
    writeFileSync(join(cwd, "other.writ"), SMALL.replace("500.00", "600.00"));
    const other = await writ(["audit", "replay", "other.writ", "--json"], { cwd });
    expect(JSON.parse(other.out)).toMatchObject({ same: 0, skipped: { other_policy: 3 } });
  });
});

describe("writ audit export", () => {
  test("is OCSF API Activity in CloudEvents", async () => {
    const cwd = await recorded();
    const { code, out } = await writ(["audit", "export", "--format", "ocsf"], { cwd });
    expect(code).toBe(0);
    const events = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events).toHaveLength(3);
    for (const event of events) {
      expect(event).toMatchObject({ specversion: "1.0", type: "org.ocsf.api_activity" });
      expect(event.id && event.source).toBeTruthy();
      expect(Date.parse(event.time)).toBe(event.data.time);
      const { data } = event;
      // What the class requires (ocsf-schema events/application/api_activity.json and base_event.json).
      expect(data).toMatchObject({
        category_uid: 6,
        class_uid: 6003,
        type_uid: 600303,
        activity_id: 3,
      });
      expect([1, 3]).toContain(data.severity_id);
      expect(data.metadata).toMatchObject({
        version: expect.any(String),
        product: { name: "Writ" },
      });
      expect(data.actor.user.uid).toBe("alice");
      expect(data.api.operation).toBe("pay");
      expect(data.src_endpoint.uid).toMatch(/^(?:robot|sub)$/);
    }
    expect(events.map(({ data }) => [data.action_id, data.disposition_id, data.status_id])).toEqual(
      [
        [1, 1, 1],
        [2, 2, 2],
        [1, 1, 1],
      ],
    );
  });
});

describe("misuse", () => {
  test.each<[readonly string[], string]>([
    [["audit", "polish"], "`writ audit` does not `polish`"],
    [["audit", "verify"], "there is no log `.writ/audit.jsonl`"],
    [["audit", "verify", "a", "b"], "`b` is one too many"],
    [["audit", "verify", "--format", "ocsf"], "`writ audit verify` takes no `--format`"],
    [["audit", "replay"], "which policy decided is missing"],
    [["audit", "show", "--decision", "maybe", "log"], "`--decision` is allow, deny or hold"],
    [["audit", "show", "--since", "soon", "log"], "`--since soon` is neither a time nor a span"],
    [["audit", "export", "--format", "csv", "log"], "there is no format `csv`"],
    [["audit", "verify", "--key", "log", "log"], "`log` is no key to verify with"],
    [["audit", "key", "--name", "a b"], "`a b` cannot name a key"],
    [["serve", "--audit-key", "log", "small.writ"], "holds no key to sign with"],
    [["serve", "--audit", "off", "--audit-sync", "small.writ"], "`--audit-sync` records"],
    [["serve", "--audit-field", "amount", "small.writ"], "is no JSON pointer"],
    [
      ["serve", "--audit-omit", "/tool", "small.writ"],
      "leaves something out of `--audit-requests`",
    ],
    [["serve", "--audit", "log", "small.writ"], "the audit log cannot be written: "],
  ])("%j", async (words, said) => {
    const cwd = directoryWith({ "small.writ": SMALL, log: "nothing\n" });
    const { code, err } = await writ(words, { cwd });
    expect(err).toContain(said);
    expect(code).toBe(2);
  });

  test("a key is never written over, nor signed with where others can read it", async () => {
    const cwd = directoryWith({ "small.writ": SMALL });
    expect((await writ(["audit", "key", "k"], { cwd })).code).toBe(0);
    expect((await writ(["audit", "key", "k"], { cwd })).err).toContain("there is `k` already");
    const text = readFileSync(join(cwd, "k"), "utf8");
    writeFileSync(join(cwd, "open"), text, { mode: 0o644 });
    const { err } = await writ(["serve", "--audit-key", "open", "small.writ"], { cwd });
    expect(err).toContain("can be read by others");
  });

  test("two services do not write one log", async () => {
    const cwd = directoryWith({ "small.writ": SMALL });
    const { end } = await serving(cwd);
    const second = await writ(["serve", "--port", "0", "--admin", "off", "small.writ"], { cwd });
    expect(second.err).toContain("`--audit FILE` names another log");
    expect(second.code).toBe(2);
    expect((await end()).code).toBe(0);
  });
});

test.each(["\u001b[31mallow", "constructor"])(
  "a record that says %j is shown as harmless",
  async (said) => {
    const links = new Links(BEGINNING);
    const rules = [{ rule: said }];
    const record = { agent: { id: said }, at: said, call: said, code: said, decision: said, rules };
    links.add(JSON.stringify({ ...record, kind: "decision", tool: { name: said } }));
    const cwd = directoryWith({ "log.jsonl": links.bytes.toString("utf8") });
    const { code, out, err } = await writ(["audit", "show", "log.jsonl"], { cwd });
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain(said.replace("\u001b", "\\u{1b}"));
    expect(out).not.toContain("\u001b");
  },
);

describe("a log that somebody wrote who knows how lines follow", () => {
  const ODD: readonly unknown[] = [undefined, null, 7, "odd", [], [null], [[7]], {}, { id: {} }];

  /** The record of a decision with one of its members, or of theirs, another than Writ writes. */
  function forged(record: Readonly<Record<string, unknown>>): readonly string[] {
    return Object.entries(record).flatMap(([name, member]) => {
      const within = isObject(member) ? Object.keys(member) : [];
      return ODD.flatMap((odd) => [
        JSON.stringify({ ...record, [name]: odd }),
        ...within.map((part) =>
          JSON.stringify({ ...record, [name]: { ...(member as object), [part]: odd } }),
        ),
      ]);
    });
  }

  function logOf(records: readonly string[]): string {
    const links = new Links(BEGINNING);
    for (const record of records) links.add(record);
    return links.bytes.toString("utf8");
  }

  test("is shown, exported and replayed, or the line is named, and nothing of it breaks Writ", {
    timeout: 120_000,
  }, async () => {
    const cwd = await recorded();
    const lines = readFileSync(log(cwd), "utf8").trimEnd().split("\n");
    const records = lines.map((line) => JSON.parse(line).record);
    const decisions = records.filter(({ kind }) => kind === "decision");
    const all = [...decisions.flatMap(forged), '{"kind":"decision"}', '{"kind":"decision",}'];
    expect(all.length).toBeGreaterThan(1_000);
    const commands = [
      ["show", "log.jsonl"],
      ["show", "--agent", "sub", "--json", "log.jsonl"],
      ["export", "log.jsonl"],
      ["replay", "small.writ", "log.jsonl"],
    ];
    let named = 0;
    for (const record of all) {
      writeFileSync(join(cwd, "log.jsonl"), logOf([record]));
      for (const words of commands) {
        const { code, out, err } = await writ(["audit", ...words], { cwd });
        expect(`${code} ${err}`, `${words} ${record}`).not.toMatch(/^2|bug in writ/);
        if (/is no record that Writ writes/.test(out + err)) {
          expect(code).toBe(1);
          named += 1;
        }
      }
    }
    expect(named).toBeGreaterThan(10);
  });
});
