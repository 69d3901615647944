/** SQLite's result codes (https://sqlite.org/rescode.html). Pure. */

/** The ones that people can do something about. */
export const CODES = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notDatabase: 26,
};

/** SQLite's primary result code; `undefined` of another error. */
export function codeOf(fault: unknown): number | undefined {
  if (!(fault instanceof Error) || !("errcode" in fault)) return undefined;
  return Number(fault.errcode) & 0xff;
}
