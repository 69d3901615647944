/** Traces of single requests: those that Writ's own format records, and decision cases of any other shape. */
import type { ReplayOutcome, ReplayStep } from "../../engine/replay.ts";
import type { Json } from "../../lang/type.ts";
import { Misuse } from "../command.ts";
import { isObject, type JsonObject } from "../json.ts";
import type { Line } from "./lines.ts";
import { cut } from "./report.ts";
import type { CaseSetup } from "./setup.ts";
import { fill } from "./template.ts";

export interface Case {
  readonly name: string;
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

/** `{ "request": …, "outcome"?: …, "at"?: …, "run"?: …, "expect"?: …, "rule"?: … }` */
export function caseOfLine({ number, value }: Line, file: string): Case {
  const where = `${JSON.stringify(file)}, line ${number}`;
  const unknown = Object.keys(value).find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined) {
    throw new Misuse(
      `${where}: a line of a trace has no \`${unknown}\``,
      `it has ${MEMBERS.join(", ")}`,
    );
  }
  const { request, outcome, at, run, verified } = value;
  if (request === undefined) throw new Misuse(`${where} has no \`request\``);
  const atMs = at === undefined ? undefined : Date.parse(String(at));
  if (Number.isNaN(atMs))
    throw new Misuse(`${where}: ${JSON.stringify(at)} is no time`, "write RFC 3339");
  const step: ReplayStep = {
    request,
    ...(outcome === undefined ? {} : { outcome: outcomeOf(outcome, where) }),
    ...(atMs === undefined ? {} : { atMs }),
    ...(verified === true ? { verified } : {}),
    ...approvalsOf(value.approvals, where),
  };
  return {
    name: typeof run === "string" ? `${run}, line ${number}` : `line ${number}`,
    group: toolOf(request),
    ...(typeof run === "string" ? { run } : {}),
    step,
    ...expectationOf(value.expect, value.rule, where),
  };
}

function outcomeOf(json: Json, where: string): ReplayOutcome {
  const status = isObject(json) ? json.status : undefined;
  if (!isObject(json) || (status !== "ok" && status !== "error")) {
    throw new Misuse(`${where}: an outcome has a \`status\`, \`ok\` or \`error\``);
  }
  const known = ["status", "labels", "sensitivity", "values"];
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
  return {
    ...(expect === undefined ? {} : { expect }),
    ...(typeof rule === "string" ? { rule } : {}),
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
    `${where}: \`history\` is a list of earlier calls, not ${cut(JSON.stringify(wrong), 60)}`,
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
  const before = historyOf(take(setup.history), where).map((call): ReplayStep => {
    const earlier = { ...value, ...call };
    return {
      request: fill(setup.request, { case: earlier }) ?? null,
      outcome: { status: "ok" },
    };
  });
  const id = take(setup.id);
  const group = take(setup.group);
  return {
    name: id === undefined ? `line ${number}` : String(id),
    group: group === undefined ? toolOf(request) : String(group),
    before,
    step: { request },
    ...expectationOf(take(setup.expect), take(setup.rule), where),
  };
}
