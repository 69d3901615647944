/** What no record holds: tokens, whole or in a text. In their place stands their digest. Pure. */
import { digestOfBytes } from "../digest.ts";

/** Names are shorter; what is longer is no name. */
const NAME_LENGTH_MAX = 256;

/**
 * JSON Web Tokens and what is encoded alike, PASETO, credentials of HTTP, and keys by the marks that their
 * makers give them so that they are found. Whatever begins to match a long run matches it: else a run of
 * beginnings would be looked through from each of them.
 */
const TOKEN = new RegExp(
  [
    /eyJ[\w-]{12,}(?:[.~][\w-]*)*/,
    /v[1-4]\.(?:local|public)\.[\w-]{16,}(?:\.[\w-]+)?/,
    /(?:bearer|basic|dpop)\s+[\w.~+/-]{16,}=*/,
    /(?:sk|pk|rk)[-_][\w-]{16,}/,
    /(?:gh[pousr]|github_pat|glpat|xox[abprs])[-_][\w-]{10,}/,
    /(?:AKIA|ASIA)[A-Z0-9]{16}/,
    /AIza[\w-]{30,}/,
    /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "gi",
);

/** A text with what looks like a token replaced. */
export function sealed(text: string): string {
  return text.length < 12 ? text : text.replace(TOKEN, digestOfBytes);
}

/** A name as it may be recorded. */
export function sealedName(text: string): string {
  return text.length > NAME_LENGTH_MAX ? digestOfBytes(text) : sealed(text);
}

/** Whether nothing in a JSON value is sealed. Of its texts, not of its spelling: that has escapes where tokens have spaces. */
export function isUnsealed(json: unknown): boolean {
  if (typeof json === "string") return sealed(json) === json;
  if (Array.isArray(json)) return json.every(isUnsealed);
  if (typeof json !== "object" || json === null) return true;
  return Object.entries(json).every(([name, item]) => isUnsealed(name) && isUnsealed(item));
}

/** In all texts of a JSON value, names of members included. */
export function sealedJson(json: unknown): unknown {
  if (typeof json === "string") return sealed(json);
  if (Array.isArray(json)) return json.map(sealedJson);
  if (typeof json !== "object" || json === null) return json;
  const made: Record<string, unknown> = Object.create(null);
  for (const [name, item] of Object.entries(json)) made[sealed(name)] = sealedJson(item);
  return made;
}
