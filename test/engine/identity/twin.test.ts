/** One token by ECDSA has two texts, of which anybody who has one can make the other. */
import { generateKeyPairSync } from "node:crypto";
import { CompactSign, compactVerify } from "jose";
import { describe, expect, test } from "vitest";
import { digestOfToken } from "../../../engine/identity/token.ts";
import { twinOf } from "../../../engine/identity/twin.ts";
import { MemoryLedger } from "../../../engine/ledger/memory.ts";
import { Revocations } from "../../../engine/revocations/revocations.ts";
import { START } from "../../support/engine.ts";
import { causeOf, chainOf, issuerOf, LINKS, signer, verifierOf } from "../../support/identity.ts";

const CURVES = [
  ["ES256", "P-256"],
  ["ES384", "P-384"],
  ["ES512", "P-521"],
] as const;

describe.each(CURVES)("of %s", (algorithm, namedCurve) => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });

  test("both verify, and each is the other's", async () => {
    for (let count = 0; count < 20; count++) {
      const token = await new CompactSign(Buffer.from(`{"count":${count}}`))
        .setProtectedHeader({ alg: algorithm })
        .sign(privateKey);
      const twin = twinOf({ token, algorithm }) ?? "";
      expect(twin).not.toBe(token);
      await compactVerify(twin, publicKey, { algorithms: [algorithm] });
      expect(twinOf({ token: twin, algorithm })).toBe(token);
    }
  });
});

test("a token of another algorithm has none", () => {
  expect(twinOf({ token: "a.b.c", algorithm: "Ed25519" })).toBeUndefined();
  expect(twinOf({ token: "a.b.c", algorithm: "toString" })).toBeUndefined();
});

test("a token that was revoked by its digest is revoked in either spelling", async () => {
  const issuer = signer("ES256");
  const { tokens } = await chainOf(["alice", "bot"], issuer);
  const [token = ""] = tokens;
  const twin = twinOf({ token, algorithm: "ES256" }) ?? "";
  for (const named of [token, twin]) {
    const revocations = new Revocations({ ledger: new MemoryLedger(), now: () => START });
    const verifier = await verifierOf(
      [issuerOf(issuer, { type: "link", issuer: LINKS, roots: ["alice"] })],
      { revocations },
    );
    expect(causeOf(await verifier.verify([twin]))).toBe("ok");
    const id = digestOfToken(named);
    await revocations.revoke({ kind: "token", id, by: "ann", because: "ticket 1" });
    expect(causeOf(await verifier.verify([token]))).toBe("revoked");
    expect(causeOf(await verifier.verify([twin]))).toBe("revoked");
  }
});
