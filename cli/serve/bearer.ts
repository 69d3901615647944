/** A bearer token (RFC 6750) that a server asks for, in a file that nobody else can read. */
import { Misuse } from "../command.ts";
import { readSecret } from "../files.ts";

const BYTES_MAX = 16 * 1024;
/** RFC 6750, §2.1. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** Reads it anew each time, and once at start, so that what is wrong with it is said at once; `shown` is what people call it. */
export function bearerIn(path: string, shown: string): () => string {
  const read = () => {
    const token = readSecret(path, shown, BYTES_MAX).trim();
    if (TOKEN.test(token)) return token;
    throw new Misuse(`\`${shown}\` holds no bearer token`, "one text, as RFC 6750 has it");
  };
  read();
  return read;
}
