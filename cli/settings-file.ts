/** A file of settings that people write: YAML or JSON, read so that no other reader could read it otherwise. */
import { type Document, isScalar, LineCounter, parseDocument, visit } from "yaml";
import { messageOf } from "../engine/fault.ts";
import type { JsonLimits } from "../engine/limits.ts";
import { Misuse } from "./command.ts";
import { strictJson } from "./documents.ts";
import { decodeText, readBytes } from "./files.ts";

const LIMITS: JsonLimits = {
  byteCount: 1024 * 1024,
  depth: 16,
  memberCount: 1_000,
  valueCount: 50_000,
};

/** `path` is what people called it. */
export function readSettingsFile(full: string, path: string): unknown {
  const bytes = readBytes(full, LIMITS.byteCount);
  return /\.ya?ml$/.test(path)
    ? yamlOf(decodeText(bytes, path), path)
    : strictJson(bytes, path, LIMITS);
}

function yamlOf(text: string, path: string): unknown {
  try {
    const lineCounter = new LineCounter();
    // The parser compares each name with all before it, which takes a minute for 1 MB.
    const document = parseDocument(text, { uniqueKeys: false, lineCounter });
    // A warning is of what is taken for something else than it says, such as the text behind a tag of another reader.
    const [wrong] = [...document.errors, ...document.warnings];
    if (wrong !== undefined) throw wrong;
    refuseRepeated(document, lineCounter);
    return document.toJS({ maxAliasCount: 0 });
  } catch (fault) {
    throw new Misuse(`${path} is no YAML: ${messageOf(fault)}`);
  }
}

/** Names are compared as the texts that they become: `1` and `"1"` are one member. */
function refuseRepeated(document: Document.Parsed, lines: LineCounter): void {
  visit(document, {
    Map(_at, { items, range }) {
      const seen = new Set<string>();
      for (const { key } of items) {
        if (!isScalar(key)) {
          const { line } = lines.linePos(range?.[0] ?? 0);
          throw new Error(`a name is a text, and no list or map, at line ${line}`);
        }
        const name = String(key.value ?? "");
        if (seen.has(name)) {
          const { line } = lines.linePos(key.range?.[0] ?? 0);
          throw new Error(`names must be unique: \`${name}\` stands twice, at line ${line}`);
        }
        seen.add(name);
      }
    },
  });
}
