import { messageOf } from "../../engine/fault.ts";
import {
  parseRedisAddress,
  type RedisAddress,
  spellAddress,
} from "../../engine/state/redis/address.ts";
import { confirmLoss } from "../../engine/state/redis/confirm.ts";
import { operatorIn } from "../admin/order.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { painter } from "../terminal.ts";

export const command: Command = {
  name: "state",
  summary: "confirm that it is right to go on after shared state was lost",
  usage: "confirm redis://HOST:PORT/NAMESPACE --because TEXT [options]",
  description: [
    "When Redis no longer has what it acknowledged, everything that needs state is denied, `GET /ready` says what was lost, and services wait for somebody to look: limits may begin anew, latches may be unset, and sessions that were ended may be open. `writ state confirm` says that it is right to go on with what is there; services do so within a second.",
    "Who confirmed it, when, why and what was lost are kept in Redis, in the list `writ:{NAMESPACE}:confirmations`.",
    "Exits with 1 where nothing is lost.",
    'Examples:\n  writ state confirm redis://localhost:6379/payments --because "restored from the copy of 12:00, ticket 4711"',
  ],
  options: [
    { name: "because", value: "TEXT", help: "why it is right" },
    { name: "operator", value: "NAME", help: "who confirms it (your name on this machine)" },
  ],
  words: ["confirm"],
  positionals: { least: 2, most: 2 },
  run: state,
};

async function state(input: Input, io: Io): Promise<ExitCode> {
  const [verb = "", url = ""] = input.positionals;
  if (verb !== "confirm") {
    throw new Misuse(`there is no \`writ state ${verb}\``, "writ state confirm ADDRESS");
  }
  const address = parseRedisAddress(url);
  if (typeof address === "string") throw new Misuse(address);
  const because = input.values.get("because");
  if (because === undefined || because === "") {
    throw new Misuse("a confirmation needs a reason", '`--because "why"`: it is kept');
  }
  const lost = await confirm(address, operatorIn(input), because);
  report(address, lost, input, io);
  return lost === undefined ? 1 : 0;
}

async function confirm(
  address: RedisAddress,
  operator: string,
  because: string,
): Promise<string | undefined> {
  try {
    return await confirmLoss(address, { operator, because, atMs: Date.now() });
  } catch (fault) {
    const why = messageOf(fault);
    throw new Misuse(`nothing was confirmed in ${spellAddress(address)}: ${why}`);
  }
}

function report(address: RedisAddress, lost: string | undefined, { json }: Input, io: Io): void {
  const place = spellAddress(address);
  if (json) io.out(`${JSON.stringify({ ok: lost !== undefined, place, lost }, null, 2)}\n`);
  else if (lost === undefined) io.out(`nothing is lost in ${place}: nothing changed\n`);
  else io.out(`${painter(io)("yellow", "confirmed")} for ${place} that ${lost}\n`);
}
