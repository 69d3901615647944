/**
 * Signatures and keys as others have got them wrong: Wycheproof's JOSE suites, the JOSE cookbook, SPIFFE's own
 * cases.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ALGORITHMS } from "../../../engine/identity/jwk.ts";
import { readCompactJws } from "../../../engine/identity/jws.ts";
import { readKeySet } from "../../../engine/identity/key-set.ts";
import { parseSpiffeId } from "../../../engine/identity/spiffe.ts";
import { verifySignature } from "../../../engine/identity/verify.ts";
import { dataFolder } from "../../support/data.ts";

const folder = dataFolder("vectors");

interface Case {
  readonly tcId: number;
  readonly comment: string;
  readonly jws: string;
  readonly result: string;
}

interface Group {
  readonly comment: string;
  readonly public?: Readonly<Record<string, unknown>>;
  readonly private?: Readonly<Record<string, unknown>>;
  readonly tests: readonly Case[];
}

function suite(name: string): readonly Group[] {
  if (folder === undefined) return [];
  return JSON.parse(readFileSync(join(folder, `wycheproof.${name}.json`), "utf8")).testGroups;
}

function lines<Line>(name: string): readonly Line[] {
  if (folder === undefined) return [];
  const text = readFileSync(join(folder, name), "utf8").trimEnd();
  return text.split("\n").map((line) => JSON.parse(line) as Line);
}

/** As an issuer's token is verified: the group's keys are the issuer's, and every algorithm is configured. */
async function verified(jws: string, keys: unknown): Promise<string> {
  const set = readKeySet(keys);
  if (!set.ok) return `set: ${set.why}`;
  const read = readCompactJws(jws);
  if (!read.ok) return String(read.cause);
  if (!(ALGORITHMS as readonly string[]).includes(read.algorithm)) return "algorithm_refused";
  const chosen = set.set.select(read.keyId, read.algorithm);
  if (!chosen.ok) return String(chosen.cause);
  const result = await verifySignature(read, chosen.key);
  return result.ok ? "accepted" : String(result.cause);
}

/** Valid by their suite, and refused here; each reason is the rule that refuses them. */
const REFUSED_VALID: Readonly<Record<string, readonly number[]>> = {
  "symmetric keys are not accepted": [1, 348, 352, 357, 358, 359, 372, 373, 376, 377],
  "an empty payload is no JSON object": [259, 264, 268, 272, 320, 325],
  "a PS384 signature by a key that is for PS256": [346, 350],
  "a key for `ES521`, which is no algorithm": [347, 351],
};

describe.skipIf(folder === undefined)("Wycheproof", () => {
  test("no forged signature is accepted, and every valid one but those with a reason", async () => {
    const accepted: number[] = [];
    const refused: number[] = [];
    let count = 0;
    for (const group of suite("json_web_signature_test")) {
      for (const { tcId, jws, result } of group.tests) {
        const said = await verified(jws, { keys: [group.public ?? group.private] });
        if (said === "accepted" && result !== "valid") accepted.push(tcId);
        if (said !== "accepted" && result === "valid") refused.push(tcId);
        count++;
      }
    }
    expect(count).toBe(401);
    expect(accepted).toEqual([]);
    expect(refused).toEqual(
      Object.values(REFUSED_VALID)
        .flat()
        .toSorted((a, b) => a - b),
    );
  });

  test("no odd set of keys is used: 26 cases, of which one is valid and asymmetric", async () => {
    const cases = suite("json_web_key_test").flatMap((group) =>
      group.tests.map((one) => ({ ...one, keys: group.public ?? group.private })),
    );
    expect(cases).toHaveLength(26);
    const said = await Promise.all(cases.map(({ jws, keys }) => verified(jws, keys)));
    const accepted = cases.filter((_, index) => said[index] === "accepted");
    expect(accepted.map(({ tcId, result }) => [tcId, result])).toEqual([[5, "valid"]]);
  });

  test.each([
    ["jws_rsa_roca_key", "CVE-2017-15361"],
    ["keysize_too_small", "it has 1024 bits"],
    ["exponentOne", "`e` is not 65537"],
    ["wrong_algorithm", "no algorithm"],
    ["invalid_algorithm", "no algorithm"],
    ["invalid_use", "its use is"],
    ["invalid_point", "no point on its curve"],
    ["wrong_curve", "its size"],
    ["wrong_kty", "`n` is malformed"],
  ])("the key of %s is refused since %s", (comment, why) => {
    const group = suite("json_web_key_test").find((one) => one.comment === comment);
    const set = readKeySet(group?.public);
    expect(set.ok ? set.set.ignored.join() : set.why).toContain(why);
    expect(set.ok && set.set.keys).toEqual([]);
  });
});

test.skipIf(folder === undefined)(
  "the JOSE cookbook's signatures verify, for algorithms that are accepted",
  async () => {
    interface Example {
      readonly title: string;
      readonly input: { readonly key: Readonly<Record<string, unknown>> };
      readonly output: { readonly compact?: string };
    }
    const accepted: string[] = [];
    for (const { title, input, output } of lines<Example>("jose-cookbook-jws.jsonl")) {
      const { d: _, ...key } = input.key;
      if (output.compact === undefined) continue;
      if ((await verified(output.compact, { keys: [key] })) === "accepted") accepted.push(title);
    }
    expect(accepted.map((title) => title.replace(/^.* - /, ""))).toEqual([
      "RSA v1.5 Signature",
      "Ed25519 Signing",
      "RSA-PSS Signature",
      "ECDSA Signature",
    ]);
  },
);

test.skipIf(folder === undefined)(
  "SPIFFE IDs are read as SPIFFE's library reads them: 535 cases",
  () => {
    interface Example {
      readonly input: string;
      readonly valid: boolean;
      readonly trust_domain?: string;
      readonly path?: string;
    }
    const cases = lines<Example>("spiffe-ids.jsonl");
    expect(cases).toHaveLength(535);
    for (const { input, valid, trust_domain, path } of cases) {
      const read = parseSpiffeId(input);
      expect(read.ok, JSON.stringify(input)).toBe(valid);
      if (trust_domain !== undefined)
        expect(read).toMatchObject({ trustDomain: trust_domain, path });
    }
  },
);
