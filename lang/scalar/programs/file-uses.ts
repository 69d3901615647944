/** Which operands of a program are files that it reads, writes or removes. */
import { TOOL_USES } from "./tool-uses.ts";

/** Which operands of a program it reads, writes (or makes, or changes the mode of) and removes. */
export interface FileUse {
  readonly reads?: Operands;
  readonly writes?: Operands;
  readonly deletes?: Operands;
  /** Letters and long options that take a value, so that it is not taken for an operand. */
  readonly values?: string;
  readonly longValues?: readonly string[];
  /** Options whose value is a file that is read or written. */
  readonly readOptions?: readonly string[];
  readonly writeOptions?: readonly string[];
  /** It makes files where it stands, unless one of these options names another place. */
  readonly here?: readonly string[];
  /** An argument of this form has it only look. */
  readonly looks?: RegExp;
  /** What it does besides where one of its arguments has a form. */
  readonly also?: readonly { readonly having: RegExp; readonly use: FileUse }[];
}

/** `rest` is all but the first, `sources` all but the last, `target` the last. */
export type Operands = "all" | "rest" | "sources" | "target";

const READS_ALL: FileUse = { reads: "all" };

const GREP: FileUse = {
  reads: "rest",
  values: "ABCDdefm",
  longValues: ["include", "exclude", "exclude-dir", "color", "max-count", "context"],
  readOptions: ["f", "file"],
};

const SPLIT_VALUES = ["bytes", "lines", "line-bytes", "number", "suffix-length", "filter"];

export const FILE_USES: ReadonlyMap<string, FileUse> = new Map<string, FileUse>([
  ...TOOL_USES,
  ...["cat", "tac", "nl", "more", "bat", "strings", "source", "wc", "zcat"].map(
    (name): [string, FileUse] => [name, READS_ALL],
  ),
  ...["md5sum", "sha1sum", "sha256sum", "sha512sum", "cmp", "comm", "file", "readlink"].map(
    (name): [string, FileUse] => [name, READS_ALL],
  ),
  ...["b2sum", "cksum", "expand", "fmt", "fold", "hd", "join", "paste", "pr", "rev", "tsort"].map(
    (name): [string, FileUse] => [name, READS_ALL],
  ),
  ...["bzcat", "column", "lz4cat", "sum", "unexpand", "xzcat", "zless", "zmore", "zstdcat"].map(
    (name): [string, FileUse] => [name, READS_ALL],
  ),
  ["diff", { reads: "all", values: "CUWIxX", longValues: ["exclude", "label"] }],
  ["head", { reads: "all", values: "nc", longValues: ["lines", "bytes"] }],
  ["tail", { reads: "all", values: "ncs", longValues: ["lines", "bytes", "pid"] }],
  ["sort", { reads: "all", values: "koSTt", writeOptions: ["o", "output"] }],
  ["cut", { reads: "all", values: "bcdf" }],
  ["od", { reads: "all", values: "AjNStw" }],
  ["hexdump", { reads: "all", values: "efns" }],
  ["base64", { reads: "all", values: "w", longValues: ["wrap"] }],
  ["base32", { reads: "all", values: "w" }],
  ["uniq", { reads: "all", writes: "rest", values: "fsw" }],
  ["split", { reads: "all", writes: "rest", values: "abClnt", longValues: SPLIT_VALUES }],
  ["csplit", { reads: "all", values: "bn", writeOptions: ["f", "prefix"] }],
  ["shuf", { reads: "all", values: "ein", writeOptions: ["o", "output"] }],
  ["mktemp", { writes: "all", writeOptions: ["p", "tmpdir"] }],
  ["date", { readOptions: ["f", "file", "r", "reference"], values: "dIs" }],
  ["mknod", { writes: "all", values: "m" }],
  ["fallocate", { writes: "all", values: "lo", longValues: ["length", "offset"] }],
  ["grep", GREP],
  ["egrep", GREP],
  ["fgrep", GREP],
  ["zgrep", GREP],
  ["rg", { ...GREP, values: "ABCEefgjmMrtT" }],
  ["tee", { writes: "all" }],
  [
    "cp",
    { reads: "sources", writes: "target", values: "St", writeOptions: ["t", "target-directory"] },
  ],
  [
    "mv",
    {
      reads: "sources",
      writes: "target",
      deletes: "sources",
      values: "St",
      writeOptions: ["t", "target-directory"],
    },
  ],
  [
    "ln",
    {
      reads: "sources",
      writes: "target",
      values: "St",
      writeOptions: ["t", "target-directory"],
      // Of one operand it makes one of that name.
      here: ["t", "target-directory"],
    },
  ],
  [
    "install",
    {
      reads: "sources",
      writes: "target",
      values: "gmoSt",
      longValues: ["group", "mode", "owner", "suffix"],
      writeOptions: ["t", "target-directory"],
      // `install -d a b` makes both.
      also: [{ having: /^(?:-[a-zA-Z]*d|--d)/, use: { writes: "all", values: "gmoSt" } }],
    },
  ],
  [
    "rsync",
    {
      reads: "sources",
      writes: "target",
      values: "efBM",
      longValues: ["bwlimit", "chmod", "chown", "exclude", "filter", "include", "port", "timeout"],
      readOptions: ["exclude-from", "files-from", "include-from", "password-file", "read-batch"],
      writeOptions: [
        ...["T", "backup-dir", "log-file", "only-write-batch", "partial-dir", "temp-dir"],
        "write-batch",
      ],
      also: [
        { having: /^--remove-s/, use: { deletes: "sources", values: "efBMT" } },
        { having: /^--del/, use: { deletes: "target", values: "efBMT" } },
      ],
    },
  ],
  ["scp", { reads: "sources", writes: "target", values: "cDFiJloPSX", readOptions: ["F", "i"] }],
  ["rm", { deletes: "all" }],
  ["rmdir", { deletes: "all" }],
  ["unlink", { deletes: "all" }],
  ["shred", { deletes: "all", values: "ns" }],
  ["truncate", { writes: "all", values: "sr", longValues: ["size", "reference"] }],
  ["touch", { writes: "all", values: "drt", longValues: ["date", "reference"] }],
  ["mkdir", { writes: "all", values: "m", longValues: ["mode"] }],
  ["mkfifo", { writes: "all", values: "m" }],
  ["chmod", { writes: "rest", longValues: ["reference"] }],
  ["chown", { writes: "rest", longValues: ["reference", "from"] }],
  ["chgrp", { writes: "rest", longValues: ["reference"] }],
  ["sed", { reads: "rest", values: "efl", longValues: ["expression", "file"], readOptions: ["f"] }],
  ...["awk", "gawk", "mawk", "nawk"].map((name): [string, FileUse] => [
    name,
    { reads: "rest", values: "fFiv", readOptions: ["f"] },
  ]),
  ["less", { reads: "all", values: "bhjkpPtTxyz", writeOptions: ["o", "O", "log-file"] }],
  ["perl", { values: "eEIMm" }],
  ["ruby", { values: "eIrC" }],
  [
    "curl",
    {
      writeOptions: [
        ...["o", "output", "output-dir", "D", "dump-header", "c", "cookie-jar", "trace"],
        ...["trace-ascii", "stderr", "etag-save", "alt-svc", "hsts", "libcurl"],
      ],
      readOptions: ["T", "upload-file", "K", "config", "E", "cert", "key", "b", "cookie"],
      values: "ACdeFHmPQrtuUwxXyYz",
      also: [
        {
          having: /^(?:-[^-]*[OJ]|--remote-[a-z])/,
          use: { here: ["output-dir"], values: "AbcCdDeEFHKmoPQrtTuUwxXyYz" },
        },
      ],
    },
  ],
  [
    "wget",
    {
      writeOptions: [
        ...["O", "output-document", "o", "output-file", "a", "append-output"],
        ...["P", "directory-prefix", "save-cookies", "hsts-file", "warc-file", "rejected-log"],
      ],
      readOptions: ["i", "input-file", "post-file", "body-file", "load-cookies", "config"],
      values: "ABDeIlQRtTUwX",
      here: ["O", "output-document", "P", "directory-prefix"],
      looks: /^--(?:spider|help|version)$/,
    },
  ],
]);

/** Programs for which `host:path` is a file of another host. */
export const REMOTE_FILES: ReadonlySet<string> = new Set(["rsync", "scp"]);

/** Options by which these write what they read. */
export const IN_PLACE: ReadonlyMap<string, RegExp> = new Map([
  ["sed", /^(?:-[nErsuz]*i|--i)/],
  ["awk", /^inplace$|=inplace$/],
  ["gawk", /^inplace$|=inplace$/],
  ["perl", /^-[0-9lnpswWtTaF]*i/],
  ["ruby", /^-[0-9lnpswWaF]*i/],
  ["yq", /^(?:-[a-zA-Z]*i|--in)/],
]);

/** Variables that name a file or folder which programs then write. */
export const WRITTEN_VARIABLE =
  /^(?:GIT_(?:TRACE\w*|DIR|COMMON_DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY)|HISTFILE|SSLKEYLOGFILE|TAPE|TMPDIR)$/;
