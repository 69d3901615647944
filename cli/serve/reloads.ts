/** Tells of reloads: a line each for people, a JSON document each with `--json`. */
import type { ActivePolicy } from "../../engine/active.ts";
import type { ReloadEvent } from "../../engine/bundles/reload.ts";
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
      return `${paint("green", "decides by")} ${spellPolicy(event.policy)}: ${tests}\n`;
    }
    case "refused": {
      const { code, because } = event.refusal;
      return `${paint("red", "not loaded")} ${printable(event.source)}: ${printable(because)} (${code})\n`;
    }
    case "recovered":
      return `${paint("green", "as it should be")}: ${printable(event.source)}\n`;
  }
}
