/**
 * Makes `link-vectors.json`, and of one of its chains the files that docs/delegation.md shows: chains of links
 * by fixed keys, for whoever writes another verifier. Signatures by Ed25519 are the same each time. `node
 * test/engine/identity/link-vectors.ts` writes it.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { digestOfToken } from "../../../engine/identity/token.ts";
import {
  fixedSigner,
  HERE,
  type Json,
  LINKS,
  linkClaims,
  NOW_S,
  type Signer,
  sign,
} from "../../support/identity.ts";

export const VECTORS = fileURLToPath(new URL("link-vectors.json", import.meta.url));

export interface Vector {
  readonly name: string;
  readonly tokens: readonly string[];
  /** Holders from the root, and the scope in the end; or the cause of the refusal. */
  readonly result:
    | { readonly holders: readonly string[]; readonly scope: readonly string[] }
    | { readonly cause: string };
}

const [issuer, planner, bot, stranger] = [1, 2, 3, 4].map(fixedSigner) as [
  Signer,
  Signer,
  Signer,
  Signer,
];

const signed = (claims: Json, by: Signer) => sign(claims, by, { typ: "writ-link+jwt" });

const first = (more: Json = {}) =>
  signed(
    {
      ...linkClaims("alice", "planner", planner, undefined),
      scope: ["read", "pay"],
      depth: 2,
      ...more,
    },
    issuer,
  );

const second = (parent: string, more: Json = {}, by: Signer = planner) =>
  signed(
    { ...linkClaims("planner", "bot", bot, parent, 1), scope: ["pay"], depth: 1, ...more },
    by,
  );

/** In one order, so that files can be compared. */
export async function makeVectors() {
  const root = await first();
  const narrowed = {
    purpose: "payments",
    tools: { send_money: { amount: { max: 100 }, recipient: { in: ["GB29"] } } },
    exp: NOW_S + 60,
  };
  const vectors: Vector[] = [
    {
      name: "one link",
      tokens: [root],
      result: { holders: ["alice", "planner"], scope: ["read", "pay"] },
    },
    {
      name: "two links, the second narrower in everything",
      tokens: [root, await second(root, narrowed)],
      result: { holders: ["alice", "planner", "bot"], scope: ["pay"] },
    },
    refused("a scope that the first link lacks", "scope_widened", [
      root,
      await second(root, { scope: ["admin"] }),
    ]),
    refused("a longer life", "expiry_widened", [root, await second(root, { exp: NOW_S + 601 })]),
    refused("as much depth as before", "depth_widened", [root, await second(root, { depth: 2 })]),
    refused("a link behind the last", "depth_exceeded", await behindLast()),
    refused("another audience", "audience_widened", [
      root,
      await second(root, { aud: [HERE, "x"] }),
    ]),
    refused("a parent that is another token", "parent_mismatch", [
      root,
      await second(await first({ jti: "x" })),
    ]),
    refused("a link without the one before it", "parent_mismatch", [await second(root)]),
    refused("a link by a stranger", "not_the_delegate", [root, await second(root, {}, stranger)]),
    refused("a giver who never held it", "chain_broken", [
      root,
      await second(root, { from: "mallory" }),
    ]),
    refused("a circle", "cycle", [root, await second(root, { to: "alice" })]),
    refused("an unknown issuer", "issuer_unknown", [await first({ iss: "https://other.example" })]),
    refused("a root that the issuer may not speak for", "root_not_vouched", [
      await first({ from: "bob" }),
    ]),
    refused("an ended link", "token_expired", [await first({ exp: NOW_S })]),
    refused("a link of the future", "token_not_yet_valid", [await first({ iat: NOW_S + 31 })]),
    refused("a link for others", "audience_mismatch", [await first({ aud: ["x"] })]),
    refused("a claim too many", "claims_invalid", [await first({ admin: true })]),
    refused("a changed signature", "signature_invalid", [changed(root)]),
  ];
  return {
    now: new Date(NOW_S * 1_000).toISOString(),
    config: {
      audience: HERE,
      issuers: [
        {
          type: "link",
          issuer: LINKS,
          roots: ["alice"],
          humans: ["alice"],
          algorithms: ["Ed25519"],
          keys: { jwks: { keys: [issuer.jwk] } },
        },
      ],
    },
    digestOfFirst: digestOfToken(root),
    vectors,
  };
}

function refused(name: string, cause: string, tokens: readonly string[]): Vector {
  return { name, tokens, result: { cause } };
}

async function behindLast(): Promise<readonly string[]> {
  const last = await first({ depth: 0 });
  return [last, await second(last, { depth: 0 })];
}

/** One character, in the middle of the signature. */
function changed(token: string): string {
  const at = token.length - 40;
  return token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
}

export type Vectors = Awaited<ReturnType<typeof makeVectors>>;

/** Of the second chain, which is narrower in everything. */
export function examplesOf({ config, vectors }: Vectors): Readonly<Record<string, string>> {
  return {
    "chain.txt": `${vectors[1]?.tokens.join("\n")}\n`,
    "identity.json": `${JSON.stringify(config, null, 2)}\n`,
  };
}

export const EXAMPLES = fileURLToPath(new URL("../../../docs/delegation/", import.meta.url));

if (import.meta.main) {
  const vectors = await makeVectors();
  writeFileSync(VECTORS, `${JSON.stringify(vectors, null, 2)}\n`);
  for (const [name, text] of Object.entries(examplesOf(vectors))) {
    writeFileSync(join(EXAMPLES, name), text);
  }
}
