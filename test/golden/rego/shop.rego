# Written by `writ build --target rego` from the package `shop`.
# sha256:test
package writ.shop

# ── Rules ───────────────────────────────────────────────────────────────────────────────────────────────

# METADATA
# title: "small"
# custom:
#   source: "t.writ:12:8"
permit contains "small" if {
	called == "pay"
	"assistants" in agent.groups
	within(intent.purpose, "payments")
	args.amount <= dec(500)
	small_part
}

undecided.permit contains "small" if {
	called == "pay"
	"assistants" in agent.groups
	within(intent.purpose, "payments")
	not "small" in permit
	not "small" in fails.permit
}

fails.permit contains "small" if {
	args.amount > dec(500)
}

fails.permit contains "small" if {
	outside(args.to, principal.known)
	email_domain(args.to) != "acme.example"
}

small_part if {
	args.to in principal.known
}

small_part if {
	email_domain(args.to) == "acme.example"
}

# METADATA
# title: "look_home"
# custom:
#   source: "t.writ:21:8"
permit contains "look_home" if {
	called == "look"
	within_path(args.path, "/home")
	look_home_part
}

undecided.permit contains "look_home" if {
	called == "look"
	not "look_home" in permit
	not "look_home" in fails.permit
}

fails.permit contains "look_home" if {
	not within_path(args.path, "/home")
}

fails.permit contains "look_home" if {
	resource.sensitivity > levels.Sensitivity.internal
	not args.path
}

look_home_part if {
	resource.sensitivity <= levels.Sensitivity.internal
}

look_home_part if {
	args.path
}

# METADATA
# title: "ordered"
# custom:
#   source: "t.writ:25:8"
permit contains "ordered" if {
	called == "order"
	ordered_cheap >= 1
	ordered_part_2 <= args.total
}

undecided.permit contains "ordered" if {
	called == "order"
	not "ordered" in permit
	not "ordered" in fails.permit
}

fails.permit contains "ordered" if {
	ordered_cheap < 1
}

fails.permit contains "ordered" if {
	ordered_part_2 > args.total
}

ordered_cheap := ordered_part

ordered_part := count(chosen) if {
	elements := args.items
	chosen := [x_2 |
		some x_2 in elements
		x_2.price < dec(10)
	]
}

ordered_part_2 := total(chosen) if {
	elements := args.items
	chosen := [i.price |
		some i in elements
	]
}

# METADATA
# title: "over"
# description: "more than the person may spend"
# custom:
#   source: "t.writ:30:8"
forbid contains "over" if {
	called == "pay"
	args.fee
	added(args.amount, args.fee) > principal.limit
}

undecided.forbid contains "over" if {
	called == "pay"
	not "over" in forbid
	not "over" in fails.forbid
}

fails.forbid contains "over" if {
	not args.fee
}

fails.forbid contains "over" if {
	added(args.amount, args.fee) <= principal.limit
}

# METADATA
# title: "noted"
# custom:
#   source: "t.writ:35:8"
forbid contains "noted" if {
	called == "pay"
	some element in args.tags
	outside(element, {"x", "y"})
}

# METADATA
# title: "big"
# description: "big"
# custom:
#   source: "t.writ:39:6"
hold contains "big" if {
	called == "pay"
	args.amount > dec(100)
}

# METADATA
# title: "logged"
# custom:
#   source: "t.writ:45:8"
oblige contains "logged" if {
	called == "pay"
}

# METADATA
# title: "told_secrets"
# custom:
#   source: "t.writ:49:7"
never contains "told_secrets" if {
	resource.sensitivity == levels.Sensitivity.secret
	agent.kind == "autonomous"
}

undecided.never contains "told_secrets" if {
	not "told_secrets" in never
	not "told_secrets" in fails.never
}

fails.never contains "told_secrets" if {
	resource.sensitivity != levels.Sensitivity.secret
}

fails.never contains "told_secrets" if {
	agent.kind != "autonomous"
}

undecided.hold := set()

undecided.oblige := set()

# ── Whose approval a hold waits for ─────────────────────────────────────────────────────────────────────

approvals.big := {"party": principal.id, "count": 1, "rule": "big"}

# ── Decision ────────────────────────────────────────────────────────────────────────────────────────────

default allow := false

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

unsure(rule) := concat("", ["`", rule.rule, "` could not be decided (", rule.because, ")"]) if {
	rule.because
} else := concat("", ["`", rule.rule, "` could not be decided"])

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

permitted("permit") if count(permit) > 0

rules := [
	{"rule": "big", "effect": "hold", "at": "t.writ:39:6", "because": "big"},
	{"rule": "logged", "effect": "permit", "at": "t.writ:45:8"},
	{"rule": "look_home", "effect": "permit", "at": "t.writ:21:8"},
	{"rule": "noted", "effect": "forbid", "at": "t.writ:35:8"},
	{"rule": "ordered", "effect": "permit", "at": "t.writ:25:8"},
	{"rule": "over", "effect": "forbid", "at": "t.writ:30:8", "because": "more than the person may spend"},
	{"rule": "small", "effect": "permit", "at": "t.writ:12:8"},
]

nevers := [
	{"rule": "told_secrets", "effect": "never", "at": "t.writ:49:7"},
]

policy := {"package": "shop", "digest": "sha256:test"}

declared_obligations := {
	"small": [{"type": "credential", "scope": ["a", "b"], "ttlMs": 60000, "ttl": "60s"}, {"type": "redact", "paths": ["*.iban"]}],
	"logged": [{"type": "log", "level": 2}],
}

imposed := [one |
	some rule in rules
	rule.rule in ((permit | oblige) | undecided.oblige)
	some one in declared_obligations[rule.rule]
]

credentials := [one | some one in imposed; one.type == "credential"]

shortest := min([one.ttlMs | some one in credentials])

merged contains [1, {"type": "credential", "scope": sort(scope), "ttl": ttl}] if {
	scope := {item |
		some item in credentials[0].scope
		every one in credentials {
			item in one.scope
		}
	}
	some ttl in {one.ttl | some one in credentials; one.ttlMs == shortest}
}

merged contains [2, {"type": "redact", "paths": sort(paths)}] if {
	paths := {path | some one in imposed; one.type == "redact"; some path in one.paths}
	count(paths) > 0
}

merged contains [3, {"type": "log", "level": ["none", "summary", "full"][highest]}] if {
	highest := max([one.level | some one in imposed; one.type == "log"])
}

obligations := [obligation |
	some at, one in sort(merged)
	obligation := object.union({"id": sprintf("o%d", [at + 1])}, one[count(one) - 1])
]

# ── Request: what rules read of it, and what is wrong with it ───────────────────────────────────────────

levels := {"Sensitivity": {"public": 0, "internal": 1, "secret": 2}}

purposes := {"payments", "payments.payroll", "support"}

problems contains "there is no request" if {
	not is_object(input)
}

problems contains sprintf("/%s is not declared", [name]) if {
	some name in (object.keys(input) - {"agent", "principal", "delegation", "intent", "tool", "resource", "session", "context"})
}

agent.id := id(input.agent.id)

agent.trust := trust(object.get(input.agent, "trust", 0))

problems contains "/agent is no agent" if {
	not agent.id
}

problems contains "/agent/trust is not a number from 0 to 1" if {
	not agent.trust
}

agent.kind := a_kind(object.get(input.agent, "kind", "autonomous"))

agent.groups := set_of_line(object.get(input.agent, "groups", []))

agent.attested := truth(object.get(input.agent, "attested", false))

problems contains sprintf("/agent: `%s` is not what is declared", [name]) if {
	some name in ({"kind", "groups", "attested"} - object.keys(agent))
}

problems contains sprintf("/agent/%s is not declared", [name]) if {
	some name in (object.keys(input.agent) - {"id", "trust", "kind", "groups", "attested"})
}

principal.id := id(input.principal.id)

problems contains "/principal is no principal" if {
	given(input, "principal")
	not principal.id
}

session.id := id(input.session.id)

problems contains "/session is no session" if {
	given(input, "session")
	not session.id
}

principal.kind := a_kind(object.get(input.principal, "kind", "autonomous"))

principal.groups := set_of_line(object.get(input.principal, "groups", []))

principal.limit := decimal(object.get(input.principal, "limit", 100))

principal.known := set_of_email(object.get(input.principal, "known", []))

problems contains sprintf("/principal: `%s` is not what is declared", [name]) if {
	input.principal
	some name in ({"kind", "groups", "limit", "known"} - object.keys(principal))
}

problems contains sprintf("/principal/%s is not declared", [name]) if {
	input.principal
	some name in (object.keys(input.principal) - {"id", "kind", "groups", "limit", "known"})
}

problems contains sprintf("/session/%s is not declared", [name]) if {
	input.session
	some name in (object.keys(input.session) - {"id"})
}

sent_context := object.get(input, "context", {})

problems contains "/context is not an object" if {
	not is_object(sent_context)
}

environment.ip := ipv4(sent_context.ip)

environment.deployment := line(sent_context.deployment)

problems contains sprintf("/context: `%s` is not what is declared", [name]) if {
	some wire, name in {"ip": "ip", "deployment": "deployment"}
	object.get(sent_context, wire, null) != null
	not name in object.keys(environment)
}

problems contains sprintf("/context/%s is not declared", [name]) if {
	some name in (object.keys(sent_context) - {"ip", "deployment"})
}

called := "pay" if {
	input.tool.name == "pay-now"
}

called := "look" if {
	input.tool.name == "look"
}

called := "order" if {
	input.tool.name == "order"
}

tool.name := id(input.tool.name)

tool.server := id(input.tool.server)

tool.digest := id(input.tool.digest)

tool.effect := {"pay": "write", "look": "read", "order": "write"}[called]

problems contains sprintf("/tool/%s is not declared", [name]) if {
	some name in (object.keys(input.tool) - {"name", "server", "args", "digest"})
}

problems contains "/tool/name is no tool that the policy knows" if {
	not called
}

problems contains "/tool/name is not an id" if {
	not tool.name
}

problems contains "/tool/server is not an id" if {
	given(input.tool, "server")
	not tool.server
}

problems contains "/tool/digest is not an id" if {
	given(input.tool, "digest")
	not tool.digest
}

sent_args := object.get(input.tool, "args", {})

problems contains "/tool/args is not an object" if {
	not is_object(sent_args)
}

args.amount := decimal(sent_args.amount) if {
	called == "pay"
}

args.to := email(sent_args.to) if {
	called == "pay"
}

args.note := line(sent_args.note) if {
	called == "pay"
}

args.tags := set_of_line(sent_args.tags) if {
	called == "pay"
}

args.fee := decimal(sent_args.fee) if {
	called == "pay"
}

problems contains sprintf("/tool/args: `%s` is not what is declared", [name]) if {
	called == "pay"
	some name in ({"amount", "to", "tags"} - object.keys(args))
}

problems contains sprintf("/tool/args: `%s` is not what is declared", [name]) if {
	called == "pay"
	some wire, name in {"note": "note", "fee": "fee"}
	object.get(sent_args, wire, null) != null
	not name in object.keys(args)
}

problems contains sprintf("/tool/args/%s is not declared", [name]) if {
	called == "pay"
	some name in (object.keys(sent_args) - {"amount", "to", "note", "tags", "fee"})
}

args.path := path(sent_args.path) if {
	called == "look"
}

problems contains sprintf("/tool/args: `%s` is not what is declared", [name]) if {
	called == "look"
	some name in ({"path"} - object.keys(args))
}

problems contains sprintf("/tool/args/%s is not declared", [name]) if {
	called == "look"
	some name in (object.keys(sent_args) - {"path"})
}

args.items := list_of_record(sent_args.items) if {
	called == "order"
}

args.total := decimal(sent_args.total) if {
	called == "order"
}

problems contains sprintf("/tool/args: `%s` is not what is declared", [name]) if {
	called == "order"
	some name in ({"items", "total"} - object.keys(args))
}

problems contains sprintf("/tool/args/%s is not declared", [name]) if {
	called == "order"
	some name in (object.keys(sent_args) - {"items", "total"})
}

resource.type := id(input.resource.type)

resource.id := id(input.resource.id)

problems contains "/resource is no resource" if {
	given(input, "resource")
	not resource.id
}

problems contains "/resource is no resource" if {
	given(input, "resource")
	not resource.type
}

problems contains "/resource/type is no resource that the policy knows" if {
	not resource.type in {"doc"}
}

resource.labels := set_of_a_label(object.get(input.resource, "labels", [])) if {
	resource.type == "doc"
}

resource.tenant := line(input.resource.tenant) if {
	resource.type == "doc"
}

resource.sensitivity := level_Sensitivity(object.get(input.resource, "sensitivity", "secret")) if {
	resource.type == "doc"
}

resource.owner := line(input.resource.owner) if {
	resource.type == "doc"
}

resource.size := integer(object.get(input.resource, "size", 0)) if {
	resource.type == "doc"
}

problems contains sprintf("/resource: `%s` is not what is declared", [name]) if {
	resource.type == "doc"
	some name in ({"labels", "sensitivity", "owner", "size"} - object.keys(resource))
}

problems contains sprintf("/resource: `%s` is not what is declared", [name]) if {
	resource.type == "doc"
	some wire, name in {"tenant": "tenant"}
	object.get(input.resource, wire, null) != null
	not name in object.keys(resource)
}

problems contains sprintf("/resource/%s is not declared", [name]) if {
	resource.type == "doc"
	some name in (object.keys(input.resource) - {"type", "id", "labels", "tenant", "sensitivity", "owner", "size"})
}

sent_intent := object.get(input, "intent", {})

intent.source := a_source(object.get(sent_intent, "source", "unknown"))

intent.purpose := a_purpose(id(sent_intent.purpose))

intent.plan := map_of_integer(sent_intent.plan)

problems contains "/intent is not an object" if {
	not is_object(sent_intent)
}

problems contains sprintf("/intent/%s is not declared", [name]) if {
	some name in (object.keys(sent_intent) - {"purpose", "task", "source", "reason", "instruction", "plan"})
}

problems contains "/intent/source is no source" if {
	not intent.source
}

problems contains sprintf("/intent/%s is not what the policy knows", [name]) if {
	some name in ({"purpose", "plan"} - object.keys(intent))
	given(sent_intent, name)
}

problems contains "/intent/task is no task that the policy knows" if {
	given(sent_intent, "task")
}

problems contains sprintf("/intent/%s is not a text", [name]) if {
	some name in {"reason", "instruction"}
	given(sent_intent, name)
	not line(sent_intent[name])
}

# ── What Rego lacks ─────────────────────────────────────────────────────────────────────────────────────

a_kind(x) := x if x in {"human", "workload", "autonomous"}

set_of_line(x) := {line(item) | some item in x} if {
	is_array(x)
	count(x) <= 10000
	every item in x {
		present(line(item))
	}
}

set_of_email(x) := {email(item) | some item in x} if {
	is_array(x)
	count(x) <= 10000
	every item in x {
		present(email(item))
	}
}

record(x) := object.union_n([{"sku": value | value := line(x.sku)}, {"price": value | value := decimal(x.price)}, {"gift": value | value := line(x.gift)}]) if {
	is_object(x)
	object.keys(x) - {"sku", "price", "gift"} == set()
	present(line(x.sku))
	present(decimal(x.price))
	every value in {object.get(x, "gift", null)} - {null} {
		present(line(value))
	}
}

list_of_record(x) := [record(item) | some item in x] if {
	is_array(x)
	count(x) <= 10000
	every item in x {
		present(record(item))
	}
}

a_label(x) := x if x in {"named", "untrusted", "user"}

set_of_a_label(x) := {a_label(item) | some item in x} if {
	is_array(x)
	count(x) <= 10000
	every item in x {
		present(a_label(item))
	}
}

level_Sensitivity(x) := levels.Sensitivity[x]

a_source(x) := x if x in {"user", "agent", "tool_output", "document", "unknown"}

a_purpose(x) := x if x in purposes

map_of_integer(x) := {key: integer(item) | some key, item in x} if {
	is_object(x)
	count(x) <= 10000
	object.keys(x) & {"__proto__", "constructor", "prototype"} == set()
	every item in x {
		present(integer(item))
	}
}

# Whether there is a value: `false` is one too.
present(_) := true

given(of, name) if name in object.keys(of)

outside(element, elements) if not element in elements

within(part, whole) if part == whole

else := startswith(part, concat("", [whole, "."]))

within_path(path, folder) if path == folder

else := startswith(path, "/") if folder == "/"

else := regex.match("^[^/~]", path) if folder == "."

else := startswith(path, concat("", [folder, "/"]))

# Beyond 2^53−1 no number is exact.
bounded(number) := number if abs(number) <= 9007199254740991

added(a, b) := bounded(a + b)

# Undefined where adding them one by one leaves the exact numbers.
total(numbers) := sum(numbers) if {
	every at, _ in numbers {
		abs(sum(array.slice(numbers, 0, at + 1))) <= 9007199254740991
	}
}

# Decimals are counted in ten-thousandths, so that they are exact.
dec(number) := round(number * 10000)

# Nothing but `A` to `Z` is made small.
ascii_lower(text) := concat("", [small |
	some letter in split(text, "")
	small := object.get(small_letters, letter, letter)
])

small_letters := {"A": "a", "B": "b", "C": "c", "D": "d", "E": "e", "F": "f", "G": "g", "H": "h", "I": "i", "J": "j", "K": "k", "L": "l", "M": "m", "N": "n", "O": "o", "P": "p", "Q": "q", "R": "r", "S": "s", "T": "t", "U": "u", "V": "v", "W": "w", "X": "x", "Y": "y", "Z": "z"}

email_domain(email) := split(email, "@")[1]

truth(x) := x if is_boolean(x)

integer(x) := x if {
	is_number(x)
	x == round(x)
	abs(x) <= 9007199254740991
}

# A number or its text, with four digits behind the point, in ten-thousandths.
decimal(x) := scaled if {
	is_number(x)
	abs(x) <= 549755813888
	scaled := round(x * 10000)
	scaled / 10000 == x
}

decimal(x) := scaled if {
	is_string(x)
	regex.match(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?$`, x)
	scaled := round(to_number(x) * 10000)
	abs(scaled) <= 9007199254740991
}

# From 0 to 1; finer digits are cut off, never rounded up.
trust(x) := scaled if {
	is_number(x)
	x >= 0
	x <= 1
	scaled := floor(x * 10000)
}

# OPA reads half a character as U+FFFD.
line(x) := x if {
	is_string(x)
	count(x) <= 1048576
	not contains(x, "\ufffd")
}

# Latin letters alone: Rego cannot tell whether other text is in normal form C.
id(x) := x if {
	is_string(x)
	count(x) <= 1024
	regex.match(`^[\x20-\x7e\x{a0}-\x{ac}\x{ae}-\x{24f}]+$`, x)
}

# In canonical form, of plain letters: nothing that would have to be resolved.
path(x) := x if {
	is_string(x)
	count(x) <= 4096
	regex.match(`^(/|/?\.?[\w+=@,-][\w.+=@, -]*(/\.?[\w+=@,-][\w.+=@, -]*)*)$`, x)
}

email(x) := concat("@", [local, domain]) if {
	is_string(x)
	[local, written] := split(x, "@")
	domain := ascii_lower(written)
	count(local) <= 64
	regex.match(`^[A-Za-z0-9#$&'*+/=?^_\x60{|}~-]+(\.[A-Za-z0-9#$&'*+/=?^_\x60{|}~-]+)*$`, local)
	count(domain) <= 253
	every label in split(domain, ".") {
		regex.match(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`, label)
	}
}

ipv4(x) := x if {
	is_string(x)
	regex.match(`^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.|$)){4}$`, x)
	not endswith(x, ".")
}
