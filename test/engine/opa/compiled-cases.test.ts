/**
 * OPA's own cases for the builtins that are supplied, whole: compiled by OPA, where it is installed, and run by
 * `host.ts`. Some of them, since OPA takes its time; `WRIT_OPA_CASES=600` tries all, `WRIT_OPA_CASES_SEED` the
 * same ones again.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { openModule } from "../../../engine/opa/open.ts";
import { parseRego, type Rego, RegoObject } from "../../../engine/opa/rego.ts";
import { readTar } from "../../../engine/opa/tar.ts";
import { randomFrom } from "../../differential/random.ts";
import { opa } from "../../support/opa.ts";
import { BEYOND, CASES, type Case, isWanted, OUTDATED } from "../../support/rego/cases.ts";
import { seedFrom } from "../../support/seed.ts";
import { contextAtNoon } from "./modules.ts";

const COUNT = Number(process.env.WRIT_OPA_CASES ?? 60);

/** One document is asked for, with JSON, and nothing that no module can have. */
const RUN = CASES.filter(
  ({ note, query, builtins, input_term }) =>
    /^data\.[\w.]+ = \w+$/.test(query) &&
    input_term === undefined &&
    ![...OUTDATED, ...BEYOND].includes(note) &&
    !builtins.some((name) => ["io.jwt.encode_sign", "test.sleep"].includes(name)),
);

if (opa === undefined) console.warn("SKIPPED: there is no `opa` to compile OPA's cases with");

test.skipIf(opa === undefined || RUN.length === 0)(
  "OPA's cases, compiled by OPA, give what they want",
  { timeout: 1_800_000 },
  () => {
    const seed = seedFrom("WRIT_OPA_CASES_SEED");
    console.log(`WRIT_OPA_CASES_SEED=${seed}`);
    const random = randomFrom(seed);
    const left = [...RUN];
    const chosen = Array.from({ length: Math.min(COUNT, RUN.length) }, () =>
      left.splice(random.below(left.length), 1),
    ).flat();
    const wrong = chosen.flatMap((one) => {
      const found = evaluated(one);
      return isMet(found, one) ? [] : [{ note: one.note, found, wanted: one.want_result }];
    });
    console.log(`${chosen.length} cases compiled, ${wrong.length} otherwise`);
    expect(wrong).toEqual([]);
  },
);

function isMet(found: readonly string[] | string, one: Case): boolean {
  const { want_result: wanted = [] } = one;
  if (typeof found === "string" || found.length !== wanted.length) return false;
  const [text] = found;
  const [result = {}] = wanted;
  return (
    text === undefined || Object.values(result).every((want) => isWanted(valueIn(text), want, one))
  );
}

/** Of `{"result": …}`; a module gives its sets as they are. */
function valueIn(text: string): Rego {
  const entry = parseRego(text);
  return (entry instanceof RegoObject ? entry.get("result") : undefined) ?? null;
}

/** Why there is none, or each answer as its text. */
function evaluated({ query, modules = [], data, input }: Case): readonly string[] | string {
  const folder = mkdtempSync(join(tmpdir(), "writ-case-"));
  try {
    const files = modules.map((text, index) => {
      writeFileSync(join(folder, `${index}.rego`), text);
      return join(folder, `${index}.rego`);
    });
    const entrypoint = (query.split(" ")[0] ?? "").replace("data.", "").replaceAll(".", "/");
    const bundle = join(folder, "bundle.tar.gz");
    const built = spawnSync(opa ?? "", [
      "build",
      "-t",
      "wasm",
      "-e",
      entrypoint,
      "-o",
      bundle,
      ...files,
    ]);
    if (built.status !== 0) return `it does not compile: ${built.stderr}`;
    const wasm = readTar(gunzipSync(readFileSync(bundle))).find(({ name }) =>
      name.endsWith("policy.wasm"),
    );
    const source = {
      wasm: wasm?.data ?? new Uint8Array(),
      data: Buffer.from(JSON.stringify(data ?? {})),
    };
    const given = Buffer.from(JSON.stringify(input ?? {}));
    const host = openModule(source, { reuse: false });
    const text = host.evaluate(
      host.described.entrypoints.get(entrypoint) ?? -1,
      given,
      contextAtNoon(),
    );
    return text === "[]" ? [] : [text.slice(1, -1)];
  } catch (error) {
    return String(error);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
