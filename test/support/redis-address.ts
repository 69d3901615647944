import { parseRedisAddress, type RedisAddress } from "../../engine/state/redis/address.ts";

/** Throws with what is wrong with it. */
export function redisAt(url: string): RedisAddress {
  const address = parseRedisAddress(url);
  if (typeof address === "string") throw new Error(address);
  return address;
}
