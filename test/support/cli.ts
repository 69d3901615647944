/** The command line without a process: a directory of files, words, and what came out. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import type { Screen } from "../../cli/command.ts";
import { run, type World } from "../../cli/run.ts";

/** A directory that is gone after the test. */
export function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), "writ-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Surroundings {
  readonly cwd?: string;
  readonly stdin?: string;
  readonly terminal?: boolean;
  readonly env?: World["env"];
  readonly stopped?: Promise<void>;
  readonly screen?: Screen;
  readonly onErr?: (text: string) => void;
  readonly onOut?: (text: string) => void;
}

export async function writ(words: readonly string[], around: Surroundings = {}): Promise<Ran> {
  const { cwd = "/", stdin = "", terminal = false, env = {}, onErr, onOut } = around;
  let out = "";
  let err = "";
  const code = await run(words, {
    version: "1.2.3",
    out: (text) => {
      out += text;
      onOut?.(text);
    },
    err: (text) => {
      err += text;
      onErr?.(text);
    },
    terminal,
    interactive: terminal,
    env,
    cwd,
    stdin: async () => new TextEncoder().encode(stdin),
    ...(around.screen === undefined ? {} : { screen: around.screen }),
    stopped: around.stopped ?? new Promise(() => {}),
  });
  return { code, out, err };
}

/** Two tools, a permit for each kind of call, a limit, a hold, an invariant and a task. */
export const SMALL = `package small

purpose payments
label untrusted

tool look { effect read }
tool pay { effect write, args { to: String, amount: Decimal } }

principal { payees: Set<String> = [] }

counter spend = sum args.amount of allowed pay per agent within 24h

permit looking
  agent in group "helpers"
  tool effect read

permit paying
  agent in group "helpers"
  tool pay
  when has principal and args.to in principal.payees
  when spend + args.amount <= 500.00
  with log full

forbid unattested
  tool pay
  unless agent.attested
  because "money moves for attested agents only"

hold large
  tool pay
  when args.amount > 100.00
  until approved by delegation.root

task errand {
  sequence look+, pay?
}

never blind_payment
  allow when tool.effect == write and not agent.attested

test "a helper looks" {
  given agent "robot" { groups: ["helpers"] }
  when look then allow by looking
}
`;

/** A request for SMALL that is allowed. */
export const PAYMENT = {
  agent: { id: "robot", groups: ["helpers"], attested: true },
  principal: { id: "alice", kind: "human", payees: ["bob"] },
  tool: { name: "pay", args: { to: "bob", amount: 12.5 } },
  session: { id: "s" },
};
