/**
 * What outlives a restart: which bundle is the newest that was decided by, and its bytes, for a start while its
 * source is out of reach. Both are written before a bundle is decided by.
 */
import { readFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import { canonicalJson } from "../canonical-json.ts";
import { isMissing, messageOf } from "../fault.ts";
import { readJson } from "../json.ts";
import { onlyFiles } from "../only-files.ts";
import { isObject } from "../value-reader.ts";
import type { Floor } from "./admit.ts";

export interface FloorStore {
  present(): Floor | undefined;
  /** Rejects where it cannot be written. */
  record(floor: Floor, bytes: Uint8Array): Promise<void>;
  /** Path of the bundle that was recorded last. */
  readonly saved: string;
}

/** What cannot be read is not taken for nothing: with it gone, an old bundle would be let in. */
export class FloorUnreadable extends Error {}

const FLOOR_FILE = "bundle.json";
const SAVED_FILE = "bundle.writb";

/** `directory` is there, and nobody else writes to it. */
export function openFloor(directory: string): FloorStore {
  const path = join(directory, FLOOR_FILE);
  const saved = join(directory, SAVED_FILE);
  let present = readFloor(path);
  return {
    present: () => present,
    saved,
    async record(floor, bytes) {
      if (canonicalJson(floor) === canonicalJson(present ?? null)) return;
      // The bundle first: a floor that names one which is not there would let nothing start.
      await replace(saved, bytes);
      await replace(path, Buffer.from(`${canonicalJson(floor)}\n`));
      present = floor;
    },
  };
}

function readFloor(path: string): Floor | undefined {
  const bytes = readIfThere(path);
  if (bytes === undefined) return undefined;
  const reading = readJson(bytes);
  const json: unknown = reading.ok ? reading.value : undefined;
  if (isFloor(json)) return json;
  throw new FloorUnreadable(
    `${path} does not say which bundle is the newest: it was changed or cut off`,
  );
}

/** Throws `FloorUnreadable` where that cannot be told: what cannot be reached may be there. */
function readIfThere(path: string): Buffer | undefined {
  try {
    onlyFiles([path]);
    return readFileSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new FloorUnreadable(`${path} cannot be read: ${messageOf(error)}`);
  }
}

function isFloor(json: unknown): json is Floor {
  return (
    isObject(json) &&
    typeof json.package === "string" &&
    Number.isSafeInteger(json.serial) &&
    typeof json.manifest === "string"
  );
}

/** Whole and on the disk, or as it was. */
export async function replace(path: string, bytes: Uint8Array): Promise<void> {
  const partial = `${path}.partial`;
  onlyFiles([partial, path]);
  const file = await open(partial, "w", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
  const directory = await open(join(path, ".."), "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
