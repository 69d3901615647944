/** JSON pointers (RFC 6901) to parts of requests that an operator names. Pure. */

/** The steps of a pointer; nothing where it is none, or the whole document. */
export function readPointer(text: string): readonly string[] | undefined {
  if (!/^(?:\/(?:[^~/]|~[01])+)+$/.test(text)) return undefined;
  return text
    .slice(1)
    .split("/")
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** What stands there, of own members only; `undefined` where nothing does. */
export function valueAt(json: unknown, steps: readonly string[]): unknown {
  let found = json;
  for (const step of steps) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, step))
      return undefined;
    found = (found as Readonly<Record<string, unknown>>)[step];
  }
  return found;
}

/** The same JSON without what stands there; itself where nothing does. */
export function without(json: unknown, [step, ...rest]: readonly string[]): unknown {
  if (step === undefined || typeof json !== "object" || json === null) return json;
  if (!Object.hasOwn(json, step)) return json;
  const member = (json as Readonly<Record<string, unknown>>)[step];
  const left = rest.length === 0 ? undefined : without(member, rest);
  if (left === member) return json;
  if (Array.isArray(json))
    return json.map((item, index) => (String(index) === step ? (left ?? null) : item));
  const made: Record<string, unknown> = Object.assign(Object.create(null), json);
  if (left === undefined) delete made[step];
  else made[step] = left;
  return made;
}
