/** Configurations that must not come up: each is tried, and says why. */
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { directoryWith, SMALL, writ } from "../../support/cli.ts";

const FAILING = SMALL.replace("then allow by looking", "then deny");
const TOKEN = "q0Jmv5Bw1nXsTe8kLr2YdHc4PzUoGi7aFb9EWMtNxKQ";

interface Unsafe {
  readonly words: readonly string[];
  readonly says: string;
  readonly env?: Record<string, string>;
  /** A file of settings, told by `--config`. */
  readonly settings?: string;
  readonly mode?: readonly [file: string, mode: number];
  /** 1 = said as findings of the policy. */
  readonly code?: 1 | 2;
}

const REMOTE = ["--host", "0.0.0.0", "--allow-remote"];

function followed(source: string): readonly string[] {
  return ["--bundle", source, "--opa-key", "token"];
}

const TABLE: readonly Unsafe[] = [
  // Who can reach it.
  { words: ["--host", "0.0.0.0", "small"], says: "can be reached from other machines" },
  { words: ["--host", "::", "small"], says: "can be reached from other machines" },
  { words: ["--host", "192.0.2.1", "small"], says: "can be reached from other machines" },
  { words: ["--host", "writ.example", "small"], says: "can be reached from other machines" },
  { words: ["--listen", "unix:s", "--allow-remote", "small"], says: "no other machine" },
  { words: ["--listen", "unix:s", "--host", "127.0.0.1", "small"], says: "`--listen` stands for" },
  { words: ["--listen", "unix:s", "--port", "1", "small"], says: "`--listen` stands for" },
  { words: ["--listen", "tcp://0.0.0.0:1", "small"], says: "`--listen` is unix:PATH" },
  { words: ["--port", "65536", "small"], says: "`--port` is a number" },
  { words: ["--allowed-host", "*", "small"], says: "one name or address" },
  { words: ["--allowed-host", "*.example.com", "small"], says: "one name or address" },
  { words: ["--allowed-host", "https://a.example", "small"], says: "one name or address" },
  { words: ["--allowed-host", "a.example:8787", "small"], says: "one name or address" },
  { words: ["--allowed-host", "0.0.0.0", "small"], says: "every machine and none" },
  {
    words: ["--allowed-host", "a.example", "--allowed-host", "[::]", "small"],
    says: "every machine",
  },
  // What other machines may be answered with.
  { words: [...REMOTE, "--audit", "off", "small"], says: "leaves no evidence" },
  { words: [...REMOTE, "--no-test", "small"], says: "its tests may refute" },
  { words: [...REMOTE, "--watch", "small"], says: "whatever is saved next" },
  {
    words: [...REMOTE, "--trust-modules", "--shadow", "next", "small"],
    says: "would stop all answers",
  },
  { words: ["--trust-modules", "--contain-modules", "small"], says: "both trusted and contained" },
  { words: ["--otlp", "http://collector.example/v1/traces", "small"], says: "is not https" },
  { words: ["--otlp", "https://u:p@c.example/v1/traces", "small"], says: "a user or a password" },
  { words: ["--otlp-private", "small"], says: "is for `--otlp`" },
  // Operators.
  { words: ["--admin-port", "0", "small"], says: "needs a credential" },
  { words: ["--admin-credential", "token", "small"], says: "is for `--admin-port`" },
  { words: ["--admin", "s", "--admin-port", "0", "small"], says: "two ways of one thing" },
  { words: ["--admin-port", "x", "--admin-credential", "token", "small"], says: "is a number" },
  {
    words: ["--admin-port", "0", "--admin-credential", "token", "small"],
    mode: ["token", 0o644],
    says: "others can read",
  },
  { words: ["--admin-port", "0", "--admin-credential", "none", "small"], says: "cannot read" },
  {
    words: ["--admin-port", "0", "small"],
    env: { WRIT_ADMIN_CREDENTIAL: "password" },
    says: "too easy to guess",
  },
  {
    words: ["--admin-port", "0", "small"],
    env: { WRIT_ADMIN_CREDENTIAL: "a".repeat(64) },
    says: "too easy to guess",
  },
  {
    words: ["--admin-port", "0", "small"],
    env: { WRIT_ADMIN_CREDENTIAL: `${TOKEN} ${TOKEN}` },
    says: "holds characters",
  },
  { words: ["--listen", "unix:one", "--admin", "one", "small"], says: "where operators order" },
  {
    words: ["--port", "4001", "--admin-port", "4001", "small"],
    env: { WRIT_ADMIN_CREDENTIAL: TOKEN },
    says: "must not share a port",
  },
  { words: ["--metrics-port", "8787", "small"], says: "must not share a port" },
  // Evidence.
  { words: ["--audit", "off", "--audit-sync", "small"], says: "`--audit off` does not" },
  { words: ["--audit", "off", "--audit-requests", "small"], says: "`--audit off` does not" },
  { words: ["--audit", "off", "--audit-key", "k", "small"], says: "`--audit off` does not" },
  { words: ["--audit", "off", "--audit-field", "/tool", "small"], says: "`--audit off` does not" },
  { words: ["--audit-omit", "/tool/args", "small"], says: "leaves something out of" },
  { words: ["--audit-field", "tool", "small"], says: "is no JSON pointer" },
  { words: ["--audit", "one", "--state", "one", "small"], says: "cannot stand in one file" },
  { words: ["--audit", "one", "--audit-key", "one", "small"], says: "over the key" },
  { words: ["--audit-key", "token", "small"], says: "holds no key to sign with" },
  { words: ["--audit", "small", "small"], says: "the audit log cannot be written" },
  // State.
  { words: ["--state", "memory", "--state-sync", "small"], says: "survives nothing" },
  { words: ["--state", "redis://h/n", "--state-sync", "small"], says: "what Redis keeps" },
  { words: ["--state", "redis://h/n?db=1", "small"], says: "takes nothing behind" },
  { words: ["--state-keys", "0", "small"], says: "`--state-keys` is a number" },
  { words: ["--session-days", "0", "small"], says: "`--session-days` is a number" },
  { words: ["--state", "small/small.writ", "small"], says: "small.writ" },
  // Which policy decides.
  { words: [], says: "no policy is named" },
  { words: ["failing"], says: "not served", code: 1 },
  { words: ["--bundle", "b.writb"], says: "no key is named" },
  { words: ["--bundle", "b.writb", "--bundle-key", "k", "small"], says: "two policies" },
  { words: ["--bundle-key", "k", "small"], says: "is of a bundle" },
  { words: ["--bundle-grace", "1h", "small"], says: "is of a bundle" },
  { words: ["--bundle-private", "small"], says: "is of a bundle" },
  { words: ["--bundle-token-file", "token", "small"], says: "is of a bundle" },
  { words: [...followed("b.tar.gz"), "--bundle-token-file", "token"], says: "is for a server" },
  {
    words: [...followed("https://b.example/b.tar.gz"), "--bundle-token-file", "token"],
    mode: ["token", 0o640],
    says: "others can read `token`",
  },
  {
    words: [...followed("https://b.example/b.tar.gz"), "--bundle-token-file", "small/small.writ"],
    mode: ["small/small.writ", 0o600],
    says: "holds no bearer token",
  },
  {
    words: [...followed("http://b.example/b.tar.gz"), "--bundle-token-file", "token"],
    says: "is not https",
  },
  { words: ["b.writb"], says: "once its signature was verified" },
  { words: ["--bundle", "b.writb", "--bundle-key", "token"], says: "is no such key" },
  { words: ["--module-deadline", "0", "small"], says: "`--module-deadline` is a number" },
  { words: ["--module-deadline", "10001", "small"], says: "`--module-deadline` is a number" },
  // The machine.
  {
    words: ["small"],
    env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" },
    says: "NODE_TLS_REJECT_UNAUTHORIZED",
  },
  { words: ["small"], env: { NODE_OPTIONS: "--inspect=0.0.0.0" }, says: "a debugger" },
  { words: ["small"], env: { NODE_OPTIONS: "--no-warnings --inspect-brk" }, says: "a debugger" },
  { words: ["small"], env: { NODE_OPTIONS: "--require ./patch.js" }, says: "other code" },
  { words: ["small"], env: { NODE_OPTIONS: "-r ./patch.js" }, says: "other code" },
  { words: ["small"], env: { NODE_OPTIONS: '"--require" ./patch.js' }, says: "other code" },
  { words: ["small"], env: { NODE_OPTIONS: "--experimental_loader ./x" }, says: "other code" },
  {
    words: ["small"],
    env: { NODE_OPTIONS: "--import=data:text/javascript,1" },
    says: "other code",
  },
  // Settings that are not what they seem.
  { words: ["small"], settings: "audit-snyc: true\n", says: "did you mean `audit-sync`?" },
  { words: ["small"], settings: "audit-sync: yes\n", says: "`audit-sync` is true or false" },
  { words: ["small"], settings: "audit: false\n", says: "`audit` is a text" },
  { words: ["small"], settings: "bundle-key: 5\n", says: "`bundle-key` is a text, or a list" },
  { words: ["small"], settings: "audit: off\naudit: a.jsonl\n", says: "no YAML" },
  { words: ["small"], settings: "a: &a [x]\naudit-field: *a\n", says: "no YAML" },
  { words: ["small"], settings: "- audit\n", says: "holds no settings" },
  { words: ["small"], settings: "config: other.yaml\n", says: "`config` is no setting" },
  {
    words: ["small"],
    settings: "audit-sync: true\n",
    mode: ["writ.yaml", 0o666],
    says: "everybody can write",
  },
  { words: ["small"], env: { WRIT_AUDIT_SNYC: "true" }, says: "did you mean `WRIT_AUDIT_SYNC`?" },
  { words: ["small"], env: { WRIT_AUDIT_SYNC: "1" }, says: "`WRIT_AUDIT_SYNC` is true or false" },
  { words: ["small"], env: { WRIT_IDENTITY: "" }, says: "`WRIT_IDENTITY` is empty" },
  { words: ["small"], env: { WRIT_PORT: "tcp://10.0.0.1:8787" }, says: "`--port` is a number" },
  { words: ["small"], env: { WRIT_AUDIT_FIELD: '["/tool", 1]' }, says: "a JSON array of texts" },
];

test("there are at least forty of them", () => {
  expect(TABLE.length).toBeGreaterThanOrEqual(40);
});

test.each(TABLE)("writ serve $words $env $settings is refused: $says", async (one) => {
  const { words, says, env = {}, settings, mode, code = 2 } = one;
  const directory = directoryWith({
    "small/small.writ": SMALL,
    "failing/small.writ": FAILING,
    token: `${TOKEN}\n`,
    "b.writb": "no bundle",
    "writ.yaml": settings ?? "",
  });
  chmodSync(join(directory, "token"), 0o600);
  if (mode !== undefined) chmodSync(join(directory, mode[0]), mode[1]);
  const told = settings === undefined ? words : ["--config", "writ.yaml", ...words];
  // Were it to come up, it would stop at once, with 0.
  const stopped = Promise.resolve();
  const ran = await writ(["serve", ...told], { cwd: directory, env, stopped });
  expect(ran.out + ran.err).toContain(says);
  expect(ran.code).toBe(code);
});

test("what comes up otherwise is not refused", async () => {
  const directory = directoryWith({ "small/small.writ": SMALL });
  const words = ["--port", "0", "--allowed-host", "writ.example", "--audit-sync", "small"];
  const ran = await writ(["serve", ...words], { cwd: directory, stopped: Promise.resolve() });
  expect([ran.code, ran.err]).toEqual([0, ""]);
});
