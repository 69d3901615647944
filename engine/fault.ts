/** What was thrown, for people. Pure. */
export function messageOf(fault: unknown): string {
  if (!(fault instanceof Error)) return String(fault);
  const unnamed = nameOf(fault);
  return unnamed === undefined
    ? fault.message
    : fault.message.replace("UNKNOWN: unknown error", unnamed);
}

/** Of what Linux and macOS say of files, that for which Node has no name. */
const UNNAMED: ReadonlyMap<unknown, string> = new Map([
  [-122, "EDQUOT"],
  [-69, "EDQUOT"],
  [-116, "ESTALE"],
  [-70, "ESTALE"],
]);

function nameOf(fault: Error): string | undefined {
  const isUnnamed = "code" in fault && fault.code === "UNKNOWN" && "errno" in fault;
  return isUnnamed ? UNNAMED.get(fault.errno) : undefined;
}

/** What the system says of a call that failed, as `ENOENT`; `undefined` of what something else threw. */
export function systemCode(fault: unknown): string | undefined {
  return fault instanceof Error && "code" in fault && typeof fault.code === "string"
    ? (nameOf(fault) ?? fault.code)
    : undefined;
}

/** Of what the system says of a file: there is none. Whatever else it says, there may be one. */
export function isMissing(fault: unknown): boolean {
  return systemCode(fault) === "ENOENT";
}
