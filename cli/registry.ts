/** Every command there is. Summaries stand here as well, so that `writ --help` need not load what commands are made of. */
import type { Command } from "./command.ts";

export interface Entry {
  readonly name: string;
  readonly group: Group;
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: Command }>;
}

export const GROUPS = {
  author: "Write a policy",
  run: "Run it",
  inspect: "Ask it",
  operate: "Watch and steer it",
} as const;

type Group = keyof typeof GROUPS;

export const REGISTRY: readonly Entry[] = [
  {
    name: "init",
    group: "author",
    summary: "start a policy from an example",
    load: () => import("./commands/init.ts"),
  },
  {
    name: "check",
    group: "author",
    summary: "say what is wrong with a policy",
    load: () => import("./commands/check.ts"),
  },
  {
    name: "fmt",
    group: "author",
    summary: "lay policies out in the one way",
    load: () => import("./commands/fmt.ts"),
  },
  {
    name: "test",
    group: "author",
    summary: "run a policy's tests, look for what breaks its invariants, measure coverage",
    load: () => import("./commands/test.ts"),
  },
  {
    name: "import",
    group: "author",
    summary: "turn what other tools describe into declarations",
    load: () => import("./commands/import.ts"),
  },
  {
    name: "build",
    group: "run",
    summary: "compile a policy into one file to ship",
    load: () => import("./commands/build.ts"),
  },
  {
    name: "keys",
    group: "run",
    summary: "make keys that bundles are signed with",
    load: () => import("./commands/keys.ts"),
  },
  {
    name: "delegate",
    group: "run",
    summary: "hand authority on to an agent, or narrow what was handed on",
    load: () => import("./commands/delegate.ts"),
  },
  {
    name: "serve",
    group: "run",
    summary: "answer requests over HTTP",
    load: () => import("./commands/serve.ts"),
  },
  {
    name: "decide",
    group: "inspect",
    summary: "decide requests from a file",
    load: () => import("./commands/decide.ts"),
  },
  {
    name: "explain",
    group: "inspect",
    summary: "show why a request is decided as it is, and what nearly applied",
    load: () => import("./commands/explain.ts"),
  },
  {
    name: "replay",
    group: "inspect",
    summary: "decide recorded requests again, perhaps under another policy",
    load: () => import("./commands/replay.ts"),
  },
  {
    name: "inspect",
    group: "inspect",
    summary: "show what delegation tokens hand on, hop by hop, and whether they verify",
    load: () => import("./commands/inspect.ts"),
  },
  {
    name: "top",
    group: "operate",
    summary: "watch counters near their limits, and what is decided, live",
    load: () => import("./commands/top.ts"),
  },
  {
    name: "sessions",
    group: "operate",
    summary: "list, inspect, interrupt and reinstate the sessions of a running service",
    load: () => import("./commands/sessions.ts"),
  },
  {
    name: "state",
    group: "operate",
    summary: "confirm that it is right to go on after shared state was lost",
    load: () => import("./commands/state.ts"),
  },
  {
    name: "doctor",
    group: "operate",
    summary: "name every control of a service that is weaker than it could be",
    load: () => import("./commands/doctor.ts"),
  },
  {
    name: "revoke",
    group: "operate",
    summary:
      "take back what an agent, person, session, task, token or issuer may do, or everything",
    load: () => import("./commands/revoke.ts"),
  },
  {
    name: "tasks",
    group: "operate",
    summary: "list, show and end tasks that a running service has granted",
    load: () => import("./commands/tasks.ts"),
  },
  {
    name: "approvals",
    group: "operate",
    summary: "list, show, approve and refuse what a running service holds",
    load: () => import("./commands/approvals.ts"),
  },
  {
    name: "audit",
    group: "operate",
    summary: "verify, read and export what a service recorded",
    load: () => import("./commands/audit.ts"),
  },
  {
    name: "completion",
    group: "operate",
    summary: "let your shell complete commands and options",
    load: () => import("./commands/completion.ts"),
  },
];
