// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a shell expands them
/**
 * Random command lines, given to bash and dash where every program only notes the folder it was started in and its
 * arguments: each of a line that counts as understood must be among `programs`, and each operand of one that removes
 * must be among `deletes`, or one of these must be seen from `/`, which stands for what is not known.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCommand } from "../../lang/scalar/command.ts";
import { seedFrom } from "../support/seed.ts";

const SEED = seedFrom("COMMAND_SEED");
const RUNS = Number(process.env.COMMAND_RUNS ?? 300);

/** Only these are on PATH. Those that are real start others, and touch no file. */
const NOTES = ["rm", "cp", "mv", "xx"];
const REAL = ["env", "nice", "timeout", "xargs", "find", "bash", "dash"];

/** `%` is the folder that all happens in: it holds `a/b`, `c`, and a file `f` in each. */
const path = fc.constantFrom(
  ...["f", "./f", "a", "a/f", "../f", "%/a/f", "%/c/../f", "~/f", "'f'", "a/b/..", "-f", "~+/f"],
  ...["*", "a/*", "?", "[ac]/f", "{a,c}/f", "%/?/f", ".*", "a/{b,}", "{f,-r}", "{a..c}", "x=f"],
  ...[
    "$x",
    '"$x"',
    "$x/f",
    "-r$x",
    '"$@"',
    "${x:-f}",
    "${y:=f}",
    "$(echo f)",
    "`pwd`/f",
    "$HOME/f",
  ],
  ...["$PWD/f", "%/$x", "$OLDPWD/f", '"${z[@]}"', "-- -f", "\"a\"'/f'", "$'\\x66'", "a\\\n/f"],
);

const folder = fc.constantFrom(
  ...[
    "a",
    "%/c",
    "a/b",
    "..",
    "none",
    "$x",
    "~",
    "-",
    ".",
    "-- c",
    "-P a",
    "%/none",
    "{a,}",
    "c/..",
  ],
);

const start = fc.constantFrom(
  ...["rm @", "rm @ @", "mv @ @", "mv -t c @", "rm -r -- @", "xx @", "cp @ @"],
);

const filledStart = fc.tuple(start, path, path).map(([text, one, other]) => {
  const words = [one, other];
  return text.replace(/@/g, () => words.shift() ?? "f");
});

/** `#` is a line, `#'` one as a quoted text, `@` a path, `^` a folder. */
const FORMS = [
  ...["cd ^ && #", "cd ^; #", "cd ^ || #", "cd ^ && cd ^ || #", "! cd ^ && #", "! cd ^ || #"],
  ...["(cd ^); #", "{ cd ^; } && #", "cd ^ | cd ^; #", "cd ^ & #", "pushd ^; #", "pushd -n ^ && #"],
  ...["cd ^ && pushd ^ && popd; #", "if cd ^; then #; else #; fi", "cd ^ && false || #", "cd; #"],
  ...[
    "for x in @ @; do #; done",
    "for x in 1 2; do #; cd ^; done",
    "while #; do cd ^; break; done",
  ],
  ...["x=@; #", "x=@ #", "HOME=%/c; #", "HOME=%/c eval #'", "CDPATH=%/c; cd ^ && #", "set -- @; #"],
  ...["z=(@ @); #", "x='f ../f'; #", "x='-t a'; #", "x=..; #", "export x=@; #", "y=@; #"],
  ...[
    "f() { cd ^; }; f; #",
    "f() { #; }; cd ^; f",
    "trap #' EXIT; cd ^",
    "eval #'",
    "eval 'cd ^'; #",
  ],
  ...[
    "env -C ^ #1",
    "env --chdir=^ #1",
    "env x=@ #1",
    "nice #1",
    "timeout 9 #1",
    "env -C ^ bash -c #'",
  ],
  ...[
    "find ^ -maxdepth 1 -exec #1 {} +",
    "find ^ -maxdepth 1 -execdir #1 {} \\;",
    "find . -execdir #1 \\;",
  ],
  ...["echo @ | xargs #1", "xargs #1 <<< @", "echo @ | xargs -I{} #1 {}", "xargs -n 1 #1 <<< @"],
  ...[
    "bash -c #'",
    "dash -c #'",
    "command cd ^ && #",
    "command #1",
    "builtin cd ^; #",
    "cd ^ && exec #1",
  ],
  ...[
    "case @ in *) #;; esac",
    "case x in x) cd ^;; esac; #",
    "cd ^ > /dev/null && #",
    "true && cd ^; #",
  ],
  ...[
    "PAGER='cd ^' xx; #",
    "bash -c 'cd ^' && #",
    "cd $(echo ^) && #",
    "#; #",
    "# && #",
    "! # || #",
  ],
];

const { line } = fc.letrec<{ line: string }>((tie) => ({
  line: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    filledStart,
    filledWith(fc.constantFrom(...FORMS), tie("line")),
  ),
}));

function filledWith(form: fc.Arbitrary<string>, inner: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const some = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 2, maxLength: 2 });
  return fc
    .tuple(form, some(inner), some(path), some(folder), some(filledStart))
    .map(([text, lines, paths, folders, starts]) => {
      const next = { line: 0, path: 0, folder: 0, start: 0 };
      return text.replace(/#'|#1|#|@|\^/g, (sign) => {
        if (sign === "@") return paths[next.path++] ?? "f";
        if (sign === "^") return folders[next.folder++] ?? "a";
        if (sign === "#1") return starts[next.start++] ?? "rm f";
        const whole = lines[next.line++] ?? "rm f";
        return sign === "#" ? whole : `'${whole.replaceAll("'", "'\\''")}'`;
      });
    });
}

/** What dash reads otherwise; a `Command` is told as bash reads it then. */
const OF_BASH = /\$'|\{[^}$]*(?:,|\.\.)|~\+|z=\(|\[@\]|pushd|popd|<<<|builtin|~\+/;

interface Started {
  readonly program: string;
  readonly folder: string;
  readonly args: readonly string[];
}

for (const shell of ["bash", "dash"]) {
  test(`what ${shell} removes is told, seed ${SEED}`, { timeout: 300_000 }, () => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), "writ-files-")));
    try {
      prepare(root);
      let removed = 0;
      const place = join(root, "place");
      fc.assert(
        fc.property(line, (form) => {
          fc.pre(!OF_BASH.test(form) || (shell === "bash" && !form.includes("dash")));
          const text = form.replaceAll("%", place);
          const told = parseCommand(text);
          for (const run of startedBy(shell, text, root)) {
            if (told.parsed) expect(told.programs).toContain(run.program);
            if (!told.programs.has(run.program)) continue;
            const files = removedBy(run);
            removed += files.length;
            const all = [...told.deletes].map((path) => absolute(path, place, place));
            // Outside of all that was written there: it is said that this is not known.
            if (all.some((path) => !path.startsWith(place))) continue;
            const unseen = files.filter((file) => !all.some((path) => stands(path, file)));
            expect({ unseen, told: all }).toEqual({ unseen: [], told: all });
          }
        }),
        { seed: SEED, numRuns: RUNS },
      );
      expect(removed).toBeGreaterThan(RUNS / 20);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
}

/** Absolute paths of what such a call would remove. */
function removedBy({ program, folder, args }: Started): readonly string[] {
  if (program !== "rm" && program !== "mv") return [];
  const dashes = args.indexOf("--");
  const isOperand = (word: string, at: number) =>
    (dashes >= 0 && at > dashes) || !word.startsWith("-");
  const operands = args.filter((word, at) => isOperand(word, at) && word !== "");
  const [into] = args.filter((_, at) => args[at - 1] === "-t");
  const sources =
    into === undefined ? operands.slice(0, -1) : operands.filter((one) => one !== into);
  return (program === "rm" ? operands : sources).map((one) => absolute(one, folder, folder));
}

function absolute(path: string, from: string, home: string): string {
  const whole = path.startsWith("/") ? path : `${from}/${path.replace(/^~(?=\/|$)/, home)}`;
  const kept: string[] = [];
  for (const part of whole.replace(`${from}/${home}`, home).split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  return `/${kept.join("/")}`;
}

/** A pattern stands for the names that a shell puts in its place; at its end `*` may be any depth, as of `find`. */
function stands(path: string, file: string): boolean {
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

function prepare(root: string): void {
  mkdirSync(join(root, "bin"));
  for (const name of NOTES) {
    const file = join(root, "bin", name);
    // Each entry: name, folder, how many arguments, and these, every one ended by NUL.
    writeFileSync(file, `#!/bin/bash\nprintf '%s\\0' ${name} "$PWD" $# "$@" >> "$WRIT_STARTED"\n`);
    chmodSync(file, 0o700);
  }
  for (const name of REAL) {
    const found = ["/usr/bin", "/bin"].find((directory) => existsSync(join(directory, name)));
    if (found === undefined) throw new Error(`no ${name} on this machine`);
    symlinkSync(join(found, name), join(root, "bin", name));
  }
  for (const folder of ["a/b", "c/a"]) mkdirSync(join(root, "place", folder), { recursive: true });
  for (const folder of [".", "a", "a/b", "c"]) writeFileSync(join(root, "place", folder, "f"), "");
}

let lines = 0;

/** Each line notes in a file of its own: what it left in the background may start later. */
function startedBy(shell: string, text: string, root: string): readonly Started[] {
  const note = join(root, `started-${++lines}`);
  const place = join(root, "place");
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
