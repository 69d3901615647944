import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Input, Option } from "../../../cli/command.ts";
import { configure, variableOf } from "../../../cli/serve/config.ts";
import { SERVE_OPTIONS } from "../../../cli/serve/options.ts";
import { directoryWith, SMALL, writ } from "../../support/cli.ts";
import { serve } from "../../support/served.ts";

const NOTHING: Input = {
  positionals: [],
  values: new Map(),
  lists: new Map(),
  flags: new Set(),
  json: false,
};

function ioOf(cwd: string, env: Record<string, string> = {}) {
  return { cwd, env } as unknown as Parameters<typeof configure>[2];
}

/** As each of the three ways of telling has it. */
function told(option: Option, text: string) {
  const { name, value, repeatable } = option;
  if (value === undefined) {
    return { input: { flags: new Set([name]) }, json: true, text: "true", read: true };
  }
  if (repeatable) {
    return { input: { lists: new Map([[name, [text]]]) }, json: [text], text, read: [text] };
  }
  return { input: { values: new Map([[name, text]]) }, json: text, text, read: text };
}

function settingIn({ values, lists, flags }: Input, { name, repeatable, value }: Option) {
  if (value === undefined) return flags.has(name) || undefined;
  return repeatable ? lists.get(name) : values.get(name);
}

const SETTINGS = SERVE_OPTIONS.filter(({ name }) => name !== "config");

describe("every option", () => {
  test("has a variable of its own", () => {
    const variables = SETTINGS.map(variableOf);
    expect(new Set(variables).size).toBe(variables.length);
  });

  test.each(SETTINGS.map((option) => [option.name, option] as const))("%s", (name, option) => {
    const directory = directoryWith({});
    const path = join(directory, "writ.json");
    const places = ["file", "environment", "option"] as const;
    fc.assert(
      fc.property(fc.subarray([...places], { minLength: 1 }), (where) => {
        const of = (place: (typeof places)[number]) => told(option, `from-${place}`);
        const isIn = (place: (typeof places)[number]) => where.includes(place);
        writeFileSync(path, JSON.stringify(isIn("file") ? { [name]: of("file").json } : {}));
        const env = isIn("environment") ? { [variableOf(option)]: of("environment").text } : {};
        const given = { ...NOTHING, ...(isIn("option") ? of("option").input : {}) };
        const configured = configure(
          SERVE_OPTIONS,
          { ...given, values: new Map([...given.values, ["config", path]]) },
          ioOf(directory, env),
        );
        const first = places.findLast(isIn);
        expect(configured.origins.get(name)).toBe(first);
        expect(settingIn(configured.input, option)).toEqual(first && of(first).read);
      }),
      { numRuns: 20 },
    );
  });
});

test("a flag of the file is taken back in the environment", () => {
  const directory = directoryWith({ "writ.yaml": "audit-sync: true\n" });
  const env = { WRIT_CONFIG: "writ.yaml", WRIT_AUDIT_SYNC: "false" };
  const { input } = configure(SERVE_OPTIONS, NOTHING, ioOf(directory, env));
  expect(input.flags.has("audit-sync")).toBe(false);
});

test.each([
  ["a tag of another reader", "state: !secret redis\n", "Unresolved tag: !secret"],
  ["two members of one name", "port: 1\nport: 2\n", "unique"],
  ["text by reference", "state: &a x\naudit: *a\n", "Alias"],
])("%s in a file of settings is refused", (_, text, because) => {
  const directory = directoryWith({ "writ.yaml": text });
  const env = { WRIT_CONFIG: "writ.yaml" };
  const told = () => configure(SERVE_OPTIONS, NOTHING, ioOf(directory, env));
  expect(told).toThrow(because);
});

test("a file of settings without a name is none that can be left out", () => {
  const told = () => configure(SERVE_OPTIONS, NOTHING, ioOf("/", { WRIT_CONFIG: "" }));
  expect(told).toThrow("no file of settings is named");
});

test("an example that cannot be read stops no service", async () => {
  const directory = directoryWith({ "small/small.writ": SMALL, "small/examples/a.json": "{" });
  const served = await serve(["--state", "memory", "small"], directory);
  expect(served.listening.curl).toContain("/decide");
  await served.stop();
});

test("of a bundle and a policy, the one that goes first stands", () => {
  const directory = directoryWith({ "writ.yaml": "bundle: b.writb\nbundle-key: [k]\n" });
  const values = new Map([["config", "writ.yaml"]]);
  const given = { ...NOTHING, positionals: ["small"], values };
  const { input } = configure(SERVE_OPTIONS, given, ioOf(directory));
  expect(input.positionals).toEqual(["small"]);
  expect(input.values.has("bundle")).toBe(false);
});

test("of what is repeatable, one text in the file is a list of one, as in the environment", () => {
  const directory = directoryWith({ "writ.yaml": "bundle: b.writb\nbundle-key: k\n" });
  const given = { ...NOTHING, values: new Map([["config", "writ.yaml"]]) };
  const { input } = configure(SERVE_OPTIONS, given, ioOf(directory));
  expect(input.lists.get("bundle-key")).toEqual(["k"]);
});

test("a service is told all it needs by its file", async () => {
  const directory = directoryWith({
    "small/small.writ": SMALL,
    "writ.yaml": "policy: small\nstate: memory\naudit: records.jsonl\nadmin: off\nopa: true\n",
  });
  const served = await serve(["--config", "writ.yaml"], directory);
  expect(served.listening).toMatchObject({
    audit: expect.stringContaining("records.jsonl"),
    state: expect.stringContaining("memory"),
  });
  expect(served.listening.admin).toBeUndefined();
  await served.stop();
});

describe("writ doctor", () => {
  const strong = {
    "small/small.writ": SMALL,
    "identity.json": "[]",
    "release.pub": "",
    ".writ/audit.key": "",
  };
  const STRONG = [
    ...["--bundle", "https://b.example/p.writb", "--bundle-key", "release.pub"],
    ...["--identity", "identity.json", "--audit-sync", "--state-sync"],
  ];
  const weaknesses = async (words: readonly string[], env: Record<string, string> = {}) => {
    const cwd = directoryWith(strong);
    const ran = await writ(["doctor", "--json", ...words], { cwd, env });
    const { weakened, refused, ok } = JSON.parse(ran.out);
    expect(ran.code).toBe(ok ? 0 : 1);
    const told = [...weakened, ...refused] as Record<string, string>[];
    // Tests may run as root, which is a weakness.
    return told
      .map((one) => one.weakened ?? one.because ?? "")
      .filter((one) => !one.includes("runs as root"));
  };

  test("finds nothing where nothing is weakened", async () => {
    expect(await weaknesses(STRONG)).toEqual([]);
  });

  const WEAK: readonly (readonly [
    words: readonly string[],
    says: string,
    env?: Record<string, string>,
  ])[] = [
    [["--host", "10.0.0.1", "--allow-remote"], "other machines can ask"],
    [["--host", "10.0.0.1", "--allow-remote", "--docs"], "shown all that is served"],
    [["--host", "10.0.0.1", "--allow-remote", "--metrics-port", "1"], "names of rules"],
    [["--host", "10.0.0.1", "--allow-remote", "--audit", "off"], "leaves no evidence"],
    [["--no-test"], "tests fail"],
    [["--bundle-grace", "192h"], "a week after"],
    [["--bundle-interval", "2h"], "more than an hour"],
    [["--bundle-private"], "private networks"],
    [["--otlp-private"], "collector's URL may lead"],
    [["--audit-requests"], "whole requests"],
    [["--audit", "off"], "nothing is recorded"],
    [["--state", "memory"], "forgotten at every restart"],
    [["--state", "redis://r.example/n"], "can be read and changed"],
    [["--state", "redis://r.example/n"], "can reset limits"],
    [["--admin", "off"], "nobody can stop a session"],
    [["--admin-port", "1"], "can try credentials"],
    [["--admin-port", "1"], "in the environment", { WRIT_ADMIN_CREDENTIAL: "x" }],
    [["--trust-modules"], "nobody signed"],
    [["--trust-modules", "--shadow", "next"], "does not end"],
    [["--opa-key", "key.pub"], "whoever signs the bundle"],
    [["--module-deadline", "5000"], "one slow module"],
  ];

  test.each(WEAK.map((one) => [one[1], one] as const))("%s", async (says, [words, , env]) => {
    const found = await weaknesses([...STRONG, ...words], env);
    expect(found.filter((one) => one.includes(says))).toHaveLength(1);
  });

  test.each<[words: readonly string[], open: string, mode: number, says: string]>([
    [["small"], "small/small.writ", 0o666, "other users of this machine can write it"],
    [["small"], "small", 0o777, "other users of this machine can write it"],
    [["--approvers", "conf/a.yaml"], "conf/a.yaml", 0o664, "can say who approves"],
    [["--approvers", "conf/a.yaml"], "conf", 0o775, "can say who approves"],
    [["--authzen", "conf/a.yaml"], "conf/a.yaml", 0o646, "a mapping makes"],
    [["--forward-auth", "conf/a.yaml"], "conf/a.yaml", 0o646, "a mapping makes"],
    [["--identity", "conf/a.yaml"], "conf", 0o777, "can say whose tokens count"],
    [["--state", "conf/state.db"], "conf", 0o777, "can reset what was used up"],
    [["--audit", "conf/a.yaml"], "conf/a.yaml", 0o666, "can write or exchange the log"],
  ])("%j, where others can write %s (%o): %s", async (words, open, mode, says) => {
    const cwd = directoryWith({ "small/small.writ": SMALL, "conf/a.yaml": "" });
    const told = async () => (await writ(["doctor", ...words], { cwd })).out;
    for (const path of ["small", "conf"]) chmodSync(join(cwd, path), 0o755);
    for (const path of ["small/small.writ", "conf/a.yaml"]) chmodSync(join(cwd, path), 0o644);
    expect(await told()).not.toContain(says);
    chmodSync(join(cwd, open), mode);
    expect(await told()).toContain(says);
  });

  test("names a password of Redis that others can read, and not one in the environment", async () => {
    const state = "rediss://u:planted@r.example/n";
    const cwd = directoryWith({ "w.yaml": `state: ${state}\n` });
    chmodSync(join(cwd, "w.yaml"), 0o600);
    const told = async (words: readonly string[], env = {}) =>
      (await writ(["doctor", ...words], { cwd, env })).out;
    const says = "can read the password of Redis";
    expect(await told(["--state", state])).toContain(says);
    expect(await told([], { WRIT_STATE: state })).not.toContain(says);
    expect(await told(["--config", "w.yaml"])).not.toContain(says);
    chmodSync(join(cwd, "w.yaml"), 0o644);
    expect(await told([], { WRIT_CONFIG: "w.yaml" })).toContain(says);
  });

  test("names what a service that was told nothing lacks, for people", async () => {
    const cwd = directoryWith({ "small/small.writ": SMALL });
    const { code, out } = await writ(["doctor", "small"], { cwd });
    expect(code).toBe(1);
    for (const says of [
      "believed as it is said",
      "whoever can write its files",
      "lost when the machine fails",
      "checkpoints are not signed",
      "`--audit-sync`",
    ]) {
      expect(out).toContain(says);
    }
  });

  test("says where settings were found, and none of their values", async () => {
    const cwd = directoryWith({ "w.yaml": "audit-sync: true\n" });
    const env = { WRIT_STATE: "rediss://u:planted@r.example/n" };
    const { out } = await writ(["doctor", "--json", "--config", "w.yaml", "small"], { cwd, env });
    expect(JSON.parse(out).settings).toEqual({
      "audit-sync": "file",
      state: "environment",
      policy: "option",
      json: "option",
    });
    expect(out).not.toContain("planted");
  });
});
