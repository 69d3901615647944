/** Tasks that the service grants: whose key signs them, and what stands around the engine and in front of it for them. */
import {
  type AdminParts,
  type DecisionService,
  type ServerParts,
  serveTasks,
  type Vitals,
} from "../../engine/http/index.ts";
import { type IssuerConfig, readIdentityConfig } from "../../engine/identity/config.ts";
import type { RestingIdentity } from "../../engine/identity/identity.ts";
import { publicJwk } from "../../engine/identity/issue.ts";
import { parseSpiffeId } from "../../engine/identity/spiffe.ts";
import { granted } from "../../engine/tasks/granted.ts";
import { createTaskService, type EndTask, endingOf } from "../../engine/tasks/service.ts";
import type { Granter, StartParts } from "../../engine/tasks/start.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { signingKeys } from "../signing.ts";

export const TASK_OPTIONS: readonly Option[] = [
  {
    name: "grant-key",
    value: "FILE",
    help: "signs grants of tasks (`writ keys new`; docs/delegation.md)",
  },
  {
    name: "trust-domain",
    value: "NAME",
    help: "whose tasks they are, such as acme.example: spiffe://acme.example/task/…",
  },
];

/** `undefined` where the service grants none. */
export function granterFor({ values }: Input, io: Io): Granter | undefined {
  const path = values.get("grant-key");
  const domain = values.get("trust-domain");
  if (path === undefined && domain === undefined) return undefined;
  if (path === undefined || domain === undefined) {
    throw new Misuse(
      "`--grant-key` and `--trust-domain` belong together",
      "one signs grants of tasks, the other is whose they are",
    );
  }
  const read = parseSpiffeId(`spiffe://${domain}`);
  if (!read.ok || read.path !== "") {
    throw new Misuse(`\`--trust-domain ${domain}\` is no trust domain`, "such as acme.example");
  }
  const [key] = signingKeys([path], io);
  if (key === undefined) throw new Error("a key was read and is not there");
  return { name: `spiffe://${domain}`, key };
}

/** Its own grants among the tokens that the service accepts: for itself alone, whoever they begin with. */
export function issuerOf({ name, key }: Granter, workloads: readonly string[]): IssuerConfig {
  const keys = { jwks: { keys: [publicJwk(key.verifying)] } };
  const issuer = { type: "link", issuer: name, algorithms: ["Ed25519"], roots: ["*"], keys };
  const read = readIdentityConfig({ audience: name, workloads, issuers: [issuer] });
  const [config] = read.ok ? read.issuers : [];
  if (config === undefined) throw new Error("the service's own issuer is none");
  return config;
}

interface GrantingParts extends Pick<StartParts, "tasks" | "record"> {
  /** `undefined` where none are granted. */
  readonly granter: Granter | undefined;
  /** `undefined` where no tokens are accepted. */
  readonly identity: RestingIdentity | undefined;
}

export interface ServedTasks {
  readonly end: EndTask;
  readonly vitals: Pick<Vitals, "tasks">;
  around(service: DecisionService): DecisionService;
  /** In front of `service`: what whoever asks may do, and what operators may. */
  open(asked: Pick<StartParts, "service" | "policy">): {
    readonly serve: NonNullable<ServerParts["extend"]>;
    readonly admin: Pick<AdminParts, "signal">;
  };
}

export function openTasks(parts: GrantingParts, io: Io): ServedTasks {
  const { tasks, record, granter, identity } = parts;
  const onFault = (fault: unknown) =>
    io.err(`fault in tasks: ${fault instanceof Error ? fault.message : fault}\n`);
  const end = endingOf(tasks, record);
  return {
    end,
    vitals: { tasks: () => tasks.count() },
    around: (service) =>
      granted(service, {
        tasks,
        identity,
        onFault,
        end: async (id, because) => void (await end(id, { by: "writ", because })),
      }),
    open: (asked) => {
      const isGranting = granter !== undefined && identity !== undefined;
      const served = isGranting
        ? createTaskService({ ...asked, tasks, record, onFault, end, granter, identity })
        : undefined;
      return { serve: (app) => serveTasks(app, served), admin: { signal: served?.signal } };
    },
  };
}
