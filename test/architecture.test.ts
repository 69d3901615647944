import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Folders from the inside out: a file imports from its own row and those above, and from the packages named. */
const LAYERS = [
  { folder: "lang", packages: ["chevrotain"] },
  {
    folder: "engine",
    packages: [
      "@redis/client",
      "fastify",
      "jose",
      "lru-cache",
      "nanotar",
      "re2js",
      "yaml",
      "node:",
    ],
  },
  { folder: "cli", packages: ["node:", "yaml"] },
] as const;

/** What is bundled when the package is built, or bundles: none of it is there when Writ runs. */
const BUNDLED: Readonly<Record<string, readonly string[]>> = {
  "engine/opa/out/guest-script.ts": ["rolldown"],
  "engine/opa/out/guest-shims.ts": ["@noble/hashes", "whatwg-url"],
};

/** Files below these decide, and do nothing else: no clock, no chance, no file, no network, no `process`. */
const PURE = [
  "cli/replay/score.ts",
  "cli/top/counters.ts",
  "cli/top/decisions.ts",
  "cli/top/line.ts",
  "engine/access/access-request.ts",
  "engine/approvals/approval.ts",
  "engine/approvals/approvers.ts",
  "engine/approvals/fact.ts",
  "engine/approvals/waiting.ts",
  "engine/audit/again.ts",
  "engine/audit/brief-map.ts",
  "engine/audit/chain.ts",
  "engine/audit/history.ts",
  "engine/audit/merkle.ts",
  "engine/audit/note.ts",
  "engine/audit/ocsf.ts",
  "engine/audit/pointer.ts",
  "engine/audit/record.ts",
  "engine/audit/sealed.ts",
  "engine/audit/walk.ts",
  "engine/audit/whole.ts",
  "engine/base64.ts",
  "engine/bundle.ts",
  "engine/bundles/admit.ts",
  "engine/bundles/check.ts",
  "engine/bundles/contents.ts",
  "engine/bundles/examine.ts",
  "engine/bundles/manifest.ts",
  "engine/bundles/refusal.ts",
  "engine/bundles/signed.ts",
  "engine/canonical-bytes.ts",
  "engine/canonical-json.ts",
  "engine/canonical-order.ts",
  "engine/decide.ts",
  "engine/decide",
  "engine/decision.ts",
  "engine/delegation-reader.ts",
  "engine/digest.ts",
  "engine/equal-secrets.ts",
  "engine/evaluate",
  "engine/evidence.ts",
  "engine/explain",
  "engine/facts.ts",
  "engine/fault.ts",
  "engine/foresight.ts",
  "engine/http/admin/exposition.ts",
  "engine/http/authzen/answer.ts",
  "engine/http/authzen/bound.ts",
  "engine/http/authzen/directory.ts",
  "engine/http/authzen/entities.ts",
  "engine/http/authzen/mapping.ts",
  "engine/http/authzen/submission.ts",
  "engine/http/forward-auth/mapping.ts",
  "engine/http/forward-auth/authority.ts",
  "engine/http/forward-auth/target.ts",
  "engine/http/histogram.ts",
  "engine/identity/access-token.ts",
  "engine/identity/bounds.ts",
  "engine/identity/cause.ts",
  "engine/identity/chain.ts",
  "engine/identity/claims.ts",
  "engine/identity/issuer.ts",
  "engine/identity/join.ts",
  "engine/identity/jwk.ts",
  "engine/identity/jws.ts",
  "engine/identity/key-set.ts",
  "engine/identity/link.ts",
  "engine/identity/spiffe.ts",
  "engine/identity/transaction-token.ts",
  "engine/identity/twin.ts",
  "engine/identity/vouched.ts",
  "engine/inspect",
  "engine/json-places.ts",
  "engine/json.ts",
  "engine/numeral.ts",
  "engine/obligations.ts",
  "engine/opa/answer.ts",
  "engine/opa/builtins",
  "engine/opa/bundle-document.ts",
  "engine/opa/bundle-manifest.ts",
  "engine/opa/bundle-signature.ts",
  "engine/opa/instructions.ts",
  "engine/opa/out/sections.ts",
  "engine/opa/reader.ts",
  "engine/opa/rego-text",
  "engine/opa/rego.ts",
  "engine/opa/said.ts",
  "engine/opa/scan.ts",
  "engine/opa/tar.ts",
  "engine/request-reader.ts",
  "engine/resource-fields.ts",
  "engine/request.ts",
  "engine/revocations",
  "engine/shared-sets.ts",
  "engine/sqlite-codes.ts",
  "engine/signals/events.ts",
  "engine/signals/lifecycle.ts",
  "engine/signals/refusal.ts",
  "engine/signals/subject.ts",
  "engine/signals/transmitter.ts",
  "engine/state/blocks.ts",
  "engine/state/call-table.ts",
  "engine/state/call.ts",
  "engine/state/codec.ts",
  "engine/state/hash-index.ts",
  "engine/state/keeper.ts",
  "engine/state/latch.ts",
  "engine/state/late.ts",
  "engine/state/meaning.ts",
  "engine/state/memory.ts",
  "engine/state/memory",
  "engine/state/origin.ts",
  "engine/state/origin",
  "engine/state/pack.ts",
  "engine/state/past-latches.ts",
  "engine/state/past-uses.ts",
  "engine/state/past.ts",
  "engine/state/redis/address.ts",
  "engine/state/redis/arguments.ts",
  "engine/state/redis/changes.ts",
  "engine/state/redis/guess.ts",
  "engine/state/redis/health.ts",
  "engine/state/redis/record.ts",
  "engine/state/redis/script",
  "engine/state/redis/script.ts",
  "engine/state/redis/steady.ts",
  "engine/state/redis/tables.ts",
  "engine/state/report.ts",
  "engine/state/sequence.ts",
  "engine/state/sensitivity.ts",
  "engine/state/session-keys.ts",
  "engine/state/sharded-map.ts",
  "engine/state/sessions.ts",
  "engine/state/stored.ts",
  "engine/state/sweep.ts",
  "engine/state/tables.ts",
  "engine/state/task-run.ts",
  "engine/state/touched.ts",
  "engine/state/window.ts",
  "engine/status/list.ts",
  "engine/tasks/asking.ts",
  "engine/tasks/continuing.ts",
  "engine/tasks/task.ts",
  "engine/tasks/terms.ts",
  "engine/template.ts",
  "engine/testing/candidate.ts",
  "engine/testing/task-standing.ts",
  "engine/testing/unseen.ts",
  "engine/trace/context.ts",
  "engine/trace/exporter.ts",
  "engine/trace/otlp.ts",
  "engine/trace/span.ts",
  "engine/value-reader.ts",
  "engine/value.ts",
  "lang",
];

/** Generated code is compiled in one place only, and in emitted modules, where Node's compiler is not. */
const COMPILES = ["engine/evaluate/emit.ts", "engine/opa/out/guest-shims.ts"];

/** What reads JSON with `JSON.parse`: its own reader, texts without keys of others, and modules that run outside V8. */
const PARSES = [
  "cli/main.ts",
  "engine/json-text.ts",
  "engine/opa/builtins/parse-json.ts",
  "engine/opa/out/guest.ts",
  "engine/opa/rego.ts",
];

interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function sourcesBelow(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => join(folder, path))
    .map((path) => {
      const text = readFileSync(join(ROOT, path), "utf8");
      const stated = text.matchAll(/^(?:import|export)\b[^;"']*?\bfrom\s+"([^"]+)"/gm);
      const called = text.matchAll(/\bimport\(\s*"([^"]+)"/g);
      const imports = [...stated, ...called].map((found) => found[1] ?? "");
      return { path, text, imports };
    });
}

/** Without comments. */
function codeIn({ text }: Source): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
}

const SOURCES = LAYERS.flatMap(({ folder }) => sourcesBelow(folder));

test("there are sources to look at", () => {
  expect(SOURCES.length).toBeGreaterThan(60);
});

describe("arrows point one way: cli → engine → lang", () => {
  test.each(SOURCES.map((source) => [source.path, source] as const))("%s", (path, source) => {
    const layer = LAYERS.findIndex(({ folder }) => path.startsWith(`${folder}/`));
    const reachable = LAYERS.slice(0, layer + 1).map(({ folder }) => folder);
    const packages = [...(LAYERS[layer]?.packages ?? []), ...(BUNDLED[path] ?? [])];
    for (const imported of source.imports) {
      if (imported.startsWith(".")) {
        const target = relative(ROOT, resolve(ROOT, dirname(path), imported));
        const folder = target.split("/")[0] ?? "";
        expect(reachable, `${path} imports ${target}`).toContain(folder);
      } else {
        const known = packages.some(
          (name) =>
            imported === name || imported.startsWith(name.endsWith(":") ? name : `${name}/`),
        );
        expect(known, `${path} imports ${imported}`).toBe(true);
      }
    }
  });
});

/** What a pure file must not say; comments and strings are taken out first. */
const IMPURE =
  /\b(?:Date\.now|new Date\(\)|Math\.random|performance\.|process\.|setTimeout|setInterval|fetch\(|console\.)/;
const IMPURE_IMPORTS = /^node:(?!buffer$|crypto$|vm$)/;

function isPure(path: string): boolean {
  return PURE.some((part) => path === part || path.startsWith(`${part}/`));
}

describe("what decides is pure", () => {
  const pure = SOURCES.filter(({ path }) => isPure(path));

  test("every row of the table stands for files that exist", () => {
    for (const part of PURE) {
      expect(
        pure.some(({ path }) => path === part || path.startsWith(`${part}/`)),
        part,
      ).toBe(true);
    }
  });

  test("what says that it is pure is held to it", () => {
    const saying = SOURCES.filter(({ text }) => /^\/\*\*[^/]*\bPure\.\s*\*\//.test(text));
    expect(saying.length).toBeGreaterThan(40);
    expect(saying.map(({ path }) => path).filter((path) => !isPure(path))).toEqual([]);
  });

  test.each(pure.map((source) => [source.path, source] as const))(
    "%s",
    (path, { text, imports }) => {
      const code = text
        .replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "")
        .replace(/"(?:[^"\\\n]|\\.)*"|`[^`]*`/g, '""');
      expect(code.match(IMPURE)?.[0], path).toBeUndefined();
      expect(imports.filter((imported) => IMPURE_IMPORTS.test(imported))).toEqual([]);
    },
  );
});

test("text becomes code in one place", () => {
  const compiling = SOURCES.filter((source) =>
    /\bcompileFunction\s*\(|\bnew Function\b|\beval\s*\(|new vm\.Script|runIn\w*Context/.test(
      codeIn(source),
    ),
  );
  expect(compiling.map(({ path }) => path)).toEqual(COMPILES);
});

test("keys that others chose are not read by JSON.parse", () => {
  const parsing = SOURCES.filter((source) => /\bJSON\.parse\b|\.json\(\)/.test(codeIn(source)));
  expect(parsing.map(({ path }) => path).sort()).toEqual(PARSES);
});

test("the bound code is kept: no utils, no common, no barrels of everything", () => {
  for (const { path, text } of SOURCES) {
    expect(path).not.toMatch(/\/(?:utils?|common|types)\.ts$/);
    expect(text, path).not.toMatch(/^export \* from/m);
    expect(text, path).not.toMatch(/^export default/m);
  }
});
