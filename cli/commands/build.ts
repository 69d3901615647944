import { resolve } from "node:path";
import { digestOfProgram, makeBundle, serializeBundle } from "../../engine/bundle.ts";
import { makeSignedBundle, readSignedBundle } from "../../engine/bundles/contents.ts";
import { isShowable } from "../../engine/bundles/manifest.ts";
import { emitOpaBundle, limitsOfModule, whyNotEmitted } from "../../engine/opa/out/bundle.ts";
import type { PolicyInModule } from "../../engine/opa/out/guest.ts";
import { limitsOfText, type Obstacle } from "../../engine/opa/rego-text/obstacles.ts";
import { writeRego } from "../../engine/opa/rego-text/write.ts";
import { parseTime } from "../../lang/scalar/time.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { durationOf } from "../duration.ts";
import { loadPolicy, type Policy } from "../files.ts";
import { signingKeys } from "../signing.ts";
import { count, painter } from "../terminal.ts";
import { failedTests } from "../tests.ts";
import { replaceFile } from "../whole-file.ts";

export const command: Command = {
  name: "build",
  summary: "compile a policy into one file to ship",
  usage: "[options] POLICY",
  description: [
    "Checks POLICY, runs its tests, and writes what they were run of as one file: the compiled rules, the tests, and a digest of what the rules mean. `decide`, `explain`, `replay`, `serve` and `test` take that file as well; whoever loads it checks the digest and refuses what was built by a newer major version.",
    "With --sign it is a signed bundle, which `writ serve --bundle` takes from a file or a URL while it runs: it also says when it was made, holds the sources for explanations, and has a serial that only grows, so that no older one replaces it.",
    "With --target opa-wasm it is a bundle for OPA: `policy.wasm` follows OPA's ABI 1.2, decides at `data.writ.decision` and `data.writ.allow`, and reads what is remembered from `data.writ.state`, which the host supplies.",
    "With --target rego it is Rego to read and to go on with, one rule for each of POLICY's, for policies that need no memory. What Rego cannot say is listed, and nothing is written.",
    "Without --sign, the same sources give the same bytes on every machine. Comments, layout and the names of files leave the digest as it is.",
    'Examples:\n  writ build policies/payments -o payments.json\n  writ build --revision "$(git rev-parse HEAD)" -o - policies/payments > payments.json\n  writ build --sign release.key --expires 30d -o payments.writb policies/payments',
  ],
  options: [
    {
      name: "output",
      short: "o",
      value: "FILE",
      help: "where to write; `-` is standard output (PACKAGE.json, signed: PACKAGE.writb)",
    },
    {
      name: "revision",
      value: "TEXT",
      help: "what you call this state of the sources, such as a commit",
    },
    {
      name: "sign",
      value: "KEY",
      repeatable: true,
      help: "sign with the private key in the file KEY (see `writ keys`)",
    },
    {
      name: "serial",
      value: "NUMBER",
      help: "of a signed bundle, greater than that of the last (the time, in milliseconds)",
    },
    {
      name: "expires",
      value: "WHEN",
      help: "a time, or a duration from now: after it, nothing is decided by a signed bundle",
    },
    {
      name: "target",
      value: "KIND",
      help: "`writ`; `opa-wasm`, a bundle that OPA and its SDKs run (PACKAGE.tar.gz); or `rego`, source text (PACKAGE.rego)",
    },
    { name: "no-test", help: "do not run the tests, and leave them out" },
  ],
  positionals: { least: 1, most: 1 },
  run: build,
};

async function build(input: Input, io: Io): Promise<ExitCode> {
  const [path = ""] = input.positionals;
  const output = input.values.get("output");
  if (output === "-" && input.json) {
    throw new Misuse(
      "`--json` and the bundle cannot both be on standard output",
      "name a file with `-o`",
    );
  }
  const target = targetOf(input);
  const signing = signingOf(input, io);
  const policy = await loadPolicy(path, io, input);
  if (policy === undefined) return 1;
  const tested = !input.flags.has("no-test") && policy.lacksTests !== true;
  const failed = tested ? failedTests(policy) : [];
  if (failed.length > 0) return refuse(failed, policy.tests.length, input, io);
  const revision = input.values.get("revision");
  const shipped = { ...policy, tests: tested ? policy.tests : undefined, revision };
  const { program } = policy;
  const rego = target === "rego" ? regoOf(shipped) : undefined;
  if (rego?.ok === false) return unsaid(rego.obstacles, input, io);
  const notes = target === "opa-wasm" ? notesOf(program) : (rego?.notes ?? []);
  const bytes =
    rego?.bytes ??
    (target === "opa-wasm"
      ? await emitOpaBundle(identified(shipped))
      : signing === undefined
        ? unsigned(shipped)
        : signed(shipped, signing));
  const summary = {
    ok: true,
    package: program.package,
    digest: digestOfProgram(program),
    version: program.version,
    rules: program.rules.length,
    tests: tested ? policy.tests.length : 0,
    bytes: bytes.length,
    ...(revision === undefined ? {} : { revision }),
    ...(signing === undefined
      ? {}
      : { serial: signing.serial, signedBy: signing.keys.map(({ id }) => id) }),
    ...(notes.length === 0 ? {} : { notes }),
  };
  if (output === "-") {
    io.data(new TextDecoder().decode(bytes));
    return 0;
  }
  const kind = KINDS[target] ?? (signing === undefined ? "json" : "writb");
  const file = output ?? `${program.package}.${kind}`;
  replaceFile(resolve(io.cwd, file), bytes, file);
  if (input.json) io.out(`${JSON.stringify({ ...summary, file }, null, 2)}\n`);
  else {
    const tests = tested ? `${count(summary.tests, "test")} passed` : "tests not run";
    const size = `${count(summary.rules, "rule")}, ${tests}, ${summary.bytes} bytes`;
    const by =
      signing === undefined
        ? ""
        : `, serial ${signing.serial}, signed by ${summary.signedBy?.join(", ")}`;
    io.out(
      `${painter(io)("green", "built")} ${file}: ${summary.package}, ${size}${by}\n${summary.digest}\n`,
    );
    for (const note of notes) io.err(`${painter(io)("yellow", "note")}: ${note}\n`);
  }
  return 0;
}

const TARGETS = ["writ", "opa-wasm", "rego"] as const;
type Target = (typeof TARGETS)[number];

const KINDS: { readonly [target in Target]?: string } = { "opa-wasm": "tar.gz", rego: "rego" };

function targetOf({ values, lists }: Input): Target {
  const given = values.get("target") ?? "writ";
  const target = TARGETS.find((one) => one === given);
  if (target === undefined) {
    const known = TARGETS.map((one) => `\`${one}\``).join(", ");
    throw new Misuse(`\`--target\` is one of ${known}, not ${JSON.stringify(given)}`);
  }
  if (target !== "writ" && lists.has("sign")) {
    throw new Misuse("`--sign` is of Writ's own bundles", "sign this one with `opa sign`");
  }
  if (target === "opa-wasm" && values.get("output") === "-") {
    throw new Misuse("a bundle for OPA is no text for standard output", "name a file with `-o`");
  }
  return target;
}

function regoOf(shipped: Shipped) {
  const { program, digest, revision } = identified(shipped);
  const name = program.package;
  const rego = writeRego(program, { package: name, digest, ...(revision && { revision }) });
  if (!rego.ok) return rego;
  return { ok: true, bytes: Buffer.from(rego.text), notes: limitsOfText(program) } as const;
}

/** Each with its place, as errors of a policy are shown. */
function unsaid(obstacles: readonly Obstacle[], { json }: Input, io: Io): ExitCode {
  if (json) io.out(`${JSON.stringify({ ok: false, obstacles }, null, 2)}\n`);
  else {
    for (const { name, at, because, help } of obstacles) {
      io.err(
        `${painter(io)("red", "not said in Rego")}: ${name} (${at}): ${because}\n  help: ${help}\n`,
      );
    }
  }
  return 1;
}

function notesOf(program: Policy["program"]): readonly string[] {
  const why = whyNotEmitted(program);
  if (why !== undefined) throw new Misuse(why, "build it for Writ, or decide those rules in OPA");
  return limitsOfModule(program);
}

function identified({ program, revision }: Shipped): PolicyInModule {
  const digest = digestOfProgram(program);
  return { program, digest, ...(revision === undefined ? {} : { revision }) };
}

interface Shipped extends Omit<Policy, "tests"> {
  readonly tests: Policy["tests"] | undefined;
  readonly revision: string | undefined;
}

function unsigned({ program, tests, revision }: Shipped): Uint8Array {
  const bundle = makeBundle({
    program,
    ...(tests === undefined ? {} : { tests }),
    ...(revision === undefined ? {} : { revision }),
  });
  return Buffer.from(`${serializeBundle(bundle)}\n`);
}

interface Signing {
  readonly keys: ReturnType<typeof signingKeys>;
  readonly serial: number;
  readonly createdMs: number;
  readonly expiresMs: number | undefined;
}

function signingOf({ values, lists }: Input, io: Io): Signing | undefined {
  const paths = lists.get("sign") ?? [];
  if (paths.length === 0) {
    const alone = ["serial", "expires"].find((name) => values.has(name));
    if (alone === undefined) return undefined;
    throw new Misuse(`\`--${alone}\` is of a signed bundle`, "`--sign KEY`");
  }
  const revision = values.get("revision");
  if (revision !== undefined && !isShowable(revision)) {
    throw new Misuse("`--revision` is a short line of text that can be shown");
  }
  const createdMs = Date.now();
  return {
    keys: signingKeys(paths, io),
    serial: serialOf(values.get("serial"), createdMs),
    createdMs,
    expiresMs: expiryOf(values.get("expires"), createdMs),
  };
}

function serialOf(given: string | undefined, createdMs: number): number {
  if (given === undefined) return createdMs;
  const serial = Number(given);
  if (/^[1-9]\d*$/.test(given) && Number.isSafeInteger(serial)) return serial;
  throw new Misuse(`\`--serial\` is a whole number from 1, not ${JSON.stringify(given)}`);
}

/** RFC 3339 has years of four digits. */
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function expiryOf(given: string | undefined, createdMs: number): number | undefined {
  if (given === undefined) return undefined;
  const time = parseTime(given);
  const expiresMs = time.ok ? time.value : createdMs + durationOf(given, "expires");
  if (expiresMs > LAST_MS) throw new Misuse(`\`--expires ${given}\` is after the year 9999`);
  if (expiresMs > createdMs) return expiresMs;
  throw new Misuse(`\`--expires ${given}\` is over already`);
}

/** What a service would refuse is not shipped: it is read again as a service reads it. */
function signed({ program, tests, sources, revision }: Shipped, signing: Signing): Uint8Array {
  // Without texts where POLICY was itself built and had none.
  const texts = sources.some(({ text }) => text !== "") ? sources : undefined;
  const bytes = makeSignedBundle({ program, tests, sources: texts, revision, ...signing });
  const reading = readSignedBundle(
    bytes,
    signing.keys.map(({ verifying }) => verifying),
  );
  if (!reading.ok) throw new Misuse(`no service would take the bundle: ${reading.because}`);
  return bytes;
}

function refuse(failed: readonly string[], total: number, { json }: Input, io: Io): ExitCode {
  if (json) io.out(`${JSON.stringify({ ok: false, failed }, null, 2)}\n`);
  else {
    io.err(
      `${painter(io)("red", "not built")}: ${failed.length} of ${count(total, "test")} failed\n`,
    );
    for (const name of failed) io.err(`  ${name}\n`);
    io.err("see `writ test`\n");
  }
  return 1;
}
