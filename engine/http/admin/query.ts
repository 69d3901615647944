/** A query, read so that no other reader could read it otherwise. */
import type { FastifyReply } from "fastify";
import { type Parsed, parsed, refused } from "../../../lang/scalar/parsed.ts";
import { sendProblem } from "../problem.ts";

/** Each name once and known; `+` must be escaped, since readers differ on what it means. */
export function readQuery<Name extends string>(
  url: string,
  names: readonly Name[],
): Parsed<{ readonly [name in Name]?: string }> {
  const mark = url.indexOf("?");
  const read: { [name in Name]?: string } = {};
  for (const part of mark < 0 ? [] : url.slice(mark + 1).split("&")) {
    const equals = part.indexOf("=");
    const name = names.find((known) => known === part.slice(0, Math.max(equals, 0)));
    if (name === undefined)
      return refused(`it takes ${names.map((known) => `\`${known}\``).join(", ")}`);
    if (read[name] !== undefined) return refused(`\`${name}\` is there twice`);
    const value = unescaped(part.slice(equals + 1));
    if (value === undefined) return refused(`\`${name}\` is not escaped as a query is`);
    read[name] = value;
  }
  return parsed(read);
}

export function refuseQuery(reply: FastifyReply, why: string): FastifyReply {
  return sendProblem(reply, "unexpected_query_value", { detail: why });
}

/** A whole number from 1. */
export function readCount(
  text: string | undefined,
  otherwise: number,
  most: number,
): Parsed<number> {
  if (text === undefined) return parsed(otherwise);
  const count = Number(text);
  return /^[1-9]\d{0,8}$/.test(text) && count <= most
    ? parsed(count)
    : refused(`is a number from 1 to ${most}`);
}

const PLAIN = /^[A-Za-z0-9\-._~!$'()*,;:@/?%]*$/;

function unescaped(text: string): string | undefined {
  if (!PLAIN.test(text)) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
