/** Logs of a few records, for tests that break them. */
import { type AuditLog, type LogParts, openLog } from "../../engine/audit/log.ts";
import { type Signer, signerOf } from "../../engine/audit/note.ts";
import { type Verification, verifyLog } from "../../engine/audit/verify.ts";
import { type MemoryDisk, memoryDisk } from "./disk.ts";
import { START } from "./engine.ts";

export const SIGNER = signerNamed("writ.example/audit", 1);

export function signerNamed(name: string, seed: number): Signer {
  const signer = signerOf(name, Buffer.alloc(32, seed));
  if (signer === undefined) throw new Error(`no key is called ${name}`);
  return signer;
}

let logCount = 0;

/** Locks are kept for the process, so every log of every test has a place of its own. */
export function anyPath(): string {
  return `/log-${++logCount}/audit.jsonl`;
}

export interface Opened {
  readonly disk: MemoryDisk;
  readonly path: string;
  readonly log: AuditLog;
  readonly troubles: string[];
}

export async function openMemoryLog(
  parts: Partial<LogParts> & { readonly disk?: MemoryDisk } = {},
): Promise<Opened> {
  const { disk = memoryDisk(), path = anyPath() } = parts;
  const troubles: string[] = [];
  const log = await openLog({
    origin: "writ.example/audit",
    signer: SIGNER,
    sync: false,
    clock: () => START,
    onTrouble: (message) => void troubles.push(message),
    ...parts,
    disk,
    path,
  });
  return { disk, path, log, troubles };
}

/** A closed log of so many records beside its own. */
export async function logOf(
  count: number,
  parts: Parameters<typeof openMemoryLog>[0] = {},
): Promise<Opened> {
  const opened = await openMemoryLog(parts);
  for (let n = 0; n < count; n++) {
    opened.log.append({ kind: "decision", id: `d-${n}`, decision: "deny" });
    if (n % 7 === 0) await opened.log.written();
  }
  await opened.log.close();
  return opened;
}

export function verify(
  disk: MemoryDisk,
  path: string,
  parts: Partial<Parameters<typeof verifyLog>[0]> = {},
): Promise<Verification> {
  return verifyLog({ disk, path, verifiers: [SIGNER], anchors: [], live: false, ...parts });
}
