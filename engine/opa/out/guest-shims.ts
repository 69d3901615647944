/** What the engine takes from Node, for QuickJS, which has none of it: hashes, generated code, URLs. */
import "./guest-text.ts";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import machine from "whatwg-url/lib/url-state-machine.js";

/** Of `node:crypto`: SHA-256 in hexadecimal is all that is asked for. */
export function hash(algorithm: string, input: string | Uint8Array, encoding: string): string {
  if (algorithm !== "sha256" || encoding !== "hex") throw new Error("a module has SHA-256 alone");
  return bytesToHex(sha256(typeof input === "string" ? utf8ToBytes(input) : input));
}

/** The same in two steps. */
export function createHash(algorithm: string): Hashing {
  return { update: (text) => ({ digest: (encoding) => hash(algorithm, text, encoding) }) };
}

interface Hashing {
  update(text: string): { digest(encoding: string): string };
}

/** Of `node:crypto`: decisions of a module are named by its host. */
export function randomBytes(): never {
  throw new Error("a module has no chance");
}

/** Of `node:vm`: QuickJS has one context, and the module is all there is in it. */
export function compileFunction(source: string, names: readonly string[]): unknown {
  return new Function(...names, source);
}

/** As `lang/scalar/url.ts` reads it. */
class Url {
  readonly #record: machine.URLRecord;

  constructor(text: string) {
    const record = machine.parseURL(text);
    if (record === null) throw new TypeError("not an absolute URL");
    this.#record = record;
  }

  get protocol(): string {
    return `${this.#record.scheme}:`;
  }
  get hostname(): string {
    return this.#record.host === null ? "" : machine.serializeHost(this.#record.host);
  }
  get port(): string {
    return this.#record.port === null ? "" : String(this.#record.port);
  }
  get host(): string {
    return this.port === "" ? this.hostname : `${this.hostname}:${this.port}`;
  }
  get pathname(): string {
    return machine.serializePath(this.#record);
  }
  get search(): string {
    return marked("?", this.#record.query);
  }
  get hash(): string {
    return marked("#", this.#record.fragment);
  }
  get href(): string {
    return machine.serializeURL(this.#record);
  }
}

function marked(mark: string, text: string | null): string {
  return text === null || text === "" ? "" : mark + text;
}

Object.assign(globalThis, { URL: Url });
