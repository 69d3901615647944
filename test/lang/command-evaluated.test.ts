/**
 * Shells run text that looks like data: an index `a[$(…)]` wherever arithmetic meets it, prompts, traps. Each of
 * these is given to bash, which makes the file `M`, and must not pass for a command line that starts nothing.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseCommand } from "../../lang/scalar/command.ts";

const CODE = "'a[$(touch M)]'";

const RUN = [
  `[[ ${CODE} -eq 1 ]]`,
  `[[ -n x && 0 -lt ${CODE} ]]`,
  `[[ -v ${CODE} ]]`,
  `declare -i x=${CODE}`,
  `declare -i x; x=${CODE}`,
  `declare -n x=${CODE}; echo $x`,
  `export x=${CODE}; declare -i y=x`,
  `x=${CODE}; a[x]=1`,
  `x=${CODE}; a=([x]=1)`,
  `x=${CODE}; let y=x`,
  `x=${CODE}; read a[x] <<< 1`,
  `x=${CODE}; printf -v a[x] 1`,
  `x=${CODE}; test -v a[x]`,
  `x=abc; echo \${x:${CODE}}`,
  `echo \${a['$(touch M)']}`,
  "a=(['b[$(touch M)]']=1)",
  "x='a[$'; x+='(touch M)]'; echo $((x))",
  "x='a[$'; y='(touch M)]'; z=$x$y; echo $((z))",
  "x=a[\\$\\(touch\\ M\\)]; echo $((x))",
  "x=$'a[\\x24(touch M)]'; echo $((x))",
  "x='a['; x+='`touch M`]'; echo $((x))",
  "k='$(touch M)'; printf -v \"a[$k]\" 1",
  "k='$(touch M)'; declare -i x=\"a[$k]\"",
  `k='$(touch M)'; x="a[$k]"; echo \${!x}`,
  `for x in ${CODE}; do echo $((x)); done`,
  "for k in '$(touch M)'; do printf -v \"a[$k]\" 1; done",
  `set -- ${CODE}; echo $(($1))`,
  `f() { ((a=$1)); }; f ${CODE}`,
  `f() { [[ $1 -eq 1 ]]; }; f ${CODE}`,
  `bash -c '((x=$1))' a ${CODE}`,
  `env x=${CODE} bash -c 'echo $((x))'`,
  `x=${CODE} bash -c 'let x'`,
  `read x <<< ${CODE}; echo $((x))`,
  "read -r x <<'A'\na[$(touch M)]\nA\necho $((x))",
  `mapfile x <<< ${CODE}; echo $((x))`,
  `x=$(echo ${CODE}); echo $((x))`,
  `echo ${CODE} > f; read x < f; ((x))`,
  `: \${x:=${CODE}}; echo $((x))`,
  "declare -a 'a=($(touch M))'",
  "a=(); declare 'a=([0]=`touch M`)'",
  "export -a 'a=(<(touch M))'; sleep 0.2",
  "declare -a a='(`touch M`)'",
  "b='($(touch M))'; declare -a a=$b",
  "b='($(touch M))'; a=(); declare \"a=$b\"",
  "b='($(touch M))'; f() { local -a a=$b; }; f",
  `RANDOM=${CODE}`,
  `f() { printf -v "$1" x; }; f ${CODE}`,
  "source /dev/fd/3 3<<< 'touch M'",
  "bash /proc/self/fd/3 3<<< 'touch M'",
  "f() { bash; }; f <<< 'touch M'",
  "f() { if :; then cat | bash; fi; }; echo touch M | f",
  "shopt -s expand_aliases; alias q=bash\necho touch M | q",
  "bash --rcfile <(echo touch M) -i",
  "{,} touch M",
  "eval -- touch M",
  "xargs -l touch <<< M",
  'echo "$\\\n(touch M)"',
  "cat <<E\n$\\\n(touch M)\nE",
  "cat <<E\\\n\n$(touch M)\nE",
  "cat <<E\nE\\\n\ntouch M\nE",
  "cat <<EF\nE\\\nF\ntouch M\nEF",
  "cat <<\\\n-E\nE\ntouch M",
  `x=${CODE}; (\\\n( x ))`,
  `x='$(touch M)'; echo \${x@\\\nP}`,
  `coproc bash; echo touch M >&\${COPROC[1]}; sleep 0.3`,
  "a\\\n=1 touch M",
  "2\\\n>&1 touch M",
  "bash -oc errexit 'touch M'",
  "PS4='$(touch M)'; set -x; echo 1",
  "set -x; PS4='$(touch M)'; echo 1",
  "PS4='$'; PS4+='(touch M)'; set -x; echo 1",
  "read -r PS4 <<< '$(touch M)'; set -x; echo 1",
  "for PS4 in '$(touch M)'; do set -x; echo 1; done",
  "declare -n r=PS4; r='$(touch M)'; set -x; echo 1",
  "trap -- 'touch M' EXIT",
  "jobs -x touch M",
  "compgen -C 'touch M' a",
  "compgen -W '$(touch M)'",
  "BASH_ALIASES[ls]='touch M'\nshopt -s expand_aliases\nls",
];

describe("text that a shell runs where it evaluates it", { timeout: 60_000 }, () => {
  test.each(RUN)("%j", (text) => {
    expect(bashRuns(text)).toBe(true);
    const { parsed, programs } = parseCommand(text);
    expect(!parsed || programs.has("touch")).toBe(true);
  });
});

function bashRuns(text: string): boolean {
  const directory = mkdtempSync(join(tmpdir(), "writ-shell-"));
  try {
    spawnSync("bash", ["-c", text], {
      cwd: directory,
      input: "",
      stdio: ["pipe", "ignore", "ignore"],
    });
    return existsSync(join(directory, "M"));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe("calculations and quotes that run nothing are understood", () => {
  test.each([
    "i=0; while ((i<10)); do i=$((i+1)); done",
    "for ((i=0; i<3; i++)); do echo $i; done",
    "for i in 1 2 3; do echo $((i * 2)); done",
    "bash -c 'for i in 1 2; do echo $((i * 2)); done'",
    "n=3; if [[ $n -gt 2 ]]; then echo yes; fi",
    "[[ -f x && $y == *.txt ]] && echo yes",
    `a=(1 2); echo \${a[0]} \${a[@]}`,
    "x=$(date); echo $x",
    "read -r x; echo $x",
    "while read -r line; do echo $line; done < f",
    "grep -n 'foo$' f | awk '{ print $1 }'",
    "cat > f <<'EOF'\n$(x) `y`\nEOF",
    "set -ex; npm test",
    'export A="(venv) $B"',
    "trap 'echo done' EXIT",
  ])("%j", (text) => {
    expect(parseCommand(text).parsed).toBe(true);
  });
});

test.each([
  ["printf -v PATH .", "PATH"],
  ["for PATH in .; do ls; done", "PATH"],
  [`: \${LD_PRELOAD:=x.so}; export LD_PRELOAD`, "LD_PRELOAD"],
  ["declare -n r=PATH; r=.", "PATH"],
  ["getopts a PATH", "PATH"],
])("%j sets %s", (text, name) => {
  expect(parseCommand(text).variables.has(name)).toBe(true);
});
