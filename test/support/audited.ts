/** A service that decides by a policy and records in memory. */
import { createAudit } from "../../engine/audit/audited.ts";
import type { RecordOptions } from "../../engine/audit/record.ts";
import { createEngine, type EngineParts, type Vouched } from "../../engine/engine.ts";
import { type DecisionService, withholding } from "../../engine/http/index.ts";
import { type Opened, openMemoryLog } from "./audit.ts";
import { programOf, START } from "./engine.ts";

export interface Audited extends Opened {
  readonly service: DecisionService;
  readonly options: RecordOptions;
  nowMs: number;
  /** The decision, or the kind of answer there was instead. */
  ask(request: unknown, vouched?: Vouched): Promise<string>;
  /** What the log holds of one kind, after all that is under way. */
  records(kind: string): Promise<readonly Recorded[]>;
}

// biome-ignore lint/suspicious/noExplicitAny: records are looked at member by member
export type Recorded = Readonly<Record<string, any>>;

export async function audited(
  policy: string,
  options: Partial<RecordOptions> = {},
  parts: Partial<EngineParts> = {},
  log: Parameters<typeof openMemoryLog>[0] = {},
): Promise<Audited> {
  const opened = await openMemoryLog(log);
  const recording: RecordOptions = { fields: [], ...options };
  const audit = createAudit({ log: opened.log, options: recording, clock: () => made.nowMs });
  let count = 0;
  const engine = createEngine({
    program: programOf(policy),
    digest: "sha256:test",
    clock: () => made.nowMs,
    ids: { decision: () => `d${++count}`, call: () => `c${++count}` },
    evidence: audit.evidence,
    ...parts,
  });
  const service = audit.around(withholding(engine));
  const made: Audited = {
    ...opened,
    service,
    options: recording,
    nowMs: START,
    ask: async (request, vouched) => {
      const answer = await service.decide(request, vouched);
      return answer.kind === "answer" ? answer.value.decision : answer.kind;
    },
    records: async (kind) => {
      await opened.log.written().catch(() => {});
      return recordsIn(opened.disk.text(opened.path)).filter((record) => record.kind === kind);
    },
  };
  return made;
}

export function recordsIn(text: string): readonly Recorded[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line).record as Recorded);
}
