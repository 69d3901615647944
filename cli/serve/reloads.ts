/** Tells of reloads: a line each for people, a JSON document each with `--json`. */
import type { ActivePolicy } from "../../engine/active.ts";
import type { OperatorAction } from "../../engine/audit/record.ts";
import type { ReloadEvent, ReloadStatus } from "../../engine/bundles/reload.ts";
import { spellTime } from "../../lang/scalar/time.ts";
import type { Input, Io } from "../command.ts";
import { count, painter, printable } from "../terminal.ts";

/** `acme.payments r7 (11 rules, sha256:91c2f0d4e77a…)` */
export function spellPolicy({ program, digest, revision }: Omit<ActivePolicy, "service">): string {
  const named = revision === undefined ? "" : ` ${printable(revision)}`;
  const rules = count(program.rules.length, "rule");
  return `${program.package}${named} (${rules}, ${digest.slice(0, 19)}…)`;
}

export function policyJson({ program, digest, revision }: Omit<ActivePolicy, "service">) {
  return {
    package: program.package,
    digest,
    ...(revision === undefined ? {} : { revision }),
    rules: program.rules.length,
  };
}

/** `tests`: what they came to, where there are any. */
export function tellActivated(
  policy: Omit<ActivePolicy, "service">,
  tests: string,
  { json }: Input,
  io: Io,
): void {
  if (json) {
    io.out(`${JSON.stringify({ event: "policy_activated", policy: policyJson(policy) })}\n`);
    return;
  }
  io.out(spellActivated(policy, tests, io));
}

function spellActivated(policy: Omit<ActivePolicy, "service">, tests: string, io: Io): string {
  const how = tests === "" ? "" : `: ${tests}`;
  return `${painter(io)("green", "decides by")} ${spellPolicy(policy)}${how}\n`;
}

/** Nothing was changed, so nothing waits for it; a log that cannot be written says so itself. */
export function recordRefusal(
  { refusal, source }: Extract<ReloadEvent, { kind: "refused" }>,
  record: ((action: OperatorAction) => Promise<void>) | undefined,
): void {
  const { code, because } = refusal;
  const details = { source, code, because };
  record?.({ action: "bundle.refuse", by: "service", details }).catch(() => {});
}

/** What operators should know while decisions are made all the same. */
export function warningsOf({ failing, expiresMs }: ReloadStatus, nowMs: number): readonly string[] {
  const warnings: string[] = [];
  if (expiresMs !== undefined && nowMs >= expiresMs) {
    warnings.push(`the bundle has expired on ${spellTime(expiresMs)}`);
  }
  if (failing !== undefined) {
    warnings.push(`the last reload failed: ${failing.because} (${failing.code})`);
  }
  return warnings;
}

export function tellReload(event: ReloadEvent, input: Input, io: Io): void {
  if (input.json) io.out(`${JSON.stringify(eventJson(event))}\n`);
  else if (event.kind === "refused") io.err(spellEvent(event, io));
  else io.out(spellEvent(event, io));
}

function eventJson(event: ReloadEvent): object {
  switch (event.kind) {
    case "activated": {
      const { manifest, keyId, testCount } = event.passed;
      const { serial, expires } = manifest;
      const policy = { ...policyJson(event.policy), serial, expires };
      return { event: "policy_activated", policy, signedBy: keyId, tests: testCount };
    }
    case "refused": {
      const { code, because } = event.refusal;
      return { event: "policy_refused", source: event.source, code, because };
    }
    case "recovered":
      return { event: "policy_recovered", source: event.source };
  }
}

function spellEvent(event: ReloadEvent, io: Io): string {
  const paint = painter(io);
  switch (event.kind) {
    case "activated": {
      const { keyId, testCount } = event.passed;
      const tests = `${count(testCount, "test")} passed, signed by ${keyId}`;
      return spellActivated(event.policy, tests, io);
    }
    case "refused": {
      const { code, because } = event.refusal;
      return `${paint("red", "not loaded")} ${printable(event.source)}: ${printable(because)} (${code})\n`;
    }
    case "recovered":
      return `${paint("green", "as it should be")}: ${printable(event.source)}\n`;
  }
}
