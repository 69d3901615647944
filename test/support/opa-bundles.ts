/** Bundles as `opa build --signing-alg ES256` makes them, of a module and data that tests choose. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { createTar } from "nanotar";

export interface SigningPair {
  readonly privateKey: KeyObject;
  readonly pem: string;
}

export function newPair(): SigningPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { privateKey, pem: publicKey.export({ type: "spki", format: "pem" }).toString() };
}

export interface Bundled {
  readonly revision: string;
  readonly entrypoint: string;
  readonly wasm: Uint8Array;
  /** Members in the order of their names, without blanks: what is signed of JSON is its structure. */
  readonly data: string;
}

export function opaBundle(bundled: Bundled, pair?: SigningPair): Uint8Array {
  const { revision, entrypoint, wasm, data } = bundled;
  const named = [{ entrypoint, module: "/policy.wasm" }];
  const files = new Map<string, string | Uint8Array>([
    [".manifest", JSON.stringify({ revision, wasm: named })],
    ["data.json", data],
    ["policy.wasm", wasm],
  ]);
  if (pair !== undefined) files.set(".signatures.json", signatures(files, pair));
  return gzipSync(createTar([...files].map(([name, content]) => ({ name, data: content }))));
}

function signatures(files: ReadonlyMap<string, string | Uint8Array>, pair: SigningPair): string {
  const listed = [...files].map(([name, content]) => ({
    name,
    hash: createHash("sha256").update(content).digest("hex"),
    algorithm: "SHA-256",
  }));
  const encode = (json: object) => Buffer.from(JSON.stringify(json)).toString("base64url");
  const text = `${encode({ alg: "ES256" })}.${encode({ files: listed })}`;
  const key = { key: pair.privateKey, dsaEncoding: "ieee-p1363" } as const;
  const signature = sign("sha256", Buffer.from(text), key).toString("base64url");
  return JSON.stringify({ signatures: [`${text}.${signature}`] });
}

/** A bundle service: what it holds, and whether it holds requests back until that changes. */
export class BundleService {
  bytes: Uint8Array = new Uint8Array();
  status = 200;
  longPolls = false;
  /** Says that it holds requests back, and does not. */
  pretends = false;
  readonly asked: {
    readonly etag: string | undefined;
    readonly prefer: string;
    readonly authorization: string | undefined;
  }[] = [];
  readonly #held: (() => void)[] = [];
  readonly #server = createServer((request, response) => this.#answer(request, response));

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/bundles/authz`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get heldCount(): number {
    return this.#held.length;
  }

  publish(bytes: Uint8Array): void {
    this.bytes = bytes;
    for (const answer of this.#held.splice(0)) answer();
  }

  #answer({ headers }: IncomingMessage, response: ServerResponse): void {
    const prefer = String(headers.prefer ?? "");
    const { "if-none-match": given, authorization } = headers;
    this.asked.push({ etag: given, prefer, authorization });
    const etag = () => `"${createHash("sha256").update(this.bytes).digest("hex")}"`;
    const give = () => {
      if (this.status === 200 && headers["if-none-match"] === etag()) {
        response.writeHead(304, { etag: etag() }).end();
        return;
      }
      const isLong = this.longPolls || this.pretends;
      const type = isLong ? "application/vnd.openpolicyagent.bundles" : "application/gzip";
      response.writeHead(this.status, { etag: etag(), "content-type": type }).end(this.bytes);
    };
    const isHeld = this.longPolls && prefer.includes("wait=");
    if (!isHeld || headers["if-none-match"] !== etag()) {
      give();
      return;
    }
    this.#held.push(give);
    response.once("close", () => {
      const at = this.#held.indexOf(give);
      if (at >= 0) this.#held.splice(at, 1);
    });
  }
}
