/** Replayed requests as people and machines read them. */
import type { Decision } from "../../engine/decision.ts";
import { count, type Paint, table } from "../terminal.ts";
import type { Case } from "./cases.ts";
import { callText, cut, moreText } from "./report.ts";
import { foundCall } from "./score.ts";

export interface PlayedCase {
  readonly one: Case;
  readonly decision: Decision;
  readonly unseenCount: number;
  /** What was expected and did not come. */
  readonly wrong?: string;
}

export function wrongWith(
  { expect, rule }: Case,
  { decision, code, reasons }: Decision,
): string | undefined {
  if (expect !== undefined && expect !== decision) return `expected ${expect}`;
  if (rule === undefined) return undefined;
  const named = reasons.some(
    (reason) =>
      reason.rule === rule || reason.rule.endsWith(`/${rule}`) || reason.tags?.includes(rule),
  );
  return named || code === rule ? undefined : `expected it to name ${rule}`;
}

export function casesJson(played: readonly PlayedCase[], wrong: readonly PlayedCase[]) {
  return {
    requests: played.length,
    expected: played.filter(({ one }) => isExpecting(one)).length,
    unlabelled: unseenIn(played),
    wrong: wrong.map(({ one, decision, wrong: why }) => ({
      name: one.name,
      why,
      expect: one.expect,
      rule: one.rule,
      decision,
    })),
    decisions: played.map(({ one, decision }) => ({
      name: one.name,
      group: one.group,
      ...decision,
    })),
  };
}

export function unseenIn(played: readonly PlayedCase[]): number {
  return played.reduce((sum, { unseenCount }) => sum + unseenCount, 0);
}

export function casesTable(played: readonly PlayedCase[]): string {
  const groups = groupsOf(played, ({ one }) => one.group);
  const rows = [...groups].map(([group, of]) => countRow(cut(group, 60), of));
  const total = rows.length > 1 ? [countRow("all", played)] : [];
  return table([["", ...COUNTED], ...rows, ...total], "lrrrrr");
}

/** Those with most to look at first; nothing where no run has a second request. */
export function runsTable(played: readonly PlayedCase[], limit: number): string {
  const runs = groupsOf(
    played.filter(({ one }) => one.run !== undefined),
    ({ one }) => one.run ?? "",
  );
  if ([...runs.values()].every((of) => of.length === 1)) return "";
  const stopped = (of: readonly PlayedCase[]) =>
    of.filter(({ decision }) => decision.decision !== "allow").length;
  const sorted = [...runs].sort(([, a], [, b]) => stopped(b) - stopped(a));
  const rows = sorted.slice(0, limit).map(([run, of]) => countRow(cut(run, 60), of));
  return `\n${table([["run", ...COUNTED], ...rows], "lrrrrr")}${moreText(sorted.length - rows.length)}`;
}

const COUNTED = ["requests", "allow", "hold", "deny", "as expected"];

function countRow(name: string, of: readonly PlayedCase[]): string[] {
  const decided = (wanted: Decision["decision"]) =>
    String(of.filter(({ decision }) => decision.decision === wanted).length);
  const expected = of.filter(({ one }) => isExpecting(one));
  const met = expected.filter(({ wrong }) => wrong === undefined).length;
  const kept = expected.length === 0 ? "–" : `${met}/${expected.length}`;
  return [name, String(of.length), decided("allow"), decided("hold"), decided("deny"), kept];
}

function isExpecting({ expect, rule }: Case): boolean {
  return expect !== undefined || rule !== undefined;
}

/** In the order of their names. */
function groupsOf(
  played: readonly PlayedCase[],
  nameOf: (one: PlayedCase) => string,
): ReadonlyMap<string, PlayedCase[]> {
  const groups = new Map<string, PlayedCase[]>();
  for (const one of played) {
    const name = nameOf(one);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [one]);
    else group.push(one);
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

export function rulesTable(played: readonly PlayedCase[]): string {
  const counts = new Map<string, { effect: string; name: string; times: number }>();
  for (const { decision } of played) {
    const named = decision.reasons.map(({ effect, rule }) => ({
      effect: effect as string,
      name: rule,
    }));
    const causes =
      named.length > 0 || decision.code === undefined
        ? named
        : [{ effect: "deny", name: decision.code as string }];
    for (const { effect, name } of causes) {
      const key = `${effect} ${name}`;
      const known = counts.get(key) ?? { effect, name, times: 0 };
      known.times += 1;
      counts.set(key, known);
    }
  }
  const rows = [...counts.values()].sort((a, b) => b.times - a.times || (a.name < b.name ? -1 : 1));
  return table(
    [
      ["because of", "", "times"],
      ...rows.map(({ effect, name, times }) => [name, effect, String(times)]),
    ],
    "llr",
  );
}

export function wrongText(
  played: readonly PlayedCase[],
  wrong: readonly PlayedCase[],
  limit: number,
  paint: Paint,
): string {
  const expected = played.filter(({ one }) => isExpecting(one)).length;
  if (expected === 0) return "";
  if (wrong.length === 0)
    return `\n${paint("green", "ok")}: ${count(expected, "request")} decided as expected\n`;
  const shown = wrong.slice(0, limit).map(({ one, decision, wrong: why }) => {
    return `  ${cut(one.name)}: ${why}\n${callText(foundCall(one.step.request, decision), paint)}`;
  });
  const head = `${wrong.length} of ${count(expected, "request")} not decided as expected`;
  return `\n${paint("red", head)}\n${shown.join("")}${moreText(wrong.length - shown.length)}`;
}
