/** A scalar in canonical form, or one sentence on why the text is none. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function refused(why: string): Parsed<never> {
  return { ok: false, why };
}
