/** What `writ test` is asked to do, read from its words. */
import { dirname } from "node:path";
import { type Input, type Io, Misuse } from "../command.ts";
import { isOpaFile } from "../files.ts";
import { openRegoAlone, type RegoAlone, refuseRegoOptions } from "../rego.ts";

const REPORTERS = ["pretty", "json", "junit", "github"] as const;
export type Reporter = (typeof REPORTERS)[number];

export interface Wishes {
  /** Of the tests. */
  readonly path: string;
  /** Decides instead of the package that the tests stand in. */
  readonly rego: RegoAlone | undefined;
  readonly filters: readonly string[];
  readonly lines: readonly Line[];
  readonly reporter: Reporter;
  readonly output: string | undefined;
  readonly wantsCoverage: boolean;
  readonly coversUsed: boolean;
  readonly coverageMin: number | undefined;
  readonly neverBudget: number;
  readonly seed: number;
  readonly json: boolean;
}

/** `payments.writ:41` */
export interface Line {
  readonly file: string;
  readonly line: number;
}

export function readWishes(input: Input, io: Io): Wishes {
  const { values, flags, json } = input;
  const { lines, bundle, path } = wordsOf(input);
  const coverageMin = numberIn("min-coverage", values, 0, 100);
  const wantsCoverage =
    flags.has("coverage") || flags.has("cover-used") || coverageMin !== undefined;
  if (wantsCoverage && bundle !== undefined) {
    throw new Misuse("coverage is of rules of Writ's", "`opa test --coverage` has Rego's");
  }
  return {
    rego: regoOf(bundle, input, io),
    path,
    filters: input.lists.get("filter") ?? [],
    lines,
    reporter: reporterIn(input),
    output: values.get("output"),
    wantsCoverage,
    coversUsed: flags.has("cover-used"),
    coverageMin,
    neverBudget: flags.has("no-never")
      ? 0
      : (numberIn("never-budget", values, 0, 10_000_000) ?? 2_000),
    seed: numberIn("seed", values, 0, Number.MAX_SAFE_INTEGER) ?? 1,
    json,
  };
}

function wordsOf({ positionals }: Input) {
  const lines = positionals.flatMap((word) => lineIn(word) ?? []);
  const named = positionals.filter((word) => lineIn(word) === undefined);
  const bundle = named.find(isOpaFile);
  const [path, another] = named.filter((word) => word !== bundle);
  if (another !== undefined) throw new Misuse(`\`${another}\` is one policy too many`);
  if (bundle !== undefined && path === undefined && lines.length === 0) {
    throw new Misuse(
      `${JSON.stringify(bundle)} holds no tests of Writ's`,
      `writ test ${bundle} TESTS; \`opa test\` runs those of its Rego`,
    );
  }
  const [line] = lines;
  return { lines, bundle, path: path ?? (line === undefined ? "." : dirname(line.file)) };
}

function reporterIn({ values, json }: Input): Reporter {
  const wanted = values.get("reporter") ?? (json ? "json" : "pretty");
  const reporter = REPORTERS.find((candidate) => candidate === wanted);
  if (reporter === undefined)
    throw new Misuse(`there is no reporter \`${wanted}\``, `there are ${REPORTERS.join(", ")}`);
  if (json && reporter !== "json" && values.get("output") === undefined) {
    throw new Misuse(
      `\`--json\` and \`--reporter ${reporter}\` both want standard output`,
      "give the report a file with `--output`",
    );
  }
  return reporter;
}

function regoOf(bundle: string | undefined, input: Input, io: Io): RegoAlone | undefined {
  if (bundle !== undefined) return openRegoAlone(bundle, input, io);
  refuseRegoOptions(input);
  return undefined;
}

function lineIn(word: string): Line | undefined {
  const [, file, line] = /^(.+\.writ):(\d+)(?::\d+)?$/.exec(word) ?? [];
  return file === undefined ? undefined : { file, line: Number(line) };
}

function numberIn(
  name: string,
  values: Input["values"],
  least: number,
  most: number,
): number | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text.trim() !== "" && number >= least && number <= most) return number;
  throw new Misuse(`\`--${name}\` takes a number from ${least} to ${most}, not \`${text}\``);
}
