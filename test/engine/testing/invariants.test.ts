import { describe, expect, test } from "vitest";
import { searchInvariants, type Verdict } from "../../../engine/testing/invariants.ts";
import { compile } from "../../../lang/compile.ts";

const VOCABULARY = `package p
level Sensitivity = public < internal < secret
label untrusted
tool look { effect read }
tool pay {
  effect write,
  args { to: String, amount: Decimal, at: Path?, host: Url?, line: Command?, due: Time? },
}
resource account { owner: String, sensitivity: Sensitivity = secret }
agent { clearance: Sensitivity = public }
principal { payees: Set<String> = [] }
counter spend = sum args.amount of allowed pay per agent within 24h
latch looked = completed look per session
task errand { sequence look+, pay }
`;

function search(rules: string, budget = 2_000): Verdict {
  const { program, diagnostics } = compile({
    directory: "",
    files: [{ path: "p.writ", text: `${VOCABULARY}${rules}` }],
  });
  if (program === undefined) throw new Error(JSON.stringify(diagnostics));
  const [verdict] = searchInvariants({ program, budget, seed: 1 });
  if (verdict === undefined) throw new Error("there is no invariant");
  return verdict;
}

/** Each is off by one, or forgets one thing. */
describe("finds the flaw", () => {
  test.each([
    [
      "a limit that lets its boundary through",
      "permit p tool pay when args.amount <= 100.00",
      "tool is pay and args.amount >= 100.00",
    ],
    [
      "a sum that is one unit too large",
      "permit p tool pay when spend + args.amount <= 500.0001",
      "tool is pay and spend + args.amount > 500.00",
    ],
    [
      "a guard that one permit of two forgets",
      'permit a agent in group "x" tool pay when agent.attested\npermit b agent in group "y" tool pay',
      "tool.effect == write and not agent.attested",
    ],
    [
      "a level that is compared the wrong way",
      "permit p tool look resource account when agent.clearance <= resource.sensitivity",
      "has resource and resource.sensitivity > agent.clearance",
    ],
    ["what was read before", 'permit p agent in group "x" tool pay', "looked and tool is pay"],
    [
      "an approval that anyone gives",
      "permit p tool pay\nhold h tool pay until approved by delegation.root",
      "tool is pay and not delegation.verified",
    ],
    [
      "where a value came from",
      "permit p tool pay\nforbid f tool pay when untrusted in origin(args.to) and user not in origin(args.to)",
      "tool is pay and untrusted in origin(args.to)",
    ],
    [
      "a path beside the one that is meant",
      'permit p tool pay when has args.at and args.at within "/a"',
      'tool is pay and has args.at and args.at != "/a"',
    ],
    [
      "a longer chain",
      "permit p tool pay when delegation.depth <= 2 and delegation.verified",
      "delegation.depth == 2",
    ],
    [
      "an id that means oneself",
      'permit p agent in group "x" tool pay when has principal and args.to in principal.payees',
      "has principal and tool is pay and args.to == principal.id",
    ],
    ["a step that is not the first", "permit p tool pay task errand", "has args.to"],
    ["one agent", "permit p tool look", 'agent.id == "intern"'],
    ["one person", "permit p tool pay", 'has principal and principal.id == "bob"'],
    ["one account", "permit p tool look", 'has resource and resource.id == "7"'],
    ["three hops", "permit p tool pay", "delegation.depth > 2"],
    [
      "a domain below the one that is meant",
      'permit p tool pay when has args.host and host_within(args.host.host, "good.example")',
      'tool is pay and has args.host and args.host.host != "good.example"',
    ],
    [
      "what holds a folder",
      'permit p tool pay when has args.at and not args.at within "/etc/ssl"',
      'tool is pay and has args.at and reaches(args.at, "/etc/ssl")',
    ],
    [
      "a command that runs as another",
      "permit p tool pay when has args.line",
      "tool is pay and has args.line and args.line.privileged",
    ],
    [
      "a time that is far away",
      "permit p tool pay",
      'tool is pay and environment.now > "2030-01-01T00:00:00Z"',
    ],
    [
      "an hour of the night",
      "permit p tool pay when environment.now.hour >= 6",
      "environment.now.hour < 7",
    ],
  ])("%s", (_, rules, condition) => {
    const spelled = condition.replaceAll("tool is pay", "has args.to and has args.amount");
    expect(search(`${rules}\nnever n\n  allow when ${spelled}\n`).kind).toBe("broken");
  });
});

describe("finds nothing where there is nothing", () => {
  test.each([
    [
      "permit p tool pay when args.amount < 100.00",
      "has args.amount and args.amount >= 100.00",
      "held",
    ],
    [
      "permit p tool pay\nforbid f tool pay unless agent.attested",
      "tool.effect == write and not agent.attested",
      "held",
    ],
    ["permit p tool look", "agent.trust > 1.00", "not reached"],
    // What no session or value can be.
    ["permit p tool look", "user in session.labels", "not reached"],
    [
      "permit p tool pay",
      "has args.to and named in origin(args.to) and untrusted not in origin(args.to)",
      "not reached",
    ],
    // The second step pays whom the first paid.
    [
      'task twice { sequence pay(args.to == "bob", to as whom), pay(args.to == whom) }\npermit p tool pay task twice',
      'has args.to and args.to != "bob"',
      "held",
    ],
  ])("%s", (rules, condition, kind) => {
    expect(search(`${rules}\nnever n\n  allow when ${condition}\n`, 1_000).kind).toBe(kind);
  });
});

test("says of a package without tools that nothing was tried", () => {
  const text = 'package p\nnever n\n  allow when agent.id == "x"\n';
  const { program } = compile({ directory: "", files: [{ path: "p.writ", text }] });
  if (program === undefined) throw new Error("it does not compile");
  const verdicts = searchInvariants({ program, budget: 10, seed: 1 });
  expect(verdicts).toMatchObject([{ kind: "not reached", name: "n", tried: 0 }]);
});

test("says which step a task must be behind", () => {
  const verdict = search("permit p tool pay task errand\nnever n\n  allow when has args.to\n");
  expect(verdict).toMatchObject({ counterexample: { state: ["`errand` stands behind `look`"] } });
});

test("says what must have happened before", () => {
  const verdict = search(
    "permit p tool pay when spend > 80.00\nnever n\n  allow when spend > 80.00\n",
  );
  expect(verdict).toMatchObject({
    kind: "broken",
    counterexample: { permits: ["p"], state: [expect.stringMatching(/^`spend` is \d+\.\d+$/)] },
  });
});

test("says what it cannot make up", () => {
  const rules = "permit p tool pay\nnever n\n  allow when has args.to\n";
  expect(search(rules).unseen).toEqual([]);
  const bound = "task chain { sequence pay(to as whom), pay(args.to == whom) }\n";
  expect(search(bound + rules).unseen).toEqual([
    "steps of task `chain` that read what earlier ones bound",
  ]);
  const module = { ok: true, binary: { wasm: "" }, entrypoints: ["authz/allow"] } as const;
  const files = [
    {
      path: "p.writ",
      text: `${VOCABULARY}import rego "a.wasm" entrypoint "authz/allow" as legacy: Bool
permit plain tool look
permit asked tool pay when legacy(input)
never n
  allow when tool is pay
`,
    },
  ];
  const { program, diagnostics } = compile({ directory: "", files }, undefined, () => module);
  if (program === undefined) throw new Error(JSON.stringify(diagnostics));
  const [verdict] = searchInvariants({ program, budget: 200, seed: 1 });
  expect(verdict?.unseen).toEqual(["calls that `asked` permits by what Rego says"]);
});
