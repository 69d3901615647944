/** What an approver signs (SPEC §15.5): this approval of this very request, and nothing that could be used twice. */
import { LEEWAY_MS } from "../identity/chain.ts";
import { signClaims } from "../identity/issue.ts";
import { readClaims, readCompactJws } from "../identity/jws.ts";
import { verifySignature } from "../identity/verify.ts";
import type { JsonObject } from "../json.ts";
import type { SigningKey } from "../signing-key.ts";
import { onlyMembers, optionally, type Problem, readId, report } from "../value-reader.ts";
import type { Verdict } from "./approval.ts";
import type { Approver, Approvers } from "./approvers.ts";

export const STATEMENT_TYPE = "writ-approval+jwt";

export interface Statement {
  readonly approval: string;
  readonly digest: string;
  readonly verdict: Verdict;
  readonly because?: string;
  /** Seconds since the Unix epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** How long a statement may be on its way. */
export const STATEMENT_SECONDS = 120;

export function issueStatement(
  by: string,
  said: Omit<Statement, "expiresAt">,
  key: SigningKey,
): string {
  const claims = {
    iss: by,
    sub: said.approval,
    request: said.digest,
    verdict: said.verdict,
    ...(said.because === undefined ? {} : { because: said.because }),
    iat: said.issuedAt,
    exp: said.issuedAt + STATEMENT_SECONDS,
  };
  return signClaims(STATEMENT_TYPE, claims, key);
}

export type StatementReading =
  | { readonly ok: true; readonly approver: Approver; readonly statement: Statement }
  | { readonly ok: false; readonly why: string };

/** By the later and the earlier of the clocks that there are. */
export interface StatementTimes {
  readonly latestMs: number;
  readonly earliestMs: number;
}

/** Whose it is by configuration, and that they signed it. */
export async function verifyStatement(
  token: unknown,
  approvers: Approvers,
  times: StatementTimes,
): Promise<StatementReading> {
  const jws = readCompactJws(token);
  if (!jws.ok) return jws;
  if (jws.type !== STATEMENT_TYPE) return refused(`its \`typ\` is not \`${STATEMENT_TYPE}\``);
  const claims = readClaims(jws);
  if (claims === undefined) return refused("it holds no JSON object");
  const approver = approvers.find(claims.iss);
  if (approver === undefined) return refused("its `iss` is no approver who is configured");
  const key = approver.keys.find(({ thumbprint }) => thumbprint === jws.keyId);
  if (key === undefined) return refused("its `kid` is no key of this approver");
  const verified = await verifySignature(jws, key);
  if (!verified.ok) return verified;
  const read = readStatement(claims);
  if (typeof read === "string") return refused(read);
  const late = untimely(read, times);
  return late === undefined ? { ok: true, approver, statement: read } : refused(late);
}

function refused(why: string): StatementReading {
  return { ok: false, why };
}

const MEMBERS = ["iss", "sub", "request", "verdict", "because", "iat", "exp"] as const;

function readStatement(claims: JsonObject): Statement | string {
  const problems: Problem[] = [];
  const given = onlyMembers(claims, MEMBERS, "", problems);
  const approval = readId(given.sub, "/sub", problems);
  const digest = readId(given.request, "/request", problems);
  const because = optionally(readId, given.because, "/because", problems);
  const { verdict, iat, exp } = given;
  if (verdict !== "approve" && verdict !== "refuse") {
    report(problems, "/verdict", "is `approve` or `refuse`");
  }
  if (!isSeconds(iat) || !isSeconds(exp)) report(problems, "/exp", "and `iat` are times");
  const [problem] = problems;
  if (problem !== undefined) return `\`${problem.at.slice(1)}\` ${problem.message}`;
  return {
    approval: approval ?? "",
    digest: digest ?? "",
    verdict: verdict === "approve" ? "approve" : "refuse",
    issuedAt: Number(iat),
    expiresAt: Number(exp),
    ...(because === undefined ? {} : { because }),
  };
}

function isSeconds(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function untimely(
  { issuedAt, expiresAt }: Statement,
  { latestMs, earliestMs }: StatementTimes,
): string | undefined {
  if (expiresAt * 1_000 <= latestMs) return "it has ended";
  // As with tokens, clocks of approvers may be so far ahead.
  if (issuedAt * 1_000 > earliestMs + LEEWAY_MS) return "it was signed in the future";
  if (expiresAt - issuedAt <= STATEMENT_SECONDS) return undefined;
  return `it is good for longer than ${STATEMENT_SECONDS} s`;
}
