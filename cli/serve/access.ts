/** Who may ask for approvals in AuthZEN's words, and what signs what they may ask for (SPEC §12.14). */
import { dirname, resolve } from "node:path";
import { AccessRequests, type AccessRequestsParts } from "../../engine/access/access-requests.ts";
import { createBinder } from "../../engine/access/binding.ts";
import {
  type AccessParts,
  baseOf,
  createCredential,
  type EnforcementPoint,
  type Mapping,
  REQUESTS,
} from "../../engine/http/index.ts";
import { readSigningKey, type SigningKey } from "../../engine/signing-key.ts";
import { type Input, type Io, Misuse } from "../command.ts";
import { readSecret } from "../files.ts";

/** Given what approvals and access requests are kept in. */
export type OpenAccess = (kept: AccessRequestsParts) => AccessParts;

/** The files that the mapping names are beside it. `undefined` where it has no access requests. */
export function readAccess(
  mapping: Mapping,
  { values }: Input,
  { cwd }: Io,
): OpenAccess | undefined {
  const { access } = mapping;
  if (access === undefined) return undefined;
  if (!values.has("approvers")) {
    throw new Misuse(
      "approvals could be asked for, and there is nobody to approve",
      "`--approvers FILE` (docs/delegation.md), or leave out `access_requests`",
    );
  }
  const path = resolve(cwd, values.get("authzen") ?? "");
  const secretOf = (name: string) =>
    readSecret(resolve(dirname(path), name), name, SECRET_BYTES_MAX);
  const key = signingKeyIn(secretOf(access.key), access.key);
  const seen = new Map<string, string>();
  const enforcementPoints = access.enforcementPoints.map(({ id, credential }): EnforcementPoint => {
    const text = secretOf(credential).trim();
    const other = seen.get(text);
    if (other !== undefined) {
      throw new Misuse(`${id} and ${other} have the same credential`, "give each its own");
    }
    seen.set(text, id);
    const made = createCredential(text);
    if (made.ok) return { id, credential: made.value };
    throw new Misuse(
      `the credential in \`${credential}\` ${made.why}`,
      "`openssl rand -base64 32` makes one",
    );
  });
  const issuer = baseOf(mapping);
  const binder = createBinder({ key, issuer, audience: issuer + REQUESTS });
  return (kept) => ({ requests: new AccessRequests(kept), binder, enforcementPoints });
}

const SECRET_BYTES_MAX = 16 * 1024;

function signingKeyIn(pem: string, name: string): SigningKey {
  const read = readSigningKey(pem);
  if (read.ok) return read.key;
  throw new Misuse(`\`${name}\` signs nothing: ${read.why}`, "`writ keys new NAME` makes one");
}
