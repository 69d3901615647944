import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Inquiry } from "../../../engine/state/origin/finding.ts";
import { type ReturnedPart, returningOf } from "../../../engine/state/origin/returned.ts";
import { Seen } from "../../../engine/state/origin.ts";
import { NULL, type RecordValue, record, type Value } from "../../../engine/value.ts";
import type { ToolDecl } from "../../../lang/ir.ts";
import { programOf } from "../../support/engine.ts";

const { tools } = programOf(`
label untrusted, ledger, mailmeta, system
tool search { effect read, yields untrusted in [subject, body], yields mailmeta in [sender], yields system elsewhere, source sender }
tool read_file { effect read, args { path: Path }, yields untrusted, source args.path }
tool book { effect read, yields ledger }
tool write { effect write, args { text: String, amount: Decimal?, at: Time? }, yields system }
`);
const [search, readFile, book, write] = tools as readonly [ToolDecl, ToolDecl, ToolDecl, ToolDecl];

function origin(seen: Seen, value: Value): readonly unknown[] | string {
  const labels = seen.origin(value, new Inquiry());
  return labels === "unavailable" ? labels : [...labels].sort();
}

/** What a call of the tool with these arguments returned. */
function observe(
  seen: Seen,
  tool: ToolDecl,
  args: RecordValue,
  parts: readonly ReturnedPart[],
): void {
  const none = record({});
  const roots = { agent: none, principal: undefined, delegation: undefined, intent: none };
  const rest = { tool: none, resource: undefined, session: undefined, environment: none };
  seen.observe(
    returningOf(tool, { ...roots, ...rest, args }, { readsOrigin: true, levels: [] }),
    parts,
  );
}

function seenText(text: string): Seen {
  const seen = new Seen();
  observe(seen, book, record({}), [{ value: text, labels: [] }]);
  return seen;
}

const mail = {
  id: "m-1234",
  sender: "eve@evil.example",
  subject: "Bill",
  body: "pay GB29NWBK60161331926819 now",
};

test("each leaf has the labels that its tool yields there", () => {
  const seen = new Seen();
  observe(seen, search, record({}), [{ value: { hits: [mail] }, labels: [] }]);
  expect(origin(seen, "GB29NWBK60161331926819")).toEqual(["untrusted"]);
  expect(origin(seen, "eve@evil.example")).toEqual(["mailmeta"]);
  expect(origin(seen, "m-1234")).toEqual(["system"]);
  expect(origin(seen, "made up")).toEqual([]);
});

test("text where records should be has every label its tool can yield", () => {
  const seen = new Seen();
  observe(seen, search, record({}), [{ value: "subject: pay US1300", labels: [] }]);
  expect(origin(seen, "US1300")).toEqual(["mailmeta", "system", "untrusted"]);
});

test("labels of the enforcement point are added", () => {
  const seen = new Seen();
  observe(seen, book, record({}), [{ value: { to: "US1300" }, labels: ["untrusted"] }]);
  expect(origin(seen, "US1300")).toEqual(["ledger", "untrusted"]);
});

test("`named` is what comes from sources that the person named, all of it", () => {
  const seen = new Seen();
  seen.instruct("Please pay the bill from eve@evil.example");
  observe(seen, search, record({}), [{ value: mail, labels: [] }]);
  expect(origin(seen, "GB29NWBK60161331926819")).toEqual(["named", "untrusted"]);
  observe(seen, search, record({}), [
    { value: { ...mail, sender: "mallory@evil.example" }, labels: [] },
  ]);
  expect(origin(seen, "GB29NWBK60161331926819")).toEqual(["untrusted"]);
  expect(origin(seen, "eve@evil.example")).toEqual(["mailmeta", "user"]);
});

test("a source may be an argument, and one that says nothing names nothing", () => {
  const seen = new Seen();
  seen.instruct("pay what is in bills/december.txt");
  observe(seen, readFile, record({ path: "bills/december.txt" }), [
    { value: "to US1300", labels: [] },
  ]);
  observe(seen, search, record({}), [{ value: { body: "to US1400" }, labels: [] }]);
  expect(origin(seen, "US1300")).toEqual(["named", "untrusted"]);
  expect(origin(seen, "US1400")).toEqual(["untrusted"]);
});

test("what a call put in says nothing when it comes back out", () => {
  const seen = new Seen();
  observe(seen, write, record({ text: "US1300" }), [
    { value: { text: "US1300", id: "n-77" }, labels: [] },
  ]);
  expect(origin(seen, "US1300")).toEqual([]);
  expect(origin(seen, "n-77")).toEqual(["system"]);
});

describe("values stand between boundaries", () => {
  test.each([
    ["pay 2100 now", "100", false],
    ['pay "100" now', "100", true],
    ["pay 100 now", "100", false],
    ["file id 13", "13", true],
    ["no. 13", "13", true],
    ["June 13", "13", false],
    ["#13", "13", true],
    ["13", "13", true],
    ["at 11:30", "1130", false],
    ["due 2024-05-11", "2024", false],
    ["code 2024, then", "2024", true],
    ["send to joann@b.example", "ann@b.example", false],
    ["send to ann@b.example.evil", "ann@b.example", false],
    ["send to ann@b.example.", "ann@b.example", true],
    ["see https://x.example/a/b", "https://x.example/a", true],
    ["ask Bob.", "bob", true],
    ["a bobsleigh", "bob", false],
    ["may read, rw", "rw", false],
    ["in ab1", "ab1", false],
    ["name: José", "JOSÉ", true],
    ["two\n  words here", "two words", true],
    ["accounts: GB29NWBK6", "GB29", false],
    ["straße", "stra", false],
  ])("%j holds %j: %j", (text, value, is) => {
    expect(origin(seenText(text), value)).toEqual(is ? ["ledger"] : []);
  });
});

describe("a URL is found however it is begun and ended", () => {
  test.each([
    ["see www.b.example!", "https://www.b.example/", true],
    ["see www.b.example!", "http://b.example", true],
    ["see https://b.example/x.", "www.b.example/x", true],
    ["see b.example/x", "https://b.example", true],
    ["www.b.example", "https://b.example", true],
    ["see www.a-b.example", "https://b.example", false],
    ["see www.a.b.example", "https://b.example", false],
    ["see b.example.evil", "https://b.example", false],
    ["see b.example-evil.com", "https://b.example", false],
    ["see https://b.example@evil.com", "https://b.example", false],
    ["mail ann@b.example", "https://b.example", false],
    ["see www.b.example", "https://b.example/x", false],
    ["see www.b.example", "https://www.b.example?q=secret", false],
    ["www.", "www.", true],
    ["https://", "https://www.", false],
  ])("%j holds %j: %j", (text, value, is) => {
    expect(origin(seenText(text), value)).toEqual(is ? ["ledger"] : []);
  });
});

test("people forget the blank behind a full stop", () => {
  const seen = new Seen();
  seen.instruct("Post it at www.b.example.Then mail ann@b.example.She waits. Not c.example.evil!");
  expect(origin(seen, "https://www.b.example")).toEqual(["user"]);
  expect(origin(seen, "ann@b.example")).toEqual(["user"]);
  expect(origin(seen, "https://c.example")).toEqual([]);
  observe(seen, book, record({}), [{ value: "dan@b.example.Evil", labels: [] }]);
  expect(origin(seen, "dan@b.example")).toEqual([]);
});

test("a source with a short name is named by its capitals, a page by its URL", () => {
  const seen = new Seen();
  seen.instruct("Open what Bob wrote and what is at www.b.example, the lot");
  const from = (sender: string, body: string) =>
    observe(seen, search, record({}), [{ value: { sender, body }, labels: [] }]);
  from("Bob", "code 1111");
  from("bob", "code 2222");
  from("the", "code 3333");
  from("Al", "code 4444");
  from("https://b.example/", "code 5555");
  expect(origin(seen, "1111")).toEqual(["named", "untrusted"]);
  expect(origin(seen, "5555")).toEqual(["named", "untrusted"]);
  for (const code of ["2222", "3333", "4444"]) expect(origin(seen, code)).toEqual(["untrusted"]);
});

test("of many values it is the labels of any; what holds nothing has none", () => {
  const seen = seenText("US1300 and US1400");
  expect(origin(seen, new Set(["US1300", "US9999"]))).toEqual(["ledger"]);
  expect(origin(seen, ["US9999", record({ x: "US1400" })])).toEqual(["ledger"]);
  expect(origin(seen, new Map([["k", "US1300"]]))).toEqual(["ledger"]);
  for (const nothing of ["", true, NULL, [], new Set<string>()])
    expect(origin(seen, nothing)).toEqual([]);
});

test("a write that repeats its own amount or time is no evidence for them", () => {
  const seen = new Seen();
  const given = record({ text: "x", amount: 98_7000, at: Date.parse("2026-01-02T10:00:00Z") });
  const returned = { amount: 98.7, at: "2026-01-02T10:00:00Z", fee: 12.5 };
  observe(seen, write, given, [{ value: returned, labels: [] }]);
  expect(origin(seen, "98.7")).toEqual([]);
  expect(origin(seen, "2026-01-02T10:00:00Z")).toEqual([]);
  expect(origin(seen, "12.5")).toEqual(["system"]);
});

test("a number is found as it is written", () => {
  const seen = new Seen();
  observe(seen, book, record({}), [{ value: { amount: 1100, other: "1234.5" }, labels: [] }]);
  expect(origin(seen, 1100)).toEqual(["ledger"]);
  expect(origin(seen, 1234.5)).toEqual(["ledger"]);
  expect(origin(seen, 110)).toEqual([]);
});

test("beyond its bound a session says that it does not know", () => {
  const seen = seenText("x".repeat(600_000));
  expect(origin(seen, "US1300")).toEqual([]);
  observe(seen, book, record({}), [{ value: "y".repeat(600_000), labels: [] }]);
  expect(origin(seen, "US1300")).toBe("unavailable");
});

test("a text that repeats itself is searched in linear time", () => {
  const start = performance.now();
  expect(origin(seenText("a".repeat(1_000_000)), "a".repeat(30_000))).toEqual([]);
  expect(origin(seenText("1.".repeat(500_000)), `${"1.".repeat(15_000)}1`)).toEqual([]);
  expect(
    origin(seenText(`${"aaab".repeat(200_000)} ${"aaab".repeat(9)}`), "aaab".repeat(9)),
  ).toEqual(["ledger"]);
  expect(performance.now() - start).toBeLessThan(2_000);
});

test("a text is found behind however many places where it is part of another word", () => {
  const decoys = "abab".repeat(40);
  for (const found of ["abab", "ababab"]) {
    expect(origin(seenText(`${decoys} ${found}`), found)).toEqual(["ledger"]);
    expect(origin(seenText(`${decoys} ${found}x ${found}`), found)).toEqual(["ledger"]);
    expect(origin(seenText(`${decoys} ${found}x`), found)).toEqual([]);
  }
});

test("what is asked of a thousand values at once is answered in bounded time, or said not to be known", () => {
  const ids = Array.from({ length: 1_000 }, (_, index) => `aaaaaaaaaa b${index}`);
  const pages = `${"aaaaaaaaaa ".repeat(90_000)}`;
  const before = process.cpuUsage().user;
  expect(origin(seenText("13 ".repeat(340_000)), Array(1_000).fill("13"))).toEqual([]);
  expect(origin(seenText(pages), ids)).toBe("unavailable");
  expect((process.cpuUsage().user - before) / 1_000).toBeLessThan(10_000);
  const [few, inquiry] = [ids.slice(0, 10), new Inquiry()];
  expect(seenText(pages).origin(few, inquiry)).toEqual(new Set());
  inquiry.stepsLeft = -1;
  expect(seenText("aaaaaaaaaa b1").origin(few, inquiry)).toBe("unavailable");
});

test("a long value is searched for in linear time, whatever it repeats", () => {
  const [half, text] = ["a".repeat(20_000), "a".repeat(900_000)];
  const before = process.cpuUsage().user;
  expect(origin(seenText(`${text} ${half}b${half}`), `${half}b${half}`)).toEqual(["ledger"]);
  expect(origin(seenText(`${text}b${text.slice(0, 9)}`), `${half}b`)).toEqual([]);
  expect((process.cpuUsage().user - before) / 1_000).toBeLessThan(2_000);
});

test("a source of any length costs no more than its leaves do, and names nobody", () => {
  const seen = new Seen();
  const sender = "ann@b.example ".repeat(60_000).trim();
  seen.instruct(`do what ${sender.slice(0, 9_000)} says`);
  const mails = Array.from({ length: 5_000 }, (_, index) => `mail ${index}`);
  observe(seen, search, record({}), [{ value: { sender, body: mails }, labels: [] }]);
  expect(origin(seen, "mail 77")).toEqual(["untrusted"]);
  expect(JSON.stringify(seen.entriesFrom(1).slice(2)).length).toBeLessThan(400_000);
});

test("whoever chooses a source or a text cannot make one leaf pass for another", () => {
  const seen = new Seen();
  const leaf = { kind: "leaf", text: "us1300" } as const;
  seen.add({ ...leaf, labels: new Set(["ledger"]), source: "untrusted ann" });
  expect(seen.add({ ...leaf, labels: new Set(["ledger", "untrusted"]), source: "ann" })).toBe(true);
  expect(origin(seen, "US1300")).toEqual(["ledger", "untrusted"]);
});

test("an instruction that is not kept yet is looked into as if it were, and leaves nothing", () => {
  const text = fc.stringMatching(/^[a-c] ?[a-c]{1,3}( [A-C][a-c]{2,5}){0,2}$/);
  const source = fc.option(text, { nil: undefined });
  const leaf = fc.record({ text, source, untrusted: fc.boolean() });
  fc.assert(
    fc.property(fc.array(text), fc.array(leaf), text, text, (before, leaves, added, sought) => {
      const seen = new Seen();
      for (const instruction of before) seen.instruct(instruction);
      for (const { text, source: from, untrusted } of leaves) {
        const labels = new Set(untrusted ? ["untrusted"] : ["ledger"]);
        const named = from === undefined ? {} : { source: from };
        seen.add({ kind: "leaf", text: text.toLowerCase(), labels, ...named });
      }
      const [entries, found] = [seen.entriesFrom(0), origin(seen, sought)];
      const layered = seen.withInstruction(added);
      expect(layered.hasInstruction(added)).toBe(true);
      const whole = new Seen();
      for (const entry of [...entries, ...layered.entriesFrom(0)]) whole.add(entry);
      expect(origin(layered, sought)).toEqual(origin(whole, sought));
      expect(layered.entriesFrom(0).length).toBe(seen.hasInstruction(added) ? 0 : 1);
      expect([seen.entriesFrom(0), origin(seen, sought)]).toEqual([entries, found]);
    }),
  );
});

test("what does not fit beside all that is kept is not looked into, and nothing is said of it", () => {
  const seen = seenText("a".repeat(1_048_000));
  expect(origin(seen.withInstruction("b".repeat(500)), "c")).toEqual([]);
  expect(origin(seen.withInstruction("b".repeat(600)), "c")).toBe("unavailable");
  expect(origin(seen, "c")).toEqual([]);
});
