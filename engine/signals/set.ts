/** A Security Event Token (RFC 8417, profiled by SSF 1.0 §4): who sent it by configuration, and what it says. */
import { type DelegationRefusal, refuseDelegation } from "../identity/cause.ts";
import { LEEWAY_MS } from "../identity/chain.ts";
import { readAudience, readInstant } from "../identity/claims.ts";
import { readClaims, readCompactJws } from "../identity/jws.ts";
import { verifyAmong } from "../identity/verify.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { isObject, optionally, type Problem, readId, report } from "../value-reader.ts";
import type { Transmitter } from "./transmitter.ts";

export const SET_TYPE = "secevent+jwt";

/** Longer than transmitters go on trying; so long is remembered which were taken. */
export const AGE_MOST_MS = 7 * 86_400_000;

export interface SecurityEvents {
  readonly ok: true;
  readonly transmitter: Transmitter;
  /** Of this transmitter's one. */
  readonly id: string;
  readonly issuedAtMs: number;
  /** When it came to pass, where the event itself does not say: seconds since the Unix epoch. */
  readonly at: number;
  readonly subject: JsonValue | undefined;
  /** By the URIs that are their types. */
  readonly events: Readonly<Record<string, JsonObject>>;
}

/** Waits for keys and signatures, and for nothing else. */
export async function verifySet(
  text: unknown,
  transmitters: readonly Transmitter[],
  nowMs: number,
): Promise<SecurityEvents | DelegationRefusal> {
  const jws = readCompactJws(text);
  if (!jws.ok) return jws;
  if (jws.type !== SET_TYPE) {
    return refuseDelegation("token_type", `its \`typ\` is not \`${SET_TYPE}\``);
  }
  const claims = readClaims(jws);
  if (claims === undefined) return refuseDelegation("token_malformed", "it holds no JSON object");
  const transmitter = transmitters.find(({ name }) => name === claims.iss);
  if (transmitter === undefined) {
    return refuseDelegation("issuer_unknown", "its `iss` is no transmitter that is configured");
  }
  const verified = await verifyAmong(jws, transmitter);
  return verified.ok ? readSet(claims, transmitter, nowMs) : verified;
}

function readSet(
  claims: JsonObject,
  transmitter: Transmitter,
  nowMs: number,
): SecurityEvents | DelegationRefusal {
  const problems: Problem[] = [];
  const id = readId(claims.jti, "/jti", problems);
  const issuedAtMs = readInstant(claims.iat, "/iat", problems);
  const toldAtMs = optionally(readInstant, claims.toe, "/toe", problems) ?? issuedAtMs;
  const audience = readAudience(claims.aud, "/aud", problems);
  const events = readEvents(claims.events, problems);
  for (const name of ["exp", "sub"] as const) {
    if (claims[name] !== undefined) report(problems, `/${name}`, "is no claim of an event");
  }
  const [problem] = problems;
  if (problem !== undefined) {
    return refuseDelegation("claims_invalid", `\`${problem.at.slice(1)}\` ${problem.message}`);
  }
  if (id === undefined || issuedAtMs === undefined || toldAtMs === undefined) {
    throw new Error("a set was refused without a reason");
  }
  if (audience?.some((one) => transmitter.audiences.has(one)) !== true) {
    return refuseDelegation("audience_mismatch", "it is not meant for this engine");
  }
  const untimely = refusalOfTime(issuedAtMs, nowMs);
  if (untimely !== undefined) return untimely;
  const subject = claims.sub_id;
  return { ok: true, transmitter, id, issuedAtMs, at: toldAtMs / 1_000, subject, events };
}

function refusalOfTime(issuedAtMs: number, nowMs: number): DelegationRefusal | undefined {
  if (issuedAtMs > nowMs + LEEWAY_MS) {
    return refuseDelegation("token_not_yet_valid", "it was issued in the future");
  }
  if (issuedAtMs >= nowMs - AGE_MOST_MS) return undefined;
  return refuseDelegation("token_expired", "it was issued more than seven days ago");
}

/** One, perhaps under several names. */
const EVENTS_MOST = 4;

function readEvents(
  json: JsonValue | undefined,
  problems: Problem[],
): Readonly<Record<string, JsonObject>> {
  const types = isObject(json) ? Object.keys(json) : [];
  if (!isObject(json) || types.length === 0 || types.length > EVENTS_MOST) {
    return report(problems, "/events", `is no object of 1 to ${EVENTS_MOST} events`) ?? {};
  }
  for (const type of types) {
    if (!isObject(json[type])) report(problems, "/events", "has an event that is no object");
  }
  return json as Record<string, JsonObject>;
}
