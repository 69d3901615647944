/** Folders of recorded AgentDojo runs: tasks, tools and environments of each suite, runs and outputs of each model. */
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { parseJsonText } from "../../engine/json-text.ts";
import type { Json } from "../../lang/type.ts";
import { Misuse } from "../command.ts";
import type { JsonObject } from "../json.ts";
import { readLines, readWholeText } from "./lines.ts";

export interface RecordedCall {
  readonly tool: string;
  readonly args: JsonObject;
  readonly output_sha?: string;
  readonly output_chars?: number;
  readonly error?: string;
  readonly serves_injection?: boolean;
}

export interface RecordedRun {
  readonly model: string;
  readonly suite: string;
  readonly user_task_id: string;
  readonly injection_task_id: string | null;
  readonly attack: string | null;
  readonly prompt: string;
  readonly utility: boolean;
  readonly attack_succeeded?: boolean;
  readonly injections?: Readonly<Record<string, string>>;
  readonly calls: readonly RecordedCall[];
}

export interface Definition {
  readonly suite: string;
  readonly task_id: string;
  readonly kind: "user" | "injection";
  readonly current: boolean;
  readonly prompt: string;
  readonly calls: readonly { readonly tool: string; readonly args: JsonObject }[];
}

const RUNS_NAME = /^runs\.(?<model>.+)\.(?<suite>[^.]+)\.jsonl$/;

export function isRunsFile(path: string): boolean {
  const match = RUNS_NAME.exec(basename(path));
  return match !== null && match.groups?.suite !== "outputs";
}

/** The files of one folder, each read once. */
export class Data {
  readonly #directory: string;
  readonly #outputs = new Map<string, ReadonlyMap<string, string>>();
  readonly #runs = new Map<string, readonly RecordedRun[]>();
  #definitions: readonly Definition[] | undefined;
  /** Names of files that were looked for and are not there. */
  readonly missing = new Set<string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  runs(file: string): readonly RecordedRun[] {
    const known = this.#runs.get(file);
    if (known !== undefined) return known;
    const model = RUNS_NAME.exec(basename(file))?.groups?.model;
    const runs = readLines(file).map(({ value }) => {
      const run = value as unknown as RecordedRun;
      if (
        !Array.isArray(run.calls) ||
        typeof run.prompt !== "string" ||
        typeof run.suite !== "string"
      ) {
        throw new Misuse(`${JSON.stringify(file)} holds no AgentDojo runs`);
      }
      // Outputs lie beside the runs under the name that the files have.
      return model === undefined ? run : { ...run, model };
    });
    this.#runs.set(file, runs);
    return runs;
  }

  /** Every file of the folder with runs of the suite. */
  runsOf(suite: string): readonly RecordedRun[] {
    return readdirSync(this.#directory)
      .filter((name) => isRunsFile(name) && RUNS_NAME.exec(name)?.groups?.suite === suite)
      .sort()
      .flatMap((name) => this.runs(join(this.#directory, name)));
  }

  definitions(suite: string): readonly Definition[] {
    this.#definitions ??= this.#optional("tasks.jsonl", (path) =>
      readLines(path).map(({ value }) => value as unknown as Definition),
    );
    return (this.#definitions ?? []).filter((definition) => definition.suite === suite);
  }

  outputs(model: string): ReadonlyMap<string, string> {
    const known = this.#outputs.get(model);
    if (known !== undefined) return known;
    const lines = this.#optional(`runs.${model}.outputs.jsonl`, readLines) ?? [];
    const texts = new Map(lines.map(({ value }) => [String(value.sha), String(value.text)]));
    this.#outputs.set(model, texts);
    return texts;
  }

  /** Types by name of the tool. */
  returns(suite: string): ReadonlyMap<string, string> {
    const tools = this.json(`${suite}.tools.json`);
    if (!Array.isArray(tools)) return new Map();
    return new Map(
      tools.map((tool) => {
        const { name, returns } = tool as { readonly name: string; readonly returns?: string };
        return [name, returns ?? ""];
      }),
    );
  }

  json(name: string): Json | undefined {
    return this.#optional(name, (path) => parseJsonText(readWholeText(path)) as Json);
  }

  #optional<T>(name: string, read: (path: string) => T): T | undefined {
    const path = join(this.#directory, name);
    if (existsSync(path)) return read(path);
    this.missing.add(name);
    return undefined;
  }
}
