# What a support desk might have: who may do what, from a document of roles, with odd answers for tests.
package authz

default allow := false

allow if {
	some role in data.roles[input.agent.id]
	input.tool.name in data.grants[role]
	count(denials) == 0
}

# Of one tool, or tests would end otherwise at night.
denials contains "outside office hours" if {
	[hour, _, _] := time.clock(time.now_ns())
	hour < 6
	input.tool.name == "sign_contract"
}

denials contains "no transfers above 1000" if input.tool.args.amount > 1000

# A package that decides by itself answers with a record.
decision := {
	"allow": allow,
	"reasons": [message | some message in denials],
	"obligations": [{"type": "log", "level": "full"} | allow],
}

# Defined for one tool only.
sometimes if input.tool.name == "read_file"

text := "true"

list := [true]

nothing := null

amount := 12.5

risk := "high" if input.tool.args.amount > 1000

else := "low"

# What the whole request looks like from here.
echo := input
