/** What a process asked of the kernel's files, as `strace` tells it. */
import { execFileSync } from "node:child_process";

/** strace is not everywhere, and where it is it may not trace; CI must have it. */
export function straceIsThere(): boolean {
  try {
    execFileSync("strace", ["-o", "/dev/null", "true"]);
    return true;
  } catch {
    if (process.env.CI !== undefined) throw new Error("the test needs strace, and CI must have it");
    console.warn(
      "SKIPPED: strace is not here or may not trace, and only it shows what is asked of the kernel",
    );
    return false;
  }
}

const CALLS =
  "openat,close,write,pwrite64,writev,pwritev,ftruncate,fallocate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,link,linkat,mkdir,mkdirat,dup,fcntl";

/** Words before the command that is to be traced. */
export function straceTo(path: string): readonly string[] {
  return ["-f", "-qq", "-xx", "-s", "10000000", "-e", `trace=${CALLS}`, "-o", path];
}

export interface Call {
  readonly name: string;
  /** Whole where the kernel has answered; what was asked alone where it begins. */
  readonly args: readonly Arg[];
  readonly result: number;
}

/** Texts are bytes; all else stands as it was told. */
export type Arg = Buffer | string;

/** A call begins at one time and ends at another, and others come between. */
export type Moment =
  | { readonly kind: "begins"; readonly id: number; readonly call: Omit<Call, "result"> }
  | { readonly kind: "ends"; readonly id: number; readonly call: Call };

/** In their order. Calls that never ended have begun. */
export function* momentsIn(trace: string): Generator<Moment, void, undefined> {
  const open = new Map<string, { readonly id: number; readonly name: string; text: string }>();
  let id = 0;
  for (const line of trace.split("\n")) {
    const [, pid = "", resumed, begun, rest = ""] =
      /^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)$/s.exec(line) ?? [];
    if (resumed !== undefined) {
      const known = open.get(pid);
      if (known === undefined) throw new Error(`it did not begin: ${line.slice(0, 200)}`);
      open.delete(pid);
      yield { kind: "ends", id: known.id, call: callFrom(known.name, known.text + rest) };
    } else if (begun !== undefined) {
      id += 1;
      const text = rest.replace(/ ?<unfinished \.\.\.>$/, "");
      yield { kind: "begins", id, call: { name: begun, args: argsIn(text) } };
      if (text === rest) yield { kind: "ends", id, call: callFrom(begun, rest) };
      else open.set(pid, { id, name: begun, text });
    }
  }
}

function callFrom(name: string, text: string): Call {
  const [, asked = "", result = "?"] = /^(.*)\) += (-?\d+|\?).*$/s.exec(text) ?? [];
  return { name, args: argsIn(asked), result: Number(result) };
}

function argsIn(text: string): readonly Arg[] {
  const args = text.match(/"(?:\\x[0-9a-f]{2})*"(?:\.\.\.)?|[^\s,"()=[\]{}]+/g) ?? [];
  return args.map((arg) =>
    arg.startsWith('"') ? Buffer.from(arg.replaceAll(/[^0-9a-f]/g, ""), "hex") : arg,
  );
}
