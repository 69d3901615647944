/** Signed bundles for tests, made of a few lines. */

import { type Making, makeSignedBundle } from "../../engine/bundles/contents.ts";
import { FIRST_LINE } from "../../engine/bundles/signed.ts";
import { canonicalJson } from "../../engine/canonical-json.ts";
import { digestOfBytes } from "../../engine/digest.ts";
import { makeKeyPair, readSigningKey, type SigningKey } from "../../engine/signing-key.ts";
import { compile } from "../../lang/compile.ts";
import type { Program } from "../../lang/ir.ts";
import { START } from "./engine.ts";

export function newKey(): SigningKey {
  const reading = readSigningKey(makeKeyPair().privatePem);
  if (!reading.ok) throw new Error(reading.why);
  return reading.key;
}

/** Permits everything to `bot`, and says by which serial; its one test holds. */
export function policyText(serial: number): string {
  return `package example
tool ask { effect read }
counter asked = count allowed ask per session
permit asking
  tool ask
  when asked < 1000000
  because "by ${serial}"
test "bot asks" {
  given agent "bot"
  when ask then allow by asking
}
`;
}

/** A bundle of `text`, which stands in one file, with `change` made to its program. */
export function bundleOf(
  text: string,
  key: SigningKey,
  {
    change = (program) => program,
    ...more
  }: Partial<Making> & { readonly change?: (program: Program) => Program } = {},
): Buffer {
  const files = [{ path: "policy.writ", text }];
  const { program: compiled, tests, diagnostics } = compile({ directory: "test", files });
  if (compiled === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  const program = change(compiled);
  const making = { program, tests, sources: files, serial: 1, createdMs: START, keys: [key] };
  return Buffer.from(makeSignedBundle({ ...making, ...more }));
}

export interface Taken {
  // biome-ignore lint/suspicious/noExplicitAny: broken on purpose
  manifest: any;
  parts: Buffer[];
}

/** The bundle with its manifest and parts changed and signed again: what only whoever holds the key could send. */
export function resigned(bundle: Buffer, key: SigningKey, change: (taken: Taken) => void): Buffer {
  const { manifest, parts } = takeApart(bundle);
  const taken: Taken = { manifest: JSON.parse(manifest), parts };
  change(taken);
  return signedText(canonicalJson(taken.manifest), taken.parts, key);
}

/** Parts listed as they now are. */
export function relist({ manifest, parts }: Taken): void {
  for (const [index, part] of parts.entries()) {
    Object.assign(manifest.parts[index], { bytes: part.length, digest: digestOfBytes(part) });
  }
}

export function signedText(manifest: string, parts: readonly Buffer[], key: SigningKey): Buffer {
  const signed = Buffer.from(`${FIRST_LINE}\n${manifest}\n`);
  const signature = Buffer.from(key.sign(signed)).toString("base64");
  return Buffer.concat([signed, Buffer.from(`signed ${key.id} ${signature}\n\n`), ...parts]);
}

function takeApart(bundle: Buffer): { readonly manifest: string; readonly parts: Buffer[] } {
  const headEnd = bundle.indexOf("\n\n") + 2;
  const manifest = bundle.toString("utf8").split("\n")[1] ?? "";
  let at = headEnd;
  const parts = JSON.parse(manifest).parts.map(({ bytes }: { bytes: number }) => {
    at += bytes;
    return Buffer.from(bundle.subarray(at - bytes, at));
  });
  return { manifest, parts };
}
