/** A bundle of OPA's: which it is, whose signature counts, and for commands, what its Rego alone decides. */
import { resolve } from "node:path";
import type { MakeDeciding } from "../engine/engine.ts";
import { decidedByRegoAtOnce } from "../engine/opa/alone.ts";
import type { ModuleAnswer } from "../engine/opa/answer.ts";
import { type BlockingPool, blockingPool } from "../engine/opa/blocking.ts";
import { ALGORITHMS } from "../engine/opa/builtins/keys.ts";
import { readOpaBundle } from "../engine/opa/bundle.ts";
import type { BundleKey } from "../engine/opa/bundle-signature.ts";
import { type ChosenRego, chooseRego, unfitFor } from "../engine/opa/opened.ts";
import { PATIENT_MS } from "../engine/opa/programs.ts";
import { compile } from "../lang/compile.ts";
import type { Program } from "../lang/ir.ts";
import { type Input, type Io, Misuse, type Option } from "./command.ts";
import { isOpaFile, readBytes, readText } from "./files.ts";

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

export const REGO_BYTES_MAX = 64 * 1024 * 1024;
const KEY_BYTES_MAX = 64 * 1024;

/** A file or a URL: by its name, or by being told how to read it. */
export function isOpaBundle(source: string, { values }: Input): boolean {
  const isNamed = isOpaFile(source.replace(/[?#].*$/, ""));
  return isNamed || values.has("entrypoint") || values.has("opa-key");
}

/** Options that would be thought to do something where no policy of a command is a bundle of OPA's. */
export function refuseRegoOptions({ values }: Input): void {
  const given = REGO_OPTIONS.find(({ name }) => values.has(name));
  if (given !== undefined) {
    throw new Misuse(`\`--${given.name}\` is of a bundle of OPA's`, "its name ends in `.tar.gz`");
  }
}

/** `undefined` where none was named. */
export function bundleKey({ values }: Input, io: Io): BundleKey | undefined {
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

/** What records name: nothing but the module. */
export function programOfRego({ entrypoint, source }: ChosenRego): Program {
  const wasm = Buffer.from(source.wasm).toString("base64");
  const module = {
    name: "policy",
    module: "policy.wasm",
    entrypoint,
    type: { kind: "Bool" },
    binary: 0,
    at: 0,
  } as const;
  const name = entrypoint.replaceAll("/", ".");
  return { ...programOfNothing(), package: name, modules: [module], binaries: [{ wasm }] };
}

export function programOfNothing(): Program {
  const files = [{ path: "none.writ", text: "package none\n" }];
  const { program } = compile({ directory: "", files });
  if (program === undefined) throw new Error("the empty policy does not compile");
  return program;
}

/** What decides requests from files, one after the other. */
export interface RegoAlone {
  readonly program: Program;
  readonly digest: string;
  readonly entrypoint: string;
  /** That the module asks its host for. */
  readonly builtins: readonly string[];
  readonly engine: MakeDeciding;
  /** What the module says of a request. */
  ask(input: unknown, nowMs: number): ModuleAnswer;
}

/** Contained, whoever signed it: whoever runs a command can wait. Refused as a whole, as `writ serve` would. */
export function openRegoAlone(path: string, input: Input, io: Io): RegoAlone {
  const bytes = readBytes(resolve(io.cwd, path), REGO_BYTES_MAX);
  const entrypoint = input.values.get("entrypoint");
  const chosen = chooseRego(bytes, { key: bundleKey(input, io), entrypoint });
  if (!chosen.ok) throw refused(path, chosen.because);
  const pool = blockingPool({ modules: [chosen.source], deadlineMs: PATIENT_MS });
  const described = pool.describe(0);
  const unfit = unfitFor(chosen.entrypoint, described);
  if (unfit !== undefined) throw refused(path, unfit);
  return aloneWith(pool, chosen, described.ok ? described.builtins : []);
}

export type LookedAt =
  | {
      readonly ok: true;
      readonly revision: string | undefined;
      readonly entrypoints: readonly string[];
      /** That the modules ask their host for. */
      readonly builtins: readonly string[];
    }
  | { readonly ok: false; readonly because: string };

/** What a bundle has and needs; every module of it is loaded, in a process of its own. */
export function lookAtRego(path: string, input: Input, io: Io): LookedAt {
  const bytes = readBytes(resolve(io.cwd, path), REGO_BYTES_MAX);
  const reading = readOpaBundle(bytes, bundleKey(input, io));
  if (!reading.ok) return { ok: false, because: `it ${reading.why}` };
  const { entrypoints, revision } = reading.bundle;
  const modules = [...new Map([...entrypoints.values()].map((one) => [one.wasm, one])).values()];
  const pool = blockingPool({ modules, deadlineMs: PATIENT_MS });
  const described = new Map(modules.map(({ wasm }, module) => [wasm, pool.describe(module)]));
  pool.close();
  for (const [entrypoint, { wasm }] of entrypoints) {
    const about = described.get(wasm);
    const unfit = about && unfitFor(entrypoint, about);
    if (unfit !== undefined) return { ok: false, because: unfit };
  }
  const builtins = new Set([...described.values()].flatMap((one) => (one.ok ? one.builtins : [])));
  const names = [...entrypoints.keys()].sort();
  return { ok: true, revision, entrypoints: names, builtins: [...builtins].sort() };
}

function aloneWith(pool: BlockingPool, chosen: ChosenRego, builtins: readonly string[]): RegoAlone {
  const { entrypoint, digest, revision } = chosen;
  const program = programOfRego(chosen);
  const named = { package: program.package, digest };
  const identity = { ...named, ...(revision === undefined ? {} : { revision }) };
  return {
    program,
    digest,
    entrypoint,
    builtins,
    engine: ({ clock, ids }) =>
      decidedByRegoAtOnce({ ask: pool.ask, entrypoint, program, identity, now: clock, ids }),
    ask: (input, nowMs) => pool.ask({ module: 0, entrypoint, input: JSON.stringify(input), nowMs }),
  };
}

function refused(path: string, because: string): Misuse {
  return new Misuse(`the bundle ${JSON.stringify(path)}: ${because}`);
}
