/** Controls of a service that are weaker than they could be: each is some operator's choice, and should be a choice. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { isLoopback } from "../../engine/http/index.ts";
import { parseRedisAddress } from "../../engine/state/redis/address.ts";
import { parseDuration } from "../../lang/scalar/duration.ts";
import type { Input, Io } from "../command.ts";
import { ADMIN_SOCKET, CREDENTIAL_VARIABLE } from "./admin.ts";
import { AUDIT_KEY } from "./audit.ts";
import type { Configured } from "./config.ts";
import { mayOthersRead, mayOthersWrite } from "./exposed.ts";
import { HOME } from "./home.ts";
import { isRemote } from "./unsafe.ts";

export interface Weakness {
  /** What is weakened, in a word or two. */
  readonly control: string;
  readonly weakened: string;
  readonly advice: string;
}

interface Control {
  readonly control: string;
  /** How, or `undefined` where it is as strong as it can be made. */
  weakened(told: Told): string | undefined;
  readonly advice: string;
}

interface Told extends Input {
  readonly env: Io["env"];
  readonly isRemote: boolean;
  readonly origins: Configured["origins"];
  /** Users that are not ours may change or exchange what is there. */
  mayOthersWrite(path: string | undefined): boolean;
  mayOthersRead(path: string | undefined): boolean;
  exists(path: string): boolean;
  /** Of the user who runs it; `undefined` where there are none. */
  readonly userId: number | undefined;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const SLOW_MODULE_MS = 1_000;

const CONTROLS: readonly Control[] = [
  {
    control: "who asks",
    weakened: (told) =>
      told.isRemote
        ? "other machines can ask, in plain text, and nobody says who they are"
        : undefined,
    advice:
      "let only what terminates TLS and authenticates callers reach it, or use `--listen unix:PATH`",
  },
  {
    control: "identity",
    weakened: ({ values }) =>
      values.has("identity")
        ? undefined
        : "who an agent is, and acts for, is believed as it is said",
    advice: "`--identity FILE`: tokens are verified (docs/delegation.md)",
  },
  {
    control: "policy",
    weakened: ({ positionals, values }) =>
      positionals.length > 0 && !values.has("opa-key")
        ? "whoever can write its files says what is allowed"
        : undefined,
    advice: "`writ build --sign`, and `--bundle SOURCE --bundle-key FILE`",
  },
  {
    control: "policy",
    weakened: ({ positionals: [path], mayOthersWrite }) =>
      mayOthersWrite(path) ? "other users of this machine can write it" : undefined,
    advice: "`chmod -R go-w POLICY`",
  },
  {
    control: "tests",
    weakened: ({ flags }) =>
      flags.has("no-test") ? "a policy whose tests fail decides" : undefined,
    advice: "leave out `--no-test`",
  },
  {
    control: "reloading",
    weakened: ({ flags }) => (flags.has("watch") ? "what is saved decides at once" : undefined),
    advice: "`--bundle` where others depend on it; `--watch` is for authors",
  },
  {
    control: "bundle age",
    weakened: ({ values }) =>
      msOf(values.get("bundle-grace")) > 7 * DAY_MS
        ? "a bundle decides for more than a week after it has expired"
        : undefined,
    advice: "a shorter `--bundle-grace`",
  },
  {
    control: "bundle age",
    weakened: ({ values }) =>
      msOf(values.get("bundle-interval")) > HOUR_MS
        ? "a stricter bundle takes more than an hour to come into force"
        : undefined,
    advice: "a shorter `--bundle-interval`",
  },
  {
    control: "bundle source",
    weakened: ({ flags }) =>
      flags.has("bundle-private") ? "the bundle's URL may lead into private networks" : undefined,
    advice: "leave out `--bundle-private` where the source is public",
  },
  {
    control: "bundle key",
    weakened: ({ lists, mayOthersWrite }) =>
      (lists.get("bundle-key") ?? []).some((path) => mayOthersWrite(path))
        ? "other users of this machine can exchange the key that bundles are believed by"
        : undefined,
    advice: "`chmod go-w FILE`",
  },
  {
    control: "identity",
    weakened: ({ values, mayOthersWrite }) =>
      mayOthersWrite(values.get("identity"))
        ? "other users of this machine can say whose tokens count"
        : undefined,
    advice: "`chmod go-w FILE`",
  },
  {
    control: "approvals",
    weakened: ({ values, mayOthersWrite }) =>
      mayOthersWrite(values.get("approvers"))
        ? "other users of this machine can say who approves"
        : undefined,
    advice: "`chmod go-w FILE`",
  },
  {
    control: "who asks",
    weakened: ({ values, mayOthersWrite }) =>
      ["authzen", "forward-auth"].some((name) => mayOthersWrite(values.get(name)))
        ? "other users of this machine can say whose requests a mapping makes of what is asked"
        : undefined,
    advice: "`chmod go-w MAPPING`",
  },
  {
    control: "settings",
    weakened: ({ values, env, mayOthersWrite }) =>
      mayOthersWrite(values.get("config") ?? env.WRIT_CONFIG)
        ? "other users of this machine can change these settings"
        : undefined,
    advice: "`chmod go-w FILE`",
  },
  {
    control: "evidence",
    weakened: ({ values }) => (values.get("audit") === "off" ? "nothing is recorded" : undefined),
    advice: "leave out `--audit off`",
  },
  {
    control: "evidence",
    weakened: ({ values, flags }) =>
      values.get("audit") !== "off" && !flags.has("audit-sync")
        ? "records of answers that were given are lost when the machine fails"
        : undefined,
    advice: "`--audit-sync`",
  },
  {
    control: "evidence",
    weakened: ({ values, exists }) =>
      values.get("audit") !== "off" && !values.has("audit-key") && !exists(`${HOME}/${AUDIT_KEY}`)
        ? "checkpoints are not signed: who can write the log can rewrite it"
        : undefined,
    advice: "`writ audit key`, and keep its public half elsewhere",
  },
  {
    control: "evidence",
    weakened: ({ values, mayOthersWrite }) =>
      values.get("audit") !== "off" && mayOthersWrite(values.get("audit"))
        ? "other users of this machine can write or exchange the log"
        : undefined,
    advice: "`chmod go-w FILE`, in a directory of this user's alone",
  },
  {
    control: "secrecy",
    weakened: ({ flags, lists }) =>
      flags.has("audit-requests") && (lists.get("audit-omit") ?? []).length === 0
        ? "whole requests are recorded, values of arguments among them"
        : undefined,
    advice: "`--audit-omit POINTER` for what nobody must read",
  },
  {
    control: "limits",
    weakened: ({ values }) =>
      values.get("state") === "memory"
        ? "what was used up is forgotten at every restart"
        : undefined,
    advice: "`--state FILE`, or leave it out",
  },
  {
    control: "limits",
    weakened: ({ values, flags }) =>
      keptInFile(values) && !flags.has("state-sync")
        ? "what was used up last is forgotten when the machine fails"
        : undefined,
    advice: "`--state-sync`",
  },
  {
    control: "limits",
    weakened: ({ values, mayOthersWrite }) =>
      keptInFile(values) && mayOthersWrite(values.get("state"))
        ? "other users of this machine can reset what was used up"
        : undefined,
    advice: "`chmod go-w FILE`, in a directory of this user's alone",
  },
  {
    control: "shared state",
    weakened: ({ values }) => {
      const address = redisIn(values);
      if (address === undefined || address.tls || isLoopback(address.host)) return undefined;
      return "between here and Redis, limits and session data can be read and changed";
    },
    advice: "`--state rediss://…`",
  },
  {
    control: "shared state",
    weakened: ({ values }) => {
      const address = redisIn(values);
      if (address === undefined || address.password !== undefined) return undefined;
      return "whoever reaches Redis can reset limits";
    },
    advice: "`--state rediss://USER:PASSWORD@…`, in the environment",
  },
  {
    control: "shared state",
    weakened: ({ values, env, origins, mayOthersRead }) => {
      if (redisIn(values)?.password === undefined) return undefined;
      const origin = origins.get("state");
      const isShown =
        origin === "option" ||
        (origin === "file" && mayOthersRead(values.get("config") ?? env.WRIT_CONFIG));
      return isShown ? "other users of this machine can read the password of Redis" : undefined;
    },
    advice: "`WRIT_STATE` in the environment, or `chmod 600` the file of settings",
  },
  {
    control: "operators",
    weakened: ({ values }) =>
      values.has("admin-port")
        ? "whoever is on this machine can try credentials, which a socket's permissions would not let them"
        : undefined,
    advice: "`--admin PATH` instead of `--admin-port`",
  },
  {
    control: "operators",
    weakened: ({ env, values }) =>
      values.has("admin-port") && (env[CREDENTIAL_VARIABLE] ?? "") !== ""
        ? `the credential stands in the environment, which child processes and dumps have`
        : undefined,
    advice: "`--admin-credential FILE`",
  },
  {
    control: "operators",
    weakened: ({ values }) =>
      values.get("admin") === "off" && !values.has("admin-port")
        ? "nobody can stop a session while it runs"
        : undefined,
    advice: `leave out \`--admin off\`: ${HOME}/${ADMIN_SOCKET} is for this user alone`,
  },
  {
    control: "user",
    weakened: ({ userId }) =>
      userId === 0 ? "it runs as root, and so does whoever finds a way in" : undefined,
    advice: "a user of its own, whom no agent runs as (deploy/)",
  },
  {
    control: "modules",
    weakened: ({ flags }) =>
      flags.has("trust-modules")
        ? "modules that nobody signed run in the service's process"
        : undefined,
    advice: "leave out `--trust-modules`, or sign the bundle",
  },
  {
    control: "modules",
    weakened: ({ flags, values }) =>
      flags.has("trust-modules") && values.has("shadow")
        ? "one module of the candidate that does not end stops all answers"
        : undefined,
    advice: "leave out `--shadow`, or `--trust-modules`",
  },
  {
    control: "modules",
    weakened: ({ flags, values }) =>
      values.has("opa-key") && !flags.has("contain-modules")
        ? "whoever signs the bundle has a module run in the service's process"
        : undefined,
    advice: "`--contain-modules`, where that is another team",
  },
  {
    control: "modules",
    weakened: ({ values }) =>
      Number(values.get("module-deadline") ?? 0) > SLOW_MODULE_MS
        ? "one slow module holds its answers for more than a second"
        : undefined,
    advice: "a shorter `--module-deadline`",
  },
  {
    control: "what is told",
    weakened: (told) =>
      told.isRemote && told.values.has("metrics-port")
        ? "other machines can read the names of rules and how often they decide"
        : undefined,
    advice: "let only Prometheus reach `--metrics-port`",
  },
  {
    control: "what is told",
    weakened: ({ flags }) =>
      flags.has("otlp-private") ? "the collector's URL may lead into private networks" : undefined,
    advice: "leave out `--otlp-private` where the collector is public or on this machine",
  },
  {
    control: "what is told",
    weakened: (told) =>
      told.isRemote && told.flags.has("docs")
        ? "other machines are shown all that is served"
        : undefined,
    advice: "leave out `--docs`",
  },
];

export const CONTROL_COUNT = CONTROLS.length;

export function weaknessesIn({ input, origins }: Configured, io: Io): readonly Weakness[] {
  const { cwd } = io;
  const told: Told = {
    ...input,
    env: io.env,
    origins,
    isRemote: isRemote(input),
    userId: process.getuid?.(),
    exists: (path) => existsSync(resolve(cwd, path)),
    mayOthersWrite: (path) => path !== undefined && mayOthersWrite(resolve(cwd, path)),
    mayOthersRead: (path) => path !== undefined && mayOthersRead(resolve(cwd, path)),
  };
  return CONTROLS.flatMap(({ control, weakened, advice }) => {
    const how = weakened(told);
    return how === undefined ? [] : [{ control, weakened: how, advice }];
  });
}

function redisIn(values: Input["values"]) {
  const address = parseRedisAddress(values.get("state") ?? "");
  return typeof address === "string" ? undefined : address;
}

function keptInFile(values: Input["values"]): boolean {
  return values.get("state") !== "memory" && redisIn(values) === undefined;
}

/** 0 of what is no duration: that is refused elsewhere. */
function msOf(text: string | undefined): number {
  const read = text === undefined ? undefined : parseDuration(text);
  return read?.ok ? read.value : 0;
}
