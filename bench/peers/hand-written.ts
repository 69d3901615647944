/**
 * What an engineer would write who needs no policy language: code for each tool, nothing looked up that the
 * code knows already, nothing allocated that the answer does not carry. It says what Writ says: the code
 * of a denial and every rule that determined the answer. The baseline of "3 times".
 */
import { type BenchEngine, loaded } from "../engine.ts";
import type { BenchRequest, BenchRule, Condition, Workload } from "../workload.ts";

export interface HandRequest {
  readonly tool: string;
  readonly groups: ReadonlySet<string>;
  readonly clearance: number;
  readonly resource: string;
  readonly sensitivity: number;
  readonly depth: number;
  readonly amount: number;
  readonly session: string;
}

export interface HandDecision {
  readonly decision: "allow" | "deny";
  readonly code: "forbidden" | "not_permitted" | undefined;
  readonly reasons: readonly string[];
}

type Counts = ReadonlyMap<string, number>;
type Decide<Answer> = (request: HandRequest, counts: Counts) => Answer;

export const handWritten: BenchEngine = {
  name: "hand-written",
  title: "hand-written function, with reasons",
  reasons: "all rules",
  how: "a switch over tools at 20 rules; beyond, the same code generated for each tool and group",
  load: (workload) => {
    const decide = workload.rules.length === 20 ? decideByHand : generateDecide(workload.rules);
    return ready(workload, decide, (answer: HandDecision) => ({
      allowed: answer.decision === "allow",
      reasons: [...answer.reasons].sort(),
    }));
  },
};

export const handWrittenBoolean: BenchEngine = {
  name: "hand-written-boolean",
  title: "hand-written function, yes or no",
  reasons: "none",
  how: "the same, stopping at the first rule that settles it; returns a boolean",
  load: (workload) => {
    const allows = workload.rules.length === 20 ? allowsByHand : generateAllows(workload.rules);
    return ready(workload, allows, (allowed: boolean) => ({ allowed }));
  },
};

function ready<Answer>(
  workload: Workload,
  decide: Decide<Answer>,
  read: (answer: Answer) => { allowed: boolean; reasons?: readonly string[] },
) {
  const counts = new Map(workload.requests.map(({ session, calls }) => [session, calls]));
  return loaded({
    prepare: handRequest,
    decide: (request: HandRequest) => decide(request, counts),
    read,
  });
}

function handRequest(request: BenchRequest): HandRequest {
  return {
    tool: request.tool,
    groups: new Set(request.agent.groups),
    clearance: request.agent.clearance,
    resource: request.resource.type,
    sensitivity: request.resource.sensitivity,
    depth: request.depth,
    amount: request.amount ?? 0,
    session: request.session,
  };
}

// ── Twenty rules, by hand ──────────────────────────────────────────────────────────────────────────────────

const CALLS_MOST = 400;
const CONFIDENTIAL = 2;
const RESTRICTED = 3;

function decideByHand(request: HandRequest, counts: Counts): HandDecision {
  const { depth, sensitivity, amount } = request;
  const calls = counts.get(request.session) ?? 0;
  const isCleared = sensitivity <= request.clearance;
  const permits: string[] = [];
  const forbids: string[] = [];
  if (calls > CALLS_MOST) forbids.push("runaway");
  switch (request.tool) {
    case "get_balance":
    case "get_transactions":
      if (request.resource !== "account") break;
      if (isCleared && depth <= 2 && request.groups.has("assistants")) {
        permits.push("assistant_accounts");
      }
      if (isCleared && depth <= 3 && request.groups.has("tellers")) permits.push("teller_accounts");
      if (depth <= 2 && request.groups.has("auditors")) permits.push("auditor_accounts");
      break;
    case "read_email":
      if (request.resource !== "mailbox" || !isCleared) break;
      if (depth <= 2 && request.groups.has("assistants")) permits.push("assistant_mail");
      if (depth <= 0 && request.groups.has("auditors")) permits.push("auditor_mail");
      break;
    case "read_file":
      if (request.resource !== "document") break;
      if (isCleared && depth <= 1 && request.groups.has("assistants")) {
        permits.push("assistant_files");
      }
      if (request.groups.has("auditors")) {
        if (depth <= 2) permits.push("auditor_files");
        if (depth > 1 && sensitivity >= RESTRICTED) forbids.push("secret_far_away");
      }
      if (isCleared && depth <= 3 && request.groups.has("operators"))
        permits.push("operator_files");
      break;
    case "send_email":
      if (request.resource !== "mailbox") break;
      if (request.groups.has("assistants")) {
        if (isCleared && depth <= 1 && calls < 100) permits.push("assistant_sends");
        if (sensitivity >= CONFIDENTIAL) forbids.push("secret_by_mail");
      }
      if (depth <= 2 && calls < 50 && request.groups.has("operators"))
        permits.push("operator_sends");
      break;
    case "send_money":
      if (request.resource !== "account" || !request.groups.has("tellers")) break;
      if (isCleared && depth <= 2 && amount <= 500) permits.push("teller_pays");
      if (depth > 1 && amount > 200) forbids.push("far_payment");
      break;
    case "update_record":
      if (request.resource !== "account") break;
      if (request.groups.has("tellers")) {
        if (isCleared && depth <= 1) permits.push("teller_records");
        if (amount > 300) forbids.push("large_record");
      }
      if (isCleared && depth <= 2 && amount <= 1000 && request.groups.has("operators")) {
        permits.push("operator_records");
      }
      break;
    case "delete_file":
      if (request.resource !== "document" || !request.groups.has("operators")) break;
      if (isCleared && depth <= 0) permits.push("operator_deletes");
      if (calls > 20) forbids.push("many_deletes");
      break;
  }
  return combined(permits, forbids);
}

function combined(permits: readonly string[], forbids: readonly string[]): HandDecision {
  if (forbids.length > 0) return { decision: "deny", code: "forbidden", reasons: forbids };
  if (permits.length > 0) return { decision: "allow", code: undefined, reasons: permits };
  return { decision: "deny", code: "not_permitted", reasons: permits };
}

function allowsByHand(request: HandRequest, counts: Counts): boolean {
  const { depth, sensitivity, amount, groups } = request;
  const calls = counts.get(request.session) ?? 0;
  const isCleared = sensitivity <= request.clearance;
  if (calls > CALLS_MOST) return false;
  switch (request.tool) {
    case "get_balance":
    case "get_transactions":
      return (
        request.resource === "account" &&
        ((isCleared && depth <= 2 && groups.has("assistants")) ||
          (isCleared && depth <= 3 && groups.has("tellers")) ||
          (depth <= 2 && groups.has("auditors")))
      );
    case "read_email":
      return (
        request.resource === "mailbox" &&
        isCleared &&
        ((depth <= 2 && groups.has("assistants")) || (depth <= 0 && groups.has("auditors")))
      );
    case "read_file":
      if (request.resource !== "document") return false;
      if (depth > 1 && sensitivity >= RESTRICTED && groups.has("auditors")) return false;
      return (
        (isCleared && depth <= 1 && groups.has("assistants")) ||
        (depth <= 2 && groups.has("auditors")) ||
        (isCleared && depth <= 3 && groups.has("operators"))
      );
    case "send_email":
      if (request.resource !== "mailbox") return false;
      if (sensitivity >= CONFIDENTIAL && groups.has("assistants")) return false;
      return (
        (isCleared && depth <= 1 && calls < 100 && groups.has("assistants")) ||
        (depth <= 2 && calls < 50 && groups.has("operators"))
      );
    case "send_money":
      if (request.resource !== "account" || (depth > 1 && amount > 200)) return false;
      return isCleared && depth <= 2 && amount <= 500 && groups.has("tellers");
    case "update_record":
      if (request.resource !== "account" || !isCleared) return false;
      if (groups.has("tellers") && amount > 300) return false;
      return (
        (depth <= 1 && groups.has("tellers")) ||
        (depth <= 2 && amount <= 1000 && groups.has("operators"))
      );
    case "delete_file":
      if (request.resource !== "document" || calls > 20) return false;
      return isCleared && depth <= 0 && groups.has("operators");
    default:
      return false;
  }
}

// ── More rules: the same code, generated ───────────────────────────────────────────────────────────────────

function generateDecide(rules: readonly BenchRule[]): Decide<HandDecision> {
  const everyone = rules.filter((rule) => rule.group === undefined);
  const sources = bodies(rules, (rule) => {
    const found = `${rule.effect}s.push(${JSON.stringify(rule.name)});`;
    return `if (${spell(rule)}) ${found}`;
  });
  const forAll = everyone.map((rule) => `if (${spell(rule)}) forbids.push("${rule.name}");`);
  return functionOf(
    sources,
    (visit) => `const permits = [], forbids = []; ${forAll.join(" ")}
      ${visit("permits, forbids")}
      return combined(permits, forbids);`,
    "permits, forbids",
  );
}

function generateAllows(rules: readonly BenchRule[]): Decide<boolean> {
  const everyone = rules.filter((rule) => rule.group === undefined);
  const sources = bodies(
    [...rules].sort((a, b) => (a.effect < b.effect ? -1 : a.effect > b.effect ? 1 : 0)),
    (rule) => `if (${spell(rule)}) return ${rule.effect === "permit"};`,
  );
  const forAll = everyone.map((rule) => `if (${spell(rule)}) return false;`);
  return functionOf(sources, (visit) => `${forAll.join(" ")} ${visit("")} return false;`, "");
}

/** Statements by tool, then by group. */
function bodies(
  rules: readonly BenchRule[],
  statement: (rule: BenchRule) => string,
): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const made = new Map<string, Map<string, string>>();
  for (const rule of rules) {
    for (const tool of rule.tools ?? []) {
      const groups = made.get(tool) ?? new Map<string, string>();
      made.set(tool, groups);
      const group = rule.group ?? "";
      groups.set(group, `${groups.get(group) ?? ""} ${statement(rule)}`);
    }
  }
  return made;
}

function spell({ resource, when }: BenchRule): string {
  const ofResource = resource === undefined ? [] : [`r.resource === ${JSON.stringify(resource)}`];
  return [...ofResource, ...when.map(spellCondition)].join(" && ");
}

function spellCondition(condition: Condition): string {
  if (condition.read === "clearance") return "r.sensitivity <= r.clearance";
  const read = condition.read === "calls" ? "calls" : `r.${condition.read}`;
  return `${read} ${condition.op} ${condition.value}`;
}

/** A function for each different text, found by tool and then by the agent's groups. */
function functionOf<Answer>(
  sources: ReadonlyMap<string, ReadonlyMap<string, string>>,
  whole: (visit: (found: string) => string) => string,
  found: string,
): Decide<Answer> {
  const returns = found === "";
  const params = returns ? "r, calls" : `r, calls, ${found}`;
  const cases = [...sources].map(([tool, groups]) => {
    const entries = [...groups].map(
      ([group, body]) => `[${JSON.stringify(group)}, (${params}) => {${body}}]`,
    );
    return `[${JSON.stringify(tool)}, new Map([${entries.join(", ")}])]`;
  });
  const visit = (names: string): string =>
    returns
      ? `const groups = byTool.get(r.tool); let allowed = false;
         if (groups !== undefined) for (const group of r.groups) {
           const answer = groups.get(group)?.(r, calls);
           if (answer === false) return false; if (answer === true) allowed = true; }
         if (allowed) return true;`
      : `const groups = byTool.get(r.tool);
         if (groups !== undefined) for (const group of r.groups) groups.get(group)?.(r, calls, ${names});`;
  const source = `const byTool = new Map([${cases.join(",\n")}]);
    return (r, counts) => { const calls = counts.get(r.session) ?? 0; ${whole(visit)} };`;
  return new Function("combined", source)(combined) as Decide<Answer>;
}
