/** What the name of a program says alone. */

/** The same programs under other names. */
export const ALIASES: ReadonlyMap<string, string> = new Map([
  [".", "source"],
  ["[", "test"],
  ["gtimeout", "timeout"],
  ["gfind", "find"],
  ["gsed", "sed"],
  ["gxargs", "xargs"],
  ["genv", "env"],
  ["grm", "rm"],
  ["nc.openbsd", "nc"],
  ["nc.traditional", "nc"],
]);

/** Programs that act with another person's or the administrator's rights. */
export const PRIVILEGED: ReadonlySet<string> = new Set([
  "sudo",
  "sudoedit",
  "doas",
  "su",
  "pkexec",
  "runuser",
  "run0",
  "gosu",
  "su-exec",
]);

/** Builtins that change what later words mean in ways that are not followed. */
export const OPAQUE: ReadonlySet<string> = new Set([
  "bind",
  "compgen",
  "complete",
  "enable",
  "fc",
  "parallel",
  "setarch",
  "start-stop-daemon",
]);

/** The program that starts programs: given one, it is it. */
export const LOADER = /^ld(?:-linux[\w-]*)?\.so/;
