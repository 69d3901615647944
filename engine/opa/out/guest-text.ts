/** UTF-8 for QuickJS, which has it for its own strings only. Loaded before what needs it. */
class Encoder {
  encode(text: string): Uint8Array {
    const percent = encodeURIComponent(text.toWellFormed());
    const bytes: number[] = [];
    for (let at = 0; at < percent.length; at += 1) {
      const character = percent.charAt(at);
      bytes.push(
        character === "%"
          ? Number.parseInt(percent.slice(at + 1, at + 3), 16)
          : character.charCodeAt(0),
      );
      if (character === "%") at += 2;
    }
    return Uint8Array.from(bytes);
  }
}

/** Throws on what is not UTF-8, where Node's would put a mark: the text is then refused. */
class Decoder {
  decode(bytes: Uint8Array): string {
    const percent = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`);
    return decodeURIComponent(percent.join(""));
  }
}

Object.assign(globalThis, { TextEncoder: Encoder, TextDecoder: Decoder });
