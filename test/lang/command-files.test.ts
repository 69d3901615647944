// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a shell expands them
/**
 * Random command lines, given to bash and dash where every program only notes the folder it was started in and its
 * arguments: each of a line that counts as understood must be among `programs`, and each operand of one that removes
 * must be among `deletes`, or one of these must be seen from `/`, which stands for what is not known.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCommand } from "../../lang/scalar/command.ts";
import {
  absolute,
  preparePrograms,
  randomLines,
  type Started,
  stands,
  startedBy,
} from "../support/command-lines.ts";
import { seedFrom } from "../support/seed.ts";

const SEED = seedFrom("COMMAND_SEED");
const RUNS = Number(process.env.COMMAND_RUNS ?? 300);

/** Only these are on PATH. Those that are real start others, and touch no file. */
const NOTES = ["rm", "cp", "mv", "xx"];
const REAL = ["env", "nice", "timeout", "xargs", "find", "bash", "dash"];

/** `%` is the folder that all happens in: it holds `a/b`, `c`, and a file `f` in each. */
const line = randomLines({
  paths: [
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
  ],
  folders: [
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
  ],
  starts: [...["rm @", "rm @ @", "mv @ @", "mv -t c @", "rm -r -- @", "xx @", "cp @ @"]],
  forms: [
    ...["cd ^ && #", "cd ^; #", "cd ^ || #", "cd ^ && cd ^ || #", "! cd ^ && #", "! cd ^ || #"],
    ...[
      "(cd ^); #",
      "{ cd ^; } && #",
      "cd ^ | cd ^; #",
      "cd ^ & #",
      "pushd ^; #",
      "pushd -n ^ && #",
    ],
    ...["cd ^ && pushd ^ && popd; #", "if cd ^; then #; else #; fi", "cd ^ && false || #", "cd; #"],
    ...[
      "for x in @ @; do #; done",
      "for x in 1 2; do #; cd ^; done",
      "while #; do cd ^; break; done",
    ],
    ...[
      "x=@; #",
      "x=@ #",
      "HOME=%/c; #",
      "HOME=%/c eval #'",
      "CDPATH=%/c; cd ^ && #",
      "set -- @; #",
    ],
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
  ],
});

/** What dash reads otherwise; a `Command` is told as bash reads it then. */
const OF_BASH = /\$'|\{[^}$]*(?:,|\.\.)|~\+|z=\(|\[@\]|pushd|popd|<<<|builtin|~\+/;

for (const shell of ["bash", "dash"]) {
  test(`what ${shell} removes is told, seed ${SEED}`, { timeout: 300_000 }, () => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), "writ-files-")));
    try {
      const place = join(root, "place");
      prepare(root, place);
      let removed = 0;
      fc.assert(
        fc.property(line, (form) => {
          fc.pre(!OF_BASH.test(form) || (shell === "bash" && !form.includes("dash")));
          const text = form.replaceAll("%", place);
          const told = parseCommand(text);
          for (const run of startedBy(shell, text, { root, place })) {
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

function prepare(root: string, place: string): void {
  const missing = preparePrograms(root, { notes: NOTES, real: REAL });
  if (missing.length > 0) throw new Error(`no ${missing.join(", ")} on this machine`);
  for (const folder of ["a/b", "c/a"]) mkdirSync(join(place, folder), { recursive: true });
  for (const folder of [".", "a", "a/b", "c"]) writeFileSync(join(place, folder, "f"), "");
}
