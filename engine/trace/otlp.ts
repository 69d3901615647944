/** OTLP/HTTP with JSON bodies (OpenTelemetry protocol 1.x): spans as a collector takes them. Pure. */
import { parseJsonText } from "../json-text.ts";
import { isObject } from "../value-reader.ts";
import type { Attributes, Span } from "./span.ts";

/** What is sent: UTF-8. */
export function spellSpans(spans: readonly Span[]): Uint8Array {
  const request = {
    resourceSpans: [
      {
        resource: { attributes: spellAttributes({ "service.name": "writ" }) },
        scopeSpans: [{ scope: { name: "writ" }, spans: spans.map(spellSpan) }],
      },
    ],
  };
  return Buffer.from(JSON.stringify(request));
}

/** How many spans of a batch the collector says that it did not take. */
export function rejectedCount(answer: Uint8Array): number {
  try {
    const body: unknown = parseJsonText(Buffer.from(answer).toString("utf8"));
    const partial = isObject(body) ? body.partialSuccess : undefined;
    // 64-bit integers are texts in OTLP's JSON, and numbers from those who forget.
    const count = isObject(partial) ? Number(partial.rejectedSpans ?? 0) : 0;
    return Number.isSafeInteger(count) && count > 0 ? count : 0;
  } catch {
    return 0;
  }
}

const KIND_SERVER = 2;
const STATUS_ERROR = 2;

function spellSpan(span: Span): object {
  const { name, traceId, spanId, parentId, state, failure } = span;
  const startNs = nanoseconds(span.startMs);
  return {
    traceId,
    spanId,
    ...(parentId === undefined ? {} : { parentSpanId: parentId }),
    ...(state === "" ? {} : { traceState: state }),
    name,
    kind: KIND_SERVER,
    startTimeUnixNano: String(startNs),
    endTimeUnixNano: String(startNs + nanoseconds(span.elapsedMs)),
    attributes: spellAttributes(span.attributes),
    status: failure === undefined ? {} : { code: STATUS_ERROR, message: failure },
  };
}

/** Whole milliseconds are exact: nanoseconds since 1970 are beyond what a double holds. */
function nanoseconds(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1_000_000));
}

function spellAttributes(attributes: Attributes): readonly object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: spellValue(value) }));
}

function spellValue(value: string | readonly string[]): object {
  if (typeof value === "string") return { stringValue: value };
  return { arrayValue: { values: value.map((one) => ({ stringValue: one })) } };
}
