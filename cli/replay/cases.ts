/** Traces of single requests: those that Writ's own format records, and decision cases of any other shape. */
import type { ReplayOutcome, ReplayStep } from "../../engine/replay.ts";
import { parseTime } from "../../lang/scalar/time.ts";
import type { Json } from "../../lang/type.ts";
import { Misuse } from "../command.ts";
import { isObject, type JsonObject } from "../json.ts";
import type { Line } from "./lines.ts";
import { cut } from "./report.ts";
import type { CaseSetup } from "./setup.ts";
import { fill } from "./template.ts";

export interface Case {
  readonly name: string;
  /** In its file, from 1. */
  readonly line: number;
  /** What the summary counts by. */
  readonly group: string;
  /** The trace says which requests belong together. */
  readonly run?: string;
  /** Decided before it, from an empty state; missing where the state goes on from the case before. */
  readonly before?: readonly ReplayStep[];
  readonly step: ReplayStep;
  readonly expect?: Expected;
  /** A rule, tag or code that must be among the reasons. */
  readonly rule?: string;
}

export type Expected = "allow" | "deny" | "hold";

const MEMBERS = ["request", "outcome", "at", "run", "expect", "rule", "approvals", "verified"];

/**
 * `{ "request": …, "outcome"?: …, "at"?: …, "run"?: …, "expect"?: …, "rule"?: … }`; `help` is for whoever has
 * lines of another shape.
 */
export function caseOfLine({ number, value }: Line, file: string, help: string): Case {
  const where = `${JSON.stringify(file)}, line ${number}`;
  const { request, run } = value;
  if (request === undefined) throw new Misuse(`${where} has no \`request\``, help);
  if (run !== undefined && typeof run !== "string") {
    throw new Misuse(`${where}: \`run\` is a text, not ${shown(run)}`);
  }
  const unknown = Object.keys(value).find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined) {
    throw new Misuse(
      `${where}: a line of a trace has no \`${unknown}\``,
      `it has ${MEMBERS.join(", ")}`,
    );
  }
  const step: ReplayStep = { request, ...circumstancesOf(value, where) };
  return {
    line: number,
    name: run === undefined ? `line ${number}` : `${run}, line ${number}`,
    group: toolOf(request),
    ...(run === undefined ? {} : { run }),
    step,
    ...expectationOf(value.expect, value.rule, where),
  };
}

/** What was recorded beside a request. */
interface Recorded {
  readonly outcome?: Json | undefined;
  readonly at?: Json | undefined;
  readonly approvals?: Json | undefined;
  readonly verified?: Json | undefined;
}

function circumstancesOf(
  { outcome, at, approvals, verified }: Recorded,
  where: string,
): Omit<ReplayStep, "request"> {
  if (verified !== undefined && typeof verified !== "boolean") {
    throw new Misuse(`${where}: \`verified\` is true or false, not ${shown(verified)}`);
  }
  return {
    ...(outcome === undefined ? {} : { outcome: outcomeOf(outcome, where) }),
    ...(at === undefined ? {} : { atMs: timeOf(at, where) }),
    ...(verified === true ? { verified } : {}),
    ...approvalsOf(approvals, where),
  };
}

function timeOf(json: Json, where: string): number {
  const read = typeof json === "string" ? parseTime(json) : undefined;
  if (read?.ok) return read.value;
  throw new Misuse(
    `${where}: ${shown(json)} is no time`,
    "write RFC 3339, such as 2026-01-02T15:04:05Z",
  );
}

function shown(json: Json): string {
  return cut(JSON.stringify(json), 60);
}

function outcomeOf(json: Json, where: string): ReplayOutcome {
  const status = isObject(json) ? json.status : undefined;
  if (!isObject(json) || (status !== "ok" && status !== "error")) {
    throw new Misuse(`${where}: an outcome has a \`status\`, \`ok\` or \`error\``);
  }
  const known = ["status", "labels", "sensitivity", "values", "parts"];
  const unknown = Object.keys(json).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Misuse(`${where}: an outcome has no \`${unknown}\``);
  return json as unknown as ReplayOutcome;
}

function approvalsOf(json: Json | undefined, where: string): Pick<ReplayStep, "approvals"> {
  if (json === undefined) return {};
  if (!Array.isArray(json)) throw new Misuse(`${where}: \`approvals\` is a list`);
  return {
    approvals: json.map((approval: Json) => {
      const { by, groups = [] } = isObject(approval) ? approval : ({ by: approval } as JsonObject);
      if (typeof by !== "string" || !Array.isArray(groups))
        throw new Misuse(`${where}: an approval names who gave it`);
      return { by, groups: groups.map(String) };
    }),
  };
}

function expectationOf(
  expect: Json | undefined,
  rule: Json | undefined,
  where: string,
): Pick<Case, "expect" | "rule"> {
  if (expect !== undefined && expect !== "allow" && expect !== "deny" && expect !== "hold") {
    throw new Misuse(`${where}: \`expect\` is allow, deny or hold, not ${JSON.stringify(expect)}`);
  }
  if (rule !== undefined && typeof rule !== "string") {
    throw new Misuse(`${where}: \`rule\` names a rule, a tag or a code, not ${shown(rule)}`);
  }
  return {
    ...(expect === undefined ? {} : { expect }),
    ...(rule === undefined ? {} : { rule }),
  };
}

function toolOf(request: Json): string {
  const tool = isObject(request) ? request.tool : undefined;
  const name = isObject(tool) ? tool.name : undefined;
  return typeof name === "string" ? name : "(none)";
}

function historyOf(json: Json | undefined, where: string): JsonObject[] {
  if (json === undefined) return [];
  const wrong = Array.isArray(json) ? json.find((call) => !isObject(call)) : json;
  if (wrong === undefined) return json as JsonObject[];
  throw new Misuse(
    `${where}: \`history\` is a list of earlier calls, not ${shown(wrong)}`,
    "each call is a record with what the line has of its own call, such as `tool` and `args`",
  );
}

/** A line of any shape, made a request by the template that lies beside the policy. */
export function caseOfTemplate({ number, value }: Line, setup: CaseSetup, file: string): Case {
  const where = `${JSON.stringify(file)}, line ${number}`;
  const documents = { case: value };
  const take = (template: Json | undefined) =>
    template === undefined ? undefined : fill(template, documents);
  const request = fill(setup.request, documents);
  if (!isObject(request)) throw new Misuse(`${where} makes no request`);
  const step: ReplayStep = {
    request,
    ...circumstancesOf(
      {
        outcome: take(setup.outcome),
        at: take(setup.at),
        approvals: take(setup.approvals),
        verified: take(setup.verified),
      },
      where,
    ),
  };
  const before = historyOf(take(setup.history), where).map((call, index, { length }) =>
    earlierStep({ call, value, secondsBefore: length - index, step }, setup, where),
  );
  const id = take(setup.id);
  const group = take(setup.group);
  return {
    line: number,
    name: id === undefined ? `line ${number}` : String(id),
    group: group === undefined ? toolOf(request) : String(group),
    before,
    step,
    ...expectationOf(take(setup.expect), take(setup.rule), where),
  };
}

interface Earlier {
  readonly call: JsonObject;
  /** The line that tells of it. */
  readonly value: JsonObject;
  readonly secondsBefore: number;
  /** What the line itself becomes. */
  readonly step: ReplayStep;
}

/** Who called, and for whom, is as the line says; when, who approved and what came of it is the call's own. */
function earlierStep(
  { call, value, secondsBefore, step }: Earlier,
  setup: CaseSetup,
  where: string,
): ReplayStep {
  const take = (template: Json | undefined, document: JsonObject) =>
    template === undefined ? undefined : fill(template, { case: document });
  const whole = { ...value, ...call };
  const own = circumstancesOf(
    {
      outcome: take(setup.outcome, call) ?? { status: "ok" },
      at: take(setup.at, call),
      approvals: take(setup.approvals, call),
      verified: take(setup.verified, whole),
    },
    `${where}, \`history\``,
  );
  return {
    request: take(setup.request, whole) ?? null,
    ...(step.atMs === undefined ? {} : { atMs: step.atMs - secondsBefore * 1_000 }),
    ...own,
  };
}
