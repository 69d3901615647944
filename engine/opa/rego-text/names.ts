/** How Rego spells what the policy names. */
import { HELPERS } from "./helpers.ts";

const KEYWORDS: ReadonlySet<string> = new Set(
  words("as contains default else every false if import in not null package set some true with"),
);

/** The first words of Rego's builtins: a rule of such a name would hide one. */
const REGO = words(
  `abs all and any array assign base64 base64url bits cast_array cast_boolean cast_null cast_object cast_set
  cast_string ceil concat contains count crypto div endswith eq equal floor format_int glob graph graphql gt gte
  hex http indexof indexof_n internal intersection io is_array is_boolean is_null is_number is_object is_set
  is_string json lower lt lte max min minus mul neq net numbers object opa or plus print product providers rand
  re_match regex rego rem replace round semver set_diff sort split sprintf startswith strings substring sum time
  to_number trace trim trim_left trim_prefix trim_right trim_space trim_suffix type_name union units upper uri
  urlquery uuid walk yaml data input`,
);

/** What every text defines, or names within its own rules. */
const OURS = words(
  `agent allow approvals args because called chosen code credentials decision declared declared_obligations
  delegation denied effect elements environment fails forbid forbidden given_names held highest hold holding
  holds imposed intent item key levels merged name named never nevers not_approvable not_decided obligation
  obligations oblige one paths permit permitted person policy principal problems purposes reason reasons
  resource rule rules said sent_args sent_context sent_intent session shortest shown small_letters tool
  unapprovable undecided value whom why wider wire x`,
);

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

export function isPlain(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/** A member behind what it is of: `args.amount`, or `args["default"]` where the word is one of Rego's. */
export function memberOf(of: string, name: string): string {
  return isPlain(name) && !KEYWORDS.has(name) ? `${of}.${name}` : `${of}[${JSON.stringify(name)}]`;
}

/** Gives each thing a name of its own: the wanted one, or that with a number. */
export class Names {
  readonly #taken = new Set<string>([...KEYWORDS, ...REGO, ...OURS, ...Object.keys(HELPERS)]);

  fresh(wanted: string): string {
    const plain = wanted.replaceAll(/[^A-Za-z0-9_]/g, "_");
    let name = plain;
    for (let number = 2; this.#taken.has(name); number += 1) name = `${plain}_${number}`;
    this.#taken.add(name);
    return name;
  }
}

/** A constant in Rego: JSON, and sets of it. */
export function textOf(value: string): string {
  return JSON.stringify(value);
}

export function setOf(items: readonly string[]): string {
  return items.length === 0 ? "set()" : `{${[...new Set(items)].join(", ")}}`;
}

/** A rule as it stands in the text: `opa fmt` leaves it so. */
export function ruleText(head: string, body: readonly string[]): string {
  if (body.length === 0) return head;
  return `${head} if {\n${body.map(indented).join("\n")}\n}`;
}

export function indented(lines: string): string {
  return lines.replaceAll(/^(?=.)/gm, "\t");
}
