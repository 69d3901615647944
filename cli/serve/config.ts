/**
 * What a service is told, wherever it is told it: on the command line, else in the environment (`WRIT_AUDIT_SYNC`),
 * else in the file that `--config` names. Each option is one setting with one name in all three.
 */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { parseJsonText } from "../../engine/json-text.ts";
import { didYouMean } from "../../lang/suggest.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { readSettingsFile } from "../settings-file.ts";
import { CREDENTIAL_VARIABLE } from "./admin.ts";

export const CONFIG_OPTION: Option = {
  name: "config",
  value: "FILE",
  help: "settings by the names of these options, in YAML or JSON; WRIT_… in the environment and options here go first",
};

/** Beside the options: the policy that is served, and how it is told. */
const MORE: readonly Option[] = [
  { name: "policy", value: "POLICY", help: "" },
  { name: "json", help: "" },
];

export type Origin = "option" | "environment" | "file";

export interface Configured {
  /** As if all of it stood on the command line. */
  readonly input: Input;
  /** Where each setting that is set was found. */
  readonly origins: ReadonlyMap<string, Origin>;
}

type Setting = boolean | string | readonly string[];

/** Throws `Misuse` that names everything that is wrong in the file, or the first of what is elsewhere. */
export function configure(options: readonly Option[], input: Input, io: Io): Configured {
  const settings = [...options.filter(({ name }) => name !== CONFIG_OPTION.name), ...MORE];
  const inEnvironment = readEnvironment(settings, io);
  const file = input.values.get(CONFIG_OPTION.name) ?? io.env.WRIT_CONFIG;
  if (file === "")
    throw new Misuse("no file of settings is named", "`--config FILE`, or no `WRIT_CONFIG`");
  const inFile = file === undefined ? new Map<string, Setting>() : readFile(file, settings, io);
  const found = new Map<string, Setting>();
  const origins = new Map<string, Origin>();
  const takeAll = (from: ReadonlyMap<string, Setting>, origin: Origin) => {
    for (const [name, setting] of from) {
      found.set(name, setting);
      origins.set(name, origin);
    }
  };
  takeAll(inFile, "file");
  takeAll(inEnvironment, "environment");
  takeAll(onCommandLine(settings, input), "option");
  dropOtherSource(found, origins);
  return { input: inputOf(found), origins };
}

/** POLICY and `--bundle` are two ways of one thing: the one that goes first stands for it. */
function dropOtherSource(found: Map<string, Setting>, origins: Map<string, Origin>): void {
  const ranks: readonly (Origin | undefined)[] = ["file", "environment", "option"];
  const [policy, bundle] = [origins.get("policy"), origins.get("bundle")];
  if (policy === undefined || bundle === undefined || policy === bundle) return;
  const behind = ranks.indexOf(policy) < ranks.indexOf(bundle) ? "policy" : "bundle";
  found.delete(behind);
  origins.delete(behind);
}

function onCommandLine(
  settings: readonly Option[],
  { positionals, values, lists, flags, json }: Input,
): ReadonlyMap<string, Setting> {
  const found = new Map<string, Setting>();
  const [policy] = positionals;
  if (policy !== undefined) found.set("policy", policy);
  if (json) found.set("json", true);
  for (const { name, repeatable } of settings) {
    const setting = repeatable ? lists.get(name) : (values.get(name) ?? flags.has(name));
    if (setting !== undefined && setting !== false) found.set(name, setting);
  }
  return found;
}

function inputOf(found: ReadonlyMap<string, Setting>): Input {
  const settings = [...found].filter(([name]) => name !== "policy" && name !== "json");
  const policy = found.get("policy");
  return {
    positionals: typeof policy === "string" ? [policy] : [],
    values: new Map(settings.filter((one): one is [string, string] => typeof one[1] === "string")),
    lists: new Map(
      settings.flatMap(([name, one]) => (typeof one === "object" ? [[name, one]] : [])),
    ),
    flags: new Set(settings.flatMap(([name, one]) => (one === true ? [name] : []))),
    json: found.get("json") === true,
  };
}

// ── The environment ────────────────────────────────────────────────────────────────────────────────────────

/** `--audit-sync` is `WRIT_AUDIT_SYNC`. */
export function variableOf({ name, variable }: Option): string {
  return variable ?? `${PREFIX}${name.toUpperCase().replaceAll("-", "_")}`;
}

const PREFIX = "WRIT_";
const OTHER_VARIABLES = [CREDENTIAL_VARIABLE, "WRIT_CONFIG", "WRIT_DEBUG"];

function readEnvironment(settings: readonly Option[], { env }: Io): ReadonlyMap<string, Setting> {
  refuseMisspelt([...settings.map(variableOf), ...OTHER_VARIABLES], env);
  const found = new Map<string, Setting>();
  for (const option of settings) {
    const text = env[variableOf(option)];
    if (text !== undefined) found.set(option.name, settingIn(text, option));
  }
  return found;
}

/** A control that was meant to be set, and is not: others may have variables of ours for purposes of theirs. */
function refuseMisspelt(known: readonly string[], env: Io["env"]): void {
  for (const name of Object.keys(env)) {
    if (!name.startsWith(PREFIX) || known.includes(name)) continue;
    const { help } = didYouMean(
      name.slice(PREFIX.length),
      known.map((one) => one.slice(PREFIX.length)),
    );
    if (help !== undefined)
      throw new Misuse(
        `the environment has \`${name}\`, which is no setting`,
        help.replace("`", `\`${PREFIX}`),
      );
  }
}

function settingIn(text: string, option: Option): Setting {
  const name = variableOf(option);
  if (option.value === undefined) {
    if (text === "true" || text === "false") return text === "true";
    throw new Misuse(`\`${name}\` is true or false, not ${JSON.stringify(text)}`);
  }
  if (text === "") throw new Misuse(`\`${name}\` is empty`, `${option.value}, or leave it out`);
  if (!option.repeatable) return text;
  return text.startsWith("[") ? listIn(text, name) : [text];
}

function listIn(text: string, name: string): readonly string[] {
  try {
    const list: unknown = parseJsonText(text);
    if (isTexts(list)) return list;
  } catch {
    // It is told below, with what it should be.
  }
  throw new Misuse(`\`${name}\` is one value, or a JSON array of texts`);
}

// ── The file ───────────────────────────────────────────────────────────────────────────────────────────────

function readFile(
  path: string,
  settings: readonly Option[],
  { cwd }: Io,
): ReadonlyMap<string, Setting> {
  const full = resolve(cwd, path);
  const json = readSettingsFile(full, path);
  if ((statSync(full).mode & 0o002) !== 0) {
    throw new Misuse(`everybody can write \`${path}\``, `\`chmod o-w ${path}\``);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new Misuse(`${path} holds no settings`, "such as `audit-sync: true`");
  }
  const found = new Map<string, Setting>();
  const problems: string[] = [];
  for (const [name, value] of Object.entries(json)) {
    const option = settings.find((one) => one.name === name);
    const setting = option && settingOf(value, option);
    if (setting !== undefined) found.set(name, setting);
    else problems.push(option === undefined ? unknown(name, settings) : wanted(option));
  }
  if (problems.length === 0) return found;
  throw new Misuse(`${path} cannot be followed:${problems.map((one) => `\n  ${one}`).join("")}`);
}

function settingOf(value: unknown, { value: takes, repeatable }: Option): Setting | undefined {
  if (takes === undefined) return typeof value === "boolean" ? value : undefined;
  if (repeatable && isTexts(value)) return value;
  if (repeatable) return typeof value === "string" && value !== "" ? [value] : undefined;
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string" && one !== "");
}

function unknown(name: string, settings: readonly Option[]): string {
  const { help } = didYouMean(
    name,
    settings.map((one) => one.name),
  );
  return `\`${name}\` is no setting${help === undefined ? "" : `; ${help}`}`;
}

function wanted({ name, value, repeatable }: Option): string {
  if (value === undefined) return `\`${name}\` is true or false`;
  return repeatable
    ? `\`${name}\` is a text, or a list of them: ${value}`
    : `\`${name}\` is a text: ${value}`;
}
