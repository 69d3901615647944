import { REVOCABLE, type RevocationView } from "../../engine/revocations/revocation.ts";
import { type AdminClient, CLIENT_OPTIONS, openClient } from "../admin/client.ts";
import { ORDER_OPTIONS, orderedBy } from "../admin/order.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { painter, printable, table } from "../terminal.ts";

const LIST_DEFAULT = 100;

export const command: Command = {
  name: "revoke",
  summary: "take back what an agent, person, session, task, token or issuer may do, or everything",
  usage: "[options] [list | KIND ID | everything | reactivate KIND ID | reactivate everything]",
  description: [
    "Asks the `writ serve` that runs in this directory, or the one that --admin names. From the next request on, whatever names what was revoked is denied with `revoked`.",
    "KIND is agent, principal, session, task, token (its `jti`, or the digest that the audit log has of it) or issuer. `everything` stops every call. With --before, only what was issued until then is revoked, and what was issued later goes on.",
    "`reactivate` lets them act again, with what is issued from now on: links, tokens and approvals from before stay revoked. `list` (or nothing) lists what was revoked. Every change needs a reason, which is recorded with who gave it.",
    "Exits with 1 when there is nothing to re-activate.",
    'Examples:\n  writ revoke agent spiffe://acme.example/agent/teller --because "ticket 4711"\n  writ revoke everything --because "stop, and look"\n  writ revoke issuer https://idp.acme.example --before 2026-01-02T12:00:00Z --because "its key leaked"',
  ],
  options: [
    { name: "before", value: "TIME", help: "only what was issued until then (RFC 3339)" },
    { name: "most", value: "COUNT", help: `how many to list (${LIST_DEFAULT})` },
    ...ORDER_OPTIONS,
    ...CLIENT_OPTIONS,
  ],
  words: ["list", "everything", "reactivate"],
  positionals: { least: 0, most: 3 },
  run: revoke,
};

const USAGE = "see `writ revoke --help`";

interface Order {
  readonly action: "revoke" | "reactivate";
  readonly kind: string;
  readonly id?: string;
}

async function revoke(input: Input, io: Io): Promise<ExitCode> {
  const order = orderOf(input.positionals);
  const client = openClient(input, io);
  return order === undefined ? list(client, input, io) : send(order, client, input, io);
}

/** `undefined` is to list. */
function orderOf(words: readonly string[]): Order | undefined {
  const [first = "list", ...rest] = words;
  if (first === "list" && rest.length === 0) return undefined;
  const action = first === "reactivate" ? "reactivate" : "revoke";
  const [kind = "", id, ...more] = action === "reactivate" ? rest : words;
  if (!REVOCABLE.some((known) => known === kind)) {
    throw new Misuse(`what is revoked is one of ${REVOCABLE.join(", ")}`, USAGE);
  }
  if (more.length > 0 || (kind === "everything") !== (id === undefined)) {
    throw new Misuse(kind === "everything" ? "everything has no id" : `which ${kind}?`, USAGE);
  }
  return { action, kind, ...(id === undefined ? {} : { id }) };
}

async function list(client: AdminClient, input: Input, io: Io): Promise<ExitCode> {
  const found = await client.get<{ readonly revocations: readonly RevocationView[] }>(
    "/revocations",
    { most: input.values.get("most") ?? LIST_DEFAULT },
  );
  io.out(input.json ? `${JSON.stringify(found, null, 2)}\n` : shown(found.revocations, io));
  return 0;
}

function shown(revocations: readonly RevocationView[], io: Io): string {
  if (revocations.length === 0) return "nothing is revoked\n";
  const paint = painter(io);
  const rows = revocations.map((one) => {
    const { kind, id, issuer, active, by, because } = one;
    const of = issuer === undefined ? "" : ` of ${printable(issuer)}`;
    return [
      `${kind} ${paint("bold", printable(id))}${of}`.trim(),
      active ? paint("red", "revoked") : reached(one),
      `by ${printable(by)}: ${printable(because)}`,
    ];
  });
  return table(rows);
}

function reached({ issued_until: until, ends }: RevocationView): string {
  return ends === undefined ? `issued until ${until}` : `issued until ${until}, all from ${ends}`;
}

async function send(
  { action, kind, id }: Order,
  client: AdminClient,
  input: Input,
  io: Io,
): Promise<ExitCode> {
  const by = orderedBy(input);
  const before = input.values.get("before");
  if (before !== undefined && action === "reactivate") {
    throw new Misuse("`--before` is of what is revoked", "leave it out");
  }
  const body = { kind, id, ...by, before };
  const done = await client.post<{ readonly changed: boolean }>(`/revocations/${action}`, body);
  const what = `${kind} ${printable(id ?? "")}`.trim();
  if (input.json) io.out(`${JSON.stringify({ ok: done.changed, ...done }, null, 2)}\n`);
  else if (!done.changed) io.out(`${what} was not revoked: nothing changed\n`);
  else io.out(`${painter(io)(action === "revoke" ? "red" : "green", SAID[action])} ${what}\n`);
  return done.changed ? 0 : 1;
}

const SAID = { revoke: "revoked", reactivate: "may act again:" } as const;
