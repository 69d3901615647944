/** Where shared state is kept: `redis://[[USER]:PASSWORD@]HOST[:PORT][/NAMESPACE]`, or `rediss://` for TLS. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  /** What this fleet's keys have in common; another fleet on the same server has another. */
  readonly namespace: string;
}

export const DEFAULT_NAMESPACE = "default";
const DEFAULT_PORT = 6379;
/** It stands in the hash tag of every key, so it must not hold a brace. */
const NAMESPACE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The address, or in words what is wrong with it. The text may hold a password: it is never repeated. */
export function parseRedisAddress(text: string): RedisAddress | string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["redis:", "rediss:"].includes(url.protocol)) {
    return "an address is `redis://HOST:PORT/NAMESPACE`, or `rediss://…` with TLS";
  }
  if (url.hostname === "") return "the address names no host";
  if (url.search !== "" || url.hash !== "") return "the address takes nothing behind the namespace";
  const namespace = url.pathname.replace(/^\//, "") || DEFAULT_NAMESPACE;
  if (!NAMESPACE.test(namespace)) {
    return "a namespace is up to 64 letters, digits, `.`, `_` and `-`";
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? DEFAULT_PORT : Number(url.port),
    tls: url.protocol === "rediss:",
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
    namespace,
  };
}

/** For people: no user, no password. */
export function spellAddress({ host, port, tls, namespace }: RedisAddress): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return `${tls ? "rediss" : "redis"}://${name}:${port}/${namespace}`;
}
