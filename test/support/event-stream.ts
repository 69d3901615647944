/** A transmitter that keeps its events until they are acknowledged (RFC 8936). */
export interface EventStream {
  /** By `jti`. */
  readonly waiting: Map<string, string>;
  readonly errors: Map<string, unknown>;
  readonly asked: readonly StreamRequest[];
  answer(body: StreamRequest): { readonly sets: Readonly<Record<string, string>> };
}

export interface StreamRequest {
  readonly maxEvents: number;
  readonly returnImmediately: boolean;
  readonly ack: readonly string[];
  readonly setErrs: Readonly<Record<string, unknown>>;
}

export function eventStream(sets: Readonly<Record<string, string>> = {}): EventStream {
  const waiting = new Map(Object.entries(sets));
  const errors = new Map<string, unknown>();
  const asked: StreamRequest[] = [];
  return {
    waiting,
    errors,
    asked,
    answer(body) {
      asked.push(body);
      for (const id of body.ack) waiting.delete(id);
      for (const [id, error] of Object.entries(body.setErrs)) {
        waiting.delete(id);
        errors.set(id, error);
      }
      return { sets: Object.fromEntries([...waiting].slice(0, body.maxEvents)) };
    },
  };
}
