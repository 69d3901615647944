/** A bundle of OPA's that is served by itself: its Rego decides, and no policy of ours. */
import { resolve } from "node:path";
import { createActive } from "../../engine/active.ts";
import { digestOf } from "../../engine/canonical-json.ts";
import { decidedByRego } from "../../engine/opa/alone.ts";
import { ALGORITHMS } from "../../engine/opa/builtins/keys.ts";
import { readOpaBundle } from "../../engine/opa/bundle.ts";
import type { BundleKey } from "../../engine/opa/bundle-signature.ts";
import { createModulePool } from "../../engine/opa/pool.ts";
import type { Program } from "../../lang/ir.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { readBytes, readText } from "../files.ts";
import { moduleDeadline } from "./modules.ts";
import type { FoundPolicy, OpenedPolicy, PolicyParts } from "./policy.ts";

export const REGO_OPTIONS: readonly Option[] = [
  {
    name: "entrypoint",
    value: "PATH",
    help: "which document of an OPA bundle decides, such as authz/allow",
  },
  {
    name: "opa-key",
    value: "FILE",
    help: "PEM of the public key that an OPA bundle is signed with",
  },
  { name: "opa-alg", value: "ALG", help: "its algorithm, such as RS256 or ES256 (RS256)" },
  { name: "opa-scope", value: "TEXT", help: "scope that the signature of an OPA bundle must have" },
];

const BUNDLE_BYTES_MAX = 64 * 1024 * 1024;
const KEY_BYTES_MAX = 64 * 1024;

export function isOpaBundle(path: string): boolean {
  return /\.(?:tar\.gz|tgz)$/.test(path);
}

/** Refused as a whole where its signature, its module or the entrypoint is not what it must be. */
export async function findRego(
  path: string,
  input: Input,
  io: Io,
  none: Program,
): Promise<FoundPolicy> {
  const bytes = readBytes(resolve(io.cwd, path), BUNDLE_BYTES_MAX);
  const reading = readOpaBundle(bytes, keyOf(input, io));
  if (!reading.ok) throw new Misuse(`the bundle ${JSON.stringify(path)} ${reading.why}`);
  const { bundle } = reading;
  const names = [...bundle.entrypoints.keys()].sort();
  const entrypoint = input.values.get("entrypoint") ?? (names.length === 1 ? names[0] : undefined);
  const source = entrypoint === undefined ? undefined : bundle.entrypoints.get(entrypoint);
  if (entrypoint === undefined || source === undefined) {
    const wrong = entrypoint === undefined ? "has several entrypoints" : `has no \`${entrypoint}\``;
    throw new Misuse(`the bundle ${wrong}`, `\`--entrypoint\` with one of ${names.join(", ")}`);
  }
  const deadlineMs = moduleDeadline(input);
  const pool = createModulePool({
    modules: [source],
    deadlineMs,
    onTrouble: ({ why }) => io.err(`${path}: ${why}\n`),
  });
  const described = await pool.describe(0);
  if (!described.ok) {
    pool.close();
    throw new Misuse(`the module of the bundle cannot be run: ${described.why}`);
  }
  const digest = digestOf({
    wasm: Buffer.from(source.wasm).toString("base64"),
    data: Buffer.from(source.data ?? "{}").toString("utf8"),
    entrypoint,
  });
  const { revision } = bundle;
  const named = { package: entrypoint.replaceAll("/", "."), digest };
  const identity = { ...named, ...(revision === undefined ? {} : { revision }) };
  const program = { ...none, package: identity.package };
  return {
    open: async (parts: PolicyParts): Promise<OpenedPolicy> => {
      const operated = parts.makeEngine({ program, digest });
      const service = decidedByRego({ ...parts, pool, entrypoint, program, identity, operated });
      const active = createActive(parts);
      active.swap({ program, digest, revision, service });
      return { active, engine: () => service, start: () => {}, stop: async () => pool.close() };
    },
  };
}

function keyOf({ values }: Input, io: Io): BundleKey | undefined {
  const file = values.get("opa-key");
  const alg = values.get("opa-alg") ?? "RS256";
  const scope = values.get("opa-scope");
  if (file === undefined) return undefined;
  if (!ALGORITHMS.has(alg) || alg.startsWith("HS")) {
    throw new Misuse(`\`--opa-alg\` is an algorithm with a public key, not \`${alg}\``);
  }
  const pem = readText(resolve(io.cwd, file), KEY_BYTES_MAX);
  return { pem, alg, ...(scope === undefined ? {} : { scope }) };
}
