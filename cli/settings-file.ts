/** A file of settings that people write: YAML or JSON, read so that no other reader could read it otherwise. */
import { parseDocument } from "yaml";
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
    const document = parseDocument(text, { uniqueKeys: true });
    // A warning is of what is taken for something else than it says, such as the text behind a tag of another reader.
    const [wrong] = [...document.errors, ...document.warnings];
    if (wrong !== undefined) throw wrong;
    return document.toJS({ maxAliasCount: 0 });
  } catch (fault) {
    throw new Misuse(`${path} is no YAML: ${messageOf(fault)}`);
  }
}
