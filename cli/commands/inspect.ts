import { hopsFrom } from "../../engine/delegation-reader.ts";
import type { DelegationCause } from "../../engine/identity/cause.ts";
import { readChain } from "../../engine/identity/chain.ts";
import { inspectTokens } from "../../engine/identity/inspect.ts";
import type { AcceptedDelegation, VouchedDelegation } from "../../engine/identity/vouched.ts";
import type { Command, ExitCode, Input, Io } from "../command.ts";
import { type Branch, showChain } from "../delegation-tree.ts";
import { clockAt } from "../requests.ts";
import { openIdentity } from "../serve/identity.ts";
import { painter, printable } from "../terminal.ts";
import { readTokens } from "../tokens.ts";

export const command: Command = {
  name: "inspect",
  summary: "show what delegation tokens hand on, hop by hop, and whether they verify",
  usage: "[options] TOKENS",
  description: [
    "Shows the chain that the tokens in the file TOKENS (`-` is standard input) make, root first, as a tree with what each hop narrowed. TOKENS has one a line, or is JSON with a list `tokens`, such as a request.",
    "With --identity, they are verified as `writ serve` would. Without it, every link is checked against the one before it, and who issued the first token is not known: nothing of it can be relied on.",
    "Exits with 1 when they are refused, or a hop says more than the one before.",
    "Examples:\n  writ inspect chain.txt\n  writ inspect --identity identity.yaml request.json",
  ],
  options: [
    { name: "identity", value: "FILE", help: "verify by this identity configuration" },
    { name: "now", value: "TIME", help: "as if it were TIME, such as 2026-01-02T15:04:05Z" },
  ],
  positionals: { least: 1, most: 1 },
  run: inspect,
};

interface Finding {
  /** From 1; missing where it is about no hop. */
  readonly hop?: number;
  readonly cause: DelegationCause | undefined;
  readonly why: string;
}

async function inspect(input: Input, io: Io): Promise<ExitCode> {
  const now = clockAt(input.values.get("now"));
  const tokens = await readTokens(input.positionals[0] ?? "", io);
  const path = input.values.get("identity");
  const verified =
    path === undefined ? undefined : await (await openIdentity(path, now, io, true)).verify(tokens);
  const shown = verified?.ok ? verified : (await inspectTokens(tokens)).delegation;
  const finding = findingOf(verified ?? shown, now());
  if (input.json) {
    const isVerified = verified !== undefined && finding === undefined;
    const told = shown.ok ? toldOf(shown) : {};
    const report = { ok: finding === undefined, verified: isVerified, ...told, finding };
    io.out(`${JSON.stringify(report, verified?.ok ? undefined : withoutKinds, 2)}\n`);
  } else show(shown, verified, finding, io);
  return finding === undefined ? 0 : 1;
}

function toldOf({ chain, self, task, tokens }: AcceptedDelegation) {
  return { chain, self, task, tokens };
}

/** Nobody has told them. */
function withoutKinds(name: string, value: unknown): unknown {
  return name === "kind" ? undefined : value;
}

/** What the engine would find wrong with the chain, whoever asks. */
function findingOf(delegation: VouchedDelegation, nowMs: number): Finding | undefined {
  if (!delegation.ok) return { cause: delegation.cause, why: delegation.why };
  if (delegation.chain.length === 0) return undefined;
  const hops = hopsFrom(delegation.chain);
  const agent = { id: hops.at(-1)?.to.id ?? "" };
  const chain = readChain(hops, { nowMs, agent, verified: false });
  return chain.ok ? undefined : { hop: chain.hop, cause: chain.cause, why: chain.why };
}

function show(
  shown: VouchedDelegation,
  verified: VouchedDelegation | undefined,
  finding: Finding | undefined,
  io: Io,
): void {
  const paint = painter(io);
  if (shown.ok) io.out(treeOf(shown, verified?.ok === true, finding, paint));
  if (finding !== undefined) {
    const at = finding.hop === undefined ? "" : `hop ${finding.hop}: `;
    const cause = finding.cause === undefined ? "" : ` ${finding.cause}:`;
    io.out(`${paint("red", "refused")}${cause} ${at}${printable(finding.why)}\n`);
  } else if (verified !== undefined) {
    const isTask = verified.ok && verified.task !== undefined;
    const but = isTask ? "; whether its task goes on is known to the service that granted it" : "";
    io.out(`${paint("green", "verified")}${but}\n`);
  } else {
    io.out(
      `${paint("yellow", "not verified")}: every link continues the one before it; who issued the first token is not known without --identity\n`,
    );
  }
}

function treeOf(
  { chain, self, task }: AcceptedDelegation,
  kinds: boolean,
  finding: Finding | undefined,
  paint: ReturnType<typeof painter>,
): string {
  if (self !== undefined) {
    const kind = kinds ? ` (${self.party.kind})` : "";
    const scope =
      self.scope === undefined ? "" : `, scope ${printable(self.scope.join(" ")) || "nothing"}`;
    return `${paint("bold", printable(self.party.id))}${kind} for itself${scope}, until ${self.expires_at}\n`;
  }
  const branches = hopsFrom(chain).flatMap((hop, index): readonly Branch[] => {
    const wire = chain[index];
    const fault = finding?.hop === index + 1 ? finding.why : undefined;
    return wire === undefined ? [] : [{ hop, wire, fault }];
  });
  const granted = task && `task ${printable(task.name)}, run ${printable(task.id)}\n`;
  return `${granted ?? ""}${showChain(branches, kinds, paint)}`;
}
