/** The audit log of a service (SPEC §14): where it is, what is recorded, and who signs it. */
import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { createAudit } from "../../engine/audit/audited.ts";
import { DISK } from "../../engine/audit/disk.ts";
import { lockFile } from "../../engine/audit/files.ts";
import { LogInUse } from "../../engine/audit/lock.ts";
import { type AuditLog, openLog } from "../../engine/audit/log.ts";
import type { Signer } from "../../engine/audit/note.ts";
import { readPointer } from "../../engine/audit/pointer.ts";
import type { OperatorAction, RecordOptions } from "../../engine/audit/record.ts";
import { LogDamaged } from "../../engine/audit/recover.ts";
import type { EvidenceSink } from "../../engine/evidence.ts";
import { messageOf } from "../../engine/fault.ts";
import {
  type AdminEvent,
  type DecisionService,
  type Vitals,
  Waits,
} from "../../engine/http/index.ts";
import { readSigningKey } from "../audit/keys.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { HOME, openHome } from "./home.ts";

export const AUDIT_FILE = "audit.jsonl";
export const AUDIT_KEY = "audit.key";

export const AUDIT_OPTIONS: readonly Option[] = [
  {
    name: "audit",
    value: "FILE",
    help: `where decisions are recorded (${HOME}/${AUDIT_FILE}), or off`,
  },
  { name: "audit-sync", help: "answer once a record survives the machine, not only the process" },
  {
    name: "audit-key",
    value: "FILE",
    help: `signs checkpoints (${HOME}/${AUDIT_KEY}, where there is one; see \`writ audit key\`)`,
  },
  {
    name: "audit-field",
    value: "POINTER",
    repeatable: true,
    help: "record this value of requests, such as /tool/args/amount; else no argument is recorded",
  },
  {
    name: "audit-requests",
    help: "record whole requests and what was read, so that `writ audit replay` can decide again",
  },
  {
    name: "audit-omit",
    value: "POINTER",
    repeatable: true,
    help: "with --audit-requests, leave this value out",
  },
];

/** What records decisions, around what decides; where auditing is off, nothing. */
export interface ServedAudit {
  readonly evidence?: EvidenceSink;
  around(service: DecisionService): DecisionService;
  /** For the operators' server: what they do is recorded. */
  readonly admin: { readonly onAdmin?: (event: AdminEvent) => Promise<void> };
  readonly vitals: Pick<Vitals, "audit">;
  /** Of what is done to the service: resolves once it is recorded, and rejects where it cannot be. */
  readonly operator?: (action: OperatorAction) => Promise<void>;
  /** Resolves with why when nothing can be recorded any more: then nothing more can be served. */
  readonly ended: Promise<string>;
  /** Its file, and when that holds all that was decided; missing where nothing is recorded. */
  readonly log?: { readonly path: string; readonly written: () => Promise<void> };
  /** For people: where, and whether signed. */
  readonly shown: string;
  close(): Promise<void>;
}

export async function openAudit(input: Input, io: Io): Promise<ServedAudit> {
  const given = input.values.get("audit");
  if (given === "off") return refuseOthers(input) ?? OFF;
  const home = given === undefined ? openHome(io.cwd) : join(io.cwd, HOME);
  const path = given === undefined ? join(home, AUDIT_FILE) : resolve(io.cwd, given);
  const signer = signerFor(input.values.get("audit-key"), join(home, AUDIT_KEY), io);
  const options = recordOptions(input);
  const log = await openOrRefuse(path, signer, input, io);
  const waits = new Waits();
  const audit = createAudit({ log: timed(log, waits), options, clock: Date.now });
  return {
    vitals: {
      audit: { readiness: () => log.readiness(), waits, queued: () => log.waiting },
    },
    evidence: audit.evidence,
    around: audit.around,
    admin: {
      onAdmin: ({ action, operator, session, label, because, via }) =>
        audit.operator({
          action: `session.${action}`,
          by: operator,
          details: { session, label, because, via },
        }),
    },
    operator: audit.operator,
    ended: log.ended,
    log: { path, written: () => log.written() },
    shown: `${relative(io.cwd, path)}${signer === undefined ? " (not signed: `writ audit key`)" : `, signed by ${signer.name}`}`,
    close: () => log.close(),
  };
}

/** As much of a log as answers wait for. */
function timed(log: AuditLog, waits: Waits): Pick<AuditLog, "append" | "written" | "readiness"> {
  return {
    append: (record) => log.append(record),
    written: () => waits.time(log.written()),
    readiness: () => log.readiness(),
  };
}

const OFF: ServedAudit = {
  around: (service) => service,
  admin: {},
  vitals: {},
  ended: new Promise(() => {}),
  shown: "off",
  close: async () => {},
};

function refuseOthers({ values, flags, lists }: Input): undefined {
  const other = AUDIT_OPTIONS.map(({ name }) => name).find(
    (name) =>
      name !== "audit" &&
      (values.has(name) || flags.has(name) || (lists.get(name) ?? []).length > 0),
  );
  if (other === undefined) return undefined;
  throw new Misuse(`\`--${other}\` records, and \`--audit off\` does not`, "leave one out");
}

function signerFor(given: string | undefined, usual: string, { cwd }: Io): Signer | undefined {
  if (given !== undefined) return readSigningKey(resolve(cwd, given));
  return existsSync(usual) ? readSigningKey(usual) : undefined;
}

function recordOptions({ lists, flags }: Input): RecordOptions {
  const but = pointers("audit-omit", lists.get("audit-omit") ?? []);
  const isWhole = flags.has("audit-requests");
  if (but.length > 0 && !isWhole) {
    throw new Misuse("`--audit-omit` leaves something out of `--audit-requests`", "give both");
  }
  return {
    fields: pointers("audit-field", lists.get("audit-field") ?? []),
    ...(isWhole ? { whole: { but } } : {}),
  };
}

function pointers(option: string, given: readonly string[]): readonly (readonly string[])[] {
  return given.map((text) => {
    const steps = readPointer(text);
    if (steps !== undefined) return steps;
    throw new Misuse(
      `\`--${option} ${text}\` is no JSON pointer to a part of a request`,
      "such as `/tool/args/amount`",
    );
  });
}

async function openOrRefuse(
  path: string,
  signer: Signer | undefined,
  { flags }: Input,
  io: Io,
): Promise<AuditLog> {
  try {
    return await openLog({
      disk: DISK,
      path,
      origin: signer?.name ?? "unsigned",
      signer,
      sync: flags.has("audit-sync"),
      clock: Date.now,
      onTrouble: (message) => io.err(`audit: ${message}\n`),
    });
  } catch (error) {
    const message = messageOf(error);
    if (error instanceof LogInUse) {
      const help = `\`fuser ${lockFile(path)}\` tells by which process; \`--audit FILE\` names another log`;
      throw new Misuse(message, help);
    }
    const help =
      error instanceof LogDamaged
        ? "`writ audit verify` says more; move the log aside to begin a new one"
        : "nothing is decided that cannot be recorded; `--audit FILE` names another place";
    throw new Misuse(`the audit log cannot be written: ${message}`, help);
  }
}
