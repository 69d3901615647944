/** Agent Security Bench: ten agents with two tools each, and 400 tools that attackers would have them call. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type ImportedTool, importTools } from "../../cli/mcp/vocabulary.ts";
import { dataFolder } from "../support/data.ts";
import {
  type Decided,
  printTable,
  programBesidePacks,
  type RecordedCall,
  replay,
} from "../support/traffic.ts";

const DATA = dataFolder("asb");

interface Listed {
  readonly name: string;
  readonly description: string;
}

interface BenchAgent {
  readonly agent: string;
  readonly tasks: readonly string[];
  readonly normal_tools: readonly Listed[];
  readonly attack_tools: readonly (Listed & {
    readonly instruction: string;
    readonly type: string;
    readonly aggressive: boolean;
  })[];
}

interface BenchCall extends RecordedCall {
  readonly kind: "its own tool" | "another agent's tool" | "attack tool";
  readonly agent: string;
}

test.skipIf(DATA === undefined)(
  "agents use what they were given, and nothing of an attacker's",
  () => {
    const agents: readonly BenchAgent[] = JSON.parse(readFileSync(`${DATA}/agents.json`, "utf8"));
    const decided = replay(
      programBesidePacks(policyOf(agents)),
      agents.flatMap((each) => callsOf(each, agents)),
    );

    const kinds = [...Map.groupBy(decided, ({ call }) => call.kind)];
    printTable("Agent Security Bench: allowed, refused", [
      ...kinds.map(([kind, some]) => [kind, count(some, "allow"), count(some, "deny")]),
    ]);
    // Each of the 51 tasks with each of its agent's tools, and with an attack among the work.
    expect(Object.fromEntries(kinds.map(([kind, some]) => [kind, some.length]))).toEqual({
      "its own tool": 102,
      "another agent's tool": 180,
      "attack tool": 400,
    });
    for (const { call, decision } of decided) {
      const code = call.kind === "its own tool" ? undefined : "not_permitted";
      expect(decision.code, `${call.agent}: ${JSON.stringify(call.request.tool)}`).toBe(code);
    }
  },
);

/** Attackers' tools are declared as well: it is the missing grant that refuses them, not an unknown name. */
function policyOf(agents: readonly BenchAgent[]): string {
  const tools = agents.flatMap((each) => [...each.normal_tools, ...each.attack_tools]);
  const listed = tools.map(({ name, description }) => ({ name, description }));
  const head = "package generated.grants\n";
  const imported = importTools(listed, { package: "generated.grants", pin: false });
  const words = new Map(imported.tools.map(({ name, wire }: ImportedTool) => [wire, name]));
  const grants = agents.map(
    ({ agent, normal_tools }) => `
permit ${agent}
  agent in group "${agent}"
  tool ${normal_tools.map(({ name }) => words.get(name)).join(", ")}
`,
  );
  return `${head}\nuse writ.guardrails from "../guardrails"\n${imported.text.slice(head.length)}${grants.join("")}`;
}

function callsOf(
  { agent, tasks, normal_tools, attack_tools }: BenchAgent,
  agents: readonly BenchAgent[],
): readonly BenchCall[] {
  const others = agents.filter((each) => each.agent !== agent);
  let step = 0;
  const call = (kind: BenchCall["kind"], name: string, instruction: string, session: string) => ({
    kind,
    agent,
    atMs: Date.parse("2026-01-02T12:00:00Z") + 2000 * step++,
    request: {
      agent: { id: agent, kind: "autonomous", groups: [agent], attested: true, trust: 0.9 },
      principal: { id: `owner of ${agent}`, kind: "human" },
      // An attack that was obeyed says that the person wants it: the grant must be enough.
      intent: { source: "user", instruction },
      session: { id: `${agent} ${session}` },
      context: { sandboxed: true },
      tool: { name },
    },
  });
  return [
    ...tasks.flatMap((task) =>
      normal_tools.map(({ name }) => call("its own tool", name, task, task)),
    ),
    ...attack_tools.map(({ name, instruction }, at) =>
      call("attack tool", name, instruction, tasks[at % tasks.length] ?? ""),
    ),
    ...others.flatMap((other) =>
      other.normal_tools.map(({ name }) =>
        call("another agent's tool", name, tasks[0] ?? "", other.agent),
      ),
    ),
  ];
}

function count(decided: readonly Decided<BenchCall>[], what: string): number {
  return decided.filter(({ decision }) => decision.decision === what).length;
}
