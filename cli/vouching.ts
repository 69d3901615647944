/** What commands that decide requests vouch for, where a service would know it from elsewhere. */
import { isTokens } from "../engine/delegation-reader.ts";
import type { Vouched } from "../engine/engine.ts";
import { isObject } from "../engine/value-reader.ts";
import type { Input, Io, Option } from "./command.ts";
import type { NamedRequest } from "./requests.ts";
import { openIdentity } from "./serve/identity.ts";

export const VOUCHING_OPTIONS: readonly Option[] = [
  { name: "verified", help: "count delegations as verified" },
  {
    name: "identity",
    value: "FILE",
    help: "verify delegation tokens by this identity configuration",
  },
];

/** For each request, in order; without `--identity`, tokens are refused as a service would. */
export async function vouchFor(
  requests: readonly NamedRequest[],
  { values, flags }: Input,
  clock: () => number,
  io: Io,
): Promise<readonly Vouched[]> {
  const asserted: Vouched = { delegationVerified: flags.has("verified") };
  const path = values.get("identity");
  if (path === undefined) return requests.map(() => asserted);
  const identity = await openIdentity(path, clock, io);
  const vouched: Vouched[] = [];
  for (const { json } of requests) {
    const delegation = isObject(json) && isObject(json.delegation) ? json.delegation : {};
    const { tokens } = delegation;
    vouched.push(
      isTokens(tokens) ? { ...asserted, delegation: await identity.verify(tokens) } : asserted,
    );
  }
  return vouched;
}
