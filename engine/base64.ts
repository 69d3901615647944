/** Base64 in its one spelling. Pure. */

/** `undefined` where the bytes are spelled otherwise: unused bits and other alphabets would be second spellings. */
export function readBase64(text: string, alphabet: "base64" | "base64url"): Buffer | undefined {
  const bytes = Buffer.from(text, alphabet);
  return bytes.toString(alphabet) === text ? bytes : undefined;
}
