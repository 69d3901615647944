/** What is decided, as spans in the traces of those who ask, sent to a collector. */
import type { Clock } from "../../engine/clock.ts";
import { readUrl } from "../../engine/egress/fetch.ts";
import { type DecisionService, type Traced, traced } from "../../engine/http/index.ts";
import { exportTo } from "../../engine/trace/collector.ts";
import type { ExportCounts } from "../../engine/trace/exporter.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";

export const TRACE_OPTIONS: readonly Option[] = [
  {
    name: "otlp",
    value: "URL",
    help: "send a span of each decision to this OpenTelemetry collector (https://…/v1/traces)",
  },
  { name: "otlp-private", help: "the collector's address may be in a private network" },
];

export interface ServedTraces extends Traced {
  /** Missing where nothing is sent. */
  readonly counts: (() => ExportCounts) | undefined;
  close(): Promise<void>;
}

export function readTraces(
  { values, flags }: Input,
  io: Io,
): (service: DecisionService, clock: Clock) => ServedTraces {
  const given = values.get("otlp");
  const privateNetworks = flags.has("otlp-private");
  if (given === undefined) {
    if (privateNetworks) throw new Misuse("`--otlp-private` is for `--otlp`");
    return (service) => ({ service, join: () => {}, counts: undefined, close: async () => {} });
  }
  const reading = readUrl(given);
  if (!reading.ok) throw new Misuse(`\`--otlp\` ${reading.why}`, "https, or http to this machine");
  const onFailure = (because: string) => io.err(`spans cannot be sent: ${because}\n`);
  return (service, { wallMs }) => {
    const exporter = exportTo({ url: reading.url, privateNetworks, onFailure });
    const around = traced(service, { take: (span) => exporter.take(span), wallMs });
    return { ...around, counts: exporter.counts, close: () => exporter.close() };
  };
}
