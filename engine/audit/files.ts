/** Which files make a log: `audit.jsonl`, what was rotated out of it, its latest checkpoint, and its lock. */
import { basename, dirname, join } from "node:path";

/** The latest checkpoint, alone in a file that can be copied to where the writer cannot reach it. */
export function checkpointFile(path: string): string {
  return `${path}.checkpoint`;
}

/** Names the log for as long as it goes on, whatever becomes of its oldest files. */
export function nameFile(path: string): string {
  return `${path}.name`;
}

/** Held by whoever writes the log, and empty. */
export function lockFile(path: string): string {
  return `${path}.lock`;
}

/** `audit.000001.jsonl` of `audit.jsonl`. */
export function rotatedFile(path: string, number: number): string {
  const { stem, extension } = parted(basename(path));
  return join(dirname(path), `${stem}.${String(number).padStart(6, "0")}${extension}`);
}

/** Of the files beside a log, those that were rotated out of it: oldest first. */
export function rotatedAmong(names: readonly string[], path: string): readonly number[] {
  const { stem, extension } = parted(basename(path));
  return names
    .flatMap((name) => {
      const number = name.slice(stem.length + 1, name.length - extension.length);
      const isOurs = name === `${stem}.${number}${extension}` && /^\d{6,9}$/.test(number);
      return isOurs ? [Number(number)] : [];
    })
    .sort((a, b) => a - b);
}

function parted(name: string): { readonly stem: string; readonly extension: string } {
  const dot = name.lastIndexOf(".");
  return dot > 0
    ? { stem: name.slice(0, dot), extension: name.slice(dot) }
    : { stem: name, extension: "" };
}
