import type { ApprovalView, Verdict } from "../../engine/approvals/approval.ts";
import { issueStatement } from "../../engine/approvals/statement.ts";
import { type ApprovalsFound, showApproval, showApprovals } from "../admin/approvals.ts";
import { type AdminClient, AdminRefused, CLIENT_OPTIONS, openClient } from "../admin/client.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { signingKeys } from "../signing.ts";
import { painter } from "../terminal.ts";

const LIST_DEFAULT = 100;

export const command: Command = {
  name: "approvals",
  summary: "list, show, approve and refuse what a running service holds",
  usage: "[options] [list | show ID | approve ID | refuse ID]",
  description: [
    "Asks the `writ serve` that runs in this directory, or the one that --admin names.",
    "`list` (or nothing) lists what waits for somebody; `show` tells the whole request, and who may approve it. `approve` and `refuse` sign that you say so with your key, which `writ keys new` makes and the service's --approvers list names. One refusal is enough. An approved request is allowed once, when it is asked again without any change, and until the time that is shown.",
    "Exits with 1 when there is no such approval, or what you say does not count.",
    "Examples:\n  writ approvals\n  writ approvals show a-81\n  writ approvals approve a-81 --as alice --key alice.key",
  ],
  options: [
    {
      name: "status",
      value: "STATUS",
      help: "list those that are pending (if nothing is said), approved, refused, used, withdrawn, expired or revoked; or all",
    },
    { name: "most", value: "COUNT", help: `how many to list (${LIST_DEFAULT})` },
    { name: "as", value: "ID", help: "who you are in the service's list of approvers" },
    { name: "key", value: "FILE", help: "your key" },
    { name: "because", value: "TEXT", help: "why, for whoever asks later" },
    ...CLIENT_OPTIONS,
  ],
  words: ["list", "show", "approve", "refuse"],
  positionals: { least: 0, most: 2 },
  run: approvals,
};

async function approvals(input: Input, io: Io): Promise<ExitCode> {
  const [verb = "list", id] = input.positionals;
  if (!["list", "show", "approve", "refuse"].includes(verb)) {
    throw new Misuse(`there is no \`writ approvals ${verb}\``, USAGE);
  }
  if ((verb === "list") !== (id === undefined)) {
    throw new Misuse(
      `it is written \`writ approvals ${verb}${verb === "list" ? "" : " ID"}\``,
      USAGE,
    );
  }
  const client = openClient(input, io);
  try {
    if (id === undefined) return await list(client, input, io);
    if (verb === "show") return await show(id, client, input, io);
    return await decide(verb === "approve" ? "approve" : "refuse", id, client, input, io);
  } catch (error) {
    if (!(error instanceof AdminRefused) || !FINDINGS.has(error.problem)) throw error;
    return told(error, input, io);
  }
}

const USAGE = "see `writ approvals --help`";

/** Answers that are about the approval, and not about how it was asked for. */
const FINDINGS: ReadonlySet<string> = new Set([
  "unknown_approval",
  "approval_refused",
  "approval_closed",
]);

async function list(client: AdminClient, input: Input, io: Io): Promise<ExitCode> {
  const status = input.values.get("status") ?? "pending";
  const found = await client.get<ApprovalsFound>("/approvals", {
    status: status === "all" ? undefined : status,
    most: input.values.get("most") ?? LIST_DEFAULT,
  });
  io.out(
    input.json ? `${JSON.stringify(found, null, 2)}\n` : showApprovals(found, status, painter(io)),
  );
  return 0;
}

async function show(id: string, client: AdminClient, input: Input, io: Io): Promise<ExitCode> {
  const found = await client.get<ApprovalView>("/approval", { id });
  io.out(input.json ? `${JSON.stringify(found, null, 2)}\n` : showApproval(found, painter(io)));
  return 0;
}

async function decide(
  verdict: Verdict,
  id: string,
  client: AdminClient,
  input: Input,
  io: Io,
): Promise<ExitCode> {
  const by = required("as", input);
  const [key] = signingKeys([required("key", input)], io);
  if (key === undefined) throw new Misuse("`--key` names no key");
  const { digest } = await client.get<ApprovalView>("/approval", { id });
  const because = input.values.get("because");
  const issuedAt = Math.floor(Date.now() / 1_000);
  const said = { approval: id, digest, verdict, issuedAt, ...(because && { because }) };
  const statement = issueStatement(by, said, key);
  const taken = await client.post<ApprovalView>(`/approvals/${verdict}`, { statement });
  if (input.json) io.out(`${JSON.stringify({ ok: true, ...taken }, null, 2)}\n`);
  else io.out(showApproval(taken, painter(io)));
  return 0;
}

function required(name: string, { values }: Input): string {
  const value = values.get(name);
  if (value !== undefined && value !== "") return value;
  throw new Misuse(`\`--${name}\` is missing: what you say is signed`, USAGE);
}

function told({ problem, said }: AdminRefused, { json }: Input, io: Io): ExitCode {
  const error = { kind: problem, message: said };
  if (json) io.out(`${JSON.stringify({ ok: false, error }, null, 2)}\n`);
  else io.err(`writ approvals: ${said}\n`);
  return 1;
}
