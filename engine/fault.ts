/** What was thrown, for people. Pure. */
export function messageOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}

/** What the system says of a call that failed, as `ENOENT`; `undefined` of what something else threw. */
export function systemCode(fault: unknown): string | undefined {
  return fault instanceof Error && "code" in fault && typeof fault.code === "string"
    ? fault.code
    : undefined;
}

/** Of what the system says of a file: there is none. Whatever else it says, there may be one. */
export function isMissing(fault: unknown): boolean {
  return systemCode(fault) === "ENOENT";
}
