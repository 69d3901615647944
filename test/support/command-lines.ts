/** Random command lines from templates, and shells that are given them where only chosen programs are on PATH. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";

/** What lines are made of; `forms` hold others. */
export interface LineParts {
  readonly starts: readonly string[];
  readonly forms: readonly string[];
  readonly paths: readonly string[];
  readonly folders: readonly string[];
}

/** In a start or form `#` is a line, `#'` one as a quoted text, `#1` a start, `@` a path, `^` a folder. */
export function randomLines(parts: LineParts): fc.Arbitrary<string> {
  const path = fc.constantFrom(...parts.paths);
  const folder = fc.constantFrom(...parts.folders);
  const start = filled(fc.constantFrom(...parts.starts), { path, folder });
  return fc.letrec<{ line: string }>((tie) => ({
    line: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      start,
      filled(fc.constantFrom(...parts.forms), { path, folder, start, line: tie("line") }),
    ),
  })).line;
}

interface Fillings {
  readonly path: fc.Arbitrary<string>;
  readonly folder: fc.Arbitrary<string>;
  readonly start?: fc.Arbitrary<string>;
  readonly line?: fc.Arbitrary<string>;
}

function filled(
  form: fc.Arbitrary<string>,
  { path, folder, start = fc.constant("rm f"), line = fc.constant("rm f") }: Fillings,
): fc.Arbitrary<string> {
  const some = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 3, maxLength: 3 });
  return fc
    .tuple(form, some(line), some(path), some(folder), some(start))
    .map(([text, lines, paths, folders, starts]) => {
      const next = { line: 0, path: 0, folder: 0, start: 0 };
      return text.replace(/#'|#1|#|@|\^/g, (sign) => {
        if (sign === "@") return paths[next.path++] ?? "f";
        if (sign === "^") return folders[next.folder++] ?? "a";
        if (sign === "#1") return starts[next.start++] ?? "rm f";
        const whole = lines[next.line++] ?? "rm f";
        return sign === "#" ? whole : quoted(whole);
      });
    });
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** `bin` in a folder: programs that only note how they were started, and real ones; those that are not here are told. */
export function preparePrograms(
  root: string,
  { notes, real }: { readonly notes: readonly string[]; readonly real: readonly string[] },
): readonly string[] {
  mkdirSync(join(root, "bin"));
  for (const name of notes) {
    const file = join(root, "bin", name);
    // Each entry: name, folder, how many arguments, and these, every one ended by NUL.
    writeFileSync(file, `#!/bin/bash\nprintf '%s\\0' ${name} "$PWD" $# "$@" >> "$WRIT_STARTED"\n`);
    chmodSync(file, 0o700);
  }
  return real.filter((name) => {
    const found = ["/usr/bin", "/bin"].find((directory) => existsSync(join(directory, name)));
    if (found !== undefined) symlinkSync(join(found, name), join(root, "bin", name));
    return found === undefined;
  });
}

export interface Started {
  readonly program: string;
  readonly folder: string;
  readonly args: readonly string[];
}

let lines = 0;

/** What a line starts; each notes in a file of its own: what it left in the background may start later. */
export function startedBy(
  shell: string,
  text: string,
  { root, place }: { readonly root: string; readonly place: string },
): readonly Started[] {
  const note = join(root, `started-${++lines}`);
  spawnSync(`/bin/${shell}`, ["-c", text], {
    cwd: place,
    env: { PATH: join(root, "bin"), HOME: place, WRIT_STARTED: note },
    input: "",
    stdio: ["pipe", "ignore", "ignore"],
    timeout: 5_000,
    killSignal: "SIGKILL",
  });
  if (!existsSync(note)) return [];
  const fields = readFileSync(note, "utf8").split("\0");
  const started: Started[] = [];
  for (let at = 0; at + 2 < fields.length; ) {
    const [program = "", folder = "", count = "0"] = fields.slice(at, at + 3);
    const end = at + 3 + Number(count);
    started.push({ program, folder, args: fields.slice(at + 3, end) });
    at = end;
  }
  return started;
}

/** A path that a `Command` told or a program was given, from the folder and home that it is seen from. */
export function absolute(path: string, from: string, home: string): string {
  const whole = path.startsWith("/") ? path : `${from}/${path.replace(/^~(?=\/|$)/, home)}`;
  const kept: string[] = [];
  for (const part of whole.replace(`${from}/${home}`, home).split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  return `/${kept.join("/")}`;
}

/** A pattern stands for the names that a shell puts in its place; at its end `*` may be any depth, as of `find`. */
export function stands(path: string, file: string): boolean {
  if (path === file || (file.startsWith(`${path.replace(/\/\*$/, "")}/`) && path.endsWith("/*")))
    return true;
  const pattern = path
    .replaceAll("/*/", "/**/")
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replace(/\*+/g, (stars) => (stars === "*" ? "[^/]*" : ".+"))
    .replaceAll("?", "[^/]")
    // What fits nothing stays as it is written.
    .replace(/\[(\w+)\]/g, "(?:[$1]|\\[$1\\])");
  return new RegExp(`^${pattern}$`).test(file);
}
