/** Approvals as text: a table of many, a page of one. */
import type { ApprovalStatus, ApprovalView } from "../../engine/approvals/approval.ts";
import { type Paint, printable, type Style, table } from "../terminal.ts";

export interface ApprovalsFound {
  readonly approvals: readonly ApprovalView[];
  /** How many people may approve. */
  readonly approvers: number;
}

export function showApprovals(
  { approvals, approvers }: ApprovalsFound,
  status: string,
  paint: Paint,
): string {
  if (approvals.length === 0) {
    const none = status === "pending" ? "nothing waits for approval" : "no approvals";
    return approvers > 0 ? `${none}\n` : `${none}, and ${NOBODY_APPROVES}\n`;
  }
  const head = ["APPROVAL", "STATUS", "UNTIL", "AGENT", "TOOL", "BY"];
  const rows = approvals.map((one) => [
    paint("bold", one.id),
    paint(STYLES[one.status], one.status),
    one.until,
    partIn(one, "agent", "id"),
    partIn(one, "tool", "name"),
    one.by.map(wantedBy).join(", "),
  ]);
  return table([head.map((cell) => paint("dim", cell)), ...rows]);
}

const NOBODY_APPROVES = "nobody could approve: `writ serve --approvers FILE` (docs/delegation.md)";

const STYLES: Readonly<Record<ApprovalStatus, Style>> = {
  pending: "yellow",
  approved: "green",
  refused: "red",
  used: "dim",
  withdrawn: "dim",
  expired: "dim",
  revoked: "dim",
};

export function showApproval(approval: ApprovalView, paint: Paint): string {
  const { id, status, because, reasons, by, except, until, opened, verdicts } = approval;
  const { request, shown } = approval;
  const facts = [
    ...(shown?.root === undefined ? [] : [["for", printable(shown.root)]]),
    ...(shown === undefined ? [] : [["through", shown.actors.map(printable).join(", ")]]),
    ["by", by.map(wantedBy).join(", and ")],
    ["not by", except.map(printable).join(", ")],
    ["opened", opened],
    ["until", until],
    ["held by", reasons.map(({ rule, at }) => `${rule} (${at})`).join(", ")],
    ...verdicts.map((one) => [
      one.verdict === "approve" ? "approved" : "refused",
      `by ${printable(one.by)} at ${one.at}${one.because ? `: ${printable(one.because)}` : ""}`,
    ]),
  ];
  const said = because === undefined ? "" : `  ${printable(because)}\n`;
  return [
    `${paint("bold", id)} ${paint(STYLES[status], status)}\n${said}`,
    table(facts.map(([name = "", value = ""]) => [`  ${paint("dim", name)}`, value])),
    `\n${linesOf(request)}\n`,
  ].join("");
}

function wantedBy({ party, group = "", count }: ApprovalView["by"][number]): string {
  if (party !== undefined) return printable(party);
  return count > 1 ? `${count} of ${printable(group)}` : `one of ${printable(group)}`;
}

function partIn({ request }: ApprovalView, part: string, member: string): string {
  const found = (request as Readonly<Record<string, Readonly<Record<string, unknown>>>>)[part];
  return printable(String(found?.[member] ?? ""));
}

/** Each line made harmless by itself: names and arguments are whatever the agent has sent. */
function linesOf(request: unknown): string {
  const lines = JSON.stringify(request, null, 2).split("\n");
  return lines.map((line) => `  ${printable(line)}`).join("\n");
}
