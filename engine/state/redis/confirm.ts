/**
 * An operator's word that it is right to go on with what a store has left (SPEC §7.6). It is kept beside what was lost, in
 * the one step that takes the loss back: services that are waiting for it have nothing else to record it with.
 */
import { randomUUID } from "node:crypto";
import type { RedisAddress } from "./address.ts";
import { type Link, openLink } from "./link.ts";

export interface Confirmation {
  readonly operator: string;
  readonly because: string;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
}

/** What was confirmed, in words; `undefined` where nothing is lost. Rejects with what Redis says against it. */
export async function confirmLoss(
  address: RedisAddress,
  confirmation: Confirmation,
): Promise<string | undefined> {
  const link = await openLink(address, CONNECT_MS);
  try {
    return await confirmOn(link, address.namespace, confirmation);
  } finally {
    link.end();
  }
}

const CONNECT_MS = 2_000;

async function confirmOn(
  { send }: Link,
  namespace: string,
  confirmation: Confirmation,
): Promise<string | undefined> {
  const lost = await send(["HGET", `writ:{${namespace}}:meta`, "lost"]);
  if (typeof lost !== "string") return undefined;
  const record = JSON.stringify({ lost, ...confirmation });
  const confirmed = await send(confirmationOf(namespace, lost, record, randomUUID()));
  if (confirmed !== 1) throw new Error("another loss was found meanwhile");
  return lost;
}

/**
 * The command that takes back this loss and no other: it answers with 1 where it did. `generation` is new: whoever
 * remembers more of an earlier one remembers what was confirmed to be lost.
 */
export function confirmationOf(
  namespace: string,
  lost: string,
  record: string,
  generation: string,
): readonly string[] {
  const [meta, log] = [`writ:{${namespace}}:meta`, `writ:{${namespace}}:confirmations`];
  return ["EVAL", CONFIRM, "2", meta, log, lost, record, generation];
}

/** Where no process has said yet what was evicted, that is what was confirmed as well. */
const CONFIRM = `
if redis.call('HGET', KEYS[1], 'lost') ~= ARGV[1] then return 0 end
redis.call('RPUSH', KEYS[2], ARGV[2])
local before = redis.call('HGET', KEYS[1], 'generation')
if before then redis.call('HSET', KEYS[1], 'past ' .. before, '1') end
redis.call('HSET', KEYS[1], 'generation', ARGV[3])
redis.call('HSETNX', KEYS[1], 'evicted', 'anew')
redis.call('HDEL', KEYS[1], 'lost')
return 1
`;
