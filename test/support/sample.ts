/** The policy of the introduction: every part of the language once. */
export const SAMPLE = `package acme.payments

// ── Vocabulary ────────────────────────────────────────────────────────────
level Sensitivity = public < internal < confidential < restricted
purpose payments, payments.payroll, support          // payments.payroll is within payments
label untrusted, private

tool get_balance, get_transactions { effect read }
tool read_email  { effect read, yields untrusted }    // what it returns may have been written by anyone
tool send_money  { effect write, args { recipient: String, amount: Decimal, subject: String?, date: String } }
tool send_email  { effect send,  args { to: Set<Email>, body: String } }

resource  account { owner: String, sensitivity: Sensitivity = restricted }
principal { known_payees: Set<String> = [] }
agent     { clearance: Sensitivity = public }

// ── Live behaviour ────────────────────────────────────────────────────────
counter calls  = count attempts                                  per session    within 10s
counter spend  = sum args.amount of allowed send_money           per principal  within 24h
counter payees = distinct args.recipient of completed send_money per session
counter fanout = distinct agent.id of attempts                   per delegation.root within 1m
latch   read_private = completed effect read where resource.sensitivity >= confidential per session

// ── Rules ─────────────────────────────────────────────────────────────────
permit read_own
  agent in group "assistants"
  tool  effect read
  when  resource.owner == principal.id and resource.sensitivity <= agent.clearance

permit pay_known_payee
  agent   in group "assistants"
  tool    send_money
  purpose within payments
  when    delegation.verified and delegation.depth <= 2 and delegation.root is human
  when    args.recipient in principal.known_payees or user in origin(args.recipient)
  when    spend + args.amount <= 500.00
  with    credential { scope: ["payments:write"], ttl: 60s }

hold large_transfer
  tool  send_money
  when  args.amount > 100.00
  until approved by delegation.root within 10m
  because "transfers over 100.00 need the person who delegated this task"

forbid planted_payee
  tool  send_money
  when  untrusted in origin(args.recipient) and user not in origin(args.recipient)
  because "the recipient came from content, not from the person who asked"

forbid exfiltration
  tool  effect send
  when  read_private and any to in args.to: to.domain != "acme.example"

forbid runaway
  when  calls > 400 or fanout > 20
  then  interrupt session
  because "more than 400 calls in 10 s, or more than 20 agents from one root in a minute"

oblige mask_account_numbers
  tool  get_transactions
  with  redact ["*.iban"], log full

// ── A task: what one errand may do, in what order, within what limits ─────
task pay_invoice {
  purpose  payments
  sequence read_file(path as p) , get_transactions* , send_money{0,1} , send_email?
  limit    calls <= 20, duration <= 15m, spend <= 1000.00
}

// ── What must hold of every decision this package can make ────────────────
never unattested_write
  allow when tool.effect == write and not agent.attested

// ── Tests: they ship with the package and must hold for it to load ────────
test "a transfer to an unknown payee is refused" {
  given agent "spiffe://acme.example/agent/teller" { groups: ["assistants"] }
  given principal "alice" { known_payees: ["GB29NWBK60161331926819"] }
  given delegation alice -> teller scope ["payments:write"] purpose payments
  when  send_money { recipient: "US133000000121212121212", amount: 10.00, date: "2026-01-02" }
  then  deny
  when  send_money { recipient: "GB29NWBK60161331926819", amount: 10.00, date: "2026-01-02" }
  then  allow by pay_known_payee with credential
}

test "401 calls in ten seconds end the session" {
  given agent "spiffe://acme.example/agent/teller" { groups: ["assistants"] }
  repeat 400 get_balance
  when  get_balance  then deny by runaway, interrupt
  wait  11s
  when  get_balance  then deny by session_interrupted
}
`;
