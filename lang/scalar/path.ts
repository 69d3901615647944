import { hiddenCharacter } from "./characters.ts";
import { type Parsed, parsed, refused } from "./parsed.ts";

/** Also encoded twice or more: some layer below may decode as often. */
const ENCODED = /%(?:25)*(?:2e|2f|5c|00)/i;
const LONGEST = 4096;

/**
 * A path in canonical form (SPEC §4.3): `/a/b`, `a/b`, `~/a`, `/` or `.`. Resolved by its text alone, as
 * POSIX does without links; what links lead to only the enforcement point can know. Refused rather than
 * repaired: backslashes, encoded separators and dots, hidden characters, and what climbs out of a
 * relative path or of a home.
 */
export function parsePath(text: string): Parsed<string> {
  if (text === "") return refused("is empty");
  if (text.length > LONGEST) return refused(`is longer than ${LONGEST}`);
  if (text.includes("\\")) return refused("holds a backslash");
  if (ENCODED.test(text)) return refused("holds an encoded separator or dot");
  const hidden = hiddenCharacter(text);
  if (hidden !== undefined) return refused(hidden);
  return resolve(text);
}

function resolve(text: string): Parsed<string> {
  const absolute = text.startsWith("/");
  // `..` must not remove the home itself.
  const floor = text.startsWith("~") ? 1 : 0;
  const kept: string[] = [];
  for (const segment of text.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") kept.push(segment);
    else if (kept.length > floor) kept.pop();
    else if (!absolute) return refused("climbs above where it starts");
  }
  if (absolute) return parsed(`/${kept.join("/")}`);
  // `x/../~/a` must not come out as the home.
  if (floor === 0 && kept[0]?.startsWith("~")) return refused("has a home after its start");
  return parsed(kept.length === 0 ? "." : kept.join("/"));
}

/** Both canonical: the same, or below it. Nothing relative is within an absolute path, or the other way. */
export function pathWithin(path: string, folder: string): boolean {
  if (path === folder) return true;
  if (folder === ".") return !path.startsWith("/") && !path.startsWith("~");
  if (folder === "/") return path.startsWith("/");
  return path.length > folder.length && path[folder.length] === "/" && path.startsWith(folder);
}

/**
 * Both canonical: whether the path, or whatever a pattern in it may stand for, is within the folder or holds it. A
 * pattern of a kind that is not known here may stand for anything between what it begins and ends with, `$x` for anything
 * from there on, and `/` for every file.
 */
export function pathReaches(path: string, folder: string): boolean {
  if (path === "/") return true;
  if (startOf(path) !== startOf(folder)) return false;
  const names = pathSegments(folder);
  for (const [at, segment] of pathSegments(path).entries()) {
    const name = names[at];
    if (name === undefined || segment.includes("**")) return true;
    const expands = segment.search(/[$`]/);
    // `$x` may be several folders.
    if (expands >= 0) return mayStandFor(`${segment.slice(0, expands)}*`, name);
    if (!mayStandFor(segment, name)) return false;
  }
  return true;
}

/** Where it is seen from: the root, a home, or wherever the reader is. */
function startOf(path: string): string {
  const [first = ""] = path;
  return first === "/" || first === "~" ? first : ".";
}

function mayStandFor(segment: string, name: string): boolean {
  const opens = segment.search(/[*?[({]|[@!+]\(/);
  if (opens < 0) return segment === name;
  const [end = ""] = /[^*?\])}]*$/.exec(segment) ?? [];
  return name.startsWith(segment.slice(0, opens)) && name.endsWith(end);
}

/** The last segment; empty for `/` and `.`. */
export function pathName(path: string): string {
  return path === "." ? "" : path.slice(path.lastIndexOf("/") + 1);
}

/** What follows the last dot of the name, as written; empty for `Makefile`, `.profile` and `a.`. */
export function pathExtension(path: string): string {
  const name = pathName(path);
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? "" : name.slice(dot + 1);
}

/** `/` and `.` are their own. */
export function pathParent(path: string): string {
  const slash = path.lastIndexOf("/");
  if (slash > 0) return path.slice(0, slash);
  return slash === 0 ? "/" : ".";
}

export function pathSegments(path: string): readonly string[] {
  if (path === "/" || path === ".") return [];
  return (path.startsWith("/") ? path.slice(1) : path).split("/");
}
