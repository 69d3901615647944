/**
 * What this process has seen of a store, kept on the disk of this machine (SPEC §7.6): so that a fleet which ends
 * together with a Redis that loses data knows afterwards that there was more. A process writes it down before anybody
 * hears of what it saw; it is in the file when the process is killed, and on the disk a second later.
 */
import { closeSync, constants, fdatasync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { messageOf } from "../../fault.ts";
import { parseJsonText } from "../../json-text.ts";
import { onlyFiles } from "../../only-files.ts";
import { StateUnavailable } from "../store.ts";

export interface Sighting {
  /** Names what the store has been since the last loss that was confirmed. */
  readonly generation: string;
  /** Changes that it had acknowledged. */
  readonly writes: number;
}

export interface Sightings {
  /** Of the process before; missing where there was none. */
  readonly last: Sighting | undefined;
  /** Throws `StateUnavailable` where it cannot be kept. */
  keep(sighting: Sighting): void;
  /** Resolves once it survives the machine too. */
  sync(): Promise<void>;
  close(): void;
}

/** Written over in place: one block of the disk, which is there or not. */
const LENGTH = 512;

const READ_WRITE = constants.O_RDWR | constants.O_CREAT;

/** `place` says of which store, for people. Throws where the file cannot be used, or holds something else. */
export function openSightings(path: string, place: string): Sightings {
  onlyFiles([path]);
  const file = openSync(path, READ_WRITE, 0o600);
  try {
    return new SightingFile(file, path, place);
  } catch (fault) {
    closeSync(file);
    throw fault;
  }
}

class SightingFile implements Sightings {
  readonly last: Sighting | undefined;
  readonly #path: string;
  readonly #place: string;
  /** Missing once it is closed: its number may be another file's by then. */
  #file: number | undefined;

  constructor(file: number, path: string, place: string) {
    this.last = readSighting(file, path);
    this.#file = file;
    this.#path = path;
    this.#place = place;
  }

  keep(sighting: Sighting): void {
    const text = JSON.stringify({ place: this.#place, ...sighting });
    const bytes = Buffer.from(`${text.padEnd(LENGTH - 1)}\n`);
    try {
      if (this.#file === undefined) throw new Error("it is closed");
      const written = writeSync(this.#file, bytes, 0, bytes.length, 0);
      if (written !== bytes.length) throw new Error("it was not written whole");
    } catch (fault) {
      const why = messageOf(fault);
      throw new StateUnavailable(`cannot keep what was seen of Redis in ${this.#path}: ${why}`, {
        cause: fault,
      });
    }
  }

  async sync(): Promise<void> {
    if (this.#file !== undefined) await promisify(fdatasync)(this.#file);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

function readSighting(file: number, path: string): Sighting | undefined {
  if (fstatSync(file).size === 0) return undefined;
  const bytes = Buffer.alloc(LENGTH);
  const text = bytes.toString("utf8", 0, readSync(file, bytes, 0, LENGTH, 0));
  const sighting = sightingIn(text);
  if (sighting !== undefined) return sighting;
  throw new Error(
    `${path} does not say what was seen of Redis; where nothing can be missing there, remove it`,
  );
}

function sightingIn(text: string): Sighting | undefined {
  try {
    const { generation, writes } = parseJsonText(text) as Readonly<Record<string, unknown>>;
    if (typeof generation !== "string" || generation === "") return undefined;
    if (typeof writes !== "number" || !Number.isSafeInteger(writes)) return undefined;
    return { generation, writes };
  } catch {
    return undefined;
  }
}
