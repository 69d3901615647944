// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a shell expands them
/**
 * Random command lines, given to bash where the programs they name note that they were started: of a line that counts
 * as understood, every one that bash starts must be among its `programs`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCommand } from "../../lang/scalar/command.ts";
import { preparePrograms, quoted, startedBy } from "../support/command-lines.ts";
import { seedFrom } from "../support/seed.ts";

const SEED = seedFrom("COMMAND_SEED");
const RUNS = Number(process.env.COMMAND_RUNS ?? 300);

/** Programs that write their names down, and those that start others. */
const NAMES = ["xx", "yy", "zz"];
const REAL = ["bash", "cat", "env", "nice", "timeout", "xargs"];

/** Ways to spell a program. */
const program = fc.constantFrom(
  ...[...NAMES, "x''x", '"yy"', "$'\\x7az'", "x\\x", '$"xx"', "{xx,1}", "x{x,y}", "x\\\nx", "'z'z"],
  ...["$(echo yy)", "${a:-xx}", "../bin/zz", "{,}xx"],
);

/** Words that may start one, or look as if they did. */
const word = fc.constantFrom(
  ...["a", "'a[$(xx)]'", '"$(yy)"', "`zz`", "$a", "${a:-$(xx)}", "${a:=`yy`}", "${a/$(zz)/}", "~"],
  ...[
    "$((1+$(xx)))",
    "<(xx)",
    "'$(xx)'",
    "\\$(",
    "${a[$(xx)]}",
    "${a@P}",
    "${!a}",
    "*",
    "$(# )\nxx)",
  ],
  ...["\"'$(xx)'\"", "${a+'$(zz)'}", "$'\\$(xx)'", "${a:-'}'$(yy)}", "$( (xx) )", "$(( (xx) ))"],
  ...["$(case x in x) yy;; esac)", "`echo \\`zz\\``", "$\\\n(xx)", "'(`yy`)'", "a=$(xx)"],
);

/** What a line stands in; `%` is a line, `#` one as a quoted text, `@` a word. */
const FORMS = [
  ...[
    "% @",
    "@ %",
    "%; %",
    "% && %",
    "% | %",
    "%\n%",
    "(%)",
    "{ %; }",
    "! %",
    "time %",
    "% &\nwait",
  ],
  ...[
    "a=@ %",
    "a=@; %",
    "a=(@ @); %",
    "a+=@; %",
    "a[1]=@; %",
    "> f %",
    "% 2>&1 > f",
    "echo @ > f; %",
  ],
  ...["if %; then %; fi", "for a in @; do %; done", "while %; do break; done", "[[ a == @ ]]; %"],
  ...[
    "case @ in *) %;; esac",
    "case x in @) ;; (*) % ;& y) %;; esac",
    "f() { %; }; f",
    "f() (%); f",
  ],
  ...[
    "function f { %; }; f @",
    "f() if :; then %; fi; f",
    "select a in 1; do %; break; done <<< 1",
  ],
  ...["eval #", "eval %", "bash -c #", "bash -oc errexit #", "bash <<'E'\n%\nE", "bash <<E\n%\nE"],
  ...[
    "bash <<< #",
    "echo # | bash",
    "f() { bash; }; f <<< #",
    "trap # EXIT",
    "trap -- # 0",
    ". <(echo #)",
  ],
  ...["cat <<E\n@\nE\n%", "cat <<'E'; %\n@\nE", "cat <<-E\n\t@\n\tE\n%", "cat <<E <<F\nE\nF\n%"],
  ...["cat <<E\nE\\\n\n%\nE", "cat <<E\\\n\n@\nE", "echo a#b; %", "echo # %\n%", "echo a \\\n; %"],
  ...[
    "env %",
    "env -i a=b %",
    "command %",
    "builtin command %",
    "exec %",
    "nice -n 1 %",
    "timeout 9 %",
  ],
  ...["echo 1 | xargs %", "xargs -l % <<< 1", "xargs -I{} % <<< 1", "coproc %; wait", "jobs -x %"],
  ...["[[ @ -eq 0 ]]", "[[ -v @ ]]", "test -v @", "let @", "(( @ ))", "declare -i a=@", "unset @"],
  ...[
    "declare -a @",
    "declare -a a=@",
    'a=(); declare "a="@',
    "read @ <<< 1",
    "printf -v @ x",
    "RANDOM=@",
  ],
  ...[
    "shopt -s expand_aliases\nalias q=#\nq",
    "mapfile -C # -c 1 <<< 1",
    "set -x; PS4=@; %",
    "compgen -W @",
  ],
];

const { line } = fc.letrec<{ line: string }>((tie) => ({
  line: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    program,
    fc
      .tuple(
        fc.constantFrom(...FORMS),
        fc.array(tie("line"), { minLength: 2, maxLength: 2 }),
        word,
        word,
      )
      .map(([form, lines, first, second]) => filled(form, lines, [first, second])),
  ),
}));

function filled(form: string, lines: readonly string[], words: readonly string[]): string {
  let [atLine, atWord] = [0, 0];
  return form.replace(/%|@|(?<=[ =])#(?=$|[\s;)]| \|)(?! %)/g, (sign) => {
    if (sign === "@") return words[atWord++] ?? "a";
    const text = lines[atLine++] ?? "xx";
    return sign === "#" ? quoted(text) : text;
  });
}

test(`of random lines nothing is started unseen, seed ${SEED}`, { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "writ-random-"));
  try {
    preparePrograms(folder, { notes: NAMES, real: REAL });
    let started = 0;
    fc.assert(
      fc.property(line, (text) => {
        const { parsed, programs } = parseCommand(text);
        if (!parsed) return;
        const place = mkdtempSync(join(folder, "run-"));
        const calls = startedBy("bash", text, { root: folder, place });
        const seen = [...new Set(calls.map((call) => call.program))];
        started += seen.length;
        expect(seen.filter((name) => !programs.has(name))).toEqual([]);
      }),
      { seed: SEED, numRuns: RUNS },
    );
    // Most lines that count as understood do start something.
    expect(started).toBeGreaterThan(RUNS / 10);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
