import type { Code } from "./codes.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { Span } from "./source.ts";

/** How a pass says what it found; it goes on after saying it. */
export type Report = (code: Code, span: Span, message: string, help?: string, first?: Span) => void;

/** A report that collects, each finding once. */
export function collect(into: Diagnostic[]): Report {
  const seen = new Set<string>();
  return (code, span, message, help, first) => {
    const key = `${code} ${span.file} ${span.start} ${span.end} ${message}`;
    if (seen.has(key)) return;
    seen.add(key);
    into.push({ code, message, span, ...(help && { help }), ...(first && { first }) });
  };
}

/** Where this was declared before; `undefined` where it is declared here first. */
export function firstOf(places: Map<string, Span>, what: string, span: Span): Span | undefined {
  const first = places.get(what);
  places.set(what, first ?? span);
  return first;
}
