/**
 * How long one decision holds up all others where policy and request are made to: every operator and function,
 * alone, in loops and in many rules, over requests of a mebibyte. `node bench/nasty.ts [FILTER [SHARE]]`, all of it
 * some five minutes; the worst come last.
 * CPU time of a second decision, so that making code is not in it.
 */

import { digestOfProgram } from "../engine/bundle.ts";
import { createEngine } from "../engine/engine.ts";
import { compile } from "../lang/compile.ts";
import type { Json } from "../lang/type.ts";

const VOCABULARY = `package nasty
label untrusted, seen
tool act {
  effect write,
  args {
    a: String, b: String, n: Int, xs: List<String>, ys: List<String>, s: Set<String>, t: Set<String>,
    m: Map<String>, p: Path, q: Path, u: Url, e: Email, c: Command, cs: List<Command>, ds: List<Decimal>,
    rs: List<{ k: String, v: Int }>, qs: List<{ k: String, v: Int }>, ns: List<Int>, ms: List<Int>,
    ips: List<Ip>, ps: List<Path>, us: List<Url>, es: List<Email>, hours: List<Time>,
  },
}
fn f(a: String, b: String): Bool = a == b
counter keyed = count allowed act per args.a
counter apart = distinct args.b of allowed act per agent
`;

/** What is asked of each pair of elements, or once. */
const EXPRESSIONS = `
args.a == args.b
args.a != args.b
args.xs == args.ys
args.rs == args.qs
args.s == args.t
args.a in args.xs
args.a in args.s
args.xs subset of args.ys
args.s subset of args.t
args.a contains args.b
args.a contains "aab"
args.a starts with args.b
args.a ends with args.b
args.a like args.b
args.a like "*a*a*a*a*b*"
args.p within args.q
args.p within "/a"
has args.ips[0] and args.ips contains args.ips[0]
all i in args.ips: i within "10.0.0.0/8"
has args.m[args.a]
lower(args.a) == args.b
trim(args.a) == args.b
length(args.a) == 7
count(split(args.a, args.b)) == 7
count(split(args.a, "a")) == 7
count(words(args.a)) == 7
"b" in words(args.a)
count(atoms(args.a)) == 7
text(args.c) == args.a
sum(args.ns) == 7
(min(args.ns) ?? 0) == 7
count(keys(args.m)) == 7
count(values(args.m)) == 7
count(neighbours(args.ns)) == 7
count(neighbours(args.xs)) == 7
count(take(args.xs, 9000)) == 7
count(skip(args.xs, 1)) == 7
count(distinct(args.xs)) == 7
count(union(args.s, args.t)) == 7
count(intersection(args.s, args.t)) == 7
count(difference(args.s, args.t)) == 7
host_within(args.a, args.b)
has path(args.a)
has url(args.a)
has email(args.a)
has ip(args.a)
has cidr(args.a)
has time(args.a)
has date_time(args.a, args.b)
args.p.name == "x"
args.p.extension == "x"
args.p.parent == args.q
count(args.p.segments) == 7
args.u.host == "x"
(args.u.port ?? 7) == 7
args.u.path == args.a
args.u.query == args.a
args.e.domain == "x"
args.c.parsed
count(args.c.commands) == 7
"rm" in args.c.programs
any c in args.cs: "rm" in c.programs
any c in args.cs: count(c.commands) == 7
count(x in args.ns where x == 7) == 7
sum(d in args.ds: d * d) == 7.00
count(set(x in args.xs: lower(x))) == 7
count(list(x in args.xs: lower(x))) == 7
any x in args.xs: x == args.a
any x in args.xs: x contains args.b
any x in args.xs: x like args.b
any x in args.xs: has url(x)
any x in args.xs: has ip(x)
any x in args.xs: has cidr(x)
any x in args.xs: has time(x)
any x in args.xs: has email(x)
any x in args.xs: has path(x)
any x in args.us: x.host == "x"
any x in args.hours: x.date == "x"
any x in args.ips: x within "10.1.0.0/16"
any r in args.rs: r == { k: "x", v: 7 }
any r in args.rs: r.k == args.a
any i in args.ns: f(args.a, args.b)
f(args.a, args.b)
{ k: args.a, v: args.n } == { k: args.b, v: 7 }
[args.a, args.b] == [args.b, args.a]
untrusted in origin(args.a)
untrusted in origin(args.xs)
any x in args.xs: untrusted in origin(x)
keyed > 7
`
  .split("\n")
  .filter((line) => line !== "");

const FORMS: Readonly<Record<string, (asked: string) => string>> = {
  once: (asked) => `forbid r tool act when ${asked}`,
  "in two loops": (asked) =>
    `forbid r tool act when any i1 in args.ns: any i2 in args.ms: (${asked}) and i1 > i2`,
  "in 300 rules": (asked) =>
    Array.from(
      { length: 300 },
      (_, at) =>
        `forbid r${at} tool act when any i1 in args.ns: any i2 in args.ms: (${asked}) and i1 > ${at}`,
    ).join("\n"),
  "300 times": (asked) =>
    Array.from(
      { length: 300 },
      (_, at) => `forbid r${at} tool act when (${asked}) and args.n == ${at}`,
    ).join("\n"),
};

const SIZE = 1_048_576;
const repeated = (text: string, size: number) =>
  text.repeat(Math.floor(size / text.length)).padEnd(size, text[0]);
const listOf = <Item>(length: number, item: (at: number) => Item) =>
  Array.from({ length }, (_, at) => item(at));

const PLAIN: Readonly<Record<string, Json>> = {
  a: "a",
  b: "b",
  n: 7,
  xs: ["a"],
  ys: ["a"],
  s: ["a"],
  t: ["a"],
  m: { a: "a" },
  p: "/a",
  q: "/a",
  u: "https://a.example/",
  e: "a@a.example",
  c: "ls",
  cs: ["ls"],
  ds: [1],
  rs: [{ k: "a", v: 1 }],
  qs: [{ k: "a", v: 1 }],
  ns: listOf(400, (at) => at),
  ms: listOf(400, () => 1000),
  ips: ["10.0.0.1"],
  ps: ["/a"],
  us: ["https://a.example/"],
  es: ["a@a.example"],
  hours: ["2026-01-02T15:04:05Z"],
};

/** Arguments that differ from the plain ones. */
const REQUESTS: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
  small: {},
  "two long texts": { a: repeated("a", SIZE / 2), b: repeated("a", SIZE / 2) },
  "long texts, capitals": { a: repeated("aAé", SIZE / 2), b: repeated("aAé", SIZE / 2) },
  "a text in parts": { a: repeated("a b,c@d.e ", SIZE), b: "," },
  "a text of blanks": { a: repeated(" ", SIZE), b: " " },
  "a part that nearly fits": { a: repeated("a", SIZE / 2), b: `${repeated("a", 60_000)}b` },
  "a part of 200": { a: repeated("a", SIZE - 200), b: `b${repeated("a", 199)}` },
  "a pattern of stars": { a: repeated("a", SIZE / 2), b: repeated("*a", SIZE / 2) },
  "long lists": {
    xs: listOf(10_000, (at) => `https://a.example/${at}`),
    ys: listOf(10_000, (at) => `https://a.example/${at}`),
    s: listOf(10_000, (at) => `s${at}`),
    t: listOf(10_000, (at) => `t${at}`),
    ns: listOf(10_000, (at) => at),
    ms: listOf(10_000, () => 20_000),
    ds: listOf(10_000, () => 99.99),
    m: Object.fromEntries(listOf(10_000, (at) => [`key ${at}`, "v"])),
  },
  "lists of much": {
    rs: listOf(10_000, (at) => ({ k: `k${at}`, v: at })),
    qs: listOf(10_000, (at) => ({ k: `k${at}`, v: at })),
    ips: listOf(10_000, () => "2001:db8:1:2:3:4:5:6"),
    hours: listOf(10_000, () => "2026-01-02T15:04:05Z"),
    xs: listOf(10_000, () => "2001:db8:1:2:3:4:5:6"),
    ns: listOf(10_000, (at) => at),
  },
  "lists of long texts": {
    xs: listOf(64, (at) => repeated("a", SIZE / 160) + at),
    ys: listOf(64, (at) => repeated("a", SIZE / 160) + at),
    s: listOf(64, (at) => repeated("b", SIZE / 320) + at),
    t: listOf(64, (at) => repeated("b", SIZE / 320) + at),
    us: listOf(120, () => `https://a.example/${repeated("%41", 8000)}`),
    a: `${repeated("a", SIZE / 160)}63`,
    b: repeated("a", 249),
  },
  "a long command": {
    c: repeated("a;", 64_000),
    cs: listOf(10, (at) => repeated("$(a);`b`;", 6_000) + at),
  },
  commands: { cs: listOf(10_000, (at) => `ls ${at}`) },
  "long paths": {
    p: repeated("/a", 4096),
    q: repeated("/a", 4090),
    u: `https://a.example/${repeated("a", 8000)}?${repeated("b", 100)}`,
  },
  "long keys": {
    m: Object.fromEntries(listOf(64, (at) => [repeated("a", SIZE / 130) + at, "v"])),
    a: `${repeated("a", SIZE / 130)}63`,
  },
};

interface Took {
  readonly what: string;
  readonly ms: number;
  readonly came: string;
}

function measure(policy: string, what: string, took: Took[]): void {
  const text = `${VOCABULARY}\n${policy}\npermit p tool act\n`;
  const { program, diagnostics } = compile({
    directory: "nasty",
    files: [{ path: "nasty.writ", text }],
  });
  if (program === undefined) {
    console.log("REFUSED", what, JSON.stringify(diagnostics.slice(0, 1)));
    return;
  }
  const engine = createEngine({ program, digest: digestOfProgram(program) });
  const ask = (args: Json) =>
    engine.decide({
      agent: { id: "bot" },
      session: { id: "s" },
      intent: { instruction: "a" },
      tool: { name: "act", args },
    });
  ask(PLAIN);
  for (const [name, args] of Object.entries(REQUESTS)) {
    const before = process.cpuUsage();
    const answer = ask({ ...PLAIN, ...args });
    const { user, system } = process.cpuUsage(before);
    const came =
      answer.kind === "answer"
        ? `${answer.value.decision} ${answer.value.code ?? ""}`
        : answer.kind;
    took.push({ what: `${what}, ${name}`, ms: (user + system) / 1_000, came });
  }
}

/** One in so many of the pairs of expression and form, another one each time. */
const [filter = "", share = "1"] = process.argv.slice(2);
const took: Took[] = [];
for (const asked of EXPRESSIONS) {
  for (const [form, write] of Object.entries(FORMS)) {
    const what = `${asked} (${form})`;
    if (what.includes(filter) && Math.random() * Number(share) < 1)
      measure(write(asked), what, took);
  }
}
took.sort((a, b) => a.ms - b.ms);
const at = (part: number) =>
  took[Math.min(took.length - 1, Math.floor(part * took.length))]?.ms.toFixed(1);
for (const { what, ms, came } of took.slice(-25))
  console.log(`${ms.toFixed(0).padStart(6)} ms  ${came}  ${what}`);
console.log(
  `${took.length} decisions: median ${at(0.5)} ms, 90 % ${at(0.9)} ms, 99 % ${at(0.99)} ms, worst ${at(1)} ms`,
);
