/** Loads a policy again whenever its files change; what has errors or fails its tests leaves the one before. */
import type { Active } from "../../engine/active.ts";
import { digestOfProgram } from "../../engine/bundle.ts";
import { messageOf } from "../../engine/fault.ts";
import { hasErrors } from "../../lang/diagnostic.ts";
import type { Input, Io } from "../command.ts";
import { diagnosticsJson, renderDiagnostics } from "../diagnostics.ts";
import { compilePackage } from "../files.ts";
import { count, painter, printable } from "../terminal.ts";
import { failedTests } from "../tests.ts";
import { watchPackage } from "../watch.ts";
import type { ActivatePolicy } from "./policy.ts";
import { tellActivated } from "./reloads.ts";

export interface WatchParts {
  readonly active: Active;
  readonly activate: ActivatePolicy;
}

export interface WatchedPolicy {
  /** Why the latest change is not decided by; `undefined` where it is. */
  failing(): string | undefined;
  stop(): void;
}

export function watchPolicy(path: string, input: Input, io: Io, parts: WatchParts): WatchedPolicy {
  let failing: string | undefined;
  let last = Promise.resolve();
  const again = () => {
    last = last.then(async () => {
      failing = await reload(path, input, io, parts);
    });
  };
  const watching = watchPackage(path, io, again);
  // Saved after it was loaded and before it was watched, it would be waited for until it is saved again.
  if (!isStill(parts.active.present()?.digest, path, io)) again();
  return { failing: () => failing, stop: () => watching.stop() };
}

function isStill(digest: string | undefined, path: string, io: Io): boolean {
  try {
    const { program, diagnostics } = compilePackage(path, io);
    return program !== undefined && !hasErrors(diagnostics) && digestOfProgram(program) === digest;
  } catch {
    return false;
  }
}

/** Why it was not loaded: also told. */
async function reload(
  path: string,
  input: Input,
  io: Io,
  { activate }: WatchParts,
): Promise<string | undefined> {
  try {
    const compiled = compilePackage(path, io);
    const { program, tests, diagnostics } = compiled;
    if (program === undefined || hasErrors(diagnostics)) {
      const because = "it has errors";
      refuse(
        { because, diagnostics: diagnosticsJson(compiled) },
        renderDiagnostics(compiled, io),
        input,
        io,
      );
      return because;
    }
    const failed = input.flags.has("no-test") ? [] : failedTests({ program, tests });
    if (failed.length > 0) {
      const because = `${failed.length} of ${count(tests.length, "test")} failed`;
      refuse({ because, failed }, failed.map((name) => `  ${name}\n`).join(""), input, io);
      return because;
    }
    const digest = digestOfProgram(program);
    // Comments and layout change places, which decisions name, and leave the digest.
    await activate({ program, digest });
    const ran = input.flags.has("no-test")
      ? "tests not run"
      : `${count(tests.length, "test")} passed`;
    tellActivated({ program, digest }, ran, input, io);
    return undefined;
  } catch (error) {
    // A file that is being saved may not be there for a moment; whatever it is, it is no reason to stop deciding.
    const because = messageOf(error);
    refuse({ because }, "", input, io);
    return because;
  }
}

function refuse(
  why: { readonly because: string } & Readonly<Record<string, unknown>>,
  details: string,
  { json }: Input,
  io: Io,
): void {
  if (json) {
    io.out(`${JSON.stringify({ event: "policy_refused", ...why })}\n`);
    return;
  }
  const kept = painter(io)("dim", "what was loaded before still decides");
  io.err(`${details}${painter(io)("red", "not loaded")}: ${printable(why.because)}; ${kept}\n`);
}
