# Rules as data, by tool and group: this module does not grow with them.
package bench

import rego.v1

applies contains rule if {
	some group in input.groups
	some rule in data.rules[input.tool][group]
	rule.resource == input.resource
	fits(rule)
}

applies contains rule if {
	some rule in data.everyone
	fits(rule)
}

fits(rule) if {
	rule.depth_least <= input.depth
	input.depth <= rule.depth_most
	rule.amount_least <= input.amount
	input.amount <= rule.amount_most
	rule.calls_least <= input.calls
	input.calls <= rule.calls_most
	rule.sensitivity_least <= input.sensitivity
	cleared(rule)
}

cleared(rule) if not rule.cleared

cleared(rule) if {
	rule.cleared
	input.sensitivity <= input.clearance
}

permits contains rule.name if {
	some rule in applies
	rule.effect == "permit"
}

forbids contains rule.name if {
	some rule in applies
	rule.effect == "forbid"
}

default decision := {"allow": false, "reasons": []}

decision := {"allow": false, "reasons": forbids} if count(forbids) > 0

decision := {"allow": true, "reasons": permits} if {
	count(forbids) == 0
	count(permits) > 0
}
