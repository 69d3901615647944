/** What a command line does to files and whom it connects to, as the kernel sees it: strace, and folders compared. */
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface Traced {
  /** Files that were opened to be read. */
  readonly read: ReadonlySet<string>;
  /** Those that were opened to be written and are there in the end, made or changed. */
  readonly written: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
  /** IPv4 addresses. */
  readonly hosts: ReadonlySet<string>;
}

/** Nobody's rights, where the test has all: what a random line writes elsewhere by mistake is refused. */
const NOBODY = 65_534;
export const RUNNER = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

const CALLS = "open,openat,openat2,creat,connect";

/** `text` run by bash in `place`, below `root`; nothing outside of `root` is told. */
export function traced(text: string, { root, place }: { root: string; place: string }): Traced {
  const log = join(root, "log", "strace");
  rmSync(log, { force: true });
  const before = entriesBelow(root);
  const strace = ["-f", "-qq", "-y", "-s", "4096", "-e", `trace=${CALLS}`, "-o", log];
  // What reads what it writes would else go on until the disk is full, and what waits for nothing after the test.
  const limited = ["-c", 'ulimit -f 4096 -t 30 && exec strace "$@"', "bash", ...strace];
  const { error } = spawnSync("/bin/bash", [...limited, "/bin/bash", "-c", text], {
    ...RUNNER,
    cwd: place,
    env: {
      PATH: "/usr/bin:/bin",
      HOME: place,
      LC_ALL: "C",
      GIT_CONFIG_NOSYSTEM: "1",
    },
    input: "",
    stdio: ["pipe", "ignore", "ignore"],
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  if (error !== undefined || !existsSync(log)) throw new Error(`strace did not run: ${error}`);
  const after = entriesBelow(root);
  return told(readFileSync(log, "utf8"), before, after, root);
}

const OPENED = /(?:openat2?|open|creat)\((.*)\)\s+= \d+<(.*)>$/;

/** Name servers are asked for whatever is a name. */
const CONNECTED = /connect\(.*sin_port=htons\((?!53\))\d+\), sin_addr=inet_addr\("([\d.]+)"\)/;

function told(log: string, before: Entries, after: Entries, root: string): Traced {
  const [read, written, hosts] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const line of log.split("\n")) {
    const [, host] = CONNECTED.exec(line) ?? [];
    if (host !== undefined) hosts.add(host);
    const [, given = "", file = ""] = OPENED.exec(line) ?? [];
    if (!file.startsWith(`${root}/`) || /O_DIRECTORY|O_PATH/.test(given)) continue;
    const writes = /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC/.test(given) || line.includes(" creat(");
    // What is gone in the end was only for the meantime.
    if (writes && after.has(file)) written.add(file);
    const isFile = (after.get(file) ?? before.get(file))?.isFile;
    if (!/O_WRONLY/.test(given) && isFile === true) read.add(file);
  }
  for (const [path, entry] of after) if (entry.mark !== before.get(path)?.mark) written.add(path);
  const removed = new Set([...before.keys()].filter((path) => !after.has(path)));
  return { read, written, removed, hosts };
}

interface Entry {
  readonly isFile: boolean;
  /** Another one, where it was changed. */
  readonly mark: string;
}

type Entries = ReadonlyMap<string, Entry>;

/** Everything below a folder but what the trace itself needs. */
function entriesBelow(root: string): Entries {
  const entries = new Map<string, Entry>();
  const walk = (folder: string) => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (path === join(root, "template") || path === join(root, "log")) continue;
      const stat = lstatSync(path, { bigint: true });
      // A folder changes with what is in it.
      const times = stat.isDirectory() ? "" : `${stat.mtimeNs} ${stat.size} ${stat.ino}`;
      entries.set(path, { isFile: stat.isFile(), mark: `${stat.mode} ${stat.uid} ${times}` });
      if (stat.isDirectory()) walk(path);
    }
  };
  walk(root);
  return entries;
}
