// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a shell expands them
/**
 * Random command lines of real programs, run by bash under strace: each file that is written, removed, or read outside
 * of the folder, and each host that is connected to, must be among those that a line that counts as understood is told
 * to write, remove, name or reach; or one of these must be seen from `/`, which stands for what is not known.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCommand } from "../../lang/scalar/command.ts";
import { absolute, randomLines, stands } from "../support/command-lines.ts";
import { seedFrom } from "../support/seed.ts";
import { RUNNER, traced } from "../support/traced-files.ts";

const SEED = seedFrom("COMMAND_SEED");
const RUNS = Number(process.env.COMMAND_OPENED_RUNS ?? 150);

/** `%` is the folder that all happens in; `../out` is the one beside it. */
const line = randomLines({
  paths: [
    ...["f", "./f", "a/f", "../f", "%/a/f", "../out/s", "%/../out/s", "~/f", "'f'", "%/../out/new"],
    ...["new", "a/new", "../out/new", "*", "a/*", "[ac]/f", "{a,c}/f", "{f,../out/s}", "../o*/s"],
    ...["$x", '"$x"', "${x:-f}", "$(echo f)", "$HOME/f", "$PWD/f", "$'\\x66'", "a\\\n/f", "~+/f"],
    ...["-f", "-- -f", "../out/.h*"],
  ],
  folders: [
    ...["a", "%/c", "a/b", "..", "none", "~", ".", "../out", "%/../out", "../out/d", "$x", '"$x"'],
  ],
  starts: [
    ...["cat @", "cp @ @", "cp -r @ @", "cp @ @ ^", "cp -t ^ @", "cp -t^ @", "cp --target-d ^ @"],
    ...[
      'cp "$x" ^',
      "cp @ ^ --suffix .b",
      "cp -bS.k @ @",
      "mv --backup --suf=.k @ @",
      "ln -fS .k @ @",
      "mv @ @",
      "mv -t ^ @ @",
      "mv -vt ^ @",
      "tee @ < f",
    ],
    ...["tee -a @ @ <<< x", "sed -i s/l/m/ @", "sed -i.old s/l/m/ @", "sed -n 'w o' @", "rm @"],
    ...["sed 's/l/m/w ../out/new' @", "sed -e '$!d' -e 'w a/o' @", "sed -n '1{r ../out/s\n}' @"],
    ...["sed -i'../out/*' s/l/m/ @", 'sed "1$x" @', "dd if=@ of=@ status=none", "ln -s @ @"],
    ...[
      "ln @ ^",
      "ln -s @",
      "ln -sft ^ @",
      "tar cf @ @",
      "tar -cf @ -C ^ f",
      "tar xf %/t.tar -C ^",
    ],
    ...[
      "tar xfC %/t.tar ^",
      "cd ^ && tar xf %/t.tar",
      "tar c @ > @",
      "tar rf @ @",
      "tar tf %/t.tar",
    ],
    ...["tar cf @ --remove-files @", "find ^ -name f -delete", "find ^ -maxdepth 1 -fprint @"],
    ...["find ^ -name f -exec cp {} ^ \\;", "find ^ -name f -exec sed -i s/l/m/ {} +"],
    ...["echo @ | xargs cat", "echo f | xargs -I{} cp {} ^", "xargs -a @ touch", "xargs -a@ touch"],
    ...["sort -o @ @", "sort @ -o@", "install @ @", "install -d @ @", "install -Dt ^ @"],
    ...["install -m 600 @ ^", "truncate -s 1 @", "touch @", "mkdir @", "mkdir -p @/x", "rm -f @ @"],
    ...["split -b 9 @ @", "split -b 9 @", "csplit -s @ 1", "csplit -sf @ @ 1", "shuf @ -o @"],
    ...["uniq @ @", "gzip @", "gzip -k @", "gunzip %/z.gz", "gzip -dc %/z.gz > @", "chmod 600 @"],
    ...["awk '{print > \"o\"}' @", "awk '{print > f}' f=@ @", "awk -v o=@ '{print > o}' @"],
    ...['awk \'{getline x < "../out/s"; print x > "../out/new"}\' @', "grep -f @ @", "grep -r l ^"],
    ...["mktemp -p ^", "mktemp ^/XXXXXX", "curl -so @ file://%/f", "curl -sO file://%/a/f"],
    ...[
      "curl -sO --output-dir ^ file://%/f",
      "curl -s file://%/../out/%73",
      "curl -s http://127.1:9",
    ],
    ...[
      "curl -sd @a/f 0x7f.1:9",
      "echo > /dev/tcp/127.0.0.1/9",
      "git init -q @",
      "git -C ^ init -q",
    ],
    ...["git clone -q %/r @", "cd ^ && git clone -q %/r", "git -C %/r archive -o @ HEAD"],
    ...[
      "git -C ^ config a.b c",
      "git config -f @ a.b c",
      "git -C %/r mv r @",
      "git -C %/r rm -q r",
    ],
    ...[
      "git -C %/r clean -fdq",
      "git -C %/r checkout -q HEAD~0",
      "git diff --no-index --output=@ f @",
    ],
    ...["git --work-tree=^ --git-dir=%/r/.git checkout -q -- .", "GIT_TRACE=@ git --version"],
    ...[
      "echo x > @",
      ">@ echo x",
      "echo x >> @",
      "echo x &> @",
      "echo x >| @",
      ": <> @",
      "echo >&@",
    ],
    ...[
      "{fd}>@ echo x",
      "exec > @",
      "cat < @",
      "cat <@ >@",
      "exec 3<>@",
      "{ echo; } > @",
      "cat 3<@ <&3",
    ],
    ...[
      "perl -pi.k -e s/l/m/ @",
      "zip -q @ @",
      "unzip -qo %/../out/z -d ^",
      "xz @",
      "openssl rand -out @ 4",
      "xxd @ @",
      "patch -s @ < c/p",
      "cd ^ && patch -sp1 < %/c/p",
      "script -qc : @",
      "flock @ true",
      "strace -o @ true",
      "sqlite3 @ 'create table a(b)'",
      "rsync @ @",
      "ed -s @ <<< w",
      "echo $(< @)",
      "read y < @",
      "mapfile y < @",
      ": ${y:=@}; echo > $y",
      "printf x > @",
    ],
  ],
  forms: [
    ...["cd ^ && #", "cd ^; #", "cd ^ || #", "(cd ^); #", "(cd ^ && #)", "{ cd ^; } && #", "#; #"],
    ...[
      "pushd ^ && #",
      "pushd ^ && popd && #",
      "cd ^ && cd - && #",
      "CDPATH=^ cd a && #",
      "# && #",
    ],
    ...[
      "x=@; #",
      "x=@ #",
      "x='-t ../out'; #",
      "x=-t../out; #",
      "x='w ../out/new'; #",
      "export x=@; #",
    ],
    ...[
      "for x in @ @; do #; done",
      "for x in -t../out; do #; done",
      "f() { #; }; f @",
      "f() { cd ^; }; f; #",
    ],
    ...[
      "set -- @; #",
      'f() { cp "$1" a; }; f -t../out',
      "trap #' EXIT; cd ^",
      "eval #'",
      "bash -c #'",
    ],
    ...[
      "env -C ^ #1",
      "env x=@ #1",
      "nice #1",
      "timeout 9 #1",
      "command #1",
      "env -C ^ bash -c #'",
    ],
    ...[
      "xargs #1 <<< @",
      "find ^ -maxdepth 1 -name f -execdir #1 \\;",
      "if cd ^; then #; fi",
      "! #",
    ],
    ...[
      "HOME=%/c; #",
      "case @ in *) #;; esac",
      "# | cat",
      "# > /dev/null",
      "source /dev/stdin <<< #'",
    ],
    ...['cat <<< "$(#)"', "cat <(#)", "# > >(cat)", "[[ -n @ ]] && #", "true && #", "# || #"],
    ...["shopt -s dotglob nullglob; #", "set -f; #", "x=$(echo @); #", "read -r x <<< @; #"],
  ],
});

test(`what is written, removed and reached is told, seed ${SEED}`, { timeout: 600_000 }, () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "writ-opened-")));
  try {
    prepare(root);
    const place = join(root, "deep", "er", "place");
    let seen = 0;
    fc.assert(
      fc.property(line, (form) => {
        const text = form.replaceAll(/%(?!73)/g, place);
        const told = parseCommand(text);
        if (!told.parsed) return;
        anew(root);
        const { read, written, removed, hosts } = traced(text, { root, place });
        seen += written.size + removed.size + hosts.size;
        const beside = [...read].filter((file) => !file.startsWith(`${place}/`));
        const unseen = {
          written: untold(written, told.writes, place),
          removed: untold(removed, new Set([...told.deletes, ...replaced(told)]), place),
          read: untold(new Set(beside), told.paths, place),
          hosts: [...hosts].filter((host) => !told.hosts.has(host)),
        };
        expect({ text, ...unseen }).toEqual({
          text,
          written: [],
          removed: [],
          read: [],
          hosts: [],
        });
      }),
      { seed: SEED, numRuns: RUNS },
    );
    expect(seen).toBeGreaterThan(RUNS / 4);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

/** What git takes away where it is told to write all of a folder. */
function replaced({ programs, writes }: ReturnType<typeof parseCommand>): ReadonlySet<string> {
  return programs.has("git") ? writes : new Set();
}

function untold(files: ReadonlySet<string>, told: ReadonlySet<string>, place: string): string[] {
  const all = [...told].map((path) => absolute(path, place, place));
  // Outside of all that was written there: it is said that this is not known.
  if (all.some((path) => path === "/" || !path.startsWith(dirname(dirname(place))))) return [];
  return [...files].filter(
    (file) => !all.some((path) => file.startsWith(`${path}/`) || leadsTo(path, file)),
  );
}

/** The file itself, or a folder that is made on the way to it. */
function leadsTo(path: string, file: string): boolean {
  const names = path.split("/");
  return names.some((_, at) => stands(names.slice(0, at + 1).join("/"), file));
}

const PROGRAMS = [
  ...["awk", "bash", "cat", "chmod", "cp", "csplit", "curl", "dd", "env", "find", "git", "grep"],
  ...[
    "gzip",
    "install",
    "ln",
    "mkdir",
    "mktemp",
    "mv",
    "nice",
    "rm",
    "sed",
    "shuf",
    "sort",
    "split",
  ],
  ...["strace", "tar", "tee", "timeout", "touch", "truncate", "uniq", "xargs"],
];

function prepare(root: string): void {
  const missing = PROGRAMS.filter((name) => !existsSync(`/usr/bin/${name}`));
  if (missing.length > 0) throw new Error(`no ${missing.join(", ")} on this machine`);
  mkdirSync(join(root, "log"));
  const place = join(root, "template", "place");
  const out = join(root, "template", "out");
  for (const folder of ["a/b", "c/a", "r"]) mkdirSync(join(place, folder), { recursive: true });
  for (const folder of [".", "a", "a/b", "c", "c/a"])
    writeFileSync(join(place, folder, "f"), "line\n");
  mkdirSync(join(out, "d"), { recursive: true });
  for (const file of ["s", ".hidden", "d/f"]) writeFileSync(join(out, file), "secret\n");
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, {
      cwd: place,
      stdio: "ignore",
      env: { ...process.env, HOME: place },
    });
  run("tar", "cf", "t.tar", "f", "a");
  run("bash", "-c", "gzip -c f > z.gz; cp f r/r");
  const author = ["-c", "user.name=a", "-c", "user.email=a@b"];
  run("git", "-C", "r", "-c", "init.templateDir=", "init", "-q");
  run("git", "-C", "r", "add", "r");
  run("git", "-C", "r", ...author, "commit", "-qm", "a");
}

/** The same files each time, owned by whoever runs the lines. */
function anew(root: string): void {
  rmSync(join(root, "deep"), { recursive: true, force: true });
  mkdirSync(join(root, "deep"));
  cpSync(join(root, "template"), join(root, "deep", "er"), { recursive: true });
  const { uid } = RUNNER;
  if (uid === undefined) return;
  chmodSync(root, 0o755);
  chownSync(join(root, "log"), uid, uid);
  execFileSync("chown", ["-R", `${uid}:${uid}`, join(root, "deep")]);
}
