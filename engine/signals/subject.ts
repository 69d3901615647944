/** Of whom an event tells: subject identifiers (RFC 9493, SSF 1.0 §3) → names as requests and tokens have them. Pure. */
import { parseSpiffeId } from "../identity/spiffe.ts";
import { isObject, type Problem, readId } from "../value-reader.ts";
import { type EventRefusal, refuseEvent } from "./refusal.ts";
import type { Transmitter } from "./transmitter.ts";

export interface Subject {
  readonly ok: true;
  readonly parties: readonly string[];
  readonly sessions: readonly string[];
  readonly tokens: readonly { readonly issuer: string; readonly id: string }[];
}

const NOBODY: Subject = { ok: true, parties: [], sessions: [], tokens: [] };

/** What a subject stands for where it is not complex: an opaque one may name either. */
export type About = "party" | "session";

/**
 * All members of a complex subject are of one principal: whoever is reached by one of them is reached, and the narrowest
 * that there is a name for is enough. Devices and tenants have none here. A subject of nothing else comes to nobody,
 * which whoever acts on it refuses.
 */
export function readSubject(
  json: unknown,
  about: About,
  transmitter: Transmitter,
): Subject | EventRefusal {
  if (!isObject(json)) return refuseEvent("invalid_request", "`sub_id` is no object");
  if (json.format !== "complex") return readSimple(json, about, transmitter);
  const session = readPart(json.session, "session", transmitter);
  const named = readPart(json.user ?? json.application, "party", transmitter);
  if (!session.ok || !named.ok) return session.ok ? named : session;
  // A session is less than a person whom nobody here knows: of the person's events it would miss the rest.
  if (about === "party" && json.user !== undefined && isNobody(named)) return NOBODY;
  return { ...named, sessions: [...named.sessions, ...session.sessions] };
}

function readPart(json: unknown, about: About, transmitter: Transmitter): Subject | EventRefusal {
  return json === undefined ? NOBODY : readSimple(json, about, transmitter);
}

export function isNobody({ parties, sessions, tokens }: Subject): boolean {
  return parties.length + sessions.length + tokens.length === 0;
}

/** A format that is not understood comes to nobody. */
function readSimple(json: unknown, about: About, transmitter: Transmitter): Subject | EventRefusal {
  if (!isObject(json)) return refuseEvent("invalid_request", "a subject is no object");
  switch (json.format) {
    case "iss_sub":
      return ownedBy(json.iss, json.sub, transmitter, (prefix, sub) =>
        partyOf(prefix + sub, transmitter),
      );
    case "jwt_id":
      return ownedBy(json.iss, json.jti, transmitter, (_, id, issuer) => ({
        ...NOBODY,
        tokens: [{ issuer, id }],
      }));
    case "uri":
      if (typeof json.uri !== "string" || !parseSpiffeId(json.uri).ok) return NOBODY;
      return partyOf(json.uri, transmitter);
    case "email":
      return bareParty("email", json.email, transmitter);
    case "opaque":
      if (about === "party" || transmitter.sessions === undefined) {
        return bareParty("opaque", json.id, transmitter);
      }
      return named(json.id, (id) => ({ ...NOBODY, sessions: [transmitter.sessions + id] }));
    default:
      return NOBODY;
  }
}

/** A name that could be another issuer's is not this one's to tell of, however it was spelled. */
function partyOf(id: string, { trustDomains, foreign }: Transmitter): Subject | EventRefusal {
  if (foreign.some((prefix) => id.startsWith(prefix))) return ANOTHERS;
  if (!id.startsWith("spiffe://")) return { ...NOBODY, parties: [id] };
  const spiffe = parseSpiffeId(id);
  return spiffe.ok && trustDomains.has(spiffe.trustDomain)
    ? { ...NOBODY, parties: [id] }
    : ANOTHERS;
}

const ANOTHERS = refuseEvent("access_denied", "it may not tell of subjects of this issuer");

function named(
  json: unknown,
  subject: (id: string) => Subject | EventRefusal,
): Subject | EventRefusal {
  const problems: Problem[] = [];
  const id = readId(json, "", problems);
  if (id !== undefined) return subject(id);
  return refuseEvent("invalid_request", `a subject's id ${problems[0]?.message}`);
}

function ownedBy(
  issuer: unknown,
  id: unknown,
  { speaksFor }: Transmitter,
  subject: (prefix: string, id: string, issuer: string) => Subject | EventRefusal,
): Subject | EventRefusal {
  if (typeof issuer !== "string") return refuseEvent("invalid_request", "a subject has no `iss`");
  const prefix = speaksFor.get(issuer);
  return prefix === undefined ? ANOTHERS : named(id, (read) => subject(prefix, read, issuer));
}

function bareParty(
  format: "email" | "opaque",
  id: unknown,
  transmitter: Transmitter,
): Subject | EventRefusal {
  const { bare } = transmitter;
  if (bare?.formats.has(format) !== true) return NOBODY;
  return named(id, (read) => partyOf(bare.prefix + read, transmitter));
}
