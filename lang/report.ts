import type { Code } from "./codes.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { Span } from "./source.ts";

/** How a pass says what it found; it goes on after saying it. */
export type Report = (code: Code, span: Span, message: string, help?: string) => void;

/** A report that collects, each finding once. */
export function collect(into: Diagnostic[]): Report {
  const seen = new Set<string>();
  return (code, span, message, help) => {
    const key = `${code} ${span.file} ${span.start} ${span.end} ${message}`;
    if (seen.has(key)) return;
    seen.add(key);
    into.push(help === undefined ? { code, message, span } : { code, message, span, help });
  };
}
