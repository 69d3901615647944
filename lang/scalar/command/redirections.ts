/** Redirections: what they read and write, and what a command has to read by them. */
import type { Redirect } from "../shell/tree.ts";
import { COMPUTED, type Input, NOTHING, type Scope } from "./scope.ts";
import type { Walk } from "./walk.ts";

/** What bash opens as a connection. */
const SOCKET = /^\/dev\/(?:tcp|udp)\/([^/]+)/;

export function noteRedirect(walk: Walk, redirect: Redirect, scope: Scope): void {
  const { op, target } = redirect;
  walk.substitutions(target, scope);
  if (redirect.body !== undefined) walk.substitutions(redirect.body, scope);
  if (op === "<<" || op === "<<-" || op === "<<<" || isDescriptor(redirect)) return;
  if (target.runs.some((run) => run.form !== "value")) return;
  const socket = SOCKET.exec(target.text);
  if (socket?.[1] !== undefined) walk.host(socket[1]);
  if (op.startsWith("<")) walk.file(walk.reads, target, scope);
  if (op.includes(">")) walk.file(walk.writes, target, scope);
}

/** The input of a command or of everything in a compound one: the last redirection of it counts. */
export function inputOf(redirects: readonly Redirect[], scope: Scope): Input {
  let { input } = scope;
  for (const { fd, op, target, body } of redirects) {
    // `0>&1` reads from what is written to.
    const isInput = fd === undefined ? op.startsWith("<") : Number(fd) === 0;
    if (!isInput) continue;
    if (body !== undefined) input = { kind: "text", word: body };
    else if (op === "<<<") input = { kind: "text", word: target };
    else if (target.runs.length > 0 || SOCKET.test(target.text)) input = COMPUTED;
    else if (op.endsWith("&") && target.text !== "-") input = COMPUTED;
    else input = NOTHING;
  }
  return input;
}

function isDescriptor({ op, target }: Redirect): boolean {
  return (op === ">&" || op === "<&") && /^\d*-?$/.test(target.text);
}
