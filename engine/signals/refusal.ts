/** Why an event is not taken, in the words that its transmitter understands (RFC 8935 §2.4). Pure. */

export const EVENT_ERRORS = [
  "invalid_request",
  "invalid_key",
  "invalid_issuer",
  "invalid_audience",
  "authentication_failed",
  "access_denied",
] as const;
export type EventError = (typeof EVENT_ERRORS)[number];

export interface EventRefusal {
  readonly ok: false;
  readonly err: EventError;
  readonly why: string;
}

export function refuseEvent(err: EventError, why: string): EventRefusal {
  return { ok: false, err, why };
}
