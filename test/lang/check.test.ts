import { describe, expect, test } from "vitest";
import { compileBeside, findings } from "../support/compile.ts";

/** A condition in a permit about `tool`, or about any. */
function when(condition: string, tool = "send_money"): string {
  return `permit p tool ${tool} when ${condition}`;
}

describe("conditions that mean something", () => {
  test.each([
    "args.amount <= 100",
    "args.amount * 2 <= spend + 0.5",
    "args.recipient in principal.known_payees",
    'args.recipient in ["a", "b"]',
    '"a" in principal.known_payees',
    "user in origin(args.recipient)",
    "origin(args.recipient) == [user]",
    "not (untrusted in origin(args.recipient)) and named in origin(args.recipient)",
    "has args.subject and length(args.subject) > 3",
    'not has args.subject or args.subject == "x"',
    'length(args.subject ?? "none") > 3',
    'if has args.subject then args.subject == "x" else true',
    "intent.source == user",
    "intent.source != tool_output",
    "intent.source == agent and intent.source in [agent, user, document]",
    "tool.effect == write",
    "agent.kind == autonomous and agent is autonomous and delegation.root is not autonomous",
    "agent.clearance >= internal",
    "resource.sensitivity <= agent.clearance",
    "resource is account and resource.owner == principal.id",
    "resource.owner == principal.id",
    'resource is order and resource.status == "pending"',
    'resource is not account and resource.status == "pending"',
    'resource is account or resource.status == "pending"',
    "resource is order and all i in resource.items: i.price <= 10 and i.quantity < 3",
    "resource is order and sum(i in resource.items where has i.gift: i.price * i.quantity) < 100",
    "resource is order and set(i in resource.items: i.sku) subset of principal.known_payees",
    "resource is order and (max(i in resource.items: i.price) ?? 0) < 5",
    'resource is order and (resource.totals["a"] ?? 0) < 5.5',
    "resource is order and has resource.totals[args.recipient] and resource.totals[args.recipient] < 5.5",
    "resource is order and (resource.items[0].price ?? 1) > 0.5",
    'has principal.email and principal.email.domain == "acme.example"',
    "has intent.purpose and intent.purpose within payments",
    "has intent.purpose and intent.purpose in [payments, payments.payroll]",
    "environment.now - session.started_at <= 15m",
    'environment.now > "2026-01-02T00:00:00Z"',
    "environment.now.hour in [9, 10, 11]",
    'has environment.ip and environment.ip within ["10.0.0.0/8", "192.168.0.0/16"]',
    'any hop in delegation.chain: hop.approved and "pay" in hop.scope',
    "has intent.plan and (intent.plan[tool.name] ?? 0) > 0",
    "tested and calls < 10",
    "decimal(calls) < 10.5",
    "count(principal.known_payees) < 3",
    "delegation.root.id == principal.id",
    'args.recipient like "GB*" and args.recipient starts with "G" and args.recipient contains "B"',
    "principal.known_payees contains args.recipient",
    "session.labels contains private or private in session.labels",
    "-args.amount < -1",
    'args.date == "2026-01-02" or args.date in split("a b", " ")',
    "max([args.amount, 5]) < 10",
    "max(count(principal.known_payees), 5) < min(10, 20, 30)",
    "has time(args.date) and time(args.date) < environment.now",
    "resource is order and has resource.items[count(resource.items) - 1] and resource.items[count(resource.items) - 1].price < 5",
    "resource is order and all i in resource.items: not has i.gift or length(i.gift) < 9",
    "user in origin(args.amount)",
    "(bags()[args.recipient] ?? 0) < 3",
    'has resource.items[0].gift or (resource.items[0].gift ?? resource.items[1].sku ?? "") == ""',
    "args.amount in [1, 2.5]",
    "[1, 2.5] contains args.amount",
    "sum([1, 2.5]) < args.amount",
    "true in [true in [true in [true in [tested]]]]",
    'resource is order and resource.items == [{ sku: "a", price: 1, quantity: 2 }]',
  ])("%s", (condition) => {
    expect(findings(compileBeside(when(condition)))).toEqual([]);
  });
});

describe("conditions that are wrong, and what is underlined", () => {
  test.each([
    ["args.amont <= 100", "E206 amont"],
    ['args.subject == "x"', "E205 args.subject"],
    ['args.amount == "x"', 'E204 args.amount == "x"'],
    ["calls + 0.5 < 1", "E208 calls + 0.5"],
    ["args.amount < calls", "E204 args.amount < calls"],
    ['recipient == "x"', "E201 recipient"],
    ["intent.source == usr", "E201 usr"],
    ['intent.reason == "x"', "E206 reason"],
    ["resource is acount", "E207 acount"],
    ['resource.status == "pending"', "E205 resource.status"],
    ['resource is order and resource.status == "pendng"', 'E204 "pendng"'],
    [
      '(resource is not account or calls > 1) and resource.status == "pending"',
      "E205 resource.status",
    ],
    ["agent == agent", "E208 agent"],
    ["agent is robot", "E201 robot"],
    ["any x in args.recipient: true", "E208 args.recipient"],
    ["all agent in principal.known_payees: true", "E203 agent"],
    ["has agent", "E221 has agent"],
    ["has args.amount", "W302 has args.amount"],
    ['environment.now > "yesterday"', 'E211 "yesterday"'],
    ["args.recipient like 3", "E204 3"],
    ['lower(args.recipient, 2) == "x"', "E223 lower(args.recipient, 2)"],
    ['lowr(args.recipient) == "x"', "E201 lowr"],
    ["length(args.amount) > 1", "E208 length(args.amount)"],
    ["count([]) > 0", "E210 []"],
    ["count(list(x in [1]: user)) > 1", "E209 user"],
    ["args.amount", "E204 args.amount"],
    ["spend", "E204 spend"],
    ["min(x in [1]: x) > 0", "E205 min(x in [1]: x)"],
    ['principal.email == "a@b.example"', "E205 principal.email"],
    ['args.path within "/tmp"', "E206 path"],
    ["any a in [1]: any b in [1]: any c in [1]: any d in [1]: a == d", "E222 any d in [1]: a == d"],
  ])("%s → %s", (condition, expected) => {
    expect([...new Set(findings(compileBeside(when(condition))))]).toEqual([expected]);
  });
});

describe("declarations, clauses, state, tasks and tests that are wrong", () => {
  test.each([
    ["permit p when true permit p when true", ["E203 p"]],
    ["tool send_money { effect read }", ["E203 send_money"]],
    ["tool t { args { a: Int } }", ["E218 t"]],
    ["tool t { effect wrte }", ["E218 wrte"]],
    ['tool t { effect read, args { a: Int, b named "a": String } }', ["E203 b"]],
    ['tool t { effect read, args { a named "b": Int, b named "a": String } }', []],
    ["tool t { effect read, yields secret }", ["E207 secret"]],
    ["tool t { effect read, yields user }", ["E219 user"]],
    ["tool t { effect read, args { a: Int = 1 } }", ["E217 1"]],
    ["tool t { effect read, source args.x }", ["E206 args.x"]],
    ["purpose a.b", ["E207 a.b"]],
    ["label user", ["E203 user"]],
    ['permit p let r = { a: 1, a: "x" } when r.a < 2', ["E203 a"]],
    ["fn f(): Map<Int> = { a: 1, b: 2, a: 3 }", ["E203 a"]],
    ['fn f(): Item = { sku: "x", price: 1, price: 2, quantity: 1 }', ["E203 price"]],
    ["permit p with alert { level: 1, level: 2 }", ["E203 level"]],
    [
      'test "t" { given agent "a" { attested: true, attested: false } when send_mony then deny }',
      ["E203 attested", "E207 send_mony"],
    ],
    ["type A = List<B> type B = Set<A>", ["E212 A"]],
    ["resource r { sensitivity: String }", ["E204 String"]],
    ["principal { id: String }", ["E203 id"]],
    ["principal { known_payees: Set<Int> }", ["E203 known_payees"]],
    ["resource r { a: Strng }", ["E202 Strng"]],
    ["resource r { a: Set<Set<Int>> }", ["E202 Set<Int>"]],
    ["level Sensitivity = a < b", ["E203 Sensitivity"]],
    ["permit p tool send_mony", ["E207 send_mony"]],
    ["permit p tool effect delete", ["W303 delete"]],
    ["permit p purpose within paymnts", ["E207 paymnts"]],
    ["permit p tool send_money tool send_email", ["E213 tool send_email"]],
    ["permit p until approved by delegation.root", ["E214 until approved by delegation.root"]],
    ["hold p until approved by delegation.root within 366d", []],
    ["hold p until approved by delegation.root within 0s", ["E211 0s"]],
    ["hold p until approved by delegation.root within 367d", ["E211 367d"]],
    ["hold p until approved by delegation.root within 104249991d", ["E211 104249991d"]],
    ['hold p until approved by 11 of group "ops"', ['E211 until approved by 11 of group "ops"']],
    ["forbid p with log full", ["E214 with log full"]],
    ["permit p then interrupt session", ["E214 then interrupt session"]],
    ["hold p when true", ["E215 p"]],
    ["oblige p when true", ["E215 p"]],
    ["oblige p with credential { ttl: 60s }", ["E216 credential { ttl: 60s }"]],
    ["oblige p with log loud", ["E216 log loud"]],
    ['oblige p with redct ["a"]', ["W304 redct"]],
    ["forbid p when resource.sensitivity > internal", ["W301 resource.sensitivity"]],
    ["forbid p when has resource and resource.sensitivity > internal", []],
    ['forbid p resource account when resource.owner == "x"', []],
    ["counter c = sum args.body of allowed send_email per session", ["E204 args.body"]],
    ["counter c = sum args.subject of allowed send_money per session", ["E205 args.subject"]],
    ["counter c = count attempts where calls > 3 per session", ["E220 calls"]],
    ["counter c = count attempts per args", ["E208 args"]],
    ["fn f(a: Int): Int = g(a) fn g(a: Int): Int = f(a)", ["E212 f"]],
    ["fn f(): Bool = args.amount > 1", ["E220 args.amount"]],
    ["fn f(): Bool = tested", ["E220 tested"]],
    ["type Maybe = Int? fn f(a: Maybe): Bool = true", ["E202 Maybe"]],
    ["principal { a: { x: Int, y: Int? } = {} }", ["E204 {}"]],
    ["principal { a: { x: Int = 1 }? }", ["E217 1"]],
    ["principal { a: Decimal = 900719925474.0991 }", []],
    ["latch read = completed read_file per args.path permit p tool edit_file when read", []],
    [
      "latch read = completed read_file per args.path permit p tool send_email when read",
      ["E205 read"],
    ],
    ["latch read = completed read_file per args.path permit p when has args.path and read", []],
    [
      `fn f(a: Map<Int>): Map<Int> = a
       permit p when has f({ at: 1 })["x"] and f({ at: 2 })["x"] > 0`,
      ['E205 f({ at: 2 })["x"]'],
    ],
    ["fn f(a: Int): Decimal = a", ["E204 a"]],
    [`fn f(): Int = ${"1 + ".repeat(300)}1 fn g(): Int = f() + ${"1 + ".repeat(300)}1`, ["E122 g"]],
    [
      `fn f0(): Int = 1 ${Array.from({ length: 40 }, (_, at) => `fn f${at + 1}(): Int = f${at}()`).join(" ")}`,
      Array.from({ length: 9 }, (_, at) => `E122 f${at + 32}`),
    ],
    [
      `type T0 = { a: Int, b: Int } ${Array.from({ length: 20 }, (_, at) => `type T${at + 1} = { a: T${at}, b: T${at} }`).join(" ")}`,
      ["E122 { a: T11, b: T11 }"],
    ],
    [
      `${Array.from({ length: 110 }, (_, at) => `type T${at} = List<T${at + 1}>`).join(" ")} type T110 = Int`,
      ["E122 T99"],
    ],
    ["fn f(a: Int?): Bool = has a", ["E202 Int?"]],
    ["fn origin(a: String): Set<Label> = [user]", ["E203 origin"]],
    ["fn length(a: String): Int = 0", ["E203 length"]],
    ["fn decimal(a: Int): Decimal = 0", ["E203 decimal"]],
    ["counter length = count attempts per session", []],
    ['principal { a named "b": Int? } principal { a named "c": Int? }', ["E203 a"]],
    ['principal { a named "b": Int? } principal { a named "b": Int? }', []],
    ["level String = low < high", ["E203 String"]],
    ["task t { sequence send_mony }", ["E207 send_mony"]],
    ["task t { sequence read_file(pth as p) }", ["E206 pth"]],
    ["task t { sequence run_tests{3,2} }", ["E211 run_tests{3,2}"]],
    ["task t { sequence run_tests{2000} }", ["E225 run_tests"]],
    ["task t { sequence ((run_tests{0}){0,9000000000}){9000000000} }", []],
    ["task a { sequence ((run_tests?){900})+ }", ["E225 ((run_tests?){900})+"]],
    ["task t { sequence read_file(path as p)?, edit_file(args.path == p) }", ["E205 p"]],
    ["task t { sequence read_file(path as p)?, edit_file(has p and args.path == p) }", []],
    [
      "task t { sequence (read_file(path as p) | edit_file(path as p))+, edit_file(args.path == p) }",
      [],
    ],
    [
      "counter c = count allowed edit_file per args.size permit p tool effect write when c < 3",
      ["E205 c"],
    ],
    [
      "counter c = count allowed edit_file per args.size permit p when tool is edit_file and c < 3",
      [],
    ],
    [
      "latch l = completed edit_file per args.size reset by completed read_file",
      ["E205 args.size"],
    ],
    [
      "counter c = count allowed send_money where has args.subject per args.subject permit p tool send_money when c < 3",
      ["E205 c"],
    ],
    [
      "counter c = count allowed where resource is order per resource.status permit p when c < 3",
      ["E205 c"],
    ],
    ["task t { limit spnd <= 3 }", ["E226 spnd"]],
    ["task t { limit calls <= 3.5 }", ["E204 3.5"]],
    ["never n allow when args.amout > 1", ["E206 amout"]],
    ['test "t" { when send_mony then deny }', ["E207 send_mony"]],
    [
      'test "t" { when send_money { recipient: "x" } then deny }',
      ['E228 send_money { recipient: "x" }', 'E228 send_money { recipient: "x" }'],
    ],
    ['test "t" { when send_money { recipient: "x" } then deny by invalid_request }', []],
    ['test "t" { when edit_file { path: "/a", size: "x" } then deny }', ['E204 "x"']],
    ['test "t" { outcome ok }', ["E227 outcome ok"]],
    ['test "t" { given task nope outcome ok }', ["E207 nope", "E227 outcome ok"]],
  ])("%s", (text, expected) => {
    expect(findings(compileBeside(text)).sort()).toEqual(expected.toSorted());
  });

  test("however many warnings there are, every rule and invariant is in the program", () => {
    const warned = Array.from({ length: 1_500 }, (_, at) => `forbid f${at} when resource.id == ""`);
    const last = "permit p forbid last never n allow when true";
    const { program, diagnostics } = compileBeside([...warned, last].join("\n"));
    expect(program?.rules.map(({ name }) => name).slice(-3)).toEqual(["f1499", "p", "last"]);
    expect(program?.nevers).toHaveLength(1);
    expect(diagnostics).toHaveLength(1_500);
  });

  test("an error behind a hundred warnings is shown", () => {
    const warned = Array.from({ length: 200 }, (_, at) => `forbid f${at} when resource.id == ""`);
    const found = findings(compileBeside(`${warned.join("\n")}\npermit p when nope`));
    expect(found).toEqual(["E201 nope"]);
  });

  test("every error of a package is reported, in order of position", () => {
    const text = "permit a when nope\npermit b tool nothing\npermit c when args.x == 1";
    expect(findings(compileBeside(text))).toEqual(["E201 nope", "E207 nothing", "E206 x"]);
  });

  test("the same misspelt tool is reported wherever it stands", () => {
    const text = "permit a tool run_tests, run_tsts permit b tool run_tests, run_tsts";
    expect(findings(compileBeside(text))).toEqual(["E207 run_tsts", "E207 run_tsts"]);
  });
});
