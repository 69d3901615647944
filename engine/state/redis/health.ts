/** Whether a server can be trusted with state: read of what `INFO` says. Pure. */

export interface ServerHealth {
  /** Names this start of this server. */
  readonly run: string;
  /** Keys that it has evicted since. */
  readonly evicted: number;
  /** Why it must not be used; missing where it may be. */
  readonly refusal?: string;
  /** What it is worth knowing before relying on it. */
  readonly warnings: readonly string[];
}

/** Scripts that ask for the time and write are replicated by what they did: Redis from 5, Valkey always. */
const OLDEST_REDIS = [6, 2] as const;

export function healthOf(info: string): ServerHealth {
  const facts = factsIn(info);
  const refusal = refusalOf(facts);
  return {
    run: facts.get("run_id") ?? "",
    evicted: Number(facts.get("evicted_keys")),
    ...(refusal === undefined ? {} : { refusal }),
    warnings: warningsOf(facts),
  };
}

type Info = ReadonlyMap<string, string>;

function factsIn(info: string): Info {
  const lines = info.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

function refusalOf(info: Info): string | undefined {
  const version = info.get("redis_version") ?? "";
  if (!isNewEnough(version))
    return `Redis 6.2 or newer is needed, and this is ${version || "none"}`;
  if (info.get("loading") !== "0") return "Redis is still loading its data";
  if (info.get("role") !== "master") return "this Redis is a replica, which takes no changes";
  if (!/^\d+$/.test(info.get("evicted_keys") ?? "")) {
    return "Redis does not say how many keys it has evicted";
  }
  const eviction = info.get("maxmemory_policy");
  if (eviction !== "noeviction") {
    return `Redis evicts (\`maxmemory-policy ${eviction ?? "?"}\`), which would reset limits; set it to \`noeviction\``;
  }
  return undefined;
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldest, since] = OLDEST_REDIS;
  return major > oldest || (major === oldest && minor >= since);
}

function warningsOf(info: Info): readonly string[] {
  if (info.get("aof_enabled") !== "0") return [];
  return [
    "Redis keeps no append-only file: when it restarts, state is lost and decisions that need it stop until an operator confirms (`appendonly yes`)",
  ];
}
