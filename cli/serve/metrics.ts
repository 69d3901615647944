/** What is counted, for operators and for a Prometheus on another machine. */
import {
  createMetricsServer,
  DEFAULT_HOST,
  type Listening,
  listen,
  type Vitals,
} from "../../engine/http/index.ts";
import { type Input, Misuse, type Option } from "../command.ts";
import type { ServedAudit } from "./audit.ts";
import { portOf } from "./listening.ts";
import type { OpenedPolicy } from "./policy.ts";
import type { FoundShadow } from "./shadow.ts";
import type { OpenState } from "./state.ts";

export const METRICS_OPTIONS: readonly Option[] = [
  {
    name: "metrics-port",
    value: "PORT",
    help: "serve GET /metrics, and nothing else, on this port of --host (operators have it anyway)",
  },
];

interface VitalParts {
  readonly policy: OpenedPolicy;
  readonly shadow: FoundShadow;
  readonly state: OpenState;
  readonly audit: ServedAudit;
}

export function vitalsOf({ policy, shadow, state, audit }: VitalParts): Vitals {
  return {
    policy: () => {
      const present = policy.active.present();
      if (present === undefined) return undefined;
      const { program, digest, revision } = present;
      return { package: program.package, digest, revision, rules: program.rules.length };
    },
    reloads: policy.reloads,
    shadow: shadow.report,
    state: state.vitals,
    ...audit.vitals,
  };
}

/** `undefined` where it was not asked for. */
export async function openMetrics(
  parts: Parameters<typeof createMetricsServer>[0],
  { values, flags }: Input,
): Promise<Listening | undefined> {
  const given = values.get("metrics-port");
  if (given === undefined) return undefined;
  const port = portOf(given, "metrics-port");
  const host = values.get("host") ?? DEFAULT_HOST;
  const allowRemote = flags.has("allow-remote");
  try {
    return await listen(createMetricsServer(parts), { host, port, allowRemote, signals: false });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    if (code === undefined) throw error;
    throw new Misuse(`cannot serve metrics on ${host}, port ${port}: ${code}`, "`--metrics-port`");
  }
}
