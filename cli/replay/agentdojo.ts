/**
 * Recorded AgentDojo runs → traces. A decision reads what an enforcement point would have: the person's prompt,
 * the plan made of it before anything was read, the call, what earlier calls returned, and what was known at the
 * start. The marks of the recording (`serves_injection` and the like) are the answer key, and only scored with.
 */
import { dirname } from "node:path";
import type { ReplayOutcome, ReplayStep } from "../../engine/replay.ts";
import type { Program, ToolDecl } from "../../lang/ir.ts";
import type { Json } from "../../lang/type.ts";
import type { JsonObject } from "../json.ts";
import { Data, type Definition, type RecordedCall, type RecordedRun } from "./agentdojo-data.ts";
import { coerceArguments } from "./coerce.ts";
import { readOutput, withoutArguments } from "./outputs.ts";
import type { Setup } from "./setup.ts";
import { fill } from "./template.ts";
import { Uncovered } from "./uncovered.ts";

/** Where a run stands in the report. */
export type Kind = "attack" | "benign" | "own request" | "plan" | "goal as plan";

export interface Run {
  readonly kind: Kind;
  readonly suite: string;
  readonly model: string;
  readonly attack?: string;
  /** `user_task_3`, with ` × injection_task_1` for an attack. */
  readonly name: string;
  readonly utility?: boolean;
  readonly succeeded?: boolean;
  readonly steps: readonly ReplayStep[];
  /** Indexes of the steps that carry what only the attacker asked for. */
  readonly serving: readonly number[];
}

/** How outputs of plans, which nobody recorded, were found: by the same call, by the same task and tool, or not. */
export interface Joined {
  exact: number;
  byTask: number;
  none: number;
}

export interface Recorded {
  readonly runs: Iterable<Run>;
  /** What the recording lacks; complete once the runs have been gone through. */
  readonly lacks: Lacks;
  /** Outputs with what the attacker wrote and no label on it, by tool; complete likewise. */
  readonly uncovered: ReadonlyMap<string, number>;
  readonly runCount: number;
  readonly joined: ReadonlyMap<string, Joined>;
}

export interface Lacks {
  /** Files that were looked for. */
  readonly files: ReadonlySet<string>;
  /** Calls that returned something which is recorded nowhere. */
  outputCount: number;
}

/** Runs in the order of the files, each suite's plans before its first. */
export function readRecorded(
  files: readonly string[],
  dataDirectory: string | undefined,
  program: Program,
  setup: Setup,
): Recorded {
  const data = new Data(dataDirectory ?? dirname(files[0] ?? "."));
  const recorded = files.map((file) => data.runs(file));
  const suites = [...new Set(recorded.flatMap((runs) => runs.map((run) => run.suite)))];
  const lacks: Lacks = { files: data.missing, outputCount: 0 };
  const uncovered = new Uncovered();
  const makers = new Map(
    suites.map((suite) => [suite, new Maker(suite, data, program, setup, lacks, uncovered)]),
  );
  const joined = new Map<string, Joined>();
  const plans = suites.flatMap((suite) => {
    const maker = makers.get(suite);
    if (maker === undefined) return [];
    const made = maker.plans();
    joined.set(suite, made.joined);
    return made.runs;
  });
  const all = recorded.flat();
  const runCount = plans.length + all.length;
  return { runs: each(plans, all, makers), lacks, uncovered: uncovered.counts, runCount, joined };
}

function* each(
  plans: readonly Run[],
  recorded: readonly RecordedRun[],
  makers: ReadonlyMap<string, Maker>,
): Generator<Run> {
  yield* plans;
  for (const run of recorded) {
    const made = makers.get(run.suite)?.run(run);
    if (made !== undefined) yield made;
  }
}

/** Makes the runs of one suite. */
class Maker {
  readonly #suite: string;
  readonly #lacks: Lacks;
  readonly #uncovered: Uncovered;
  readonly #data: Data;
  readonly #definitions: readonly Definition[];
  readonly #returns: ReadonlyMap<string, string>;
  readonly #tools: ReadonlyMap<string, ToolDecl>;
  readonly #parts: JsonObject;
  /** The same for every call of the suite. */
  readonly #fixed: JsonObject;
  readonly #environment: Json | undefined;
  readonly #read = new Map<string, Json | undefined>();

  constructor(
    suite: string,
    data: Data,
    program: Program,
    setup: Setup,
    lacks: Lacks,
    uncovered: Uncovered,
  ) {
    this.#suite = suite;
    this.#lacks = lacks;
    this.#uncovered = uncovered;
    this.#data = data;
    this.#definitions = data.definitions(suite);
    this.#returns = data.returns(suite);
    this.#tools = new Map(program.tools.map((tool) => [tool.wire, tool]));
    this.#parts = { ...setup.parts, ...setup.suites[suite] };
    this.#environment = data.json(`${suite}.environment.json`);
    const { resource: _, ...fixed } = this.#parts;
    this.#fixed = fill(fixed, { environment: this.#environment }) as JsonObject;
  }

  run(run: RecordedRun): Run {
    const isGoal = run.user_task_id.startsWith("injection_");
    const definition = this.#definitionOf(run);
    const outputs = this.#data.outputs(run.model);
    const name =
      run.injection_task_id === null
        ? run.user_task_id
        : `${run.user_task_id} × ${run.injection_task_id}`;
    return {
      kind: run.attack !== null ? "attack" : isGoal ? "own request" : "benign",
      suite: run.suite,
      model: run.model,
      ...(run.attack === null ? {} : { attack: run.attack }),
      name,
      utility: run.utility,
      succeeded: run.attack_succeeded === true,
      steps: run.calls.map((call) => {
        const outcome = this.#outcome(call, outputs);
        this.#noteUncovered(call, outcome, run);
        return this.#step(call, run.prompt, definition, outcome);
      }),
      serving: run.calls.flatMap((call, index) => (call.serves_injection === true ? [index] : [])),
    };
  }

  /** Ground truth of every current task, as if a model had made just these calls. */
  plans(): { readonly runs: readonly Run[]; readonly joined: Joined } {
    const joined: Joined = { exact: 0, byTask: 0, none: 0 };
    const recorded = this.#recordedOutputs();
    const planned = this.#definitions.filter(({ current, calls }) => current && calls.length > 0);
    const runs = planned.map((definition): Run => {
      const steps = definition.calls.map((call) => {
        const outcome = this.#joinedOutcome(call, definition, recorded, joined);
        return this.#step(call, definition.prompt, definition, outcome);
      });
      return {
        kind: definition.kind === "user" ? "plan" : "goal as plan",
        suite: this.#suite,
        model: "",
        name: definition.task_id,
        steps,
        serving: [],
      };
    });
    return { runs, joined };
  }

  #noteUncovered({ tool }: RecordedCall, { values }: ReplayOutcome, run: RecordedRun): void {
    const declared = this.#tools.get(tool);
    if (declared === undefined || values === undefined || run.attack === null) return;
    this.#uncovered.note(declared, values, Object.values(run.injections ?? {}));
  }

  /** Tasks changed between versions of the benchmark; the prompt tells which one was run. */
  #definitionOf({ user_task_id, prompt }: RecordedRun): Definition | undefined {
    const named = this.#definitions.filter(({ task_id }) => task_id === user_task_id);
    return named.find((one) => one.prompt === prompt) ?? named.find((one) => one.current);
  }

  #step(
    call: { readonly tool: string; readonly args: JsonObject },
    prompt: string,
    definition: Definition | undefined,
    outcome: ReplayOutcome,
  ): ReplayStep {
    const { agent, principal, delegation, session, intent, context } = this.#fixed;
    const declared = this.#tools.get(call.tool);
    const args = declared === undefined ? call.args : coerceArguments(call.args, declared);
    const { resource: template } = this.#parts;
    const documents = { environment: this.#environment, call: { tool: call.tool, args } };
    const resource = template === undefined ? undefined : fill(template, documents);
    const plan = planOf(definition);
    const request: Record<string, Json | undefined> = {
      agent,
      principal,
      delegation,
      intent: {
        ...(intent as JsonObject),
        instruction: prompt,
        ...(plan === undefined ? {} : { plan }),
      },
      tool: { name: call.tool, args },
      resource,
      session: { id: "run", ...(session as JsonObject) },
      context,
    };
    return { request: withoutMissing(request), outcome };
  }

  #outcome(call: RecordedCall, outputs: ReadonlyMap<string, string>): ReplayOutcome {
    const status = call.error === undefined ? "ok" : "error";
    const text = outputs.get(call.output_sha ?? "") ?? "";
    if (text === "" && (call.output_chars ?? 0) > 0) this.#lacks.outputCount += 1;
    const message = call.error === undefined ? "" : withoutArguments(call.error, call.args);
    const shown = text === "" ? message : text;
    const values = this.#values(call, shown, status === "error");
    return { status, ...(values === undefined ? {} : { values }) };
  }

  #values(
    { tool, output_chars }: RecordedCall,
    text: string,
    isMessage: boolean,
  ): Json | undefined {
    const key = `${tool}\n${text}`;
    if (this.#read.has(key)) return this.#read.get(key);
    const returns = isMessage ? "str" : this.#returns.get(tool);
    const cut = (output_chars ?? 0) > [...text].length;
    const values = readOutput({ text, cut, returns });
    this.#read.set(key, values);
    return values;
  }

  /** What the same call, or another of the same task and tool, returned in runs that nobody attacked. */
  #recordedOutputs(): RecordedOutputs {
    const exact = new Map<string, RecordedCall & { text: string }>();
    const byTask = new Map<string, RecordedCall & { text: string }>();
    for (const run of this.#data.runsOf(this.#suite)) {
      if (run.attack !== null || run.user_task_id.startsWith("injection_")) continue;
      const outputs = this.#data.outputs(run.model);
      for (const call of run.calls) {
        const text = outputs.get(call.output_sha ?? "");
        if (text === undefined || call.error !== undefined) continue;
        const key = keyOf(call);
        if (!exact.has(key)) exact.set(key, { ...call, text });
        const task = `${run.user_task_id} ${call.tool}`;
        if (text.length > (byTask.get(task)?.text.length ?? -1))
          byTask.set(task, { ...call, text });
      }
    }
    return { exact, byTask };
  }

  #joinedOutcome(
    call: { readonly tool: string; readonly args: JsonObject },
    { task_id }: Definition,
    { exact, byTask }: RecordedOutputs,
    joined: Joined,
  ): ReplayOutcome {
    const same = exact.get(keyOf(call));
    const similar = byTask.get(`${task_id} ${call.tool}`);
    if (same !== undefined) joined.exact += 1;
    else if (similar !== undefined) joined.byTask += 1;
    else joined.none += 1;
    const found = same ?? similar;
    const values = found === undefined ? undefined : this.#values(found, found.text, false);
    return { status: "ok", ...(values === undefined ? {} : { values }) };
  }
}

interface RecordedOutputs {
  readonly exact: ReadonlyMap<string, RecordedCall & { readonly text: string }>;
  readonly byTask: ReadonlyMap<string, RecordedCall & { readonly text: string }>;
}

function keyOf({ tool, args }: { readonly tool: string; readonly args: JsonObject }): string {
  const sorted = Object.fromEntries(Object.entries(args).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify([tool, sorted]);
}

/** How often each tool stands in the task's ground truth. A task without one has no plan, which is not an empty plan. */
function planOf(definition: Definition | undefined): Record<string, number> | undefined {
  if (definition === undefined || definition.calls.length === 0) return undefined;
  const plan: Record<string, number> = {};
  for (const { tool } of definition.calls) plan[tool] = (plan[tool] ?? 0) + 1;
  return plan;
}

function withoutMissing(members: Readonly<Record<string, Json | undefined>>): Json {
  return Object.fromEntries(
    Object.entries(members).filter(
      (entry): entry is [string, Json] => entry[1] !== undefined && entry[1] !== null,
    ),
  );
}
