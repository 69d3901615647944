import { LogStopped } from "../../engine/audit/log.ts";
import { neverBackwards } from "../../engine/clock.ts";
import { concluding } from "../../engine/conclude.ts";
import type { EngineParts } from "../../engine/engine.ts";
import {
  createServer,
  type Listening,
  measured,
  type ServerParts,
  withholding,
} from "../../engine/http/index.ts";
import { createIds } from "../../engine/ids.ts";
import { StateUnavailable } from "../../engine/state/store.ts";
import type { Command, ExitCode, Input, Io } from "../command.ts";
import { openAdmin } from "../serve/admin.ts";
import { openAudit, type ServedAudit } from "../serve/audit.ts";
import { openBackfill } from "../serve/backfill.ts";
import { configure } from "../serve/config.ts";
import { readDoors } from "../serve/doors.ts";
import { curlFor, exampleFor } from "../serve/example.ts";
import { openGrants, type ServedGrants } from "../serve/grants.ts";
import { collectSeldom } from "../serve/heap.ts";
import { openServiceIdentity, withIdentity } from "../serve/identity.ts";
import { startListening } from "../serve/listening.ts";
import { openMetrics, vitalsOf } from "../serve/metrics.ts";
import { askingModules } from "../serve/modules.ts";
import { type Keep, withOpen } from "../serve/open.ts";
import { SERVE_OPTIONS } from "../serve/options.ts";
import {
  type FoundPolicy,
  findPolicy,
  type NamedPolicy,
  type OpenedPolicy,
} from "../serve/policy.ts";
import { policyJson, spellPolicy } from "../serve/reloads.ts";
import { type FoundShadow, findShadow } from "../serve/shadow.ts";
import { openSignals } from "../serve/signals.ts";
import { type OpenState, openState } from "../serve/state.ts";
import { granterFor, openTasks } from "../serve/tasks.ts";
import { keepTick } from "../serve/ticks.ts";
import { readTraces } from "../serve/traces.ts";
import { refuseUnsafe } from "../serve/unsafe.ts";
import { painter } from "../terminal.ts";

export const command: Command = {
  name: "serve",
  summary: "answer requests over HTTP",
  usage: "[options] POLICY | --bundle SOURCE --bundle-key FILE",
  description: [
    "Loads POLICY, runs its tests, and answers `POST /decide` and `POST /outcome` until it is stopped by Ctrl-C or SIGTERM; requests under way are answered first. What agents have done is kept in a file, and still counts after a restart; processes that name the same Redis share it (`--state`).",
    "Every decision is recorded before its answer leaves; while nothing can be recorded, nothing is decided. `writ audit` reads the records.",
    "With --bundle, SOURCE is a signed bundle of `writ build --sign`, which is fetched again and again: a newer one is verified, its tests are run, and it decides from the next request on, without a pause. One that is broken, older or fails its tests is told, and leaves what decides. With --watch, the same happens to POLICY when its files change.",
    "It listens on this machine only. Whoever can reach it can ask it: to be reached from others, put it behind something that says who asks, and use --allow-remote.",
    "Operators (`writ top`, `writ sessions`) come in by a socket that only your user can open. So can whatever else runs as you: run agents as another user, or say `--admin off`.",
    "Every option can stand in a file that --config names (`audit-sync: true`; POLICY is `policy`), and in the environment (`WRIT_AUDIT_SYNC=true`; of what is repeatable, a JSON array); options go before the environment, and that before the file. What is unsafe together is refused; `writ doctor` takes the same options and names what is weaker than it could be.",
    "With --json, prints one JSON document a line: one when it listens, then one for each request, without what was asked.",
    "Examples:\n  writ serve policies/payments\n  writ serve --watch policies/payments\n  writ serve --bundle https://bundles.example/payments.writb --bundle-key release.pub",
  ],
  options: SERVE_OPTIONS,
  positionals: { least: 0, most: 1 },
  run: serve,
};

async function serve(given: Input, io: Io): Promise<ExitCode> {
  const { input } = configure(SERVE_OPTIONS, given, io);
  refuseUnsafe(input, io);
  collectSeldom();
  keepTick();
  const found = await findPolicy(input, io);
  const shadow = found && (await findShadow(input, io));
  if (found === undefined || shadow === undefined) return 1;
  const because = await toldWhyNotKept(async (keep) => {
    const audit = keep(await openAudit(input, io), (one) => one.close());
    const state = keep(await openState(input, io, audit.log), (one) => one.close());
    const grants = keep(await openGrants(state, input, io), (one) => one.close());
    const served = { found, shadow, audit, state, grants };
    const because = await withOpen((keepHere) => answerUntilStopped(served, input, io, keepHere));
    shadow.stop();
    return because;
  });
  if (input.json) io.out(`${JSON.stringify({ event: "stopped", because })}\n`);
  return because === undefined ? 0 : 2;
}

/** What cannot be written at the end, nobody was answered by: the log and the state have told it, and are as they are after a kill. */
async function toldWhyNotKept(
  run: (keep: Keep) => Promise<string | undefined>,
): Promise<string | undefined> {
  try {
    return await withOpen(run);
  } catch (fault) {
    if (fault instanceof LogStopped || fault instanceof StateUnavailable) return fault.message;
    throw fault;
  }
}

interface Served {
  readonly found: FoundPolicy;
  readonly shadow: FoundShadow;
  readonly audit: ServedAudit;
  readonly state: OpenState;
  readonly grants: ServedGrants;
}

/** Resolves with what ended it, if nobody asked it to stop. */
async function answerUntilStopped(
  { found, shadow, audit, state, grants }: Served,
  input: Input,
  io: Io,
  keep: Keep,
): Promise<string | undefined> {
  const doors = readDoors(input, io);
  const openTraces = readTraces(input, io);
  const shared = sharedParts(state, audit, io);
  const now = neverBackwards(state.clock.wallMs);
  const askModules = askingModules(input, io, now);
  const backfill = openBackfill(audit.log, input, io);
  const makeEngine = (named: NamedPolicy) => {
    const engine = state.engine({ ...named, ...shared });
    backfill.know(named.program, engine);
    return askModules(engine, named);
  };
  const { onSwap } = backfill;
  const parts = { ...shared, makeEngine, now, onSwap, record: audit.operator };
  const policy = keep(await found.open(parts), (one) => one.stop());
  await backfill.settled();

  const decided = await shadow.around(policy.active, { ...shared, store: state.store });
  const present = () => policy.active.present();
  const digest = () => present()?.digest;
  const granter = granterFor(input, io);
  const verifying = { clock: state.clock, revocations: grants.revocations, granter };
  const identity = await openServiceIdentity(verifying, input, io);
  const granting = { granter, identity, tasks: grants.admin.tasks, record: audit.operator };
  const tasks = openTasks(granting, io);
  const granted = grants.around(tasks.around(decided), digest);
  const kept = audit.around(concluding(state.keep(withholding(granted))));
  const { service: counted, measures } = measured(withIdentity(kept, identity, io));
  const traces = keep(openTraces(counted, state.clock), (one) => one.close());
  const { service } = traces;

  const opened = await openSignals({ grants, audit, state }, input, io);
  const signals = keep(opened, (one) => one.close());
  const served = tasks.open({ service, policy: present });
  const documents = {
    packageName: () => present()?.program.package,
    isRego: () => present()?.entrypoint !== undefined,
  };
  const asked = { ...grants.kept, policy: digest, record: audit.operator };
  const openDoors = doors.open(service, documents, asked);
  const app = createServer({
    service,
    allowedHosts: [...(input.lists.get("allowed-host") ?? []), ...doors.allowedHosts],
    docs: doors.docs,
    extend: (app) => {
      traces.join(app);
      openDoors(app);
      signals.open(app);
      served.serve(app);
    },
    logger: loggerFor(input, io),
  });
  const own = vitalsOf({ policy, shadow, state, audit });
  const vitals = { ...own, ...signals.vitals, ...tasks.vitals, spans: traces.counts };
  const watched = { engine: policy.engine, service, measures, vitals };
  const { settled } = state;
  const orders = { ...grants.admin, ...served.admin, ...audit.admin };
  const operated = { ...watched, ...orders, record: audit.operator, settled };

  // From when it can be asked, it is asked to stop as well: to be killed would leave who asks without an answer.
  const { stopped } = io;
  // Operators can look on while the last answers are given.
  const ways = keep<Listening[]>([], stopInTurn);
  const listening = await startListening(app, input, io);
  ways.push(listening);
  const admin = await openAdmin(operated, input, io);
  if (admin !== undefined) ways.push(admin);
  const metrics = await openMetrics(watched, input);
  if (metrics !== undefined) ways.push(metrics);
  const places = {
    url: listening.address,
    admin: admin?.address,
    metrics: metrics?.address,
    state: state.place,
    audit: audit.shown,
  };
  tellListening(policy, places, input, io);
  policy.start();
  return (await Promise.race([stopped, listening.stopped, audit.ended])) ?? undefined;
}

/** One that cannot be stopped in full keeps none of the others open. */
async function stopInTurn([way, ...others]: readonly Listening[]): Promise<void> {
  if (way === undefined) return;
  try {
    await way.stop();
  } finally {
    await stopInTurn(others);
  }
}

interface Places {
  readonly url: string;
  readonly admin: string | undefined;
  readonly metrics: string | undefined;
  /** Where what agents have done is kept. */
  readonly state: string;
  readonly audit: string;
}

function tellListening(
  policy: OpenedPolicy,
  places: Places,
  { json, values }: Input,
  io: Io,
): void {
  const { url, admin, metrics, state, audit } = places;
  const present = policy.active.present();
  const example = policy.loaded && exampleFor(policy.loaded, io);
  const curl = example === undefined ? undefined : curlFor(example, url);
  if (json) {
    const served = present && policyJson(present);
    const listening = { event: "listening", ...places, policy: served, curl };
    io.out(`${JSON.stringify(listening)}\n`);
    return;
  }
  const paint = painter(io);
  const what = present === undefined ? "decides nothing yet" : `decides by ${spellPolicy(present)}`;
  const operators =
    admin === undefined ? "" : `operators: ${admin} (\`writ top\`, \`writ sessions\`)\n`;
  const isHeld = present?.program.rules.some(({ effect }) => effect === "hold") ?? false;
  const holds =
    isHeld && !values.has("approvers") ? "holds: nobody can approve (`--approvers`)\n" : "";
  const counted = metrics === undefined ? "" : `metrics: ${metrics}/metrics\n`;
  const asking = curl === undefined ? "" : `\nAsk it:\n\n${curl}\n`;
  io.out(
    `${paint("bold", url)} ${what}\n${operators}${counted}state: ${state}\nrecords: ${audit}\n${holds}` +
      `${asking}\n${paint("dim", "Ctrl-C stops it.")}\n`,
  );
}

/** What every engine of this service has, whatever policies it will decide by: they remember together. */
function sharedParts({ clock }: OpenState, { evidence }: ServedAudit, io: Io) {
  return {
    clock,
    evidence,
    ids: createIds(),
    onFault: (fault: unknown) => {
      io.err(`fault while deciding: ${fault instanceof Error ? fault.message : fault}\n`);
    },
  } satisfies Partial<EngineParts>;
}

function loggerFor({ json }: Input, io: Io): NonNullable<ServerParts["logger"]> {
  if (!json) return false;
  // Where it listens is told once, with what is served.
  const write = (line: string) => void (line.includes('"msg":"Server listening') || io.out(line));
  return { level: "info", stream: { write } };
}
