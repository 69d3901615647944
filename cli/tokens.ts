/** Tokens as commands are given them: one a line, or in JSON. */
import { resolve } from "node:path";
import { isTokens } from "../engine/delegation-reader.ts";
import { parseJsonText } from "../engine/json-text.ts";
import { isObject } from "../engine/value-reader.ts";
import { type Io, Misuse } from "./command.ts";
import { decodeText, readBytes } from "./files.ts";

const TOKENS_BYTES_MAX = 1024 * 1024;

/**
 * Lines of a file or of standard input (`-`); or a list, an object with `tokens`, or a request that holds them.
 */
export async function readTokens(path: string, io: Io): Promise<readonly string[]> {
  const name = path === "-" ? "standard input" : JSON.stringify(path);
  const bytes =
    path === "-" ? await io.stdin() : readBytes(resolve(io.cwd, path), TOKENS_BYTES_MAX);
  const text = decodeText(bytes, name).trim();
  const tokens = /^[[{"]/.test(text) ? tokensIn(jsonOf(text, name)) : text.split(/\s+/);
  if (tokens === undefined || tokens.length === 0 || tokens[0] === "") {
    throw new Misuse(`there is no token in ${name}`, "one a line, or JSON with a list `tokens`");
  }
  return tokens;
}

function jsonOf(text: string, name: string): unknown {
  try {
    return parseJsonText(text);
  } catch {
    throw new Misuse(`${name} is neither tokens nor JSON`);
  }
}

function tokensIn(json: unknown): readonly string[] | undefined {
  let found = json;
  // In turn, since nobody knows how deep a stranger's file goes.
  while (isObject(found)) found = "tokens" in found ? found.tokens : found.delegation;
  return isTokens(found) ? found : undefined;
}
