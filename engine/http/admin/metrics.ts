import type { FastifyContextConfig, FastifyInstance } from "fastify";
import type { StateView } from "../../inspect/view.ts";
import type { MeasuresReading } from "../measured.ts";
import type { AdminParts } from "./admin.ts";
import { counter, EXPOSITION_TYPE, expose, type Family, gauge, histogram } from "./exposition.ts";
import type { PartVitals, ReloadVitals, ShadowVitals, Vitals } from "./vitals.ts";

export type MetricsParts = Pick<AdminParts, "engine" | "service" | "measures" | "vitals">;

/** `GET /metrics`, for Prometheus: numbers, and names that the policy gives; nothing of any request. */
export function serveMetrics(
  app: FastifyInstance,
  parts: MetricsParts,
  config: Pick<FastifyContextConfig, "anyHost"> = {},
): void {
  const purpose = "counts what is decided, for Prometheus";
  app.get("/metrics", { config: { purpose, ...config } }, async (_request, reply) =>
    reply.header("content-type", EXPOSITION_TYPE).send(expose(await familiesOf(parts))),
  );
}

async function familiesOf(parts: MetricsParts): Promise<readonly Family[]> {
  const { vitals = {}, service, measures } = parts;
  return [
    yesNo("writ_ready", "Decisions other than denials can be expected.", service.readiness().ready),
    ...decisionFamilies(measures.read()),
    ...policyFamilies(vitals),
    ...reloadFamilies(vitals.reloads?.()),
    ...shadowFamilies(vitals.shadow?.()),
    ...partFamilies("state", vitals.state),
    ...partFamilies("audit", vitals.audit),
    ...queueFamilies(vitals),
    ...spanFamilies(vitals),
    ...eventFamilies(vitals),
    ...taskFamilies(vitals),
    ...stateFamilies(await stateOf(parts)),
    ...processFamilies(),
  ];
}

function yesNo(name: string, help: string, is: boolean): Family {
  return gauge(name, help, is ? 1 : 0);
}

function decisionFamilies(reading: MeasuresReading): readonly Family[] {
  const { total, codes, rules, outcomes, latency, inFlight } = reading;
  const byRule = rules.map(({ rule, effect, count }) => ({
    labels: { rule, effect },
    value: count,
  }));
  return [
    counter("writ_decisions", "Decisions; `failed` are requests without one.", total, "decision"),
    counter("writ_denials", "Denials by their code.", codes, "code"),
    {
      name: "writ_rule_decisions",
      help: "Decisions that a rule determined.",
      type: "counter",
      samples: byRule,
    },
    counter("writ_outcomes", "Outcomes that were reported.", outcomes, "result"),
    gauge("writ_decisions_in_flight", "Requests being decided.", inFlight),
    histogram("writ_decision_seconds", "From a request that was read to its answer.", latency),
  ];
}

function policyFamilies({ policy }: Vitals): readonly Family[] {
  const present = policy?.();
  if (present === undefined) return [];
  const { package: name, digest, revision = "", rules } = present;
  const labels = { package: name, digest, revision };
  const help = "The policy in force.";
  return [
    { name: "writ_policy_info", help, type: "gauge", samples: [{ labels, value: 1 }] },
    gauge("writ_policy_rules", "Rules of the policy in force.", rules),
  ];
}

function reloadFamilies(status: ReloadVitals | undefined): readonly Family[] {
  if (status === undefined) return [];
  const { activationCount, refusalCounts, activatedAtMs, checkedAtMs, expiresMs } = status;
  const at = (name: string, help: string, ms: number | undefined) =>
    ms === undefined ? [] : [gauge(name, help, ms / 1_000)];
  return [
    counter("writ_reloads", "Bundles that were activated.", activationCount),
    counter(
      "writ_reload_refusals",
      "Bundles that were not, by why.",
      Object.fromEntries(refusalCounts),
      "code",
    ),
    yesNo(
      "writ_reload_failing",
      "The latest look at the source came to nothing.",
      status.failing !== undefined,
    ),
    ...at("writ_reload_timestamp_seconds", "When a bundle was activated last.", activatedAtMs),
    ...at("writ_reload_checked_timestamp_seconds", "When the source was looked at.", checkedAtMs),
    ...at("writ_bundle_expires_timestamp_seconds", "When the bundle expires.", expiresMs),
  ];
}

function shadowFamilies(report: ShadowVitals | undefined): readonly Family[] {
  if (report === undefined) return [];
  const { alike, differing, failed } = report;
  const counts = { alike, differing, failed };
  return [
    counter("writ_shadow_decisions", "What the candidate came to beside it.", counts, "result"),
  ];
}

const WAITED_FOR = {
  state: "what a decision leaves behind was kept",
  audit: "the record was written",
} as const;

function partFamilies(
  name: keyof typeof WAITED_FOR,
  part: PartVitals | undefined,
): readonly Family[] {
  if (part === undefined) return [];
  const up = yesNo(`writ_${name}_up`, `Whether ${name} can be written.`, part.readiness().ready);
  const waits = part.waits?.read();
  if (waits === undefined) return [up];
  const { latency, failed, waiting } = waits;
  return [
    up,
    histogram(`writ_${name}_wait_seconds`, `Until ${WAITED_FOR[name]}.`, latency),
    counter(`writ_${name}_failures`, `Waits for ${name} that failed.`, failed),
    gauge(`writ_${name}_waiting`, `Answers that wait for ${name}.`, waiting),
  ];
}

function queueFamilies({ audit }: Vitals): readonly Family[] {
  if (audit === undefined) return [];
  return [gauge("writ_audit_queued_records", "Records that are not written yet.", audit.queued())];
}

function spanFamilies({ spans }: Vitals): readonly Family[] {
  if (spans === undefined) return [];
  return [
    counter("writ_spans", "Spans, by whether a collector has them.", { ...spans() }, "result"),
  ];
}

function eventFamilies({ events, polled }: Vitals): readonly Family[] {
  if (events === undefined) return [];
  const help = "Security events, by what became of them.";
  const samples = (polled?.() ?? []).map(({ transmitter, atMs }) => ({
    labels: { transmitter },
    value: atMs / 1_000,
  }));
  const name = "writ_security_events_polled_timestamp_seconds";
  return [
    counter("writ_security_events", help, events(), "result"),
    ...(samples.length === 0
      ? []
      : [{ name, help: "When events were fetched last.", type: "gauge" as const, samples }]),
  ];
}

function taskFamilies({ tasks }: Vitals): readonly Family[] {
  if (tasks === undefined) return [];
  const help = "Tasks that were granted and whose grant's time has not come, by how they stand.";
  return [gauge("writ_granted_tasks", help, tasks(), "status")];
}

/** State on another machine may be out of reach; all else is told even then. */
async function stateOf({ engine }: MetricsParts): Promise<StateView | undefined> {
  try {
    return await engine().inspection.state(1);
  } catch {
    return undefined;
  }
}

function stateFamilies(state: StateView | undefined): readonly Family[] {
  if (state === undefined) return [];
  const { sessions, tasks, calls, counters, latches, keys_most: most } = state;
  const keys = [...counters, ...latches].map(({ name, keys }) => [name, keys]);
  return [
    gauge("writ_sessions", "Sessions that are remembered.", sessions.count),
    gauge("writ_sessions_interrupted", "Sessions that were ended.", sessions.interrupted),
    gauge("writ_tasks", "Tasks under way.", tasks.count),
    gauge("writ_calls_open", "Allowed calls whose outcome is awaited.", calls.count),
    gauge("writ_calls_open_most", "How many of them there may be.", calls.most),
    gauge("writ_keys", "Keys of counters and latches.", Object.fromEntries(keys), "name"),
    gauge("writ_keys_most", "What each of them may have.", most),
  ];
}

/** By the names that Prometheus's own clients give them. */
function processFamilies(): readonly Family[] {
  const { user, system } = process.cpuUsage();
  const startedMs = performance.timeOrigin;
  return [
    counter("process_cpu_seconds", "CPU time.", (user + system) / 1_000_000),
    gauge("process_resident_memory_bytes", "Memory.", process.memoryUsage.rss()),
    gauge("process_start_time_seconds", "When it began.", startedMs / 1_000),
  ];
}
