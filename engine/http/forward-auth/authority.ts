/** The site that a proxy was asked for. */
export interface Authority {
  /** A name or address, in lower case. */
  readonly host: string;
  /** As it was sent; missing = the one that its scheme means. */
  readonly port?: number;
}

/**
 * Reads what a `Host` holds (RFC 9110, §7.2). Proxies find a site by its name alone, so the port is told apart from it.
 * A name with an empty label is refused, not normalised: to a proxy `site.example.` may be `site.example`, to a rule it
 * is not. So is whatever else is no one name: a list, an escape, a user.
 */
export function readAuthority(text: string): Authority | undefined {
  const [, host, digits] = AUTHORITY.exec(text) ?? [];
  if (host === undefined) return undefined;
  if (digits === undefined) return { host: host.toLowerCase() };
  const port = Number(digits);
  return port <= 65_535 ? { host: host.toLowerCase(), port } : undefined;
}

const AUTHORITY = /^([a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::([1-9]\d{0,4}))?$/i;
