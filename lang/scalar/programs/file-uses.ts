/** Which operands of a program are files that it reads, writes or removes. */

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

export const FILE_USES: ReadonlyMap<string, FileUse> = new Map<string, FileUse>([
  ...["cat", "tac", "nl", "less", "more", "bat", "strings", "xxd", "source", "wc", "zcat"].map(
    (name): [string, FileUse] => [name, READS_ALL],
  ),
  ...["md5sum", "sha1sum", "sha256sum", "sha512sum", "cmp", "comm", "file", "readlink"].map(
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
  ["split", { reads: "all", writes: "rest", values: "abClnt" }],
  ["csplit", { reads: "all", values: "bn", writeOptions: ["f", "prefix"] }],
  ["unzip", { reads: "all", values: "PxX", writeOptions: ["d"] }],
  ...["gcc", "g++", "cc", "c++", "clang", "clang++", "ld", "go"].map((name): [string, FileUse] => [
    name,
    { writeOptions: ["o"] },
  ]),
  ["gpg", { writeOptions: ["o", "output"] }],
  ["patch", { writes: "all", values: "pdiorBDFVYz", writeOptions: ["o", "output", "d"] }],
  ["mknod", { writes: "all", values: "m" }],
  ["ssh-keygen", { writeOptions: ["f"] }],
  ["grep", GREP],
  ["egrep", GREP],
  ["fgrep", GREP],
  ["zgrep", GREP],
  ["rg", { ...GREP, values: "ABCEefgjmMrtT" }],
  ["jq", { reads: "rest", readOptions: ["f", "from-file"] }],
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
    { reads: "sources", writes: "target", values: "St", writeOptions: ["t", "target-directory"] },
  ],
  [
    "install",
    {
      reads: "sources",
      writes: "target",
      values: "gmoSt",
      writeOptions: ["t", "target-directory"],
    },
  ],
  ["rsync", { reads: "sources", writes: "target", values: "efBMT", longValues: ["exclude"] }],
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
]);
