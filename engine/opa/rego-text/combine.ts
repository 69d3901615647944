/** How rules become one decision (SPEC §6.3 to §6.6): the part of the text that all policies share. */
import type { Obligation, Program } from "../../../lang/ir.ts";
import { spellDuration } from "../../../lang/scalar/duration.ts";
import { canonicalJson } from "../../canonical-json.ts";
import type { PolicyIdentity } from "../../decision.ts";
import { type Named, nameRules } from "../../policy.ts";
import { textOf } from "./names.ts";

export function decisionTexts(program: Program, identity: PolicyIdentity): readonly string[] {
  const { rules, nevers } = nameRules(program);
  const types = new Set(program.rules.flatMap((rule) => rule.obligations.map(({ type }) => type)));
  const kinds = Object.entries(MERGING).filter(([type]) => types.has(type as Obligation["type"]));
  return [
    COMBINING,
    named("rules", rules),
    named("nevers", nevers),
    `policy := ${spaced(identity)}`,
    ...(kinds.length === 0
      ? ["obligations := []"]
      : [declaredObligations(program, rules), IMPOSED, ...kinds.map(([, text]) => text), NUMBERED]),
  ];
}

/** In the order in which decisions list them. */
function named(name: string, all: readonly Named[]): string {
  if (all.length === 0) return `${name} := []`;
  const ordered = [...all].sort((a, b) => a.rank - b.rank);
  return `${name} := [\n${ordered.map(({ reason }) => `\t${spaced(reason)},\n`).join("")}]`;
}

/** JSON as `opa fmt` leaves it. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, one]) => `${textOf(name)}: ${spaced(one)}`);
  return `{${members.join(", ")}}`;
}

function declaredObligations(program: Program, rules: readonly Named[]): string {
  const lines = program.rules.flatMap(({ obligations }, at) =>
    obligations.length === 0
      ? []
      : [`\t${textOf(rules[at]?.name ?? "")}: ${spaced(obligations.map(writtenObligation))},\n`],
  );
  return `declared_obligations := {\n${lines.join("")}}`;
}

function writtenObligation(one: Obligation): object {
  switch (one.type) {
    case "credential":
      return { ...one, ttl: spellDuration(one.ttlMs) };
    case "log":
      return { type: one.type, level: ["none", "summary", "full"].indexOf(one.level) };
    case "custom":
      return { ...one, key: canonicalJson([one.name, one.value]) };
    default:
      return one;
  }
}

const COMBINING = `default allow := false

# Whoever asks for no more than yes or no does not hear of obligations.
allow if {
	decision.decision == "allow"
	decision.obligations == []
}

default decision := {"decision": "deny", "code": "internal_error", "reasons": [], "obligations": []}

decision := denied("invalid_request", {"because": concat("; ", sort(problems))}, []) if {
	count(problems) > 0
} else := denied("delegation_invalid", {"because": "delegations are verified by Writ alone"}, []) if {
	"delegation" in object.keys(input)
} else := denied("forbidden", because(rules, forbid, set()), reasons(rules, "forbid")) if {
	count(forbid) > 0
} else := denied("indeterminate", because(rules, set(), undecided.forbid), reasons(rules, "forbid")) if {
	count(undecided.forbid) > 0
} else := denied("indeterminate", {"because": not_decided}, reasons(rules, "permit")) if {
	count(permit) == 0
	count(undecided.permit) > 0
} else := denied("not_permitted", {"because": "no rule permits this"}, []) if {
	count(permit) == 0
} else := denied("invariant_broken", because(nevers, never, set()), reasons(nevers, "never")) if {
	count(never) > 0
} else := denied("indeterminate", because(nevers, set(), undecided.never), reasons(nevers, "never")) if {
	count(undecided.never) > 0
} else := denied("indeterminate", {"because": not_approvable}, [unapprovable[0]]) if {
	count(unapprovable) > 0
} else := object.union(because(rules, hold, undecided.hold), {
	"decision": "hold",
	"reasons": reasons(rules, "hold"),
	"obligations": [],
	"approval": {"by": [approvals[rule.rule] | some rule in rules; rule.rule in holds]},
	"policy": policy,
}) if {
	count(holds) > 0
} else := {
	"decision": "allow",
	"reasons": reasons(rules, "permit"),
	"obligations": obligations,
	"policy": policy,
}

not_decided := "no rule permits this, and some that might could not be decided"

not_approvable := "this needs an approval, and whose could not be decided"

holds := hold | undecided.hold

unapprovable := [reason |
	some reason in reasons(rules, "hold")
	not approvals[reason.rule]
]

denied(code, why, named) := object.union(why, {
	"decision": "deny",
	"code": code,
	"reasons": named,
	"obligations": [],
	"policy": policy,
})

# The first that says why; where of none it is known that it applies, that it could not be decided.
because(declared, certain, unknown) := {"because": said[0]} if {
	said := [rule.because | some rule in declared; rule.rule in certain]
	count(said) > 0
} else := {} if {
	count(certain) > 0
} else := {"because": said[0]} if {
	said := [unsure(rule) | some rule in declared; rule.rule in unknown]
	count(said) > 0
} else := {}

unsure(rule) := concat("", ["\`", rule.rule, "\` could not be decided (", rule.because, ")"]) if {
	rule.because
} else := concat("", ["\`", rule.rule, "\` could not be decided"])

holding := {"permit": permit, "forbid": forbid, "hold": hold, "never": never}

# Those of an effect that apply, and those that could not be decided. A permit that could not is none.
reasons(declared, effect) := [reason |
	some rule in declared
	rule.effect == effect
	reason := shown(rule, effect)
]

shown(rule, effect) := rule if {
	rule.rule in holding[effect]
} else := object.union(rule, {"indeterminate": true}) if {
	rule.rule in undecided[effect]
	not permitted(effect)
}

permitted("permit") if count(permit) > 0`;

/** How obligations of a kind become one: kinds that no rule has would not pass OPA's type check. */
const MERGING: { readonly [type in Obligation["type"]]: string } = {
  credential: `credentials := [one | some one in imposed; one.type == "credential"]

shortest := min([one.ttlMs | some one in credentials])

merged contains [1, {"type": "credential", "scope": sort(scope), "ttl": ttl}] if {
	scope := {item |
		some item in credentials[0].scope
		every one in credentials {
			item in one.scope
		}
	}
	some ttl in {one.ttl | some one in credentials; one.ttlMs == shortest}
}`,
  redact: `merged contains [2, {"type": "redact", "paths": sort(paths)}] if {
	paths := {path | some one in imposed; one.type == "redact"; some path in one.paths}
	count(paths) > 0
}`,
  log: `merged contains [3, {"type": "log", "level": ["none", "summary", "full"][highest]}] if {
	highest := max([one.level | some one in imposed; one.type == "log"])
}`,
  notify: `merged contains [4, {"type": "notify", "whom": sort(whom)}] if {
	whom := {name | some one in imposed; one.type == "notify"; some name in one.whom}
	count(whom) > 0
}`,
  custom: `merged contains [5, one.key, {"type": one.name, "value": one.value}] if {
	some one in imposed
	one.type == "custom"
}`,
};

const IMPOSED = `imposed := [one |
	some rule in rules
	rule.rule in ((permit | oblige) | undecided.oblige)
	some one in declared_obligations[rule.rule]
]`;

const NUMBERED = `obligations := [obligation |
	some at, one in sort(merged)
	obligation := object.union({"id": sprintf("o%d", [at + 1])}, one[count(one) - 1])
]`;
