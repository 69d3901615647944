# Written by spell.ts.
package bench

import rego.v1

permits contains "assistant_accounts" if {
	input.tool in {"get_balance", "get_transactions"}
	"assistants" in input.groups
	input.resource == "account"
	input.depth <= 2
	input.sensitivity <= input.clearance
}

permits contains "assistant_mail" if {
	input.tool in {"read_email"}
	"assistants" in input.groups
	input.resource == "mailbox"
	input.depth <= 2
	input.sensitivity <= input.clearance
}

permits contains "assistant_files" if {
	input.tool in {"read_file"}
	"assistants" in input.groups
	input.resource == "document"
	input.depth <= 1
	input.sensitivity <= input.clearance
}

permits contains "assistant_sends" if {
	input.tool in {"send_email"}
	"assistants" in input.groups
	input.resource == "mailbox"
	input.depth <= 1
	input.sensitivity <= input.clearance
	input.calls < 100
}

permits contains "teller_accounts" if {
	input.tool in {"get_balance", "get_transactions"}
	"tellers" in input.groups
	input.resource == "account"
	input.depth <= 3
	input.sensitivity <= input.clearance
}

permits contains "teller_pays" if {
	input.tool in {"send_money"}
	"tellers" in input.groups
	input.resource == "account"
	input.depth <= 2
	input.sensitivity <= input.clearance
	input.amount <= 500
}

permits contains "teller_records" if {
	input.tool in {"update_record"}
	"tellers" in input.groups
	input.resource == "account"
	input.depth <= 1
	input.sensitivity <= input.clearance
}

permits contains "auditor_accounts" if {
	input.tool in {"get_balance", "get_transactions"}
	"auditors" in input.groups
	input.resource == "account"
	input.depth <= 2
}

permits contains "auditor_mail" if {
	input.tool in {"read_email"}
	"auditors" in input.groups
	input.resource == "mailbox"
	input.depth <= 0
	input.sensitivity <= input.clearance
}

permits contains "auditor_files" if {
	input.tool in {"read_file"}
	"auditors" in input.groups
	input.resource == "document"
	input.depth <= 2
}

permits contains "operator_files" if {
	input.tool in {"read_file"}
	"operators" in input.groups
	input.resource == "document"
	input.depth <= 3
	input.sensitivity <= input.clearance
}

permits contains "operator_deletes" if {
	input.tool in {"delete_file"}
	"operators" in input.groups
	input.resource == "document"
	input.depth <= 0
	input.sensitivity <= input.clearance
}

permits contains "operator_records" if {
	input.tool in {"update_record"}
	"operators" in input.groups
	input.resource == "account"
	input.depth <= 2
	input.sensitivity <= input.clearance
	input.amount <= 1000
}

permits contains "operator_sends" if {
	input.tool in {"send_email"}
	"operators" in input.groups
	input.resource == "mailbox"
	input.depth <= 2
	input.calls < 50
}

forbids contains "far_payment" if {
	input.tool in {"send_money"}
	"tellers" in input.groups
	input.resource == "account"
	input.depth > 1
	input.amount > 200
}

forbids contains "secret_by_mail" if {
	input.tool in {"send_email"}
	"assistants" in input.groups
	input.resource == "mailbox"
	input.sensitivity >= 2
}

forbids contains "secret_far_away" if {
	input.tool in {"read_file"}
	"auditors" in input.groups
	input.resource == "document"
	input.depth > 1
	input.sensitivity >= 3
}

forbids contains "many_deletes" if {
	input.tool in {"delete_file"}
	"operators" in input.groups
	input.resource == "document"
	input.calls > 20
}

forbids contains "large_record" if {
	input.tool in {"update_record"}
	"tellers" in input.groups
	input.resource == "account"
	input.amount > 300
}

forbids contains "runaway" if {
	input.calls > 400
}

default decision := {"allow": false, "reasons": []}

decision := {"allow": false, "reasons": forbids} if count(forbids) > 0

decision := {"allow": true, "reasons": permits} if {
	count(forbids) == 0
	count(permits) > 0
}
