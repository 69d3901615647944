import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { directoryWith, SMALL, writ } from "../support/cli.ts";

const GIVEN = `given agent "robot" { groups: ["helpers"], attested: true }
  given principal "alice" { payees: ["bob"] }`;

/** The report on SMALL with these tests instead of its own, without how long it took. */
async function testing(tests: string, ...words: string[]) {
  const rules = SMALL.slice(0, SMALL.indexOf("test "));
  const cwd = directoryWith({ "p.writ": `${rules}${tests}` });
  const ran = await writ(["test", ...words], { cwd });
  return { ...ran, cwd, out: ran.out.replace(/ \(\d+ ms\)/, "") };
}

describe("expectations", () => {
  test.each([
    [
      "the decision",
      'when pay { to: "bob", amount: 1.00 } then deny',
      "expected deny, decided allow",
    ],
    ["the rule", "when look then allow by paying", "`paying` is not what decided"],
    [
      "the code",
      'when pay { to: "eve", amount: 1.00 } then deny by forbidden',
      "`forbidden` is not what decided",
    ],
    [
      "obligations",
      "when look then allow with credential",
      "the obligation `credential` is missing",
    ],
    [
      "an interruption",
      'when pay { to: "eve", amount: 1.00 } then deny, interrupt',
      "the session was not interrupted",
    ],
    [
      "what is no request",
      'given session ""\n  when look then allow by invalid_request',
      "expected allow, decided deny",
    ],
    [
      "an outcome of nothing",
      'when pay { to: "eve", amount: 1.00 }\n  outcome ok',
      "the call was not allowed (deny), so it has no outcome",
    ],
  ])("%s", async (_, steps, problem) => {
    const { code, out } = await testing(`test "t" {\n  ${GIVEN}\n  ${steps}\n}`, "--no-never");
    expect(code).toBe(1);
    expect(out).toContain(problem);
    expect(out).toMatch(/not ok: 0 passed, 1 failed\n$/);
  });

  test.each([
    [
      "an approved hold",
      'when pay { to: "bob", amount: 200.00 } then hold by large\n  when pay { to: "bob", amount: 200.00 } approved by "alice" then allow',
    ],
    [
      "what a failed call gives back",
      'when pay { to: "bob", amount: 100.00 }\n  outcome error\n  repeat 5 pay { to: "bob", amount: 100.00 } then allow\n  when pay { to: "bob", amount: 0.01 } then deny by not_permitted',
    ],
    [
      "time that passes",
      'repeat 5 pay { to: "bob", amount: 100.00 } then allow\n  wait 25h\n  when pay { to: "bob", amount: 100.00 } then allow',
    ],
    [
      "a sequence",
      'given task errand\n  when pay { to: "bob", amount: 1.00 } then deny by out_of_sequence next look\n  when look\n  when pay { to: "bob", amount: 1.00 } then allow',
    ],
    [
      "a step that has not reported",
      'given task errand\n  when look\n  outcome pending\n  when pay { to: "bob", amount: 1.00 } then deny by prerequisite_pending',
    ],
    ["a request that is refused as it is read", "when unheard_of then deny by invalid_request"],
    ["what is no request", 'given session ""\n  when look then deny by invalid_request'],
  ])("that hold: %s", async (_, steps) => {
    const { code, out } = await testing(`test "t" {\n  ${GIVEN}\n  ${steps}\n}`, "--no-never");
    expect({ code, out }).toEqual({ code: 0, out: "pass  t\n\nok: 1 passed\n" });
  });
});

test("a failing test shows what was expected, what was decided, and what it rests on", async () => {
  const { out } = await testing(
    `test "eve is paid" {\n  ${GIVEN}\n  when pay { to: "eve", amount: 1.00 } then allow by paying\n}`,
    "--no-never",
  );
  expect(out).toBe(`FAIL  eve is paid (p.writ:41:6)
  p.writ:44:45
    44 |   when pay { to: "eve", amount: 1.00 } then allow by paying
  expected allow, decided deny
  \`paying\` is not what decided
  expected  allow by paying
  decided   deny not_permitted
    because: no rule permits this

  permit paying (p.writ:17:8)
    ✓ agent in group "helpers"
    ✓ tool pay
    ✓ when has principal
    ✗ when args.to in principal.payees
      args.to = "eve"
      principal.payees = ["bob"]
    ✓ when spend + args.amount <= 500.00
      spend + args.amount = 1.00
        spend = 0.00
        args.amount = 1.00
    stopped by
      \`args.to in principal.payees\` is false: \`args.to\` is "eve", \`principal.payees\` is ["bob"]

not ok: 0 passed, 1 failed
`);
});

describe("which tests", () => {
  const three = ["one", "two", "twenty"]
    .map((name) => `test "${name}" { ${GIVEN}\n  when look then allow }`)
    .join("\n");
  test.each([
    [[], ["one", "two", "twenty"]],
    [
      ["--filter", "tw*"],
      ["two", "twenty"],
    ],
    [
      ["--filter", "one", "--filter", "ent"],
      ["one", "twenty"],
    ],
    [["p.writ:44"], ["two"]],
  ])("%j", async (words, names) => {
    const { out } = await testing(three, "--json", ...words);
    const report = JSON.parse(out);
    expect(report.tests.map((one: { name: string }) => one.name)).toEqual(names);
    expect(report.skipped).toBe(3 - names.length);
  });
});

describe("coverage", () => {
  const small = `test "t" { ${GIVEN}\n  given task errand\n  when look\n  when pay { to: "bob", amount: 1.00 } }`;

  test("of rules, conditions both ways, and transitions", async () => {
    const { out } = await testing(small, "--coverage", "--no-never");
    expect(out).toContain(`
paying                           applied         p.writ:17:8
  has principal                  true     –      p.writ:20:8
  args.to in principal.payees    true     –      p.writ:20:26
  spend + args.amount <= 500.00  true     –      p.writ:21:8
unattested                       –               p.writ:24:8
  agent.attested                 true     –      p.writ:26:10
large                            –               p.writ:29:6
  args.amount > 100.00           –        false  p.writ:31:8
task errand                                      p.writ:34:6
  (begin) → look                 taken
  look → look                    –
  look → pay                     taken
`);
    expect(out).toContain("coverage 52.9 % (9 of 17)\n");
  });

  test("of a condition as it is written: a negated one is true where it holds, and each is one", async () => {
    const cwd = directoryWith({
      "p.writ": `package p
tool look { effect read, args { to: String } }
resource box {}
resource jar {}
permit looking
  tool look
  when args.to not in ["x"] and args.to != "y"
  when args.to not like "z*" and agent is not human
  when resource is box and resource is not jar
  unless args.to not like "a*"
  unless (args.to == "b" or not (args.to == "a"))
test "t" { when look { to: "a" } on box "1" then allow }
`,
    });
    const { out } = await writ(["test", "--coverage"], { cwd });
    expect(out).toContain(`
looking                  applied         p.writ:5:8
  args.to not in ["x"]   true     –      p.writ:7:8
  args.to != "y"         true     –      p.writ:7:33
  args.to not like "z*"  true     –      p.writ:8:8
  agent is not human     true     –      p.writ:8:34
  resource is box        true     –      p.writ:9:8
  resource is not jar    true     –      p.writ:9:28
  args.to not like "a*"  –        false  p.writ:10:10
  args.to == "b"         –        false  p.writ:11:11
  args.to == "a"         true     –      p.writ:11:34
`);
  });

  test("of used packages too, where --cover-used asks for it", async () => {
    const cwd = directoryWith({
      "base/b.writ":
        'package base\ntool look { effect read }\nforbid never_bob when agent.id == "bob"\n',
      "own/o.writ":
        'package own\nuse base from "../base"\npermit looking tool look\n' +
        'test "t" { given agent "eve" when look then allow }\n',
    });
    expect((await writ(["test", "own", "--coverage"], { cwd })).out).toContain(
      "coverage 100 % (1 of 1)\n",
    );
    const { out } = await writ(["test", "own", "--cover-used"], { cwd });
    expect(out).toContain("base/never_bob");
    expect(out).toContain("coverage 50 % (2 of 4)\n");
  });

  test.each([
    ["52.9", 0],
    ["53", 1],
  ])("--min-coverage %s exits with %i", async (least, code) => {
    expect((await testing(small, "--min-coverage", least, "--no-never")).code).toBe(code);
  });
});

describe("invariants", () => {
  test("a counterexample is as small as it gets", async () => {
    const rules = SMALL.replace(/forbid unattested[\s\S]*?only"\n/, "");
    const cwd = directoryWith({ "p.writ": rules });
    const { code, out } = await writ(["test", "--json"], { cwd });
    const [{ kind, name, counterexample }] = JSON.parse(out).invariants;
    expect({ code, kind, name }).toEqual({ code: 1, kind: "broken", name: "blind_payment" });
    expect(counterexample.permits).toEqual(["paying"]);
    expect(counterexample.state).toEqual([]);
    expect(Object.keys(counterexample.request)).toEqual(["agent", "principal", "tool"]);
  });

  test("one that nothing can break is held, one that says nothing not reached", async () => {
    const dead = "never dead\n  allow when tool.effect == delete\ntool drop { effect delete }\n";
    const never = "never void\n  allow when agent.trust > 1.00\n";
    const { code, out } = await testing(`${never}test "t" { when look then deny }`);
    expect(code).toBe(0);
    expect(out).toMatch(/held {2}never blind_payment 2000 requests tried, it mattered in \d+\n/);
    expect(out).toContain(
      "never void (p.writ:41:7): not reached: none of 2000 requests made its condition true\n",
    );
    expect((await testing(`${dead}test "t" { when look then deny }`)).out).toMatch(
      /held {2}never dead/,
    );
  });

  test("the same seed finds the same", async () => {
    const rules = SMALL.replace(/forbid unattested[\s\S]*?only"\n/, "");
    const cwd = directoryWith({ "p.writ": rules });
    const found = async (seed: string) =>
      JSON.parse((await writ(["test", "--json", "--seed", seed], { cwd })).out).invariants;
    expect(await found("7")).toEqual(await found("7"));
  });
});

describe("reports", () => {
  const two = `test "fine" { ${GIVEN}\n  when look then allow }\ntest "<bad> & \\"worse\\"" { ${GIVEN}\n  when look then deny }`;

  test("JUnit", async () => {
    const { out } = await testing(two, "--reporter", "junit");
    expect(out).toMatch(
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuites tests="3" failures="1" errors="0" time="[\d.]+">/,
    );
    expect(out).toContain('<testcase name="fine" classname="small" file="p.writ" line="41"/>');
    expect(out).toContain(
      '<testcase name="&lt;bad&gt; &amp; &quot;worse&quot;" classname="small" file="p.writ" line="44">',
    );
    expect(out).toContain("expected deny, decided allow");
    expect(out).not.toContain("\u001b");
  });

  test("JUnit's XML has the coverage that is wanted as a case", async () => {
    const one = two.slice(0, two.indexOf("\ntest "));
    const words = ["--reporter", "junit", "--no-never", "--min-coverage"];
    const short = await testing(one, ...words, "99");
    expect(short.code).toBe(1);
    expect(short.out).toMatch(/failures="1".*\n.*\n.*name="fine".*\/>\n.*name="coverage"/);
    expect(short.out).toMatch(/<failure message="[\d.]+ % is covered and 99 % wanted">/);
    const enough = await testing(one, ...words, "1");
    expect(enough).toMatchObject({
      code: 0,
      out: expect.stringContaining('tests="2" failures="0"'),
    });
  });

  test("annotations for GitHub", async () => {
    const { out } = await testing(two, "--reporter", "github", "--no-never");
    const [annotation, summary] = out.split("\n");
    expect(annotation).toMatch(
      /^::error file=p.writ,line=46,endLine=46,col=18,title=<bad> & "worse"::p.writ:46:18%0A/,
    );
    expect(summary).toBe("1 test passed, 1 failed");
  });

  test("annotations of a policy that does not compile", async () => {
    const { code, out, err } = await testing("\nallow it\n", "--reporter", "github");
    expect(code).toBe(1);
    expect(out).toMatch(
      /^::error file=p.writ,line=\d+,endLine=\d+,col=1,title=E101::.*%0Ahelp: write `permit`\n$/,
    );
    expect(err).toContain("error E101");
  });

  test("a report to a file leaves the terminal to people", async () => {
    const { out, cwd } = await testing(two, "--reporter", "junit", "--output", "report.xml");
    expect(out).toContain("pass  fine\n");
    expect(readFileSync(join(cwd, "report.xml"), "utf8")).toContain("<testsuites");
  });
});

test("--watch runs again when a file changes, until it is stopped", async () => {
  const cwd = directoryWith({ "p.writ": SMALL });
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  let runs = 0;
  const { code, out } = await writ(["test", "--watch", "--no-never"], {
    cwd,
    stopped,
    onErr: () => {
      runs++;
      if (runs === 1)
        writeFileSync(join(cwd, "p.writ"), SMALL.replace("then allow by looking", "then deny"));
      else stop();
    },
  });
  expect(code).toBe(0);
  expect(out).toContain("ok: 1 passed");
  expect(out).toContain("not ok: 0 passed, 1 failed");
});
