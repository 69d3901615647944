import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { directoryWith, writ } from "../support/cli.ts";
import { serving } from "../support/serving.ts";

const POLICY = `package small
tool pay { effect write, args { amount: Decimal } }
permit paying tool pay
hold large tool pay when args.amount > 10.00 until approved by group "treasury"
  because "large payments need the treasury"
`;

const PAYMENT = { agent: { id: "bot" }, tool: { name: "pay", args: { amount: 50 } } };

interface Answered {
  readonly decision: string;
  readonly approval?: { readonly id: string; readonly status: string };
}

/** Asks a service for PAYMENT, and runs `writ` beside it; what it keeps is in `cwd`. */
async function served(
  cwd: string,
  ask: (
    decide: () => Promise<Answered>,
    run: (...words: string[]) => ReturnType<typeof writ>,
  ) => Promise<void>,
  words: readonly string[] = ["--approvers", "approvers.yaml"],
): Promise<void> {
  const { code, err } = await serving([...words, "--json", "p.writ"], cwd, async (printed) => {
    const { url } = JSON.parse(printed.split("\n")[0] ?? "");
    const decide = async () => {
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify(PAYMENT);
      const answer = await fetch(`${url}/decide`, { method: "POST", headers, body });
      return (await answer.json()) as Answered;
    };
    await ask(decide, (...given) => writ(["approvals", ...given], { cwd }));
  });
  expect({ code, err }).toEqual({ code: 0, err: "" });
}

async function place(): Promise<string> {
  const approvers = `
approvers:
  - { id: carol, groups: [treasury], keys: [carol.pub] }
  - { id: mallory, groups: [staff], keys: [mallory.pub] }
`;
  const cwd = directoryWith({ "p.writ": POLICY, "approvers.yaml": approvers });
  for (const name of ["carol", "mallory"]) {
    expect(await writ(["keys", "new", name], { cwd })).toMatchObject({ code: 0 });
  }
  return cwd;
}

test("where nobody may approve, the service says so, and so do its operators", async () => {
  const cwd = directoryWith({ "p.writ": POLICY });
  await serving(["p.writ"], cwd, async (printed) => {
    expect(printed).toContain("holds: nobody can approve (`--approvers`)\n");
    expect((await writ(["approvals"], { cwd })).out).toBe(
      "nothing waits for approval, and nobody could approve: `writ serve --approvers FILE` (docs/delegation.md)\n",
    );
  });
  const without = directoryWith({ "p.writ": POLICY.split("hold")[0] ?? "" });
  await serving(["p.writ"], without, async (printed) => {
    expect(printed).not.toContain("holds:");
  });
});

const CAROL = ["--as", "carol", "--key", "carol.key"];

test("a held call is shown, approved by a key, and allowed once", async () => {
  const cwd = await place();
  await served(cwd, async (decide, run) => {
    expect((await run()).out).toBe("nothing waits for approval\n");
    const { decision, approval } = await decide();
    expect(decision).toBe("hold");
    const id = approval?.id ?? "";
    expect((await run()).out).toContain(`${id}`);
    const shown = await run("show", id);
    expect(shown.out).toContain("large payments need the treasury");
    expect(shown.out).toContain('"amount": 50');
    const wrong = await run("approve", id, "--as", "mallory", "--key", "mallory.key");
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining("does not wait for") });
    const forged = await run("approve", id, "--as", "carol", "--key", "mallory.key");
    expect(forged).toMatchObject({ code: 1, err: expect.stringContaining("no key of this") });
    expect((await decide()).decision).toBe("hold");
    const approved = await run("approve", id, ...CAROL, "--because", "invoice 12");
    expect(approved).toMatchObject({ code: 0, out: expect.stringContaining("by carol") });
    expect((await decide()).decision).toBe("allow");
    expect((await decide()).decision).toBe("hold");
    expect(await run("approve", id, ...CAROL)).toMatchObject({ code: 1 });
    const all = await run("list", "--status", "all", "--json");
    expect(JSON.parse(all.out)).toMatchObject({ approvals: [{ status: "pending" }], count: 1 });
  });
  const recorded = readFileSync(join(cwd, ".writ/audit.jsonl"), "utf8");
  expect(recorded).toContain('"action":"approval.approve"');
  expect(recorded).not.toContain("invoice 12");
});

test("what was approved or refused is so after a restart", async () => {
  const cwd = await place();
  let id = "";
  await served(cwd, async (decide, run) => {
    id = (await decide()).approval?.id ?? "";
    await run("approve", id, ...CAROL);
  });
  await served(cwd, async (decide) => expect((await decide()).decision).toBe("allow"));
  await served(cwd, async (decide, run) => {
    id = (await decide()).approval?.id ?? "";
    expect(await run("refuse", id, ...CAROL)).toMatchObject({ code: 0 });
  });
  await served(cwd, async (decide) => {
    expect(await decide()).toMatchObject({ decision: "hold", approval: { id, status: "refused" } });
  });
});

test("what makes no sense is misuse, and what is not there a finding", async () => {
  const cwd = await place();
  await served(cwd, async (_decide, run) => {
    expect(await run("show", "a-0")).toMatchObject({ code: 1 });
    for (const [words, said] of [
      [["stop", "a-0"], "there is no `writ approvals stop`"],
      [["show"], "`writ approvals show ID`"],
      [["list", "a-0"], "`writ approvals list`"],
      [["approve", "a-0"], "`--as` is missing"],
      [["approve", "a-0", "--as", "carol"], "`--key` is missing"],
      [["--status", "odd"], "`status` is one of"],
    ] as const) {
      expect(await run(...words)).toMatchObject({ code: 2, err: expect.stringContaining(said) });
    }
  });
});

test("a list of approvers with one person twice is refused at start", async () => {
  const cwd = await place();
  const twice = "approvers:\n  - { id: a, keys: [carol.pub] }\n  - { id: b, keys: [carol.pub] }\n";
  const other = directoryWith({ "twice.yaml": twice });
  const ran = await writ(["serve", "--approvers", join(other, "twice.yaml"), "p.writ"], { cwd });
  expect(ran).toMatchObject({ code: 2, err: expect.stringContaining("carol.pub") });
});
