/**
 * The script in the two ways that Redis can be given it: as a library of functions, which it reads once, or as a
 * script, which runs from its first line at each call. Both are named by their text, so that two versions of
 * Writ can share a server, and nobody's change of one is taken for it.
 */
import { createHash } from "node:crypto";

export interface Library {
  /** What makes it known to the server: the same as often as one likes. */
  readonly load: readonly string[];
  /** What a call of it begins with; its keys follow, by their number. */
  readonly call: readonly [string, string];
  /** Whether this error says that the server knows it no longer, and did nothing. */
  isForgotten(fault: unknown): boolean;
}

/** The script's last line, which runs what the lines above define. */
const RUN = "return run(KEYS, ARGV)\n";

/** From Redis 7 on, and Valkey. */
export function functionsOf(script: string): Library {
  if (!script.endsWith(RUN)) throw new Error(`a script that does not end in \`${RUN.trim()}\``);
  const name = `writ_${digest(script)}`;
  const defined = script.slice(0, -RUN.length);
  const text = `#!lua name=${name}\n${defined}redis.register_function('${name}', run)\n`;
  return {
    load: ["FUNCTION", "LOAD", "REPLACE", text],
    call: ["FCALL", name],
    isForgotten: (fault) => startsWith(fault, "ERR Function not found"),
  };
}

export function scriptOf(script: string): Library {
  return {
    load: ["SCRIPT", "LOAD", script],
    call: ["EVALSHA", digest(script)],
    isForgotten: (fault) => startsWith(fault, "NOSCRIPT"),
  };
}

/** Of a server that is too old for functions, or does not allow them to this user. */
export function hasNoFunctions(fault: unknown): boolean {
  return startsWith(fault, "ERR unknown command") || startsWith(fault, "NOPERM");
}

function digest(script: string): string {
  return createHash("sha1").update(script).digest("hex");
}

function startsWith(fault: unknown, text: string): boolean {
  return fault instanceof Error && fault.message.startsWith(text);
}
