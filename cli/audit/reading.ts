/** A log as the subcommands of `writ audit` read it: verified on the way, so that nothing is shown unseen. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { DISK } from "../../engine/audit/disk.ts";
import type { Verifier } from "../../engine/audit/note.ts";
import { type Anchor, type Verification, verifyLog } from "../../engine/audit/verify.ts";
import { parseJsonText } from "../../engine/json-text.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { readText } from "../files.ts";
import { HOME } from "../serve/home.ts";
import { count, painter } from "../terminal.ts";
import { PUBLIC_SUFFIX, readVerifyingKey } from "./keys.ts";

export const USUAL_LOG = join(HOME, "audit.jsonl");
export const USUAL_KEY = join(HOME, "audit.key");

export const READING_OPTIONS: readonly Option[] = [
  {
    name: "key",
    value: "KEY",
    repeatable: true,
    help: `who signs checkpoints: a .pub file or its text (${USUAL_KEY}${PUBLIC_SUFFIX}, where there is one)`,
  },
  {
    name: "anchor",
    value: "FILE",
    repeatable: true,
    help: "a checkpoint of this log that was kept elsewhere",
  },
  { name: "live", help: "the log is being written: its end may be ahead of its last checkpoint" },
];

export type ReadRecord = { readonly kind: string } & Readonly<Record<string, unknown>>;

/** `onRecord` is called with each record that follows from the ones before. */
export async function readLog(
  file: string | undefined,
  input: Input,
  io: Io,
  onRecord?: (record: ReadRecord) => void,
): Promise<Verification & { readonly verifiers: readonly Verifier[] }> {
  const path = resolve(io.cwd, file ?? USUAL_LOG);
  if (!existsSync(path)) {
    throw new Misuse(`there is no log \`${file ?? USUAL_LOG}\``, "`writ serve` writes one");
  }
  const verifiers = verifiersFor(input, io);
  const verification = await verifyLog({
    disk: DISK,
    path,
    verifiers,
    anchors: (input.lists.get("anchor") ?? []).map((name) => anchorAt(name, io)),
    live: input.flags.has("live"),
    ...(onRecord === undefined
      ? {}
      : { onRecord: (json) => onRecord(parseJsonText(json) as ReadRecord) }),
  });
  return { ...verification, verifiers };
}

function verifiersFor({ lists }: Input, { cwd }: Io): readonly Verifier[] {
  const given = lists.get("key") ?? [];
  if (given.length > 0) return given.map((one) => readVerifyingKey(one, resolve(cwd, one)));
  const usual = resolve(cwd, `${USUAL_KEY}${PUBLIC_SUFFIX}`);
  return existsSync(usual) ? [readVerifyingKey(usual, usual)] : [];
}

const ANCHOR_BYTES_MAX = 64 * 1024;

function anchorAt(name: string, { cwd }: Io): Anchor {
  return { name, note: readText(resolve(cwd, name), ANCHOR_BYTES_MAX) };
}

/** On standard error, for commands that show what is in a log: false where it cannot be believed. */
export function warnOf({ ok, findings }: Verification, io: Io): boolean {
  if (ok) return true;
  const paint = painter(io);
  io.err(`${paint("red", "the log cannot be believed")}: ${count(findings.length, "finding")}\n`);
  for (const finding of findings) io.err(`  ${spellFinding(finding)}\n`);
  return false;
}

export function spellFinding({ file, line, what }: Verification["findings"][number]): string {
  return `${line === undefined ? file : `${file}:${line}`}: ${what}`;
}
